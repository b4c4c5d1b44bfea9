// The page of one device, in a real browser. Nothing here waits for a fixed time.

import { expect, it } from "vitest";
import { deployment, device, rollout } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

describeInBrowser("the page of a device", (open, begin) => {
  it("shows which slot runs, what is being written, and why an update did not stay", async () => {
    const { page, server, signIn } = await begin();
    server.rollouts.set(
      "r1",
      rollout("r1", {
        total: 1,
        deployments: [deployment("d", "dev-1")],
        waves: [
          { index: 0, total: 1, finished: 0, succeeded: 0, cancelled: 0, waiting: 0, unreached: 0, state: "running" },
        ],
      }),
    );
    server.logs.set("dev-1", [
      { at: new Date().toISOString(), kind: "crash", detail: "trap in module 3: index out of bounds" },
    ]);
    await signIn("/devices/dev-1");
    await page.getByRole("region", { name: "Slot A" }).getByText("Running now").waitFor();
    server.advance("r1", "dev-1", { state: "downloading", done: 8 });
    await page.getByRole("region", { name: "Slot B" }).getByText("1.1.0 is being written here, 25 %").waitFor();
    server.advance("r1", "dev-1", { state: "confirmed" });
    await page.getByRole("region", { name: "Slot B" }).getByText("Running now").waitFor();
    await page.getByText("index out of bounds").waitFor();

    const revoke = async (): Promise<void> => {
      await page.getByRole("button", { name: "More" }).click();
      await page.getByRole("button", { name: "Revoke…" }).click();
    };
    await revoke();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke device" }).click();
    await page.getByText("Type dev-1 to say that it is meant.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Go back" }).click();
    expect(server.devices.get("dev-1")!.revoked).toBe(false);
    await revoke();
    await page.getByLabel("Type “dev-1”").fill("dev-1");
    await page.getByRole("dialog").getByRole("button", { name: "Revoke device" }).click();
    await page.getByText("Revoked", { exact: true }).waitFor();
  });

  // Row 6 of what broke when the console was tried as an operator would.
  it("has a timeline in exact times, which the address narrows, and the chunks of a download", async () => {
    const { page, server, url, signIn } = await begin();
    const at = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
    server.logs.set("dev-1", [
      { at: at(3), kind: "crash", detail: "trap: unreachable" },
      { at: at(5), kind: "session", detail: "session proven" },
      { at: at(7), kind: "boot", detail: "start 3: power-on" },
    ]);
    const downloading = deployment("d1", "dev-1", { state: "downloading", done: 8, createdAt: at(4) });
    server.rollouts.set("r1", rollout("r1", { total: 1, deployments: [downloading] }));
    server.devices.set("dev-1", device("dev-1", { activeDeployment: downloading }));
    await signIn("/devices/dev-1");
    await page.getByRole("img", { name: "8 of 32 chunks" }).waitFor();
    const entries = page.getByRole("region", { name: "Timeline" }).getByRole("listitem");
    await expect
      .poll(async () => (await entries.locator("code").allInnerTexts()).join(" "))
      .toBe("crash update session boot");
    for (const text of await entries.locator("time").allInnerTexts()) expect(text).toMatch(/\d{4}, \d\d:\d\d:\d\d/);
    await page.getByRole("button", { name: "Starts and crashes" }).click();
    await expect.poll(() => entries.locator("code").allInnerTexts()).toEqual(["crash", "boot"]);
    expect(new URL(page.url()).searchParams.get("show")).toBe("starts");
    await page.goto(`${url}/devices/dev-1?show=commands`);
    await page.getByText("Nothing of this kind is on record.").waitFor();
  });

  it("gives commands, and shows what becomes of them", async () => {
    const { page, server, row } = await open("/devices/dev-1");
    await page.getByText("No command was given to this device yet.").waitFor();
    await page.getByRole("button", { name: "Reboot" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Reboot device" }).click();
    await row("Reboot").getByText("Waiting").waitFor();
    const device = server.devices.get("dev-1")!;
    Object.assign(server.commands.get("dev-1")![0]!, { state: "refused", code: 95, codeName: "device-busy" });
    server.send({ kind: "device", data: device });
    await row("Reboot").getByText("Refused").waitFor();
    await row("Reboot").getByText("Wait until that is over").waitFor();

    await page.getByRole("button", { name: "Change server address" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("It connects to 10.0.2.2:1883 now.").waitFor();
    await dialog.getByLabel("Host").fill("not a host");
    await dialog.getByRole("button", { name: "Change server" }).click();
    await dialog.getByText("Enter a host name or an IPv4 address").waitFor();
    await dialog.getByLabel("Host").fill("refuse-me");
    await dialog.getByRole("button", { name: "Change server" }).click();
    await dialog.getByRole("alert").getByText("start it with an operations key").waitFor();
    await dialog.getByLabel("Host").fill("broker.example");
    await dialog.getByLabel("MQTT port").fill("2883");
    await dialog.getByRole("button", { name: "Change server" }).click();
    await row("Change server").getByText("to broker.example:2883").waitFor();
    Object.assign(server.commands.get("dev-1")![0]!, { state: "failed", code: 96, codeName: "connection-no-contact" });
    server.send({ kind: "device", data: device });
    await row("Change server").getByText("Failed").waitFor();
    await row("Change server").getByText("connection-no-contact").waitFor();
  });
});
