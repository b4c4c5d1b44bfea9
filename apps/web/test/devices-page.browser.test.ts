// The console's list of devices, in a real browser. Nothing here waits for a fixed time.

import { expect, it } from "vitest";
import { device } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

const file = (name: string) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.alloc(4096, 1) });

describeInBrowser("the page of devices", (open, begin) => {
  it("keeps what a device calls itself from re-ordering the console's own words", async () => {
    const { page, server, url, signIn, row } = await begin();
    const product = "\u202egpj.erawmrif";
    server.devices.set(
      "dev-1",
      device("dev-1", {
        product,
        running: { slot: "a", digest: "ab".repeat(32), version: "1.0\u202e0", releaseSequence: 1, state: "confirmed" },
      }),
    );
    await signIn("/devices");
    expect(await row("dev-1").locator("bdi", { hasText: "erawmrif" }).innerText()).toBe(product);
    await page.goto(`${url}/devices/dev-1`);
    await page.locator("bdi", { hasText: "erawmrif" }).first().waitFor();
    expect(await page.locator("bdi", { hasText: "1.0\u202e0" }).count()).toBeGreaterThan(0);
  });

  it("lists the devices that a filter means as it is typed, and marks what is wrong with it", async () => {
    const { page, server, signIn } = await begin();
    server.devices.set("dev-2", device("dev-2", { tags: ["canary"], attributes: { floor: 3 } }));
    server.devices.set("dev-4", device("dev-4", { tags: ["canary"], online: false }));
    await signIn("/devices");
    const filter = page.getByLabel("Filter");
    const listed = async (): Promise<string[]> =>
      (await page.getByRole("rowheader").allInnerTexts()).map((text) => text.split("\n")[0]!);
    await filter.fill("tag = canary and online");
    await page.getByText("1 device found").waitFor();
    expect(await listed()).toEqual(["dev-2"]);
    await filter.fill("tag = canary and onlin");
    await page.getByText("Did you mean online?").waitFor();
    await page.getByText("The list is by the last filter that could be read.").waitFor();
    expect(await page.locator(".filter-marks").innerText()).toBe(
      `tag = canary and onlin\n${" ".repeat("tag = canary and ".length)}^^^^^`,
    );
    expect(await filter.getAttribute("aria-invalid")).toBe("true");
    expect(await listed()).toEqual(["dev-2"]);
    await filter.fill("attribute.floor > 5");
    await page.getByText("No device matches the filter.").waitFor();
    await page.getByRole("button", { name: "Show all devices" }).click();
    await expect.poll(async () => (await listed()).length).toBe(5);
    await filter.fill("not online");
    await expect.poll(listed).toEqual(["dev-4"]);
    // It is as live as the list.
    server.send({ kind: "device", data: device("dev-1", { online: false }) });
    await expect.poll(listed).toEqual(["dev-1", "dev-4"]);
  });

  it("takes claims and permits, and says which of them it could not take", async () => {
    const { page } = await open("/devices");
    await page.getByRole("button", { name: "Import claims" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Claims").fill(`dev-8 ${"A".repeat(43)}\ndev-9 short`);
    await dialog.getByRole("button", { name: "Import", exact: true }).click();
    await dialog.getByText("Line 2: the secret must be 43 characters").waitFor();
    await dialog.getByLabel("Claims").fill(`dev-8 ${"A".repeat(43)}\ndev-9 ${"B".repeat(42)}E`);
    await dialog.getByRole("button", { name: "Import 2 claims" }).click();
    await dialog.getByText("2 claims imported. These devices may enrol now.").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();

    await page.getByRole("link", { name: "Releases" }).click();
    await page.getByRole("button", { name: "Add permit for flipside-demo 1.1.0" }).click();
    await dialog.getByLabel("Permit file").setInputFiles(file("other.permit"));
    await dialog.getByRole("button", { name: "Add permit" }).click();
    await dialog.getByRole("alert").getByText("permit-invalid").waitFor();
    await dialog.getByLabel("Permit file").setInputFiles({ ...file("back.permit"), buffer: Buffer.from("permit") });
    await dialog.getByRole("button", { name: "Add permit" }).click();
    await dialog.getByText("Added: any device may go back to the image for virtual.").waitFor();
  });

  // Row 5 of what broke when the console was tried as an operator would.
  it("finds a device on which an image has failed, and by what a device is not", async () => {
    const { page, server, row, signIn } = await begin();
    const other = {
      slot: "b",
      digest: null,
      version: "1.1.0",
      state: "failed",
      reason: 70,
      reasonName: "crashed",
    } as const;
    server.devices.set("dev-2", device("dev-2", { other }));
    server.devices.set("dev-3", device("dev-3", { other, online: false }));
    await signIn("/devices");
    const search = page.getByRole("searchbox");
    await search.fill("failed");
    await page.getByText("2 devices found").waitFor();
    await search.fill("failed not online");
    await page.getByText("1 device found").waitFor();
    await row("dev-3").waitFor();
    // It is as live as the list.
    server.send({ kind: "device", data: device("dev-2", { other, online: false }) });
    await row("dev-2").waitFor();
  });
});
