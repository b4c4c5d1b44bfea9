// Signing in as a person does: the built console in a real browser, with the browser's own authenticator, and an OpenID
// provider that others wrote, which stands at another site. Nothing waits for a fixed time.
//
// FLIPSIDE_SCREENSHOTS=folder also writes pictures there.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Fixture, password } from "../../apps/server/test/fixture.ts";
import { RealProvider } from "../../apps/server/test/oidc/real-provider.ts";
import { newPerson } from "../../apps/server/test/people.ts";
import { buildConsole } from "../../apps/web/build/build-console.ts";
import { findChromium, launch } from "../../apps/web/test/browser.ts";

const screenshots = process.env["FLIPSIDE_SCREENSHOTS"];
const executablePath = findChromium();
if (!executablePath)
  console.warn("skipped: signing in by a browser needs Chromium, as chromium or chromium-browser on PATH");

describe.skipIf(!executablePath)("signing in, in a browser", () => {
  let provider: RealProvider;
  let fixture: Fixture;
  let browser: Browser;
  let page: Page;
  let devTools: CDPSession;
  let people = 0;
  /** Passkeys are for https, and for localhost. Its port is known once the server listens. */
  const address = new URL("http://localhost/");
  const faults: string[] = [];

  beforeAll(async () => {
    provider = await RealProvider.start();
    const consoleDir = await buildConsole();
    fixture = await Fixture.start({ consoleDir, publicUrl: address, oidc: provider.options({ publicUrl: address }) });
    address.port = String(fixture.server.port);
    await provider.open(fixture.server.url, address);
    browser = await launch(executablePath!);
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await fixture?.stop();
    await provider?.close();
  });

  beforeEach(async () => {
    await page?.context().close();
    const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, reducedMotion: "reduce" });
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(message.text());
    });
    devTools = await context.newCDPSession(page);
    await devTools.send("WebAuthn.enable");
  });

  async function picture(name: string): Promise<void> {
    if (screenshots === undefined) return;
    mkdirSync(screenshots, { recursive: true });
    await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
  }

  /** A security key, or what a phone or computer has. Returns how to take it away. */
  async function plugIn(): Promise<() => Promise<unknown>> {
    const { authenticatorId } = await devTools.send("WebAuthn.addVirtualAuthenticator", {
      options: { protocol: "ctap2", transport: "usb", hasResidentKey: false, automaticPresenceSimulation: true },
    });
    return () => devTools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
  }

  async function typePassword(userName: string): Promise<void> {
    await page.getByLabel("User name").fill(userName);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
  }
  const isIn = (): Promise<void> => page.getByText("Live", { exact: true }).waitFor();
  const signOut = async (): Promise<void> => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
  };
  const passkeyRow = (name: string) => page.getByRole("row").filter({ hasText: name });

  async function addPasskey(name: string): Promise<void> {
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill(name);
    await page.getByLabel("Your password").fill(password);
    await page.getByRole("button", { name: "Go on" }).click();
    await passkeyRow(name).waitFor();
  }

  it("takes a passkey besides the password once there is one, or a recovery code", async () => {
    const userName = `person-${++people}`;
    await newPerson(fixture.api, "operator", userName);
    await page.goto(`${address.href}account`);
    await typePassword(userName);
    await page.getByText("your password is enough").waitFor();
    const unplug = await plugIn();
    await addPasskey("The key on my key ring");
    const codes = await page.locator(".recovery-codes code").allInnerTexts();
    expect(codes).toHaveLength(10);
    await picture("passkeys-added");
    await page.getByRole("button", { name: "I have kept them" }).click();
    expect(await page.locator(".recovery-codes").count()).toBe(0);

    await signOut();
    await typePassword(userName);
    await page.getByText("The password is right.").waitFor();
    await picture("second-step");
    expect(
      (
        await fixture.server.internals.storage.db
          .selectFrom("userSessions")
          .selectAll()
          .where("userName", "=", userName)
          .execute()
      ).length,
      "the one that it was made with",
    ).toBe(1);
    await page.getByRole("button", { name: "Use passkey" }).click();
    await isIn();
    await page.getByText("10 recovery codes left").waitFor();

    await signOut();
    await unplug();
    await typePassword(userName);
    await page.getByRole("button", { name: "Use a recovery code instead" }).click();
    await page.getByLabel("Recovery code").fill("wrong");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByText("The passkey or recovery code is wrong").waitFor();
    await page.getByLabel("Recovery code").fill(codes[3]!);
    await picture("recovery-code");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await isIn();
    await page.getByText("9 recovery codes left").waitFor();
    expect(faults).toEqual([]);
  });

  it("lets its owner rename and remove passkeys, with the password, and says what that means", async () => {
    const userName = `person-${++people}`;
    await newPerson(fixture.api, "operator", userName);
    await page.goto(`${address.href}account`);
    await typePassword(userName);
    await plugIn();
    await addPasskey("One");
    await page.getByRole("button", { name: "I have kept them" }).click();
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("In the safe");
    await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
    await passkeyRow("In the safe").waitFor();

    // The same authenticator a second time is refused by the browser itself.
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("Again");
    await page.getByLabel("Your password").fill(password);
    await page.getByRole("button", { name: "Go on" }).click();
    await page
      .getByRole("alert")
      .getByText(/passkey/)
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Go back" }).click();

    await page.getByRole("button", { name: "Remove" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("It is your last one").waitFor();
    await dialog.getByLabel("Your password").fill("wrong");
    await dialog.getByRole("button", { name: "Remove" }).click();
    await dialog.getByText("The passkey was not removed").waitFor();
    await picture("passkey-not-removed");
    await dialog.getByLabel("Your password").fill(password);
    await dialog.getByRole("button", { name: "Remove" }).click();
    await page.getByText("your password is enough").waitFor();
    await signOut();
    await typePassword(userName);
    await isIn();
    expect(faults).toEqual([]);
  });

  it("goes to the provider and comes back to the page that was asked for; and says why not", async () => {
    provider.person = { sub: "olga", claims: { preferred_username: "olga", groups: ["operators"] } };
    await page.goto(`${address.href}releases`);
    const link = page.getByRole("link", { name: `Sign in at ${new URL(provider.issuer).host}` });
    await link.waitFor();
    await picture("sign-in-ways");
    await link.click();
    await page.getByRole("heading", { name: "Releases", exact: true }).waitFor();
    await isIn();
    expect(page.url()).toBe(`${address.href}releases`);
    await page.getByRole("link", { name: "olga" }).click();
    await page.getByText("at your organisation's provider").waitFor();
    await picture("account-of-provider");
    await page.reload();
    await isIn();
    // To the provider, which asks, and back.
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(`${provider.issuer}/**`);

    provider.person = { sub: "nobody", claims: { preferred_username: "nobody", groups: ["none of ours"] } };
    await page.context().clearCookies();
    await page.goto(address.href);
    await link.click();
    await page.getByText("You have no role here").waitFor();
    await picture("no-role");
    expect(page.url(), "told once").toBe(address.href);
    await typePassword("admin");
    await isIn();
    expect(faults).toEqual([]);
  });
});
