// The board under test: one power-up of a device, from the boot loader's first instruction until nothing more happens:
// every reset on the way is a run of its own. What must hold is checked from outside while it runs; docs/power-cut.md
// lists the invariants.

import type { FlashLayout, ZoneName } from "@flipside/machine/factory/flash-layout";
import { BootReason, CRASH_RECORD_BYTES, CRASH_RECORD_MAGIC, Exo, Zone } from "@flipside/machine/abi";
import type { FlashChecker } from "../checker/flash-checker.ts";
import { type Defects, WhatMustHold } from "../checker/what-must-hold.ts";
import type { ServerMemory } from "../server/story-memory.ts";
import { StoryServer } from "../server/story-server.ts";
import type { CampaignImage, Personality } from "../stories/images.ts";
import type { Watch } from "../rig/device-under-test.ts";
import type { Story } from "../stories/story.ts";
import { agentGrants, bootGrants } from "@flipside/machine/grants";
import type { ByteStream } from "@flipside/machine/one-stream";
import type { Reading } from "@flipside/machine/faults/unstable-reads";
import { Board, type Operation, runEnds, type Surroundings } from "./board.ts";
import { ModuleInstance } from "./module-instance.ts";
import type { LoadedModules } from "./loaded-modules.ts";
import { type Hash, keyOf, type PageStore } from "./page-store.ts";
import type { SlowLink } from "./slow-link.ts";
import { contentOf, type Transcript } from "./transcript.ts";

/** What power-ups begin with and end in. */
export interface DeviceState extends Defects {
  /** Content number of each page of flash. */
  ids: Int32Array;
  server: ServerMemory;
  /** The highest floor that was in force. */
  floor: number;
  /** Power cuts so far: each may have used up a try. */
  cuts: number;
}

/** How a power-up ended. */
export type PowerUpEnd = "settled" | "cut" | "recovery" | "late" | "known";

/**
 * Told of each point from which a run's course follows from the flash, the server and the boot reason alone: the start
 * of the boot loader, and of an image. True: how it goes on from here is known, and the power-up ends ("known").
 */
export type AtCheckpoint = (key: number) => boolean;

export interface PowerUpResult {
  end: PowerUpEnd;
  /** Starts of the boot loader: 1, and one more for each reset. */
  boots: number;
  operations: number;
  violations: string[];
}

/**
 * What a campaign does at an operation: nothing, let it fail (EXO_E_*), or cut power ("cut": it has put the torn
 * pages).
 */
export type AtOperation = (operation: Operation, index: number) => number | "cut";

/** Console lines, operations and decisions, for people and for comparisons. */
export interface Trace {
  line(text: string): void;
}

/** More starts than this come of no finite number of tries. */
const BOOTS_MAX = 40;
/** A run that takes longer by the device's clock will never end. */
const RUN_US_MAX = 30 * 60 * 1_000_000;
const STEPS_MAX = 1_500;
/**
 * But an update may be put off, and says so, for an hour at most (docs/protocol.md); a device polls once a second
 * meanwhile.
 */
const PUT_OFF_MS_MAX = 3_600_000;
const STEPS_A_SECOND = 8;
/**
 * With flash that fails for good, a device may have to go on without an end (no settings: it tries to enrol now and
 * then).
 */
const STEPS_ON_BAD_FLASH_MAX = 300;

/** Checkpoints from here on are those of an image; below it they are the boot loader's. */
const IMAGE_PHASE = 32;

const FLASH_FAILED = 60;
/**
 * Flash is quiet at rest: of the device's last minute, when nobody wants anything of it. Where flash fails, one change
 * that can't be recorded is tried anew in a minute at the earliest, with at most nine operations.
 */
const QUIET_US = 60_000_000;
const QUIET_OPERATIONS_MAX = 20;

export interface BoardUnderTestOptions {
  layout: FlashLayout;
  pages: PageStore;
  rootKeys: readonly Uint8Array[];
  imageWindow: { imageType: number; address: number; sizeBytes: number };
  modules: LoadedModules;
  checker: FlashChecker;
  identity: { deviceId: string; claimSecret: Uint8Array };
  images: readonly CampaignImage[];
}

