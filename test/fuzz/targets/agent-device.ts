// The whole agent as the boot loader hands over to it, connected to a hostile server, at the points of a session and of
// an update from which messages may come.

import { buildTrustChain, SlotState } from "@flipside/image-format";
import { join } from "node:path";
import { agentSources } from "../../../apps/agent/build/paths.ts";
import { agentGrants } from "@flipside/machine/grants";
import { Zone } from "@flipside/machine/abi";
import { compileForFuzzing, type FuzzModule, type Patch } from "../engine/compile.ts";
import { FuzzInstance, type Snapshot } from "../engine/instance.ts";
import { Violation } from "../engine/target.ts";
import { FUEL, openBoot } from "./boot-loader.ts";
import { putBootRecord } from "./boot-records.ts";
import { DeviceHost, type HostState } from "./device-host.ts";
import { layout, makeImage, putInSlot } from "./device-images.ts";
import { fuzzedIdentity } from "./formats.ts";
import { HostileServer, type ServerState } from "./hostile-server.ts";
import { bytesOf, operationsKey, releaseKey, rootKey, sha256Of } from "./keys.ts";
import { settingsRecord } from "./settings-record.ts";

/** As the unikernel's (packages/machine/src/factory/targets.ts). */
const MEMORY_PAGES = 4;
/** EXO_HEALTH_HEALTHY. */
const HEALTHY = 1;
const STEPS_MAX = 3000;
const JOURNAL_PAGE_BYTES = 4096;
const TIME_STEP_US = 1000;
/** The agent waits a little before it connects for the first time. */
const CONNECTED_MS = 2000;
/** What an ended update, a raised floor, a farewell or a configuration may still write, and once a minute one more. */
const QUIET_OPERATIONS_MAX = 16;
export const RUNNING_SEQUENCE = 5;
export const deviceSecret = bytesOf("device secret");

/** What flash holds besides an image that runs from slot A. */
export interface Before {
  /** In slot B, in this state; `changed` spoils what lies there. */
  other?: { image: Uint8Array; state: SlotState; changed?: (slot: Uint8Array) => void };
  /** Of the journal, a record to a page from the first on. */
  journal?: Uint8Array[];
  /** The clock when the image starts: it runs on from what the loader did, however long. */
  startUs?: number;
  /** Of the newest boot record. */
  flags?: number;
}

/** A device that the loader has just handed over to. */
export interface Off {
  device: HostState;
  bootInfo: Uint8Array<ArrayBuffer>;
}

export interface Start {
  name: string;
  memory: Snapshot;
  device: HostState;
  server: ServerState;
}

export class AgentDevice {
  readonly host: DeviceHost;
  readonly instance: FuzzInstance;
  readonly server = new HostileServer(fuzzedIdentity.deviceId);
  #waitUs = 0;

  private constructor(
    readonly running: Uint8Array,
    readonly older: Uint8Array,
    fuzzed: FuzzModule,
  ) {
    this.host = new DeviceHost(layout, () => this.instance, agentGrants);
    this.instance = new FuzzInstance(fuzzed, () => this.host.imports);
    this.host.stream = this.server.wire;
    this.host.runningSlot = Zone.SlotA;
    this.host.appHealth = HEALTHY;
  }

  static async open(patches: Patch[]): Promise<AgentDevice> {
    const running = await makeImage("running", {
      releaseSequence: RUNNING_SEQUENCE,
      securityCounter: 2,
      contactDeadlineMs: 600_000,
    });
    const older = await makeImage("older", { releaseSequence: RUNNING_SEQUENCE - 1 });
    return new AgentDevice(
      running,
      older,
      await compileForFuzzing(join(agentSources, "agent/main.ts"), MEMORY_PAGES, patches),
    );
  }

  /** Started by the real loader, from slot A; the other slot holds the older image, confirmed, or nothing. */
  async powerOn(hasOlder: boolean): Promise<void> {
    this.start(await this.load(hasOlder ? { other: { image: this.older, state: SlotState.Confirmed } } : {}));
  }

