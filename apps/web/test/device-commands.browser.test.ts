// What a device can be told beside a reboot, on its page.

import { expect, it } from "vitest";
import { device } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

const confirmed = { slot: "b", version: "0.9.0", state: "confirmed", reason: 0, reasonName: null } as const;

describeInBrowser("the commands of a device", (open) => {
  it("say before they are given what will happen, and afterwards what became of them", async () => {
    const { page, server } = await open("/devices/dev-1");
    const row = (name: string) => page.getByRole("row").filter({ has: page.getByRole("rowheader", { name }) });
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "Identify" }).click();
    await dialog.getByLabel("For so many seconds").fill("900");
    await dialog.getByRole("button", { name: "Identify" }).click();
    await dialog.getByText("Enter a whole number from 1 to 600.").waitFor();
    await dialog.getByLabel("For so many seconds").fill("45");
    await dialog.getByRole("button", { name: "Identify" }).click();
    await row("Identify").getByText("for 45 s").waitFor();
    expect(server.commands.get("dev-1")![0]).toMatchObject({ kind: "identify", seconds: 45 });
    Object.assign(server.commands.get("dev-1")![0]!, { state: "refused", code: 91, codeName: "command-unknown" });
    server.send({ kind: "device", data: server.devices.get("dev-1")! });
    await row("Identify").getByText("does not know this kind of command").waitFor();
  });

  it("bring logs that can be read, as plain text", async () => {
    const { page, server } = await open("/devices/dev-1");
    await page.getByRole("button", { name: "Collect logs" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Collect logs" }).click();
    const row = page.getByRole("row").filter({ hasText: "Collect logs" });
    await row.getByText("Waiting").waitFor();
    expect(await page.getByRole("button", { name: "Show log" }).count()).toBe(0);
    const given = server.commands.get("dev-1")![0]!;
    server.collected.set(given.id, "boot 7\napp: <b>healthy</b>\n");
    Object.assign(given, { state: "done", finishedAt: new Date().toISOString() });
    server.send({ kind: "device", data: server.devices.get("dev-1")! });
    await page.getByRole("button", { name: "Show log" }).click();
    const dialog = page.getByRole("dialog", { name: "What dev-1 has said" });
    await dialog.getByText("app: <b>healthy</b>").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await dialog.waitFor({ state: "hidden" });
  });

  it("offer to go back only where there is something to go back to, and name it", async () => {
    const { page, server } = await open("/devices/dev-1");
    await page.getByRole("button", { name: "Reboot" }).waitFor();
    expect(await page.getByRole("button", { name: /Roll back/ }).count()).toBe(0);
    server.devices.set("dev-1", device("dev-1", { other: { ...confirmed, digest: "ab".repeat(32) } }));
    server.send({ kind: "device", data: server.devices.get("dev-1")! });
    await page.getByRole("button", { name: "Roll back to 0.9.0" }).click();
    const dialog = page.getByRole("dialog", { name: "Roll dev-1 back?" });
    expect(await dialog.innerText()).toMatch(/leaves 1\.0\.0 and starts 0\.9\.0[^]*not offered that image again/);
    await dialog.getByRole("button", { name: "Go back" }).click();
    expect(server.commands.get("dev-1")).toBeUndefined();
    await page.getByRole("button", { name: "Roll back to 0.9.0" }).click();
    await dialog.getByRole("button", { name: "Roll back to 0.9.0" }).click();
    await page.getByRole("row").filter({ hasText: "Roll back" }).getByText("Waiting").waitFor();
    expect(server.commands.get("dev-1")![0]).toMatchObject({ kind: "roll-back" });
    const other = { ...confirmed, digest: "cd".repeat(32), version: "1.0.0", reason: 99 };
    server.devices.set("dev-1", device("dev-1", { other: { ...other, reasonName: "rolled-back-by-command" } }));
    server.send({ kind: "device", data: server.devices.get("dev-1")! });
    await page.getByText("Somebody told the device to go back").waitFor();
  });

  it("are not there for a device that another agent speaks for", async () => {
    const { page, server } = await open("/devices/dev-2");
    await page.getByRole("button", { name: "Identify" }).waitFor();
    server.devices.set("dev-2", device("dev-2", { agent: "hawkbit" }));
    server.send({ kind: "device", data: server.devices.get("dev-2")! });
    await page.getByRole("button", { name: "Identify" }).waitFor({ state: "hidden" });
    expect(await page.getByRole("heading", { name: "Configuration" }).count()).toBe(0);
  });
});
