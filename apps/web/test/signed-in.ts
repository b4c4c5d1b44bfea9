// A signed-in console in a real browser, in front of a server that plays the REST contract.

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import { buildConsole } from "../build/build-console.ts";
import { findChromium, launch } from "./browser.ts";
import { FakeServer } from "./fake-server.ts";
import { device, release } from "./fixtures.ts";

export interface SignedIn {
  server: FakeServer;
  page: Page;
  url: string;
  /** What is on the page: a thing that was waited for in vain says little of what was there in its place. */
  seen(): Promise<string>;
  /** Closes all of it; returns what went wrong in page and server meanwhile. */
  close(): Promise<string[]>;
}

/** With five devices and one release that fits them; at this address once somebody has signed in. */
async function signedIn(browser: Browser, dist: string, path: string): Promise<SignedIn> {
  const server = new FakeServer(dist);
  for (const id of ["dev-1", "dev-2", "dev-3", "dev-4", "dev-5"]) server.devices.set(id, device(id));
  server.releases.set("rel-2", release("rel-2", "1.1.0", 2));
  server.user = { ...server.user, mustChangePassword: false };
  const url = await server.listen();
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  const unanswered: string[] = [];
  page.on("requestfailed", (request) => unanswered.push(`${request.url()}: ${request.failure()?.errorText}`));
  await page.goto(url + path);
  await page.getByLabel("User name").fill("admin");
  await page.getByLabel("Password").fill("one-time-secret");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Live", { exact: true }).waitFor();
  return {
    server,
    page,
    url,
    async seen() {
      const text = await page.locator("body").innerText({ timeout: 1_000 });
      return [`at ${page.url()}:`, text, "without an answer:", ...unanswered].join("\n");
    },
    async close() {
      await context.close();
      await server.close();
      return [...faults, ...server.faults];
    },
  };
}

/**
 * Tests in Chromium, where there is one. Each opens a console at some address at most once; by its end nothing may have
 * gone wrong in page and server.
 */
export function describeInBrowser(what: string, tests: (open: (path: string) => Promise<SignedIn>) => void): void {
  const executablePath = findChromium();
  if (!executablePath)
    console.warn(`Skipped: tests of ${what} in a browser need Chromium, as chromium or chromium-browser on PATH.`);
  describe.skipIf(!executablePath)(what, () => {
    let browser: Browser;
    let dist: string;
    let opened: SignedIn | undefined;

    beforeAll(async () => {
      [dist, browser] = await Promise.all([buildConsole(), launch(executablePath!)]);
    });

    afterAll(async () => {
      await browser?.close();
    });

    afterEach(async ({ task }) => {
      if (task.result?.state === "fail") console.error(await opened?.seen().catch(String));
      expect(await opened?.close()).toEqual([]);
    });

    tests(async (path) => (opened = await signedIn(browser, dist, path)));
  });
}
