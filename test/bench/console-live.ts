// How soon the console is there, and what it does to its main thread while very much happens: in a real browser, at the
// real server, with devices at protocol level (test/fleet) that are connected and say a metric each now and then.
// docs/benchmarks.md says what each figure means.

import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { buildConsole } from "../../apps/web/build/build-console.ts";
import { findChromium, launch } from "../../apps/web/test/browser.ts";
import { FleetRun, pause, share } from "../fleet/fleet-run.ts";
import { consoleUrlOf, signedInPage } from "./console-page.ts";
import { EventCount } from "./event-count.ts";
import { ServerUnderMeasurement } from "./server-process.ts";

export interface ConsoleLiveOptions {
  devices: number;
  /** With a cold cache, and as many with a warm one. */
  loads: number;
  /** That devices say, of all of them together. */
  metricsASecond: number;
  /** On each page. */
  watchMs: number;
  say: (text: string) => void;
}

interface Times {
  p50Ms: number;
  p95Ms: number;
}

/** From the navigation on. */
export interface Load {
  /** The page's heading and its first row are drawn. */
  shown: Times;
  /** A click on another page's link, made at that moment, has brought that page's heading. */
  answered: Times;
}

export interface Watched {
  /** That the server sent to each of its readers. */
  eventsASecond: number;
  longTasks: number;
  longestTaskMs: number;
  /** Between two frames. */
  frameP50Ms: number;
  frameP99Ms: number;
  frameMaxMs: number;
  /** Of the main thread's time, at work. */
  busyShare: number;
}

export interface ConsoleLiveFigures {
  devices: number;
  load: { cold: Load; warm: Load };
  /** By page, while devices say nothing and while they do. */
  quiet: Record<string, Watched>;
  streamed: Record<string, Watched>;
}

const IMAGE_BYTES = 64 * 1024;
const POLL_MS = 10_000;
const VIEWPORT = { width: 1280, height: 900 };
/** What was under way when a page was opened, or the devices began, is no part of it. */
const SETTLE_MS = 2_000;

const rounded = (ms: number): number => Math.round(ms * 10) / 10;

function timesOf(tookMs: readonly number[]): Times {
  const sorted = [...tookMs].sort((one, other) => one - other);
  return { p50Ms: rounded(share(sorted, 0.5)), p95Ms: rounded(share(sorted, 0.95)) };
}

/** In the page, and so as text, from the moment on at which it begins: all times are since the navigation. */
const timingLoad = `window.loaded = new Promise((resolve) => {
  const heading = () => document.querySelector("h1")?.textContent;
  const afterFrame = (work) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = work;
    port2.postMessage(undefined);
  });
  const answered = (before, shown) => {
    if (heading() !== undefined && heading() !== before)
      afterFrame(() => resolve({ shown, answered: performance.now() }));
    else requestAnimationFrame(() => answered(before, shown));
  };
  const look = () => {
    const link = document.querySelector('nav a[href="/releases"]');
    if (link === null || heading() === undefined || document.querySelector('[role="grid"] [role="rowheader"]') === null)
      return requestAnimationFrame(look);
    // After this frame, and after whatever the main thread has to do first.
    afterFrame(() => {
      const [before, shown] = [heading(), performance.now()];
      link.click();
      answered(before, shown);
    });
  };
  requestAnimationFrame(look);
})`;

/** In milliseconds since the navigation. */
interface LoadTimes {
  shown: number;
  answered: number;
}

async function timedLoad(page: Page, url: string): Promise<LoadTimes> {
  await page.goto(url, { waitUntil: "commit" });
  return (await page.evaluate("window.loaded")) as LoadTimes;
}

const loadOf = (loads: readonly LoadTimes[]): Load => ({
  shown: timesOf(loads.map(({ shown }) => shown)),
  answered: timesOf(loads.map(({ answered }) => answered)),
});

/** Each cold one in a context of its own, which has the session and nothing else; the warm ones all in one. */
async function measureLoads(
  browser: Browser,
  signedIn: BrowserContext,
  url: string,
  loads: number,
): Promise<ConsoleLiveFigures["load"]> {
  const storageState = await signedIn.storageState();
  const open = async (): Promise<Page> => {
    const page = await (await browser.newContext({ viewport: VIEWPORT, storageState })).newPage();
    await page.addInitScript(timingLoad);
    return page;
  };
  const cold: LoadTimes[] = [];
  const warm: LoadTimes[] = [];
  for (let i = 0; i < loads; i++) {
    const page = await open();
    cold.push(await timedLoad(page, url));
    await page.context().close();
  }
  const page = await open();
  // The first one fills the cache.
  await timedLoad(page, url);
  for (let i = 0; i < loads; i++) warm.push(await timedLoad(page, url));
  await page.context().close();
  return { cold: loadOf(cold), warm: loadOf(warm) };
}

const watching = `(() => {
  const watch = { frames: [], tasks: [], isOver: false };
  window.watch = watch;
  new PerformanceObserver((list) => watch.tasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: "longtask" });
  let before = performance.now();
  const frame = (now) => {
    watch.frames.push(now - before);
    before = now;
    if (!watch.isOver) requestAnimationFrame(frame);
  };
  requestAnimationFrame((now) => ((before = now), requestAnimationFrame(frame)));
})()`;

