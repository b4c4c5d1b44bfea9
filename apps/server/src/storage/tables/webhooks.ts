// Who is told of what happens.

import type { WebhookChannel } from "@flipside/api/types";
import type { Generated, Selectable } from "kysely";

/** Who is told of what happens. */
export interface WebhookTable {
  id: string;
  url: string;
  channel: WebhookChannel;
  description: string;
  /** JSON of WebhookEvent[]; null: of everything. */
  events: string | null;
  /** Of this one's alone. */
  rolloutId: string | null;
  /** Null: it is on. */
  disabledBecause: string | null;
  /** Of steady time: nothing has arrived since; null: the last one did. */
  failingSince: number | null;
  createdAt: number;
  createdBy: string;
}

export interface WebhookSecretTable {
  webhookId: string;
  /** Ascends. */
  generation: number;
  secret: Buffer;
  /** Of steady time; null: it is the present one. */
  endsAt: number | null;
}

/** What is to be sent, or was. Times of attempts are of steady time. */
export interface WebhookDeliveryTable {
  position: Generated<number>;
  /** webhook-id. */
  id: string;
  webhookId: string;
  type: string;
  payload: string;
  state: "waiting" | "delivered" | "failed";
  attempts: number;
  /** Null: no more. */
  nextAt: number | null;
  /** Somebody sends it just now; whoever comes later waits until then. */
  claimedUntil: number | null;
  createdAt: number;
  lastAt: number | null;
  status: number | null;
  answer: string | null;
  problem: string | null;
}

export type WebhookRow = Selectable<WebhookTable>;
export type WebhookDeliveryRow = Selectable<WebhookDeliveryTable>;
