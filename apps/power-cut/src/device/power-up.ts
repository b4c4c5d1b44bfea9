// One power-up of a device, from the boot loader's first instruction until nothing more happens: every reset on the way
// is a run of its own. What must hold is checked from outside while it runs; docs/power-cut.md lists the invariants.

import type { FlashLayout, ZoneName } from "@flipside/machine/factory/flash-layout";
import { BootReason, CRASH_RECORD_BYTES, CRASH_RECORD_MAGIC, Exo, Zone } from "@flipside/machine/abi";
import type { BootRecord, FlashChecker } from "../checker/flash-checker.ts";
import type { ServerMemory } from "../server/story-memory.ts";
import { StoryServer } from "../server/story-server.ts";
import type { CampaignImage, Personality } from "../stories/images.ts";
import type { Story } from "../stories/story.ts";
import { agentGrants, bootGrants } from "@flipside/machine/grants";
import type { ByteStream } from "@flipside/machine/one-stream";
import { Board, type Operation, type Reading, runEnds, type Surroundings } from "./board.ts";
import { ModuleInstance } from "./module-instance.ts";
import type { LoadedModules } from "./modules.ts";
import { type Hash, keyOf, type PageStore } from "./page-store.ts";
import type { SlowLink } from "./slow-link.ts";
import { contentOf, type Transcript } from "./transcript.ts";

/** What power-ups begin with and end in. */
export interface DeviceState {
  /** Content number of each page of flash. */
  ids: Int32Array;
  server: ServerMemory;
  /** The highest floor that was in force. */
  floor: number;
  /** Power cuts so far: each may have used up a try. */
  cuts: number;
  /** A sector that no longer takes erases and programs; -1: none. */
  wornSector: number;
  /** A bit was lost in the idle slot. */
  isRotten: boolean;
  /**
   * A sector of which the chip has said done, and what it should hold it does not; unset: none. `isForGood`: each time.
   * `fades`: it reads well at first.
   */
  liar?: { sector: number; isForGood: boolean; fades: boolean } | undefined;
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

/** Unclean ends in a row from which a confirmed image gives way (docs/boot-control.md, "Unclean boots"). */
const UNCLEAN_BOOTS_MAX = 5;
const CRASHED_REPEATEDLY = 76;
const FLAG_YIELDED = 4;
const FLAG_CONTACT_FALLBACK = 2;
const FLASH_FAILED = 60;
/**
 * Flash is quiet at rest: of the device's last minute, when nobody wants anything of it. Where flash fails, one change
 * that can't be recorded is tried anew in a minute at the earliest, with at most nine operations.
 */
const QUIET_US = 60_000_000;
const QUIET_OPERATIONS_MAX = 20;

export interface RigOptions {
  layout: FlashLayout;
  pages: PageStore;
  rootKeys: readonly Uint8Array[];
  imageWindow: { address: number; sizeBytes: number };
  modules: LoadedModules;
  checker: FlashChecker;
  identity: { deviceId: string; claimSecret: Uint8Array };
  images: readonly CampaignImage[];
}

export class Rig implements Surroundings {
  readonly board: Board;
  readonly server: StoryServer;
  readonly checker: FlashChecker;
  readonly layout: FlashLayout;
  #boot!: ModuleInstance;
  #agent!: ModuleInstance;
  readonly #images = new Map<string, CampaignImage>();
  readonly #zonePages: Record<ZoneName, { first: number; end: number }>;
  /** Starts of the boot loader, ever. */
  boots = 0;
  trace: Trace | undefined;
  /** What is noted of the runs from now on. */
  transcript: Transcript | undefined;
  violations: string[] = [];
  floor = 0;
  #atOperation: AtOperation | undefined;
  #operationIndex = 0;
  #personality: Personality = { app: "healthy", network: true, selfTest: true };
  #story!: Story;
  #running: { slot: number; before: Int32Array } | undefined;
  /** The newest record when the loader began, when no bit of the log was unstable. */
  #recordAtBoot: BootRecord | undefined;
  #imageIsRunning = false;
  #lineBuffer = "";
  /** At the last operation that was noted. */
  #petsSeen = 0;
  #wornSector = -1;
  #isRotten = false;
  #liar: DeviceState["liar"];
  /** The update was over when this power-up began. */
  #wasOver = false;
  #cuts = 0;
  /** Why the loader runs now (EXO_BOOT_*). */
  #bootReason = 0;
  /** Runs of the confirmed image of one slot that ended uncleanly, in a row, in this power-up. */
  #unclean = { slot: -1, runs: 0 };
  /** The log held no record that counts when the loader began, and no bit of it was unstable. */
  #logWasLost = false;
  #pressesLeft = 0;
  #lingerUs = 0;
  /** The device's time at each of this run's operations, from `#quietFromUs` on. */
  #restOperationsUs: number[] = [];
  #atCheckpoint: AtCheckpoint | undefined;

