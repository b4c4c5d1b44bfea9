// The product as an operator meets it: the built console in a real browser, served by the real server, with a unikernel
// in QEMU and virtual devices behind it. Nothing waits for a fixed time.
//
// FLIPSIDE_SCREENSHOTS=folder also writes pictures there, of a fleet of 25 devices.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasCommand } from "../../apps/agent/build/run-tool.ts";
import { findChromium, launch } from "../../apps/web/test/browser.ts";
import { unikernelId } from "../../apps/demo/src/demo-fleet.ts";
import { LiveProduct } from "./live-product.ts";

const screenshots = process.env["FLIPSIDE_SCREENSHOTS"];
const virtualDevices = screenshots ? 24 : 4;
const deviceCount = virtualDevices + 1;
const firstWave = Math.ceil(deviceCount * 0.4);

const executablePath = findChromium();
const hasQemu = hasCommand("qemu-system-riscv32");
if (!executablePath)
  console.warn("skipped: the product's browser test needs Chromium, as chromium or chromium-browser on PATH");
if (!hasQemu)
  console.warn("skipped: the product's browser test needs qemu-system-riscv32 (apt-get install -y qemu-system-misc)");

describe.skipIf(!executablePath || !hasQemu)("the product in a browser", () => {
  let product: LiveProduct;
  let browser: Browser;
  let page: Page;
  /** Errors that the page threw or logged. A request that the server refuses is logged by the browser, and is none. */
  const faults: string[] = [];

  beforeAll(async () => {
    [product, browser] = await Promise.all([LiveProduct.start(virtualDevices), launch(executablePath!)]);
    page = await (
      await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" })
    ).newPage();
    page.setDefaultTimeout(30_000);
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(message.text());
    });
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await product?.stop();
  }, 60_000);

  const row = (name: string): Locator =>
    page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: new RegExp(`^${name}\\b`) }) });
  const rowsWith = (text: RegExp): Locator =>
    page
      .getByRole("row")
      .filter({ has: page.getByRole("rowheader") })
      .filter({ hasText: text });
  const openPage = (name: string): Promise<void> => page.getByRole("navigation").getByRole("link", { name }).click();

  /** Until `locator` finds exactly so many. */
  async function untilCount(locator: Locator, wanted: number, what: string, timeoutMs: number): Promise<void> {
    await expect.poll(() => locator.count(), { timeout: timeoutMs, interval: 100, message: what }).toBe(wanted);
  }

  const slot = (name: string): Promise<string> => page.getByRole("region", { name: `Slot ${name}` }).innerText();

  /** On the page of devices: until its list says that every device is as the filter says. */
  async function untilAllAre(filter: string, timeoutMs: number): Promise<void> {
    const field = page.getByLabel("Filter", { exact: true });
    const found = page.getByText(`${deviceCount} devices found`, { exact: true });
    await field.fill(filter);
    await found.waitFor({ timeout: timeoutMs });
    await field.fill("");
    await found.waitFor({ state: "detached" });
    // What it offers to be typed lies over the list as long as somebody is in it.
    await field.blur();
  }

  async function picture(name: string): Promise<void> {
    if (!screenshots) return;
    mkdirSync(screenshots, { recursive: true });
    await page.screenshot({ path: join(screenshots, `${name}.png`) });
  }

  /** The same page as a phone shows it. */
  async function phonePicture(name: string): Promise<void> {
    if (!screenshots) return;
    await page.setViewportSize({ width: 390, height: 844 });
    await picture(name);
    await page.setViewportSize({ width: 1280, height: 800 });
  }

  /** Chooses a file as a person does: by the button, in the browser's own dialog. */
  async function chooseRelease(path: string): Promise<void> {
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Choose release file" }).click();
    await (await chooser).setFiles(path);
  }

  it("lets the first administrator in with the one-time password, once it is replaced", async () => {
    const oneTime = product.server.firstPassword!;
    await page.goto(product.consoleUrl);
    await page.getByLabel("User name").fill("admin");
    await page.getByLabel("Password").fill(oneTime);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Choose a password" }).waitFor();
    await page.getByLabel("One-time password").fill(oneTime);
    await page.getByLabel("New password", { exact: true }).fill("four words in a row");
    await page.getByLabel("New password again").fill("four words in a row");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Overview", exact: true }).waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
    // From here on nothing may reload the page: a reload would lose this mark.
    await page.evaluate(() => void ((window as unknown as { mark: boolean }).mark = true));
  });

  it("shows every device online and healthy on 1.0.0 in slot A", { timeout: 120_000 }, async () => {
    await openPage("Devices");
    await untilAllAre("version = 1.0.0 and online and health = healthy", 90_000);
    await picture("desktop-devices-before");
    for (const id of [unikernelId, "virtual-01"]) {
      await row(id).getByRole("link", { name: id }).click();
      await page.getByRole("heading", { name: id, level: 1 }).waitFor();
      expect(await slot("A")).toMatch(/Running now[\s\S]*1\.0\.0[\s\S]*confirmed/i);
      expect(await slot("B")).toMatch(/empty/i);
      await openPage("Devices");
    }
  });

  it("refuses a release with a flipped bit, says why, and takes the real one", async () => {
    await openPage("Releases");
    await chooseRelease(product.flippedPath);
    const refused = page.getByRole("status").filter({ hasText: "Refused: flipped.release" });
    await refused.getByText("chunk-mismatch", { exact: true }).waitFor();
    expect(await refused.innerText()).toContain("nothing was sent");
    await picture("desktop-release-refused");

    await chooseRelease(product.releasePath);
    await page.getByText("every signature, chunk table and chunk holds").waitFor();
    await picture("desktop-release-checked");
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    const accepted = page.getByRole("status").filter({ hasText: "Accepted: flipside-demo 2.0.0" });
    await accepted.waitFor();
    expect(await accepted.innerText()).toMatch(/holds 2 images[\s\S]*virt-rv32[\s\S]*virtual-node/);
    await picture("desktop-release-accepted");
    await accepted.getByRole("link", { name: "Roll it out" }).click();
  });

  it("updates the whole fleet in two waves while the operator watches, without a reload", {
    timeout: 240_000,
  }, async () => {
    await page.getByLabel("Name").fill("Two waves");
    await page.getByRole("button", { name: "Remove wave 2" }).click();
    await page.getByLabel("Size of wave 1").fill("40");
    await page.getByLabel("Unit of wave 1").selectOption("% of all, in total");
    const preview = page.getByRole("status", { name: "Preview of the waves" });
    await preview.getByText("Wave 2").waitFor();
    expect(await preview.innerText()).toMatch(
      new RegExp(`${firstWave} devices[\\s\\S]*${deviceCount - firstWave} devices`),
    );
    await picture("desktop-new-rollout");

    // Slow enough for a download to be seen under way.
    product.link.faults = { bytesPerSecond: screenshots ? 10_000 : 25_000 };
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "Two waves", exact: true }).waitFor();
    const wave = (index: number): Locator => page.getByRole("listitem", { name: `Wave ${index}` });
    await rowsWith(/Downloading \d+ %/)
      .first()
      .waitFor();
    await wave(2).getByText("Waiting", { exact: true }).waitFor();
    if (screenshots) {
      // Other pages in the middle of it, by the links of the page: no reload.
      await openPage("Devices");
      await rowsWith(/Downloading [2-9]\d %/)
        .nth(2)
        .waitFor();
      await picture("desktop-devices-updating");
      await phonePicture("phone-devices-updating");
      await row("virtual-03").getByRole("link").click();
      await page.getByRole("region", { name: "Slot B" }).waitFor();
      await picture("desktop-device-updating");
      await openPage("Rollouts");
      await page.getByRole("link", { name: "Two waves" }).click();
    }
    await wave(1).getByText("Done").waitFor({ timeout: 90_000 });
    await wave(2).getByText("Running").waitFor();
    await rowsWith(/Downloading [1-9]\d* %/)
      .first()
      .waitFor({ timeout: 60_000 });
    await picture("desktop-rollout-in-progress");
    await phonePicture("phone-rollout-in-progress");
    product.link.faults = {};

    await page.getByRole("status", { name: "Rollout state" }).getByText("Completed").waitFor({ timeout: 120_000 });
    await untilCount(rowsWith(/Confirmed/), deviceCount, "deployments confirmed", 10_000);
    await page.getByText("100 %", { exact: true }).first().waitFor();
    await picture("desktop-rollout-completed");
    await openPage("Devices");
    await untilAllAre("version = 2.0.0 and slotState = confirmed and online", 30_000);
    await picture("desktop-devices");
    await phonePicture("phone-devices");
    expect(
      await page.evaluate(() => (window as unknown as { mark?: boolean }).mark),
      "the page was never reloaded",
    ).toBe(true);
  });

  it("shows on a device's own page which slot runs, what the other holds, and how it came to that", async () => {
    await row(unikernelId).getByRole("link", { name: unikernelId }).click();
    await page.getByRole("heading", { name: unikernelId }).waitFor();
    expect(await slot("B")).toMatch(/Running now[\s\S]*2\.0\.0[\s\S]*confirmed/i);
    expect(await slot("A")).toMatch(/Idle[\s\S]*confirmed/i);
    await row("Two waves").getByText("Confirmed").waitFor();
    await picture("desktop-device");
    await phonePicture("phone-device");
  });

  it("leaves no error in the browser's console", () => {
    expect(faults).toEqual([]);
  });
});
