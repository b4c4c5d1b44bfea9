// The list of devices at the real server, with some thousands of them. Row 6 of what broke when the console was tried
// as an operator would: no bulk action, sort, saved filter or export, and 500 devices were 37,000 pixels.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture, password } from "../../apps/server/test/fixture.ts";
import { product } from "../../apps/server/test/keys.ts";
import { newRelease } from "../../apps/server/test/rollout-steps.ts";
import { buildConsole } from "../../apps/web/build/build-console.ts";
import { axeProblems } from "../../apps/web/test/axe.ts";
import { findChromium, launch } from "../../apps/web/test/browser.ts";

const executablePath = findChromium();
if (!executablePath)
  console.warn("skipped: the list of devices needs Chromium, as chromium or chromium-browser on PATH");

const devices = 3_000;
const idOf = (n: number): string => `dev-${String(n).padStart(7, "0")}`;
const versionOf = (n: number): string => (n % 100 === 0 ? "0.8.0" : n % 10 === 0 ? "0.10.0" : "1.0.0");

describe.skipIf(!executablePath)("the list of devices", () => {
  let fixture: Fixture;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];

  async function fill(): Promise<void> {
    const { db } = fixture.server.internals.storage;
    const rows = Array.from({ length: devices }, (_, n) => ({
      ...{ id: idOf(n), publicKey: Buffer.alloc(32), product, hardware: "virtual", revision: 1, trustVersion: 1 },
      enrolledAt: 1_000_000 + n,
      lastSeenAt: Date.now() - (n % 1000) * 1_000_000,
      health: n % 1000 === 7 ? ("unhealthy" as const) : ("healthy" as const),
      running: JSON.stringify({
        ...{ slot: "a", digest: "0d".repeat(32), version: versionOf(n), releaseSequence: 1, state: "confirmed" },
      }),
      other: JSON.stringify({ slot: "b", state: "empty", reason: 0 }),
      attributes: JSON.stringify({ site: `s${n % 50}` }),
    }));
    for (let at = 0; at < devices; at += 500)
      await db
        .insertInto("devices")
        .values(rows.slice(at, at + 500))
        .execute();
    const tags = rows.filter((_, n) => n % 100 === 3).map(({ id }) => ({ deviceId: id, tag: "ring:1" }));
    await db.insertInto("deviceTags").values(tags).execute();
  }

  beforeAll(async () => {
    fixture = await Fixture.start({ consoleDir: await buildConsole(), tickMs: 3_600_000 });
    await fill();
    await newRelease(fixture, 2);
    browser = await launch(executablePath!);
    page = await (
      await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" })
    ).newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(message.text());
    });
    await page.goto(`${fixture.server.url}/devices`);
    await page.getByLabel("User name").fill("admin");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await row(0).waitFor();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await fixture?.stop();
  });

  const row = (n: number) =>
    page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: idOf(n), exact: true }) });
  const first = async (): Promise<string> => (await page.getByRole("rowheader").first().innerText()).trim();

  it("has nothing that axe finds fault with, and scrolls sideways on no screen", { timeout: 60_000 }, async () => {
    for (const width of [1280, 390, 320]) {
      await page.setViewportSize({ width, height: 900 });
      await row(0).waitFor();
      expect(await axeProblems(page), `at ${width} pixels`).toEqual([]);
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(beyond, `at ${width} pixels`).toBeLessThanOrEqual(0);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it("goes on to the last of them as somebody scrolls, with as many rows drawn as are seen", {
    timeout: 60_000,
  }, async () => {
    const grid = page.getByRole("grid", { name: "Devices" });
    expect(await grid.getAttribute("aria-rowcount")).toBe(String(devices + 1));
    await expect
      .poll(
        async () => {
          await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
          expect(await page.getByRole("rowheader").count()).toBeLessThan(80);
          return row(devices - 1).count();
        },
        { timeout: 50_000 },
      )
      .toBe(1);
    await page.evaluate(() => window.scrollTo(0, 0));
  });

  it("is sorted by its heads, by the order of versions and by who was silent longest", async () => {
    await page.getByRole("button", { name: "Version", exact: true }).click();
    await expect.poll(first).toBe(idOf(0));
    expect(await row(100).getByText("0.8.0").count(), "0.8.0 before 0.10.0").toBe(1);
    await page.getByRole("button", { name: "Last seen", exact: true }).click();
    await expect.poll(first).toBe(idOf(999));
    await page.goBack();
    await page.goForward();
    await expect.poll(first).toBe(idOf(999));
    await page.getByRole("button", { name: "Device", exact: true }).click();
    await expect.poll(first).toBe(idOf(0));
  });

  it("says to how many something is done, tags them, and exports them", { timeout: 60_000 }, async () => {
    await page.getByLabel("Filter").fill("attribute.site = s7");
    await page.getByText("60 devices found", { exact: true }).waitFor();
    await row(7).getByRole("checkbox").click();
    await page.getByRole("button", { name: "Select all 60 that match" }).click();
    await page.getByText("All 60 devices that match").waitFor();
    await page.getByRole("button", { name: "Tag…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Give").fill("site:seven");
    await dialog.getByRole("button", { name: "Tag 60 devices" }).click();
    await page.getByText("Tags changed on 60 devices").waitFor();
    const tagged = await fixture.api.get("/api/v1/device-groups?by=tag&filter=tag+%3D+site:seven");
    expect(tagged.body.devices).toBe(60);
    await page.getByLabel("Filter").fill("tag = site:seven");
    await page.getByText("60 devices found", { exact: true }).waitFor();
    await row(7).getByRole("checkbox").click();
    await page.getByRole("button", { name: "Select all 60 that match" }).click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Export CSV" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("devices.csv");
    const lines = (await (await download.createReadStream()).toArray()).join("").trim().split("\r\n");
    expect(lines).toHaveLength(61);
    await page.getByRole("button", { name: "Clear" }).click();
  });

  it("offers values that the fleet has, and keeps what is looked at as a group", async () => {
    const filter = page.getByLabel("Filter");
    await filter.fill("");
    await filter.pressSequentially("version = 0.1");
    await page.getByRole("option", { name: "0.10.0" }).click();
    await page.getByText(/\d devices found/).waitFor();
    await page.getByRole("button", { name: "Keep this list" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Behind");
    await dialog.getByLabel("Share it").check();
    await dialog.getByRole("button", { name: "Keep", exact: true }).click();
    await page.getByRole("link", { name: "Behind" }).waitFor();
    expect((await fixture.api.get("/api/v1/device-views")).body.views).toMatchObject([
      { name: "Behind", shared: true, filter: "version = 0.10.0" },
    ]);
    await page.goto(`${fixture.server.url}/devices`);
    await row(0).waitFor();
    await page.getByRole("link", { name: "Behind" }).click();
    await expect.poll(first).toBe(idOf(10));
    expect(faults).toEqual([]);
  });
});
