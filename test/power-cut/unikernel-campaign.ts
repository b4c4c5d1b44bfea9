// Seeded power cuts on the unikernel itself: real loader, real image, real protocol, in QEMU, with a flash driver that
// tears the operation at which power goes. Each case follows from the seed of the run and its own number.

import { BOOT_RECORD_STRIDE_BYTES, ErrorCode } from "@flipside/image-format";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { tears } from "@flipside/machine/faults/torn-operation";
import type { DriverCut } from "@flipside/machine/qemu/fault-plan";
import { moveNewestRecord } from "./flash-contents.ts";
import type { UpdateImage } from "./images.ts";
import { playCase, settledOn } from "../../apps/power-cut/src/rig/play-case.ts";
import { type Snapshot, UnikernelHost, UnikernelRig } from "./unikernel-host.ts";
import { openUnikernelWorkshop, type UnikernelWorkshop } from "./unikernel-images.ts";

/** What a case is about, and how many of 20 cases are. */
const shares = {
  "first-start": 1,
  "first-update": 7,
  "second-update": 3,
  "turnover-update": 3,
  "crashing-update": 4,
  "spoilt-update": 2,
} as const;
export type StoryName = keyof typeof shares;
export const storyNames = Object.keys(shares) as StoryName[];
const CUTS_MAX = 3;
/** An update takes six pages of the boot-control log, so its sector is full in the middle of one. */
const PAGES_LEFT = 4;

interface Story {
  start: Snapshot;
  image: UpdateImage | undefined;
  /** As ScriptedServer.outcome says it. */
  outcome: string | undefined;
  /** How many it takes without a cut. */
  operations: number;
}

export interface UnikernelCase {
  story: StoryName;
  cuts: DriverCut[];
}

export interface UnikernelFailure {
  /** Replays it: `--case` of unikernel-main.ts. */
  case: UnikernelCase;
  violations: string[];
  /** The last console lines. */
  console: string[];
}

export interface UnikernelCampaignOptions {
  /** Cuts to make. */
  cuts: number;
  /** Counted from the number of this case on. */
  seed: number;
  /** Unikernels side by side. Default: 2. */
  jobs?: number;
  /** Play these alone instead of what the seed says. */
  cases?: UnikernelCase[];
  onProgress?: (done: { cuts: number; powerUps: number; failures: number; seconds: number }) => void;
  /** No case begins after this (as Date.now()). */
  deadline?: number;
  say?: (step: string) => void;
}

export interface UnikernelCampaignResult {
  seed: number;
  cases: number;
  /** Made: a cut whose operation never came is none. */
  cuts: number;
  powerUps: number;
  /** Devices that came to nothing: recovery, or a power-up without a cut that did not end. */
  bricks: number;
  /** All that did not hold, bricks among them. */
  violations: number;
  /** Without building. */
  seconds: number;
  cutsByTear: Record<string, number>;
  cutsByStory: Record<string, number>;
  failures: UnikernelFailure[];
}

export async function runUnikernelCampaign(options: UnikernelCampaignOptions): Promise<UnikernelCampaignResult> {
  const workshop = await openUnikernelWorkshop(options.say ? { say: options.say } : {});
  const began = performance.now();
  const hosts = await Promise.all(Array.from({ length: options.jobs ?? 2 }, () => UnikernelHost.open(workshop)));
  const result: UnikernelCampaignResult = {
    seed: options.seed,
    cases: 0,
    cuts: 0,
    powerUps: 0,
    bricks: 0,
    violations: 0,
    seconds: 0,
    cutsByTear: {},
    cutsByStory: {},
    failures: [],
  };
  const seconds = (): number => Math.round((performance.now() - began) / 100) / 10;
  try {
    const stories = await rehearse(hosts[0]!, workshop, options.say ?? (() => {}));
    let number = 0;
    const next = (): UnikernelCase | undefined => {
      if (options.deadline !== undefined && Date.now() > options.deadline) return undefined;
      if (options.cases) return options.cases[number++];
      return result.cuts < options.cuts ? caseOf(options.seed, number++, stories) : undefined;
    };
    await Promise.all(
      hosts.map(async (host) => {
        for (let played = next(); played; played = next()) {
          const { start, image, outcome } = stories[played.story];
          const rig = await UnikernelRig.insert(host, start, image, played.cuts[0]!.seed);
          const made = await playCase(rig, outcome, played.cuts);
          result.cases++;
          result.cuts += made.length;
          result.powerUps += rig.powerUps;
          for (const cut of made) count(result.cutsByTear, cut.leavesMarginal ? `marginal ${cut.tear}` : cut.tear);
          count(result.cutsByStory, played.story, made.length);
          if (rig.violations.length > 0) {
            result.violations += rig.violations.length;
            if (rig.violations.some((text) => /no image was started: recovery|nothing came of/.test(text)))
              result.bricks++;
            result.failures.push({
              case: played,
              violations: rig.violations,
              console: host.unikernel.console.slice(-40),
            });
          }
          options.onProgress?.({
            cuts: result.cuts,
            powerUps: result.powerUps,
            failures: result.failures.length,
            seconds: seconds(),
          });
        }
      }),
    );
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
  }
  result.seconds = seconds();
  return result;
}

