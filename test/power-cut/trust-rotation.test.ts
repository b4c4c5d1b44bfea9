// A new trust record reaches a device: what it takes and refuses, and that power may fail at every flash operation of
// it. FLIPSIDE_SEED=… replays a run.

import {
  BOOT_FLAG_TRUST_A_IN_FLUX,
  BOOT_FLAG_TRUST_B_IN_FLUX,
  buildTrustChain,
  ErrorCode,
  type SigningKey,
  type TrustKeys,
} from "@flipside/image-format";
import { beforeAll, describe, expect, it } from "vitest";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import { everySingleCut, seedFor } from "./campaign.ts";
import { cutAtProgram, drawCut } from "./chosen-cuts.ts";
import { newestRecord } from "./flash-contents.ts";
import { keyOf } from "../../apps/power-cut/src/stories/images.ts";
import { openWorkshop, type UpdateImage, type Workshop } from "./images.ts";
import { NodeRig } from "./node-rig.ts";
import type { Cut } from "../../apps/power-cut/src/rig/device-under-test.ts";

const seed = seedOfRun();
const AGAIN_CASES = Number(process.env["FLIPSIDE_CASES"] ?? 60);
const IN_FLUX = BOOT_FLAG_TRUST_A_IN_FLUX | BOOT_FLAG_TRUST_B_IN_FLUX;

let workshop: Workshop;
/** The factory's device after its enrolment. */
let enrolled: { flash: Uint8Array; secrets: string[] };
/**
 * 1 is the factory's; 2 adds `second`; 3 revokes the first release key and has new roots; 4 to 7 add spare keys, and
 * are long.
 */
let chains: { version: number; chain: Uint8Array }[];
let bySecond: UpdateImage;
const second = keyOf("second release");
const otherRoot = keyOf("other root");
const thirdRoot = keyOf("third root");

const link = (trustVersion: number, roots: SigningKey[], release: SigningKey[], rootThreshold = 1): TrustKeys => ({
  trustVersion,
  rootThreshold,
  rootKeys: roots.map((key) => key.publicKey),
  releaseKeys: release.map((key) => key.publicKey),
  operationsKeys: [workshop.keys.operations.publicKey],
});

const spares = (role: string, count: number): SigningKey[] =>
  Array.from({ length: count }, (_, i) => keyOf(`spare ${role} ${i}`));

beforeAll(async () => {
  workshop = await openWorkshop();
  const { root, release } = workshop.keys;
  const links = [
    { trust: link(1, [root], [release]), signedBy: [root.privateJwk] },
    { trust: link(2, [root], [release, second]), signedBy: [root.privateJwk] },
    { trust: link(3, [otherRoot, thirdRoot], [second], 2), signedBy: [root.privateJwk] },
    ...Array.from({ length: 4 }, (_, i) => ({
      trust: link(4 + i, [otherRoot, thirdRoot, ...spares("root", 6)], [second, ...spares("release", 7)], 2),
      signedBy: [otherRoot.privateJwk, thirdRoot.privateJwk, ...spares("root", 6).map((key) => key.privateJwk)],
    })),
  ];
  chains = await Promise.all(
    links.map(async (_, i) => ({ version: i + 1, chain: await buildTrustChain(links.slice(0, i + 1)) })),
  );
  bySecond = await workshop.signedBy(second, 4);
  const rig = rigOn({ flash: workshop.factory, secrets: [] }, "enrol");
  expect(await rig.powerUp(undefined, () => rig.server.lastCheckIn !== undefined)).toBe("settled");
  enrolled = { flash: rig.device.flashBytes.slice(), secrets: rig.server.secrets };
}, 240_000);

function rigOn(
  start: { flash: Uint8Array; secrets: string[] },
  name: string,
  keys: { releaseKeys?: readonly Uint8Array[] } = {},
): NodeRig {
  return new NodeRig(workshop, seedFor(name), start.flash, start.secrets, {
    images: bySecond ? [bySecond] : [],
    ...keys,
  });
}

const hasVersion = (rig: NodeRig) => (): boolean => rig.server.lastCheckIn?.trust === rig.server.trust?.version;

/** What flash holds of both copies of the chain, and whether one of them is in flux. */
function inFlash(rig: NodeRig): { copies: boolean[]; inFlux: number } {
  const { trust } = workshop.layout.zones;
  const { chain } = rig.server.trust!;
  const copies = [0, 1].map((copy) => {
    const at = trust.offsetBytes + copy * workshop.layout.sectorBytes;
    return Buffer.compare(rig.device.flashBytes.subarray(at, at + chain.length), chain) === 0;
  });
  return { copies, inFlux: newestRecord(workshop.layout, rig.device.flashBytes)!.flags & IN_FLUX };
}

const both = { copies: [true, true], inFlux: 0 };

