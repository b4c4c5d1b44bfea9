// Pages of the console as its tests open them: what a page or its policy finds wrong is kept, for a test to look at.

import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { axeProblems } from "../../apps/web/test/axe.ts";

export const widePixels = { width: 1200, height: 900 };
const narrowWidths = [390, 320];

/** `faults`: every error that it throws or logs. A request that the server refuses is logged by the browser, too. */
export async function openPage(browser: Browser, faults: string[], more: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: widePixels, reducedMotion: "reduce", ...more });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(message.text());
  });
  return page;
}

export async function signIn(page: Page, address: string, userName: string, secret: string): Promise<void> {
  await page.goto(address);
  await page.getByLabel("User name").fill(userName);
  await page.getByLabel("Password").fill(secret);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Several parts of a page may be loading at once. */
export async function nothingLoads(page: Page): Promise<void> {
  await expect.poll(() => page.getByText(/^Loading/).count(), { timeout: 20_000 }).toBe(0);
}

/** What reaches beyond the window's right edge, the innermost of it alone. */
const beyondWindow = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const { documentElement: root, body } = document;
    if (root.scrollWidth <= window.innerWidth) return [];
    const isBeyond = (element: Element): boolean => element.getBoundingClientRect().right > window.innerWidth + 0.5;
    const all = Array.from(body.querySelectorAll("*")).filter(
      (each) => isBeyond(each) && !Array.from(each.children).some(isBeyond),
    );
    return [`by ${root.scrollWidth - window.innerWidth} pixels`, ...all.map((each) => each.outerHTML.slice(0, 200))];
  });

export async function fitsInWindow(page: Page, where: string): Promise<void> {
  expect(await beyondWindow(page), `${where} at ${page.viewportSize()?.width} pixels`).toEqual([]);
}

/** Nothing for axe to find, and nothing beyond the window on a phone. */
export async function looksFine(page: Page, where: string): Promise<void> {
  expect(await axeProblems(page), where).toEqual([]);
  for (const width of narrowWidths) {
    await page.setViewportSize({ width, height: 800 });
    await fitsInWindow(page, where);
  }
  await page.setViewportSize(widePixels);
}
