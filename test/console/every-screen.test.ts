// Every screen, in both themes, on a desk and on a phone: without a fault of the page or its policy, with nothing for
// axe to find, and nothing beyond the window's edge. A picture of each is left in build-output/screens.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { Fixture, password } from "../../apps/server/test/fixture.ts";
import { newPerson } from "../../apps/server/test/people.ts";
import { asked, failTrial, newRelease, update } from "../../apps/server/test/rollout-steps.ts";
import { buildServed } from "../../apps/web/build/build-served.ts";
import { axeProblems } from "../../apps/web/test/axe.ts";
import { findChromium, launch } from "../../apps/web/test/browser.ts";
import { fitsInWindow, nothingLoads, openPage, signIn } from "./console-page.ts";

const folder = join(repositoryRoot, "build-output", "screens");
const executablePath = findChromium();
if (!executablePath) console.warn("skipped: screens need Chromium, as chromium or chromium-browser on PATH");

const sizes = { desk: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

describe.skipIf(!executablePath)("every screen", () => {
  let fixture: Fixture;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];
  /** Names that are known once the fleet is there, in paths. */
  const ids = { ROLLOUT: "", PAUSED: "", RELEASE: "" };

  /** A fleet in the middle of its life: one rollout under way, one paused, updates that failed, people and tokens. */
  async function live(): Promise<void> {
    const [first, second] = [await newRelease(fixture, 2), await newRelease(fixture, 3)];
    const devices = [];
    for (let at = 1; at <= 8; at++) devices.push(await fixture.readyDevice(`hall-3-pump-${at}`));
    await fixture.api.request("PUT", "/api/v1/devices/hall-3-pump-1/tags", { tags: ["canary", "hall-3"] });
    const [a, b, c, d] = devices as [
      (typeof devices)[0],
      (typeof devices)[0],
      (typeof devices)[0],
      (typeof devices)[0],
    ];
    const waves = [{ count: 4 }, { percent: 100 }];
    const more = { name: "Autumn", waves, order: "as-listed", failureThresholdPercent: 100 };
    const autumn = await fixture.rollOut(first.id, devices, more);
    await update(a, first);
    await failTrial(b);
    await asked(c);
    await d.close();
    const paused = await fixture.rollOut(second.id, [devices[6]!], { name: "Pumps that leak" });
    await fixture.api.post(`/api/v1/rollouts/${paused.id}/pause`);
    await newPerson(fixture.api, "approver", "ada");
    await newPerson(fixture.api, "viewer", "partner", ["hall-3"]);
    await fixture.api.post("/api/v1/session/tokens", { name: "nightly build", permissions: ["fleet:read"] });
    Object.assign(ids, { ROLLOUT: autumn.id, PAUSED: paused.id, RELEASE: first.id });
  }

  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    fixture = await Fixture.start({ consoleDir: await buildServed() });
    await live();
    browser = await launch(executablePath!);
    page = await openPage(browser, faults);
    await page.goto(fixture.server.url);
    await page.getByLabel("User name").waitFor();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await fixture?.stop();
  });

  async function look(name: string): Promise<void> {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const [size, pixels] of Object.entries(sizes)) {
        await page.setViewportSize(pixels);
        await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${size}.png`), fullPage: true });
        await fitsInWindow(page, name);
        expect(await axeProblems(page), `${name}, ${colorScheme}, ${size}`).toEqual([]);
      }
    }
    expect(faults.splice(0), name).toEqual([]);
  }

  it("of nobody who is signed in", { timeout: 60_000 }, async () => {
    await look("sign-in");
    await signIn(page, fixture.server.url, "admin", password);
    await page.getByRole("heading", { level: 1 }).waitFor();
  });

  it.each([
    ["overview", "/"],
    ["devices", "/devices"],
    ["devices-by-filter", "/devices?filter=tag%20%3D%20canary"],
    ["devices-none-match", "/devices?query=nothing-of-the-kind"],
    ["device", "/devices/hall-3-pump-2"],
    ["device-that-is-not-there", "/devices/nobody"],
    ["releases", "/releases"],
    ["rollouts", "/rollouts"],
    ["new-rollout", "/rollouts/new?release=RELEASE"],
    ["rollout", "/rollouts/ROLLOUT"],
    ["rollout-paused", "/rollouts/PAUSED"],
    ["trust", "/trust"],
    ["people", "/access"],
    ["sessions", "/access/sessions"],
    ["tokens", "/access/tokens"],
    ["second-person", "/access/second-person"],
    ["record", "/access/record"],
    ["notifications", "/access/notifications"],
    ["settings", "/settings"],
    ["words", "/words"],
    ["account", "/account"],
    ["password", "/password"],
    ["no-such-page", "/nothing"],
    ["brick-it", "/brick-it/?console"],
  ])("%s", { timeout: 60_000 }, async (name, path) => {
    await page.setViewportSize(sizes.desk);
    await page.goto(fixture.server.url + path.replace(/[A-Z]{6,}/, (id) => ids[id as keyof typeof ids]));
    await page.getByRole("heading", { level: 1 }).waitFor();
    await nothingLoads(page);
    await look(name);
  });
});
