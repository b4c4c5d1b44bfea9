// The agent's looks at its image: on trial, confirmed, or here because a candidate had no contact; with an app, a
// server, a noise source and a flash that come and go. What it does is what a plain reading of docs/architecture.md,
// "Trial", and of docs/boot-control.md, "Contact fallback" and "Floor", says, record by record.
//
// Input: eight bytes of what it begins with (Begins), then steps of four bytes: u8 what (Step), u8 a, u16 b
// (little-endian).

import { ErrorCode, FLAG_RAISE_FLOOR, SlotState } from "@flipside/image-format";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { Exo, Zone } from "@flipside/machine/abi";
import { agentGrants } from "@flipside/machine/grants";
import { newestRecord } from "../../power-cut/flash-contents.ts";
import { assemblyEntry, compileForFuzzing, type Patch } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { type OpenTarget, type Target, Violation } from "../engine/target.ts";
import { FUEL } from "./boot-loader.ts";
import { BOOT_COUNTER, putBooted, slotContent } from "./booted-device.ts";
import { DeviceHost, Left } from "./device-host.ts";
import { layout, makeImage } from "./device-images.ts";
import { stepsIn } from "./steps.ts";
import {
  type App,
  type Begins,
  confirmDeadlineUs,
  contactDeadlineUs,
  Health,
  Noise,
  saidBy,
  textOf,
  TrialModel,
} from "./trial-model.ts";

const BEGINS_BYTES = 8;
const STEP_BYTES = 4;
const STEPS_MAX = 40;
const LOOK_US = 250_000;
/** What of loader and flash does not agree at the start. */
const enum Odd {
  Magic = 1,
  Sector,
  Page,
  Digest,
  SlotUnreadable,
  SlotA,
  SlotB,
  BootControl,
  NoRecord,
  NoInfo,
  NewerRecord,
  Count,
}
const enum Step {
  Looks,
  Time,
  App,
  Server,
  BootControlTakes,
  Unreadable,
  Noise,
  Ask,
  Count,
}

/** The zone whose geometry the host does not tell. */
const closedZones: Record<number, number> = {
  [Odd.SlotA]: Zone.SlotA,
  [Odd.SlotB]: Zone.SlotB,
  [Odd.BootControl]: Zone.BootControl,
};

const counters = [1, 2, 3];

const begins = ({
  odd = 0,
  isTrial = false,
  isFallback = false,
  slot = 0,
  counter = 2,
  raisesFloor = false,
  other = SlotState.Confirmed,
  otherCounter = 1,
  floor = 1,
  unclean = 0,
  tries = 2,
  noise = 0,
}: Begins): number[] => [
  odd,
  Number(isTrial) | (Number(isFallback) << 1) | (slot << 2) | (Number(raisesFloor) << 3),
  counter - 1,
  other,
  otherCounter - 1,
  floor,
  unclean,
  tries | (noise << 4),
];

function beginsOf(input: Uint8Array): Required<Begins> {
  const [odd = 0, bits = 0, counter = 0, other = 0, otherCounter = 0, floor = 0, unclean = 0, rest = 0] = input;
  return {
    odd: odd % Odd.Count,
    isTrial: (bits & 1) !== 0,
    isFallback: (bits & 2) !== 0,
    slot: (bits >> 2) & 1,
    raisesFloor: (bits & 8) !== 0,
    counter: counters[counter % 3]!,
    other: other % 4,
    otherCounter: counters[otherCounter % 3]!,
    floor: floor % 4,
    unclean: unclean % 6,
    tries: rest % 4,
    noise: (rest >> 4) % 3,
  };
}

// ---- steps, for seeds
// -----------------------------------------------------------------------------------------------------

