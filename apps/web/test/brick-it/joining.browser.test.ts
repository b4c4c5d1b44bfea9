// What the page "Try to brick it" says of the fleet that it came from: why its device can't join, and how it stands
// there. Served by the real server, and by a static one.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { reservePort } from "../../../../packages/processes/test/reserved-port.ts";
import { buildVirtualRelease } from "../../../agent/build/build-release.ts";
import { type ApiClient, Fixture } from "../../../server/test/fixture.ts";
import { newPerson } from "../../../server/test/people.ts";
import { buildServed } from "../../build/build-served.ts";
import { axeProblems } from "../axe.ts";
import { findChromium, launch } from "../browser.ts";
import { StaticServer } from "./static-server.ts";

const executablePath = findChromium();
if (!executablePath)
  console.warn('Skipped: joining a fleet from "Try to brick it" is tested in Chromium, as chromium on PATH.');

describe.skipIf(!executablePath)("a device in the tab", () => {
  let browser: Browser;
  let fixture: Fixture;
  let mqttWebSocketPort: number;
  let files: StaticServer;
  let staticUrl: string;
  let context: BrowserContext;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    const consoleDir = await buildServed();
    files = new StaticServer(join(consoleDir, "brick-it"));
    mqttWebSocketPort = await reservePort();
    [browser, fixture, staticUrl] = await Promise.all([
      launch(executablePath!),
      Fixture.start({ consoleDir, mqttWebSocketPort, pollMs: 1_000 }),
      files.listen(),
    ]);
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await fixture?.stop();
    await files?.close();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") console.error(await page.locator("main").innerText({ timeout: 1_000 }));
    await context?.close();
    expect(faults.splice(0)).toEqual([]);
  });

  /** As this one, who is signed in; undefined: as nobody. */
  async function open(url: string, person?: ApiClient, locale = "en"): Promise<void> {
    context = await browser.newContext({ viewport: { width: 1200, height: 800 }, reducedMotion: "reduce", locale });
    const [name, value] = person?.cookie.split("=") ?? [];
    if (name !== undefined) await context.addCookies([{ name, value: value!, url: new URL(url).origin }]);
    page = await context.newPage();
    page.setDefaultTimeout(30_000);
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      const isAnswer = /Failed to load resource|WebSocket connection to/.test(message.text());
      if (message.type() === "error" && !isAnswer) faults.push(message.text());
    });
    await page.goto(url);
  }
  const atServer = (): string => `${fixture.server.url}/brick-it/`;
  const panel = () => page.getByRole("region", { name: "Join this fleet" });
  const joined = () => page.getByRole("region", { name: "In the fleet" });
  const says = (text: string | RegExp): Promise<void> => panel().getByText(text).waitFor();
  const button = (name: string) => page.getByRole("button", { name });

  it("says that a static copy has no fleet, and what to do", async () => {
    await open(staticUrl);
    await says(/lies on a server for files, so there is no fleet to join\. Start the fleet manager/);
    expect(await axeProblems(page)).toEqual([]);
  });

  it("asks for somebody who is signed in, and finds who has signed in meanwhile", async () => {
    await open(atServer());
    await says(/once somebody is signed in/);
    expect(
      await panel()
        .getByRole("link", { name: /Sign in at the console/ })
        .getAttribute("target"),
    ).toBe("_blank");
    const [name, value] = fixture.api.cookie.split("=");
    await context.addCookies([{ name: name!, value: value!, url: fixture.server.url }]);
    await page.evaluate(() => window.dispatchEvent(new Event("focus")));
    await says(/has no release for this hardware/);
  });

  describe("of a fleet with a release for it", () => {
    beforeAll(async () => {
      const signingKeys = [fixture.project.release.privateJwk];
      const { file } = await buildVirtualRelease({ version: "1.0.0", releaseSequence: 1, signingKeys });
      await fixture.upload(file);
    });

    it("joins by a claim that was made before, where its person may make none", async () => {
      const viewer = await newPerson(fixture.api, "viewer");
      await open(atServer(), viewer);
      const refused = button("Make a claim and join");
      await refused.waitFor();
      expect(await refused.getAttribute("aria-disabled")).toBe("true");
      await panel()
        .getByRole("paragraph")
        .getByText(/The role viewer can’t bring claims of devices/)
        .waitFor();
      expect(await axeProblems(page)).toEqual([]);
      const claim = panel().getByLabel("Claim", { exact: true });
      await claim.fill("in-the-tab-of-a-viewer tooshort");
      await says(/the secret must be 43 characters/);
      const secret = randomBytes(32).toString("base64url");
      await fixture.api.post("/api/v1/claims", { claims: [{ deviceId: "in-the-tab-of-a-viewer", secret }] });
      await claim.fill(`in-the-tab-of-a-viewer ${secret}`);
      await button("Join by this claim").press("Enter");
      await joined().getByText("Connected", { exact: true }).waitFor();
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("In the fleet");
      await fixture.api.until("/api/v1/devices/in-the-tab-of-a-viewer", ({ online }) => online === true);
    });

    it("says that an unknown claim is refused, and leaves", async () => {
      await open(atServer(), fixture.api);
      await panel().getByText("Join by a claim that was made before").click();
      const secret = randomBytes(32).toString("base64url");
      await panel().getByLabel("Claim", { exact: true }).fill(`nobody-knows-it ${secret}`);
      await button("Join by this claim").click();
      await joined().getByText("Refused", { exact: true }).waitFor();
      await button("Leave the fleet").click();
      await says(/nobody-knows-it has left this tab/);
      await page.getByText("The power is off.").waitFor();
    });

    it("says that the connection is lost while the server is away, and comes back by itself", async () => {
      await open(atServer(), fixture.api);
      await button("Make a claim and join").click();
      await joined().getByText("Connected", { exact: true }).waitFor();
      await fixture.server.close();
      await joined().getByText("Connection lost", { exact: true }).waitFor();
      await fixture.restart();
      await joined().getByText("Connected", { exact: true }).waitFor();
      expect(await axeProblems(page)).toEqual([]);
    });

    it("speaks the browser's language in the fleet, too", async () => {
      await open(atServer(), fixture.api, "zh-CN");
      await button("生成认领凭据并加入").click();
      await page.getByRole("region", { name: "已在设备群中" }).getByText("已连接", { exact: true }).waitFor();
      await page.getByText("它已连接到设备群：服务器与设备已相互证明身份。").waitFor();
    });

    it("is not offered by a server without the port for it, which says how to open one", async () => {
      await fixture.restart({ mqttWebSocketPort: undefined });
      await open(atServer(), fixture.api);
      await says(/at which no device can connect from a browser\. Start it with --mqtt-websocket-port/);
    });
  });
});
