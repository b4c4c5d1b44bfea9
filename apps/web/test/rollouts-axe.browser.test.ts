// Releases and rollouts as axe-core sees them, light and dark, and that nothing of them is wider than a small phone.

import { generateSigningKey } from "@flipside/image-format";
import { noCounts } from "@flipside/api/rollout-arithmetic";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { axeProblems } from "./axe.ts";
import { release, rollout } from "./fixtures.ts";
import { signedRelease, trustIn } from "./release-files.ts";
import { describeInBrowser } from "./signed-in.ts";

async function checked(page: Page, what: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await axeProblems(page), `${what}, ${colorScheme}`).toEqual([]);
  }
  await page.setViewportSize({ width: 320, height: 700 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(wide, `${what} at 320 px`).toBeLessThanOrEqual(0);
  await page.setViewportSize({ width: 1200, height: 800 });
}

const at = new Date().toISOString();

describeInBrowser("pages of releases and rollouts", (open, begin) => {
  it("break no rule of axe: a file that was checked, one that was refused, and a release", async () => {
    const { page, server } = await open("/releases");
    const key = await generateSigningKey();
    server.trust = await trustIn(key);
    server.releases.set("rel-1", release("rel-1", "1.0.0", 1));
    const bytes = await signedRelease(key);
    const choose = (buffer: Buffer): Promise<void> =>
      page
        .getByLabel("Release file")
        .setInputFiles({ name: "a.release", mimeType: "application/octet-stream", buffer });
    await choose(bytes);
    await page.getByText("no device").first().waitFor();
    await checked(page, "a checked file");
    await choose(bytes.subarray(0, -1));
    await page.getByText("Refused:").waitFor();
    await checked(page, "a refused file");
    await page.goto(new URL("/releases/rel-2", page.url()).href);
    await page.getByText("Says of itself").or(page.getByLabel("Compared with")).first().waitFor();
    await page.getByText("Size by part").first().waitFor();
    await checked(page, "a release");
  });

  it("break no rule of axe: a rollout that is under way, the form of a new one, and its review", async () => {
    const { page, server, signIn } = await begin();
    server.rollouts.set(
      "r1",
      rollout("r1", {
        ...{ total: 10, counts: { ...noCounts(), queued: 4, downloading: 1, confirmed: 3, failed: 2 } },
        waves: [
          {
            ...{ index: 0, total: 10, finished: 5, succeeded: 3 },
            ...{ cancelled: 0, waiting: 4, unreached: 0, state: "running" },
          },
        ],
      }),
    );
    server.failures.set("r1", [
      {
        ...{ state: "failed", code: 60, codeName: "flash-failed", hardware: "virt-rv32", count: 2 },
        ...{ previousDigest: null, previousVersion: null, firstAt: at, lastAt: at, examples: ["dev-1", "dev-2"] },
      },
    ]);
    server.course = { from: at, until: at, spanMs: 1_000, steps: [{ at, wave: 0, succeeded: 3, failed: 2 }] };
    await signIn("/rollouts/r1");
    await page.getByText("2 devices failed, in 1 way.").waitFor();
    await page.getByRole("region", { name: "Over time" }).getByText("40.0 % of wave 1 failed").waitFor();
    await checked(page, "a rollout");
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("As things stand:").waitFor();
    await checked(page, "what pausing does");
    await page.goto(new URL("/rollouts/new", page.url()).href);
    await page.getByText("by then").first().waitFor();
    await checked(page, "a new rollout");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByText("Nobody else is needed to start it.").waitFor();
    await page.getByText("Nothing is known that would stop").waitFor();
    await checked(page, "the review");
  });
});