const step = (what: Step, a = 0, b = 0): number[] => [what, a, b & 255, b >> 8];
const looks = (count = 4): number[] => step(Step.Looks, count - 1);
/** That much time goes by, and then comes one look. */
const time = (seconds: number, ms = 0): number[] => step(Step.Time, ms, seconds);
const app = (health: Health, nameBytes = 5): number[] => step(Step.App, health, nameBytes);
const noReport = step(Step.App, 128);
const proven = (is = true): number[] => step(Step.Server, Number(is));
const records = (how: "taken" | "refused" | "erased and refused"): number[] =>
  step(Step.BootControlTakes, ["taken", "refused", "erased and refused"].indexOf(how));
const unreadable = (selfTest: boolean, other: boolean): number[] =>
  step(Step.Unreadable, Number(selfTest) | (Number(other) << 1));
const noise = (is: Noise): number[] => step(Step.Noise, is);
const ask = (a: number, b = 0): number[] => step(Step.Ask, a, b);

function scenes(): [Begins, ...number[][]][] {
  const others = [SlotState.Empty, SlotState.Candidate, SlotState.Confirmed, SlotState.Failed];
  const good = [app(Health.Healthy), proven()];
  return [
    // Confirmed, with each floor, and with each other slot.
    ...others.flatMap((other) =>
      [1, 2, 3].flatMap((otherCounter) =>
        [false, true].map((raisesFloor): [Begins, ...number[][]] => [
          { isTrial: true, other, otherCounter, raisesFloor },
          looks(),
          ...good,
          looks(8),
        ]),
      ),
    ),
    ...others.map((other): [Begins, ...number[][]] => [
      { other, otherCounter: 3, floor: 0, counter: 1 },
      ...good,
      looks(),
      unreadable(false, true),
      looks(),
    ]),
    ...[0, 1, 2, 3].map((floor): [Begins, ...number[][]] => [
      { floor, otherCounter: 2 },
      ...good,
      looks(),
      ask(0, 1),
      ask(0, 2),
    ]),
    [{ floor: 0, counter: 1 }, unreadable(false, true), ...good, looks(3), unreadable(false, false), looks(3)],
    [{ floor: 0, counter: 1, isTrial: true }, unreadable(false, true), ...good, looks(3)],
    [
      { otherCounter: 2 },
      ...good,
      records("refused"),
      looks(3),
      records("taken"),
      looks(2),
      time(59),
      time(1),
      looks(3),
    ],
    [
      { otherCounter: 2, other: SlotState.Failed },
      ask(0, 2),
      ask(0, 3),
      proven(),
      app(Health.Unhealthy),
      looks(),
      app(Health.Healthy),
      looks(),
    ],
    [
      { otherCounter: 2 },
      proven(),
      app(Health.Unhealthy),
      looks(),
      app(Health.Unknown),
      looks(),
      app(Health.Healthy),
      looks(),
    ],
    // The app's reports.
    [
      { isTrial: true },
      app(Health.Healthy),
      looks(),
      app(Health.Unhealthy),
      looks(8),
      app(Health.Healthy),
      looks(2),
      app(Health.Unhealthy),
      looks(11),
      app(Health.Healthy),
      looks(),
      proven(),
      looks(),
    ],
    [
      { isTrial: true },
      app(Health.Unhealthy),
      looks(8),
      app(Health.Unknown),
      looks(1),
      app(Health.Unhealthy),
      looks(14),
    ],
    [
      { isTrial: true },
      app(Health.Healthy, 15),
      looks(1),
      app(Health.Healthy, 16),
      looks(1),
      app(Health.Healthy, 17),
      looks(1),
      app(Health.Healthy, 255),
      looks(1),
      noReport,
      looks(),
      app(Health.Healthy, 0),
      looks(1),
    ],
    [{ isTrial: true }, looks(20), app(Health.Healthy), looks(8)],
    [{ isTrial: true }, app(Health.Healthy), time(5, 200), app(Health.Unknown), time(0, 200), looks(8)],
    // Self-test and noise.
    [{ isTrial: true }, unreadable(true, false), looks(1)],
    [{ isTrial: true }, looks(1), unreadable(true, false), ...good, looks()],
    [{ isTrial: true, noise: 1 }, ...good, looks()],
    [{ isTrial: true, noise: 2 }, ...good, looks(8), noise(Noise.Good), looks(16)],
    [{ isTrial: true, noise: 2 }, ...good, looks(30)],
    [{ isTrial: true }, noise(Noise.FailedHealth), app(Health.Healthy), looks(), time(61), proven(), looks()],
    [
      { isTrial: true, other: SlotState.Empty },
      app(Health.Healthy),
      noise(Noise.Absent),
      time(61),
      looks(2),
      time(3),
      looks(),
    ],
    [{}, ask(1, 0), ask(1, 1), ask(1, 2), unreadable(true, false), ask(1, 5)],
    // Contact in time, late, too late, and never.
    ...others.map((other): [Begins, ...number[][]] => [
      { isTrial: true, other },
      app(Health.Healthy),
      looks(),
      time(58),
      looks(8),
      proven(),
      looks(8),
    ]),
    ...others.map((other): [Begins, ...number[][]] => [
      { isTrial: true, other, tries: 0 },
      app(Health.Healthy),
      looks(1),
      proven(),
      time(70),
      looks(8),
    ]),
    ...others.map((other): [Begins, ...number[][]] => [
      { isTrial: true, other, slot: 1 },
      app(Health.Healthy),
      looks(1),
      records("refused"),
      time(61),
      looks(8),
      time(58),
      looks(8),
      records("taken"),
      looks(),
      proven(),
      time(130),
      looks(8),
    ]),
    [
      { isTrial: true, unclean: 3 },
      ...good,
      records("erased and refused"),
      looks(3),
      records("taken"),
      time(55),
      looks(3),
      time(10),
      looks(8),
    ],
    [{ isTrial: true }, ...good, records("refused"), looks(3), time(59), looks(8), time(2), looks()],
    [{ isTrial: true }, app(Health.Unhealthy), records("refused"), looks(16)],
    // The old image, which looks for contact.
    [{ isFallback: true, other: SlotState.Candidate }, looks(), proven(), looks(3), app(Health.Healthy), looks()],
    [{ isFallback: true, other: SlotState.Candidate, slot: 1 }, looks(), time(298), looks(16)],
    [
      { isFallback: true, other: SlotState.Candidate },
      records("refused"),
      proven(),
      looks(3),
      time(30),
      looks(3),
      records("taken"),
      looks(3),
      time(31),
      looks(3),
    ],
    [
      { isFallback: true, other: SlotState.Candidate },
      records("refused"),
      time(300),
      looks(3),
      proven(),
      looks(3),
      records("taken"),
      time(60),
      looks(3),
    ],
    // Unclean boots.
    ...[1, 2, 3, 4, 5].map((unclean): [Begins, ...number[][]] => [
      { unclean },
      app(Health.Healthy),
      ...(unclean === 5 ? [time(57_600), time(57_599)] : [time(3_600 * 2 ** unclean - 2)]),
      looks(8),
      looks(8),
    ]),
    [
      { unclean: 1 },
      app(Health.Unhealthy),
      time(7_201),
      looks(),
      app(Health.Healthy),
      records("refused"),
      looks(3),
      time(30),
      records("taken"),
      looks(3),
      time(60),
      looks(),
    ],
    // Loader and flash don't agree.
    ...Array.from({ length: Odd.Count }, (_, odd): [Begins, ...number[][]] => [
      { odd, isTrial: odd % 2 === 0 },
      ...good,
      looks(),
    ]),
    [{ odd: Odd.NewerRecord, otherCounter: 2 }, ...good, looks()],
  ];
}

