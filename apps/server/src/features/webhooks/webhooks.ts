// Who is told of what happens: kept, changed, switched off; and their secrets.

import type { NewWebhook, Webhook, WebhookChange, WebhookChannel } from "@flipside/api/types";
import { webhooksMax } from "@flipside/api/limits";
import type { WebhookEvent } from "@flipside/api/webhook-events";
import { leadsToMailbox } from "@flipside/api/webhook-url";
import type { Clock } from "../../clock.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, newId } from "../../identifiers.ts";
import type { WebhookRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { Addresses } from "./addresses.ts";
import { newSecret, secretText } from "./signing.ts";

/** So long messages are signed with the secret before, too. */
const overlapMs = 24 * 60 * 60 * 1000;

/** What is to be done about it. */
export const emailOff = "start the server with --smtp-url and --smtp-from (SMTP_URL, SMTP_FROM)";

export interface Webhooks {
  list(): Promise<Webhook[]>;
  one(id: string): Promise<Webhook>;
  create(asked: NewWebhook, by: string): Promise<{ webhook: Webhook; secret: string }>;
  change(id: string, change: WebhookChange, by: string): Promise<Webhook>;
  remove(id: string): Promise<void>;
  rotate(id: string): Promise<{ webhook: Webhook; secret: string }>;
}

/** Those that messages are signed with: the present one first. */
export async function secretsOf(db: Queries, webhookId: string, steadyMs: number): Promise<Buffer[]> {
  const rows = await db
    .selectFrom("webhookSecrets")
    .select("secret")
    .where("webhookId", "=", webhookId)
    .where((q) => q.or([q("endsAt", "is", null), q("endsAt", ">", steadyMs)]))
    .orderBy("generation", "desc")
    .execute();
  return rows.map(({ secret }) => secret);
}

export async function findWebhook(db: Queries, id: string): Promise<WebhookRow> {
  const row = await db.selectFrom("webhooks").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new ApiError("not-found", "There is no such webhook.");
  return row;
}

/** Of a webhook that is off, or gone: nothing more is tried. */
export const giveUpWaiting = (db: Queries, webhookId: string, problem: string): Promise<unknown> =>
  db
    .updateTable("webhookDeliveries")
    .set({ state: "failed", nextAt: null, claimedUntil: null, problem })
    .where("webhookId", "=", webhookId)
    .where("state", "=", "waiting")
    .execute();

export function createWebhooks({
  storage,
  clock,
  addresses,
  sendsMail,
  begin,
  changed,
}: {
  storage: Storage;
  clock: Clock;
  addresses: Addresses;
  sendsMail: boolean;
  /** The first one is there: what happens from now on is told. */
  begin: (db: Queries) => Promise<void>;
  changed: () => void;
}): Webhooks {
  const { db } = storage;

  async function endOfPrevious(id: string): Promise<number | null> {
    const row = await db
      .selectFrom("webhookSecrets")
      .select(({ fn }) => fn.max("endsAt").as("endsAt"))
      .where("webhookId", "=", id)
      .where("endsAt", ">", clock.steadyMs())
      .executeTakeFirstOrThrow();
    return row.endsAt;
  }

  async function viewOf(row: WebhookRow): Promise<Webhook> {
    const { id, url, channel, description, events, rolloutId, disabledBecause, failingSince, createdAt, createdBy } =
      row;
    const endsAt = await endOfPrevious(id);
    return {
      ...{ id, url, channel, description, rolloutId, disabledBecause, createdBy },
      events: events === null ? null : (JSON.parse(events) as WebhookEvent[]),
      enabled: disabledBecause === null,
      failingSince: failingSince === null ? null : iso(clock.shownMs(failingSince)),
      previousSecretEndsAt: endsAt === null ? null : iso(clock.shownMs(endsAt)),
      createdAt: iso(createdAt),
    };
  }

  function refusalOf(channel: WebhookChannel, url: string): string | undefined {
    if (leadsToMailbox(url) !== (channel === "email"))
      return channel === "email"
        ? "the channel email takes an address such as mailto:ops@example.org"
        : "a mailto: address is one of the channel email";
    return channel === "email" ? undefined : addresses.refusalOfUrl(url);
  }

  function checkAddress(channel: WebhookChannel, url: string): void {
    if (channel === "email" && !sendsMail)
      throw new ApiError("email-off", `To have messages sent by e-mail, ${emailOff}.`);
    const why = refusalOf(channel, url);
    if (why === undefined) return;
    const errors = [{ path: "url", message: why }];
    throw new ApiError("webhook-address-refused", `${why}.`, { errors });
  }

  const eventsText = (events: readonly string[] | null): string | null =>
    events === null ? null : JSON.stringify([...new Set(events)]);

  return {
    async list() {
      const rows = await db.selectFrom("webhooks").selectAll().orderBy("createdAt").orderBy("id").execute();
      return Promise.all(rows.map(viewOf));
    },
    one: async (id) => viewOf(await findWebhook(db, id)),
    async create({ url, channel, description, events, rolloutId }, by) {
      checkAddress(channel, url);
      const row: WebhookRow = {
        ...{ id: newId(), url, channel, description, rolloutId, events: eventsText(events) },
        ...{ disabledBecause: null, failingSince: null, createdAt: clock.wallMs(), createdBy: by },
      };
      const secret = newSecret();
      await storage.transaction(async ({ db }) => {
        const { count } = await db
          .selectFrom("webhooks")
          .select(({ fn }) => fn.countAll<number>().as("count"))
          .executeTakeFirstOrThrow();
        if (Number(count) >= webhooksMax)
          throw new ApiError("too-many-webhooks", `There are ${webhooksMax} already. Delete one that is not needed.`);
        if (Number(count) === 0) await begin(db);
        await db.insertInto("webhooks").values(row).execute();
        await db
          .insertInto("webhookSecrets")
          .values({ webhookId: row.id, generation: 1, secret, endsAt: null })
          .execute();
      });
      changed();
      return { webhook: await viewOf(row), secret: secretText(secret) };
    },
    async change(id, { url, description, events, rolloutId, enabled }, by) {
      const disabledBecause = `switched off by ${by}`;
      await storage.transaction(async ({ db }) => {
        const before = await findWebhook(db, id);
        if (url !== undefined) checkAddress(before.channel, url);
        const set = {
          ...(url === undefined ? {} : { url }),
          ...(description === undefined ? {} : { description }),
          ...(events === undefined ? {} : { events: eventsText(events) }),
          ...(rolloutId === undefined ? {} : { rolloutId }),
          ...(enabled === true ? { disabledBecause: null, failingSince: null } : {}),
          ...(enabled === false && before.disabledBecause === null ? { disabledBecause } : {}),
        };
        if (Object.keys(set).length === 0) return;
        await db.updateTable("webhooks").set(set).where("id", "=", id).execute();
        if (enabled === false) await giveUpWaiting(db, id, disabledBecause);
      });
      changed();
      return viewOf(await findWebhook(db, id));
    },
    async remove(id) {
      await storage.transaction(async ({ db }) => {
        await findWebhook(db, id);
        await db.deleteFrom("webhookDeliveries").where("webhookId", "=", id).execute();
        await db.deleteFrom("webhookSecrets").where("webhookId", "=", id).execute();
        await db.deleteFrom("webhooks").where("id", "=", id).execute();
      });
      changed();
    },
    async rotate(id) {
      const secret = newSecret();
      const row = await storage.transaction(async ({ db }) => {
        const row = await findWebhook(db, id);
        const { newest } = await db
          .selectFrom("webhookSecrets")
          .select(({ fn }) => fn.max("generation").as("newest"))
          .where("webhookId", "=", id)
          .executeTakeFirstOrThrow();
        // Of three in a row, the oldest is of no use any more.
        await db.deleteFrom("webhookSecrets").where("webhookId", "=", id).where("generation", "<", newest).execute();
        const endsAt = clock.steadyMs() + overlapMs;
        await db.updateTable("webhookSecrets").set({ endsAt }).where("webhookId", "=", id).execute();
        const next = { webhookId: id, generation: Number(newest) + 1, secret, endsAt: null };
        await db.insertInto("webhookSecrets").values(next).execute();
        return row;
      });
      return { webhook: await viewOf(row), secret: secretText(secret) };
    },
  };
}
