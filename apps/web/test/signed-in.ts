// A console in a real browser, in front of a server that plays the REST contract.

import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import { buildConsole } from "../build/build-console.ts";
import { findChromium, launch } from "./browser.ts";
import { FakeServer } from "./fake-server.ts";
import { device, release } from "./fixtures.ts";

export interface Begun {
  server: FakeServer;
  page: Page;
  url: string;
  /** The row that begins with this name. */
  row(name: string): Locator;
  /** As the administrator, at this address. */
  signIn(path?: string): Promise<void>;
}

interface Opened extends Begun {
  /** What is on the page: a thing that was waited for in vain says little of what was there in its place. */
  seen(): Promise<string>;
  /** Closes all of it; returns what went wrong in page and server meanwhile. */
  close(): Promise<string[]>;
}

/** The page must be there for good: a reload would lose this mark. */
export const mark = (page: Page): Promise<void> =>
  page.evaluate(() => void ((window as unknown as { mark: boolean }).mark = true));
export const isMarked = (page: Page): Promise<boolean> =>
  page.evaluate(() => (window as unknown as { mark?: boolean }).mark === true);

async function signIn({ server, page, url }: Pick<Begun, "server" | "page" | "url">, path = "/devices"): Promise<void> {
  server.user = { ...server.user, mustChangePassword: false };
  await page.goto(url + path);
  await page.getByLabel("User name").fill("admin");
  await page.getByLabel("Password").fill("one-time-secret");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Live", { exact: true }).waitFor();
}

const desktop = { width: 1200, height: 800 };

/** With five devices and one release that fits them, and a page that has gone nowhere. */
async function begun(browser: Browser, dist: string, viewport = desktop): Promise<Opened> {
  const server = new FakeServer(dist);
  for (const id of ["dev-1", "dev-2", "dev-3", "dev-4", "dev-5"]) server.devices.set(id, device(id));
  server.releases.set("rel-2", release("rel-2", "1.1.0", 2));
  const url = await server.listen();
  const context = await browser.newContext({ viewport, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  // A refused request is logged by the browser as well; what counts are faults of the page and its policy.
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(message.text());
  });
  const unanswered: string[] = [];
  page.on("requestfailed", (request) => unanswered.push(`${request.url()}: ${request.failure()?.errorText}`));
  return {
    server,
    page,
    url,
    row: (name) =>
      page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: new RegExp(`^${name}\\b`) }) }),
    signIn: (path) => signIn({ server, page, url }, path),
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

/** A console at this address, once somebody has signed in. */
type Open = (path: string) => Promise<Begun>;
/** A server, and a browser of this size that nobody has signed in with yet. */
type Begin = (viewport?: { width: number; height: number }) => Promise<Begun>;

/**
 * Tests in Chromium, where there is one. Each opens a console at some address at most once; by its end nothing may have
 * gone wrong in page and server.
 */
export function describeInBrowser(what: string, tests: (open: Open, begin: Begin) => void): void {
  const executablePath = findChromium();
  if (!executablePath)
    console.warn(`Skipped: tests of ${what} in a browser need Chromium, as chromium or chromium-browser on PATH.`);
  describe.skipIf(!executablePath)(what, () => {
    let browser: Browser;
    let dist: string;
    let opened: Opened | undefined;

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

    const begin: Begin = async (viewport) => (opened = await begun(browser, dist, viewport));
    const open: Open = async (path) => {
      const console = await begin();
      await console.signIn(path);
      return console;
    };
    tests(open, begin);
  });
}
