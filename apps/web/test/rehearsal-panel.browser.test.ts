// The console's panel that rehearses a rollout, in a real browser. Nothing here waits for a fixed time.

import type { Locator, Page } from "playwright-core";
import { expect, it } from "vitest";
import { axeProblems } from "./axe.ts";
import { rehearsal } from "./rehearsal-fixture.ts";
import { describeInBrowser } from "./signed-in.ts";

const review = (page: Page): Promise<void> => page.getByRole("button", { name: "Review rollout" }).click();
const panelOf = (page: Page): Locator => page.getByRole("region", { name: "Rehearsal", exact: true });

describeInBrowser("the rehearsal of a rollout", (open, begin) => {
  it("shows how far it is, then sentences, numbers, what was supposed, and the seed", async () => {
    const { page, server } = await open("/rollouts/new");
    server.rehearsal = rehearsal({ state: "running", answer: null, progress: { done: 3, total: 10 } });
    await review(page);
    const panel = panelOf(page);
    await panel.getByRole("button", { name: "Rehearse" }).click();
    await panel.getByText("Waits until the rehearsals before it are done.").waitFor();
    await panel.getByText("3 of 10 runs are played.").waitFor();
    await expect.poll(() => panel.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("30");
    expect(server.rehearsed).toHaveLength(1);
    expect(server.rehearsed[0]!.rollout).toMatchObject({ releaseId: "rel-2" });
    expect(server.asked, "nothing is made").toEqual([]);

    server.rehearsal = rehearsal();
    await panel.getByText("If the image is good: it is done in 3 h 10 min to 4 h.").waitFor();
    await panel.getByText("wave 1 pauses it after 12 min; 2 devices had it.").waitFor();
    const good = panel.getByRole("region", { name: "The image is good" });
    await good.getByRole("row", { name: "2 499 1 h 3 h 10 min to 4 h" }).waitFor();
    const bad = panel.getByRole("region", { name: "The image is bad" });
    await bad.getByRole("row", { name: "1 1 at once never" }).waitFor();
    await bad.getByText("paused automatically: 2 of 2 finished deployments").waitFor();
    await panel.getByText("The log of 3 of 5 simulated devices covers a day or more.").waitFor();
    await panel.getByText("120 of 500 devices simulated, 111 of them online").waitFor();
    await panel.getByText("Seed 7 and model 5c5c5c5c5c5c").waitFor();
    expect(await axeProblems(page)).toEqual([]);

    // What was said is about what was asked.
    await page.getByRole("button", { name: "Change something" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Another name");
    await review(page);
    await panel.getByText("This is about the rollout as it was before it was changed.").waitFor();
    await panel.getByRole("button", { name: "Rehearse again" }).click();
    await panel.getByText("This is about the rollout as it was").waitFor({ state: "hidden" });
  });

  it("is cancelled, fails, and is refused, each with its reason", async () => {
    const { page, server } = await open("/rollouts/new");
    server.rehearsal = rehearsal({ state: "running", answer: null });
    await review(page);
    const panel = panelOf(page);
    await panel.getByRole("button", { name: "Rehearse" }).click();
    await panel.getByRole("button", { name: "Cancel the rehearsal" }).click();
    await panel.getByText("It was cancelled: there is no answer.").waitFor();
    server.rehearsal = rehearsal({ state: "failed", answer: null, failure: "The server that played it has ended." });
    await panel.getByRole("button", { name: "Rehearse" }).click();
    await panel.getByRole("alert").getByText("The server that played it has ended.").waitFor();
    server.refuse = "too-many-rehearsals";
    await panel.getByRole("button", { name: "Rehearse" }).click();
    await panel.getByText("It could not be rehearsed: too many rehearsals wait").waitFor();
  });

  it("fits a phone", async () => {
    const { page, signIn } = await begin({ width: 320, height: 700 });
    await signIn("/rollouts/new");
    await review(page);
    await panelOf(page).getByRole("button", { name: "Rehearse" }).click();
    await panelOf(page)
      .getByText(/runs are played|waits/i)
      .first()
      .waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  });
});
