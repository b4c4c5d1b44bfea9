// The console in another language: chosen by the browser's, or by who uses it; every page of it, without a fault, and
// within the window. That no word is left out is in apps/web/test/language.test.ts.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { Fixture, password } from "../../apps/server/test/fixture.ts";
import { newRelease, update } from "../../apps/server/test/rollout-steps.ts";
import { buildServed } from "../../apps/web/build/build-served.ts";
import { findChromium, launch } from "../../apps/web/test/browser.ts";
import { looksFine, nothingLoads, openPage } from "./console-page.ts";

const folder = join(repositoryRoot, "build-output", "screens");
const executablePath = findChromium();
if (!executablePath) console.warn("skipped: languages need Chromium, as chromium or chromium-browser on PATH");

describe.skipIf(!executablePath)("languages", () => {
  let fixture: Fixture;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];
  const ids = { ROLLOUT: "", RELEASE: "" };

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    fixture = await Fixture.start({ consoleDir: await buildServed() });
    const release = await newRelease(fixture, 2);
    const [first, second] = [await fixture.readyDevice("pump-1"), await fixture.readyDevice("pump-2")];
    const more = { waves: [{ count: 1 }, { percent: 100 }], order: "as-listed" };
    const rollout = await fixture.rollOut(release.id, [first, second], more);
    await update(first, release);
    Object.assign(ids, { ROLLOUT: rollout.id, RELEASE: release.id });
    browser = await launch(executablePath!);
    page = await openPage(browser, faults, { locale: "zh-HK" });
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await fixture?.stop();
  });

  /** It is said as soon as the first script has run. */
  const shownIn = (language: string): Promise<void> =>
    expect.poll(() => page.locator("html").getAttribute("lang")).toBe(language);

  it("the browser's own is shown, from the first page on", async () => {
    await page.goto(fixture.server.url);
    await shownIn("zh-CN");
    await page.getByLabel("用户名").fill("admin");
    await page.getByLabel("密码").fill(password);
    await page.getByRole("button", { name: "登录" }).click();
    await page.getByRole("heading", { level: 1, name: "概览" }).waitFor();
  });

  it.each([
    ["overview", "/"],
    ["devices", "/devices"],
    ["device", "/devices/pump-1"],
    ["releases", "/releases"],
    ["release", "/releases/RELEASE"],
    ["rollouts", "/rollouts"],
    ["new-rollout", "/rollouts/new?release=RELEASE"],
    ["rollout", "/rollouts/ROLLOUT"],
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
    ["brick-it", "/brick-it/?console"],
  ])("%s", { timeout: 60_000 }, async (name, path) => {
    await page.goto(fixture.server.url + path.replace(/[A-Z]{6,}/, (id) => ids[id as keyof typeof ids]));
    const heading = page.getByRole("heading", { level: 1 });
    await heading.waitFor();
    expect(await heading.innerText(), "somebody is signed in").not.toBe("登录");
    await nothingLoads(page);
    await expect.poll(() => page.getByText(/^正在加载/).count()).toBe(0);
    await page.screenshot({ path: join(folder, `${name}-zh-CN.png`), fullPage: true });
    expect(await page.locator("nav, button").first().textContent()).toMatch(/\p{Script=Han}/u);
    await looksFine(page, name);
    expect(faults.splice(0), name).toEqual([]);
  });

  it("another one is chosen on the settings page, and kept", async () => {
    await page.goto(`${fixture.server.url}/settings`);
    await page.getByLabel("语言").selectOption("en");
    await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    await page.goto(`${fixture.server.url}/devices`);
    await page.getByRole("heading", { level: 1, name: "Devices" }).waitFor();
    await shownIn("en");
  });
});