export const trial: OpenTarget = async (patches: Patch[] = []): Promise<Target> => {
  const fuzzed = await compileForFuzzing(assemblyEntry("trial"), 2, patches);
  const host: DeviceHost = new DeviceHost(layout, () => instance, agentGrants);
  let nowUs = 0;
  let odd = 0;
  let model!: TrialModel;
  let report: App | undefined;
  let noiseIs: Noise = Noise.Good;
  let takes = 0;
  let attempts = 0;
  let reads: number[] = [];
  let phases: number[] = [];
  let record = "";
  let entropyState = 0;
  const refuses = (zone: number, isErase: boolean): boolean => {
    if (zone !== Zone.BootControl) throw new Violation(`zone ${zone} is changed, which a trial has nothing to do with`);
    attempts++;
    return takes === 1 || (takes === 2 && !isErase);
  };
  const slotZone = (slot: number): number => (slot === 0 ? Zone.SlotA : Zone.SlotB);
  const imports = (): Record<string, (...args: never[]) => unknown> => {
    const plain = host.imports as unknown as Record<string, (...args: number[]) => number | bigint>;
    const calls: Record<string, (...args: number[]) => number | bigint> = {
      ...plain,
      clock_us: () => BigInt(nowUs),
      flash_geometry: (zone, out) => (zone === closedZones[odd] ? Exo.Io : plain.flash_geometry!(zone!, out!)),
      flash_read: (zone, offset, ptr, length) => {
        reads.push(zone!);
        const isSelfTest = zone === Zone.BootControl && length === 16 && offset === 0;
        const { slot } = model.begins;
        if (
          (isSelfTest && !model.selfTestReads) ||
          (zone === slotZone(1 - slot) && !model.otherReads) ||
          (odd === Odd.SlotUnreadable && zone === slotZone(slot))
        )
          return Exo.Io;
        return plain.flash_read!(zone!, offset!, ptr!, length!);
      },
      flash_program: (zone, offset, ptr, length, durability) =>
        refuses(zone!, false) ? Exo.Io : plain.flash_program!(zone!, offset!, ptr!, length!, durability!),
      flash_erase: (zone, offset) => (refuses(zone!, true) ? Exo.Io : plain.flash_erase!(zone!, offset!)),
      boot_info: (ptr, length) => (odd === Odd.NoInfo ? Exo.Absent : plain.boot_info!(ptr!, length!)),
      boot_phase: (phase) => (phases.push(phase!), Exo.Ok),
      entropy: (ptr, length) => {
        if (noiseIs === Noise.Absent) return Exo.Again;
        for (let i = 0; i < length!; i++)
          instance.memory[(ptr! >>> 0) + i] =
            noiseIs === Noise.Good ? (entropyState = (Math.imul(entropyState, 1664525) + 1013904223) >>> 0) >>> 24 : 0;
        return 0;
      },
      app_report: (out) => {
        if (!report) return Exo.Absent;
        const { ticks, health, metric, nameBytes } = report;
        instance.memory.fill(0x61, out! >>> 0, (out! >>> 0) + 32);
        [ticks, health, metric, nameBytes].forEach((word, i) =>
          instance.view.setInt32((out! >>> 0) + 4 * i, word, true),
        );
        return Exo.Ok;
      },
    };
    return calls as Record<string, (...args: never[]) => unknown>;
  };
  const instance: FuzzInstance = new FuzzInstance(fuzzed, imports);
  const begin = instance.save();
  const { exports: calls } = instance;

  const deadlines = { confirmDeadlineMs: confirmDeadlineUs / 1000, contactDeadlineMs: contactDeadlineUs / 1000 };
  const running = await Promise.all(
    [0, FLAG_RAISE_FLOOR].flatMap((flags) =>
      counters.map((securityCounter) =>
        makeImage(`running ${securityCounter} ${flags}`, { securityCounter, flags, ...deadlines }),
      ),
    ),
  );
  const others = await Promise.all(
    counters.map((securityCounter) => makeImage(`other ${securityCounter}`, { securityCounter })),
  );
  const runningSlots = running.map(slotContent);
  const otherSlots = others.map(slotContent);

  /** The device as the loader leaves it to its image. */
  const prepare = (from: Required<Begins>): void => {
    const { slot, counter, raisesFloor, other, otherCounter, isTrial, isFallback, floor, unclean, tries } = from;
    const info = putBooted(host, {
      slot,
      isTrial,
      isFallback,
      tries,
      reason: isTrial ? ErrorCode.Crashed : 0,
      floor,
      uncleanBoots: unclean,
      running: runningSlots[counter - 1 + (raisesFloor ? 3 : 0)]!,
      other: otherSlots[otherCounter - 1]!,
      otherState: other,
    });
    if (odd === Odd.NoRecord) host.zone("bootControl").fill(0xff);
    if (odd === Odd.Magic) info[3]! ^= 1;
    if (odd === Odd.NewerRecord) info.writeUInt32LE(BOOT_COUNTER - 1, 8);
    if (odd === Odd.Digest) info[24 + 31]! ^= 1;
    info[56] = Number(odd === Odd.Sector);
    info[60] = Number(odd === Odd.Page);
  };

  const check = (): void => {
    const { app, deployment } = model;
    const now = {
      isOnTrial: calls.isOnTrial!(),
      isRecorded: calls.isRecorded!(),
      ticks: calls.ticks!() >>> 0,
      health: calls.health!(),
      metric: calls.metric!(),
      nameBytes: calls.metricNameBytes!(),
      hasChanged: calls.hasChanged!(),
      state: calls.deploymentState!(),
      code: calls.deploymentCode!(),
      isDirty: calls.isDirty!(),
      phases,
    };
    const expected = {
      isOnTrial: Number(model.isOnTrial),
      isRecorded: Number(odd !== Odd.NewerRecord && !model.isPaused(nowUs)),
      ...app,
      hasChanged: Number(model.isChanged),
      state: deployment.state,
      code: deployment.code,
      isDirty: Number(deployment.isDirty),
      phases: model.phases,
    };
    for (const [name, value] of Object.entries(expected)) {
      const got = now[name as keyof typeof now];
      if (JSON.stringify(got) !== JSON.stringify(value))
        throw new Violation(`${name} is ${JSON.stringify(got)}, and should be ${JSON.stringify(value)}`);
    }
  };
  const recordNow = (): string => {
    const newest = newestRecord(layout, host.flash);
    return newest ? textOf(saidBy(newest, model.begins.slot)) : "nothing";
  };
  const checkFlash = (): void => {
    // What was not asked for is as it was.
    if (attempts > 0) record = recordNow();
    const expected = textOf(model.said);
    if (record !== expected) throw new Violation(`boot control says ${record}, and should say ${expected}`);
    if (attempts > 0 !== model.tried > 0)
      throw new Violation(
        attempts > 0 ? "flash is changed, and nothing is to be" : "flash is not changed, and something is to be",
      );
    if (!model.isSelfTested && model.wanted === 0 && reads.includes(Zone.BootControl))
      throw new Violation("boot control is read, and nothing of it is to be changed");
    if (reads.filter((zone) => zone === slotZone(1 - model.begins.slot)).length !== model.manifests)
      throw new Violation("the other slot is read when it need not be, or is not when it is to be");
    if (reads.includes(slotZone(model.begins.slot))) throw new Violation("the running slot is read again");
  };

  const look = (): boolean => {
    attempts = 0;
    phases = [];
    const noise = calls.noise!(BigInt(nowUs));
    reads = [];
    const expected = model.look(nowUs, report, noise);
    let reset: number | undefined;
    try {
      const again = calls.look!(BigInt(nowUs)) as unknown as bigint;
      if (again !== BigInt(nowUs + LOOK_US)) throw new Violation(`the next look is in ${again - BigInt(nowUs)} us`);
    } catch (error) {
      if (!(error instanceof Left)) throw error;
      reset = error.value;
    }
    if (reset !== expected) throw new Violation(`reset ${reset ?? "none"}, and should be ${expected ?? "none"}`);
    checkFlash();
    if (reset !== undefined) return false;
    check();
    return true;
  };

  return {
    name: "trial",
    instance,
    inputBytesMax: BEGINS_BYTES + STEP_BYTES * STEPS_MAX,
    share: 0.001,
    seeds: scenes().map(([from, ...steps]) => Uint8Array.from([...begins(from), ...steps.flat()])),
    dictionary: [],
    mutate(draft, random: SeededRandom) {
      const { bytes } = draft;
      if (draft.length < BEGINS_BYTES) bytes.fill(0, draft.length, BEGINS_BYTES);
      const count = Math.max(0, Math.floor((draft.length - BEGINS_BYTES) / STEP_BYTES));
      draft.length = BEGINS_BYTES + count * STEP_BYTES;
      if (count === 0 || random.below(3) === 0) {
        const at = random.below(BEGINS_BYTES);
        bytes[at] = [
          random.below(4) === 0 ? random.below(Odd.Count) : 0,
          random.below(16),
          random.below(3),
          random.below(4),
          random.below(3),
          random.below(4),
          random.below(6),
          random.below(48),
        ][at]!;
        return;
      }
      const at = BEGINS_BYTES + STEP_BYTES * random.below(count);
      const what = random.below(Step.Count);
      const a =
        what === Step.Looks
          ? random.below(16)
          : what === Step.App
            ? random.pick([0, 1, 1, 2, 2, 128])
            : random.below(4);
      const b =
        what === Step.Time ? random.pick([0, 1, 2, 3, 6, 30, 60, 120, 300, 3_600, 7_200, 65_535]) : random.below(20);
      bytes.set(step(what, a, b), at);
    },
    run(input) {
      const from = beginsOf(input);
      ({ odd } = from);
      model = new TrialModel(from);
      nowUs = 1_000_000;
      report = undefined;
      noiseIs = from.noise;
      takes = 0;
      entropyState = 1;
      prepare(from);
      instance.restore(begin);
      instance.begin(FUEL);
      const agrees = odd === 0 || odd === Odd.NewerRecord;
      if (calls.start!(Number(from.isTrial || from.isFallback)) !== Number(agrees))
        throw new Violation(
          agrees
            ? "the agent does not go on from what the loader says"
            : "the agent goes on, and what the loader says is not so",
        );
      if (!agrees) return;
      record = recordNow();
      for (const [what = 0, a = 0, low = 0, high = 0] of stepsIn(input, BEGINS_BYTES, STEP_BYTES)) {
        const b = low | (high << 8);
        switch (what % Step.Count) {
          case Step.Looks:
            for (let left = 1 + (a % 64); left > 0; left--) {
              nowUs += LOOK_US;
              if (!look()) return;
            }
            break;
          case Step.Time:
            nowUs += b * 1_000_000 + a * 1_000;
            if (!look()) return;
            break;
          case Step.App:
            report = a & 128 ? undefined : { ticks: b, health: a % 3, metric: -b, nameBytes: b & 255 };
            break;
          case Step.Server:
            model.isProven = (a & 1) !== 0;
            calls.prove!(a & 1);
            break;
          case Step.BootControlTakes:
            takes = a % 3;
            model.takesRecords = takes === 0;
            break;
          case Step.Unreadable:
            model.selfTestReads = (a & 1) === 0;
            model.otherReads = (a & 2) === 0;
            break;
          case Step.Noise:
            noiseIs = a % 3;
            break;
          default:
            if ((a & 1) === 0) {
              // Of a confirmed image only: it is asked nowhere else.
              if (model.isOnTrial) break;
              attempts = model.tried = 0;
              const expected = model.raiseFloor(nowUs, b);
              if (calls.raiseFloor!(b) !== Number(expected))
                throw new Violation(
                  expected
                    ? "something is left to be done about the floor, and nothing should be"
                    : "nothing is left to be done about the floor, and something should be",
                );
              reads = [];
              model.manifests = 0;
              checkFlash();
            } else {
              const usual = nowUs;
              nowUs = b;
              const passes = calls.selfTest!();
              nowUs = usual;
              if (passes !== Number(b > 0 && model.selfTestReads))
                throw new Violation(
                  passes ? "the self-test passes, with a clock or a flash that does not work" : "the self-test fails",
                );
            }
        }
      }
    },
  };
};