async function rotate(rig: NodeRig, version: number): Promise<void> {
  rig.server.trust = chains[version - 1]!;
  expect(await rig.powerUp(undefined, hasVersion(rig))).toBe("settled");
  expect(inFlash(rig)).toEqual(both);
}

async function install(rig: NodeRig, image: UpdateImage): Promise<string | undefined> {
  rig.server.deployment = { id: image.digest.slice(0, 20), attempt: 1, image };
  expect(await rig.powerUp(undefined, () => rig.server.outcome !== undefined)).toBe("settled");
  return rig.server.outcome;
}

describe("a new trust record", () => {
  it("is taken with all its links at once, stands in both copies, and its keys hold from then on", async () => {
    const rig = rigOn(enrolled, "rotation");
    expect(await install(rig, bySecond)).toBe(`rejected with code ${ErrorCode.SignatureUnknownKey}`);
    await rotate(rig, 2);
    rig.server.deployment = undefined;
    // Under another id: the device has said no to the first.
    rig.server.deployment = { id: "again", attempt: 1, image: bySecond };
    expect(await rig.powerUp(undefined, () => rig.server.outcome !== undefined)).toBe("settled");
    expect(rig.server.outcome).toBe("confirmed");

    await rotate(rig, 7);
    expect(rig.device.console.join("\n")).toContain("no fallback");
    const revoked = await workshop.signedBy(workshop.keys.release, 5);
    expect(await install(rig, revoked)).toBe(`rejected with code ${ErrorCode.SignatureUnknownKey}`);
    expect(rig.violations).toEqual([]);
  });

  it("holds in the same session in which it came", async () => {
    const rig = rigOn(enrolled, "same session");
    rig.server.trust = chains[1]!;
    rig.server.deployment = { id: "offered-before", attempt: 1, image: bySecond };
    // The offer follows the record on the same connection.
    expect(await rig.powerUp(undefined, () => rig.server.outcome !== undefined)).toBe("settled");
    expect([rig.server.outcome, inFlash(rig), rig.violations]).toEqual(["confirmed", both, []]);
  });

  it("decides what the boot loader starts: the other slot's image of a revoked key no more, its own at once", async () => {
    const rig = rigOn(enrolled, "loader");
    rig.server.trust = chains[1]!;
    expect(await install(rig, bySecond)).toBe("confirmed");
    await rotate(rig, 3);
    // Without boot control the loader looks at both slots itself, and says what it found good.
    const flash = rig.device.flashBytes.slice();
    const { offsetBytes, sizeBytes } = workshop.layout.zones.bootControl;
    flash.fill(0, offsetBytes, offsetBytes + sizeBytes);
    const inForce = { releaseKeys: [second.publicKey] };
    const rebuilt = rigOn({ flash, secrets: rig.server.secrets }, "loader rebuilt", inForce);
    expect(await rebuilt.powerUp(undefined, () => rebuilt.server.lastCheckIn !== undefined)).toBe("settled");
    expect(rebuilt.server.lastCheckIn).toMatchObject({
      trust: 3,
      bootControl: "rebuilt",
      running: { slot: "b", digest: bySecond.digest, state: "confirmed" },
      other: { slot: "a", state: "empty" },
    });
    expect([rig.violations, rebuilt.violations]).toEqual([[], []]);
  });

  it("that names no signer of the running image is refused, and is taken once another image runs", async () => {
    const rig = rigOn(enrolled, "would refuse");
    rig.server.trust = chains[2]!;
    expect(await rig.powerUp(undefined, () => rig.server.lastCheckIn?.trustRefused !== undefined)).toBe("settled");
    expect(rig.server.lastCheckIn).toMatchObject({
      trust: 1,
      trustRefused: { version: 3, code: ErrorCode.TrustWouldRefuseImage },
    });
    // The one before it is taken in the same run, and says nothing of the one that was refused.
    rig.server.onCheckIn = (checkIn) => (rig.server.trust = chains[checkIn.trustRefused ? 1 : 2]!);
    expect(await rig.powerUp(undefined, () => rig.server.lastCheckIn?.trust === 2)).toBe("settled");
    expect(rig.server.lastCheckIn).toMatchObject({
      trustRefused: { version: 3, code: ErrorCode.TrustWouldRefuseImage },
    });
    rig.server.onCheckIn = () => {};
    expect(await install(rig, bySecond)).toBe("confirmed");
    await rotate(rig, 3);
    expect(rig.server.lastCheckIn?.trustRefused).toBeUndefined();
    expect(rig.violations).toEqual([]);
  });

  it("does not come between a candidate and its trial", async () => {
    const rig = rigOn(enrolled, "trial");
    rig.server.deployment = { id: "good", attempt: 1, image: workshop.good };
    // Offered all the time from the first check-in after the reset on, that is, while the candidate is on trial.
    rig.server.onCheckIn = (checkIn) => {
      if (checkIn.running.digest === workshop.good.digest) rig.server.trust ??= chains[1]!;
      if (checkIn.running.state === "candidate" && checkIn.trust !== 1)
        rig.violations.push("a candidate took the record");
    };
    expect(await rig.powerUp(undefined, () => rig.server.trust !== undefined && hasVersion(rig)())).toBe("settled");
    expect([rig.server.outcome, inFlash(rig), rig.violations]).toEqual(["confirmed", both, []]);
  });

  it.each([
    [
      "is not signed by the roots before it",
      ErrorCode.TrustRecordInvalid,
      0,
      async () => forge(link(2, [workshop.keys.root], [second]), [otherRoot]),
    ],
    ["is of another line, though its signatures hold", ErrorCode.TrustForked, 4, async () => fork()],
    ["is an older one", ErrorCode.TrustNotNewer, 1, async () => chains[0]!.chain],
    [
      "has bytes after its end",
      ErrorCode.TrustRecordInvalid,
      0,
      async () => Buffer.concat([chains[2]!.chain, Buffer.alloc(4)]),
    ],
    ["is cut short", ErrorCode.TrustRecordInvalid, 0, async () => chains[2]!.chain.slice(0, -4)],
    ["is nothing at all", ErrorCode.TrustRecordInvalid, 0, async () => new Uint8Array(0)],
    [
      "is too long",
      ErrorCode.TrustRecordInvalid,
      0,
      async () => Buffer.concat([chains[2]!.chain, Buffer.alloc(8800 - chains[2]!.chain.length)]),
    ],
  ])("that %s is refused", async (_, code, version, make) => {
    const rig = rigOn(enrolled, "refused");
    await rotate(rig, 2);
    const before = rig.device.flashBytes.slice();
    rig.server.trust = { version: 99, chain: await make() };
    expect(await rig.powerUp(undefined, () => rig.server.lastCheckIn?.trustRefused !== undefined)).toBe("settled");
    expect(rig.server.lastCheckIn).toMatchObject({ trust: 2, trustRefused: { version, code } });
    const { offsetBytes, sizeBytes } = workshop.layout.zones.trust;
    expect(
      Buffer.compare(
        rig.device.flashBytes.subarray(offsetBytes, offsetBytes + sizeBytes),
        before.subarray(offsetBytes, offsetBytes + sizeBytes),
      ),
    ).toBe(0);
    expect(rig.violations).toEqual([]);
  });
});

