// The built console in a real browser, against a server that plays the REST contract. Nothing here waits for a fixed
// time: every step waits for what the operator would see.

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildConsole } from "../build/build-console.ts";
import { findChromium, launch } from "./browser.ts";
import { FakeServer } from "./fake-server.ts";
import { deployment, device, preflight, release, rollout } from "./fixtures.ts";

const executablePath = findChromium();
if (!executablePath)
  console.warn("Skipped: the console's browser tests need Chromium, as chromium or chromium-browser on PATH.");

const file = (name: string) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.alloc(4096, 1) });

describe.skipIf(!executablePath)("the console in a browser", () => {
  let browser: Browser;
  let dist: string;
  let server: FakeServer;
  let url: string;
  let context: BrowserContext;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    [dist, browser] = await Promise.all([buildConsole(), launch(executablePath!)]);
  });

  afterAll(async () => {
    await browser?.close();
  });

  beforeEach(async () => {
    server = new FakeServer(dist);
    for (const id of ["dev-1", "dev-2", "dev-3", "dev-4", "dev-5"]) server.devices.set(id, device(id));
    server.releases.set("rel-2", release("rel-2", "1.1.0", 2));
    url = await server.listen();
    await open({ width: 1200, height: 800 });
  });

  afterEach(async () => {
    await context.close();
    await server.close();
    expect([...faults.splice(0), ...server.faults]).toEqual([]);
  });

  async function open(viewport: { width: number; height: number }): Promise<void> {
    await context?.close();
    context = await browser.newContext({ viewport, reducedMotion: "reduce" });
    page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on("pageerror", (error) => faults.push(String(error)));
    // A refused request is logged by the browser as well; what counts are faults of the page and its policy.
    page.on("console", (message) => {
      if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(message.text());
    });
  }

  async function signIn(path = "/"): Promise<void> {
    server.user = { ...server.user, mustChangePassword: false };
    await page.goto(url + path);
    await page.getByLabel("User name").fill("admin");
    await page.getByLabel("Password").fill("one-time-secret");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("Live", { exact: true }).waitFor();
  }

  const row = (name: string) =>
    page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: new RegExp(`^${name}\\b`) }) });

  /** The page must be there for good: a reload would lose this mark. */
  const markPage = (): Promise<void> =>
    page.evaluate(() => void ((window as unknown as { mark: boolean }).mark = true));
  const pageIsMarked = (): Promise<boolean> =>
    page.evaluate(() => (window as unknown as { mark?: boolean }).mark === true);

  it("lets nobody in with a wrong password, nor with the one-time password before it is replaced", async () => {
    await page.goto(url);
    await page.getByLabel("User name").fill("admin");
    await page.getByLabel("Password").fill("guess");
    await page.keyboard.press("Enter");
    const refusal = page.getByRole("alert");
    await refusal.getByText("User name or password is wrong").waitFor();
    await refusal.getByText("What to do:").waitFor();

    await page.getByLabel("Password").fill("one-time-secret");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Choose a password" }).waitFor();
    expect(await page.getByRole("navigation").count()).toBe(0);

    await page.getByLabel("One-time password").fill("one-time-secret");
    await page.getByLabel("New password", { exact: true }).fill("short");
    await page.getByLabel("New password again").fill("short");
    await page.keyboard.press("Enter");
    await page.getByText("Use at least 10 characters; there are 5.").waitFor();
    expect(server.user.mustChangePassword).toBe(true);

    await page.getByLabel("New password", { exact: true }).fill("four words in a row");
    await page.getByLabel("New password again").fill("four words in a row");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Devices" }).waitFor();
    await row("dev-1").waitFor();

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
  });

  it("says clearly why a release was refused, and what an accepted one holds", async () => {
    await signIn("/releases");
    server.nextUpload = {
      code: "signature-mismatch",
      detail: "signature-mismatch: no signature by a release key of this project holds. Do not use this file.",
    };
    await page.getByLabel("Release file").setInputFiles(file("tampered.fsr"));
    const refused = page.getByRole("status").filter({ hasText: "Refused: tampered.fsr" });
    await refused.waitFor();
    expect(await refused.innerText()).toMatch(
      /was changed after signing[\s\S]*What to do: Do not use this file[\s\S]*signature-mismatch/,
    );
    expect(await refused.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await row("flipside-demo 1.2.0").count()).toBe(0);

    server.nextUpload = release("rel-3", "1.2.0", 3);
    // Dropped this time: what the browser hands over on a drop is a DataTransfer with a file in it.
    const transfer = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(4096)], "good.fsr"));
      return data;
    });
    await page.locator(".dropzone").dispatchEvent("drop", { dataTransfer: transfer });
    const accepted = page.getByRole("status").filter({ hasText: "Accepted: flipside-demo 1.2.0" });
    await accepted.waitFor();
    expect(await accepted.innerText()).toMatch(/good\.fsr holds 2 images[\s\S]*virt-rv32[\s\S]*virtual/);
    await row("flipside-demo 1.2.0").waitFor();
    await accepted.getByRole("link", { name: "Roll it out" }).click();
    expect(await page.getByLabel("Release", { exact: true }).inputValue()).toBe("rel-3");
  });

  it("asks before it takes a release whose sequence does not rise with its version, and says which files are lost", async () => {
    await signIn("/releases");
    const detail =
      "Version 1.2.0 is later than 1.1.0, but both have release sequence 2: devices take the one with the higher sequence for the newer. Build it with another sequence, or confirm that this is meant (confirmSequence=true).";
    server.nextUpload = { code: "release-sequence", detail };
    const lost = release("rel-3", "1.2.0", 2);
    server.confirmedUpload = {
      ...lost,
      images: lost.images.map((image, i) => ({ ...image, file: i === 0 ? "missing" : "present" })),
    };
    await page.getByLabel("Release file").setInputFiles(file("same-sequence.fsr"));
    const dialog = page.getByRole("dialog");
    expect(await dialog.innerText()).toMatch(/sequence does not rise[\s\S]*both have release sequence 2/);
    await dialog.getByRole("button", { name: "Go back" }).click();
    await page.getByRole("status").filter({ hasText: "Refused: same-sequence.fsr" }).waitFor();
    expect(await row("flipside-demo 1.2.0").count()).toBe(0);

    await page.getByLabel("Release file").setInputFiles(file("same-sequence.fsr"));
    await dialog.getByRole("button", { name: "Upload it anyway" }).click();
    await row("flipside-demo 1.2.0").getByText("File missing").waitFor();
  });

  it("keeps what a device calls itself from re-ordering the console's own words", async () => {
    const product = "\u202egpj.erawmrif";
    server.devices.set(
      "dev-1",
      device("dev-1", {
        product,
        running: { slot: "a", digest: "ab".repeat(32), version: "1.0\u202e0", releaseSequence: 1, state: "confirmed" },
      }),
    );
    await signIn("/devices");
    expect(await row("dev-1").locator("bdi", { hasText: "erawmrif" }).innerText()).toBe(product);
    await page.goto(`${url}/devices/dev-1`);
    await page.locator("bdi", { hasText: "erawmrif" }).first().waitFor();
    expect(await page.locator("bdi", { hasText: "1.0\u202e0" }).count()).toBeGreaterThan(0);
  });

  it("takes claims and permits, and says which of them it could not take", async () => {
    await signIn("/devices");
    await page.getByRole("button", { name: "Import claims" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Claims").fill(`dev-8 ${"A".repeat(43)}\ndev-9 short`);
    await dialog.getByRole("button", { name: "Import", exact: true }).click();
    await dialog.getByText("Line 2: the secret must be 43 characters").waitFor();
    await dialog.getByLabel("Claims").fill(`dev-8 ${"A".repeat(43)}\ndev-9 ${"B".repeat(42)}E`);
    await dialog.getByRole("button", { name: "Import 2 claims" }).click();
    await dialog.getByText("2 claims imported. These devices may enrol now.").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();

    await page.getByRole("link", { name: "Releases" }).click();
    await page.getByRole("button", { name: "Add permit for flipside-demo 1.1.0" }).click();
    await dialog.getByLabel("Permit file").setInputFiles(file("other.permit"));
    await dialog.getByRole("button", { name: "Add permit" }).click();
    await dialog.getByRole("alert").getByText("permit-invalid").waitFor();
    await dialog.getByLabel("Permit file").setInputFiles({ ...file("back.permit"), buffer: Buffer.from("permit") });
    await dialog.getByRole("button", { name: "Add permit" }).click();
    await dialog.getByText("Added: any device may go back to the image for virtual.").waitFor();
  });

  it("shows the keys in force and which devices have them, and takes a new trust record or says why not", async () => {
    server.devices.set(
      "dev-2",
      device("dev-2", { trustRefused: { version: 2, code: 52, codeName: "trust-would-refuse-image" } }),
    );
    server.releases.set("rel-3", release("rel-3", "1.2.0", 3, { revoked: true }));
    await signIn("/trust");
    await row("2222222222222222").getByText("releases and permits").waitFor();
    await page.getByText("Record 1, the newest").waitFor();
    await page.getByText("5 devices").waitFor();
    await page
      .getByRole("listitem")
      .filter({ hasText: "dev-2" })
      .getByText("would be left without any that may boot")
      .waitFor();

    const upload = async (content: string): Promise<void> => {
      await page
        .getByLabel("Trust chain file")
        .setInputFiles({ name: "trust-chain.bin", mimeType: "application/octet-stream", buffer: Buffer.from(content) });
      await page.getByRole("button", { name: "Upload" }).click();
    };
    await upload("of another line");
    await page.getByText("The record was not taken").waitFor();
    await upload("record 2");
    await page.getByText("Taken: record 2").waitFor();
    await row("2222222222222222").getByText("Revoked", { exact: true }).waitFor();
    await row("aaaaaaaaaaaaaaaa").getByText("In force").waitFor();
    await page.getByRole("link", { name: "Releases" }).click();
    await row("flipside-demo 1.2.0").getByText("Signer revoked").waitFor();
  });

  it("creates a rollout, follows it live without a reload, pauses and resumes it", async () => {
    await signIn("/rollouts/new");
    await page.getByLabel("Size of wave 2").fill("60");
    const preview = page.getByRole("status", { name: "Preview of the waves" });
    await preview.getByText("Wave 3").waitFor();
    expect(await preview.innerText()).toMatch(/1 device [\s\S]*2 devices [\s\S]*2 devices /);

    await page.getByLabel("Name").fill("refuse me");
    await page.getByRole("button", { name: "Start rollout" }).click();
    const refusal = page.getByRole("alert");
    await refusal.getByText("dev-3 is other-board revision 2.").waitFor();
    await refusal.getByText("no-image-for-hardware").waitFor();

    await page.getByLabel("Name").fill("Spring update");
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "Spring update" }).waitFor();
    expect(server.asked.at(-1)).toMatchObject({
      name: "Spring update",
      releaseId: "rel-2",
      target: { all: true },
      waves: [{ count: 1 }, { percent: 60 }],
      deadlineMs: 86_400_000,
      failureThresholdPercent: 50,
      minimumSample: 5,
      soakMs: 0,
      lateOffersMs: 30 * 86_400_000,
      order: "online-first",
      underWayMax: null,
      urgent: false,
      allowOlder: false,
      health: null,
    });

    await markPage();
    const [id] = [...server.rollouts.keys()];
    server.advance(id!, "dev-1", { state: "downloading", done: 16 });
    await row("dev-1").getByText("Downloading 50 %").waitFor();
    server.advance(id!, "dev-1", { state: "confirmed" });
    await row("dev-1").getByText("Confirmed").waitFor();
    await page.getByRole("listitem", { name: "Wave 1" }).getByText("Done").waitFor();
    await page.getByRole("listitem", { name: "Wave 2" }).getByText("Running").waitFor();
    await page.getByText("20 %", { exact: true }).waitFor();

    server.advance(id!, "dev-2", { state: "rolled-back", code: 70, codeName: "crashed" });
    await row("dev-2").getByText("The new image crashed.").waitFor();

    const state = page.getByRole("status", { name: "Rollout state" });
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Pause rollout" }).click();
    await state.getByText("Paused").waitFor();
    await page.getByText("Paused by admin.").waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Resume rollout" }).click();
    await state.getByText("Running").waitFor();

    for (const each of ["dev-3", "dev-4", "dev-5"]) server.advance(id!, each, { state: "confirmed" });
    await state.getByText("Completed").waitFor();
    expect(await page.getByRole("button", { name: "Pause" }).count()).toBe(0);
    await page.getByRole("button", { name: /^Rolled back/ }).click();
    expect(await page.getByRole("rowheader").allInnerTexts()).toEqual(["dev-2"]);
    expect(await pageIsMarked()).toBe(true);
  });

  it("asks for an urgent rollout that is watched, with who goes first, what counts and how long it is offered", async () => {
    await signIn("/rollouts/new");
    const order = page.getByLabel("Who goes first");
    await order.selectOption("Drawn by lot");
    await page.getByText("a fair sample").waitFor();
    await page.getByLabel("Watch each wave for").fill("");
    await page.getByLabel("Failures count from").fill("0.5");
    const late = page.getByLabel("Still offer to devices that come back within");
    await late.waitFor({ state: "hidden" });
    const more = page.getByText("More", { exact: true });
    await more.focus();
    await page.keyboard.press("Enter");
    await late.fill("367");
    await more.click();
    await late.waitFor({ state: "hidden" });
    const pace = page.getByText("Starts at once, as fast as devices ask");
    await pace.click();
    await page.getByLabel("Devices at work at a time").fill("ten");

    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByText("Give a time from 0 to 30 days.").waitFor();
    const focused = (): Promise<string | undefined> =>
      page.evaluate(() => (document.activeElement as HTMLInputElement).labels?.[0]?.innerText);
    await expect.poll(focused).toBe("Watch each wave for");
    // What is wrong is in sight, and stays there.
    await expect.poll(() => page.getByText("Give a whole number of devices, 1 or more.").count()).toBe(2);
    await page.getByText("Give a number of days from 0 to 366.").waitFor();
    await more.click();
    await page.getByLabel("Watch each wave for").fill("90");
    await page.getByLabel("Unit of the watch").selectOption("minutes");
    await page.getByText("watched for 90 minutes").waitFor();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await expect.poll(focused).toBe("Failures count from");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("3");
    await page.getByText("above 50 % failures, of 3 devices or more").waitFor();
    await late.fill("7");
    await page.getByLabel("Devices at work at a time").fill("20");
    await page.getByText("at most 20 devices").waitFor();
    await page.getByLabel("Pause when updated devices crash more often than those that wait").check();
    await page.getByText("pauses when updated devices crash more often").waitFor();
    await page.getByLabel("Urgent: overtakes other rollouts on the same devices").check();
    expect(server.asked).toEqual([]);
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "flipside-demo 1.1.0" }).waitFor();
    expect(server.asked.at(-1)).toMatchObject({
      minimumSample: 3,
      soakMs: 90 * 60_000,
      lateOffersMs: 7 * 86_400_000,
      order: "random",
      underWayMax: 20,
      health: { metrics: [{ kind: "crashes" }], errorRate: 0.01, action: "pause" },
      urgent: true,
    });
    await page.getByText("Urgent", { exact: true }).waitFor();
  });

  it("changes the rules of waves, tries again, takes a device out and rolls a wave back", async () => {
    await signIn("/rollouts/new");
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "flipside-demo 1.1.0" }).waitFor();
    const [id] = [...server.rollouts.keys()];
    const row = (name: string) => page.getByRole("row", { name: new RegExp(name) });
    const dialog = page.getByRole("dialog");
    await page.getByText("Rules", { exact: true }).click();
    await page
      .getByRole("row", { name: /Wave 2/ })
      .getByText("above 50 %, of 5 devices or more: pause the rollout")
      .waitFor();

    await page.getByRole("button", { name: "Change rules" }).click();
    await dialog.getByLabel("Waves").selectOption("Wave 2 alone");
    await dialog.getByLabel("Failures above").fill("120");
    await dialog.getByRole("button", { name: "Change rules" }).click();
    await dialog.getByText("Give a percentage from 0 to 100.").waitFor();
    await dialog.getByLabel("Failures above").fill("20");
    await dialog.getByLabel("Then").selectOption("Cancel it and roll back all that were updated");
    await dialog.getByRole("button", { name: "Change rules" }).click();
    await page
      .getByRole("row", { name: /Wave 2/ })
      .getByText("above 20 %, of 5 devices or more: cancel it and roll back all that were updated")
      .waitFor();
    await page.getByText(/"failureThresholdPercent":20,"thresholdAction":"roll-back-all"\}/).waitFor();

    server.advance(id!, "dev-1", { state: "failed", code: 60, codeName: "flash-failed" });
    await page.getByRole("button", { name: "Retry failed" }).click();
    await dialog.getByText("The image is offered once more to 1 device").waitFor();
    await dialog.getByRole("button", { name: "Retry" }).click();
    await row("dev-1").getByText("Queued").waitFor();
    await row("dev-2").getByRole("button", { name: "Take out dev-2" }).click();
    await dialog.getByRole("button", { name: "Take out" }).click();
    await row("dev-2").getByText("Cancelled").waitFor();
    await row("dev-2").getByRole("button", { name: "Try again dev-2" }).waitFor();

    server.advance(id!, "dev-1", { state: "confirmed" });
    await page.getByRole("button", { name: "Roll back" }).click();
    await dialog.getByLabel("Who goes back").selectOption("Those of wave 1");
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await page.getByRole("status", { name: "Rollout state" }).getByText("Rolled back").waitFor();
    await page.getByText("Roll-back of wave 1 by admin.").waitFor();
  });

  it("lists the devices that a filter means as it is typed, and marks what is wrong with it", async () => {
    server.devices.set("dev-2", device("dev-2", { tags: ["canary"], attributes: { floor: 3 } }));
    server.devices.set("dev-4", device("dev-4", { tags: ["canary"], online: false }));
    await signIn("/devices");
    const filter = page.getByLabel("Filter");
    const listed = async (): Promise<string[]> =>
      (await page.getByRole("rowheader").allInnerTexts()).map((text) => text.split("\n")[0]!);
    await filter.fill("tag = canary and online");
    await page.getByText("1 device found").waitFor();
    expect(await listed()).toEqual(["dev-2"]);
    await filter.fill("tag = canary and onlin");
    await page.getByText("Did you mean online?").waitFor();
    await page.getByText("The list is by the last filter that could be read.").waitFor();
    expect(await page.locator(".filter-marks").innerText()).toBe(
      `tag = canary and onlin\n${" ".repeat("tag = canary and ".length)}^^^^^`,
    );
    expect(await filter.getAttribute("aria-invalid")).toBe("true");
    expect(await listed()).toEqual(["dev-2"]);
    await filter.fill("attribute.floor > 5");
    await page.getByText("No device matches the filter.").waitFor();
    await page.getByRole("button", { name: "Show all devices" }).click();
    await expect.poll(async () => (await listed()).length).toBe(5);
    await filter.fill("not online");
    await expect.poll(listed).toEqual(["dev-4"]);
    // It is as live as the list.
    server.send({ kind: "device", data: device("dev-1", { online: false }) });
    await expect.poll(listed).toEqual(["dev-1", "dev-4"]);
  });

  it("starts a rollout by a filter, after it has asked what that would meet", async () => {
    server.devices.set("dev-2", device("dev-2", { tags: ["canary"] }));
    server.devices.set("dev-4", device("dev-4", { tags: ["canary"], hardware: "another-board" }));
    server.preflight = preflight({
      matched: 2,
      chosen: 1,
      leftOut: [{ reason: "no-image", count: 1, deviceIds: ["dev-4"] }],
      offline: { count: 1, longest: { deviceId: "dev-2", lastSeenAt: "2026-01-01T00:00:00.000Z" } },
      waves: [{ index: 0, total: 1, filter: null, alreadyThere: 0, offline: 1 }],
      problems: [
        { kind: "waits", sentence: "Of wave 1 every device is offline.", todo: "Bring some of them back first." },
      ],
    });
    await signIn("/rollouts/new");
    await page.getByLabel("Devices that a filter means").check();
    await page.getByRole("button", { name: "Check first" }).click();
    await page.getByText("Write a filter, such as tag = canary.").waitFor();
    expect(server.checked).toEqual([]);
    const filter = page.getByRole("textbox", { name: "Filter" });
    await filter.fill("tag = ");
    await page.getByText("The filter ends here, expected a value.").waitFor();
    await filter.fill("tag = canary");
    await page.getByText("1 device now, and 1 that the release does not fit, left out.").waitFor();
    await page.getByRole("button", { name: "Check first" }).click();
    const found = page.getByRole("status", { name: "What the rollout would meet" });
    await found.getByText("Of wave 1 every device is offline.").waitFor();
    await found.getByText("1 of hardware without an image").waitFor();
    await found.getByText("Wave 1: 1 device, 1 offline").waitFor();
    expect(server.checked.at(-1)).toMatchObject({ target: { filter: "tag = canary" } });
    // What was said is about what was asked.
    await page.getByLabel("Name").fill("Canaries");
    await found.waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "Canaries" }).waitFor();
    await page.getByText("tag = canary").waitFor();
    expect(server.asked.at(-1)).toMatchObject({ target: { filter: "tag = canary" } });
  });

  it("shows that a rollout is urgent, until when a wave is watched, and who is away and came back", async () => {
    await signIn("/rollouts/new");
    await page.getByLabel("Size of wave 1").fill("3");
    await page.getByLabel("Size of wave 2").fill("80");
    await page.getByRole("button", { name: "Start rollout" }).click();
    const first = page.getByRole("listitem", { name: "Wave 1" });
    await first.getByText("Running").waitFor();
    const [shown] = [...server.rollouts.values()];
    const { id } = shown!;
    Object.assign(shown!, { urgent: true, soakUntil: new Date(2030, 0, 5, 14, 7).toISOString() });
    server.advance(id, "dev-1", { state: "confirmed" });
    server.advance(id, "dev-2", { state: "failed" });
    server.advance(id, "dev-3", { state: "unreached" });
    await first.getByText("1 away").waitFor();
    expect(await first.innerText()).toMatch(
      /Done[\s\S]*2 \/ 3 devices[\s\S]*1 not updated \(50 %\)[\s\S]*Watched until 5 Jan, 14:07/,
    );
    await first.getByRole("img", { name: "1 succeeded, 1 did not, 0 were cancelled, 1 are away, of 3" }).waitFor();
    const second = page.getByRole("listitem", { name: "Wave 2" });
    expect(await second.innerText()).toMatch(/Waiting(?![\s\S]*(Watched|away))/);
    await row("dev-3").getByText("Away").waitFor();
    await page.getByText("Urgent", { exact: true }).waitFor();

    await page.getByRole("link", { name: "Rollouts" }).first().click();
    const listed = row("flipside-demo 1.1.0");
    await listed.getByText("Urgent").waitFor();
    expect(await listed.innerText()).toMatch(/wave 1 of \d\s+watched until 5 Jan, 14:07/);

    shown!.soakUntil = null;
    server.advance(id, "dev-3", { state: "downloading" });
    await listed.getByText("watched until").waitFor({ state: "detached" });
    await listed.getByRole("link").click();
    await first.getByText("Running").waitFor();
    expect(await first.innerText()).not.toMatch(/away|Watched/);
  });

  it("shows how updated devices do beside those that wait, and when that is more than chance", async () => {
    const test = {
      metric: { kind: "crashes" as const },
      failure: "crashed",
      updated: { failed: 2, atRisk: 38 },
      others: { failed: 3, atRisk: 397 },
      ratio: 6.7,
      odds: 12.34,
      oddsNeeded: 100,
      lookedAt: new Date().toISOString(),
    };
    server.rollouts.set("r1", rollout("r1", { total: 440, health: [test] }));
    await signIn("/rollouts/r1");
    const health = page.getByRole("region", { name: "Health" });
    await health.getByText("Crashed.").waitFor();
    expect(await health.innerText()).toMatch(
      /2 of 40 updated devices, 3 of 400 others\. Chance explains it: evidence of 12\.3 to 1, of 100 to 1 that are/,
    );
    server.rollouts.set("r1", rollout("r1", { total: 440, health: [{ ...test, odds: 480 }] }));
    await page.reload();
    await health.getByText("More than chance explains.").waitFor();
    server.rollouts.set("r1", rollout("r1", { total: 440 }));
    await page.reload();
    await page.getByRole("heading", { name: "Decisions" }).waitFor();
    expect(await health.count()).toBe(0);
  });

  it("says what a rollout and a device wait for as that changes, and nothing once nothing is waited for", async () => {
    await signIn("/rollouts/new");
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("listitem", { name: "Wave 1" }).getByText("Running").waitFor();
    const [id] = [...server.rollouts.keys()];
    server.whys.set(id!, {
      sentence: "Wave 1 waits for 1 device at work on it; then wave 2 starts.",
      since: new Date(2030, 0, 5, 14, 7).toISOString(),
      until: new Date(2030, 0, 6, 14, 7).toISOString(),
      actions: ["pause it", "cancel it"],
    });
    server.whys.set("dev-1", {
      sentence: "dev-1 is away, and is offered the image of rollout r when it comes back.",
      since: null,
      until: new Date(2030, 0, 6, 14, 7).toISOString(),
      actions: ["look at its power and its connection"],
    });
    server.advance(id!, "dev-1", { state: "downloading" });
    await page
      .getByText(
        "Wave 1 waits for 1 device at work on it; then wave 2 starts. Since 5 Jan, 14:07, at the latest until 6 Jan, 14:07. You can pause it, or cancel it.",
      )
      .waitFor();

    await page.getByRole("link", { name: "dev-1" }).click();
    const away = page.getByText(
      "dev-1 is away, and is offered the image of rollout r when it comes back. At the latest until 6 Jan, 14:07. You can look at its power and its connection.",
    );
    await away.waitFor();
    server.advance(id!, "dev-1", { state: "confirmed" });
    await away.waitFor({ state: "detached" });

    await page.goto(`${url}/rollouts/${id}`);
    const waiting = page.getByText("Wave 1 waits for 1 device at work on it");
    await waiting.waitFor();
    for (const each of ["dev-2", "dev-3", "dev-4"]) server.advance(id!, each, { state: "confirmed" });
    server.whys.set(id!, { sentence: "It is over; 1 device is away.", since: null, until: null, actions: [] });
    Object.assign(server.rollouts.get(id!)!, { state: "completed", finishedAt: new Date().toISOString() });
    server.advance(id!, "dev-5", { state: "unreached" });
    const over = page.getByText("It is over; 1 device is away.");
    await over.waitFor();
    server.advance(id!, "dev-5", { state: "confirmed" });
    await over.waitFor({ state: "detached" });
  });

  it("stops all updates for a reason that every page shows, until somebody ends it", async () => {
    server.rollouts.set("r1", rollout("r1"));
    await signIn("/rollouts");
    const stop = page.getByRole("button", { name: "Stop all updates…" });
    const banner = page.getByRole("alert");
    await stop.click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Stop all updates" }).click();
    await dialog.getByText("Say why: others see it on every page.").waitFor();
    expect(server.emergencyStop.stopped).toBe(false);
    await dialog.getByLabel("Reason").fill(" 1.1.0 drains the batteries ");
    await dialog.getByLabel("Reason").press("Enter");
    await dialog.waitFor({ state: "detached" });
    await stop.waitFor({ state: "detached" });
    expect(server.emergencyStop).toMatchObject({ stopped: true, reason: "1.1.0 drains the batteries" });
    const says = /All updates are stopped since \d.* by admin:\s1\.1\.0 drains the batteries/;
    expect(await banner.innerText()).toMatch(says);

    await page.getByRole("link", { name: "Devices", exact: true }).click();
    await row("dev-1").waitFor();
    expect(await banner.innerText()).toMatch(says);
    await page.goto(`${url}/devices/dev-1`);
    await page.getByRole("heading", { name: "dev-1" }).waitFor();
    await banner.waitFor();
    expect(await banner.innerText()).toMatch(says);
    await banner.getByRole("button", { name: "End the stop" }).click();
    await dialog.getByRole("button", { name: "Go back" }).click();
    expect(server.emergencyStop.stopped).toBe(true);
    await banner.getByRole("button", { name: "End the stop" }).click();
    await dialog.getByRole("button", { name: "End the stop" }).click();
    await banner.waitFor({ state: "detached" });
    expect(server.emergencyStop.stopped).toBe(false);

    // Somebody else's, heard by what the rollouts are told.
    server.stopAll("smoke", "eve");
    await banner.getByText("smoke").waitFor();
    server.stopAll(undefined, "eve");
    await banner.waitFor({ state: "detached" });
    // Without any rollout, by what is loaded after a lost connection.
    server.emergencyStop = { stopped: true, since: new Date().toISOString(), by: "eve", reason: "smoke" };
    server.dropStreams();
    await banner.getByText("smoke").waitFor();
  });

  it("says when the connection is lost, and catches up with what it missed", async () => {
    await signIn();
    await markPage();
    server.streamDown = true;
    server.dropStreams();
    await page.getByText("Connection lost, retrying.").waitFor();
    server.devices.set("dev-1", device("dev-1", { online: false }));
    server.devices.set("dev-6", device("dev-6"));
    server.streamDown = false;
    await page.getByRole("button", { name: "Retry now" }).click();
    await row("dev-6").waitFor();
    await row("dev-1").getByText("Offline").waitFor();
    await page.getByText("Connection lost, retrying.").waitFor({ state: "detached" });

    server.devices.set("dev-7", device("dev-7"));
    server.send({ kind: "resync", data: {} });
    await row("dev-7").waitFor();
    expect(await pageIsMarked()).toBe(true);
  });

  it("asks for sign-in again when the session ends, and returns to the same page", async () => {
    await signIn("/devices/dev-2");
    await page.getByRole("heading", { name: "dev-2" }).waitFor();
    server.signOutEverybody();
    server.dropStreams();
    await page.getByText("Your session has ended.").waitFor();
    await page.getByLabel("User name").fill("admin");
    await page.getByLabel("Password").fill("one-time-secret");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "dev-2" }).waitFor();
  });

  it("shows which slot runs, what is being written, and why an update did not stay", async () => {
    server.rollouts.set(
      "r1",
      rollout("r1", {
        total: 1,
        deployments: [deployment("d", "dev-1")],
        waves: [
          { index: 0, total: 1, finished: 0, succeeded: 0, cancelled: 0, waiting: 0, unreached: 0, state: "running" },
        ],
      }),
    );
    server.logs.set("dev-1", [
      { at: new Date().toISOString(), kind: "crash", detail: "trap in module 3: index out of bounds" },
    ]);
    await signIn("/devices/dev-1");
    await page.getByRole("region", { name: "Slot A" }).getByText("Running now").waitFor();
    server.advance("r1", "dev-1", { state: "downloading", done: 8 });
    await page.getByRole("region", { name: "Slot B" }).getByText("1.1.0 is being written here, 25 %").waitFor();
    server.advance("r1", "dev-1", { state: "confirmed" });
    await page.getByRole("region", { name: "Slot B" }).getByText("Running now").waitFor();
    await page.getByText("index out of bounds").waitFor();

    await page.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Go back" }).click();
    expect(server.devices.get("dev-1")!.revoked).toBe(false);
    await page.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke device" }).click();
    await page.getByText("Revoked", { exact: true }).waitFor();
  });

  it("gives commands, and shows what becomes of them", async () => {
    await signIn("/devices/dev-1");
    await page.getByText("No command was given to this device yet.").waitFor();
    await page.getByRole("button", { name: "Reboot" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Reboot device" }).click();
    await row("Reboot").getByText("Waiting").waitFor();
    const device = server.devices.get("dev-1")!;
    Object.assign(server.commands.get("dev-1")![0]!, { state: "refused", code: 95, codeName: "device-busy" });
    server.send({ kind: "device", data: device });
    await row("Reboot").getByText("Refused").waitFor();
    await row("Reboot").getByText("Wait until that is over").waitFor();

    await page.getByRole("button", { name: "Change server address" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("It connects to 10.0.2.2:1883 now.").waitFor();
    await dialog.getByLabel("Host").fill("not a host");
    await dialog.getByRole("button", { name: "Change server" }).click();
    await dialog.getByText("Enter a host name or an IPv4 address").waitFor();
    await dialog.getByLabel("Host").fill("refuse-me");
    await dialog.getByRole("button", { name: "Change server" }).click();
    await dialog.getByRole("alert").getByText("start it with an operations key").waitFor();
    await dialog.getByLabel("Host").fill("broker.example");
    await dialog.getByLabel("MQTT port").fill("2883");
    await dialog.getByRole("button", { name: "Change server" }).click();
    await row("Change server").getByText("to broker.example:2883").waitFor();
    Object.assign(server.commands.get("dev-1")![0]!, { state: "failed", code: 96, codeName: "connection-no-contact" });
    server.send({ kind: "device", data: device });
    await row("Change server").getByText("Failed").waitFor();
    await row("Change server").getByText("connection-no-contact").waitFor();
  });

  it("can be used by keyboard alone, from sign-in to a paused rollout", async () => {
    server.user = { ...server.user, mustChangePassword: false };
    await page.goto(url);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.keyboard.type("admin");
    await page.keyboard.press("Tab");
    await page.keyboard.type("one-time-secret");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Devices" }).waitFor();

    /** Tabs until the focus is on the control of that name; fails when a whole round finds none. */
    const tabTo = async (name: string | RegExp): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        const [text, outlined] = await page.evaluate(() => {
          const element = document.activeElement as HTMLElement;
          const label =
            element.getAttribute("aria-label") ??
            (element as HTMLInputElement).labels?.[0]?.innerText ??
            element.innerText;
          return [label.trim(), getComputedStyle(element).outlineStyle !== "none"] as const;
        });
        if (typeof name === "string" ? text === name : name.test(text)) {
          expect(outlined, `focus on ${text} is visible`).toBe(true);
          return;
        }
      }
      throw new Error(`no way to ${name} by Tab`);
    };

    await tabTo("Rollouts");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Rollouts", exact: true }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
    await tabTo("New rollout");
    await page.keyboard.press("Enter");
    await page.getByLabel("Name").waitFor();
    await tabTo("Name");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("By keyboard");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "By keyboard" }).waitFor();

    await tabTo("Pause");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Pause this rollout?" });
    await dialog.waitFor();
    for (let i = 0; i < 5; i++) {
      await page.keyboard.press("Tab");
      // The browser's own controls may be in the round, the page behind the dialog may not.
      expect(
        await page.evaluate(
          () => document.activeElement === document.body || document.activeElement!.closest("dialog") !== null,
        ),
      ).toBe(true);
    }
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await page.evaluate(() => (document.activeElement as HTMLElement).innerText.trim())).toBe("Pause");
    await page.keyboard.press("Enter");
    await tabTo("Pause rollout");
    await page.keyboard.press("Enter");
    await page.getByRole("status", { name: "Rollout state" }).getByText("Paused").waitFor();
  });

  it("needs no sideways scrolling on a phone, on any page", async () => {
    const longId = "a-device-with-the-longest-id-that-is-allowed-48x";
    server.devices.set(
      longId,
      device(longId, { activeDeployment: deployment("d", longId, { state: "downloading", done: 3 }) }),
    );
    server.rollouts.set(
      "r1",
      rollout("r1", {
        name: "a-name-without-any-place-to-break-it-as-a-build-pipeline-may-give-it",
        total: 1,
        deployments: [
          deployment("d", longId, { state: "rejected", code: 6, codeName: "header-unknown-critical-field" }),
        ],
        waves: [
          { index: 0, total: 1, finished: 1, succeeded: 0, cancelled: 0, waiting: 0, unreached: 0, state: "done" },
        ],
        decisions: [{ at: new Date().toISOString(), text: "x".repeat(120) }],
      }),
    );
    server.stopAll("x".repeat(200));
    const why = { sentence: "x".repeat(120), since: new Date().toISOString(), until: null, actions: ["x".repeat(60)] };
    for (const id of ["r1", longId]) server.whys.set(id, why);
    await open({ width: 360, height: 740 });
    await signIn();
    for (const [path, text] of [
      ["/devices", longId],
      [`/devices/${longId}`, "Details"],
      ["/releases", "virt-rv32"],
      ["/rollouts", "a-name-without"],
      ["/rollouts/r1", "Decisions"],
      ["/rollouts/new", "Limits"],
      ["/trust", "May sign"],
      ["/password", "Present password"],
    ]) {
      await page.goto(url + path);
      await page.getByText(text!).first().waitFor();
      const { content, screen } = await page.evaluate(() => ({
        content: document.documentElement.scrollWidth,
        screen: window.innerWidth,
      }));
      expect(content, `${path} is ${content} px wide`).toBeLessThanOrEqual(screen);
    }
  });
});
