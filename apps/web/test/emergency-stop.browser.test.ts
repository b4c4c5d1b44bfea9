// The emergency stop in the console, in a real browser. Nothing here waits for a fixed time.

import { expect, it } from "vitest";
import { rollout } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

describeInBrowser("the emergency stop", (_open, begin) => {
  it("stops all updates for a reason that every page shows, until somebody ends it", async () => {
    const { page, server, url, signIn, row } = await begin();
    server.rollouts.set("r1", rollout("r1"));
    await signIn("/rollouts");
    const stop = page.getByRole("button", { name: "Stop all updates…" });
    const banner = page.getByRole("alert");
    await stop.click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Stop all updates" }).click();
    await dialog.getByText("Say why: others see it on every page.").waitFor();
    expect(server.emergencyStop.stopped).toBe(false);
    await dialog.getByLabel("Reason").fill(" 1.1.0 drains the batteries ");
    await dialog.getByLabel("Reason").press("Enter");
    await dialog.waitFor({ state: "detached" });
    await stop.waitFor({ state: "detached" });
    expect(server.emergencyStop).toMatchObject({ stopped: true, reason: "1.1.0 drains the batteries" });
    const says = /All updates are stopped since \d.* by admin:\s1\.1\.0 drains the batteries/;
    expect(await banner.innerText()).toMatch(says);

    await page.getByRole("link", { name: "Devices", exact: true }).click();
    await row("dev-1").waitFor();
    expect(await banner.innerText()).toMatch(says);
    await page.goto(`${url}/devices/dev-1`);
    await page.getByRole("heading", { name: "dev-1" }).waitFor();
    await banner.waitFor();
    expect(await banner.innerText()).toMatch(says);
    await banner.getByRole("button", { name: "End the stop" }).click();
    await dialog.getByRole("button", { name: "Go back" }).click();
    expect(server.emergencyStop.stopped).toBe(true);
    await banner.getByRole("button", { name: "End the stop" }).click();
    await dialog.getByRole("button", { name: "End the stop" }).click();
    await banner.waitFor({ state: "detached" });
    expect(server.emergencyStop.stopped).toBe(false);

    // Somebody else's, heard by what the rollouts are told.
    server.stopAll("smoke", "eve");
    await banner.getByText("smoke").waitFor();
    server.stopAll(undefined, "eve");
    await banner.waitFor({ state: "detached" });
    // Without any rollout, by what is loaded after a lost connection.
    server.emergencyStop = { stopped: true, since: new Date().toISOString(), by: "eve", reason: "smoke" };
    server.dropStreams();
    await banner.getByText("smoke").waitFor();
  });
});
