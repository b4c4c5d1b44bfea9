// A rollout in memory, for tests of the engine alone.

import { noCounts } from "@flipside/api/rollout-arithmetic";
import type { WaveRules } from "@flipside/api/types";
import { type DeploymentStateName, deploymentStateOf, isFinal } from "@flipside/image-format";
import type { Changes } from "../src/domain/changes.ts";
import { endedBy } from "../src/domain/deployment-transitions.ts";
import { step } from "../src/domain/rollout-engine.ts";
import type { RolloutEvent } from "../src/domain/rollout-events.ts";
import type { DeploymentSnapshot, RolloutSnapshot } from "../src/domain/snapshots.ts";

export const isFinalName = (state: DeploymentStateName): boolean => isFinal(deploymentStateOf(state));

/** A wave's rules that hold nothing up. */
export const rule = (rules: Partial<WaveRules> = {}): WaveRules => ({
  deadlineMs: 100,
  failureThresholdPercent: 50,
  minimumSample: 1,
  thresholdAction: "pause",
  soakMs: 0,
  underWayMax: null,
  rate: null,
  approval: false,
  startAt: null,
  ...rules,
});

export const standingRollout = {
  state: "running",
  pauseReason: null,
  createdBy: "ann",
  currentWave: -1,
  retries: [],
  soakUntil: null,
  heldFor: null,
  targetOpen: false,
  supersededBy: null,
  approvals: [],
  nextOfferAt: null,
  lateOffersMs: 1_000,
  accepted: [],
  health: null,
} as const satisfies Partial<RolloutSnapshot>;

const queued = {
  attempt: 1,
  digest: "new",
  state: "queued" as const,
  code: 0,
  done: 0,
  total: 4,
  deadlineAt: null,
  notBefore: null,
  isNewest: true,
};

type Change = Partial<Omit<RolloutSnapshot, "waves" | "counts" | "rules">>;

/** A rollout in memory: applies changes as the store does. */
export class Model {
  rollout: Omit<RolloutSnapshot, "waves" | "counts">;
  readonly totals: number[];
  deployments: DeploymentSnapshot[];
  decisions: string[] = [];
  now = 1_000;
  /** Of the wall clock before the steady one. */
  wallOffsetMs = Date.parse("2026-11-26T12:00:00Z");

  /** `rules`: of all waves, or of each. */
  constructor(totals: number[], rules: Partial<WaveRules> | Partial<WaveRules>[] = {}, change: Change = {}) {
    this.totals = totals;
    this.rollout = {
      ...standingRollout,
      rules: totals.map((_, wave) => rule(Array.isArray(rules) ? rules[wave] : rules)),
      ...change,
    };
    this.deployments = totals.flatMap((total, wave) =>
      Array.from({ length: total }, (_, i) => ({
        id: `${wave}.${i}`,
        deviceId: `device-${wave}.${i}`,
        wave,
        ...queued,
      })),
    );
    this.apply({ type: "started" });
  }

  snapshot(): RolloutSnapshot {
    const waves = this.totals.map((total, wave) => {
      const of = this.deployments.filter((d) => d.wave === wave);
      return {
        total,
        finished: of.filter((d) => isFinalName(d.state)).length,
        succeeded: of.filter((d) => d.state === "confirmed").length,
        cancelled: of.filter((d) => d.state === "cancelled").length,
        waiting: of.filter((d) => d.state === "queued").length,
        unreached: of.filter((d) => d.state === "unreached").length,
      };
    });
    const counts = noCounts();
    for (const { state } of this.deployments) counts[state]++;
    return { ...this.rollout, waves, counts };
  }

  get(id: string): DeploymentSnapshot {
    return this.deployments.find((d) => d.id === id)!;
  }

  apply(event: RolloutEvent): Changes {
    const changes = step(this.snapshot(), event, { steadyMs: this.now, wallMs: this.now + this.wallOffsetMs });
    for (const { id, finishedAt: _f, offered: _o, cameFrom: _c, ...change } of changes.deployments)
      Object.assign(this.get(id), change);
    if (changes.withdraw !== undefined)
      for (const deployment of this.deployments)
        deployment.state = endedBy(changes.withdraw, deployment.state) ?? deployment.state;
    for (const { id, ...join } of changes.joins) {
      this.totals[join.wave]!++;
      this.deployments.push({ ...queued, ...join, id });
    }
    const { finishedAt: _f, ...rollout } = changes.rollout;
    Object.assign(this.rollout, rollout);
    if (changes.newDeadline) {
      for (const d of this.deployments)
        if (changes.newDeadline.states.includes(d.state) && d.wave <= changes.newDeadline.throughWave)
          d.deadlineAt = changes.newDeadline.deadlineAt;
    }
    this.decisions.push(...changes.decisions);
    return changes;
  }

  offer(id: string, alreadyConfirmed = false): Changes {
    return this.apply({ type: "offer-due", deployment: { ...this.get(id) }, alreadyConfirmed, runs: "old" });
  }
  report(id: string, state: DeploymentStateName, code = 0, attempt = this.get(id).attempt): Changes {
    return this.apply({ type: "reported", deployment: { ...this.get(id) }, attempt, state, code, done: 1, total: 4 });
  }
  confirm(id: string): Changes {
    return this.apply({
      type: "checked-in",
      deployment: { ...this.get(id) },
      evidence: {
        running: { digest: "new", state: "confirmed" },
        other: { state: "confirmed", digest: "old", reason: 0 },
        deployment: { id, attempt: this.get(id).attempt, state: "confirmed", code: 0 },
      },
    });
  }
  rollBack(id: string): Changes {
    return this.apply({
      type: "checked-in",
      deployment: { ...this.get(id) },
      evidence: {
        running: { digest: "old", state: "confirmed" },
        other: { state: "failed", digest: "new", reason: 70 },
        deployment: { id, attempt: this.get(id).attempt, state: "rolled-back", code: 70 },
      },
    });
  }
  late(id: string, isHeldBack = false): Changes {
    return this.apply({ type: "deadline-passed", deployment: { ...this.get(id) }, isHeldBack });
  }
}
