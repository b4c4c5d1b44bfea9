// Archiving and deleting in the console, in a real browser. Nothing here waits for a fixed time.

import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { device, rollout } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

const row = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });

async function answer(page: Page, button: string): Promise<void> {
  await page.getByRole("dialog").getByRole("button", { name: button }).click();
}

describeInBrowser("what is over, in the console", (open) => {
  it("a release is archived, shown when it is asked for, and deleted by typing its name, unless it is needed", async () => {
    const { page, server } = await open("/releases");
    await page.getByRole("button", { name: "Archive flipside-demo 1.1.0" }).click();
    await answer(page, "Archive release");
    await row(page, "1.1.0").waitFor({ state: "hidden" });
    await page.getByLabel("Show archived").check();
    await row(page, "1.1.0").getByText("Archived", { exact: true }).waitFor();
    expect(await page.getByRole("link", { name: "Roll out flipside-demo 1.1.0" }).count()).toBe(0);

    server.needed.set("rel-2", "dev-1 runs it.");
    await page.getByRole("button", { name: "Delete flipside-demo 1.1.0" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Delete release" }).click();
    await dialog.getByText("Type flipside-demo 1.1.0 to say that it is meant.").waitFor();
    expect(server.releases.size, "nothing was asked").toBe(1);
    await dialog.getByLabel("Type “flipside-demo 1.1.0”").fill("flipside-demo 1.1.0");
    await dialog.getByRole("button", { name: "Delete release" }).click();
    await dialog.getByRole("alert").getByText("dev-1 runs it.").waitFor();
    server.needed.clear();
    await dialog.getByRole("button", { name: "Delete release" }).click();
    await row(page, "1.1.0").waitFor({ state: "hidden" });
    expect(server.releases.size).toBe(0);
  });

  it("a rollout is archived from its page, offers no other words then, and is deleted there", async () => {
    const { page, server } = await open("/devices");
    server.rollouts.set("r1", rollout("r1", { name: "Spring", state: "completed" }));
    await page.getByRole("link", { name: "Rollouts" }).click();
    await row(page, "Spring").getByRole("link", { name: "Spring" }).click();
    await page.getByRole("button", { name: "Archive Spring" }).click();
    await answer(page, "Archive rollout");
    await page.getByRole("button", { name: "Unarchive Spring" }).waitFor();
    await page.getByText("Archived", { exact: true }).waitFor();
    for (const word of ["Retry failed", "Roll back", "End late offers"])
      expect(await page.getByRole("button", { name: word }).count(), word).toBe(0);
    await page.getByRole("link", { name: "Rollouts" }).first().click();
    await page.getByRole("heading", { name: "Rollouts", exact: true }).waitFor();
    expect(await row(page, "Spring").count()).toBe(0);
    await page.getByLabel("Show archived").check();
    await row(page, "Spring").getByText("Archived", { exact: true }).waitFor();

    await row(page, "Spring").getByRole("link", { name: "Spring" }).click();
    await page.getByRole("button", { name: "Delete Spring" }).click();
    await page.getByLabel("Type “Spring”").fill("Spring");
    await answer(page, "Delete rollout");
    await page.getByRole("heading", { name: "Rollouts", exact: true }).waitFor();
    expect(server.rollouts.size).toBe(0);
  });

  it("a device is deleted by typing its id, when it is revoked or was silent for long", async () => {
    const { page, server } = await open("/devices/dev-1");
    await page.getByRole("heading", { name: "dev-1" }).waitFor();
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("button", { name: "Revoke…" }).waitFor();
    expect(await page.getByRole("button", { name: "Delete…" }).count(), "it is there").toBe(0);
    server.devices.set("dev-1", device("dev-1", { online: false, lastSeenAt: new Date(0).toISOString() }));
    server.send({ kind: "device", data: server.devices.get("dev-1")! });
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByLabel("Type “dev-1”").fill("dev-1");
    await answer(page, "Delete device");
    await page.getByRole("heading", { name: "Devices", exact: true }).waitFor();
    await row(page, "dev-2").waitFor();
    expect(await row(page, "dev-1").count()).toBe(0);
    // Another person's word is seen, too.
    server.devices.delete("dev-2");
    server.send({ kind: "gone", data: { kind: "device", id: "dev-2" } });
    await row(page, "dev-2").waitFor({ state: "hidden" });
  });
});
