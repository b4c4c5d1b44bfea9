// Many tabs of one browser at the real server, over HTTP/1.1: a browser has six connections to it for all of them. What
// is said in one is carried out, and every tab says "Live" and is, whichever of them is closed or hangs.

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture, password } from "../../apps/server/test/fixture.ts";
import { reservePort } from "../../packages/processes/test/reserved-port.ts";
import { newRelease } from "../../apps/server/test/rollout-steps.ts";
import { buildConsole } from "../../apps/web/build/build-console.ts";
import { findChromium, launch } from "../../apps/web/test/browser.ts";

const executablePath = findChromium();
if (!executablePath) console.warn("skipped: many tabs need Chromium, as chromium or chromium-browser on PATH");

const tabCount = 12;
/** Of a page that the browser does not trust, since it came without TLS from elsewhere than this computer. */
const elsewhere = "console.example";
const streamPath = "/api/v1/events";

describe.skipIf(!executablePath)("twelve tabs of the console", () => {
  let fixture: Fixture;
  let browser: Browser;
  let context: BrowserContext;
  let tabs: Page[] = [];
  let rolloutId: string;
  /** Of each stream that was asked for: the tab, and the cursor that it came back with. */
  const streams: { tab: Page; after: string | null }[] = [];
  const faults: string[] = [];

  beforeAll(async () => {
    // A port of its own, on which it comes back.
    fixture = await Fixture.start({ consoleDir: await buildConsole(), port: await reservePort() });
    const device = await fixture.readyDevice("dev-1");
    ({ id: rolloutId } = await fixture.rollOut((await newRelease(fixture, 2)).id, [device]));
    browser = await launch(executablePath!, [`--host-resolver-rules=MAP ${elsewhere} 127.0.0.1`]);
    context = await browser.newContext({ viewport: { width: 1100, height: 800 }, reducedMotion: "reduce" });
    context.on("request", (request) => {
      const { pathname, searchParams } = new URL(request.url());
      if (pathname === streamPath) streams.push({ tab: request.frame().page(), after: searchParams.get("after") });
    });
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await fixture?.stop();
  });

  async function newTab(host = "127.0.0.1"): Promise<Page> {
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(`http://${host}:${fixture.server.port}/rollouts/${rolloutId}`);
    return page;
  }
  async function signIn(page: Page): Promise<void> {
    await page.getByLabel("User name").fill("admin");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
  }
  const isLive = (page: Page): Promise<void> => page.getByText("Live", { exact: true }).waitFor();
  const says = (page: Page, state: string): Promise<void> =>
    page.getByRole("status", { name: "Rollout state" }).getByText(state).waitFor();
  const act = async (action: "pause" | "resume"): Promise<void> => {
    const answer = await fixture.api.post(`/api/v1/rollouts/${rolloutId}/${action}`);
    expect(answer.status).toBe(200);
  };
  const leader = (): Page => streams.at(-1)!.tab;

  it("are all live by one stream, and Pause in the twelfth is carried out", { timeout: 120_000 }, async () => {
    const first = await newTab();
    await signIn(first);
    await isLive(first);
    tabs = [first];
    for (let i = 1; i < tabCount; i++) {
      const tab = await newTab();
      await isLive(tab);
      tabs.push(tab);
    }
    await tabs.at(-1)!.getByRole("button", { name: "Pause" }).click();
    await tabs.at(-1)!.getByRole("dialog").getByRole("button", { name: "Pause rollout" }).click();
    await Promise.all(tabs.map((tab) => says(tab, "Paused")));
    expect((await fixture.api.get(`/api/v1/rollouts/${rolloutId}`)).body.state).toBe("paused");
    expect(streams).toEqual([{ tab: first, after: null }]);
  });

  it("stay live when the one that has the stream is closed, and the next goes on from its cursor", async () => {
    const closed = leader();
    await closed.close();
    tabs = tabs.filter((tab) => tab !== closed);
    await act("resume");
    await Promise.all(tabs.map((tab) => says(tab, "Running")));
    await Promise.all(tabs.map(isLive));
    expect(streams).toHaveLength(2);
    expect(streams[1]!.after).toMatch(/^[0-9a-f]+-\d+$/);
    expect(tabs).toContain(leader());
  });

  it("stay live when the one that has the stream hangs, and it follows when it wakes", {
    timeout: 120_000,
  }, async () => {
    const hanging = leader();
    const devTools = await context.newCDPSession(hanging);
    await devTools.send("Debugger.enable");
    await devTools.send("Debugger.pause");
    // At the next line that it runs, which is when it hears of something.
    await act("pause");
    const others = tabs.filter((tab) => tab !== hanging);
    await Promise.all(others.map((tab) => says(tab, "Paused")));
    expect(others).toContain(leader());
    expect(streams.at(-1)!.after).not.toBeNull();
    await devTools.send("Debugger.resume");
    await act("resume");
    await Promise.all(tabs.map((tab) => says(tab, "Running")));
    await Promise.all(tabs.map(isLive));
    expect(others, "the tab that hung leads no more").toContain(leader());
    expect(faults).toEqual([]);
  });

  it("lose nothing when the server starts anew, and say so while it is away", { timeout: 120_000 }, async () => {
    const [atReleases, ...atTheRollout] = tabs;
    await atReleases!.getByRole("link", { name: "Releases" }).click();
    const release = atReleases!.getByRole("rowheader", { name: "1.2.0" });
    await release.waitFor();
    const askedAgain: string[] = [];
    atReleases!.on("request", (request) => askedAgain.push(new URL(request.url()).pathname));

    await fixture.server.close();
    await Promise.all(tabs.map((tab) => tab.getByText("Connection lost, retrying.").waitFor()));
    await fixture.restart();
    await act("pause");
    await Promise.all(atTheRollout.map((tab) => says(tab, "Paused")));
    await Promise.all(tabs.map(isLive));
    expect(streams.at(-1)!.after).not.toBeNull();
    expect(askedAgain).not.toContain("/api/v1/releases");
  });

  it("share one stream without TLS, too, where pages have no Web Locks", { timeout: 120_000 }, async () => {
    await Promise.all(tabs.map((tab) => tab.close()));
    streams.length = 0;
    const first = await newTab(elsewhere);
    expect(await first.evaluate(() => "locks" in navigator)).toBe(false);
    await signIn(first);
    await isLive(first);
    const others = await Promise.all([newTab(elsewhere), newTab(elsewhere)]);
    await Promise.all(others.map(isLive));
    await act("resume");
    await Promise.all([first, ...others].map((tab) => says(tab, "Running")));
    expect(streams).toEqual([{ tab: first, after: null }]);
    await first.close({ runBeforeUnload: true });
    await expect.poll(() => others.includes(leader())).toBe(true);
    await act("pause");
    await Promise.all(others.map((tab) => says(tab, "Paused")));
    await Promise.all(others.map(isLive));
    expect(streams[1]!.after).not.toBeNull();
    expect(faults).toEqual([]);
  });
});