  constructor(options: RigOptions) {
    this.layout = options.layout;
    this.board = new Board(options);
    this.board.surroundings = this;
    this.server = new StoryServer(options.identity);
    this.checker = options.checker;
    for (const image of options.images) this.#images.set(image.digest, image);
    this.useModules(options.modules);
    this.#zonePages = Object.fromEntries(
      Object.entries(options.layout.zones).map(([name, zone]) => [
        name,
        { first: zone.offsetBytes / 4096, end: (zone.offsetBytes + zone.sizeBytes) / 4096 },
      ]),
    ) as Record<ZoneName, { first: number; end: number }>;
    this.server.onMessage = (leaf, payload) =>
      this.transcript?.note(`says ${leaf} ${contentOf(payload)} ${this.#second}`);
    this.server.onEnrol = () => {
      if (!this.#story.mayEnrol && this.#wornSector < 0 && !this.#mayHaveLostBothCopies("settings"))
        this.#violates(2, "the device enrols again: its secret was lost");
    };
    this.server.onCheckIn = (checkIn) => {
      if (checkIn.floor < this.floor && !this.#logMayFade)
        this.#violates(5, `a check-in says floor ${checkIn.floor}, which was ${this.floor}`);
    };
  }

  /** What the campaign calls the image of this digest. */
  imageName(digest: string): string {
    return this.#images.get(digest)?.name ?? "no image";
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

  /** The state of the device as it is now. */
  state(cuts: number): DeviceState {
    return {
      ids: this.board.ids.slice(),
      server: this.server.memory,
      floor: this.floor,
      cuts,
      wornSector: this.#wornSector,
      isRotten: this.#isRotten,
      liar: this.#liar,
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
    this.violations = [];
    this.#petsSeen = this.board.pets;
    this.#lineBuffer = "";
    this.floor = state.floor;
    this.#wornSector = state.wornSector;
    this.#liar = state.liar;
    // What a slot holds of a lie may be lost later.
    this.#isRotten = state.isRotten || this.#hasLiedIn("slotA") || this.#hasLiedIn("slotB");
    this.#cuts = state.cuts;
    this.#atOperation = atOperation;
    this.#atCheckpoint = atCheckpoint;
    this.#operationIndex = 0;
    this.#unclean = { slot: -1, runs: 0 };
    this.#pressesLeft = story.resetPresses ?? 0;
    this.#lingerUs = Math.max(story.lingerUs, restUs);
    board.load(state.ids);
    board.powerOn(reading, seed);
    server.memory = state.server;
    this.#wasOver = state.server.outcome !== undefined;
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
      this.#violates(3, `nothing came of ${boots} boots`);
    if (end === "recovery") this.#checkRecovery();
    if (end !== "cut" && end !== "known") this.#checkRest(end);
    return { end, boots, operations: this.#operationIndex, violations: this.violations };
  }

  /** Until a reset (why: EXO_BOOT_*), or the power-up's end. */
  #run(reason: number): number | PowerUpEnd {
    const { board, server } = this;
    board.beginRun(reason);
    server.beginRun();
    this.link?.beginRun();
    this.#imageIsRunning = false;
    this.#bootReason = reason;
    this.#restOperationsUs.length = 0;
    const isStable = this.checker.logIsStable(board.ids);
    this.#recordAtBoot = isStable ? this.checker.newestRecord(board.ids) : undefined;
    this.#logWasLost = isStable && !this.#recordAtBoot;
    if (this.#recordAtBoot && !this.#isRotten && this.#wornSector < 0) {
      this.#checkConfirmed(this.#recordAtBoot);
      if (!this.#mayHaveLostBothCopies("trust")) this.#checkTrust(this.#recordAtBoot);
    }
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
        { cuts: this.#cuts, wornSector: this.#wornSector, isRotten: this.#isRotten },
        isUnstable ? phase ^ this.#unstableHistory(phase) : phase,
      ),
    );
  }

  /** Of a flash that reads otherwise at other times, its content does not tell what the loader has made of it. */
  #unstableHistory(phase: number): number {
    const { bootInfo, unstableKey } = this.board;
    let history = unstableKey ^ Math.imul(this.#unclean.slot + 2 + 4 * this.#unclean.runs, 0x27d4eb2f);
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
    this.#imageIsRunning = true;
    const { first, end } = this.#zonePages[slot === 0 ? "slotA" : "slotB"];
    this.#running = { slot, before: board.ids.slice(first, end) };
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
      this.#imageStops();
    }
  }

  #steps(): number | PowerUpEnd {
    const { board, server } = this;
    const step = this.#agent.exports["step"]!;
    let settledAtUs = -1;
    const isLong = this.#lingerUs > this.#story.lingerUs;
    const stepsMax = isLong
      ? 2 * STEPS_MAX
      : this.#wornSector >= 0 || this.#isRotten
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

  /** Invariant 2's other half: what the confirmed image of a slot does counts against it. */
  #endsUncleanly(reason: number): number {
    const slot = this.board.bootInfo[6]!;
    const isConfirmed = this.checker.newestRecord(this.board.ids)?.slots[slot]?.state === "confirmed";
    this.#unclean = !isConfirmed
      ? { slot: -1, runs: 0 }
      : { slot, runs: this.#unclean.slot === slot ? this.#unclean.runs + 1 : 1 };
    return reason;
  }

  #checkQuiet(): void {
    const { nowUs } = this.board;
    const atRest = this.#restOperationsUs.filter((us) => us > nowUs - QUIET_US).length;
    if (nowUs > 2 * QUIET_US && atRest > QUIET_OPERATIONS_MAX)
      this.#violates(7, `${atRest} flash operations in the last minute of a device at rest`);
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
    this.#violates(3, `the ${module} trapped: ${error.message}`);
    return module === "agent" ? this.#crashed() : "late";
  }

  // ---- what the modules are given
  // -------------------------------------------------------------------------------------

  onOperation(operation: Operation): number {
    const index = ++this.#operationIndex;
    if (this.#lingerUs > this.#story.lingerUs) this.#restOperationsUs.push(this.board.nowUs);
    this.#mayChange(operation);
    if (this.trace) this.trace.line(describeOperation(operation, index, this.layout));
    if (this.transcript)
      this.transcript.note(
        `${describeOperation(operation, index, this.layout)} ${operation.data ? contentOf(operation.data) : ""} ${this.board.pets > this.#petsSeen ? "fed" : "not fed"} ${this.#second}`,
      );
    this.#petsSeen = this.board.pets;
    if (Math.floor(operation.offset / this.layout.sectorBytes) === this.#wornSector) return Exo.Io;
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

  // ---- invariants
  // -------------------------------------------------------------------------------------------------------

  #violates(invariant: number, what: string): void {
    this.violations.push(`invariant ${invariant}: ${what}`);
    this.trace?.line(`VIOLATION of invariant ${invariant}: ${what}`);
  }

  /** Invariant 4: what runs, and what only the factory writes, is never touched. */
  #mayChange({ kind, zone, offset }: Operation): void {
    const allowed = this.#imageIsRunning
      ? zone === Zone.BootControl ||
        zone === Zone.Journal ||
        zone === Zone.Settings ||
        zone === this.#otherSlotZone() ||
        (zone === Zone.Trust && (this.#story.wishes.trustChain !== undefined || this.#story.mayRepairTrust === true))
      : zone === Zone.BootControl;
    if (!allowed)
      this.#violates(
        4,
        `${kind} at ${offset} in zone ${zone} while ${this.#imageIsRunning ? "an image" : "the boot loader"} runs`,
      );
  }

  /** A change that the exokernel refused: the module wanted it all the same. */
  onDenied(kind: string, zone: number): void {
    this.#violates(
      4,
      `${kind} in zone ${zone} was refused: ${this.#imageIsRunning ? "an image" : "the boot loader"} may not change it`,
    );
  }

  #otherSlotZone(): number {
    return this.board.runningSlotZone === Zone.SlotA ? Zone.SlotB : Zone.SlotA;
  }

  /** Invariants 1 and 5, and that what is acted on is the fresh record. */
  #imageStarts(slot: number, digest: string): void {
    const { board, checker } = this;
    const image = this.#images.get(digest);
    const started = `slot ${"ab"[slot]} (${image?.name ?? digest.slice(0, 8)})`;
    this.trace?.line(`start ${started}`);
    this.transcript?.note(
      `start ${started}, watched for ${board.watchdogMs} ms: ${Buffer.from(board.bootInfo).toString("hex")}`,
    );
    if (!image) return this.#violates(1, `${started} was started, which nobody made`);
    const at = board.entryAddress;
    if (
      Buffer.compare(
        board.imageRam.subarray(at - this.#windowAddress, at - this.#windowAddress + image.payload.length),
        image.payload,
      ) !== 0
    )
      this.#violates(1, `the copy in RAM of ${started} is not the image's payload`);
    if (this.#story.inadmissible?.includes(image)) this.#violates(1, `${started} must not be started on this device`);
    const record = checker.newestRecord(board.ids);
    // One of a sector that fades each time need not be there any more.
    if (!record)
      return this.#logMayFade && this.#liar!.isForGood
        ? undefined
        : this.#violates(2, `${started} was started without any record`);
    const { state, tries } = record.slots[slot]!;
    const counter = securityCounterOf(image);
    if (counter < record.floor) this.#violates(1, `${started} is below the floor ${record.floor}`);
    if (record.floor < this.floor && !this.#logMayFade)
      this.#violates(5, `the floor fell from ${this.floor} to ${record.floor}`);
    if (!this.#logIsWorn) {
      if (record.active !== slot)
        this.#violates(2, `${started} was started while the newest record says slot ${"ab"[record.active]}`);
      if (state !== "candidate" && state !== "confirmed") this.#violates(1, `${started} was started in state ${state}`);
      if (record.slots[slot]!.digest !== digest)
        this.#violates(1, `${started} is not the image that boot control names`);
      if (record.bootCounter !== new DataView(board.bootInfo.buffer).getUint32(8, true))
        this.#violates(2, "the newest record is not the one that the loader acted on");
    }
    const before = this.#recordAtBoot;
    if (before && !this.#logIsWorn && record.bootCounter <= before.bootCounter)
      this.#violates(2, "no fresh record was appended before an image was started");
    this.#checkCounted(record, slot, started);
    if (this.#logWasLost) this.#checkRebuilt(record, slot, started);
    if (state === "candidate") {
      const allowed =
        before?.slots[slot]?.state === "candidate" && before.slots[slot]!.digest === digest
          ? before.slots[slot]!.tries - 1
          : undefined;
      if (allowed !== undefined && tries > allowed) this.#violates(3, `a try of ${started} was not recorded`);
      const isTryRecorded = tries === board.bootInfo[21];
      if (!isTryRecorded && !this.#logMayFade)
        this.#violates(3, `${started} was started and its try could not be recorded`);
      if (isTryRecorded && (record.flags & FLAG_CONTACT_FALLBACK) !== 0)
        this.#violates(3, `${started} was started, and the record says that it waits for the other image's contact`);
      if (board.watchdogMs === 0) this.#violates(3, `${started} was started unwatched`);
    }
    // Where boot control is worn out, the newest record need not be the one that was acted on.
    if (record.bootCounter === new DataView(board.bootInfo.buffer).getUint32(8, true))
      this.floor = Math.max(this.floor, record.floor);
  }

  /** Unclean boots: five in a row give way, nothing else does, and only a trap or the watchdog is one. */
  #checkCounted(record: BootRecord, slot: number, started: string): void {
    const before = this.#recordAtBoot;
    if (!before || this.#logIsWorn) return;
    const isUnclean = this.#bootReason === BootReason.Trap || this.#bootReason === BootReason.Watchdog;
    if (!isUnclean && record.uncleanBoots > before.uncleanBoots)
      this.#violates(2, `a boot for reason ${this.#bootReason} was counted as unclean`);
    record.slots.forEach(({ reason }, at) => {
      if (reason !== CRASHED_REPEATEDLY || before.slots[at]!.reason === CRASHED_REPEATEDLY) return;
      if (!isUnclean || before.uncleanBoots + 1 < UNCLEAN_BOOTS_MAX)
        this.#violates(2, `slot ${"ab"[at]} gave way after ${before.uncleanBoots} unclean boots`);
    });
    const other = record.slots[1 - slot]!;
    if (
      this.#unclean.slot === slot &&
      this.#unclean.runs >= UNCLEAN_BOOTS_MAX &&
      other.state === "confirmed" &&
      (record.flags & FLAG_YIELDED) === 0
    )
      this.#violates(
        2,
        `${started} was started again after ${this.#unclean.runs} runs that ended uncleanly, and the other slot is confirmed`,
      );
  }

  /** A log that was lost: of two images the newer is only guessed, so it is a candidate beside the older one. */
  #checkRebuilt(record: BootRecord, slot: number, started: string): void {
    if (this.#logIsWorn || this.#isRotten) return;
    const images = [0, 1].map((at) => this.checker.imageIn(this.board.ids, at));
    const [own, other] = [images[slot], images[1 - slot]];
    if (!own || !other || own.releaseSequence <= other.releaseSequence) return;
    if (record.slots[slot]!.state !== "candidate")
      this.#violates(2, `${started} was started as ${record.slots[slot]!.state} by a log that was made anew`);
    if (record.slots[1 - slot]!.state !== "confirmed")
      this.#violates(2, `beside ${started}, which is only guessed, nothing is confirmed`);
    if (record.floor > other.securityCounter)
      this.#violates(5, `the floor ${record.floor} of a log that was made anew refuses the other slot's image`);
  }

  get #windowAddress(): number {
    return this.board.imageWindowAddress;
  }

  #imageStops(): void {
    const running = this.#running;
    if (!running) return;
    const { first, end } = this.#zonePages[running.slot === 0 ? "slotA" : "slotB"];
    for (let page = first; page < end; page++)
      if (this.board.ids[page] !== running.before[page - first])
        return this.#violates(4, "the running slot changed while it ran");
    this.#running = undefined;
  }

  /** Invariant 2: what boot control calls confirmed is there. */
  #checkConfirmed(record: BootRecord): void {
    record.slots.forEach(({ state, digest }, slot) => {
      if (
        state === "confirmed" &&
        !this.#story.hasForgedSlot &&
        this.checker.imageIn(this.board.ids, slot)?.digest !== digest
      )
        this.#violates(2, `boot control calls slot ${"ab"[slot]} confirmed, and it does not hold that image`);
    });
  }

  /** Invariant 2: a trust record that can be relied on is there. */
  #checkTrust(record: BootRecord): void {
    if (this.checker.trust.goodVersion(this.board.ids, record.flags) === 0)
      this.#violates(2, "no copy of the trust record is known to be good");
  }

  /** Invariant 2: recovery is for a device on which no confirmed image reads back intact. */
  #checkRecovery(): void {
    const record = this.checker.newestRecord(this.board.ids);
    // With one slot rotten, the other one's image may crash for ever: recovery is for that, too. Runs of before the
    // last cut count as well: they stand in the record that this boot found or, where that reads unstably, in the one
    // that it made.
    const isUnclean = this.#bootReason === BootReason.Trap || this.#bootReason === BootReason.Watchdog;
    const before = this.#recordAtBoot;
    const counted = before ? before.uncleanBoots + 1 : (record?.uncleanBoots ?? 0);
    const crashesForEver = (slot: number): boolean =>
      isUnclean && (before ?? record)?.active === slot && counted >= UNCLEAN_BOOTS_MAX;
    const isOfUse = (slot: number): boolean =>
      (this.#unclean.slot !== slot || this.#unclean.runs < UNCLEAN_BOOTS_MAX) && !crashesForEver(slot);
    // "No trust record" is what recovery then says.
    if (
      this.#story.mayRecover ||
      this.#mayHaveLostBothCopies("trust") ||
      (this.#isRotten && record && !this.checker.bootableSlots(this.board.ids, record).some(isOfUse))
    )
      return;
    this.#violates(2, "no image was started: recovery");
  }

  #liesIn(sector: number, zone: ZoneName): boolean {
    const { offsetBytes, sizeBytes } = this.layout.zones[zone];
    const { sectorBytes } = this.layout;
    return sector >= offsetBytes / sectorBytes && sector < (offsetBytes + sizeBytes) / sectorBytes;
  }

  /** A record may read well now and not later: what raised the floor, too. */
  get #logMayFade(): boolean {
    return this.#hasLiedIn("bootControl") && this.#liar!.fades;
  }