export class BoardUnderTest implements Surroundings {
  readonly board: Board;
  readonly server: StoryServer;
  readonly checker: FlashChecker;
  readonly judge: WhatMustHold;
  readonly layout: FlashLayout;
  #boot!: ModuleInstance;
  #agent!: ModuleInstance;
  readonly #images = new Map<string, CampaignImage>();
  /** Starts of the boot loader, ever. */
  boots = 0;
  trace: Trace | undefined;
  /** Told of what can be seen, where the board is on the rig (rig/board-host.ts). */
  watch: Watch | undefined;
  /** What is noted of the runs from now on. */
  transcript: Transcript | undefined;
  #atOperation: AtOperation | undefined;
  #operationIndex = 0;
  #personality: Personality = { app: "healthy", network: true, selfTest: true };
  #story!: Story;
  #lineBuffer = "";
  /** At the last operation that was noted. */
  #petsSeen = 0;
  #cuts = 0;
  #pressesLeft = 0;
  #lingerUs = 0;
  /** The device's time at each of this run's operations, from `#quietFromUs` on. */
  #restOperationsUs: number[] = [];
  #atCheckpoint: AtCheckpoint | undefined;

  constructor(options: BoardUnderTestOptions) {
    this.layout = options.layout;
    this.board = new Board(options);
    this.board.surroundings = this;
    this.server = new StoryServer(options.identity);
    this.checker = options.checker;
    for (const image of options.images) this.#images.set(image.digest, image);
    this.useModules(options.modules);
    const { layout, checker } = options;
    this.judge = new WhatMustHold({ layout, checker, ids: this.board.ids, images: this.#images });
    this.judge.onViolation = (text) => this.trace?.line(`VIOLATION of ${text}`);
    this.server.onMessage = (leaf, payload) =>
      this.transcript?.note(`says ${leaf} ${contentOf(payload)} ${this.#second}`);
    this.server.onEnrol = () => this.judge.enrols();
    this.server.onCheckIn = (checkIn) => this.judge.saysFloor(checkIn.floor);
  }

  get images(): CampaignImage[] {
    return [...this.#images.values()];
  }

  imageOf(digest: string): CampaignImage | undefined {
    return this.#images.get(digest);
  }

  /** What the campaign calls the image of this digest. */
  imageName(digest: string): string {
    return this.imageOf(digest)?.name ?? "no image";
  }

  /** What runs from now on: instances of their own, made now. */
  useModules({ boot, agent, crypto, others }: LoadedModules): void {
    this.#boot = new ModuleInstance(
      boot,
      (instance) => ({ exo: this.board.calls(instance, bootGrants), crypto: crypto.calls(instance) }),
      others,
    );
    this.#agent = new ModuleInstance(
      agent,
      (instance) => ({ exo: this.board.calls(instance, agentGrants), crypto: crypto.calls(instance) }),
      others,
    );
  }

  /** Between device and server, in place of one that takes no time. */
  link: SlowLink | undefined;

  get stream(): ByteStream {
    return this.link ?? this.server.wire;
  }

  /** The highest that was in force. */
  get floor(): number {
    return this.judge.floor;
  }

  /** The state of the device as it is now. */
  state(cuts: number): DeviceState {
    return {
      ids: this.board.ids.slice(),
      server: this.server.memory,
      floor: this.floor,
      cuts,
      ...this.judge.defects,
    };
  }

  // ---- a power-up
  // ----------------------------------------------------------------------------------------------------

  /** `restUs`: so long it goes on when all is settled, to see whether flash is quiet. */
  powerUp(
    story: Story,
    state: DeviceState,
    reading: Reading,
    seed: number,
    atOperation?: AtOperation,
    atCheckpoint?: AtCheckpoint,
    restUs = 0,
  ): PowerUpResult {
    const { board, server } = this;
    this.#story = story;
    this.#petsSeen = this.board.pets;
    this.#lineBuffer = "";
    this.#cuts = state.cuts;
    this.#atOperation = atOperation;
    this.#atCheckpoint = atCheckpoint;
    this.#operationIndex = 0;
    this.#pressesLeft = story.resetPresses ?? 0;
    this.#lingerUs = Math.max(story.lingerUs, restUs);
    board.load(state.ids);
    board.powerOn(reading, seed);
    server.memory = state.server;
    const { judge } = this;
    judge.powerUpBegins(story, { ...state, wasOver: state.server.outcome !== undefined });
    server.wishes = story.wishes;
    let reason: number = story.firstReason ?? BootReason.PowerOn;
    let boots = 0;
    let end: PowerUpEnd = "late";
    while (boots < BOOTS_MAX) {
      boots++;
      const next = this.#run(reason);
      if (typeof next === "string") {
        end = next;
        break;
      }
      reason = next;
    }
    this.boots += boots;
    this.transcript?.note(`${end}, ${server.memory.outcome ?? "no outcome"}`);
    // An image that runs on worn or rotten flash, and comes to no end, is not silent: it says so on its console each
    // time. A trust record that flash did not take was answered so, and is not sent again in the same run.
    const isRefused = state.liar !== undefined && server.lastCheckIn?.trustRefused?.code === FLASH_FAILED;
    if (end === "late" && state.wornSector < 0 && !state.isRotten && !state.liar?.isForGood && !isRefused)
      judge.violates(3, `nothing came of ${boots} boots`);
    if (end === "recovery") judge.recovers();
    if (end !== "cut" && end !== "known") judge.rests(end === "settled", server.memory.outcome);
    return { end, boots, operations: this.#operationIndex, violations: judge.violations };
  }

  /** Until a reset (why: EXO_BOOT_*), or the power-up's end. */
  #run(reason: number): number | PowerUpEnd {
    const { board, server } = this;
    board.beginRun(reason);
    server.beginRun();
    this.link?.beginRun();
    this.#restOperationsUs.length = 0;
    this.judge.loaderBegins(reason);
    this.watch?.loaderBegins(reason);
    if (this.#isKnown(1 + reason)) return "known";
    this.trace?.line(`boot, reason ${reason}`);
    this.transcript?.note(`boot, reason ${reason}`);
    this.#boot.reset();
    try {
      this.#boot.exports["boot"]!();
      return "recovery";
    } catch (end) {
      if (end === runEnds.powerLost) return "cut";
      if (end !== runEnds.imageStarted) return this.#trapped(end, "boot loader");
    }
    return this.#runImage();
  }

  #isKnown(phase: number): boolean {
    if (!this.#atCheckpoint) return false;
    const isUnstable = this.board.unstablePages > 0;
    return this.#atCheckpoint(
      stateKey(
        this.board.hash,
        this,
        { cuts: this.#cuts, ...this.judge.defects },
        isUnstable ? phase ^ this.#unstableHistory(phase) : phase,
      ),
    );
  }

  /** Of a flash that reads otherwise at other times, its content does not tell what the loader has made of it. */
  #unstableHistory(phase: number): number {
    const { bootInfo, unstableKey } = this.board;
    const { slot, runs } = this.judge.unclean;
    let history = unstableKey ^ Math.imul(slot + 2 + 4 * runs, 0x27d4eb2f);
    if (phase >= IMAGE_PHASE)
      for (let i = 0; i < bootInfo.length; i++) history = Math.imul(history ^ bootInfo[i]!, 0x01000193);
    return (history ^ (history >>> 15)) << 8;
  }

  #runImage(): number | PowerUpEnd {
    const { board, server } = this;
    const slot = board.bootInfo[6]!;
    const digest = Buffer.from(board.bootInfo.buffer, board.bootInfo.byteOffset + 24, 32).toString("hex");
    this.#imageStarts(slot, digest);
    const image = this.#images.get(digest);
    if (!image) return BootReason.Trap;
    // The log's newest record and its place are in the flash; the reason and the watchdog's time are not.
    if (this.#isKnown(IMAGE_PHASE + board.bootReason * 2 + (board.watchdogMs > 0 ? 1 : 0))) return "known";
    this.#personality = this.#story.personalities?.get(image) ?? image.personality;
    board.runningSlotZone = slot === 0 ? Zone.SlotA : Zone.SlotB;
    this.judge.imageRuns(slot);
    try {
      board.nowUs = 0;
      const { app } = this.#personality;
      if (app === "crashes") return this.#endsUncleanly(this.#crashed());
      if (app === "hangs") return board.watchdogMs > 0 ? this.#endsUncleanly(BootReason.Watchdog) : "late";
      server.wire.isDown = !this.#personality.network || this.#story.serverIsDown?.() === true;
      this.#agent.reset();
      this.#agent.exports["start"]!();
      return this.#steps();
    } catch (end) {
      if (end === runEnds.powerLost) return "cut";
      if (end === runEnds.reset) return board.resetReason;
      return this.#trapped(end, "agent");
    } finally {
      this.judge.imageEnds();
    }
  }

  #steps(): number | PowerUpEnd {
    const { board, server } = this;
    const step = this.#agent.exports["step"]!;
    let settledAtUs = -1;
    const isLong = this.#lingerUs > this.#story.lingerUs;
    const stepsMax = isLong
      ? 2 * STEPS_MAX
      : this.judge.defects.wornSector >= 0 || this.judge.defects.isRotten
        ? STEPS_ON_BAD_FLASH_MAX
        : STEPS_MAX;
    const crashesAtUs = this.#personality.crashesAtUs ?? Infinity;
    let end: PowerUpEnd = "late";
    for (let steps = 0; ; steps++) {
      const { pets } = board;
      const moreS = Math.min(server.putOffMs, PUT_OFF_MS_MAX) / 1000 + (this.#story.lastsS ?? 0);
      if (steps >= stepsMax + STEPS_A_SECOND * moreS || board.nowUs >= RUN_US_MAX + moreS * 1_000_000) break;
      if (board.nowUs >= crashesAtUs) return this.#endsUncleanly(this.#crashed());
      const waitUs = step() >>> 0;
      if (board.pets === pets && board.watchdogMs > 0) return this.#endsUncleanly(BootReason.Watchdog);
      this.link?.advance();
      const linkUs = Math.ceil(this.link?.nextUs ?? Infinity);
      if (this.link ? linkUs <= board.nowUs : server.wire.hasData) continue;
      if (settledAtUs < 0) {
        if (this.#story.isSettled(server) || this.#story.isTriedOut?.(server)) settledAtUs = board.nowUs;
      } else if (this.#pressesLeft > 0) {
        this.#pressesLeft--;
        return BootReason.Pin;
      } else if (board.nowUs - settledAtUs >= this.#lingerUs) {
        end = "settled";
        break;
      }
      const untilLinkUs = linkUs - board.nowUs;
      board.nowUs += Math.min(
        untilLinkUs,
        settledAtUs >= 0 ? Math.min(waitUs, Math.max(1, settledAtUs + this.#lingerUs - board.nowUs)) : waitUs,
      );
    }
    if (isLong) this.#checkQuiet();
    return end;
  }

  #endsUncleanly(reason: number): number {
    this.judge.imageEndsUncleanly(this.board.bootInfo[6]!);
    return reason;
  }

  /** The loader starts this: what it shows of that. */
  #imageStarts(slot: number, digest: string): void {
    const { board } = this;
    const started = `slot ${"ab"[slot]} (${this.#images.get(digest)?.name ?? digest.slice(0, 8)})`;
    this.trace?.line(`start ${started}`);
    this.transcript?.note(
      `start ${started}, watched for ${board.watchdogMs} ms: ${Buffer.from(board.bootInfo).toString("hex")}`,
    );
    this.watch?.imageStarts(slot, digest);
    this.judge.imageStarts({
      slot,
      digest,
      bootCounter: new DataView(board.bootInfo.buffer).getUint32(8, true),
      triesActedOn: board.bootInfo[21],
      watchdogMs: board.watchdogMs,
      copy: board.imageRam.subarray(board.entryAddress - board.imageWindowAddress),
    });
  }

  #checkQuiet(): void {
    const { nowUs } = this.board;
    const atRest = this.#restOperationsUs.filter((us) => us > nowUs - QUIET_US).length;
    if (nowUs > 2 * QUIET_US && atRest > QUIET_OPERATIONS_MAX)
      this.judge.violates(7, `${atRest} flash operations in the last minute of a device at rest`);
  }

  #crashed(): number {
    const record = new Uint8Array(CRASH_RECORD_BYTES);
    const view = new DataView(record.buffer);
    view.setUint32(0, CRASH_RECORD_MAGIC, true);
    view.setUint32(4, BootReason.Trap, true);
    view.setUint32(8, 3, true);
    this.board.leaveCrash(record);
    return BootReason.Trap;
  }

