// A device on the bench, the fleet's side, and the judge of the power-cut campaign beside both. Time goes by when
// `advance` is called. With the server in the tab, everything else follows from the seed and from what is done by hand:
// the same again does the same.

import { t } from "@lingui/core/macro";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { drawLeaves, type Leaves, wayOf, ways } from "@flipside/machine/faults/torn-operation";
import { zoneNames } from "@flipside/machine/factory/flash-layout";
import type { Outcome } from "@flipside/protocol/reference-server/outcome";
import type { End } from "../../../../power-cut/src/rig/device-under-test.ts";
import { Rig } from "../../../../power-cut/src/rig/rig.ts";
import type { Counters, FleetView, SlotView, Snapshot, TearChoice, TimelineEntry, UpdateView } from "../snapshot.ts";
import { BenchClock } from "./bench-clock.ts";
import { Damage, FLIPPED_BITS } from "./damage.ts";
import type { DamageableZone } from "./damageable-zones.ts";
import type { DemonstrationImage, MadeDevice } from "./demonstration.ts";
import type { Deployment, FleetConnection, FleetSide, KnownImage, RealFleetEvents } from "./fleet-side.ts";
import { type Flavour, layout } from "./geometry.ts";
import { beginsFor, loaderSays, meansOf } from "./loader-words.ts";
import { PageMap, pagesOf } from "./page-map.ts";
import { releaseKeysIn } from "./release-keys.ts";
import type { MakeSurroundings, Surroundings } from "./surroundings.ts";
import { TabDevice } from "./tab-device.ts";
import { inARow } from "../../words/listed.ts";
import { flavourWords, operationWords, tearWords, zoneWords } from "../words.ts";

const unknownSlot: SlotView = { state: "unknown", version: undefined, triesLeft: 0, why: undefined };

export class Bench {
  readonly clock: BenchClock;
  readonly device: TabDevice;
  readonly server: FleetSide;
  readonly counters: Counters = {
    powerCuts: 0,
    powerUps: 0,
    bricked: 0,
    violations: [],
    confirmed: 0,
    rolledBack: 0,
    refused: 0,
    operations: 0,
  };
  /** Called when a deployment is over, and when power is gone or nothing runs any more. */
  onOver: () => void = () => {};
  onOff: () => void = () => {};
  readonly #made: MadeDevice;
  readonly #offers: Surroundings["offers"];
  readonly #byDigest: Map<string, KnownImage>;
  readonly #random: SeededRandom;
  readonly #rig: Rig<undefined>;
  readonly #map: PageMap;
  readonly #damage = new Damage();
  #phase: Snapshot["phase"] = "off";
  #runningSlot: "a" | "b" | undefined;
  #slots = { a: unknownSlot, b: unknownSlot };
  #slotsAreStale = true;
  #violationsBefore = 0;
  #entries = 0;
  #timeline: TimelineEntry[] = [];
  #console: string[] = [];
  #touched: Snapshot["touched"] = [];
  #lastState = "";
  #trust: { chain: Uint8Array } | undefined;
  #fleet: FleetView | undefined;
  /** Fulfilled when the judge has done with the last power-up. */
  #judged: Promise<void> = Promise.resolve();

