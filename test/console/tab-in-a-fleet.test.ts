// The device in the tab of "Try to brick it" as a member of a real fleet: the page in a real browser, from the real
// server and by its policies; enrolled by a claim that the page makes, updated by a rollout, its power pulled.

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildVirtualRelease } from "../../apps/agent/build/build-release.ts";
import { Fixture, password } from "../../apps/server/test/fixture.ts";
import { findChromium, launch } from "../../apps/web/test/browser.ts";
import { buildServed } from "../../apps/web/build/build-served.ts";
import { looksFine, openPage, signIn } from "./console-page.ts";

const executablePath = findChromium();
if (!executablePath)
  console.warn("skipped: the tab's device joins a fleet in Chromium, as chromium or chromium-browser on PATH");

describe.skipIf(!executablePath)("the tab's device in a fleet", () => {
  let browser: Browser;
  let fixture: Fixture;
  let context: BrowserContext | undefined;
  let page: Page;
  const releases: any[] = [];
  const faults: string[] = [];

  beforeAll(async () => {
    const consoleDir = await buildServed();
    [browser, fixture] = await Promise.all([
      launch(executablePath!),
      Fixture.start({ consoleDir, mqttWebSocketPort: 0, pollMs: 1_000 }),
    ]);
    const signingKeys = [fixture.project.release.privateJwk];
    for (const releaseSequence of [1, 2]) {
      const version = `${releaseSequence}.0.0`;
      const { file } = await buildVirtualRelease({ version, releaseSequence, signingKeys });
      releases.push(await fixture.upload(file));
    }
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await fixture?.stop();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") console.error(await page.locator("body").innerText({ timeout: 1_000 }));
    await context?.close();
    expect(faults.splice(0)).toEqual([]);
  });

  async function openSignedIn(userName: string, secret: string): Promise<void> {
    page = await openPage(browser, faults);
    context = page.context();
    await signIn(page, fixture.server.url, userName, secret);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.goto(`${fixture.server.url}/brick-it/?console`);
  }

  const button = (name: string) => page.getByRole("button", { name });
  const says = (text: RegExp): Promise<void> => page.getByRole("status").filter({ hasText: text }).first().waitFor();
  const deviceId = (): Promise<string> => page.locator(".joined-id").innerText();
  const counted = async (label: string): Promise<string> => {
    const row = page.locator(".score > div").filter({ has: page.getByText(label, { exact: true }) });
    return row.locator("dd").innerText();
  };

  it("joins by a claim that the page makes, takes a rollout though its power is pulled in the middle, and confirms it", async () => {
    await openSignedIn("admin", password);
    await button("Make a claim and join").click();
    await says(/^Connected since/);
    const id = await deviceId();
    const device = await fixture.api.until(`/api/v1/devices/${id}`, ({ online }) => online === true);
    expect(device).toMatchObject({ product: "flipside-demo", hardware: "virtual-node" });
    expect(device.running).toMatchObject({ version: "1.0.0" });
    await looksFine(page, "joined");

    await page.getByLabel("Slow", { exact: true }).check();
    const rollout = await fixture.api.rollOut(releases[1].id, [{ id }]);
    await page
      .getByRole("region", { name: "Slot B" })
      .getByText(/being written, ([89]|1\d|2\d) of/)
      .waitFor();
    await button("Pull the power").click();
    await says(/The power is off, and the update to 2\.0\.0 is not over/);
    await says(/Its power is off/);
    await fixture.api.until(`/api/v1/devices/${id}`, ({ online }) => online === false);
    await page.getByLabel("Fast", { exact: true }).check();
    await button("Power on").click();
    await says(/^Connected since/);
    const { deployments } = await fixture.api.until(
      `/api/v1/rollouts/${rollout.id}/deployments`,
      ({ deployments: [one] }) => one?.state === "confirmed",
    );
    expect(deployments).toMatchObject([{ deviceId: id, state: "confirmed" }]);
    const updated = await fixture.api.until(
      `/api/v1/devices/${id}`,
      ({ running }) => running.version === "2.0.0" && running.state === "confirmed",
    );
    expect(updated.online).toBe(true);
    await says(/It runs 2\.0\.0 from slot B\. The update to 2\.0\.0 is confirmed/);
    expect([await counted("power cuts"), await counted("bricked"), await counted("broken promises")]).toEqual([
      "1",
      "0",
      "0",
    ]);
    await page.getByText(/download goes on at chunk [1-9]/).waitFor();
  });
});
