// One run of one world: the rollout is made at a real server, and simulated devices of the model take it, until it is
// over, or has stopped by itself and nothing is under way any more.

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { CompleteNewRehearsal, Rollout, RolloutSummary } from "@flipside/api/types";
import type { FleetModel, ModelledDevice } from "../../../server/src/features/rehearsals/fleet-model.ts";
import type { RunningServer } from "../../../server/src/server.ts";
import { silenceMaxMs } from "../../../server/src/features/sessions/sessions.ts";
import { Device } from "../device/device.ts";
import type { DeviceWorld } from "../device/fleet-device.ts";
import { maker } from "../judge/judge.ts";
import type { StartServer } from "../server/server-code.ts";
import { type ServerSettings, ServerUnderTest } from "../server/server-under-test.ts";
import { approver, password } from "../server/template.ts";
import { Machine, microtasksDone, runOn } from "../world/machine.ts";
import { calmWeather, Network } from "../world/network.ts";
import { Random } from "../world/random.ts";
import { Schedule } from "../world/schedule.ts";
import { settled } from "../world/settled.ts";
import { type FleetTemplate, noWatcher } from "./fleet-template.ts";
import { habitsOf, harmedBy, type Supposed } from "./habits.ts";
import type { RunOutcome } from "./outcome.ts";
import type { Pace } from "./pace.ts";
import { playedWaves, simulatedRequest, weightOf } from "./request.ts";

const dayMs = 86_400_000;
const spanMsMax = 40 * dayMs;
/** After it has stopped, for what is under way. */
const afterStopMsMax = 2 * dayMs;
const lookMs = 60_000;
const startSpreadMs = 10_000;
const piecesAtOnce = 100_000;

export interface RolloutStage {
  settings: ServerSettings & { startServer: StartServer };
  template: FleetTemplate;
  model: FleetModel;
  asked: CompleteNewRehearsal;
  pace: Pace;
  /** Tests look at the simulated server when a run is over. */
  inspect?: (internals: RunningServer["internals"]) => Promise<void>;
}

