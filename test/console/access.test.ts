// Who may do what, as an administrator says it in the console, and as those see it whom it is about. Real server, real
// Chromium.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placeText } from "@flipside/api/audit-chain";
import { Fixture, password } from "../../apps/server/test/fixture.ts";
import { newPerson } from "../../apps/server/test/people.ts";
import { checked, ofFile } from "../../apps/cli/src/audit/audit-lines.ts";
import { buildConsole } from "../../apps/web/build/build-console.ts";
import { findChromium, launch } from "../../apps/web/test/browser.ts";
import { axeProblems } from "../../apps/web/test/axe.ts";
import { looksFine, nothingLoads, openPage, signIn } from "./console-page.ts";

const executablePath = findChromium();
if (!executablePath)
  console.warn("skipped: the pages about access need Chromium, as chromium or chromium-browser on PATH");

describe.skipIf(!executablePath)("the pages about access", () => {
  let fixture: Fixture;
  let browser: Browser;
  let admin: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    fixture = await Fixture.start({ consoleDir: await buildConsole() });
    await fixture.readyDevice("mine");
    await fixture.readyDevice("theirs");
    await fixture.api.request("PUT", "/api/v1/devices/mine/tags", { tags: ["customer:acme"] });
    browser = await launch(executablePath!);
    admin = await signedIn("admin", password, "/access");
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await fixture?.stop();
  });

  async function signedIn(userName: string, secret: string, path: string): Promise<Page> {
    const page = await openPage(browser, faults);
    await signIn(page, fixture.server.url + path, userName, secret);
    return page;
  }
  const go = async (page: Page, link: string): Promise<void> => {
    await page.getByRole("navigation", { name: "Access" }).getByRole("link", { name: link }).click();
    await page.getByRole("heading", { name: link, level: 1 }).waitFor();
  };
  const row = (page: Page, name: string) =>
    page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: new RegExp(`^${name}`) }) });
  const inDialog = (page: Page, button: string) => page.getByRole("dialog").getByRole("button", { name: button });

  it("make an account that sees a part of the fleet, whose owner finds that part alone", async () => {
    await admin.getByRole("button", { name: "Make an account" }).click();
    await inDialog(admin, "Make account").click();
    await admin.getByText("Type a name of such characters.").waitFor();
    await admin.getByLabel("Name", { exact: true }).fill("acme");
    await admin.getByLabel("Role").selectOption("operator");
    await admin.getByLabel("Devices with one of these tags alone").fill("Customer:acme");
    await admin.getByText("“Customer:acme” is no tag").waitFor();
    await admin.getByLabel("Devices with one of these tags alone").fill("customer:acme");
    await inDialog(admin, "Make account").click();
    const secret = await admin.locator(".told-once").innerText();
    await row(admin, "acme").getByText("customer:acme").waitFor();
    await row(admin, "acme").getByText("has its one-time password yet").waitFor();
    await admin.getByRole("button", { name: "I have kept it" }).click();
    expect(await admin.locator(".told-once").count()).toBe(0);

    const partner = await signedIn("acme", secret, "/devices");
    await partner.getByLabel("One-time password").fill(secret);
    await partner.getByLabel("New password", { exact: true }).fill(password);
    await partner.getByLabel("New password again").fill(password);
    await partner.getByRole("button", { name: /password/i }).click();
    await partner.getByRole("row", { name: /mine/ }).waitFor();
    expect(await partner.getByText("theirs").count()).toBe(0);
    await partner.getByRole("link", { name: "acme" }).click();
    await partner.getByText("You see the devices tagged customer:acme.").waitFor();
    // What somebody may not look at is not offered.
    await partner.getByRole("link", { name: "Access" }).click();
    await partner.getByRole("heading", { name: "Second person", level: 1 }).waitFor();
    const offered = await partner.getByRole("navigation", { name: "Access" }).getByRole("link").allInnerTexts();
    expect(offered).toEqual(["Second person", "Settings"]);
  });

  it("change what an account may and sees, at once", async () => {
    await row(admin, "acme").getByRole("button", { name: "Change" }).click();
    await admin.getByLabel("Role").selectOption("administrator");
    expect(await admin.getByLabel("Devices with one of these tags alone").count()).toBe(0);
    await inDialog(admin, "Change").click();
    await row(admin, "acme").getByText("the whole fleet").waitFor();
    const { body } = await fixture.api.get("/api/v1/accounts");
    expect(body.accounts.find(({ userName }: any) => userName === "acme")).toMatchObject({
      ...{ role: "administrator", scope: null },
    });
    await row(admin, "acme").getByRole("button", { name: "Change" }).click();
    await admin.getByLabel("Role").selectOption("viewer");
    await admin.getByLabel("Devices with one of these tags alone").fill("customer:acme, lab");
    await inDialog(admin, "Change").click();
    await row(admin, "acme").getByText("customer:acme, lab").waitFor();
  });

  it("list sessions and end them: whoever used one signs in again", async () => {
    const viewer = await signedIn("acme", password, "/devices");
    await viewer.getByRole("heading", { name: "Devices", level: 1 }).waitFor();
    await go(admin, "Sessions");
    const before = await row(admin, "acme").count();
    expect(before).toBeGreaterThan(0);
    for (let left = before; left > 0; left--) {
      await row(admin, "acme").first().getByRole("button", { name: "End" }).click();
      await inDialog(admin, "End session").click();
      await expect.poll(() => row(admin, "acme").count()).toBe(left - 1);
    }
    // It hears of it by itself, as its stream of events ends.
    await viewer.getByRole("button", { name: "Sign in" }).waitFor();
  });

  it("make a token of one's own, told once, and withdraw it among everybody's", async () => {
    await admin.goto(`${fixture.server.url}/account`);
    await admin.getByRole("button", { name: "Make a token" }).click();
    await inDialog(admin, "Make token").click();
    await admin.getByText("Say what it is for.").waitFor();
    await admin.getByLabel("What it is for").fill("nightly");
    await admin.getByLabel("releases:write").check();
    await inDialog(admin, "Make token").click();
    const token = await admin.locator(".told-once").innerText();
    expect(token).toMatch(/^flip_/);
    const asked = () =>
      fetch(`${fixture.server.url}/api/v1/devices`, { headers: { authorization: `Bearer ${token}` } });
    expect((await asked()).status).toBe(200);
    await row(admin, "nightly").getByText("fleet:read, releases:write").waitFor();
    await admin.goto(`${fixture.server.url}/access/tokens`);
    await row(admin, "nightly").getByRole("button", { name: "Withdraw" }).click();
    await inDialog(admin, "Withdraw token").click();
    await admin.getByText("None yet.").waitFor();
    expect((await asked()).status).toBe(401);
  });

  it("set what takes two persons, and confirm what another has asked for", async () => {
    const bea = await newPerson(fixture.api, "administrator", "bea");
    await go(admin, "Second person");
    await admin.getByText("Nothing takes two persons").waitFor();
    await admin.getByRole("button", { name: "Change the rule" }).click();
    await admin.getByRole("checkbox", { name: "revoke device", exact: true }).check();
    await inDialog(admin, "Set the rule").click();
    await admin.getByText("Takes two: revoke device.").waitFor();
    expect((await bea.post("/api/v1/devices/theirs/revoke")).body.code).toBe("second-person-needed");
    await admin.reload();
    const proposal = row(admin, "revoke device");
    await proposal.getByText("id theirs").waitFor();
    await proposal.getByRole("button", { name: "Confirm" }).click();
    await admin.getByRole("dialog").getByText("bea has asked for it").waitFor();
    await inDialog(admin, "Confirm").click();
    await proposal.getByText("Done").waitFor();
    expect((await fixture.api.get("/api/v1/devices/theirs")).body.revoked).toBe(true);
  });

  it("show the record, by account and operation, and give all of it as a file that can be checked", async () => {
    await go(admin, "Record");
    await admin.getByLabel("Of this account").fill("bea");
    await admin.getByRole("button", { name: "Show", exact: true }).click();
    await expect
      .poll(() => admin.getByRole("row").filter({ hasNotText: "bea" }).count(), { message: "but for the heads" })
      .toBe(1);
    await admin.getByLabel("Of this operation").fill("revokeDevice");
    await admin.getByRole("button", { name: "Show", exact: true }).click();
    await admin.getByText("second-person-needed").first().waitFor();
    const download = admin.waitForEvent("download");
    await admin.getByRole("button", { name: "Export all" }).click();
    const file = await (await download).path();
    const { number } = await checked(ofFile(file), undefined);
    expect(number, "the record holds up to its last line").toBeGreaterThan(10);
    const check = (): Promise<void> => admin.getByRole("button", { name: "Check all lines" }).click();
    await check();
    await admin.getByText(/^The record holds: \d+ lines are what was written/).waitFor();
    const { lines } = (await fixture.api.get("/api/v1/audit?order=oldest-first&limit=4")).body;
    const noted = placeText({ number: 4, hash: lines[3].hash });
    await admin.getByLabel("Against what was noted").fill(noted);
    await check();
    await admin.getByText("Line 4 is the one that was noted.").waitFor();
    await admin.getByLabel("Against what was noted").fill(placeText({ number: 4, hash: lines[2].hash }));
    await check();
    await admin.getByText("line 4 had another hash when it was noted").waitFor();
    await admin.getByLabel("Against what was noted").fill("");
    const { db } = fixture.server.internals.storage;
    const text = lines[1].text.replace("admin", "olga");
    await db.updateTable("auditLines").set({ text }).where("number", "=", 2).execute();
    await check();
    await admin.getByText("line 2 is not what was written").waitFor();
    expect(await axeProblems(admin)).toEqual([]);
    await db.updateTable("auditLines").set({ text: lines[1].text }).where("number", "=", 2).execute();
  });

  it("tell somebody of what happens, and say what came of it", async () => {
    await go(admin, "Notifications");
    await admin.getByText("Nobody is told of anything").waitFor();
    await admin.getByRole("button", { name: "Tell somebody" }).click();
    await admin.getByLabel("Address").fill("nowhere");
    await inDialog(admin, "Add").click();
    await admin.getByText("An address such as https://…").waitFor();
    await admin.getByLabel("Address").fill("http://127.0.0.1:9/hook");
    await inDialog(admin, "Add").click();
    // Loopback is refused unless whoever runs the server allows it.
    await admin.getByRole("dialog").getByText("webhook-address-refused").waitFor();
    await admin.getByLabel("Address").fill("https://hooks.example/flipside");
    await inDialog(admin, "Add").click();
    expect(await admin.locator(".told-once").innerText()).toMatch(/^whsec_/);
    await admin.getByRole("button", { name: "I have kept it" }).click();
    await row(admin, "Webhook").getByRole("button", { name: "Switch off" }).click();
    await row(admin, "Webhook").getByText("Off", { exact: true }).waitFor();
    await row(admin, "Webhook").getByRole("button", { name: "Delete" }).click();
    await inDialog(admin, "Delete").click();
    await admin.getByText("Nobody is told of anything").waitFor();
  });

  it("pass axe, fit a phone, and leave no fault in the browser", async () => {
    for (const path of [
      "/access",
      "/access/sessions",
      "/access/tokens",
      "/access/second-person",
      "/access/record",
      "/access/notifications",
      "/account",
    ]) {
      await admin.goto(fixture.server.url + path);
      await admin.getByRole("heading", { level: 1 }).waitFor();
      await nothingLoads(admin);
      await looksFine(admin, path);
    }
    expect(faults).toEqual([]);
  });
});