  /** One copy read back well, power failed while the other was written, and the first has faded since. */
  #mayHaveLostBothCopies(zone: ZoneName): boolean {
    return this.#hasLiedIn(zone) && this.#liar!.fades && this.#cuts > 0;
  }

  #hasLiedIn(zone: ZoneName): boolean {
    return this.#liar !== undefined && this.#liesIn(this.#liar.sector, zone);
  }

  /** Boot control lies in a sector that fails: no fresh record can be expected. */
  get #logIsWorn(): boolean {
    return this.#liesIn(this.#wornSector, "bootControl") || this.#hasLiedIn("bootControl");
  }

  /** Invariants 2, 3, 5 and 6, when nothing more happens. */
  #checkRest(end: PowerUpEnd): void {
    const { board, checker, server } = this;
    const record = checker.newestRecord(board.ids);
    if (!record) return void (end === "settled" && this.#violates(2, "no record of boot control holds any more"));
    if (record.floor < this.floor && !this.#logMayFade)
      this.#violates(5, `the floor fell from ${this.floor} to ${record.floor}`);
    this.floor = Math.max(this.floor, record.floor);
    if (checker.bootableSlots(board.ids, record).length === 0 && !this.#story.mayRecover && !this.#isRotten)
      this.#violates(2, "no confirmed, admissible, whole image is left");
    const { floorAtEnd, trustAtEnd } = this.#story;
    if (
      end === "settled" &&
      trustAtEnd !== undefined &&
      this.#wornSector < 0 &&
      !this.#hasLiedIn("trust") &&
      !this.#hasLiedIn("bootControl")
    ) {
      const version = checker.trust.goodVersion(board.ids, record.flags);
      if (version !== trustAtEnd || !checker.trust.areEqual(board.ids))
        this.#violates(
          3,
          `the trust record is version ${version} in the end, and should be ${trustAtEnd} in both copies`,
        );
    }
    if (
      end === "settled" &&
      floorAtEnd !== undefined &&
      !this.#logIsWorn &&
      server.memory.outcome === this.#story.outcome &&
      record.floor !== floorAtEnd
    )
      this.#violates(5, `the floor is ${record.floor} in the end, and should be ${floorAtEnd}`);
    // What was confirmed may have faded since.
    const mayHaveFaded =
      (this.#wasOver && (this.#hasLiedIn("slotA") || this.#hasLiedIn("slotB") || this.#logMayFade)) ||
      (this.#logMayFade && this.#liar!.isForGood);
    if (
      server.memory.outcome === "confirmed" &&
      end === "settled" &&
      !(this.#story.endsOn && this.#logIsWorn) &&
      !mayHaveFaded
    ) {
      const image = this.#story.endsOn ?? this.#story.wishes.image;
      const slot = record.active;
      if (record.slots[slot]!.state !== "confirmed" || record.slots[slot]!.digest !== image?.digest)
        this.#violates(6, "the server believes that the device was updated, and its flash says otherwise");
    }
  }
}

/** Field 7 of the header (docs/image-format.md), found by its number. */
const counters = new WeakMap<CampaignImage, number>();
function securityCounterOf(image: CampaignImage): number {
  let counter = counters.get(image);
  if (counter === undefined) {
    const header = Buffer.from(image.header);
    counter = 0;
    for (let at = 8; at < header.length; at += 4 + ((header.readUInt16LE(at + 2) + 3) & ~3))
      if ((header.readUInt16LE(at) & 0x7fff) === 7) counter = header.readUInt32LE(at + 4);
    counters.set(image, counter);
  }
  return counter;
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
