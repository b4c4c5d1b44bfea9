// People are told by e-mail of what happens: by SMTP with a mail server that is there, never in clear, and again until
// it is taken.

import { readFile, rm } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { mailOf } from "../../src/features/webhooks/bodies.ts";
import { createMail } from "../../src/features/webhooks/mail.ts";
import type { SmtpOptions } from "../../src/features/webhooks/smtp-options.ts";
import { makeServerPair } from "../certificates.ts";
import { Fixture, passing, temporaryDirectory } from "../fixture.ts";
import { fieldOf, MailServer, textOf } from "./mail-server.ts";

const url = "mailto:ops@example.org";
let folder: string;
let ca: string;
let mailServer: MailServer;
let fixture: Fixture;
let passedMs = 0;

const smtpTo = (server: MailServer, more: Partial<SmtpOptions> = {}): SmtpOptions => ({
  ...{ host: "localhost", port: server.port, isTlsAtOnce: false, userName: "flipside", password: "a password", ca },
  ...{ from: { name: "Flipside, of Örebro", address: "flipside@example.org" }, tls: "required", ...more },
});

beforeAll(async () => {
  folder = await temporaryDirectory();
  ca = await readFile((await makeServerPair(folder)).rootFile, "utf8");
  mailServer = await MailServer.start(folder);
  fixture = await Fixture.start({
    ...{ smtp: smtpTo(mailServer), webhookTimeoutMs: 2_000, publicUrl: new URL("https://flipside.example") },
    clock: passing(() => passedMs),
  });
});
afterAll(async () => {
  await fixture?.stop();
  await mailServer?.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  mailServer.received.length = 0;
  mailServer.refuses = {};
  mailServer.isSilent = false;
});
afterEach(async () => {
  for (const { id } of (await fixture.api.get("/api/v1/webhooks")).body.webhooks)
    await fixture.api.request("DELETE", `/api/v1/webhooks/${id}`);
});

async function create(at: Fixture = fixture, more: { events?: string[] } = {}): Promise<string> {
  const { status, body } = await at.api.post("/api/v1/webhooks", { url, channel: "email", ...more });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.webhook.id;
}
const untilTried = async (id: string, fits: (delivery: any) => boolean, at: Fixture = fixture): Promise<any> =>
  (await at.api.until(`/api/v1/webhooks/${id}/deliveries`, ({ deliveries: [last] }) => last && fits(last)))
    .deliveries[0];

/** What comes of a test message from a server of its own that is started so. */
async function triedBy(smtp: SmtpOptions): Promise<any> {
  const other = await Fixture.start({ smtp, webhookTimeoutMs: 2_000 });
  const id = await create(other);
  await other.api.post(`/api/v1/webhooks/${id}/test`);
  const delivery = await untilTried(id, ({ state, problem }) => state !== "waiting" || problem !== null, other);
  await other.stop();
  return delivery;
}

