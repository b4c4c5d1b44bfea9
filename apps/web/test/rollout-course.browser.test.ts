// How a rollout went, in the console: failures by kind, the share of failures against its limit, when it is likely to
// end, and what a word does to how many devices. Nothing here waits for a fixed time.

import { noCounts } from "@flipside/api/rollout-arithmetic";
import type { Rollout, WaveRules } from "@flipside/api/types";
import { expect, it } from "vitest";
import { rollout } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

const rules: WaveRules = {
  ...{ deadlineMs: 86_400_000, failureThresholdPercent: 5, minimumSample: 5, thresholdAction: "pause" },
  ...{ soakMs: 600_000, underWayMax: null, rate: null, approval: false, startAt: null },
};
const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

/** The first wave is done; of the second 90 wait, 20 are under way, 65 are done and 5 have failed. */
const inItsSecondWave = (): Rollout =>
  rollout("r1", {
    ...{ total: 200, currentWave: 1, createdAt: ago(90) },
    counts: { ...noCounts(), queued: 90, offered: 4, downloading: 10, testing: 6, confirmed: 84, "rolled-back": 6 },
    waves: [
      {
        ...{ index: 0, total: 20, finished: 20, succeeded: 19 },
        ...{ cancelled: 0, waiting: 0, unreached: 0, state: "done" },
      },
      {
        ...{ index: 1, total: 180, finished: 70, succeeded: 65 },
        ...{ cancelled: 0, waiting: 90, unreached: 0, state: "running" },
      },
    ],
    settings: {
      ...{ rules: [rules, { ...rules, failureThresholdPercent: 10 }], waveFilters: [null, null], maintenance: null },
      ...{ retries: [], lateOffersMs: 86_400_000, allowOlder: false, acceptsClaimed: false },
    },
  });