/** Throws when the simulated server had an error of its own. */
export async function playRun(stage: RolloutStage, supposed: Supposed): Promise<RunOutcome> {
  const root = mkdtempSync(join(stage.template.root, "run-"));
  try {
    return await new Run(stage, supposed, root).play();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** What is known of a simulated device while it is played. */
interface Followed {
  device: Device;
  modelled: ModelledDevice;
  weight: number;
}

const isOver = ({ state }: Pick<RolloutSummary, "state">): boolean => state !== "running" && state !== "paused";

class Run {
  readonly #stage: RolloutStage;
  readonly #supposed: Supposed;
  readonly #schedule = new Schedule();
  readonly #server: ServerUnderTest;
  readonly #harmed: ReadonlySet<string>;
  readonly #devices: readonly Followed[];
  readonly #warmUpMs: number;
  readonly #installed = new Set<string>();
  readonly #waves: RunOutcome["waves"];
  /** By index in the simulated rollout. */
  readonly #playedWaves: readonly number[];
  #gate: RunOutcome["gate"];
  #endedMs: number | undefined;
  #rolloutId = "";
  /** What it looks like has changed. */
  #isChanged = false;
  #approvalDueMs: number | undefined;
  #cookie: string | undefined;
  #fault: string | undefined;

  constructor(stage: RolloutStage, supposed: Supposed, root: string) {
    this.#stage = stage;
    this.#supposed = supposed;
    const { model, settings, template, pace } = stage;
    const { seed } = supposed;
    // Who is away has been for long enough that it is known when the rollout is made.
    this.#warmUpMs = silenceMaxMs(pace.pollMs) + 2 * lookMs;
    const machine = new Machine(this.#schedule, Random.of(seed, "server"), model.atMs - this.#warmUpMs);
    machine.bootId = "boot-2";
    machine.intervalMsLeast = pace.tickMs;
    runOn(machine);
    const network = new Network("embedded", this.#schedule, Random.of(seed, "network"), noWatcher);
    network.weather = calmWeather;
    const fail = (text: string): void => void (this.#fault ??= text);
    const host = {
      ...{ settings, machine, network, root, sizes: { pieceMax: piecesAtOnce } },
      onError: fail,
      onKilled: () => fail("the simulated server was killed"),
    };
    this.#server = new ServerUnderTest(host, template.folder);
    const all = model.waves.flatMap(({ devices }) => devices);
    this.#harmed = harmedBy(all, supposed);
    this.#playedWaves = playedWaves(model);
    this.#waves = model.waves.map(() => ({ startMs: undefined, endMs: undefined }));
    const world: DeviceWorld = {
      ...{ seed, project: settings.project, schedule: this.#schedule, network, log() {}, confirmed() {} },
      violated: (property, detail) => fail(`${property}: ${detail}`),
      installed: (device, _, _from, to) => {
        if (to === settings.project.images[1]) this.#installed.add(device.id);
      },
    };
    this.#devices = model.waves.flatMap((wave) =>
      wave.devices.map((modelled) => ({
        ...{ modelled, weight: weightOf(wave) },
        device: this.#newDevice(world, modelled),
      })),
    );
  }

  #newDevice(world: DeviceWorld, modelled: ModelledDevice): Device {
    const { template, model } = this.#stage;
    const { identity, secret, boot } = template.enrolled.get(modelled.id)!;
    const habits = habitsOf(modelled, {
      ...{ model, project: world.project, supposed: this.#supposed },
      isHarmed: this.#harmed.has(modelled.id),
    });
    const device = new Device(world, identity, Random.of(world.seed, identity.id), habits);
    device.flash.secret = secret;
    device.flash.boot = boot;
    return device;
  }

  /** Of the rollout; below 0: it has not been made yet. */
  get #nowMs(): number {
    return this.#schedule.nowMs - this.#warmUpMs;
  }

  async play(): Promise<RunOutcome> {
    await this.#server.start();
    this.#arrangePresence();
    await this.#until(0, () => false);
    await this.#begin();
    await this.#until(spanMsMax, () => this.#endedMs !== undefined);
    const stopMs = this.#endedMs ?? spanMsMax;
    for (let look = 1; this.#gate !== undefined && (await this.#isUnderWay()); look++) {
      if (this.#nowMs > stopMs + afterStopMsMax) break;
      await this.#until(stopMs + look * lookMs, () => false);
    }
    const outcome = await this.#outcome();
    await this.#stage.inspect?.(this.#internals);
    this.#server.kill();
    await this.#server.bury();
    if (this.#fault !== undefined) throw new Error(this.#fault);
    return outcome;
  }

  /** Each thing that happens has come to its end before the next one does. */
  async #until(endMs: number, isDone: () => boolean): Promise<void> {
    while (this.#fault === undefined && !isDone()) {
      const nextMs = this.#schedule.nextMs;
      if (nextMs === undefined || nextMs - this.#warmUpMs > endMs) {
        this.#schedule.nowMs = Math.max(this.#schedule.nowMs, endMs + this.#warmUpMs);
        return;
      }
      this.#schedule.step();
      await microtasksDone();
      if (!this.#isChanged) continue;
      this.#isChanged = false;
      await this.#look();
    }
  }

  /** When each is there, and when not. */
  #arrangePresence(): void {
    const chance = Random.of(this.#supposed.seed, "presence");
    for (const { device, modelled } of this.#devices) {
      const { isOnline, turnsMs, returnsAfterMs } = modelled;
      if (isOnline) this.#schedule.after(chance.next() * startSpreadMs, () => device.powerOn());
      let isOn = isOnline;
      for (const turnMs of turnsMs) {
        isOn = !isOn;
        const act = isOn ? () => device.powerOn() : () => device.powerOff();
        this.#schedule.after(this.#warmUpMs + turnMs, act);
      }
      const drawn = -Math.log(1 - chance.next());
      if (returnsAfterMs !== null)
        this.#schedule.after(this.#warmUpMs + drawn * returnsAfterMs, () => device.powerOn());
    }
  }

  async #post<T>(path: string, body?: unknown): Promise<T> {
    const answer = await this.#server.ask({ method: "POST", path, body, cookie: this.#cookie });
    if (answer === undefined || answer.status >= 300)
      throw new Error(`${path} was answered ${answer?.status}: ${JSON.stringify(answer?.body)}`);
    this.#cookie = answer.cookie ?? this.#cookie;
    return answer.body as T;
  }

  get #internals(): RunningServer["internals"] {
    return this.#server.internals;
  }

  async #begin(): Promise<void> {
    const { model, asked, template } = this.#stage;
    await this.#post("/api/v1/session", { userName: maker, password });
    const request = simulatedRequest(model, asked.rollout, template.releaseIds[1]!);
    this.#internals.feed.follow((change) => {
      if (change.kind === "rollout" && change.countsOnly !== true) this.#isChanged = true;
    });
    const { id } = await this.#post<Rollout>("/api/v1/rollouts", request);
    this.#rolloutId = id;
    await this.#look();
  }

  async #look(): Promise<void> {
    if (this.#rolloutId === "") return;
    const { rollouts } = this.#internals;
    const summary = (await settled(rollouts.summary(this.#rolloutId)))!;
    this.#noteWaves(summary);
    if (summary.heldFor === "approval") this.#approveLater();
    if (this.#endedMs !== undefined || summary.state === "running") return;
    this.#endedMs = this.#nowMs;
    if (summary.state !== "completed") await this.#noteGate(summary);
  }

  #noteWaves({ currentWave, waves, state }: RolloutSummary): void {
    for (const [index, wave] of this.#playedWaves.entries()) {
      const known = this.#waves[wave]!;
      if (index <= currentWave) known.startMs ??= this.#nowMs;
      if (waves[index]?.state === "done" && (index < currentWave || state === "completed")) known.endMs ??= this.#nowMs;
    }
  }

  async #noteGate(summary: RolloutSummary): Promise<void> {
    const page = { limit: 20, after: undefined };
    const { decisions } = await settled(this.#internals.rollouts.decisions(this.#rolloutId, page));
    const said = decisions.find(({ text }) => text.includes("automatically"));
    this.#gate = {
      state: summary.state,
      wave: this.#playedWaves[Math.max(0, summary.currentWave)]!,
      reason: said?.text ?? summary.pauseReason ?? summary.state,
      atMs: this.#nowMs,
      exposed: this.#sum(({ modelled }) => this.#installed.has(modelled.id)),
      harmed: this.#sum(({ modelled }) => this.#isHarmed(modelled.id)),
    };
  }

  #isHarmed(id: string): boolean {
    return this.#installed.has(id) && this.#harmed.has(id);
  }

  /** Of the target's devices. */
  #sum(isOne: (followed: Followed) => boolean): number {
    return this.#devices.reduce((sum, each) => sum + (isOne(each) ? each.weight : 0), 0);
  }

  #approveLater(): void {
    if (this.#approvalDueMs !== undefined && this.#approvalDueMs > this.#nowMs) return;
    this.#approvalDueMs = this.#nowMs + this.#stage.asked.approvalAfterMs + 1;
    this.#schedule.after(this.#stage.asked.approvalAfterMs + 1, () => {
      this.#approvalDueMs = undefined;
      this.#internals.rollouts
        .approve(this.#rolloutId, approver)
        .catch((error: unknown) => void (this.#fault ??= (error as Error).message));
    });
  }

  /** Deployments that are past their offer, and those of rollouts that take back. */
  async #isUnderWay(): Promise<boolean> {
    const { db } = this.#internals.storage;
    const open = await settled(
      db
        .selectFrom("deployments")
        .innerJoin("rollouts", "rollouts.id", "deployments.rolloutId")
        .select(["deployments.state", "deployments.deviceId", "rollouts.id", "rollouts.state as of"])
        .where("deployments.finishedAt", "is", null)
        .execute(),
    );
    const isOn = new Set(this.#devices.filter(({ device }) => device.isOn).map(({ device }) => device.id));
    return open.some(
      ({ state, deviceId, id, of }) =>
        isOn.has(deviceId) && (state === "queued" ? id !== this.#rolloutId && !isOver({ state: of }) : true),
    );
  }

  async #outcome(): Promise<RunOutcome> {
    const { db } = this.#internals.storage;
    const summary = (await settled(this.#internals.rollouts.summary(this.#rolloutId)))!;
    const rows = await settled(
      db.selectFrom("deployments").select(["deviceId", "state"]).where("rolloutId", "=", this.#rolloutId).execute(),
    );
    const states = new Map(rows.map(({ deviceId, state }) => [deviceId, state]));
    const [old, rehearsed] = this.#stage.settings.project.images;
    const runs = ({ device }: Followed, image = rehearsed): boolean => {
      const { running } = device.flash;
      return running.image === image && running.state === "confirmed";
    };
    const has = (followed: Followed): boolean => this.#installed.has(followed.modelled.id);
    const stateOf = ({ modelled }: Followed): string => states.get(modelled.id)!;
    return {
      ...{ state: summary.state, endedMs: this.#endedMs, waves: this.#waves, gate: this.#gate },
      devices: {
        updated: this.#sum((each) => runs(each)),
        harmed: this.#sum(({ modelled }) => this.#isHarmed(modelled.id)),
        rolledBack: this.#sum((each) => has(each) && runs(each, old)),
        failed: this.#sum((each) => !has(each) && ["failed", "timed-out", "rejected"].includes(stateOf(each))),
        unreached: this.#sum((each) => !has(each) && ["queued", "unreached", "cancelled"].includes(stateOf(each))),
      },
    };
  }
}