describe("a message by e-mail", () => {
  it("is a plain text from the operator's sender, signed in and encrypted, with a link and no line of others' own", async () => {
    const id = await create(fixture, { events: ["emergency-stop.begun"] });
    await fixture.api.post("/api/v1/emergency-stop", { reason: "a fire & <b>smoke</b> in Malmö" });
    await mailServer.until(({ received }) => received.length === 1);
    const [mail] = mailServer.received as [MailServer["received"][number]];
    expect(mail).toMatchObject({
      ...{ from: "flipside@example.org", to: ["ops@example.org"], user: "flipside", isEncrypted: true },
    });
    const delivery = await untilTried(id, ({ state }) => state === "delivered");
    expect(delivery).toMatchObject({ status: 250, answer: expect.stringContaining("queued"), problem: null });
    expect(fieldOf(mail, "Message-ID")).toBe(`<${delivery.id}@example.org>`);
    expect(fieldOf(mail, "Auto-Submitted")).toBe("auto-generated");
    expect(fieldOf(mail, "To")).toBe("ops@example.org");
    expect(fieldOf(mail, "Content-Type")).toMatch(/^text\/plain; charset=utf-8/);
    expect(fieldOf(mail, "From")).toMatch(/<flipside@example\.org>$/);
    const at = JSON.parse(delivery.payload).timestamp;
    expect(Date.parse(fieldOf(mail, "Date")!)).toBe(Math.floor(Date.parse(at) / 1000) * 1000);
    const text = textOf(mail)
      .replace(/=\r\n/g, "")
      .replace(/(=[0-9A-F]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll("=", ""), "hex").toString());
    expect(text).toContain("All updates are stopped, by admin: a fire & <b>smoke</b> in Malmö");
    expect(text).toContain("https://flipside.example/");
    await fixture.api.post("/api/v1/emergency-stop/end");
  });

  it("that is sent again is the same to the byte", async () => {
    const id = await create();
    const { body } = await fixture.api.post(`/api/v1/webhooks/${id}/test`);
    await untilTried(id, ({ state }) => state === "delivered");
    await fixture.api.post(`/api/v1/webhooks/${id}/deliveries/${body.id}/again`);
    await mailServer.until(({ received }) => received.length === 2);
    const [first, second] = mailServer.received;
    expect(second).toEqual(first);
  });

  it("waits for a mail server that is away, and for one that says later", async () => {
    const { port } = mailServer;
    const id = await create();
    await mailServer.stop();
    await fixture.api.post(`/api/v1/webhooks/${id}/test`);
    expect(await untilTried(id, ({ problem }) => problem !== null)).toMatchObject({
      ...{ state: "waiting", attempts: 1, status: null, problem: expect.stringContaining("ECONNREFUSED") },
    });
    mailServer = await MailServer.start(folder, {}, { port });
    mailServer.refuses = { recipient: [450, "4.2.0 greylisted"] };
    passedMs += 10_000;
    expect(await untilTried(id, ({ status }) => status !== null)).toMatchObject({
      ...{ state: "waiting", attempts: 2, status: 450, problem: "the recipient was refused with 450" },
    });
    mailServer.refuses = {};
    passedMs += 10 * 60_000;
    expect(await untilTried(id, ({ state }) => state === "delivered")).toMatchObject({ attempts: 3 });
    expect(mailServer.received).toHaveLength(1);
  });

  it("that is refused for good is not sent again by itself, and its webhook goes on", async () => {
    const id = await create();
    for (const [refuses, problem] of [
      [{ recipient: [550, "5.1.1 no such mailbox"] }, "the recipient was refused with 550"],
      [{ message: [554, "5.7.1 looks like spam"] }, "the message was refused with 554"],
    ] as [MailServer["refuses"], string][]) {
      mailServer.refuses = refuses;
      await fixture.api.post(`/api/v1/webhooks/${id}/test`);
      expect(await untilTried(id, (last) => last.problem === problem)).toMatchObject({
        ...{ state: "failed", attempts: 1, nextAttemptAt: null, answer: expect.stringContaining("5.") },
      });
    }
    mailServer.refuses = {};
    await fixture.api.post(`/api/v1/webhooks/${id}/test`);
    await untilTried(id, ({ state }) => state === "delivered");
    expect((await fixture.api.get(`/api/v1/webhooks/${id}`)).body).toMatchObject({ enabled: true, failingSince: null });
  });

  it("is tried again when it is the sign-in that is refused: that is mended at the server, not in the message", async () => {
    const id = await create();
    mailServer.refuses = { auth: [535, "5.7.8 the password has changed"] };
    await fixture.api.post(`/api/v1/webhooks/${id}/test`);
    const delivery = await untilTried(id, ({ problem }) => problem !== null);
    expect(delivery).toMatchObject({
      ...{ state: "waiting", status: 535, problem: "the sign-in was refused with 535" },
    });
    expect(JSON.stringify(delivery)).not.toContain("a password");
  });

  it("waits for no mail server that never answers", async () => {
    const id = await create();
    mailServer.isSilent = true;
    await fixture.api.post(`/api/v1/webhooks/${id}/test`);
    expect(await untilTried(id, ({ problem }) => problem !== null)).toMatchObject({
      ...{ state: "waiting", problem: "there was no answer within 2 s" },
    });
  });
});

describe("the mail server", () => {
  it("is told nothing where it does not offer TLS, or has a certificate of somebody else's", async () => {
    const plain = await MailServer.start(folder, { disabledCommands: ["STARTTLS"], authOptional: true });
    const delivery = await triedBy(smtpTo(plain));
    expect(delivery).toMatchObject({ state: "waiting", problem: expect.stringContaining("has no TLS") });
    expect([plain.connections, plain.received]).toEqual([1, []]);
    await plain.stop();
    const strange = await triedBy(smtpTo(mailServer, { ca: undefined }));
    expect(strange).toMatchObject({ state: "waiting", problem: expect.stringMatching(/certificate/i) });
    expect(mailServer.received).toEqual([]);
    for (const secure of [false, true]) {
      const elsewhere = await MailServer.start(folder, { secure }, { host: "127.0.0.2" });
      const delivery = await triedBy(smtpTo(elsewhere, { host: "127.0.0.2", isTlsAtOnce: secure }));
      expect(delivery).toMatchObject({ state: "waiting", problem: expect.stringContaining("127.0.0.2 is not in") });
      expect(elsewhere.received).toEqual([]);
      await elsewhere.stop();
    }
  });

  it("is told nothing where somebody is to sign in and it asks nobody to", async () => {
    const open = await MailServer.start(folder, { disabledCommands: ["AUTH"], authOptional: true });
    expect(await triedBy(smtpTo(open))).toMatchObject({ state: "waiting", problem: expect.any(String) });
    expect(open.received).toEqual([]);
    await open.stop();
  });

  it("is spoken to by TLS from the first byte, and in clear without a user where that is allowed", async () => {
    const atOnce = await MailServer.start(folder, { secure: true });
    expect(await triedBy(smtpTo(atOnce, { isTlsAtOnce: true }))).toMatchObject({ state: "delivered" });
    expect(atOnce.received).toMatchObject([{ isEncrypted: true, user: "flipside" }]);
    await atOnce.stop();
    const relay = await MailServer.start(folder, { disabledCommands: ["AUTH", "STARTTLS"], authOptional: true });
    const inClear = smtpTo(relay, { tls: "none", userName: undefined, password: undefined });
    expect(await triedBy(inClear)).toMatchObject({ state: "delivered" });
    expect(relay.received).toMatchObject([{ isEncrypted: false, to: ["ops@example.org"] }]);
    await relay.stop();
  });
});

