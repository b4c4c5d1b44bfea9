// The console's list of devices, in a real browser. Nothing here waits for a fixed time.

import { noCounts } from "@flipside/api/rollout-arithmetic";
import { expect, it } from "vitest";
import { deployment, device, rollout } from "./fixtures.ts";
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
    await signIn("/devices?columns=product,version");
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

// Row 6 of what broke when the console was tried as an operator would: no bulk action, retry, tags, sort, saved filter
// or export, and a page of 500 devices that was 37,000 pixels high.
describeInBrowser("the grid of devices", (open, begin) => {
  const idOf = (i: number): string => `dev-${String(i).padStart(4, "0")}`;
  const many = (server: { devices: Map<string, ReturnType<typeof device>> }, count: number): void => {
    server.devices.clear();
    for (let i = 0; i < count; i++)
      server.devices.set(idOf(i), device(idOf(i), { tags: i % 4 === 0 ? ["canary"] : ["hall"], online: i % 2 === 0 }));
  };

  it("draws what is seen of many, says how many there are, and goes through them by keys", async () => {
    const { page, server, row, signIn } = await begin();
    many(server, 700);
    await signIn("/devices");
    const grid = page.getByRole("grid", { name: "Devices" });
    await row(idOf(0)).waitFor();
    expect(await grid.getAttribute("aria-rowcount")).toBe("701");
    expect(await row(idOf(0)).getAttribute("aria-rowindex")).toBe("2");
    expect(await page.getByRole("rowheader").count(), "those that are seen").toBeLessThan(60);
    const height = (await row(idOf(3)).boundingBox())!.height;
    expect(height).toBe(36);
    await grid.focus();
    for (const key of ["ArrowDown", "ArrowDown", "Space", "Shift+ArrowDown", "Shift+ArrowDown"])
      await page.keyboard.press(key);
    await page.getByText("3 selected").waitFor();
    expect(await row(idOf(4)).getAttribute("aria-selected")).toBe("true");
    expect(await grid.getAttribute("aria-activedescendant")).toBe(await row(idOf(4)).getAttribute("id"));
    // More are loaded as it goes on.
    await expect
      .poll(async () => {
        await page.keyboard.press("End");
        return row(idOf(699)).count();
      })
      .toBe(1);
    await page.keyboard.press("Home");
    await row(idOf(0)).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: idOf(0) }).waitFor();
  });

  it("selects a range, tags it, and says what was done", async () => {
    const { page, server, row, signIn } = await begin();
    many(server, 30);
    await signIn("/devices");
    await row(idOf(2)).getByRole("checkbox").click();
    await row(idOf(6))
      .getByRole("checkbox")
      .click({ modifiers: ["Shift"] });
    await row(idOf(4)).getByRole("checkbox").click();
    await page.getByText("4 selected").waitFor();
    await page.getByRole("button", { name: "Tag…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Tag 4 devices" }).click();
    await dialog.getByText("Write a tag to give or to take.").waitFor();
    await dialog.getByLabel("Give").fill("Hall");
    await dialog.getByText("“Hall” is no tag").waitFor();
    await dialog.getByLabel("Give").fill("ring:1");
    await dialog.getByRole("button", { name: "Tag 4 devices" }).click();
    await page.getByText("Tags changed on 4 devices").waitFor();
    const tagged = [...server.devices.values()].filter(({ tags }) => tags.includes("ring:1")).map(({ id }) => id);
    expect(tagged).toEqual([2, 3, 5, 6].map(idOf));
    await row(idOf(2)).getByText("ring:1").waitFor();
  });

  it("tries again what did not succeed on those that are selected, in the rollout that is chosen, and nothing else", async () => {
    const { page, server, row, signIn } = await begin();
    const states = ["rolled-back", "failed", "rolled-back", "confirmed"] as const;
    const deployments = states.map((state, i) => deployment(`of-${i + 1}`, `dev-${i + 1}`, { state }));
    const failed = { ...noCounts(), "rolled-back": 2, failed: 1, confirmed: 1 };
    const wave = { index: 0, total: 4, finished: 4, succeeded: 1, cancelled: 0, waiting: 0, unreached: 0 };
    const waves = [{ ...wave, state: "done" as const }];
    for (const [id, name] of [
      ["r8", "Autumn"],
      ["r9", "Winter"],
    ] as const)
      server.rollouts.set(
        id,
        rollout(id, { name, state: "paused", waves, counts: failed, deployments: structuredClone(deployments) }),
      );
    await signIn("/devices");
    for (const id of ["dev-1", "dev-3"]) await row(id).getByRole("checkbox").click();
    await page.getByRole("button", { name: "Retry…" }).click();
    const dialog = page.getByRole("dialog", { name: "Retry 2 devices" });
    await dialog.getByLabel("Rollout").selectOption("Winter");
    await dialog.getByRole("button", { name: "Retry" }).click();
    await page.getByText("Those of 2 devices that did not succeed are tried again.").waitFor();
    const statesOf = (id: string): string[] => server.rollouts.get(id)!.deployments.map(({ state }) => state);
    expect(statesOf("r9")).toEqual(["queued", "failed", "queued", "confirmed"]);
    expect(statesOf("r8"), "of another rollout").toEqual([...states]);
  });

  it("commands all that match after the number was typed, exports them and rolls out to them", async () => {
    const { page, server, url, row, signIn } = await begin();
    many(server, 400);
    await signIn("/devices?filter=tag+%3D+canary");
    await row(idOf(4)).getByRole("checkbox").click();
    await page.getByRole("button", { name: /^Select all/ }).click();
    await page.getByText("All 100 devices that match").waitFor();
    const csv = page.getByRole("link", { name: "Export CSV" });
    const text = await (await page.request.get(url + (await csv.getAttribute("href"))!)).text();
    expect(text.trim().split("\r\n")).toHaveLength(101);
    await page.getByRole("button", { name: "Command…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Command").selectOption("reboot");
    await dialog.getByRole("button", { name: "Command 100 devices" }).click();
    await dialog.getByText("Type 100 to say that all of them are meant.").waitFor();
    await dialog.getByLabel("Type “100”").fill("100");
    await dialog.getByRole("button", { name: "Command 100 devices" }).click();
    await page.getByText("Commanded 100 devices.").waitFor();
    expect([...server.commands.keys()]).toHaveLength(100);
    await row(idOf(8)).getByRole("checkbox").click();
    await page.getByRole("link", { name: "Roll out to these" }).click();
    await page.getByRole("heading", { name: "New rollout" }).waitFor();
    expect(new URL(page.url()).searchParams.get("filter")).toBe(`id in (${idOf(8)})`);
    await expect.poll(() => page.locator(`input[value="id in (${idOf(8)})"]`).count()).toBe(1);
  });

  it("has order and columns in the address, and keeps a list as a group", async () => {
    const { page, server, url, row, signIn } = await begin();
    many(server, 300);
    await signIn("/devices");
    await row(idOf(0)).waitFor();
    await page.getByRole("button", { name: "Device", exact: true }).click();
    await row(idOf(299)).waitFor();
    expect(await page.getByRole("columnheader", { name: "Device", exact: true }).getAttribute("aria-sort")).toBe(
      "descending",
    );
    await page.getByRole("button", { name: "Columns" }).click();
    await page.getByLabel("Security floor").check();
    await page.getByLabel("Tags", { exact: true }).uncheck();
    await page.keyboard.press("Escape");
    await page.getByRole("columnheader", { name: "Security floor" }).waitFor();
    expect(await page.getByRole("columnheader", { name: "Tags" }).count()).toBe(0);
    await page.getByLabel("Filter").fill("not online");
    await page.getByText(/found/).waitFor();
    await page.getByRole("button", { name: "Keep this list" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Away");
    await dialog.getByRole("button", { name: "Keep", exact: true }).click();
    await page.goto(`${url}/devices`);
    await row(idOf(0)).waitFor();
    await page.getByRole("columnheader", { name: "Security floor" }).waitFor();
    await page.getByRole("link", { name: "Away" }).click();
    await row(idOf(299)).waitFor();
    const params = new URL(page.url()).searchParams;
    expect([params.get("sort"), params.get("filter")]).toEqual(["-id", "not online"]);
    expect(params.get("columns")).toContain("securityFloor");
    await page.goBack();
    await row(idOf(0)).waitFor();
    await page.getByRole("button", { name: "Forget…" }).click();
    await page.getByRole("button", { name: "Away" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Forget the group" }).click();
    await expect.poll(() => page.getByRole("link", { name: "Away" }).count()).toBe(0);
  });

  it("completes a filter from fields, operators and values that there are, and takes conditions out again", async () => {
    const { page, server, row, signIn } = await begin();
    many(server, 40);
    await signIn("/devices");
    const filter = page.getByLabel("Filter");
    await filter.pressSequentially("ta");
    await page.getByRole("option", { name: "tag", exact: true }).waitFor();
    expect(await filter.getAttribute("aria-expanded")).toBe("true");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect.poll(() => filter.inputValue()).toBe("tag ");
    await filter.pressSequentially("= ca");
    await page.getByRole("option", { name: "canary" }).click();
    await expect.poll(() => filter.inputValue()).toBe("tag = canary ");
    await filter.pressSequentially("and online");
    await page.keyboard.press("Escape");
    await page.getByText("10 devices found").waitFor();
    const chips = page.getByRole("list", { name: "In force" }).getByRole("listitem");
    expect(await chips.allInnerTexts()).toEqual([`tag = "canary"`, "online = true"]);
    await page.getByRole("button", { name: `Leave out tag = "canary"` }).click();
    await page.getByText("20 devices found").waitFor();
    await row(idOf(2)).waitFor();
    expect(await filter.inputValue()).toBe("online = true");
  });

  it("says what a role can't do, and why", async () => {
    const { page, server, row, signIn } = await begin();
    server.user = { ...server.user, role: "viewer", may: ["fleet:read"] };
    await signIn("/devices");
    await row("dev-2").getByRole("checkbox").click();
    for (const name of ["Tag…", "Command…", "Retry…", "Roll out to these", "Keep this list"]) {
      const button = page.getByRole("button", { name });
      expect(await button.getAttribute("aria-disabled"), name).toBe("true");
      const why = await button.evaluate((element) => element.parentElement!.textContent);
      expect(why, name).toContain("The role viewer can’t");
    }
    await page.getByRole("button", { name: "Export CSV" }).waitFor();
  });

  it("shows times exactly, in UTC when that is asked for, and explains its terms", async () => {
    const { page, url, row } = await open("/devices");
    const shown = () => row("dev-1").locator("time").innerText();
    expect(await shown()).toMatch(/^\d+ \w+ \d{4}, \d\d:\d\d:\d\d /);
    await page.getByRole("button", { name: "Show times in UTC" }).click();
    await expect.poll(shown).toMatch(/^\d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC /);
    await page.goto(`${url}/devices/dev-1`);
    await page
      .getByText(/\d\d:\d\d:\d\d UTC/)
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Security floor" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("The lowest security number").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("The lowest security number").waitFor({ state: "hidden" });
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "All words" }).click();
    await page.getByRole("heading", { name: "Words" }).waitFor();
    await page.getByText("A timer that starts the device anew when its software hangs.").waitFor();
  });
});
