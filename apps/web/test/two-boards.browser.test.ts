// What the console says of a device that two boards say they are.

import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildConsole } from "../build/build-console.ts";
import { findChromium, launch } from "./browser.ts";
import { device } from "./fixtures.ts";
import { type SignedIn, signedIn } from "./signed-in.ts";

const executablePath = findChromium();
if (!executablePath)
  console.warn("Skipped: the test of two boards in a browser needs Chromium, as chromium or chromium-browser on PATH.");

describe.skipIf(!executablePath)("a device that two boards say they are", () => {
  let browser: Browser;
  let dist: string;
  let opened: SignedIn | undefined;

  beforeAll(async () => {
    [dist, browser] = await Promise.all([buildConsole(), launch(executablePath!)]);
  });

  afterAll(async () => {
    await browser?.close();
  });

  afterEach(async () => {
    expect(await opened?.close()).toEqual([]);
  });

  it("is marked in the list, explained on its page, and no more marked when a person has cleared it", async () => {
    const { page, server } = (opened = await signedIn(browser, dist, "/devices"));
    const row = page.getByRole("row").filter({ hasText: "dev-2" });
    await row.getByText("Online").waitFor();
    expect(await page.getByText("Two boards", { exact: true }).count()).toBe(0);
    const at = new Date(Date.now() - 120_000).toISOString();
    server.devices.set("dev-2", device("dev-2", { identityConflict: { since: at, lastAt: at } }));
    server.send({ kind: "device", data: server.devices.get("dev-2")! });
    await row.getByText("Two boards", { exact: true }).waitFor();

    await row.getByRole("link", { name: "dev-2" }).click();
    const notice = page.getByRole("status").filter({ hasText: "Two boards say that they are this device" });
    await notice.waitFor();
    expect(await notice.innerText()).toMatch(/since 2 min ago[\s\S]*switch the copy off[\s\S]*revoke the device/);
    await notice.getByRole("button", { name: "Clear the conflict" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Clear the conflict" }).click();
    await notice.waitFor({ state: "hidden" });
    expect(server.devices.get("dev-2")!.identityConflict).toBe(null);
  });
});
