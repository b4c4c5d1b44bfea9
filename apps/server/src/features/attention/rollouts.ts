// Rollouts that wait for a person, or for devices of which none is at work; and what devices did not take.

import type { AttentionItem } from "@flipside/api/types";
import { type DeploymentStateName, errorName } from "@flipside/image-format";
import type { ExpressionBuilder } from "kysely";
import { iso } from "../../identifiers.ts";
import type { RolloutRow, Schema } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import { rolloutScopesWithin } from "../scopes/scopes.ts";
import type { Whys } from "../deployments/why.ts";
import { type Asking, counted, countedMax, devicesOf, item, type Lookout } from "./asking.ts";

type Shown = Pick<RolloutRow, "id" | "name" | "releaseId"> & { version: string };

/** Those that who asks sees, the newest first; archived ones need nobody. */
async function shownRollouts(db: Queries, { scope }: Asking) {
  const within = scope === null ? undefined : await rolloutScopesWithin(db, scope);
  return db
    .selectFrom("rollouts")
    .innerJoin("releases", "releases.id", "rollouts.releaseId")
    .select(["rollouts.id", "rollouts.name", "rollouts.releaseId", "releases.version"])
    .where("rollouts.deletedAt", "is", null)
    .where("rollouts.archivedAt", "is", null)
    .$if(within !== undefined, (q) => q.where("rollouts.scope", "in", within!))
    .orderBy("rollouts.createdAt", "desc")
    .limit(countedMax);
}

/** Whether a rollout has a device in one of these states. */
const hasSome = (q: ExpressionBuilder<Schema, "rollouts">, states: readonly DeploymentStateName[]) =>
  q.exists(
    q
      .selectFrom("deploymentCounts")
      .select("deploymentCounts.state")
      .whereRef("deploymentCounts.rolloutId", "=", "rollouts.id")
      .where("deploymentCounts.state", "in", states)
      .where("deploymentCounts.count", ">", 0),
  );

const ofRollout = ({ id, name }: Pick<Shown, "id" | "name">): Pick<AttentionItem, "rollout"> => ({
  rollout: { id, name },
});

const atWork: readonly DeploymentStateName[] = [
  "offered",
  "downloading",
  "verifying",
  "installed",
  "rebooting",
  "testing",
];

/** That no device is at work, and some are waited for: what a running rollout waits for is not the devices' work. */
const isIdle = (q: ExpressionBuilder<Schema, "rollouts">) =>
  q.and([
    q("rollouts.heldFor", "is", null),
    q("rollouts.preparing", "is", null),
    hasSome(q, ["queued"]),
    q.not(hasSome(q, atWork)),
  ]);

/** Those of the present waves that it waits for. */
async function waitedFor(db: Queries, id: string): Promise<string[]> {
  const rows = await db
    .selectFrom("deployments")
    .innerJoin("rollouts", "rollouts.id", "deployments.rolloutId")
    .select("deployments.deviceId")
    .where("deployments.rolloutId", "=", id)
    .where("deployments.state", "=", "queued")
    .whereRef("deployments.wave", "<=", "rollouts.currentWave")
    .orderBy("deployments.wave")
    .orderBy("deployments.position")
    .limit(countedMax + 1)
    .execute();
  return rows.map(({ deviceId }) => deviceId);
}

export const openRollouts =
  (db: Queries, whys: Pick<Whys, "rollout">): Lookout =>
  async (by) => {
    const items: AttentionItem[] = [];
    const shown = await shownRollouts(db, by);
    for (const rollout of await shown.where("rollouts.state", "=", "paused").execute())
      items.push(item("rollout-paused", await whys.rollout(rollout.id), ofRollout(rollout)));
    const running = shown.where("rollouts.state", "=", "running");
    for (const rollout of await running.where("rollouts.heldFor", "=", "approval").execute())
      items.push(item("awaits-approval", await whys.rollout(rollout.id), ofRollout(rollout)));
    for (const rollout of await running.where(isIdle).execute()) {
      const devices = devicesOf(await waitedFor(db, rollout.id), null);
      if (devices.count === 0) continue;
      items.push(item("rollout-waits", await whys.rollout(rollout.id), { ...ofRollout(rollout), devices }));
    }
    return items;
  };

const failed = ["failed", "rolled-back", "rejected", "timed-out"] as const satisfies readonly DeploymentStateName[];

const ended: Record<(typeof failed)[number], string> = {
  failed: "did not install",
  "rolled-back": "went back from",
  rejected: "refused",
  "timed-out": "did not finish in time with",
};

/** In each rollout that is shown, by how it ended and why. */
export const failures =
  (db: Queries): Lookout =>
  async (by) => {
    const items: AttentionItem[] = [];
    const shown = (await shownRollouts(db, by))
      // Who was rolled back by an operator's word is not what went wrong.
      .where("rollouts.state", "<>", "rolled-back")
      .where((q) => hasSome(q, failed));
    for (const rollout of await shown.execute()) items.push(...(await failuresOf(db, rollout)));
    return items;
  };

async function failuresOf(db: Queries, rollout: Shown): Promise<AttentionItem[]> {
  const groups = await db
    .selectFrom("deployments")
    .select((q) => [
      ...(["state", "code"] as const),
      q.fn.countAll<number>().as("count"),
      q.fn.max("finishedAt").as("lastAt"),
    ])
    .where("rolloutId", "=", rollout.id)
    .where("state", "in", failed)
    .groupBy(["state", "code"])
    .orderBy("count", "desc")
    .execute();
  const items: AttentionItem[] = [];
  for (const { state, code, count, lastAt } of groups) {
    const rows = await db
      .selectFrom("deployments")
      .select("deviceId")
      .where("rolloutId", "=", rollout.id)
      .where("state", "=", state)
      .where("code", "=", code)
      .orderBy("position")
      .limit(3)
      .execute();
    const devices = {
      ...devicesOf(
        rows.map(({ deviceId }) => deviceId),
        null,
      ),
      count: Number(count),
    };
    const codeName = code === 0 ? null : errorName(code);
    const why = codeName === null ? "" : ` (${codeName})`;
    items.push(
      item(
        "updates-failed",
        {
          sentence: `${counted(devices)} ${ended[state as (typeof failed)[number]]} ${rollout.version}${why}.`,
          since: lastAt === null ? null : iso(Number(lastAt)),
          actions: ["look at one of them", "try them again", "roll the rollout back", "archive it, when it is settled"],
        },
        {
          ...ofRollout(rollout),
          release: { id: rollout.releaseId, version: rollout.version },
          failure: { state, code, codeName },
          devices,
        },
      ),
    );
  }
  return items;
}
