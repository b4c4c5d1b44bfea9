// What is to be sent, in line in the database: put there with the cursor of the changes that it was made from, in one
// transaction, so that each change is told once to each webhook, whatever dies in between.

import { randomBytes } from "node:crypto";
import type { WebhookDelivery } from "@flipside/api/types";
import { webhookTestEvent } from "@flipside/api/webhook-events";
import type { Cursors } from "../../changes/cursors.ts";
import type { Clock } from "../../clock.ts";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso } from "../../identifiers.ts";
import type { Logger } from "../../logging.ts";
import { readChanges } from "../../storage/outbox.ts";
import type { WebhookDeliveryRow, WebhookRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { Expiring } from "../retention/retention.ts";
import { eventOfChange, isWantedBy, type Payload, payloadOf } from "./payload.ts";
import { findWebhook } from "./webhooks.ts";

const cursorKey = "webhook-cursor";
const changesAtATime = 500;
const rowsAtATime = 50;
/** Of changes that nobody is told of, so many are looked at again after a restart at most. */
const unstoredMax = 1_000;
const deliveriesAtATime = 500;

export const deliveryList = "webhook-deliveries";
export const deliveryKeys = ["number"] as const;

export interface Deliveries {
  /** What happens from now on is told; in the transaction that makes the first webhook. */
  begin(db: Queries): Promise<void>;
  /** Puts what has happened in line. Resolves when all that is settled is. */
  take(): Promise<void>;
  list(webhookId: string, page: PageAsked): Promise<{ deliveries: WebhookDelivery[]; next: string | null }>;
  test(webhookId: string): Promise<WebhookDelivery>;
  again(webhookId: string, id: string): Promise<WebhookDelivery>;
}

type NewDelivery = Omit<WebhookDeliveryRow, "position">;

/** Standard Webhooks: unique, and the same at each try. */
const newDeliveryId = (): string => `msg_${randomBytes(16).toString("hex")}`;

export function createDeliveries({
  storage,
  cursors,
  clock,
  publicUrl,
  log,
}: {
  storage: Storage;
  cursors: Cursors;
  clock: Clock;
  publicUrl: string | undefined;
  log: Logger;
}): Deliveries {
  const { db } = storage;
  /** As far as it was looked, which may be further than what is stored. */
  let seen = 0;

  const deliveryOf = (webhookId: string, { type, ...rest }: Payload): NewDelivery => ({
    ...{ id: newDeliveryId(), webhookId, type, payload: JSON.stringify({ type, ...rest }), state: "waiting" },
    ...{ attempts: 0, nextAt: clock.steadyMs(), claimedUntil: null, createdAt: clock.wallMs() },
    ...{ lastAt: null, status: null, answer: null, problem: null },
  });

  function viewOf(row: WebhookDeliveryRow): WebhookDelivery {
    const { id, webhookId, type, state, attempts, createdAt, nextAt, lastAt, status, answer, problem, payload } = row;
    const shown = (at: number | null): string | null => (at === null ? null : iso(clock.shownMs(at)));
    return {
      ...{ id, webhookId, type: type as WebhookDelivery["type"], state, attempts, status, answer, problem, payload },
      ...{ createdAt: iso(createdAt), nextAttemptAt: shown(nextAt), lastAttemptAt: shown(lastAt) },
    };
  }

  async function storedCursor(): Promise<Buffer | undefined> {
    const row = await db.selectFrom("meta").select("value").where("key", "=", cursorKey).executeTakeFirst();
    return row?.value;
  }

  /** Whether nobody else has taken these meanwhile. */
  const keep = (before: Buffer, position: number, rows: readonly NewDelivery[]): Promise<boolean> =>
    storage.transaction(async ({ db }) => {
      const moved = await db
        .updateTable("meta")
        .set({ value: Buffer.from(String(position)) })
        .where("key", "=", cursorKey)
        .where("value", "=", before)
        .returning("key")
        .executeTakeFirst();
      if (moved === undefined) return false;
      for (let at = 0; at < rows.length; at += rowsAtATime)
        await db
          .insertInto("webhookDeliveries")
          .values(rows.slice(at, at + rowsAtATime))
          .execute();
      return true;
    });

  /** Whether there may be more. */
  async function takeSome(webhooks: readonly WebhookRow[]): Promise<boolean> {
    const before = await storedCursor();
    if (before === undefined) return false;
    const from = Math.max(seen, Number(before.toString()));
    const settled = await cursors.settled();
    if (settled <= from) return false;
    if (!(await cursors.isKept(from)))
      log.error({ from }, "webhooks were not told of changes that are not kept any more");
    const read = await readChanges(db, from, changesAtATime);
    const changes = read.filter(({ position }) => position <= settled);
    const rows: NewDelivery[] = [];
    for (const { change } of changes) {
      const type = eventOfChange(change);
      if (type === undefined) continue;
      const payload = await payloadOf(db, change, type, { nowMs: clock.wallMs(), publicUrl });
      rows.push(...webhooks.filter((each) => isWantedBy(each, payload)).map(({ id }) => deliveryOf(id, payload)));
    }
    const isAll = changes.length < changesAtATime;
    const position = isAll ? settled : changes.at(-1)!.position;
    const isToStore = rows.length > 0 || position - Number(before.toString()) > unstoredMax;
    if (isToStore && !(await keep(before, position, rows))) return true;
    seen = position;
    return !isAll;
  }

  async function find(webhookId: string, id: string): Promise<WebhookDeliveryRow> {
    const row = await db
      .selectFrom("webhookDeliveries")
      .selectAll()
      .where("webhookId", "=", webhookId)
      .where("id", "=", id)
      .executeTakeFirst();
    if (row === undefined) throw new ApiError("not-found", "There is no such delivery; it may be too long ago.");
    return row;
  }

  return {
    async begin(transaction) {
      const value = Buffer.from(String(await cursors.settled()));
      await transaction
        .insertInto("meta")
        .values({ key: cursorKey, value })
        .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
        .execute();
    },
    async take() {
      const webhooks = await db.selectFrom("webhooks").selectAll().execute();
      if (webhooks.length === 0) return;
      while (await takeSome(webhooks)) {
        // The next ones.
      }
    },
    async list(webhookId, { limit, after }) {
      await findWebhook(db, webhookId);
      const rows = await db
        .selectFrom("webhookDeliveries")
        .selectAll()
        .where("webhookId", "=", webhookId)
        .$if(after !== undefined, (q) => q.where("position", "<", Number(after![0])))
        .orderBy("position", "desc")
        .limit(limit + 1)
        .execute();
      const page = paged(deliveryList, rows, limit, ({ position }) => [position]);
      return { deliveries: page.rows.map(viewOf), next: page.next };
    },
    async test(webhookId) {
      await findWebhook(db, webhookId);
      const row = deliveryOf(webhookId, {
        type: webhookTestEvent,
        timestamp: iso(clock.wallMs()),
        data: { webhookId },
      });
      await db.insertInto("webhookDeliveries").values(row).execute();
      return viewOf(await find(webhookId, row.id));
    },
    async again(webhookId, id) {
      const { state } = await find(webhookId, id);
      await db
        .updateTable("webhookDeliveries")
        // One that was done with has all its tries again.
        .set({ state: "waiting", nextAt: clock.steadyMs(), ...(state === "waiting" ? {} : { attempts: 0 }) })
        .where("id", "=", id)
        .execute();
      return viewOf(await find(webhookId, id));
    },
  };
}

/** Those that are done with. */
export const expiringDeliveries = (keepMs: number): Expiring => ({
  what: "webhook-deliveries",
  keepMs,
  async removeSome(db, before) {
    const { numDeletedRows } = await db
      .deleteFrom("webhookDeliveries")
      .where("id", "in", (q) =>
        q
          .selectFrom("webhookDeliveries")
          .select("id")
          .where("createdAt", "<", before)
          .where("state", "<>", "waiting")
          .orderBy("createdAt")
          .orderBy("position")
          .limit(deliveriesAtATime),
      )
      .executeTakeFirstOrThrow();
    const removed = Number(numDeletedRows);
    return { removed, after: removed === deliveriesAtATime ? removed : null };
  },
});
