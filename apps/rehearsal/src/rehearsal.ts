// One rehearsal: a world from a seed, troubled for a while, then calm until everything has had its time.

import { mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { Device } from "./device/device.ts";
import type { FleetDevice } from "./device/fleet-device.ts";
import { RealDevice } from "./device/real/real-device.ts";
import type { Workshop } from "./device/real/workshop.ts";
import { Judge, type Violation } from "./judge/judge.ts";
import type { Knowledge } from "./judge/knowledge.ts";
import { Operator } from "./operator/operator.ts";
import { type ServerSettings, ServerUnderTest } from "./server/server-under-test.ts";
import type { StartServer } from "./server/server-code.ts";
import { startedAtMs, type Template } from "./server/template.ts";
import { Log } from "./world/log.ts";
import { Machine, microtasksDone, runOn } from "./world/machine.ts";
import { calmWeather, Network, type Weather } from "./world/network.ts";
import { Random } from "./world/random.ts";
import { Schedule } from "./world/schedule.ts";
import { arrangeTroubles, type TroubledWorld } from "./world/troubles.ts";

const warmUpMs = 40_000;
const calmMsMax = 4 * 3_600_000;
const calmLookMs = 60_000;
const looksMsMax = 90_000;
const actsMsMax = 45_000;
/** Of the seeds. */
const realShare = 0.5;
const realMax = 3;
/** Devices that a server deals with at a time: all, or so few that every rollout is made in pieces. */
const pieceMaxes = [250, 1, 2, 3];

export interface Outcome {
  seed: number;
  violations: Violation[];
  digest: string;
  /** Of simulated time. */
  simulatedMs: number;
  real: RealTally;
}

/** What there was of real devices. */
export interface RealTally {
  devices: number;
  installations: number;
  /** Power cuts in the middle of one. */
  tornOperations: number;
}

export interface Stage {
  settings: ServerSettings & { startServer: StartServer };
  template: Template;
  workshop: Workshop;
  /** Of real devices as they leave the factory, by device. */
  flashes: ReadonlyMap<string, Uint8Array>;
}

export async function rehearse(stage: Stage, seed: number, show?: (line: string) => void): Promise<Outcome> {
  const root = mkdtempSync(join(dirname(stage.template.folder), `seed-${seed}-`));
  try {
    return await new Rehearsal(stage, seed, root, show).run();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

class Rehearsal implements TroubledWorld {
  readonly random: Random;
  readonly schedule = new Schedule();
  readonly machine: Machine;
  readonly devices: readonly FleetDevice[];
  readonly server: ServerUnderTest;
  readonly machineReboots: boolean;
  isCalm = false;
  readonly #seed: number;
  readonly #log: Log;
  readonly #network: Network;
  readonly #judge: Judge;
  readonly #operator: Operator;
  /** What is to be done with the server before time goes on. */
  readonly #steps: (() => Promise<void>)[] = [];
  readonly #troubledMs: number;
  /** In some seeds it never comes back: deadlines alone end what waits for it. */
  readonly #lost: FleetDevice | undefined;
  #backup: { folder: string; known: Knowledge } | undefined;
  log: (who: string, what: string) => void;

  constructor(
    { settings, template, workshop, flashes }: Stage,
    seed: number,
    root: string,
    show: ((line: string) => void) | undefined,
  ) {
    const { schedule } = this;
    const of = (name: string): Random => Random.of(seed, name);
    this.#seed = seed;
    this.random = of("troubles");
    const world = of("world");
    this.machineReboots = world.chance(0.3);
    this.#troubledMs = world.between(180_000, 600_000);
    this.machine = new Machine(schedule, of("server"), startedAtMs);
    runOn(this.machine);
    this.#log = new Log(schedule, show);
    this.log = this.#log.add;
    this.#judge = new Judge({ schedule, project: settings.project, log: this.log, wallMs: this.machine.wallMs });
    const kind = world.chance(0.6) ? "embedded" : "elsewhere";
    this.#network = new Network(kind, schedule, of("network"), this.#judge);
    this.#network.weather = weatherOf(world);
    const sizes = { pieceMax: of("pieces").pick(pieceMaxes) };
    const host = {
      settings,
      sizes,
      machine: this.machine,
      network: this.#network,
      root,
      onError: (text: string) => this.#judge.found("no errors of the server's own", text),
      onKilled: () => {
        this.log("server", "is killed in the middle of what it does");
        this.serverDown(this.random.pick([200, 5_000, 60_000]) * (0.5 + this.random.next()));
      },
    };
    this.server = new ServerUnderTest(host, template.folder);
    const identities = template.identities.slice(0, world.between(3, template.identities.length));
    const deviceWorld = {
      seed,
      project: settings.project,
      schedule,
      network: this.#network,
      log: this.log,
      violated: this.#judge.found,
      installed: this.#judge.installed.bind(this.#judge),
      confirmed: this.#judge.confirmed.bind(this.#judge),
    };
    const real = of("real devices");
    const realCount = real.chance(realShare) ? real.between(1, realMax) : 0;
    const realOnes = real.some(identities, realCount);
    this.devices = identities.map((identity) => {
      const { id } = identity;
      if (!realOnes.includes(identity)) return new Device(deviceWorld, identity, of(id));
      const parts = { workshop, flash: flashes.get(id)!, rootKey: settings.project.rootKey };
      return new RealDevice(deviceWorld, id, parts, of(id));
    });
    this.#lost = world.chance(0.3) ? world.pick(this.devices) : undefined;
    this.#operator = new Operator({
      server: this.server,
      judge: this.#judge,
      random: of("operator"),
      releaseIds: template.releaseIds,
      deviceIds: identities.map(({ id }) => id),
      wallMs: this.machine.wallMs,
      log: this.log,
    });
    const ofThem = realCount === 0 ? "" : `, ${realOnes.map(({ id }) => id).join(", ")} real`;
    this.log(
      "world",
      `${identities.length} devices${ofThem}, broker ${kind}, pieces of ${sizes.pieceMax}, troubled for ${this.#troubledMs} ms`,
    );
  }

  async run(): Promise<Outcome> {
    await this.#start();
    for (const device of this.devices) this.schedule.after(this.random.between(0, warmUpMs), () => device.powerOn());
    await this.#until(warmUpMs);
    arrangeTroubles(this);
    this.#arrangeLooks();
    this.#arrangeActs();
    await this.#until(warmUpMs + this.#troubledMs);
    if (!this.#isJudged) await this.#calmDown();
    if (this.server.isRunning) this.server.kill();
    await this.server.bury();
    const { violations } = this.#judge;
    const simulatedMs = Math.round(this.schedule.nowMs);
    const real = tallyOf(this.devices.filter((device) => device instanceof RealDevice));
    return { seed: this.#seed, violations, digest: this.#log.digest(), simulatedMs, real };
  }

  get #isJudged(): boolean {
    return this.#judge.violations.length > 0;
  }

  /** Lets the world go on; each thing that happens has come to its end before the next one does. */
  async #until(endMs: number): Promise<void> {
    while (!this.#isJudged && (this.schedule.nextMs ?? Infinity) <= endMs) {
      this.schedule.step();
      await microtasksDone();
      for (const begun of this.#judge.begun.splice(0)) this.#steps.push(() => this.#operator.lookAtBegun(begun));
      for (let step = this.#steps.shift(); step !== undefined; step = this.#steps.shift()) await step();
      await this.server.bury();
    }
    this.schedule.nowMs = Math.max(this.schedule.nowMs, endMs);
  }

  async #start(): Promise<void> {
    if (this.server.isRunning) return;
    await this.server.start();
    this.log("server", "is up");
    await this.#operator.lookAround();
  }

  serverDown = (forMs: number): void => {
    this.schedule.after(forMs, () => this.#steps.push(() => this.#start()));
  };

  stopServer = (): void => {
    this.log("server", "is stopped in order");
    this.server.stop().then(() => {
      this.log("server", "has ended");
      this.serverDown(this.random.between(500, 20_000));
    });
  };

  beforeClockJumps = (): void => this.#judge.beforeClockJumps();

  backUp = (): void => {
    this.#backup = { folder: this.server.backUp(), known: this.#judge.remember() };
    this.log("server", "is backed up");
  };

  restore = (): boolean => {
    if (this.#backup === undefined) return false;
    this.server.restore(this.#backup.folder);
    this.#judge.restored(this.#backup.known);
    return true;
  };

  #arrangeLooks(): void {
    this.schedule.after(this.random.next() * looksMsMax, () => {
      if (this.isCalm) return;
      this.#steps.push(async () => void (await this.#operator.lookAround()));
      this.#arrangeLooks();
    });
  }

  #arrangeActs(): void {
    this.schedule.after(this.random.next() * actsMsMax, () => {
      if (this.isCalm) return;
      this.#steps.push(() => this.#operator.act());
      this.#arrangeActs();
    });
  }

  async #calmDown(): Promise<void> {
    this.log("world", "is calm from now on");
    this.isCalm = true;
    this.#network.weather = calmWeather;
    for (const device of this.devices) if (device !== this.#lost) device.calmDown();
    if (this.#lost !== undefined) this.log(this.#lost.id, "is lost for good");
    this.#lost?.lose();
    const calmSinceMs = this.schedule.nowMs;
    let open: string | undefined = "nothing was looked at";
    while (!this.#isJudged && open !== undefined) {
      await this.#until(this.schedule.nowMs + calmLookMs);
      const shown = await this.#operator.lookAround();
      open = shown === undefined ? "there is no server" : (this.#judge.isSettled(shown) ?? this.#unsettledDevice());
      if (shown !== undefined) await this.#operator.tidy(shown);
      if (open !== undefined && this.schedule.nowMs - calmSinceMs > calmMsMax) {
        this.#judge.found("everything comes to its end", `${open}, ${calmMsMax / 60_000} min after the world was calm`);
      }
    }
    // One that was settled, and whose image gave way a moment ago, has not told the server yet.
    do await this.#until(this.schedule.nowMs + calmLookMs);
    while (!this.#isJudged && this.#unsettledDevice() !== undefined && this.schedule.nowMs - calmSinceMs < calmMsMax);
    if (!this.#isJudged) await this.#compareDevices();
  }

  /** Whose trial, or whose fallback, is under way, or who has not reached the server yet. */
  #unsettledDevice(): string | undefined {
    const device = this.devices.find((each) => !each.isSettled && !this.#isOut(each));
    return device && `${device.id} has an image on trial, or no contact`;
  }

  #isOut(device: FleetDevice): boolean {
    return device === this.#lost || this.#operator.revoked.has(device.id);
  }

  async #compareDevices(): Promise<void> {
    for (const device of this.devices) {
      if (this.#isOut(device)) continue;
      const shown = await this.#operator.lookAtDevice(device.id);
      if (shown !== undefined) this.#judge.agrees(device, shown);
    }
  }
}

const tallyOf = (real: readonly RealDevice[]): RealTally => ({
  devices: real.length,
  installations: real.reduce((sum, { installations }) => sum + installations, 0),
  tornOperations: real.reduce((sum, { tornOperations }) => sum + tornOperations, 0),
});

function weatherOf(random: Random): Weather {
  return {
    latencyMsMax: random.pick([20, 200, 2_000]),
    doubled: random.pick([0, 0.02, 0.1]),
    lost: random.pick([0, 0.01, 0.05]),
    late: random.pick([0, 0.01, 0.05]),
  };
}