  /** `isReal`: time is moved as it goes by for people. `counters`: of devices before it. */
  constructor(
    made: MadeDevice,
    makeSurroundings: MakeSurroundings,
    readonly seed: number,
    { counters, isReal = false }: { counters?: Counters; isReal?: boolean } = {},
  ) {
    if (counters) this.counters = counters;
    this.clock = new BenchClock(isReal);
    if (isReal) this.#fleet = { connection: "none", sinceMs: Date.now() };
    this.#made = made;
    this.#random = new SeededRandom(seed);
    const { fleet, offers, openStreams, wallClockS, entropy } = makeSurroundings(
      this.#fleetEvents(),
      this.clock,
      this.#random,
    );
    this.server = fleet;
    this.#offers = offers;
    this.#byDigest = new Map([made.firstImage, ...(offers?.images ?? [])].map((image) => [image.digest, image]));
    const random = new SeededRandom(this.#random.next());
    this.device = new TabDevice(
      {
        bootModule: made.bootModule,
        rootKeys: made.rootKeys,
        flash: made.flash,
        host: { clock: this.clock, openStreams, wallClockS, entropy: (target) => entropy(target, random) },
        random,
      },
      {
        line: (line) => this.#line(line),
        loaderBegins: (reason) => this.#loaderBegins(reason),
        operation: (operation) => this.#operation(operation),
        off: (torn) => this.#off(torn),
        recovery: () => void (this.#phase = "recovery"),
      },
    );
    this.#map = new PageMap(this.device.cells.bytes);
    this.#rig = this.#newRig();
    const { version } = made.firstImage;
    this.#tell(
      "device",
      "idle",
      isReal
        ? t`A device leaves the factory: ${version} in slot A.`
        : t`A device leaves the factory: ${version} in slot A. Seed ${seed}.`,
    );
  }

  #fleetEvents(): RealFleetEvents {
    return {
      enrolled: () => this.#tell("server", "ok", t`The device proves its claim and is given its secret.`),
      checkedIn: (checkIn) => {
        if (this.#damage.defects.liar || this.#damage.defects.isRotten) this.#rig.judge.saysFloor(checkIn.floor);
        else this.#rig.checksIn(checkIn);
      },
      reported: ({ state }) => this.#reported(state),
      over: (deployment, outcome) => this.#over(deployment, outcome),
      offered: (image) => {
        this.#byDigest.set(image.digest, image);
        this.#rig.learns(image);
        this.#begins(image, t`by a rollout of the fleet`);
      },
      trusted: (chain) => this.#trusted(chain),
      // One to go back to the other slot's image, say.
      commanded: () => {
        this.#rig.deploymentBegins();
        this.#tell("server", "idle", t`A signed command comes.`);
      },
      connection: (state) => this.#connects(state),
    };
  }

  #newRig(): Rig<undefined> {
    const { server } = this;
    const { product, hardware, rootKeys, releaseKeys } = this.#made;
    const images = [...this.#byDigest.values()];
    const bench = this;
    const beside = {
      lastCheckIn: undefined,
      get trust() {
        return bench.#trust;
      },
      get deployment() {
        return server.deployment;
      },
      get outcome() {
        return server.outcome;
      },
    };
    const rig = new Rig<undefined>(this.device, beside, { layout, product, hardware, rootKeys, releaseKeys, images });
    rig.judge.onViolation = (text) => this.#violated(text);
    return rig;
  }

  // ---- what somebody does
  // --------------------------------------------------------------------------------------------------

  /** False: it is on, or the judge has not done with the last power-up. */
  powerOn(): boolean {
    if (this.device.isOn) return false;
    this.counters.powerUps++;
    this.#violationsBefore = this.counters.violations.length;
    this.#judged = this.#rig.powerUp(undefined, () => false).then((end) => this.#powerUpEnded(end));
    return true;
  }

  pull(): void {
    this.device.pull();
  }

  /** `operation`: of the kind, counted from 1. */
  pullAt(kind: "any" | "program" | "erase", tear: TearChoice, operation = 1): void {
    this.device.arm({ kind, operation, leaves: this.#leavesOf(tear), seed: this.#random.next() });
    if (operation > 1) return;
    const [next, what] = [operationWords[kind], tearWords[tear].what];
    this.#tell("hand", "idle", t`Power will go at the next ${next}; ${what}.`);
  }

  disarm(): void {
    this.device.arm(undefined);
  }

  /** Undefined: there is none any more. */
  nextImage(flavour: Flavour): DemonstrationImage | undefined {
    const running = this.server.lastCheckIn?.running.releaseSequence ?? 1;
    return this.#offers?.images.find((image) => image.releaseSequence === running + 1 && image.flavour === flavour);
  }

  /** False: one is under way, or there is none any more. */
  update(flavour: Flavour): boolean {
    const image = this.nextImage(flavour);
    if (!image || (this.server.deployment && !this.server.result)) return false;
    this.#offers!.deploy(image);
    this.#begins(image, flavourWords[flavour].what);
    return true;
  }

  #begins({ version }: KnownImage, what: string): void {
    this.#rig.deploymentBegins();
    this.#lastState = "";
    this.#tell("server", "busy", t`Version ${version} is offered: ${what}.`);
  }

  /** The judge goes by it, too. */
  #trusted(chain: Uint8Array): void {
    this.#trust = { chain };
    for (const key of releaseKeysIn(chain)) this.#rig.judge.checker.learnReleaseKey(key);
    this.#tell("server", "idle", t`The server hands over a newer trust record.`);
  }

  #connects(state: FleetConnection): void {
    this.#fleet = { connection: state, sinceMs: Date.now() };
    const said = connectionWords[state];
    if (said !== undefined) this.#tell("device", said.tone, said.text);
  }

  flipBits(zone: DamageableZone): void {
    const page = this.#damage.flip(zone, this.device.cells, this.#random);
    this.#map.damaged(page);
    const place = zoneWords[zone].label;
    this.#damaged(t`${FLIPPED_BITS} bits flip in ${place}, page ${page}.`);
  }

  wearOut(zone: DamageableZone): void {
    const sector = this.#damage.wearOut(zone, this.device.cells, this.#random);
    if (sector === undefined) return;
    const place = zoneWords[zone].label;
    this.#damaged(t`A sector of ${place} is worn out: it takes no erase and no program any more.`);
  }