function count(counts: Record<string, number>, name: string, by = 1): void {
  counts[name] = (counts[name] ?? 0) + by;
}

/** Runs each story once without a cut: what it starts from, and how many operations it takes. */
async function rehearse(
  host: UnikernelHost,
  workshop: UnikernelWorkshop,
  say: (step: string) => void,
): Promise<Record<StoryName, Story>> {
  const story = async (
    name: StoryName,
    start: Snapshot,
    image: UpdateImage | undefined,
    outcome: string | undefined,
  ): Promise<Story & { left: Snapshot }> => {
    const rig = await UnikernelRig.insert(host, start, image, 1);
    const end = await rig.powerUp(undefined, settledOn(rig));
    if (end !== "settled" || rig.server.outcome !== outcome || rig.violations.length > 0) {
      throw new Error(
        `without any cut ${name} ends ${end}, ${rig.server.outcome}, not ${outcome}: ${rig.violations.join("; ")}\n${host.unikernel.console.slice(-30).join("\n")}`,
      );
    }
    say(`${name} takes ${rig.operations.length} flash operations`);
    return { start, image, outcome, operations: rig.operations.length, left: rig.snapshot };
  };
  const factory: Snapshot = { flash: await workshop.factory(host.front.port), secrets: [] };
  const firstStart = await story("first-start", factory, undefined, undefined);
  const enrolled = firstStart.left;
  const firstUpdate = await story("first-update", enrolled, workshop.good, "confirmed");
  const updated = firstUpdate.left;
  const nearlyFull: Snapshot = { ...updated, flash: updated.flash.slice() };
  moveNewestRecord(
    workshop.layout,
    nearlyFull.flash,
    workshop.layout.sectorBytes / BOOT_RECORD_STRIDE_BYTES - PAGES_LEFT,
  );
  return {
    "first-start": firstStart,
    "first-update": firstUpdate,
    // Both slots and the journal are in use, and the floor has risen: the other direction.
    "second-update": await story("second-update", updated, workshop.next, "confirmed"),
    "turnover-update": await story("turnover-update", nearlyFull, workshop.next, "confirmed"),
    "crashing-update": await story("crashing-update", updated, workshop.crashing, "rolled-back"),
    "spoilt-update": await story(
      "spoilt-update",
      updated,
      workshop.spoilt,
      `rejected with code ${ErrorCode.ChunkMismatch}`,
    ),
  };
}

/** Case `number` of the run with this seed. */
export function caseOf(
  seed: number,
  number: number,
  stories: Record<StoryName, Pick<Story, "operations">>,
): UnikernelCase {
  const random = new SeededRandom(new SeededRandom((seed ^ Math.imul(number, 0x9e3779b1)) >>> 0).next());
  const story = random.pick(storyNames.flatMap((name) => Array.from({ length: shares[name] }, () => name)));
  const cuts = Array.from({ length: 1 + random.below(CUTS_MAX) }, (_, n): DriverCut => {
    // Recovery begins with boot control, so half of the later cuts come there.
    const operation = 1 + random.below(n > 0 && random.below(2) === 0 ? 4 : stories[story].operations);
    const cutSeed = random.next();
    if (random.below(4) > 0) return { operation, tear: random.pick(tears), seed: cutSeed };
    return { operation, tear: random.pick(["nothing", "everything"]), seed: cutSeed, leavesMarginal: true };
  });
  return { story, cuts };
}
