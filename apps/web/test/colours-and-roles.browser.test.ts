// Row 7 of what broke when the console was tried as an operator would: bars vanished in forced colours, a list that was
// called a status failed axe, and the head of the page ran together on the narrowest screen.

import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { axeProblems } from "./axe.ts";
import { noCounts } from "@flipside/api/rollout-arithmetic";
import { deployment, device, rollout } from "./fixtures.ts";
import type { FakeServer } from "./fake-server.ts";
import { describeInBrowser } from "./signed-in.ts";

/** A rollout with devices in each of the groups that its bars show. */
function showAllOutcomes(server: FakeServer): void {
  const deployments = [
    deployment("d1", "dev-1", { state: "downloading", done: 12 }),
    deployment("d2", "dev-2", { state: "confirmed" }),
    deployment("d3", "dev-3", { state: "failed", code: 60, codeName: "flash-failed" }),
    deployment("d4", "dev-4", { state: "cancelled" }),
    deployment("d5", "dev-5", { wave: 1 }),
  ];
  const counts = { ...noCounts(), downloading: 1, confirmed: 1, failed: 1, cancelled: 1, queued: 1, unreached: 1 };
  const none = { finished: 0, succeeded: 0, cancelled: 0, waiting: 0, unreached: 0 };
  const waves = [
    { ...none, index: 0, total: 5, finished: 3, succeeded: 1, cancelled: 1, unreached: 1, state: "running" as const },
    { ...none, index: 1, total: 1, waiting: 1, state: "waiting" as const },
  ];
  server.rollouts.set("r1", rollout("r1", { total: 6, deployments, counts, waves }));
  server.devices.set("dev-1", device("dev-1", { activeDeployment: deployments[0]! }));
}

/** Of what is shown there: whether it differs from an empty page by more than colours that are not there any more. */
const standOut = (page: Page, selector: string): Promise<boolean[]> =>
  page.locator(selector).evaluateAll((elements) =>
    elements.map((element) => {
      const { backgroundColor, backgroundImage } = getComputedStyle(element);
      const isGround =
        /^rgba\(.*, 0\)$/.test(backgroundColor) || backgroundColor === getComputedStyle(document.body).backgroundColor;
      return backgroundImage !== "none" || !isGround;
    }),
  );

describeInBrowser("the console", (_open, begin) => {
  it("has its bars, the page that is open and what is chosen in forced colours, too", async () => {
    const { page, server, url, signIn } = await begin();
    showAllOutcomes(server);
    await page.emulateMedia({ forcedColors: "active" });
    await signIn("/rollouts/r1");
    await page.getByRole("listitem", { name: "Wave 2" }).waitFor();
    for (const part of [
      ...["succeeded", "unsuccessful", "under-way", "withdrawn"].map((outcome) => `.outcome-part.is-${outcome}`),
      ...[".tone-ok", ".tone-bad", ".tone-idle", ".away"].map((kind) => `.wave.is-running .wave-bar > ${kind}`),
      ".deployment .bar-fill",
    ])
      expect(await standOut(page, part), part).toEqual([true]);
    await page.getByRole("button", { name: /^Failed/ }).click();
    expect(await standOut(page, ".chip[aria-pressed=true]")).toEqual([true]);
    const lines = await page
      .getByRole("navigation")
      .getByRole("link")
      .evaluateAll((links) => links.map((link) => getComputedStyle(link).borderBottomColor));
    const canvas = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(lines.filter((colour) => colour !== canvas)).toHaveLength(1);

    await page.goto(`${url}/rollouts/new`);
    await page.getByText("Offers at any hour").click();
    await page.getByRole("button", { name: "Add window" }).click();
    await page.getByLabel("Monday").uncheck();
    await page.getByLabel("Sunday").check();
    expect(await standOut(page, ".day input:checked + span")).not.toContain(false);
    expect(await standOut(page, ".day input:not(:checked) + span")).not.toContain(true);
    expect(await standOut(page, ".wave-preview .stage-now")).toEqual([true, true, true]);
  });

  it("keeps the links of its head apart on the narrowest screen, and scrolls sideways nowhere", async () => {
    const { page, server, url, signIn } = await begin({ width: 320, height: 640 });
    showAllOutcomes(server);
    await signIn();
    for (const path of ["/devices", "/devices/dev-1", "/releases", "/rollouts", "/rollouts/r1", "/rollouts/new"]) {
      await page.goto(url + path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.getByText("Live", { exact: true }).waitFor();
      const links = await page.getByRole("navigation").getByRole("link").all();
      const boxes = await Promise.all(links.map(async (link) => (await link.boundingBox())!));
      for (const [i, { x, width, y }] of boxes.entries()) {
        const next = boxes[i + 1];
        if (next?.y === y) expect(next.x - x - width, `${path}: behind link ${i + 1}`).toBeGreaterThanOrEqual(12);
      }
      const wide = await page
        .locator("main *")
        .evaluateAll((elements) =>
          elements
            .filter((element) => element.getBoundingClientRect().right > window.innerWidth && element.clientWidth > 1)
            .map((element) => `${element.tagName} ${element.className}`),
        );
      expect(wide, path).toEqual([]);
    }
  });

  it("has nothing that axe finds fault with, on any page", { timeout: 120_000 }, async () => {
    const { page, server, url, signIn } = await begin();
    showAllOutcomes(server);
    server.preflight = { problems: [{ kind: "waits", sentence: "It waits.", todo: "Wait." }] };
    await signIn();
    const look = async (where: string): Promise<void> => {
      expect(await axeProblems(page), where).toEqual([]);
    };
    for (const [path, text] of [
      ["/devices", "dev-5"],
      ["/devices/dev-1", "Details"],
      ["/releases", "virt-rv32"],
      ["/rollouts", "flipside-demo 1.1.0"],
      ["/rollouts/r1", "Decisions"],
      ["/rollouts/new", "Limits"],
      ["/trust", "May sign"],
      ["/password", "Present password"],
    ] as const) {
      await page.goto(url + path);
      await page.getByText(text).first().waitFor();
      await page.getByText("Live", { exact: true }).waitFor();
      if (path === "/rollouts/new") {
        await page.getByRole("status", { name: "What the rollout would meet" }).waitFor();
      }
      await look(path);
    }
    server.signOutEverybody();
    server.dropStreams();
    await page.getByRole("dialog", { name: "Sign in again" }).waitFor();
    await look("a session that has ended");
  });
});
