// Two that look for what is to be sent in one database, as two servers do: each message is sent by one of them; and
// what one has claimed and never finished, another one sends.

import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Clock } from "../../src/clock.ts";
import type { Message } from "../../src/features/webhooks/post.ts";
import { createSending, retryDelaysMs } from "../../src/features/webhooks/sending.ts";
import { createLogger } from "../../src/logging.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { Fixture } from "../fixture.ts";

const log = createLogger("silent");
const messages = 40;
let fixture: Fixture;
let storage: Storage;
let nowMs = 1_000_000_000_000;
const clock = { wallMs: () => nowMs, steadyMs: () => nowMs } as Clock;

beforeEach(async () => {
  // For its database alone: this server has no webhooks as it starts, and so does not look for any.
  fixture = await Fixture.start();
  ({ storage } = fixture.server.internals);
});
afterEach(() => fixture?.stop());

async function line(webhookIds: readonly string[], count: number): Promise<void> {
  for (const id of webhookIds) {
    await storage.db
      .insertInto("webhooks")
      .values({
        ...{ id, url: `https://${id}.example/`, channel: "webhook", description: "", events: null, rolloutId: null },
        ...{ disabledBecause: null, failingSince: null, createdAt: nowMs, createdBy: "admin" },
      })
      .execute();
    await storage.db
      .insertInto("webhookSecrets")
      .values({ webhookId: id, generation: 1, secret: randomBytes(32), endsAt: null })
      .execute();
  }
  for (let i = 0; i < count; i++)
    await storage.db
      .insertInto("webhookDeliveries")
      .values({
        ...{
          id: `msg_${i}`,
          webhookId: webhookIds[i % webhookIds.length]!,
          type: "webhook.test",
          payload: `{"i":${i}}`,
        },
        ...{ state: "waiting", attempts: 0, nextAt: nowMs, claimedUntil: null, createdAt: nowMs, lastAt: null },
        ...{ status: null, answer: null, problem: null },
      })
      .execute();
}

const waiting = async (): Promise<number> =>
  (await storage.db.selectFrom("webhookDeliveries").select("id").where("state", "=", "waiting").execute()).length;

async function until(fits: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await fits())) {
    if (Date.now() > deadline) throw new Error("it never became so");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it("sends each message once, in order to each receiver, with two that send", async () => {
  await line(["a", "b", "c"], messages);
  const sent: Message[] = [];
  const post = async (message: Message) => {
    sent.push(message);
    await new Promise((resolve) => setImmediate(resolve));
    return { status: 200, body: "", retryAfterMs: undefined };
  };
  const both = [createSending({ storage, clock, post, log }), createSending({ storage, clock, post, log })];
  for (const each of both) each.wake();
  await until(async () => (await waiting()) === 0);
  await Promise.all(both.map((each) => each.stop()));
  const ids = sent.map(({ headers }) => headers["webhook-id"]);
  expect([ids.length, new Set(ids).size]).toEqual([messages, messages]);
});

it("sends what another one has claimed and never finished, once its claim is over", async () => {
  await line(["a"], 1);
  let answer = (): void => {};
  const never = createSending({
    ...{ storage, clock, log },
    post: () => new Promise((resolve) => (answer = () => resolve({ status: 200, body: "", retryAfterMs: undefined }))),
  });
  never.wake();
  await until(async () => (await storage.db.selectFrom("webhookDeliveries").selectAll().execute())[0]!.attempts === 1);
  const sent: string[] = [];
  const post = async ({ headers }: Message) => {
    sent.push(headers["webhook-id"]!);
    return { status: 200, body: "", retryAfterMs: undefined };
  };
  const other = createSending({ storage, clock, post, log });
  other.wake();
  await other.stop();
  expect(sent).toEqual([]);
  nowMs += 61_000;
  const third = createSending({ storage, clock, post, log });
  third.wake();
  await until(async () => (await waiting()) === 0);
  await third.stop();
  expect(sent).toEqual(["msg_0"]);
  answer();
  await never.stop();
});

it("waits longer each time, a little more or less at random, as long as it is told to, and gives up", async () => {
  await line(["a"], 1);
  let random = 0;
  const delays: number[] = [];
  for (let tries = 0; tries <= retryDelaysMs.length; tries++) {
    random = tries % 2;
    const retryAfterMs = tries === 1 ? 600_000 : undefined;
    const post = async () => ({ status: 429, body: "", retryAfterMs });
    const sending = createSending({ storage, clock, post, random: () => random, log });
    sending.wake();
    await until(
      async () => (await storage.db.selectFrom("webhookDeliveries").selectAll().execute())[0]!.claimedUntil === null,
    );
    await until(
      async () => (await storage.db.selectFrom("webhookDeliveries").selectAll().execute())[0]!.attempts === tries + 1,
    );
    await sending.stop();
    const { nextAt, state } = (await storage.db.selectFrom("webhookDeliveries").selectAll().execute())[0]!;
    if (nextAt === null) {
      expect(state).toBe("failed");
      break;
    }
    delays.push(nextAt - nowMs);
    nowMs = nextAt;
  }
  expect(delays).toEqual(
    retryDelaysMs.map((delay, i) => (i === 1 ? 600_000 : Math.round(delay * (i % 2 === 0 ? 0.8 : 1.2)))),
  );
});