async function forge(trust: TrustKeys, signedBy: SigningKey[]): Promise<Uint8Array> {
  const { root, release } = workshop.keys;
  return buildTrustChain([
    { trust: link(1, [root], [release]), signedBy: [root.privateJwk] },
    { trust, signedBy: signedBy.map((key) => key.privateJwk) },
    { trust: link(3, [otherRoot], [second]), signedBy: [otherRoot.privateJwk] },
  ]);
}

/** The first root, revoked or stolen, makes a line of its own from the first link on. */
function fork(): Promise<Uint8Array> {
  const { root, release } = workshop.keys;
  return buildTrustChain(
    [1, 2, 3, 4].map((version) => ({
      trust: link(version, [root], version === 1 ? [release] : [release, otherRoot]),
      signedBy: [root.privateJwk],
    })),
  );
}

describe("a copy of the trust chain that rots", () => {
  const rot = (flash: Uint8Array, copy: number): void => {
    const at = workshop.layout.zones.trust.offsetBytes + copy * workshop.layout.sectorBytes;
    flash.fill(0, at + 40, at + 44);
  };

  it.each([0, 1])("copy %d: the other one counts, and it is written anew", async (copy) => {
    const rig = rigOn(enrolled, "rot");
    await rotate(rig, 2);
    const flash = rig.device.flashBytes.slice();
    rot(flash, copy);
    const rotten = rigOn({ flash, secrets: rig.server.secrets }, `rot ${copy}`);
    rotten.server.trust = chains[1]!;
    expect(await rotten.powerUp(undefined, hasVersion(rotten))).toBe("settled");
    expect([inFlash(rotten), rotten.violations]).toEqual([both, []]);
  });

  it("is no loss while the other one is in flux and reads well: that one counts, and is written last", async () => {
    const rig = rigOn(enrolled, "flux and rot");
    const start = workshop.layout.zones.trust.offsetBytes;
    rig.server.trust = chains[1]!;
    // Power goes when the first copy has just been programmed, before the log says that it is good.
    const rehearsal = rigOn(enrolled, "flux and rot");
    rehearsal.server.trust = chains[1]!;
    await rehearsal.powerUp(undefined, hasVersion(rehearsal));
    const written = rehearsal.operations.findIndex(
      ({ kind, offset }) =>
        kind === "program" && offset >= start && offset < start + workshop.layout.zones.trust.sizeBytes,
    );
    expect(await rig.powerUp(cutAtProgram(written + 1, "complete.0", "as-new"), () => false)).toBe("cut");
    const inFlux = inFlash(rig).inFlux === BOOT_FLAG_TRUST_A_IN_FLUX ? 0 : 1;
    const flash = rig.device.flashBytes.slice();
    rot(flash, 1 - inFlux);
    const rotten = rigOn({ flash, secrets: rig.server.secrets }, "flux and rot 2");
    rotten.server.trust = chains[1]!;
    expect(await rotten.powerUp(undefined, hasVersion(rotten))).toBe("settled");
    expect(inFlash(rotten)).toEqual(both);
    // The only case in which both flags stand: neither copy is known to be good.
    expect(rotten.violations).toEqual([
      "invariant 2: no copy of the trust record is known to be good",
      `invariant 4: trust copy ${inFlux === 0 ? "b" : "a"} changes while the flags are ${IN_FLUX}`,
      `invariant 4: trust copy ${inFlux === 0 ? "b" : "a"} changes while the flags are ${IN_FLUX}`,
    ]);
  });
});