  #trapped(error: unknown, module: string): number | PowerUpEnd {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    this.judge.violates(3, `the ${module} trapped: ${error.message}`);
    return module === "agent" ? this.#crashed() : "late";
  }

  // ---- what the modules are given
  // -------------------------------------------------------------------------------------

  onOperation(operation: Operation): number {
    const index = ++this.#operationIndex;
    if (this.#lingerUs > this.#story.lingerUs) this.#restOperationsUs.push(this.board.nowUs);
    this.judge.mayChange(operation, operation.zone);
    this.watch?.operation({ kind: operation.kind, offset: operation.offset, length: operation.length });
    if (this.trace) this.trace.line(describeOperation(operation, index, this.layout));
    if (this.transcript)
      this.transcript.note(
        `${describeOperation(operation, index, this.layout)} ${operation.data ? contentOf(operation.data) : ""} ${this.board.pets > this.#petsSeen ? "fed" : "not fed"} ${this.#second}`,
      );
    this.#petsSeen = this.board.pets;
    if (Math.floor(operation.offset / this.layout.sectorBytes) === this.judge.defects.wornSector) return Exo.Io;
    if (!this.#atOperation) return Exo.Ok;
    const what = this.#atOperation(operation, index);
    if (what === "cut") throw runEnds.powerLost;
    return what;
  }

  /** Of this run, by the device's clock. */
  get #second(): string {
    return `at ${Math.floor(this.board.nowUs / 1_000_000)} s`;
  }

  passesSelfTest(): boolean {
    return this.#personality.selfTest;
  }

  onDenied(kind: string, zone: number): void {
    this.judge.denied(kind, zone);
  }

  /** EXO_HEALTH_*. */
  appHealth(): number {
    const { app } = this.#personality;
    return app === "healthy" ? 1 : app === "unhealthy" ? 2 : 0;
  }

  onPhase(phase: number): void {
    this.transcript?.note(`phase ${phase}`);
  }

  onConsole(bytes: Uint8Array): void {
    if (!this.trace && !this.transcript) return;
    this.#lineBuffer += Buffer.from(bytes).toString("latin1");
    for (let end = this.#lineBuffer.indexOf("\n"); end >= 0; end = this.#lineBuffer.indexOf("\n")) {
      const line = this.#lineBuffer.slice(0, end);
      this.trace?.line(`  console: ${line}`);
      // The line that a technician looks for.
      if (/ recovery: code /.test(line)) this.transcript?.note(line);
      this.#lineBuffer = this.#lineBuffer.slice(end + 1);
    }
  }
}