  #damaged(text: string): void {
    this.#rig.defects = this.#damage.defects;
    this.device.readFlash();
    // What somebody did to the slot that runs was not done by what runs in it.
    if (this.#runningSlot) this.#rig.judge.imageRuns(this.#runningSlot === "a" ? 0 : 1);
    this.#slotsAreStale = true;
    this.#tell("hand", "warn", text);
    if (this.#damage.isVouchedFor) return;
    this.#tell(
      "judge",
      "idle",
      t`More than one sector is damaged: the campaign promises nothing of that, and the judge counts no more.`,
    );
  }

  #leavesOf(tear: TearChoice): Leaves {
    if (tear === "drawn") return drawLeaves(this.#random);
    if (tear !== "unstable") return wayOf[tear];
    const unstable = (kind: "program" | "erase") => ways[kind].find(({ name }) => /unstable/.test(name))!;
    return { program: unstable("program"), erase: unstable("erase") };
  }

  /** Resolves when the judge has done with what is over. */
  judged(): Promise<void> {
    return this.#judged;
  }

  // ---- time
  // ----------------------------------------------------------------------------------------------------------

  /**
   * Lets the device's time go on by at most `us`, until `operationsMax` operations of flash were done or `isLate`.
   * Returns how many there were.
   */
  advance(us: number, operationsMax: number, isLate: () => boolean): number {
    const { clock, device } = this;
    const { operations } = device.cells;
    const untilUs = clock.waitedUs + us;
    while (device.isOn && device.cells.operations - operations < operationsMax && !isLate())
      if (!clock.runNext(untilUs)) {
        clock.advance(Math.max(0, untilUs - clock.waitedUs));
        break;
      }
    this.#map.settle();
    return device.cells.operations - operations;
  }

  // ---- what is seen
  // -----------------------------------------------------------------------------------------------------

  /** What is new in it is told once. */
  snapshot(isAuto: boolean): Snapshot {
    this.#refreshSlots();
    const { device, counters } = this;
    const [touched, timeline, lines] = [this.#touched, this.#timeline, this.#console];
    this.#touched = [];
    this.#timeline = [];
    this.#console = [];
    return {
      isOn: device.isOn,
      phase: this.#phase,
      kinds: this.#map.kinds.slice(),
      touched,
      wornSectors: [...device.cells.wornSectors].map((offset) => offset / layout.sectorBytes),
      runningSlot: this.#runningSlot,
      slots: this.#slots,
      update: this.#updateView(),
      nextVersion: this.nextImage("healthy")?.version,
      factoryVersion: this.#made.firstImage.version,
      fleet: this.#fleet,
      counters: { ...counters, violations: [...counters.violations] },
      isArmed: device.armed !== undefined,
      isVouchedFor: this.#damage.isVouchedFor,
      seed: this.seed,
      isAuto,
      timeline,
      console: lines,
    };
  }

  #updateView(): UpdateView | undefined {
    const { deployment, result, lastReport, chunksFetched } = this.server;
    if (!deployment) return undefined;
    const { version, chunkCount } = deployment.image;
    const reported = lastReport?.state ?? "offered";
    const isFetched = chunksFetched !== undefined && reported === "offered";
    return {
      version,
      state: result?.state ?? (isFetched ? "downloading" : reported),
      chunksDone: chunksFetched ?? 0,
      chunksTotal: chunkCount,
      isOver: result !== undefined,
    };
  }

  #refreshSlots(): void {
    if (!this.#slotsAreStale) return;
    this.#slotsAreStale = false;
    const record = this.#rig.judge.checker.newestRecord(this.device.readFlash().ids);
    const of = (slot: 0 | 1): SlotView => {
      const { state, tries, reason, digest } = record!.slots[slot];
      const version = state === "empty" ? undefined : this.#byDigest.get(digest)?.version;
      return { state, version, triesLeft: tries, why: reason === 0 ? undefined : meansOf(reason) };
    };
    // Blank boot control is the factory's state.
    if (record) this.#slots = { a: of(0), b: of(1) };
  }

  // ---- what the device does
  // -------------------------------------------------------------------------------------------------

  #line(line: string): void {
    this.#console.push(line);
    const start = /starting slot ([ab])$/.exec(line);
    if (start) {
      this.#phase = "image";
      this.#runningSlot = start[1] as "a" | "b";
    }
    const crash = /^crash: (.*)$/.exec(line)?.[1];
    if (crash !== undefined) this.#tell("device", "warn", t`What ran has crashed: ${crash}.`);
    const said = loaderSays(line, (slot, digits) => {
      this.#slotsAreStale = true;
      this.#refreshSlots();
      const image = [...this.#byDigest.values()].find(({ digest }) => digest.startsWith(digits));
      const { state, triesLeft } = this.#slots[slot];
      return { version: image?.version ?? t`an unknown image`, state, triesLeft };
    });
    if (said) this.#tell("loader", said.tone, said.text, true);
  }

