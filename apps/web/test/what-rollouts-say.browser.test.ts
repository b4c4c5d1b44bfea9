// What pages say of a rollout that did not go as it was meant. Row 3 of what broke when the console was tried as an
// operator would: green words and whole percents for what was cancelled, failed or rolled back; "1 devices".

import type { WaveProgress } from "@flipside/api/types";
import { expect, it } from "vitest";
import { deployment, rollout } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

const wave = (index: number, total: number, part: Partial<WaveProgress>): WaveProgress => ({
  ...{ index, total, finished: 0, succeeded: 0, cancelled: 0, waiting: 0, unreached: 0, state: "waiting" },
  ...part,
});

describeInBrowser("what is said of a rollout", (open) => {
  it("that was cancelled: that its waves were, and not that they are done or that devices failed", async () => {
    const { page, server, row } = await open("/devices");
    const ids = ["dev-1", "dev-2", "dev-3", "dev-4"];
    server.rollouts.set(
      "r1",
      rollout("r1", {
        total: 4,
        name: "Gone",
        state: "cancelled",
        finishedAt: new Date().toISOString(),
        deployments: ids.map((id) => deployment(id, id, { state: "cancelled" })),
        waves: [
          wave(0, 1, { state: "done", finished: 1, cancelled: 1 }),
          wave(1, 3, { state: "done", finished: 3, cancelled: 3 }),
        ],
      }),
    );
    Object.assign(server.rollouts.get("r1")!.counts, { cancelled: 4 });
    await page.getByRole("link", { name: "Rollouts" }).click();
    await row("Gone").getByText("4 cancelled").waitFor();
    await row("Gone").getByRole("link").click();
    const first = page.getByRole("listitem", { name: "Wave 1" });
    await first.getByText("Cancelled", { exact: true }).waitFor();
    expect(await first.innerText()).toMatch(/^Wave 1\s+Cancelled\s+1 device\s+1 cancelled$/);
    expect(await page.getByRole("listitem", { name: "Wave 2" }).innerText()).toMatch(/3 devices\s+3 cancelled$/);
    expect(await page.getByText(/Done|not updated/).count()).toBe(0);
  });

  it("that paused in its first wave: which wave that is, and no green word for a wave that failed", async () => {
    const { page, server, row } = await open("/devices");
    server.rollouts.set(
      "r1",
      rollout("r1", {
        ...{ total: 3, name: "Stuck", state: "paused", currentWave: 0, pauseReason: "1 of 1 failed" },
        deployments: [deployment("d1", "dev-1", { state: "failed" })],
        waves: [wave(0, 1, { state: "done", finished: 1 }), wave(1, 1, { waiting: 1 }), wave(2, 1, { waiting: 1 })],
      }),
    );
    await page.getByRole("link", { name: "Rollouts" }).click();
    await row("Stuck").getByText("wave 1 of 3").waitFor();
    await row("Stuck").getByRole("link").click();
    const first = page.getByRole("listitem", { name: "Wave 1" });
    await first.getByText("1 not updated (100 %)").waitFor();
    expect(await first.locator(".badge.tone-ok").count()).toBe(0);
    expect(await first.locator(".badge.tone-warn").innerText()).toBe("Done");
  });

  it("that was rolled back: not that its devices run the version, nor a percentage of success", async () => {
    const { page, server, row } = await open("/devices");
    const ids = ["dev-1", "dev-2"];
    server.rollouts.set(
      "r1",
      rollout("r1", {
        ...{ total: 2, name: "Undone", state: "rolled-back", finishedAt: new Date().toISOString() },
        deployments: ids.map((id) => deployment(id, id, { state: "confirmed" })),
        waves: [wave(0, 2, { state: "done", finished: 2, succeeded: 2 })],
      }),
    );
    Object.assign(server.rollouts.get("r1")!.counts, { confirmed: 2 });
    await page.getByRole("link", { name: "Rollouts" }).click();
    await row("Undone").getByText("2 had been updated").waitFor();
    expect(await row("Undone").innerText()).not.toMatch(/%|confirmed/);
    await row("Undone").getByRole("link").click();
    const progress = page.getByRole("region", { name: "Progress" });
    await progress.getByText("2 of 2 devices had been updated to 1.1.0 before it was rolled back.").waitFor();
    expect(await progress.innerText()).not.toMatch(/%|have proven it/);
  });

  it("that is over: what was, since later rollouts may have changed what its devices run", async () => {
    const { page, server, row } = await open("/devices");
    server.rollouts.set(
      "r1",
      rollout("r1", {
        ...{ total: 1, name: "Past", state: "completed", finishedAt: new Date().toISOString() },
        deployments: [deployment("d1", "dev-1", { state: "confirmed" })],
        waves: [wave(0, 1, { state: "done", finished: 1, succeeded: 1 })],
      }),
    );
    Object.assign(server.rollouts.get("r1")!.counts, { confirmed: 1 });
    await page.getByRole("link", { name: "Rollouts" }).click();
    await row("Past").getByRole("link").click();
    await page.getByText("1 of 1 device was updated to 1.1.0 and proved it.").waitFor();
    expect(await page.getByRole("listitem", { name: "Wave 1" }).locator(".badge.tone-ok").innerText()).toBe("Done");
  });

  it("that is being asked for: one device and one offer as one, and what a permit is needed for", async () => {
    const { page } = await open("/rollouts/new");
    await page.getByText("Starts at once, as fast as devices ask").click();
    await page.getByLabel("Devices at work at a time").fill("1");
    await page.getByText("Starts at once, 1 device at a time").waitFor();
    await page.getByText("without one where it has it in its other slot, confirmed").waitFor();
  });
});
