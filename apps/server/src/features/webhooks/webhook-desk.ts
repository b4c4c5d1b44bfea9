// Webhooks, put together: what happens is put in line and sent. Of several servers the caretaker does it; two at a time
// would do no harm, since both are decided behind the database.

import type { Cursors } from "../../changes/cursors.ts";
import type { Feed } from "../../changes/feed.ts";
import type { Clock } from "../../clock.ts";
import type { Logger } from "../../logging.ts";
import type { Storage } from "../../storage/storage.ts";
import { createAddresses } from "./addresses.ts";
import { createDeliveries, type Deliveries } from "./deliveries.ts";
import { createMail } from "./mail.ts";
import { createPost } from "./post.ts";
import { createSending } from "./sending.ts";
import type { SmtpOptions } from "./smtp-options.ts";
import { createWebhooks, type Webhooks } from "./webhooks.ts";
import { eventOfChange } from "./payload.ts";

export const webhookTimeoutMsDefault = 15_000;
const gatherMs = 50;

export interface WebhookOptions {
  /** Private ranges that messages may be sent to. */
  allowed: readonly [string, number][];
  /** For a message and its answer, at most. */
  timeoutMs: number;
  /** Of the console, as people reach it. */
  publicUrl: string | undefined;
  /** Undefined: nothing is sent by e-mail. */
  smtp: SmtpOptions | undefined;
}

export interface WebhookDesk {
  webhooks: Webhooks;
  deliveries: Deliveries;
  /** There may be something to send. */
  wake(): void;
  stop(): Promise<void>;
}

export async function openWebhookDesk({
  storage,
  feed,
  cursors,
  clock,
  log,
  options: { allowed, timeoutMs, publicUrl, smtp },
  isHere,
  isShared,
}: {
  storage: Storage;
  feed: Feed;
  cursors: Cursors;
  clock: Clock;
  log: Logger;
  options: WebhookOptions;
  /** Whether it is done at this server now. */
  isHere: () => boolean;
  /** Others may make webhooks, too. */
  isShared: boolean;
}): Promise<WebhookDesk> {
  const addresses = createAddresses(allowed);
  const deliveries = createDeliveries({ storage, cursors, clock, publicUrl, log });
  const mail = smtp === undefined ? undefined : createMail({ smtp, timeoutMs });
  const sending = createSending({ storage, clock, post: createPost({ addresses, timeoutMs }), mail, log });
  /** So that a server that tells nobody asks the database nothing. */
  let isAny =
    isShared || (await storage.db.selectFrom("webhooks").select("id").limit(1).executeTakeFirst()) !== undefined;
  let taking: Promise<void> | undefined;
  let isWoken = false;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function take(): Promise<void> {
    while (isWoken && !isStopped) {
      isWoken = false;
      await deliveries.take();
      sending.wake();
    }
  }

  function wake(): void {
    if (!isAny || isStopped || !isHere()) return;
    isWoken = true;
    taking ??= take()
      .catch((error: unknown) => log.error({ err: error as Error }, "webhooks could not be told of changes"))
      .finally(() => (taking = undefined));
  }

  const webhooks = createWebhooks({
    ...{ storage, clock, addresses, sendsMail: mail !== undefined, begin: deliveries.begin },
    changed: () => (isAny = true),
  });
  feed.follow((change, position) => {
    if (!isAny || position === undefined || change.kind === "anything") return;
    if (!("fact" in change || "moved" in change) || eventOfChange(change) === undefined) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      wake();
    }, gatherMs);
  });
  return {
    webhooks,
    deliveries,
    wake,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await taking;
      await sending.stop();
    },
  };
}