describe("a device that loses power while it takes a new trust record", () => {
  /** One link more, in one page of flash; and five links more at once, in two pages. */
  const rotations: [name: string, from: number, to: number][] = [
    ["from 1 to 2", 1, 2],
    ["from 2 to 7", 2, 7],
  ];

  async function startOf(from: number): Promise<{ flash: Uint8Array; secrets: string[] }> {
    const rig = rigOn(enrolled, `start ${from}`);
    if (from > 1) {
      rig.server.trust = chains[from - 1]!;
      expect(await install(rig, bySecond)).toBe("confirmed");
    }
    return { flash: rig.device.flashBytes.slice(), secrets: rig.server.secrets };
  }

  /** Its flash operations without a cut. */
  async function rehearse(
    name: string,
    start: { flash: Uint8Array; secrets: string[] },
    to: number,
  ): Promise<readonly FlashOperation[]> {
    const rig = rigOn(start, name);
    rig.server.trust = chains[to - 1]!;
    expect(await rig.powerUp(undefined, hasVersion(rig))).toBe("settled");
    return rig.operations;
  }

  async function play(
    name: string,
    start: { flash: Uint8Array; secrets: string[] },
    to: number,
    cuts: Cut[],
  ): Promise<string[]> {
    const rig = rigOn(start, name);
    rig.server.trust = chains[to - 1]!;
    let made = 0;
    for (const cut of cuts) if ((await rig.powerUp(cut, hasVersion(rig))) === "cut") made++;
    if (made === 0) rig.violations.push("the cut did not come");
    for (let n = 0; n < 2; n++) {
      if ((await rig.powerUp(undefined, hasVersion(rig))) !== "settled")
        rig.violations.push(`the record never came: version ${rig.server.lastCheckIn?.trust}`);
      const found = inFlash(rig);
      if (JSON.stringify(found) !== JSON.stringify(both))
        rig.violations.push(`flash ended with ${JSON.stringify(found)}`);
    }
    await new Promise((resolve) => setImmediate(resolve));
    return rig.violations.map((violation) => `FLIPSIDE_SEED=${seed} ${name}: ${violation}`);
  }

  it.each(rotations)(
    "%s: at every flash operation, in ways of every class, boots and ends with the new record",
    { timeout: 240_000 },
    async (name, from, to) => {
      const start = await startOf(from);
      const operations = await rehearse(name, start, to);
      expect(operations.length).toBeGreaterThan(2 * 6);
      const failures: string[] = [];
      const cases = everySingleCut(name, operations);
      for (const { name: caseName, cuts } of cases) failures.push(...(await play(caseName, start, to, cuts)));
      console.log(`${operations.length} operations, ${cases.length} cuts`);
      expect(failures, failures.slice(0, 10).join("\n")).toEqual([]);
    },
  );

  it.each(rotations)("%s: and again while it recovers, does the same", { timeout: 240_000 }, async (name, from, to) => {
    const start = await startOf(from);
    const count = (await rehearse(name, start, to)).length;
    const failures: string[] = [];
    for (let i = 0; i < AGAIN_CASES; i++) {
      const random = new SeededRandom(seedFor(`${name}:again:${i}`));
      const cuts = Array.from({ length: 2 + random.below(4) }, () => drawCut(1 + random.below(count), random));
      failures.push(...(await play(`${name}:again:${i}`, start, to, cuts)));
    }
    expect(failures, failures.slice(0, 10).join("\n")).toEqual([]);
  });
});
