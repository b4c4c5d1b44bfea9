// The judge: sees what passes the network, what the API answers, and what devices do, and knows nothing of the engine.
// What it found first is the verdict of a rehearsal.

import type { DeviceDetail, Rollout } from "@flipside/api/types";
import type { ServerMessage } from "@flipside/protocol/server-messages";
import type { FleetDevice } from "../device/fleet-device.ts";
import type { KnownImage, Project } from "../server/project.ts";
import type { Watcher } from "../world/network.ts";
import type { Schedule } from "../world/schedule.ts";
import { documentedCourses } from "./documented.ts";
import {
  type Asked,
  isOver,
  isWaiting,
  type KnownDeployment,
  type KnownRollout,
  type Knowledge,
  nothingKnown,
} from "./knowledge.ts";
import { countsAgree, coursesHold, gatesHold, waveMayBegin } from "./rollout-rules.ts";

export interface Violation {
  property: string;
  detail: string;
  atMs: number;
}

interface SaidRunning {
  session: string;
  digest: string;
  sequence: number;
  isConfirmed: boolean;
}

interface Outcome {
  id: string;
  state: string;
}

const courses = documentedCourses();

export class Judge implements Watcher {
  readonly violations: Violation[] = [];
  /** Rollouts whose later waves have just been offered, to be looked at now. */
  readonly begun: { rolloutId: string; wave: number }[] = [];
  #known: Knowledge = nothingKnown();
  readonly #schedule: Schedule;
  readonly #project: Project;
  readonly #log: (who: string, what: string) => void;
  /** What each device said last of what it runs, as far as the server was handed it, and has dealt with it. */
  readonly #handed = new Map<string, SaidRunning>();
  readonly #dealtWith = new Map<string, SaidRunning>();
  /** When deployments came to their end on their devices, by id. */
  readonly #outcomesMs = new Map<string, number>();
  /** First offers of deployments that no answer has named yet, by id. */
  readonly #early = new Map<string, number>();
  /** Device and digest: what was ever confirmed on a device. */
  readonly #confirmed = new Set<string>();
  /** From a backup: what came after that, devices know alone. */
  #isRestored = false;

  constructor(schedule: Schedule, project: Project, log: (who: string, what: string) => void) {
    this.#schedule = schedule;
    this.#project = project;
    this.#log = log;
  }

