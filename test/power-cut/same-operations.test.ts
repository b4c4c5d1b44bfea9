// The simulation is evidence about the device as far as both do the same: for the same story the unikernel in QEMU and
// the Node host do the same flash operations in the same order, and after the same power cut they recover by the same
// ones.
//
// Both get the same flash layout and images of the same geometry: headers and payloads of equal length. What the images
// hold differs (RISC-V code, WebAssembly), and so does all that names them by digest; so kind, offset and length are
// compared between the hosts, and the data of each host with its own image.

import { BOOT_RECORD_STRIDE_BYTES, slotParts } from "@flipside/image-format";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unikernelTarget } from "@flipside/machine/factory/targets";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { tears, wayOf } from "@flipside/machine/faults/torn-operation";
import type { DriverCut } from "@flipside/machine/qemu/fault-plan";
import { crc32, type RecordedOperation } from "@flipside/machine/qemu/operation-record";
import { moveNewestRecord } from "./flash-contents.ts";
import { openWorkshop, type UpdateImage, type Workshop } from "./images.ts";
import { settledOn } from "../../apps/power-cut/src/rig/play-case.ts";
import { NodeRig } from "./node-rig.ts";
import { type Snapshot, UnikernelHost, UnikernelRig } from "./unikernel-host.ts";
import { openUnikernelWorkshop, unikernelDeadlines, type UnikernelWorkshop } from "./unikernel-images.ts";

const seed = seedOfRun();
console.log(`seed ${seed} (FLIPSIDE_SEED=${seed} replays)`);
const CUT_STORIES = 8;
/** Of the boot-control log's sector, where it is to turn over in the middle of an update. */
const PAGES_LEFT = 4;
/**
 * What these leave does not depend on what an image holds. A neighbour that is hurt may be a 0 in one image already.
 */
const comparableTears = tears.filter((tear) => tear !== "neighbours");

type ImageName = "good" | "next" | "crashing";
interface Played {
  /** Of each power-up. */
  operations: RecordedOperation[][];
  ends: string[];
  outcome: string | undefined;
  left: Snapshot;
}

/**
 * What the device does behind the check-in by which the server knows how it ended, such as a log that turns over, one
 * host may have done by then and the other not yet; at the next check-in both have.
 */
function settledAndQuiet(rig: Parameters<typeof settledOn>[0]): () => boolean {
  const isSettled = settledOn(rig);
  let known: unknown;
  return () => {
    if (!isSettled()) return false;
    known ??= rig.beside.lastCheckIn;
    return rig.beside.lastCheckIn !== known;
  };
}

/** One host: plays a story on a device, with a cut in the first power-up if there is one. */
interface Host {
  factory: Snapshot;
  image(name: ImageName): UpdateImage;
  play(
    start: Snapshot,
    image: ImageName | undefined,
    cut: Omit<DriverCut, "seed"> | undefined,
    rigSeed: number,
  ): Promise<Played>;
}

let onQemu: UnikernelHost | undefined;
const hosts = {} as Record<"unikernel" | "node", Host>;

function onNode(workshop: Workshop): Host {
  return {
    factory: { flash: workshop.factory, secrets: [] },
    image: (name) => workshop[name],
    async play(start, image, cut, rigSeed) {
      const rig = new NodeRig(workshop, rigSeed, start.flash, start.secrets);
      if (image)
        rig.server.deployment = { id: workshop[image].digest.slice(0, 20), attempt: 1, image: workshop[image] };
      const played: Omit<Played, "outcome" | "left"> = { operations: [], ends: [] };
      for (const armed of cut
        ? [{ operation: cut.operation, leaves: wayOf[cut.tear], reading: "as-new" as const }, undefined]
        : [undefined]) {
        played.ends.push(await rig.powerUp(armed, settledAndQuiet(rig)));
        played.operations.push(
          rig.operations.map(({ kind, offset, length, data }) => ({
            kind,
            offset,
            length,
            crc: data ? crc32(data) : 0,
          })),
        );
      }
      expect(rig.violations).toEqual([]);
      return {
        ...played,
        outcome: rig.server.outcome,
        left: { flash: rig.device.flashBytes.slice(), secrets: rig.server.secrets },
      };
    },
  };
}

async function onUnikernel(workshop: UnikernelWorkshop, on: UnikernelHost): Promise<Host> {
  return {
    factory: { flash: await workshop.factory(on.front.port), secrets: [] },
    image: (name) => workshop[name],
    async play(start, image, cut, rigSeed) {
      const rig = await UnikernelRig.insert(on, start, image && workshop[image], rigSeed);
      const played: Omit<Played, "outcome" | "left"> = { operations: [], ends: [] };
      // The seed that Rig gives its first cut.
      for (const armed of cut ? [{ ...cut, seed: new SeededRandom(rigSeed).next() }, undefined] : [undefined]) {
        played.ends.push(await rig.powerUp(armed, settledAndQuiet(rig)));
        played.operations.push([...on.operations]);
      }
      expect(rig.violations).toEqual([]);
      return { ...played, outcome: rig.server.outcome, left: rig.snapshot };
    },
  };
}