describe("what is refused", () => {
  it("is a mailbox where no e-mail is sent, or that is none, or one of another channel", async () => {
    const other = await Fixture.start();
    expect(await other.api.post("/api/v1/webhooks", { url, channel: "email" })).toMatchObject({
      ...{ status: 409, body: { code: "email-off", detail: expect.stringContaining("--smtp-url") } },
    });
    await other.stop();
    for (const address of [
      ...["ops", "@example.org", "ops@", "a@b@example.org", "a..b@example.org", "a,b@example.org", "ops@-example.org"],
      ...["a@example.org,b@example.org", "ops@example.org?cc=b@example.org", "ops@example.org%0d%0aBcc:b@example.org"],
      ...["ops@example.org\r\nBcc: b@example.org", "<ops@example.org>"],
      ...['"a b"@example.org', "ops @example.org", "öps@example.org", `${"a".repeat(65)}@example.org`],
    ])
      expect(
        await fixture.api.post("/api/v1/webhooks", { url: `mailto:${address}`, channel: "email" }),
        JSON.stringify(address),
      ).toMatchObject({ status: 422, body: { code: "validation-failed" } });
    for (const [channel, to] of [
      ["webhook", url],
      ["slack", url],
      ["email", "https://example.org/"],
    ])
      expect(await fixture.api.post("/api/v1/webhooks", { url: to, channel }), channel).toMatchObject({
        ...{ status: 422, body: { code: "webhook-address-refused" } },
      });
    // Of line breaks alone, an address is what every URL is without them.
    const broken = { url: "mailto:ops\r\n@example.org\n", channel: "email" };
    expect((await fixture.api.post("/api/v1/webhooks", broken)).body.webhook.url).toBe(url);
    const id = await create();
    const change = (to: string) => fixture.api.request("PATCH", `/api/v1/webhooks/${id}`, { url: to });
    expect((await change("https://example.org/")).body.code).toBe("webhook-address-refused");
    expect(await change("mailto:others@example.org")).toMatchObject({ status: 200 });
    const { body } = await fixture.api.get("/api/v1/audit?limit=20");
    expect(JSON.stringify(body)).toContain('"others@example.org"');
  });

  it("is what a mailbox is to be told once the server sends no e-mail any more, but not for good", async () => {
    const before = await Fixture.start({ smtp: smtpTo(mailServer) });
    const id = await create(before);
    await before.server.close();
    const after = await Fixture.goOn({ dataDir: before.dataDir }, before.project);
    await after.api.post(`/api/v1/webhooks/${id}/test`);
    expect(await untilTried(id, ({ problem }) => problem !== null, after)).toMatchObject({
      ...{ state: "waiting", problem: expect.stringContaining("--smtp-url") },
    });
    await after.stop();
  });

  it("is a line break of somebody's, which neither begins a header nor a line", async () => {
    const reason = "a fire\r\nBcc: b@example.org\n\nhttps://evil.example\u2028and \u202emore\u0000";
    const data = { by: "admin\r\n.\r\nMAIL FROM:<x@example.org>", reason };
    const timestamp = "2026-03-01T10:00:00.000Z";
    const message = mailOf(JSON.stringify({ type: "emergency-stop.begun", timestamp, data }));
    expect(message.subject).toMatch(
      /^Flipside: All updates are stopped, by admin \. MAIL FROM:<x@example.org>: a fire Bcc/,
    );
    expect(message.text.split("\n").filter(Boolean)).toEqual([
      expect.stringMatching(/^All updates .* https:\/\/evil\.example and \\u\{202e\}more\\u\{0\}$/),
      `${timestamp}, emergency-stop.begun. Sent by Flipside; nobody reads an answer.`,
    ]);
    const send = createMail({ smtp: smtpTo(mailServer), timeoutMs: 5_000 });
    const date = new Date(timestamp);
    const hostile = { id: "msg_1", to: "ops@example.org", subject: reason, text: `.\r\n${data.by}`, date };
    for (const each of [{ ...hostile, ...message }, hostile])
      expect(await send(each)).toMatchObject({ status: 250, problem: null });
    expect(mailServer.received).toHaveLength(2);
    for (const mail of mailServer.received) {
      expect(mail.to).toEqual(["ops@example.org"]);
      expect(fieldOf(mail, "Bcc")).toBeUndefined();
    }
  });
});