  found = (property: string, detail: string): void => {
    this.#log("judge", `VIOLATION of "${property}": ${detail}`);
    this.violations.push({ property, detail, atMs: Math.round(this.#schedule.nowMs) });
  };

  // ---- what passes the network -------------------------------------------------------------------------------------

  handed(deviceId: string, leaf: string, payload: string): void {
    if (leaf === "check-in") this.#handed.set(deviceId, saidIn(payload));
    if (leaf === "check-in") this.#noteOutcome((JSON.parse(payload) as { deployment?: Outcome }).deployment);
    if (leaf === "state") {
      const { deployment: id, state } = JSON.parse(payload) as { deployment: string; state: string };
      this.#noteOutcome({ id, state });
    }
  }

  dealtWith(deviceId: string, leaf: string, payload: string): void {
    if (leaf === "check-in") this.#dealtWith.set(deviceId, saidIn(payload));
  }

  #noteOutcome(outcome: Outcome | undefined): void {
    if (outcome !== undefined && isOver(outcome.state) && !this.#outcomesMs.has(outcome.id))
      this.#outcomesMs.set(outcome.id, this.#schedule.nowMs);
  }

  sent(deviceId: string, { leaf, payload }: ServerMessage): void {
    if (leaf !== "offer" && leaf !== "chunk") return;
    const known = this.#known;
    if (leaf === "chunk") {
      if (known.stop === "in force") this.found("the stop stops", `${deviceId} is sent a chunk`);
      if (known.revoked.has(deviceId)) this.found("the revoked get nothing", `${deviceId} is sent a chunk`);
      return;
    }
    const offer = JSON.parse(payload as string) as { session: string; deployment?: string; header?: string };
    const about = offer.deployment === undefined ? "nothing" : this.#nameOf(offer.deployment);
    this.#log("server", `offers ${deviceId} ${about}`);
    this.#noteWithdrawal(deviceId, offer.deployment);
    if (offer.deployment === undefined) return;
    if (known.stop === "in force") this.found("the stop stops", `${deviceId} is offered ${about}`);
    if (known.revoked.has(deviceId)) this.found("the revoked get nothing", `${deviceId} is offered ${about}`);
    const deployment = known.deployments.get(offer.deployment);
    if (deployment !== undefined) this.#judgeOffer(deployment, about);
    // The first offers leave while the answer to who made the rollout is still on its way.
    else if (!this.#early.has(offer.deployment)) this.#early.set(offer.deployment, this.#schedule.nowMs);
  }

  /** Offered something else, a device is to give up what it is at, unless that is over. */
  #noteWithdrawal(deviceId: string, offered: string | undefined): void {
    const newest = this.#known.newestOffered.get(deviceId);
    if (newest === undefined || newest === offered || this.#outcomesMs.has(newest)) return;
    const deployment = this.#known.deployments.get(newest);
    if (deployment !== undefined) deployment.isWithdrawn = true;
  }

  #nameOf(deploymentId: string): string {
    const deployment = this.#known.deployments.get(deploymentId);
    if (deployment === undefined) return `deployment ${deploymentId}`;
    const image = this.#project.imageOf(deployment.digest);
    return `${image?.version} (deployment ${deploymentId}, wave ${deployment.wave + 1} of ${deployment.rolloutId})`;
  }

  #judgeOffer(deployment: KnownDeployment, about: string): void {
    const { deviceId, rolloutId, wave, state } = deployment;
    const rollout = this.#known.rollouts.get(rolloutId)!;
    if (isOver(state)) this.found("what is over stays over", `${deviceId} is offered ${about}, which is ${state}`);
    if (rollout.isHeld && isWaiting(state))
      this.found("pause holds", `${deviceId} is offered ${about}, while ${rollout.state}`);
    this.#judgeDirection(deployment, about, rollout);
    if (deployment.firstOfferMs !== undefined) return;
    deployment.firstOfferMs = this.#schedule.nowMs;
    this.#known.newestOffered.set(deviceId, deployment.id);
    if (wave > 0) this.begun.push({ rolloutId, wave });
  }

  /** Wrong by what the device said last and by what it is just saying: then it is wrong. */
  #judgeDirection({ deviceId, digest }: KnownDeployment, about: string, { asked }: KnownRollout): void {
    const image = this.#project.imageOf(digest);
    const said = [this.#handed.get(deviceId), this.#dealtWith.get(deviceId)];
    const goesBack = said.every((each) => each?.isConfirmed === true && each.sequence > image!.releaseSequence);
    if (goesBack && !asked.allowOlder)
      this.found("nobody goes back", `${deviceId} is offered ${about}, and runs sequence ${said[0]!.sequence}`);
  }

  // ---- what devices do ---------------------------------------------------------------------------------------------

  installed(device: FleetDevice, deploymentId: string, from: KnownImage, to: KnownImage): void {
    this.#log(device.id, `installs ${to.version} in place of ${from.version} (deployment ${deploymentId})`);
    const { installations } = this.#known;
    if (installations.has(deploymentId))
      this.found("nothing is installed twice", `${device.id} installs deployment ${deploymentId} once more`);
    installations.add(deploymentId);
    const deployment = this.#known.deployments.get(deploymentId);
    const rollout = deployment && this.#known.rollouts.get(deployment.rolloutId);
    if (rollout !== undefined && !rollout.asked.allowOlder && to.releaseSequence < from.releaseSequence)
      this.found("nobody goes back", `${device.id} goes from ${from.version} back to ${to.version}`);
  }

  /** Every device leaves the factory with the first image confirmed. */
  confirmed(device: FleetDevice, image: KnownImage): void {
    this.#confirmed.add(`${device.id} ${image.digest}`);
  }

  // ---- what the API answers ----------------------------------------------------------------------------------------

  /** `asked`: of a rollout that was not known. */
  saw(shown: Rollout, asked?: Asked): void {
    const { rollouts, deployments } = this.#known;
    const known = rollouts.get(shown.id) ?? (asked && newlyKnown(shown, asked));
    countsAgree(shown, this.found);
    if (known === undefined) return;
    coursesHold(shown, known, this.#known, courses, this.found);
    if (known.isResumeAsked && shown.state === "running") {
      // Also when nobody lived to hear that it was resumed.
      known.accepted = acceptedBy(shown);
      known.isResumeAsked = false;
    }
    gatesHold(shown, known, this.found);
    this.#confirmedHold(shown);
    for (const { text } of shown.decisions.slice(known.decisions.length)) this.#log(shown.name, `decided: ${text}`);
    known.state = shown.state;
    known.currentWave = shown.currentWave;
    known.seenInWaveMs[shown.currentWave] = this.#schedule.nowMs;
    known.decisions = shown.decisions.map(({ text }) => text);
    if (shown.state !== "running") known.isHeld = shown.state === "paused";
    rollouts.set(shown.id, known);
    for (const { id, rolloutId, deviceId, wave, digest, state } of shown.deployments)
      deployments.set(id, { ...this.#offersOf(id, deviceId), id, rolloutId, deviceId, wave, digest, state });
  }

  /** The server believes an update only when the image has proved itself on the device. */
  #confirmedHold({ name, deployments }: Rollout): void {
    const { images, realImages } = this.#project;
    const factory = [images[0]!.digest, realImages[0]!.digest];
    for (const { deviceId, digest, state, version } of deployments)
      if (state === "confirmed" && !factory.includes(digest) && !this.#confirmed.has(`${deviceId} ${digest}`))
        this.found(
          "confirmed means that it runs",
          `${deviceId} in ${name} is confirmed with ${version}, and never was`,
        );
  }

  #offersOf(id: string, deviceId: string): { firstOfferMs?: number } {
    const known = this.#known.deployments.get(id);
    const firstOfferMs = this.#early.get(id);
    if (known !== undefined || firstOfferMs === undefined) return known ?? {};
    this.#known.newestOffered.set(deviceId, id);
    return { firstOfferMs };
  }

  /** Of a wave that was offered just now, before `saw` takes what is shown for known. */
  sawBegun(shown: Rollout, wave: number): void {
    const known = this.#known.rollouts.get(shown.id);
    if (known === undefined) return;
    const begun = { wave, nowMs: this.#schedule.nowMs, outcomesMs: this.#outcomesMs };
    waveMayBegin(shown, known, this.#known, begun, this.found);
  }

  /** All rollouts at one moment. */
  sawAll(shown: readonly Rollout[]): void {
    for (const id of this.#known.rollouts.keys())
      if (!shown.some((each) => each.id === id)) this.found("what is acknowledged stays", `rollout ${id} is gone`);
    const active = new Map<string, string>();
    for (const { name, deployments } of shown)
      for (const { deviceId, state } of deployments) {
        if (isOver(state) || isWaiting(state)) continue;
        const other = active.get(deviceId);
        if (other !== undefined)
          this.found("one at a time", `${deviceId} is at work on ${name} (${state}) and on ${other}`);
        active.set(deviceId, `${name} (${state})`);
      }
  }

  rolloutKnown = (id: string): KnownRollout | undefined => this.#known.rollouts.get(id);

  /** Somebody asks a rollout to go on: from now on it may. */
  asksToResume(id: string): void {
    const known = this.#known.rollouts.get(id);
    if (known !== undefined) Object.assign(known, { isHeld: false, isResumeAsked: true });
  }

  /** It was not to be resumed: nothing is accepted by that. */
  refusedToResume(id: string): void {
    const known = this.#known.rollouts.get(id);
    if (known !== undefined) known.isResumeAsked = false;
  }

  /** Of the stop of all updates, as it was answered; undefined: it was not, so nobody knows. */
  stopIs(stopped: boolean | undefined): void {
    this.#known.stop = stopped === undefined ? "unsure" : stopped ? "in force" : "none";
  }

  get stop(): Knowledge["stop"] {
    return this.#known.stop;
  }

  /** What was acknowledged stays: a stop is in force after a restart if it was before. */
  sawStop(stopped: boolean): void {
    const { stop } = this.#known;
    if (stop !== "unsure" && stopped !== (stop === "in force"))
      this.found(
        "what is acknowledged stays",
        `the stop of all updates was ${stop}, and is ${stopped ? "there" : "gone"}`,
      );
    this.stopIs(stopped);
  }

  revoked(deviceId: string): void {
    this.#known.revoked.add(deviceId);
  }

  /** All that a backup holds was acknowledged before it. */
  remember(): Knowledge {
    return structuredClone(this.#known);
  }

  restored(then: Knowledge): void {
    this.#known = structuredClone(then);
    this.#isRestored = true;
  }

  // ---- when the world is calm --------------------------------------------------------------------------------------

  /** What a device runs and what the server says of it are the same. */
  agrees(device: FleetDevice, shown: DeviceDetail): void {
    const { running, otherState, deployment: begun } = device.holdings;
    const runs = running.state === "candidate" ? undefined : running.image.digest;
    const differ = (what: string, is: unknown, says: unknown): void => {
      if (is !== says)
        this.found("the server knows what runs", `${device.id} has ${what} ${is}, the server says ${says}`);
    };
    differ("running", running.image.digest, shown.running?.digest);
    differ("running state", running.state, shown.running?.state);
    differ("other state", otherState, shown.other?.state);
    const newest = this.#known.newestOffered.get(device.id);
    const deployment = shown.deployments.find(({ id }) => id === newest);
    // After a restore the server may not know what it offered.
    if (deployment === undefined) return;
    // Nor what it was given after the backup, and that its device has gone on to that.
    if (this.#isRestored && begun !== newest) return;
    if (deployment.state === "confirmed" && deployment.digest !== runs)
      this.found(
        "confirmed means that it runs",
        `${device.id} is confirmed with ${deployment.version}, and runs ${running.image.version}`,
      );
    if (begun === newest && deployment.digest === runs) differ("its last deployment", "confirmed", deployment.state);
  }

  /** Everything has had its time. */
  isSettled(shown: readonly Rollout[]): string | undefined {
    for (const { name, state, deployments } of shown) {
      if (state === "running" || state === "paused") return `${name} is ${state}`;
      const open = deployments.find((each) => !isOver(each.state));
      if (open !== undefined) return `${open.deviceId} in ${name} is ${open.state}`;
    }
    return undefined;
  }
}

/** What has failed so far is accepted by resuming. */
const acceptedBy = ({ waves, currentWave }: Rollout): KnownRollout["accepted"] =>
  waves.slice(0, currentWave + 1).map(({ finished, succeeded, cancelled }) => ({
    counted: finished - cancelled,
    failed: finished - succeeded - cancelled,
  }));

function newlyKnown({ id, state, currentWave }: Rollout, asked: Asked): KnownRollout {
  return {
    id,
    state,
    asked,
    currentWave,
    seenInWaveMs: [],
    decisions: [],
    accepted: [],
    isHeld: false,
    isResumeAsked: false,
  };
}

function saidIn(payload: string): SaidRunning {
  const { session, running } = JSON.parse(payload) as {
    session: string;
    running: { digest: string; releaseSequence: number; state: string };
  };
  const { digest, releaseSequence: sequence, state } = running;
  return { session, digest, sequence, isConfirmed: state === "confirmed" };
}