beforeAll(async () => {
  const { length } = (await openUnikernelWorkshop()).good.payload;
  const workshop = await openUnikernelWorkshop({ payloadBytes: length });
  onQemu = await UnikernelHost.open(workshop);
  hosts.unikernel = await onUnikernel(workshop, onQemu);
  // The name of its hardware is as long as the unikernel's, so that headers are.
  const hardwareName = "virt-node";
  expect(hardwareName).toHaveLength(unikernelTarget.hardwareName.length);
  hosts.node = onNode(
    await openWorkshop({ layout: unikernelLayout, hardwareName, payloadBytes: length, deadlines: unikernelDeadlines }),
  );
}, 300_000);

afterAll(() => onQemu?.close());

/** An operation as it is compared; `P 00812000 4096`. */
const shown = ({ kind, offset, length }: RecordedOperation): string =>
  `${kind === "erase" ? "E" : "P"} ${offset.toString(16).padStart(8, "0")} ${length}`;
const shownAll = (played: Played): string[][] => played.operations.map((operations) => operations.map(shown));

/** Programs of a slot that are not what `image` has there. */
async function foreignPrograms(operations: RecordedOperation[], image: UpdateImage): Promise<string[]> {
  const { slotA, slotB } = unikernelLayout.zones;
  const parts = await slotParts(image.file, unikernelLayout.sectorBytes);
  return operations.flatMap((operation) => {
    const slot = [slotA, slotB].find(
      ({ offsetBytes, sizeBytes }) => operation.offset >= offsetBytes && operation.offset < offsetBytes + sizeBytes,
    );
    if (!slot || operation.kind === "erase") return [];
    const at = operation.offset - slot.offsetBytes;
    const part = parts.find(({ offset, bytes }) => at >= offset && at + operation.length <= offset + bytes.length);
    const expected = part && crc32(part.bytes.subarray(at - part.offset, at - part.offset + operation.length));
    return expected === operation.crc ? [] : [shown(operation)];
  });
}

const stories = [
  { name: "first start and enrolment", start: "factory", image: undefined, outcome: undefined },
  {
    name: "update from slot A to B, confirmed, floor raised",
    start: "first start and enrolment",
    image: "good",
    outcome: "confirmed",
  },
  {
    name: "update from slot B to A, confirmed",
    start: "update from slot A to B, confirmed, floor raised",
    image: "next",
    outcome: "confirmed",
  },
  {
    name: "update in which the log turns over",
    start: "update from slot A to B, confirmed, floor raised",
    image: "next",
    outcome: "confirmed",
  },
  {
    name: "update that crashes and is rolled back",
    start: "update from slot A to B, confirmed, floor raised",
    image: "crashing",
    outcome: "rolled-back",
  },
] as const;

/** By story: what it started from on each host, and how it went without a cut. */
const rehearsed = new Map<string, Record<keyof typeof hosts, { start: Snapshot; played: Played }>>();

describe("without a power cut", () => {
  test.each(stories)(
    "$name: both hosts do the same operations",
    { timeout: 240_000 },
    async ({ name, start, image, outcome }) => {
      const entry = {} as Record<keyof typeof hosts, { start: Snapshot; played: Played }>;
      for (const host of ["unikernel", "node"] as const) {
        const from =
          start === "factory" ? hosts[host].factory : structuredClone(rehearsed.get(start)![host].played.left);
        if (name === "update in which the log turns over")
          moveNewestRecord(
            unikernelLayout,
            from.flash,
            unikernelLayout.sectorBytes / BOOT_RECORD_STRIDE_BYTES - PAGES_LEFT,
          );
        entry[host] = { start: from, played: await hosts[host].play(from, image, undefined, 1) };
      }
      rehearsed.set(name, entry);
      const { unikernel, node } = entry;
      expect([unikernel.played.outcome, node.played.outcome]).toEqual([outcome, outcome]);
      expect(unikernel.played.operations[0]!.length).toBeGreaterThan(5);
      expect(shownAll(unikernel.played)).toEqual(shownAll(node.played));
      if (name === "update in which the log turns over")
        expect(shownAll(unikernel.played)[0]).toContain("E 00040000 262144");
      if (!image) return;
      for (const host of ["unikernel", "node"] as const)
        expect(await foreignPrograms(entry[host].played.operations.flat(), hosts[host].image(image))).toEqual([]);
      console.log(`${name}: ${unikernel.played.operations[0]!.length} operations, the same on both hosts`);
    },
  );
});

describe("after the same power cut", () => {
  const random = new SeededRandom(seed);
  test.each(
    Array.from({ length: CUT_STORIES }, (_, i) => ({
      i,
      story: random.pick(stories),
      share: random.next() / 2 ** 32,
      tear: random.pick(comparableTears),
      rigSeed: random.next(),
    })),
  )(
    "$i: $story.name, torn: $tear: both hosts recover by the same operations",
    { timeout: 240_000 },
    async ({ story, share, tear, rigSeed }) => {
      const entry = rehearsed.get(story.name)!;
      const operation = 1 + Math.floor(share * entry.node.played.operations[0]!.length);
      const replay = `FLIPSIDE_SEED=${seed}: ${story.name}, operation ${operation}, ${tear}`;
      const [unikernel, node] = [
        await hosts.unikernel.play(entry.unikernel.start, story.image, { operation, tear }, rigSeed),
        await hosts.node.play(entry.node.start, story.image, { operation, tear }, rigSeed),
      ];
      expect([unikernel.ends, unikernel.outcome], replay).toEqual([["cut", "settled"], story.outcome]);
      expect([node.ends, node.outcome], replay).toEqual([["cut", "settled"], story.outcome]);
      expect(shownAll(unikernel), replay).toEqual(shownAll(node));
    },
  );
});
