// The first page, at the real server: what needs a person, one step from its cause, and gone when it is settled.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fleetSampleMs } from "@flipside/api/fleet-spans";
import { Fixture, password } from "../../apps/server/test/fixture.ts";
import { failTrial, type Made, newRelease, update } from "../../apps/server/test/rollout-steps.ts";
import { buildConsole } from "../../apps/web/build/build-console.ts";
import { findChromium, launch } from "../../apps/web/test/browser.ts";
import { looksFine, openPage, signIn } from "./console-page.ts";

const executablePath = findChromium();
if (!executablePath) console.warn("skipped: the overview needs Chromium, as chromium or chromium-browser on PATH");

describe.skipIf(!executablePath)("the overview", () => {
  let fixture: Fixture;
  let browser: Browser;
  let page: Page;
  let release: Made;
  const faults: string[] = [];

  beforeAll(async () => {
    fixture = await Fixture.start({ consoleDir: await buildConsole() });
    release = await newRelease(fixture, 2);
    browser = await launch(executablePath!);
    page = await openPage(browser, faults);
    await signIn(page, fixture.server.url, "admin", password);
    await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await fixture?.stop();
  });

  const queue = () => page.getByRole("region", { name: "Needs a person" });
  const item = (text: string) => queue().getByRole("listitem").filter({ hasText: text });
  it("says that nothing waits, of a fleet without devices", async () => {
    await queue().getByText("Nothing: what is under way goes on by itself.").waitFor();
    await page.getByText("No device has joined yet.").waitFor();
    await looksFine(page, "empty");
  });

  it("counts what the fleet runs, and leads from a version to the devices that run it", async () => {
    for (const id of ["a", "b", "c"]) await fixture.readyDevice(id);
    await page.getByText("3 devices, 3 online.").waitFor();
    await page.getByRole("region", { name: "Versions" }).getByRole("link", { name: "1.0.0" }).click();
    await page.getByRole("heading", { name: "Devices", level: 1 }).waitFor();
    for (const id of ["a", "b", "c"]) await page.getByRole("rowheader", { name: new RegExp(`^${id}\\b`) }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  });

  it("draws what the fleet ran in the last day, week and quarter", async () => {
    const { db } = fixture.server.internals.storage;
    await db.deleteFrom("fleetSamples").execute();
    const now = Math.floor(Date.now() / fleetSampleMs) * fleetSampleMs;
    const summary = (await fixture.api.get("/api/v1/device-summary")).body;
    const counted = (updated: number, online: number): string =>
      JSON.stringify({
        ...summary,
        total: 100,
        online,
        versions: [
          { version: "1.0.0", count: 100 - updated },
          { version: "1.2.0", count: updated },
        ],
      });
    for (let ago = 0; ago < 95; ago++)
      await db
        .insertInto("fleetSamples")
        .values({ at: now - ago * fleetSampleMs, summary: counted(Math.max(0, 95 - 2 * ago), 60 + (ago % 30)) })
        .execute();
    await page.reload();
    const drawn = page.getByRole("region", { name: "The fleet over time" });
    const chart = drawn.getByRole("img", { name: /^The fleet in the last day\. / });
    await chart.waitFor();
    expect(await chart.getAttribute("aria-label")).toMatch(
      /At first, .*: 100 devices, 64 online; 1\.0\.0 100, 1\.2\.0 0\. Now, .*: 3 devices, 3 online; 1\.0\.0 3\.$/,
    );
    expect(await chart.locator("path.series-1").getAttribute("d")).toMatch(
      /^(M[\d.]+ [\d.]+V[\d.]+H[\d.]+V[\d.]+Z){20,}$/,
    );
    await looksFine(page, "over time");
    await drawn.getByRole("button", { name: "Last week" }).click();
    await drawn.getByRole("img", { name: /^The fleet in the last week\. / }).waitFor();
    expect(new URL(page.url()).searchParams.get("span")).toBe("week");
    await drawn.getByRole("link", { name: "1.2.0" }).waitFor();
    await drawn.getByRole("button", { name: "Last day" }).click();
    await chart.waitFor();
  });

  it("lists after roll-backs and a pause what needs somebody, with the ways to it; and no more when it is settled", async () => {
    const [a, b, c] = fixture.devices;
    const { id } = await fixture.rollOut(release.id, [a!, b!, c!], { failureThresholdPercent: 100 });
    await failTrial(a!);
    await failTrial(b!);
    await item("2 devices went back from 1.2.0").waitFor();
    await fixture.api.post(`/api/v1/rollouts/${id}/pause`);
    await item("It is paused").waitFor();
    await page.getByRole("region", { name: "Rollouts under way" }).getByText("Paused").waitFor();
    await looksFine(page, "with two things");
    // The most pressing is the first.
    expect(await queue().getByRole("listitem").first().innerText()).toContain("Rollout paused");
    await item("2 devices went back").getByRole("link", { name: "Look at a" }).click();
    await page.getByRole("heading", { name: "a", level: 1, exact: true }).waitFor();
    await page.goBack();
    await item("It is paused").getByRole("link", { name: "Open test" }).click();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Resume rollout" }).click();
    await page.getByRole("status", { name: "Rollout state" }).getByText("Running").waitFor();
    await page.getByRole("link", { name: "Overview", exact: true }).click();
    await expect.poll(() => item("It is paused").count()).toBe(0);
    await update(c!, release);
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state === "completed");
    await page.getByRole("region", { name: "Rollouts under way" }).getByText("None.").waitFor();
    await fixture.api.post(`/api/v1/rollouts/${id}/archive`);
    await queue().getByText("Nothing: what is under way goes on by itself.").waitFor();
  });

  it("leads from devices that are unhealthy to their list", async () => {
    for (const device of fixture.devices.slice(0, 2)) {
      device.health = "unhealthy";
      await device.checkIn();
    }
    await page.goto(fixture.server.url);
    await item("Of 2 devices each says that its app does not work").getByRole("link").click();
    await page.getByRole("rowheader", { name: /^a\b/ }).waitFor();
    expect(await page.getByRole("rowheader").count()).toBe(2);
    expect(faults).toEqual([]);
  });
});
