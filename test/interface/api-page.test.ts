// The browsable page of the interface, in a real browser, in front of a real server: it reaches no other site, breaks
// no rule of its content security policy, and asks by the session of whoever is signed in.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture, password } from "../../apps/server/test/fixture.ts";
import { findChromium, launch } from "../../apps/web/test/browser.ts";

const chromium = findChromium();
if (chromium === undefined) console.warn("skipped: the page of the interface: no Chromium on this machine");

describe.skipIf(chromium === undefined)("/api-docs", () => {
  let fixture: Fixture;
  let browser: Browser;
  beforeAll(async () => {
    fixture = await Fixture.start();
    browser = await launch(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    await fixture?.stop();
  });

  it("shows every operation, and answers one that is tried out", async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    const faults: string[] = [];
    const asked: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    page.on("request", (request) => asked.push(request.url()));

    const { url } = fixture.server;
    await page.goto(`${url}/api-docs`);
    const signedIn = await page.evaluate(
      async (body) =>
        (await fetch("/api/v1/session", { method: "POST", headers: { "content-type": "application/json" }, body }))
          .status,
      JSON.stringify({ userName: "admin", password }),
    );
    expect(signedIn).toBe(200);
    const device = await fixture.readyDevice();
    // Each group is opened by who wants it, and closed again.
    const groups = page.locator(".opblock-tag");
    await groups.first().waitFor();
    let shown = 0;
    for (const group of await groups.all()) {
      await group.click();
      await page.locator(".opblock").first().waitFor();
      shown += await page.locator(".opblock").count();
      await group.click();
      await expect.poll(() => page.locator(".opblock").count()).toBe(0);
    }
    await page.locator("#operations-tag-devices").click();
    await page.locator("#operations-devices-listDevices").click();
    await page.locator("#operations-devices-listDevices").getByRole("button", { name: "Try it out" }).click();
    await page.locator("#operations-devices-listDevices").getByRole("button", { name: "Execute" }).click();
    await page.locator("#operations-devices-listDevices .live-responses-table").getByText(device.id).first().waitFor();

    const document = (await fixture.api.get("/api/v1/openapi.json")).body;
    const operations = Object.values<object>(document.paths).flatMap((path) => Object.keys(path));
    expect(shown).toBe(operations.length);
    expect(faults).toEqual([]);
    expect(asked.filter((each) => !each.startsWith(url) && !each.startsWith("data:"))).toEqual([]);
  });

  it("serves nothing else of the package, and only what is read", async () => {
    for (const path of ["/api-docs/package.json", "/api-docs/index.html", "/api-docs/..%2fpackage.json"])
      expect((await fetch(fixture.server.url + path)).status, path).toBe(404);
  });
});
