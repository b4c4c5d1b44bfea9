// Rollouts that wait for a person, or for devices of which none is at work; and what devices did not take.

import { covers } from "@flipside/api/scope";
import type { AttentionItem } from "@flipside/api/types";
import { type DeploymentStateName, errorName } from "@flipside/image-format";
import { iso } from "../../identifiers.ts";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import { scopeIn } from "../../storage/stored-scope.ts";
import type { Whys } from "../deployments/why.ts";
import { type Asking, counted, countedMax, devicesOf, item, type Lookout } from "./asking.ts";

type Shown = Pick<RolloutRow, "id" | "name" | "state" | "heldFor" | "releaseId" | "preparing"> & { version: string };

/** The newest first; archived ones need nobody. */
async function shownRollouts(
  db: Queries,
  { scope }: Asking,
  states?: readonly RolloutRow["state"][],
): Promise<Shown[]> {
  const rows = await db
    .selectFrom("rollouts")
    .innerJoin("releases", "releases.id", "rollouts.releaseId")
    .select(["rollouts.id", "rollouts.name", "rollouts.state", "rollouts.heldFor", "rollouts.releaseId"])
    .select(["rollouts.preparing", "rollouts.scope", "releases.version"])
    .where("rollouts.deletedAt", "is", null)
    .where("rollouts.archivedAt", "is", null)
    .$if(states !== undefined, (q) => q.where("rollouts.state", "in", states!))
    .orderBy("rollouts.createdAt", "desc")
    .limit(countedMax)
    .execute();
  return rows.filter((row) => covers(scope, scopeIn(row)));
}

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

/** A rollout that is running, and on which no device is at work: what it waits for is not the devices' work. */
async function isIdle(db: Queries, id: string): Promise<boolean> {
  const counts = await db
    .selectFrom("deploymentCounts")
    .select(["state", "count"])
    .where("rolloutId", "=", id)
    .where("count", ">", 0)
    .execute();
  return !counts.some(({ state }) => atWork.includes(state)) && counts.some(({ state }) => state === "queued");
}

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
    for (const rollout of await shownRollouts(db, by, ["running", "paused"])) {
      const about = ofRollout(rollout);
      if (rollout.state === "paused") items.push(item("rollout-paused", await whys.rollout(rollout.id), about));
      else if (rollout.heldFor === "approval")
        items.push(item("awaits-approval", await whys.rollout(rollout.id), about));
      else if (rollout.heldFor === null && rollout.preparing === null && (await isIdle(db, rollout.id))) {
        const devices = devicesOf(await waitedFor(db, rollout.id), null);
        if (devices.count > 0) items.push(item("rollout-waits", await whys.rollout(rollout.id), { ...about, devices }));
      }
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
    for (const rollout of await shownRollouts(db, by)) {
      const { count } = await db
        .selectFrom("deploymentCounts")
        .select((q) => q.fn.sum<number | null>("count").as("count"))
        .where("rolloutId", "=", rollout.id)
        .where("state", "in", failed)
        .executeTakeFirstOrThrow();
      // Who was rolled back by an operator's word is not what went wrong.
      if (Number(count ?? 0) === 0 || rollout.state === "rolled-back") continue;
      items.push(...(await failuresOf(db, rollout)));
    }
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
