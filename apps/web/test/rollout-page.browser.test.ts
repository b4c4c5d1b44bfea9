// The page of a rollout, in a real browser. Nothing here waits for a fixed time.

import { expect, it } from "vitest";
import { rollout } from "./fixtures.ts";
import { describeInBrowser, isMarked, mark } from "./signed-in.ts";

describeInBrowser("the page of a rollout", (open, begin) => {
  it("creates a rollout, follows it live without a reload, pauses and resumes it", async () => {
    const { page, server, row } = await open("/rollouts/new");
    await page.getByLabel("Size of wave 2").fill("60");
    const preview = page.getByRole("status", { name: "Preview of the waves" });
    await preview.getByText("Wave 3").waitFor();
    expect(await preview.innerText()).toMatch(/1 device [\s\S]*2 devices [\s\S]*2 devices /);

    await page.getByLabel("Name").fill("refuse me");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    const refusal = page.getByRole("alert");
    await refusal.getByText("dev-3 is other-board revision 2.").waitFor();
    await refusal.getByText("no-image-for-hardware").waitFor();

    await page.getByLabel("Name").fill("Spring update");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "Spring update", exact: true }).waitFor();
    expect(server.asked.at(-1)).toMatchObject({
      name: "Spring update",
      releaseId: "rel-2",
      target: { all: true },
      waves: [{ count: 1 }, { percent: 60 }],
      deadlineMs: 86_400_000,
      failureThresholdPercent: 50,
      minimumSample: 5,
      soakMs: 0,
      lateOffersMs: 30 * 86_400_000,
      order: "online-first",
      underWayMax: null,
      urgent: false,
      allowOlder: false,
      health: null,
    });

    await mark(page);
    const [id] = [...server.rollouts.keys()];
    server.advance(id!, "dev-1", { state: "downloading", done: 16 });
    await row("dev-1").getByText("Downloading 50 %").waitFor();
    server.advance(id!, "dev-1", { state: "confirmed" });
    await row("dev-1").getByText("Confirmed").waitFor();
    await page.getByRole("listitem", { name: "Wave 1" }).getByText("Done").waitFor();
    await page.getByRole("listitem", { name: "Wave 2" }).getByText("Running").waitFor();
    await page.getByText("20 %", { exact: true }).waitFor();

    server.advance(id!, "dev-2", { state: "rolled-back", code: 70, codeName: "crashed" });
    await row("dev-2").getByText("The new image crashed.").waitFor();

    const state = page.getByRole("status", { name: "Rollout state" });
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Pause rollout" }).click();
    await state.getByText("Paused").waitFor();
    await page.getByText("Paused by admin.").waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Resume rollout" }).click();
    await state.getByText("Running").waitFor();

    for (const each of ["dev-3", "dev-4", "dev-5"]) server.advance(id!, each, { state: "confirmed" });
    await state.getByText("Completed").waitFor();
    expect(await page.getByRole("button", { name: "Pause" }).count()).toBe(0);
    await page.getByRole("button", { name: /^Rolled back/ }).click();
    expect(await page.getByRole("rowheader").allInnerTexts()).toEqual(["dev-2"]);
    expect(await isMarked(page)).toBe(true);
  });

  it("changes the rules of waves, tries again, takes a device out and rolls a wave back", async () => {
    const { page, server } = await open("/rollouts/new");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "flipside-demo 1.1.0", exact: true }).waitFor();
    const [id] = [...server.rollouts.keys()];
    const row = (name: string) => page.getByRole("row", { name: new RegExp(name) });
    const dialog = page.getByRole("dialog");
    await page.getByText("Rules", { exact: true }).click();
    await page
      .getByRole("row", { name: /Wave 2/ })
      .getByText("above 50 %, of 5 devices or more: pause the rollout")
      .waitFor();

    await page.getByRole("button", { name: "Change rules" }).click();
    await dialog.getByLabel("Waves").selectOption("Wave 2 alone");
    await dialog.getByLabel("Failures above").fill("120");
    await dialog.getByRole("button", { name: "Change rules" }).click();
    await dialog.getByText("Give a percentage from 0 to 100.").waitFor();
    await dialog.getByLabel("Failures above").fill("20");
    await dialog.getByLabel("Then").selectOption("Cancel it and roll back all that were updated");
    await dialog.getByRole("button", { name: "Change rules" }).click();
    await page
      .getByRole("row", { name: /Wave 2/ })
      .getByText("above 20 %, of 5 devices or more: cancel it and roll back all that were updated")
      .waitFor();
    await page.getByText(/"failureThresholdPercent":20,"thresholdAction":"roll-back-all"\}/).waitFor();

    server.advance(id!, "dev-1", { state: "failed", code: 60, codeName: "flash-failed" });
    await page.getByRole("button", { name: "Retry failed" }).click();
    await dialog.getByText("The image is offered once more to 1 device").waitFor();
    await dialog.getByRole("button", { name: "Retry" }).click();
    await row("dev-1").getByText("Queued").waitFor();
    await row("dev-2").getByRole("button", { name: "Take out dev-2" }).click();
    await dialog.getByRole("button", { name: "Take out" }).click();
    await row("dev-2").getByText("Cancelled").waitFor();
    await row("dev-2").getByRole("button", { name: "Try again dev-2" }).waitFor();

    server.advance(id!, "dev-1", { state: "confirmed" });
    await page.getByRole("button", { name: "Roll back" }).click();
    await dialog.getByLabel("Who goes back").selectOption("Those of wave 1");
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await page.getByRole("status", { name: "Rollout state" }).getByText("Rolled back").waitFor();
    await page.getByText("Roll-back of wave 1 by admin.").waitFor();
  });

  it("shows that a rollout is urgent, until when a wave is watched, and who is away and came back", async () => {
    const { page, server, row } = await open("/rollouts/new");
    await page.getByLabel("Size of wave 1").fill("3");
    await page.getByLabel("Size of wave 2").fill("80");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    const first = page.getByRole("listitem", { name: "Wave 1" });
    await first.getByText("Running").waitFor();
    const [shown] = [...server.rollouts.values()];
    const { id } = shown!;
    Object.assign(shown!, { urgent: true, soakUntil: new Date(2030, 0, 5, 14, 7).toISOString() });
    server.advance(id, "dev-1", { state: "confirmed" });
    server.advance(id, "dev-2", { state: "failed" });
    server.advance(id, "dev-3", { state: "unreached" });
    await first.getByText("1 away").waitFor();
    expect(await first.innerText()).toMatch(
      /Done[\s\S]*2 \/ 3 devices[\s\S]*1 not updated \(50 %\)[\s\S]*Watched until 5 Jan, 14:07/,
    );
    await first.getByRole("img", { name: "1 succeeded, 1 did not, 0 cancelled, 1 away, of 3" }).waitFor();
    const second = page.getByRole("listitem", { name: "Wave 2" });
    expect(await second.innerText()).toMatch(/Waiting(?![\s\S]*(Watched|away))/);
    await row("dev-3").getByText("Away").waitFor();
    await page.getByText("Urgent", { exact: true }).waitFor();

    await page.getByRole("link", { name: "Rollouts" }).first().click();
    const listed = row("flipside-demo 1.1.0");
    await listed.getByText("Urgent").waitFor();
    expect(await listed.innerText()).toMatch(/wave 1 of \d\s+watched until 5 Jan, 14:07/);

    shown!.soakUntil = null;
    server.advance(id, "dev-3", { state: "downloading" });
    await listed.getByText("watched until").waitFor({ state: "detached" });
    await listed.getByRole("link").click();
    await first.getByText("Running").waitFor();
    expect(await first.innerText()).not.toMatch(/away|Watched/);
  });

  it("shows how updated devices do beside those that wait, and when that is more than chance", async () => {
    const { page, server, signIn } = await begin();
    const test = {
      metric: { kind: "crashes" as const },
      failure: "crashed",
      updated: { failed: 2, atRisk: 38 },
      others: { failed: 3, atRisk: 397 },
      ratio: 6.7,
      odds: 12.34,
      oddsNeeded: 100,
      lookedAt: new Date().toISOString(),
    };
    server.rollouts.set("r1", rollout("r1", { total: 440, health: [test] }));
    await signIn("/rollouts/r1");
    const health = page.getByRole("region", { name: "Health" });
    await health.getByText("Crashed.").waitFor();
    expect(await health.innerText()).toMatch(
      /2 of 40 updated devices, 3 of 400 others\. Chance explains it: evidence of 12\.3 to 1, of 100 to 1 that are/,
    );
    server.rollouts.set("r1", rollout("r1", { total: 440, health: [{ ...test, odds: 480 }] }));
    await page.reload();
    await health.getByText("More than chance explains.").waitFor();
    server.rollouts.set("r1", rollout("r1", { total: 440 }));
    await page.reload();
    await page.getByRole("heading", { name: "Decisions" }).waitFor();
    expect(await health.count()).toBe(0);
  });

  it("says what a rollout and a device wait for as that changes, and nothing once nothing is waited for", async () => {
    const { page, server, url } = await open("/rollouts/new");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("listitem", { name: "Wave 1" }).getByText("Running").waitFor();
    const [id] = [...server.rollouts.keys()];
    server.whys.set(id!, {
      sentence: "Wave 1 waits for 1 device at work on it; then wave 2 starts.",
      since: new Date(2030, 0, 5, 14, 7).toISOString(),
      until: new Date(2030, 0, 6, 14, 7).toISOString(),
      actions: ["pause it", "cancel it"],
    });
    server.whys.set("dev-1", {
      sentence: "dev-1 is away, and is offered the image of rollout r when it comes back.",
      since: null,
      until: new Date(2030, 0, 6, 14, 7).toISOString(),
      actions: ["look at its power and its connection"],
    });
    server.advance(id!, "dev-1", { state: "downloading" });
    await page
      .getByText(
        "Wave 1 waits for 1 device at work on it; then wave 2 starts. Since 5 Jan, 14:07, at the latest until 6 Jan, 14:07. You can pause it, or cancel it.",
      )
      .waitFor();

    await page.getByRole("link", { name: "dev-1" }).click();
    const away = page.getByText(
      "dev-1 is away, and is offered the image of rollout r when it comes back. At the latest until 6 Jan, 14:07. You can look at its power and its connection.",
    );
    await away.waitFor();
    server.advance(id!, "dev-1", { state: "confirmed" });
    await away.waitFor({ state: "detached" });

    await page.goto(`${url}/rollouts/${id}`);
    const waiting = page.getByText("Wave 1 waits for 1 device at work on it");
    await waiting.waitFor();
    for (const each of ["dev-2", "dev-3", "dev-4"]) server.advance(id!, each, { state: "confirmed" });
    server.whys.set(id!, { sentence: "It is over; 1 device is away.", since: null, until: null, actions: [] });
    Object.assign(server.rollouts.get(id!)!, { state: "completed", finishedAt: new Date().toISOString() });
    server.advance(id!, "dev-5", { state: "unreached" });
    const over = page.getByText("It is over; 1 device is away.");
    await over.waitFor();
    server.advance(id!, "dev-5", { state: "confirmed" });
    await over.waitFor({ state: "detached" });
  });
});
