// What the console says of a device that two boards say they are.

import { expect, it } from "vitest";
import { device } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

describeInBrowser("a device that two boards say they are", (open) => {
  it("is marked in the list, explained on its page, and no more marked when a person has cleared it", async () => {
    const { page, server } = await open("/devices");
    const row = page.getByRole("row").filter({ hasText: "dev-2" });
    await row.getByText("Online").waitFor();
    expect(await page.getByText("Two boards", { exact: true }).count()).toBe(0);
    const at = new Date(Date.now() - 120_000).toISOString();
    server.devices.set("dev-2", device("dev-2", { identityConflict: { since: at, lastAt: at } }));
    server.send({ kind: "device", data: server.devices.get("dev-2")! });
    await row.getByText("Two boards", { exact: true }).waitFor();

    await row.getByRole("link", { name: "dev-2" }).click();
    const notice = page.getByRole("status").filter({ hasText: "Two boards say that they are this device" });
    await notice.waitFor();
    expect(await notice.innerText()).toMatch(/since 2 min ago[\s\S]*switch the copy off[\s\S]*revoke the device/);
    await notice.getByRole("button", { name: "Clear the conflict" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Clear the conflict" }).click();
    await notice.waitFor({ state: "hidden" });
    expect(server.devices.get("dev-2")!.identityConflict).toBe(null);
  });
});