  /** By the real loader. */
  async load({ other, journal = [], startUs = 1000, flags = 0 }: Before): Promise<Off> {
    const loader = await openBoot();
    const chain = await buildTrustChain([
      {
        trust: {
          trustVersion: 1,
          rootThreshold: 1,
          rootKeys: [rootKey.publicKey],
          releaseKeys: [releaseKey.publicKey],
          operationsKeys: [operationsKey.publicKey],
        },
        signedBy: [rootKey.privateJwk],
      },
    ]);
    const settings = settingsRecord({ generation: 1, secret: deviceSecret });
    for (const copy of [0, 1]) {
      loader.host.zone("trust").set(chain, copy * layout.sectorBytes);
      loader.host.zone("settings").set(settings, copy * layout.sectorBytes);
    }
    const digestOf = (image: Uint8Array): Uint8Array => sha256Of(image.subarray(0, image[6]! | (image[7]! << 8)));
    putInSlot(loader.host.zone("slotA"), this.running);
    if (other) putInSlot(loader.host.zone("slotB"), other.image);
    other?.changed?.(loader.host.zone("slotB"));
    journal.forEach((record, page) => loader.host.zone("journal").set(record, page * JOURNAL_PAGE_BYTES));
    const state = other?.state ?? SlotState.Empty;
    putBootRecord(loader.host.zone("bootControl"), {
      activeSlot: 0,
      states: [SlotState.Confirmed, state],
      digests: [digestOf(this.running), other && state !== SlotState.Empty ? digestOf(other.image) : undefined],
      flags,
    });
    const started = loader.boot();
    if (started?.how !== "image") throw new Error(`the loader does not start the agent's image: ${loader.host.lines}`);
    this.host.rootKeys = loader.host.rootKeys;
    return {
      device: { ...this.host.save(), flash: loader.host.flash.slice(), nowUs: startUs, handle: "never open" },
      bootInfo: started.info,
    };
  }

  /** Until it says hello. */
  start({ device, bootInfo }: Off): void {
    const { host, instance, server } = this;
    server.lose();
    host.restore(device);
    host.unreadable = undefined;
    host.bootInfo = bootInfo;
    server.said = [];
    this.#pristine ??= instance.save();
    instance.restore(this.#pristine);
    instance.begin(FUEL);
    instance.exports.start!();
    this.settle();
    this.pass(CONNECTED_MS);
    if (server.waitsFor !== "nonce") throw new Violation(`the agent says no hello: ${host.lines}`);
  }

  #pristine: Snapshot | undefined;

  save(name: string): Start {
    return {
      name,
      memory: this.instance.save(),
      device: this.host.save(),
      server: structuredClone(this.server.state),
    };
  }

  restore({ memory, device, server: known }: Start): void {
    const { server, instance, host } = this;
    server.onConnect = () => {};
    const { host: name, port } = fuzzedIdentity.server;
    server.wire.open(name, port);
    server.state = structuredClone(known);
    server.said = [];
    instance.restore(memory);
    instance.begin(FUEL);
    host.restore(device);
    host.unreadable = undefined;
    this.#waitUs = 0;
  }

  /** For so long from now on, slot B can't be read. */
  loseSight(ms: number): void {
    this.host.unreadable = { zones: [Zone.SlotB], untilUs: this.host.nowUs + ms * 1000 };
  }

  /** Until the agent waits, with nothing to read. */
  settle(): void {
    const { step } = this.instance.exports;
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      this.#waitUs = step!() >>> 0;
      if (this.#waitUs > 0 && !this.server.wire.hasData) return;
    }
    throw new Violation("the agent does not come to rest");
  }

  /** Time passes and nobody says anything: flash is quiet. */
  pass(ms: number): void {
    const before = this.host.operations;
    this.#pass(ms);
    const operations = this.host.operations - before;
    if (operations > QUIET_OPERATIONS_MAX * (1 + ms / 60_000))
      throw new Violation(`${operations} flash operations in ${ms} ms in which nothing was asked for`);
  }

  #pass(ms: number): void {
    for (let leftUs = ms * 1000; leftUs > 0; ) {
      const us = Math.min(leftUs, Math.max(this.#waitUs, TIME_STEP_US));
      this.host.nowUs += us;
      leftUs -= us;
      this.settle();
    }
  }

  /** Both steps of the session's proof. */
  prove(): void {
    for (let step = 0; step < 2; step++) {
      this.server.prove(true);
      this.settle();
    }
    if (!this.server.said.some(({ leaf }) => leaf === "check-in"))
      throw new Error(`the agent does not check in: ${this.host.lines}`);
  }
}