async function watchPage(page: Page, events: EventCount, watchMs: number): Promise<Watched> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const busyS = async (): Promise<number> => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")!.value;
  };
  await page.evaluate(watching);
  const [fromMs, busyFromS, eventsFrom] = [performance.now(), await busyS(), events.count];
  await pause(watchMs);
  const tookMs = performance.now() - fromMs;
  const busyShare = ((await busyS()) - busyFromS) / (tookMs / 1_000);
  const eventsASecond = ((events.count - eventsFrom) / tookMs) * 1_000;
  const { frames, tasks } = (await page.evaluate("window.watch.isOver = true, window.watch")) as {
    frames: number[];
    tasks: number[];
  };
  await session.detach();
  const sorted = frames.sort((one, other) => one - other);
  return {
    eventsASecond: Math.round(eventsASecond),
    ...{ longTasks: tasks.length, longestTaskMs: rounded(Math.max(0, ...tasks)) },
    ...{ frameP50Ms: rounded(share(sorted, 0.5)), frameP99Ms: rounded(share(sorted, 0.99)) },
    frameMaxMs: rounded(sorted.at(-1) ?? 0),
    busyShare: Math.round(busyShare * 1_000) / 1_000,
  };
}

interface Watch {
  context: BrowserContext;
  consoleUrl: string;
  run: FleetRun;
  events: EventCount;
  paths: Record<string, string>;
}

/** Each page in a tab of its own, alone, first while devices say nothing and then while they do. */
async function watchPages(
  { context, consoleUrl, run, events, paths }: Watch,
  { metricsASecond, watchMs, say }: ConsoleLiveOptions,
): Promise<Pick<ConsoleLiveFigures, "quiet" | "streamed">> {
  const figures: Pick<ConsoleLiveFigures, "quiet" | "streamed"> = { quiet: {}, streamed: {} };
  const tellEach = async (aSecond: number): Promise<void> => {
    for (const generator of run.generators) await generator.tell(aSecond / run.generators.length);
  };
  for (const [name, path] of Object.entries(paths)) {
    const page = await context.newPage();
    await page.goto(consoleUrl + path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await pause(SETTLE_MS);
    figures.quiet[name] = await watchPage(page, events, watchMs);
    await tellEach(metricsASecond);
    await pause(SETTLE_MS);
    figures.streamed[name] = await watchPage(page, events, watchMs);
    await tellEach(0);
    await page.close();
    say(`${name}: quiet ${JSON.stringify(figures.quiet[name])}`);
    say(`${name}: streamed ${JSON.stringify(figures.streamed[name])}`);
  }
  return figures;
}

/** Rejects when it can't be measured. */
export async function measureConsoleLive(options: ConsoleLiveOptions): Promise<ConsoleLiveFigures> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("this needs Chromium, as chromium or chromium-browser on PATH");
  const { devices, loads, say } = options;
  const run = new FleetRun(say);
  try {
    const product = await run.makeProduct(IMAGE_BYTES);
    const server = await ServerUnderMeasurement.start({
      ...{ tree: repositoryRoot, folder: join(run.folder, "data"), trustChain: product.trustChain },
      options: [
        ...["--poll-ms", String(POLL_MS), "--console-dir", await buildConsole()],
        ...["--requests-per-minute", "1000000"],
      ],
    });
    run.undo(() => server.stop());
    const operator = await server.signIn();
    const { id: releaseId } = await operator.call("POST", "/api/v1/releases", product.release);
    const { mqttUrl } = server;
    const deviceIds = await run.addDevices(operator, product, {
      ...{ firstIndex: 0, count: devices, mqttUrl, generators: 1 },
    });
    const proven = await run.bringUp();
    if (proven < devices) throw new Error(`only ${proven} devices are proven`);
    // Its first wave is watched for longer than anybody looks here, so that the page has one that goes on.
    const waves = [{ percent: 1, soakMs: 86_400_000 }];
    const rollout = await operator.call("POST", "/api/v1/rollouts", {
      ...{ name: "watched", releaseId, target: { deviceIds }, waves },
    });
    const browser = await launch(executablePath);
    run.undo(() => browser.close());
    const consoleUrl = consoleUrlOf(server);
    const context = await browser.newContext({ viewport: VIEWPORT });
    const page = await signedInPage(context, consoleUrl, "/devices");
    await page.getByRole("rowheader").first().waitFor();
    await page.close();
    const load = await measureLoads(browser, context, `${consoleUrl}/devices`, loads);
    say(`loads: ${JSON.stringify(load)}`);
    const events = await EventCount.follow(operator);
    run.undo(() => events.close());
    const paths = { overview: "/", devices: "/devices", rollout: `/rollouts/${String(rollout.id)}` };
    const watched = await watchPages({ context, consoleUrl, run, events, paths }, options);
    return { devices, load, ...watched };
  } finally {
    await run.close();
  }
}
