// What is told of a change: the things themselves, as they are when they are told.

import type { LiveEvent } from "@flipside/api/types";
import type { ThingKind } from "@flipside/api/event-kinds";
import type { Announcement } from "../../changes/feed.ts";
import type { Change, StoredChange } from "../../storage/outbox.ts";
import type { Queries } from "../../storage/storage.ts";

/** A thing that has changed, or is gone. */
export interface Mark {
  kind: ThingKind;
  id: string;
  /** Others see it than before, perhaps. */
  isOtherwiseSeen?: true;
}

export type Loaders = Record<ThingKind, (id: string) => Promise<unknown>>;

/** Anything may have changed: what is shown is to be read anew. */
export interface Resync {
  kind: "resync";
  data: Record<never, never>;
}

export type ToldEvent = LiveEvent | Resync;

export const resync: Resync = { kind: "resync", data: {} };

/** Of a rollout's deployments whose change does not name them, so many are named; of more, all is read anew. */
const deploymentsNamedMax = 1_000;

const ofDeployments = (deployments: readonly { id: string; deviceId: string }[]): Mark[] =>
  deployments.flatMap(({ id, deviceId }): Mark[] => [
    { kind: "deployment", id },
    { kind: "device", id: deviceId },
  ]);

export const keyOf = ({ kind, id }: Mark): string => `${kind} ${id}`;

/** Of two marks of a thing. */
export const together = (one: Mark | undefined, other: Mark): Mark => ({ ...one, ...other });

/** Undefined: more than is named. */
export function marksOf(change: Change | Announcement): Mark[] | undefined {
  switch (change.kind) {
    case "device": {
      const isOtherwiseSeen = "tags" in change && change.tags !== undefined;
      return [{ kind: change.kind, id: change.id, ...(isOtherwiseSeen ? { isOtherwiseSeen } : {}) }];
    }
    case "release":
    case "rollout":
      return [{ kind: change.kind, id: change.id }];
    case "deployment": {
      const moved = "moved" in change && change.moved !== undefined;
      return [
        { kind: "deployment", id: change.id },
        ...(moved ? [{ kind: "device" as const, id: change.deviceId }] : []),
      ];
    }
    case "targets":
      return change.deployments === undefined ? undefined : ofDeployments(change.deployments);
    case "anything":
      return undefined;
    case "fact":
    case "images-mended":
    case "emergency-stop":
    case "turn":
      return [];
  }
}

/** Of changes as the table has them, each thing once; undefined: more than can be named. */
export async function marksOfStored(db: Queries, changes: readonly StoredChange[]): Promise<Mark[] | undefined> {
  const marks = new Map<string, Mark>();
  const unnamed = new Set<string>();
  for (const { change } of changes) {
    const named = marksOf(change);
    if (named === undefined) unnamed.add(change.id);
    for (const mark of named ?? []) marks.set(keyOf(mark), together(marks.get(keyOf(mark)), mark));
  }
  for (const rolloutId of unnamed) {
    const deployments = await db
      .selectFrom("deployments")
      .select(["id", "deviceId"])
      .where("rolloutId", "=", rolloutId)
      .limit(deploymentsNamedMax + 1)
      .execute();
    if (deployments.length > deploymentsNamedMax) return undefined;
    for (const mark of ofDeployments(deployments)) marks.set(keyOf(mark), together(marks.get(keyOf(mark)), mark));
  }
  return [...marks.values()];
}

/** What is told of it to who sees all; undefined: nothing. */
export async function eventOf(loaders: Loaders, { kind, id }: Mark): Promise<LiveEvent | undefined> {
  const data = await loaders[kind](id);
  if (data !== undefined) return { kind, data } as LiveEvent;
  // Deployments go with what lists them.
  return kind === "deployment" ? undefined : { kind: "gone", data: { kind, id } };
}

/** What somebody wants to hear of; undefined: of everything. */
export type Wanted = ReadonlySet<ThingKind> | undefined;

export const isWanted = (wanted: Wanted, event: ToldEvent): boolean =>
  wanted === undefined || event.kind === "resync" || wanted.has(event.kind === "gone" ? event.data.kind : event.kind);

/** Whether who wants this has to be told when more has changed than is named: that is deployments and their devices. */
export const concernsUnnamed = (wanted: Wanted): boolean =>
  wanted === undefined || wanted.has("deployment") || wanted.has("device");