export function describeOperation(
  { kind, zone, offset, length }: Operation,
  index: number,
  layout: FlashLayout,
): string {
  const name = Object.keys(layout.zones)[zone] as ZoneName;
  return `  ${String(index).padStart(3)} ${kind} ${name}+0x${(offset - layout.zones[name].offsetBytes).toString(16)} ${length} bytes`;
}

/** Equal keys: the same flash, unstable bits included, the same server, floor, and history as far as it matters. */
export function stateKey(
  flash: Hash,
  { server, floor }: { server: { memory: ServerMemory }; floor: number },
  from: Pick<DeviceState, "cuts" | "wornSector" | "isRotten">,
  phase: number,
): number {
  let extra =
    Math.imul(floor + 1, 0x9e3779b1) ^
    Math.imul(from.wornSector + 2, 0x85ebca6b) ^
    (from.isRotten ? 0x5bd1e995 : 0) ^
    Math.imul(from.cuts + 1, 0x27d4eb2f);
  extra = Math.imul(extra ^ (extra >>> 15), 0x2c1b3c6d) ^ Math.imul(phase + 1, 0x297a2d39);
  const { memory } = server;
  extra = (Math.imul(extra, 31) + Math.imul(memory.trustVersion, 64) + (memory.enrolled ? 1 : 0)) | 0;
  const { outcome } = memory;
  if (outcome !== undefined)
    for (let i = 0; i < outcome.length; i++) extra = (Math.imul(extra, 31) + outcome.charCodeAt(i)) | 0;
  return keyOf(flash.a ^ Math.imul(extra, 0xc2b2ae35), flash.b ^ Math.imul(extra ^ (extra >>> 16), 0x165667b1));
}
