// A fleet that is simulated and taken as the real one: a rollout runs on it, a model is learned from what its server's
// database then holds, and the same rollout is rehearsed against that model. Its argument is a seed; prints JSON.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { routes } from "@flipside/api/routes";
import { type FleetModel, fleetModelOf } from "../../server/src/features/rehearsals/fleet-model.ts";
import type { FleetSnapshot, PastDeployment } from "../../server/src/features/rehearsals/fleet-snapshot.ts";
import { pastOf } from "../../server/src/features/rehearsals/take-snapshot.ts";
import { rulesOfWaves } from "../../server/src/features/rollouts/wave-rules.ts";
import { product } from "../src/server/project.ts";
import { openRolloutStage } from "../src/rollout/play.ts";
import type { RunOutcome, WorldKind } from "../src/rollout/outcome.ts";
import { playRun } from "../src/rollout/run.ts";
import { Random } from "../src/world/random.ts";
import { settled } from "../src/world/settled.ts";

const seed = Number(process.argv[2]);
const sizes = [3, 6, 11];
const payloadBytes = 800_000;
const runs = 5;
const atMs = Date.UTC(2026, 4, 4, 8);
const asked = routes.createRehearsal.body.schema.parse({
  rollout: {
    name: "calibration",
    releaseId: "rehearsed",
    target: { all: true },
    waves: sizes.map((count) => ({ count })),
    soakMs: 120_000,
    minimumSample: 2,
    failureThresholdPercent: 20,
    underWayMax: 4,
  },
  bad: { percent: 60 },
  late: null,
});

const rules = rulesOfWaves(asked.rollout, sizes.length);
let number = 0;
const snapshot = (past: PastDeployment[]): FleetSnapshot => ({
  ...{ atMs, past, sessions: [], crashes: { count: 0, deviceDays: 0 } },
  waves: sizes.map((total, wave) => ({
    ...{ total, rules: rules[wave]! },
    sample: Array.from({ length: total }, () => ({
      id: `device-${++number}`,
      ...{ hardware: "virtual", version: "1.0.0", isThere: false, isOnline: true, lastSeenAtMs: atMs, payloadBytes },
    })),
  })),
});

/** Links and times of which nothing is told to the model that is learned. */
function realFleet(): FleetModel {
  const chance = Random.of(seed, "real fleet");
  const model = fleetModelOf(snapshot([]));
  for (const { devices } of model.waves)
    for (const device of devices) device.bytesPerSecond = 1_000 * chance.between(5, 80);
  return { ...model, aroundMs: 1_000 * chance.between(5, 60) };
}

const root = mkdtempSync(join(tmpdir(), "flipside-calibration-"));
async function play(
  model: FleetModel,
  plays: readonly { kind: WorldKind; seed: number }[],
  name: string,
): Promise<{ outcomes: RunOutcome[]; past: PastDeployment[]; decisions: string[] }> {
  const folder = join(root, name);
  mkdirSync(folder);
  const played = { outcomes: [] as RunOutcome[], past: [] as PastDeployment[], decisions: [] as string[] };
  const stage = await openRolloutStage({ asked: { ...asked, seed }, model, folder });
  stage.inspect = async ({ storage: { db } }) => {
    const clock = { shownMs: (steadyMs: number) => steadyMs };
    played.past.push(...(await settled(pastOf(db, product, clock))).map((each) => ({ ...each, payloadBytes })));
    const rows = await settled(db.selectFrom("decisions").select("text").execute());
    played.decisions.push(...rows.map(({ text }) => text));
  };
  for (const each of plays) played.outcomes.push(await playRun(stage, { ...each, asked }));
  return played;
}

const real = await play(realFleet(), [{ kind: "good", seed }], "real");
number = 0;
const learned = fleetModelOf(snapshot(real.past));
const rehearsed = await play(
  learned,
  [
    ...Array.from({ length: runs }, (_, run) => ({ kind: "good" as const, seed: seed + 1 + run })),
    { kind: "bad", seed },
  ],
  "rehearsed",
);
rmSync(root, { recursive: true, force: true });
const [bad] = rehearsed.outcomes.splice(-1);
process.stdout.write(
  JSON.stringify({
    updates: real.past.length,
    real: real.outcomes[0],
    rehearsed: rehearsed.outcomes,
    bad,
    decisions: rehearsed.decisions,
  }),
);
process.exit(0);