  #loaderBegins(reason: number): void {
    this.#phase = "loader";
    this.#runningSlot = undefined;
    const why = beginsFor(reason);
    this.#tell("loader", "idle", t`The loader runs: ${why}. It looks at boot control and seals a fresh record.`);
  }

  #operation(operation: FlashOperation): void {
    this.counters.operations++;
    this.clock.takeTimeFor(operation);
    this.#map.begins(operation);
    for (const page of pagesOf(operation.offset, operation.length))
      this.#touched.push({ page, isErase: operation.kind === "erase" });
    if (zoneOf(operation.offset) === "bootControl") this.#slotsAreStale = true;
  }

  #off(torn: FlashOperation | undefined): void {
    this.counters.powerCuts++;
    this.#phase = "off";
    this.#runningSlot = undefined;
    this.#slotsAreStale = true;
    if (torn) this.#map.torn(torn);
    this.#map.settle();
    this.#tell("power", "bad", torn ? cutAt(torn) : t`The power is pulled, between two operations of flash.`);
  }

  #powerUpEnded(end: End): void {
    const isWrong = this.counters.violations.length > this.#violationsBefore;
    if ((end === "recovery" || end === "off") && isWrong && this.#damage.isVouchedFor) this.counters.bricked++;
    this.onOff();
  }

  #reported(state: string): void {
    if (state === this.#lastState) return;
    this.#lastState = state;
    const version = this.server.deployment!.image.version;
    const text = reportWords[state]?.(version);
    if (text !== undefined) this.#tell("device", "busy", text);
  }

  #over({ image }: Deployment, { state, code }: Outcome): void {
    const { counters } = this;
    if (state === "confirmed") counters.confirmed++;
    else if (state === "rolled-back") counters.rolledBack++;
    else counters.refused++;
    this.device.readFlash();
    if (!this.#damage.defects.liar) this.#rig.judge.rests(true, state);
    const said = outcomeWords[state](image.version);
    this.#tell("server", state === "confirmed" ? "ok" : "warn", code === 0 ? said : inARow(said, meansOf(code)));
    this.onOver();
  }

  #violated(text: string): void {
    if (!this.#damage.isVouchedFor) return;
    this.counters.violations.push(text);
    this.#tell("judge", "bad", t`Does not hold: ${text}`);
  }

  #tell(who: TimelineEntry["who"], tone: TimelineEntry["tone"], text: string, isDecision = false): void {
    const atMs = Math.floor(this.clock.nowUs() / 1000);
    this.#timeline.push({ number: ++this.#entries, atMs, who, tone, text, isDecision });
  }
}

const reportWords: Record<string, (version: string) => string> = {
  downloading: (version) => t`${version} is fetched, chunk by chunk: each is verified before it is programmed.`,
  verifying: (version) => t`All of ${version} is there. It is verified once more, from flash.`,
  installed: (version) => t`${version} is recorded as a candidate: from here on the loader will try it.`,
  testing: (version) => t`${version} runs and is on trial: self-test, a healthy app, and the server reached by proof.`,
};

const outcomeWords: Record<Outcome["state"], (version: string) => string> = {
  confirmed: (version) => t`A check-in proves it: ${version} runs and is confirmed.`,
  "rolled-back": (version) => t`${version} did not prove itself, and the device went back by itself.`,
  failed: (version) => t`${version} could not be installed.`,
  rejected: (version) => t`The device refuses ${version}.`,
};

const connectionWords: Partial<Record<FleetConnection, { tone: TimelineEntry["tone"]; text: string }>> = {
  proven: {
    tone: "ok",
    text: t`It is connected to the fleet: server and device have proved themselves to each other.`,
  },
  lost: { tone: "warn", text: t`The connection to the fleet is lost. It tries again by itself.` },
  refused: { tone: "warn", text: t`The fleet's server lets the device in no further. It tries again by itself.` },
};

const zoneOf = (offset: number) =>
  zoneNames.find((name) => {
    const { offsetBytes, sizeBytes } = layout.zones[name];
    return offset >= offsetBytes && offset < offsetBytes + sizeBytes;
  })!;

const cutAt = ({ kind, offset, length }: FlashOperation): string => {
  const place = zoneWords[zoneOf(offset)].label;
  const [sector, page] = [offset / layout.sectorBytes, Math.floor(offset / layout.pageBytes)];
  return kind === "erase"
    ? t`Power is cut at an erase in ${place} (sector ${sector}).`
    : t`Power is cut at a program of ${length} bytes in ${place} (page ${page}).`;
};
