// How long the console takes from a key that is pressed to the rows that it asks for, in a real browser, at the real
// server with very many devices; and what a browser loads. docs/benchmarks.md says what each figure means.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { buildConsole } from "../../apps/web/build/build-console.ts";
import { findChromium, launch } from "../../apps/web/test/browser.ts";
import { consoleUrlOf, signedInPage } from "./console-page.ts";
import { FilledServer } from "./filled-server.ts";

export interface ConsoleSpeedOptions {
  devices: number;
  database: "sqlite" | "postgres";
  /** Of each thing that is typed. */
  times: number;
  say: (text: string) => void;
}

export interface KeyToRows {
  p50Ms: number;
  p95Ms: number;
}

export interface ConsoleSpeedFigures {
  devices: number;
  database: ConsoleSpeedOptions["database"];
  /** By what is in the field once the last key is pressed. */
  keyToRows: Record<string, KeyToRows>;
  all: KeyToRows;
  /** What is loaded before anything is seen, and each script that a page adds. */
  gzipBytes: { shell: number; styles: number; scripts: Record<string, number> };
}

interface Typed {
  field: "Filter" | "Search";
  /** All but the last key. */
  before: string;
  key: string;
}

const idOf = (n: number): string => `dev-${String(n).padStart(7, "0")}`;

function typings(devices: number): Typed[] {
  const middle = idOf(Math.floor(devices / 2) + 7);
  return [
    { field: "Filter", before: "tag = canar", key: "y" },
    { field: "Filter", before: "version = 0.9.", key: "0" },
    { field: "Filter", before: "health = unhealth", key: "y" },
    { field: "Filter", before: "attribute.site = s", key: "7" },
    { field: "Filter", before: `id = ${middle.slice(0, -1)}`, key: middle.slice(-1) },
    { field: "Filter", before: "tag = ring:", key: "1" },
    { field: "Search", before: "dev-000000", key: "7" },
    { field: "Search", before: "000012", key: "3" },
  ];
}

/** For what was typed before; of a fleet of a million, rare things take several requests. */
const SETTLED_MS = 400;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const rounded = (ms: number): number => Math.round(ms * 10) / 10;
const share = (sorted: readonly number[], part: number): number =>
  rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!);

function spread(tookMs: readonly number[]): KeyToRows {
  const sorted = [...tookMs].sort((one, other) => one - other);
  return { p50Ms: share(sorted, 0.5), p95Ms: share(sorted, 0.95) };
}

/** The first rows of what will be asked for, as the interface has them. */
async function expectedFirst({ operator }: FilledServer, { field, before, key }: Typed): Promise<string> {
  const query = new URLSearchParams({ [field === "Filter" ? "filter" : "query"]: before + key, limit: "1" });
  for (let after: string | null = ""; after !== null; ) {
    const path = `/api/v1/devices?${query}${after === "" ? "" : `&after=${after}`}`;
    const page = (await operator.call("GET", path)) as unknown as { devices: { id: string }[]; next: string | null };
    if (page.devices[0] !== undefined) return page.devices[0].id;
    after = page.next;
  }
  throw new Error(`nothing is found by ${before}${key}`);
}

/** In the page, and so as text: from the key's event to the frame after the one in which the first row is there. */
const timing = (id: string): string => `void (window.keyToRow = new Promise((resolve) => {
  window.addEventListener("keydown", ({ timeStamp }) => {
    const look = () => {
      const first = document.querySelector('[role="grid"] [role="rowheader"]')?.textContent;
      if (first === ${JSON.stringify(id)}) requestAnimationFrame((now) => resolve(now - timeStamp));
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, { capture: true, once: true });
}))`;

async function measureKeys(
  page: Page,
  filled: FilledServer,
  { devices, times, say }: ConsoleSpeedOptions,
): Promise<Pick<ConsoleSpeedFigures, "keyToRows" | "all">> {
  const keyToRows: Record<string, KeyToRows> = {};
  const every: number[] = [];
  for (const typed of typings(devices)) {
    const expected = await expectedFirst(filled, typed);
    const field = typed.field === "Filter" ? page.getByLabel("Filter") : page.getByRole("searchbox");
    const tookMs: number[] = [];
    for (let i = 0; i < times; i++) {
      await field.fill("");
      await page.getByRole("rowheader", { name: idOf(0), exact: true }).waitFor();
      await field.fill(typed.before);
      // What the rest asks for is there by then, and nothing of it is in the key's way.
      await pause(SETTLED_MS);
      const [shown] = await page.getByRole("rowheader").allInnerTexts();
      if (shown === expected) throw new Error(`${typed.before} has the rows of ${typed.before}${typed.key} already`);
      await page.evaluate(timing(expected));
      await page.keyboard.press(typed.key);
      await page.getByRole("rowheader", { name: expected, exact: true }).waitFor();
      tookMs.push(Number(await page.evaluate("window.keyToRow")));
    }
    keyToRows[typed.before + typed.key] = spread(tookMs);
    every.push(...tookMs);
    say(`${typed.before}${typed.key}: ${JSON.stringify(keyToRows[typed.before + typed.key])}`);
    await field.fill("");
  }
  return { keyToRows, all: spread(every) };
}

export function sizesOf(folder: string): ConsoleSpeedFigures["gzipBytes"] {
  const html = readFileSync(join(folder, "index.html"), "utf8");
  const assets = join(folder, "assets");
  const sizes = readdirSync(assets)
    .filter((name) => /\.(js|css)$/.test(name))
    .map((name) => ({ name, bytes: gzipSync(readFileSync(join(assets, name))).length }));
  const sum = (some: typeof sizes): number => some.reduce((total, { bytes }) => total + bytes, 0);
  const first = sizes.filter(({ name }) => html.includes(name));
  const others = sizes.filter(({ name }) => !html.includes(name) && name.endsWith(".js"));
  return {
    shell: sum(first.filter(({ name }) => name.endsWith(".js"))),
    styles: sum(first.filter(({ name }) => name.endsWith(".css"))),
    scripts: Object.fromEntries(others.map(({ name, bytes }) => [name.replace(/-[\w-]{8}\.js$/, ""), bytes])),
  };
}

/** Rejects when it can't be measured. */
export async function measureConsoleSpeed(options: ConsoleSpeedOptions): Promise<ConsoleSpeedFigures> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("this needs Chromium, as chromium or chromium-browser on PATH");
  const consoleDir = await buildConsole();
  const serverOptions = ["--console-dir", consoleDir, "--requests-per-minute", "1000000"];
  const filled = await FilledServer.start({ ...options, preload: [], serverOptions });
  try {
    const browser = await launch(executablePath);
    try {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
      const page = await signedInPage(context, consoleUrlOf(filled.server), "/devices");
      await page.getByRole("rowheader").first().waitFor();
      const { devices, database } = options;
      return { devices, database, ...(await measureKeys(page, filled, options)), gzipBytes: sizesOf(consoleDir) };
    } finally {
      await browser.close();
    }
  } finally {
    await filled.close();
  }
}
