// The page "Try to brick it" in Chromium: from the real server, with its content security policy, and from a static
// one.

import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Fixture } from "../../../server/test/fixture.ts";
import { parseCaseId } from "../../../power-cut/src/campaign/case-id.ts";
import { openSubject } from "../../../power-cut/src/campaign/open-subject.ts";
import { replay } from "../../../power-cut/src/campaign/replay.ts";
import { subjectOfSources } from "../../../power-cut/src/campaign/subject.ts";
import { buildServed } from "../../build/build-served.ts";
import { axeProblems } from "../axe.ts";
import { findChromium, launch } from "../browser.ts";
import { StaticServer } from "./static-server.ts";

const executablePath = findChromium();
if (!executablePath)
  console.warn('Skipped: the page "Try to brick it" is tested in Chromium, as chromium or chromium-browser on PATH.');

describe.skipIf(!executablePath)("the page Try to brick it", () => {
  let browser: Browser;
  let fixture: Fixture;
  let files: StaticServer;
  let staticUrl: string;
  let context: BrowserContext | undefined;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    const consoleDir = await buildServed();
    files = new StaticServer(join(consoleDir, "brick-it"));
    [browser, fixture, staticUrl] = await Promise.all([
      launch(executablePath!),
      Fixture.start({ consoleDir }),
      files.listen(),
    ]);
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await fixture?.stop();
    await files?.close();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") console.error(await page.locator("body").innerText({ timeout: 1_000 }));
    await context?.close();
    expect(faults.splice(0)).toEqual([]);
  });

  async function open(url: string, width = 1200, locale = "en"): Promise<void> {
    context = await browser.newContext({ viewport: { width, height: 800 }, reducedMotion: "reduce", locale });
    page = await context.newPage();
    page.setDefaultTimeout(30_000);
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("requestfailed", (request) => faults.push(`${request.url()}: ${request.failure()?.errorText}`));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
    });
    await page.goto(url);
    await page.getByRole("heading", { level: 1 }).waitFor();
  }

  const button = (name: string | RegExp) => page.getByRole("button", { name });
  const says = (text: string | RegExp): Promise<void> =>
    page.getByRole("status").filter({ hasText: text }).first().waitFor();
  const counted = async (label: string): Promise<number> => {
    const row = page.locator(".score > div").filter({ has: page.getByText(label, { exact: true }) });
    return Number((await row.locator("dd").innerText()).replaceAll(",", ""));
  };

  async function start(): Promise<void> {
    await button("Power on").click();
    await says("It runs 1.0.0 from slot A");
    await page.getByLabel("Fast", { exact: true }).check();
  }

  it("is reached without an account, and takes an update from offer to confirmed under the server's policy", async () => {
    await open(`${fixture.server.url}/brick-it/?console`);
    await start();
    await button("Offer version 2.0.0").click();
    await says("It runs 2.0.0 from slot B. The update to 2.0.0 is confirmed.");
    await page.getByText("A check-in proves it: 2.0.0 runs and is confirmed.").waitFor();
    await says(/The loader's last decision: 2\.0\.0 in slot B is a candidate/);
    expect(await counted("updates confirmed")).toBe(1);
    const slot = await page.getByRole("region", { name: "Slot B" }).innerText();
    const [, written, blank] = /confirmed[^]*\n(\d+) written, (\d+) blank/.exec(slot) ?? [];
    // How many it is rests on the image's size.
    expect(Number(written), slot).toBeGreaterThan(16);
    expect(Number(written) + Number(blank)).toBe(32);
  });

  it("is linked from where people sign in, and leads back there", async () => {
    await open(`${fixture.server.url}/brick-it/?console`);
    await page.getByRole("link", { name: "To the console" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.getByRole("link", { name: "Try to brick a device" }).click();
    await page.getByRole("heading", { name: "Try to brick it" }).waitFor();
    // The console asks whether somebody is signed in, and is refused; what it asks as it is left is given up.
    expect(faults.splice(0).filter((fault) => !/401|ERR_ABORTED/.test(fault))).toEqual([]);
  });

  it("tears an operation, shows it, comes back, and counts a cut and no brick", async () => {
    await open(staticUrl);
    await start();
    await page.getByLabel("Pull it at the next").selectOption("erase");
    await page.getByLabel("What is left of it").selectOption("subset");
    await button("Tear it").click();
    await button("Offer version 2.0.0").click();
    await says("The power is off");
    await page.getByText(/Power is cut at an erase in /).waitFor();
    expect(await page.locator('.flash-zone [data-kind="torn"]').count()).toBeGreaterThan(0);
    await button("Power on").click();
    await says("The update to 2.0.0 is confirmed.");
    expect([await counted("power cuts"), await counted("bricked"), await counted("broken promises")]).toEqual([
      1, 0, 0,
    ]);
  });

  it("is worked by keyboard alone, and axe finds nothing", async () => {
    await open(staticUrl);
    await page.getByText("The power is off.").waitFor();
    expect(await axeProblems(page)).toEqual([]);
    await button("Power on").press("Enter");
    await says("It runs 1.0.0 from slot A");
    await button("Pull the power").press("Space");
    await says("The power is off.");
    await button("Flip bits").press("Enter");
    await page.getByText(/3 bits flip in slot B, page \d+/).waitFor();
    expect(await axeProblems(page)).toEqual([]);
  });

  it("pulls the power by itself, from a seed, and fits a phone", async () => {
    await open(staticUrl, 390);
    await page.getByLabel("Fast", { exact: true }).check();
    await page.getByLabel("Seed", { exact: true }).fill("7");
    await button("Pull it again and again").click();
    await expect.poll(() => counted("power cuts")).toBeGreaterThan(5);
    await button("Stop").click();
    expect([await counted("bricked"), await counted("broken promises")]).toEqual([0, 0]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(await axeProblems(page)).toEqual([]);
  });

  it("replays cases of the campaign, line by line as the command line does", { timeout: 240_000 }, async () => {
    const { tested, pages, stories } = await openSubject(await subjectOfSources(), "small");
    await open(`${fixture.server.url}/brick-it/`);
    for (const id of ["first-update/14.prefix.1", "crash-falls-back/3.marginal.0~fading/2.subset.1"]) {
      const { story: name, steps } = parseCaseId(id);
      const { story, start } = stories.get(name)!;
      const lines: string[] = [];
      const { violations } = replay(tested, pages, story, start, steps, 5, { line: (text) => void lines.push(text) });
      expect([id, violations]).toEqual([id, []]);
      await page.getByLabel("Case", { exact: true }).fill(id);
      await page.getByLabel("Seed of the campaign").fill("5");
      await button("Replay").click();
      await page.getByText(`${name}: ${story.what}`).waitFor();
      await says("All invariants hold");
      const shown = await page.getByRole("region", { name: "What happened in this case" }).innerText();
      expect(shown.split("\n")).toEqual(lines);
    }
    expect(await axeProblems(page)).toEqual([]);
    for (const [id, why] of [
      ["no-such-story/1.prefix.0", 'there is no story "no-such-story": one of enrolment, '],
      ["first-update/x", '"x" in case first-update/x is not OPERATION.FAULT.N'],
      ["first-update/999.prefix.0", "there is no operation 999 to cut"],
    ] as const) {
      await page.getByLabel("Case", { exact: true }).fill(id);
      await button("Replay").click();
      await page.getByRole("alert").filter({ hasText: why }).waitFor();
    }
  });

  it("speaks the browser's language, and so do both of its workers", { timeout: 120_000 }, async () => {
    await open(`${fixture.server.url}/brick-it/`, 1200, "zh-CN");
    expect(await page.title()).toBe("试试让它变砖 · Flipside");
    await button("接通电源").click();
    await says("正在从槽位 A 运行 1.0.0。没有待安装的内容。");
    await says(/引导加载程序的最近一次决定：槽位 A 中的 1\.0\.0 已确认/);
    await page.getByText("一台设备出厂：槽位 A 中为 1.0.0。种子 1。").waitFor();
    const untranslated = page.locator(".timeline-text").filter({ hasNotText: /\p{Script=Han}/u });
    expect(await untranslated.allInnerTexts()).toEqual([]);
    await page.getByLabel("用例", { exact: true }).fill("no-such-story/1.prefix.0");
    await button("重放").click();
    await page.getByRole("alert").filter({ hasText: "没有名为“no-such-story”的场景" }).waitFor();
    expect(await axeProblems(page)).toEqual([]);
  });

  it("says what is wrong with a seed, and that its files are missing", async () => {
    await open(staticUrl);
    await page.getByLabel("Seed", { exact: true }).fill("x");
    await page.getByText("A whole number from 0 to 4294967295.").waitFor();
    // What is still being loaded when the page is left would be a fault of its own.
    await page.waitForLoadState("networkidle");
    await page.route("**/boot.wasm", (route) => route.fulfill({ status: 404 }));
    await page.reload();
    await page.getByRole("alert").filter({ hasText: "boot.wasm could not be loaded: 404" }).waitFor();
    expect(faults.splice(0)).toEqual([expect.stringContaining("boot.wasm")]);
  });
});
