// What is told of a change, and to whom: made once, when it is put in line, and the same at each try.

import type { WebhookEvent } from "@flipside/api/webhook-events";
import { type DeploymentStateName, errorName } from "@flipside/image-format";
import { iso } from "../../identifiers.ts";
import type { WebhookRow } from "../../storage/schema.ts";
import type { Change } from "../../storage/outbox.ts";
import type { Queries } from "../../storage/storage.ts";

/** As it is sent (Standard Webhooks, "Payload structure"). */
export interface Payload {
  type: string;
  timestamp: string;
  data: Readonly<Record<string, unknown>>;
}

const ofMoves: Partial<Record<DeploymentStateName, WebhookEvent>> = {
  failed: "deployment.failed",
  rejected: "deployment.failed",
  "timed-out": "deployment.failed",
  "rolled-back": "deployment.rolled-back",
};

/** Undefined: nobody is told of it. */
export function eventOfChange(change: Change): WebhookEvent | undefined {
  if (change.kind === "fact") return change.fact;
  return change.kind === "deployment" && change.moved !== undefined ? ofMoves[change.moved.state] : undefined;
}

async function dataOf(db: Queries, change: Change): Promise<Payload["data"]> {
  if (change.kind === "deployment") {
    const row = await db
      .selectFrom("deployments")
      .select(["rolloutId", "wave", "attempt"])
      .where("id", "=", change.id)
      .executeTakeFirst();
    const { state, code, rollout } = change.moved!;
    return {
      ...{ deploymentId: change.id, deviceId: change.deviceId, state, code },
      error: code === 0 ? null : errorName(code),
      ...{ rolloutId: row?.rolloutId ?? null, rollout, wave: row?.wave ?? null, attempt: row?.attempt ?? null },
    };
  }
  if (change.kind !== "fact") return {};
  const [noun] = change.fact.split(".");
  if (noun === "rollout") {
    const { name, ...about } = change.about ?? {};
    return { rolloutId: change.id, rollout: name, ...about };
  }
  if (noun === "device") return { deviceId: change.id, ...change.about };
  return noun === "proposal" ? { proposalId: change.id, ...change.about } : { ...change.about };
}

const pathOf = ({ rolloutId, deviceId }: Payload["data"]): string => {
  if (typeof rolloutId === "string") return `/rollouts/${encodeURIComponent(rolloutId)}`;
  return typeof deviceId === "string" ? `/devices/${encodeURIComponent(deviceId)}` : "/";
};

/** `publicUrl`: of the console, as people reach it; undefined: there is no link. */
export async function payloadOf(
  db: Queries,
  change: Change,
  type: WebhookEvent,
  { nowMs, publicUrl }: { nowMs: number; publicUrl: string | undefined },
): Promise<Payload> {
  const data = await dataOf(db, change);
  const at = change.kind === "fact" ? (change.at ?? nowMs) : nowMs;
  const link = publicUrl === undefined ? {} : { url: new URL(pathOf(data), publicUrl).href };
  return { type, timestamp: iso(at), data: { ...data, ...link } };
}

export function isWantedBy(
  { events, rolloutId, disabledBecause }: Pick<WebhookRow, "events" | "rolloutId" | "disabledBecause">,
  { type, data }: Payload,
): boolean {
  if (disabledBecause !== null) return false;
  if (rolloutId !== null && data["rolloutId"] !== rolloutId) return false;
  return events === null || (JSON.parse(events) as string[]).includes(type);
}
