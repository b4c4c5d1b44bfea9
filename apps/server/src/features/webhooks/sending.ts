// Sends what is in line: at least once, the first try of each in the order in which it happened, and later ones by a
// schedule. One that is being sent is claimed in the database for a while, so that of several servers one alone sends
// it; a receiver that is slow has one connection, and holds up nobody else's.

import { mailboxOf, placeOf } from "@flipside/api/webhook-url";
import type { Clock } from "../../clock.ts";
import { withUnseenWrittenOut } from "../../plain-text.ts";
import type { Logger } from "../../logging.ts";
import type { WebhookDeliveryRow, WebhookRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { bodyOf, mailOf } from "./bodies.ts";
import type { Mail } from "./mail.ts";
import type { Answered, Post } from "./post.ts";
import { signedHeaders } from "./signing.ts";
import { emailOff, giveUpWaiting, secretsOf } from "./webhooks.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** After the first try, the second, …: the schedule that Standard Webhooks gives as an example, three days in all. */
export const retryDelaysMs: readonly number[] = [
  5_000,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  14 * hourMs,
  20 * hourMs,
  24 * hourMs,
];
/** Of each delay, as much more or less at random: not all that has failed at once is tried at once. */
const jitterShare = 0.2;
/** Nothing has arrived for so long: it is switched off. */
export const disabledAfterMs = 5 * 24 * hourMs;
const retryAfterMaxMs = 24 * hourMs;
/** Longer than a message may take. */
const claimMs = minuteMs;
const atOnceMax = 16;
const problemCharactersMax = 300;
const gone = 410;

export interface Sending {
  /** Looks for what is due. */
  wake(): void;
  /** Resolves when nothing is sent any more. */
  stop(): Promise<void>;
}

type Outcome = Partial<Answered> & { problem: string | null; isFinal?: boolean };

export function createSending({
  storage,
  clock,
  post,
  mail,
  random = Math.random,
  log,
}: {
  storage: Storage;
  clock: Clock;
  post: Post;
  /** Undefined: this server sends no e-mail. */
  mail?: Mail | undefined;
  random?: () => number;
  log: Logger;
}): Sending {
  const { db } = storage;
  const busy = new Map<string, Promise<void>>();
  let looking: Promise<void> | undefined;
  let isWoken = false;
  let isStopped = false;

  const isDue = (q: Queries, now: number) =>
    q
      .selectFrom("webhookDeliveries")
      .where("state", "=", "waiting")
      .where("nextAt", "<=", now)
      .where((e) => e.or([e("claimedUntil", "is", null), e("claimedUntil", "<=", now)]));

  /** The next one of a webhook, for this server alone; an attempt is counted as it begins. */
  async function claim(webhookId: string): Promise<WebhookDeliveryRow | undefined> {
    const now = clock.steadyMs();
    const next = await isDue(db, now)
      .select("id")
      .where("webhookId", "=", webhookId)
      .orderBy("nextAt")
      .orderBy("position")
      .limit(1)
      .executeTakeFirst();
    if (next === undefined) return undefined;
    return db
      .updateTable("webhookDeliveries")
      .set(({ eb }) => ({ claimedUntil: now + claimMs, attempts: eb("attempts", "+", 1), lastAt: now }))
      .where("id", "=", next.id)
      .where("state", "=", "waiting")
      .where((e) => e.or([e("claimedUntil", "is", null), e("claimedUntil", "<=", now)]))
      .returningAll()
      .executeTakeFirst();
  }

  async function attempt(delivery: WebhookDeliveryRow, webhook: WebhookRow): Promise<Outcome> {
    const { id, payload } = delivery;
    const { url, channel, ...row } = webhook;
    if (channel === "email") {
      const to = mailboxOf(url);
      if (mail === undefined || to === undefined) return { problem: emailOff };
      return mail({ id, to, ...mailOf(payload) });
    }
    const body = bodyOf(channel, payload);
    const timestampS = Math.floor(clock.wallMs() / 1000);
    const isSigned = channel === "webhook";
    const secrets = isSigned ? await secretsOf(db, row.id, clock.steadyMs()) : [];
    const headers = {
      "content-type": "application/json",
      "user-agent": "Flipside",
      ...(isSigned ? signedHeaders({ id, timestampS, body }, secrets) : {}),
    };
    try {
      const answered = await post({ url, headers, body });
      const isTaken = answered.status >= 200 && answered.status < 300;
      return { ...answered, problem: isTaken ? null : `it was answered with ${answered.status}` };
    } catch (error) {
      return { problem: (error as Error).message || String((error as { code?: unknown }).code) };
    }
  }

  function nextAfter({ attempts }: WebhookDeliveryRow, { retryAfterMs = 0, isFinal }: Outcome): number | null {
    if (isFinal === true) return null;
    const delay = retryDelaysMs[attempts - 1];
    if (delay === undefined) return null;
    const spread = delay * (1 + jitterShare * (2 * random() - 1));
    return Math.round(clock.steadyMs() + Math.max(spread, Math.min(retryAfterMs, retryAfterMaxMs)));
  }

  async function disable(work: Queries, { id, url }: WebhookRow, why: string): Promise<void> {
    await work.updateTable("webhooks").set({ disabledBecause: why }).where("id", "=", id).execute();
    await giveUpWaiting(work, id, why);
    // Of an address, the rest may be a secret.
    log.warn({ webhook: id, host: placeOf(url) }, `a webhook was switched off: ${why}`);
  }

  async function record(delivery: WebhookDeliveryRow, webhook: WebhookRow, outcome: Outcome): Promise<void> {
    const { status = null, body = null } = outcome;
    const problem = outcome.problem?.slice(0, problemCharactersMax) ?? null;
    const answer = body === null ? null : withUnseenWrittenOut(body);
    const now = clock.steadyMs();
    await storage.transaction(async ({ db: work }) => {
      const nextAt = problem === null ? null : nextAfter(delivery, outcome);
      const state = problem === null ? "delivered" : nextAt === null ? "failed" : "waiting";
      await work
        .updateTable("webhookDeliveries")
        .set({ state, nextAt, claimedUntil: null, status, answer, problem })
        .where("id", "=", delivery.id)
        .execute();
      const present = await work.selectFrom("webhooks").selectAll().where("id", "=", webhook.id).executeTakeFirst();
      if (present === undefined) return;
      const failingSince = problem === null ? null : (present.failingSince ?? now);
      if (failingSince !== present.failingSince)
        await work.updateTable("webhooks").set({ failingSince }).where("id", "=", webhook.id).execute();
      if (present.disabledBecause !== null || problem === null) return;
      if (status === gone && webhook.channel !== "email")
        await disable(work, webhook, "its server has answered that it is gone (410)");
      else if (now - failingSince! >= disabledAfterMs) await disable(work, webhook, "nothing has arrived for 5 days");
    });
    const said = {
      webhook: webhook.id,
      delivery: delivery.id,
      type: delivery.type,
      attempt: delivery.attempts,
      status,
    };
    if (problem === null) log.debug(said, "a message was delivered");
    else log.info({ ...said, problem }, "a message was not delivered");
  }

  async function sendAllOf(webhookId: string): Promise<void> {
    while (!isStopped) {
      const delivery = await claim(webhookId);
      if (delivery === undefined) return;
      const webhook = await db.selectFrom("webhooks").selectAll().where("id", "=", webhookId).executeTakeFirst();
      if (webhook === undefined) return;
      await record(delivery, webhook, await attempt(delivery, webhook));
    }
  }

  async function look(): Promise<void> {
    while (isWoken && !isStopped) {
      isWoken = false;
      const due = await isDue(db, clock.steadyMs()).select("webhookId").distinct().execute();
      for (const { webhookId } of due) {
        if (busy.has(webhookId)) continue;
        if (busy.size >= atOnceMax || isStopped) return;
        const sending = sendAllOf(webhookId)
          .catch((error: unknown) =>
            log.error({ err: error as Error, webhook: webhookId }, "messages could not be sent"),
          )
          .finally(() => {
            busy.delete(webhookId);
            wake();
          });
        busy.set(webhookId, sending);
      }
    }
  }

  function wake(): void {
    isWoken = true;
    if (isStopped) return;
    looking ??= look()
      .catch((error: unknown) => log.error({ err: error as Error }, "it could not be looked for messages to send"))
      .finally(() => (looking = undefined));
  }

  return {
    wake,
    async stop() {
      isStopped = true;
      await looking;
      await Promise.all(busy.values());
    },
  };
}