describeInBrowser("how a rollout went", (open, begin) => {
  it("is told with failures first, lanes of devices, the limit, and an estimate of the end", async () => {
    const { page, server, signIn } = await begin();
    server.rollouts.set("r1", inItsSecondWave());
    server.failures.set("r1", [
      {
        ...{ state: "rolled-back", code: 70, codeName: "crashed", hardware: "virt-rv32", count: 6 },
        ...{ previousDigest: "ab".repeat(32), previousVersion: "1.0.0", examples: ["dev-1"] },
        ...{ firstAt: ago(50), lastAt: ago(5) },
      },
    ]);
    server.course = {
      ...{ from: ago(90), until: ago(0), spanMs: 300_000 },
      steps: [
        { at: ago(80), wave: 0, succeeded: 19, failed: 1 },
        { at: ago(40), wave: 1, succeeded: 35, failed: 5 },
        { at: ago(20), wave: 1, succeeded: 30, failed: 0 },
      ],
    };
    server.estimate = {
      endsAt: ago(-120),
      sentence: "As wave 2 went (70 devices in 60 minutes): 110 devices are left.",
    };
    await signIn("/rollouts/r1");
    await page.getByText("Estimated end").waitFor();
    await page.getByText("As wave 2 went (70 devices in 60 minutes): 110 devices are left.").waitFor();
    await page.getByRole("region", { name: "Failures" }).getByText("6 devices failed, in 1 way.").waitFor();
    const headings = await page.getByRole("heading", { level: 2 }).allInnerTexts();
    expect(headings.indexOf("Failures")).toBeLessThan(headings.indexOf("Progress"));

    const lane = page.getByRole("list", { name: "Where the devices of wave 2 are" });
    expect((await lane.getByRole("listitem").allInnerTexts()).map((text) => text.replaceAll(/\s+/g, " "))).toEqual([
      "90 waiting",
      "4 offered",
      "10 downloading",
      "6 on trial",
      "65 confirmed",
      "5 failed",
    ]);
    const course = page.getByRole("region", { name: "Over time" });
    await course.getByRole("img", { name: "7.1 % of wave 2 failed; the limit is 10 %" }).waitFor();
    await course.getByRole("img", { name: /^84 devices confirmed and 6 failed by / }).waitFor();
    await course.getByLabel("Share of failures in").selectOption("1");
    await course.getByText("5.0 % of wave 1 failed; the limit is 5 %.").waitFor();
    await page.waitForURL(/wave=1/);
    await course.getByText("As a table").click();
    await course.getByRole("row").filter({ hasText: "84" }).getByText("6.7 %").waitFor();

    const settings = page.getByRole("region", { name: "Settings" });
    await settings
      .getByText(
        "The rollout pauses when more than 5 % of wave 1 fail, once 5 devices have ended, or all of a smaller one.",
      )
      .waitFor();
    await settings.getByText("When wave 2 has ended, it is watched for 10 min before it goes on.").waitFor();
    await settings.getByRole("button", { name: "Edit rules" }).click();
    await page.getByRole("dialog").getByText("They hold from now on.").waitFor();
  });

  it("has seconds in the times of a short one, and not one time twice", async () => {
    const { page, server, signIn } = await begin();
    server.rollouts.set("r1", inItsSecondWave());
    const at = (second: number): string => new Date(Date.UTC(2027, 2, 10, 9, 0, second)).toISOString();
    server.course = {
      ...{ from: at(2), until: at(9), spanMs: 1_000 },
      steps: [
        { at: at(4), wave: 1, succeeded: 1, failed: 0 },
        { at: at(6), wave: 1, succeeded: 1, failed: 0 },
      ],
    };
    await signIn("/rollouts/r1");
    const course = page.getByRole("region", { name: "Over time" });
    const chart = course.getByRole("img", { name: /^2 devices confirmed and 0 failed by .*:07/ });
    await chart.waitFor();
    expect((await chart.locator("text").allTextContents()).slice(-2)).toEqual([
      expect.stringMatching(/:00:02/),
      expect.stringMatching(/:00:09/),
    ]);
    await course.getByText("As a table").click();
    await course.getByRole("rowheader", { name: /:00:05/ }).waitFor();

    server.course = { from: at(2), until: at(2), spanMs: 1, steps: [{ at: at(2), wave: 1, succeeded: 2, failed: 0 }] };
    await page.reload();
    const single = course.getByRole("img", { name: /^2 devices confirmed and 0 failed by .*:02/ });
    await single.waitFor();
    const texts = await single.locator("text").allTextContents();
    expect(texts.filter((text) => text.includes(":00:02"))).toHaveLength(1);
  });

  it("says what each word does to how many devices before it is said", async () => {
    const { page, server, signIn } = await begin();
    server.rollouts.set("r1", inItsSecondWave());
    await signIn("/rollouts/r1");
    const dialog = page.getByRole("dialog");
    const says = async (button: string): Promise<string> => {
      await page.getByRole("button", { name: button }).click();
      const said = (await dialog.innerText()).replaceAll(/\s+/g, " ");
      await dialog.getByRole("button", { name: "Go back" }).click();
      return said;
    };
    expect(await says("Pause")).toContain(
      "As things stand: 90 devices that wait are not offered it and 20 devices that are at work on it go on.",
    );
    expect(await says("Cancel rollout")).toContain(
      "90 devices that wait get nothing, 14 devices that fetch it are stopped, 6 devices that have installed it finish by themselves, and 84 devices that were updated stay on it.",
    );
    expect(await says("Roll back")).toContain("As things stand: 90 devices go back.");
    expect(await says("Retry failed")).toContain("offered once more to 6 devices");
  });

  it("says on the overview when what is under way is likely to end", async () => {
    const { page, server, signIn } = await begin();
    server.rollouts.set("r1", inItsSecondWave());
    await signIn("/");
    await page.getByText("No estimate of its end.").waitFor();
    await page.getByText("No device has come to its end yet.").waitFor();
  });
});
