// Trust chains, one after the other: as messages to an agent that runs, and as a checker sees them in turn. Each is
// made of links that the input describes, and signed by whom it says. Which are taken, and what is said of the others,
// is what a plain reading of docs/protocol.md, "Trust", and docs/image-format.md, "Trust chain", says; flash is changed
// for no other.
//
// Input: three bytes of what it begins with (begins), then items (items.ts) whose bytes are eight for each link (link).

import { encodeTrustBody, ErrorCode, SlotState, TRUST_CHAIN_BYTES_MAX, type TrustKeys } from "@flipside/image-format";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { Exo, Zone } from "@flipside/machine/abi";
import { agentGrants } from "@flipside/machine/grants";
import { newestRecord } from "../../power-cut/flash-contents.ts";
import { assemblyEntry, compileForFuzzing, type Patch } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { expectSame, type OpenTarget, type Target, Violation } from "../engine/target.ts";
import { FUEL } from "./boot-loader.ts";
import { putBooted, slotContent } from "./booted-device.ts";
import { DeviceHost } from "./device-host.ts";
import { layout, makeImage, strictVerifier } from "./device-images.ts";
import { item, itemsIn, itemsOf, joined, shuffleItems } from "./items.ts";
import { type FuzzKey, keyOf, releaseKey, secondReleaseKey } from "./keys.ts";
import { ChainReader, Flash, TrustModel } from "./trust-model.ts";

const BEGINS_BYTES = 3;
const LINK_BYTES = 8;
const INPUT_BYTES_MAX = 700;
const ITEMS_MAX = 10;
/** Flags of boot control: a copy of the trust chain is in flux. */
const IN_FLUX = 8 | 16;
const enum Kind {
  Message,
  Check,
  Phase,
  Flash,
  Restart,
  Settle,
  Count,
}
/** What else is done to a chain. */
const LONGER = 1;
const SHORTER = 2;
const ONE_LINK_MORE = 4;
/** And to a link's first signature. */
const SPOILT = 1;
const TWICE = 2;
const FOR_ANOTHER_PURPOSE = 4;
/** How many release keys have to sign an image: one, and so many more. */
const MORE_SHIFT = 4;

/** Those of the boot bank come first. */
const pool: FuzzKey[] = [
  ...Array.from({ length: 9 }, (_, i) => keyOf(`trust root ${i}`)),
  releaseKey,
  secondReleaseKey,
  keyOf("trust operations"),
];
const RELEASE = 9;
const bankSizes = [1, 2, 3, 4, 8, 9];

interface Link {
  /** The first of the pool, and how many. */
  roots?: [first: number, count: number];
  threshold?: number;
  /** Which of the pool, from its first release key on. */
  release?: number;
  operations?: number;
  /** Which of the pool. */
  signers?: number;
  versionAhead?: number;
  what?: number;
}

const link = ({
  roots: [first, count] = [0, 1],
  threshold = 1,
  release = 1,
  operations = 1,
  signers = 1,
  versionAhead = 0,
  what = 0,
}: Link): number[] => [
  first | (count << 4),
  threshold | (versionAhead << 4),
  release,
  operations,
  signers & 255,
  signers >> 8,
  what,
  0,
];

/** The first link of the chain that a device begins with: a majority of a bank of so many has signed it. */
const firstLink = (bank: number): number[] => link({ signers: (1 << (Math.floor(bank / 2) + 1)) - 1 });

function chainOf(recipe: Uint8Array, put: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const links = Math.floor(recipe.length / LINK_BYTES);
  for (let i = 0; i < links; i++) {
    const [roots, bits, release, operations, low, high, what] = recipe.subarray(i * LINK_BYTES) as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const keys: TrustKeys = {
      trustVersion: (i + 1 + (bits >> 4)) >>> 0,
      rootThreshold: bits & 15,
      rootKeys: Array.from({ length: (roots >> 4) % 10 }, (_, k) => pool[((roots & 15) + k) % pool.length]!.publicKey),
      releaseKeys: pool
        .map((_, k) => pool[(RELEASE + k) % pool.length]!.publicKey)
        .filter((_, k) => k < 8 && ((release >> k) & 1) !== 0),
      releaseThreshold: 1 + (what >> MORE_SHIFT),
      operationsKeys: Array.from(
        { length: operations % 10 },
        (_, k) => pool[pool.length - 1 - (k % pool.length)]!.publicKey,
      ),
    };
    const body = encodeTrustBody(keys);
    const by = pool.filter((_, k) => ((low | (high << 8)) >> k) & 1);
    if ((what & TWICE) !== 0 && by[0]) by.push(by[0]);
    const block = Buffer.alloc(12 + 72 * by.length);
    block.write("FSSG");
    block.writeUInt16LE(1, 4);
    block.writeUInt16LE(block.length, 6);
    block.writeUInt16LE(by.length, 8);
    by.forEach((key, k) => {
      block.set(key.id, 12 + 72 * k);
      block.set(key.sign(k === 0 && (what & FOR_ANOTHER_PURPOSE) !== 0 ? "image" : "trust", body), 20 + 72 * k);
    });
    if ((what & SPOILT) !== 0 && by.length > 0) block[20 + 63]! ^= 1;
    parts.push(body, block);
  }
  const chain = Buffer.concat([Buffer.alloc(12), ...parts]);
  chain.write("FSTC");
  chain.writeUInt32LE(chain.length, 4);
  chain.writeUInt16LE(links + ((put & ONE_LINK_MORE) !== 0 ? 1 : 0), 8);
  if ((put & LONGER) !== 0) return joined(chain, [0]);
  return new Uint8Array((put & SHORTER) !== 0 ? chain.subarray(0, -1) : chain);
}

// ---- seeds
// ------------------------------------------------------------------------------------------------------------------

interface Begins {
  /** Index of bankSizes. */
  bank?: number;
  isTrial?: boolean;
  isFallback?: boolean;
  slot?: number;
  other?: SlotState;
  /** The other slot's image is signed by the second release key. */
  isOtherBySecond?: boolean;
  /** Its boot loader knows of no release threshold. */
  hasOldLoader?: boolean;
}
const begins = ({
  bank = 0,
  isTrial = false,
  isFallback = false,
  slot = 0,
  other = SlotState.Confirmed,
  isOtherBySecond = false,
  hasOldLoader = false,
}: Begins = {}): number[] => [
  bank,
  Number(isTrial) | (Number(isFallback) << 1) | (other << 2),
  slot | (Number(isOtherBySecond) << 1) | (Number(hasOldLoader) << 2),
];

const message = (links: number[][], put = 0): Uint8Array => item(Kind.Message, put, links.flat());
const check = (links: number[][], put = 0): Uint8Array => item(Kind.Check, put, links.flat());
const phase = (is: number): Uint8Array => item(Kind.Phase, is, []);
const flash = (is: Flash): Uint8Array => item(Kind.Flash, is, []);
const restart = item(Kind.Restart, 0, []);
const settle = item(Kind.Settle, 0, []);

const first = firstLink(1);
const both = link({ release: 3 });
const onlySecond = link({ release: 2 });
/** Of the length that is the most, with the first link of a device; and of so many bytes more. */
const longest = (more = 0): number[][] => [
  first,
  ...Array.from({ length: 13 }, (_, i) =>
    link({ release: 0x7f, operations: i === 0 ? 6 + more : 6, signers: i < 3 ? 3 : 1 }),
  ),
  link({ release: 0xff, operations: 8 }),
];

function seeds(): Uint8Array[] {
  const roots3 = link({ roots: [0, 3], threshold: 2 });
  const chains = [
    [first, both],
    [first, both, first],
    [first],
    [first, link({ operations: 2 })],
    [link({ operations: 0 })],
    [first, onlySecond],
    [first, both, onlySecond],
  ];
  return [
    // Longer, the same, shorter, of the same version, a fork.
    joined(begins(), ...chains.map((chain) => message(chain)), restart, message(chains[1]!), message(chains[0]!)),
    joined(
      begins(),
      message([first, link({ release: 5 })]),
      message([first, both]),
      message([first, both, first]),
      message([first, link({ release: 5 }), first]),
    ),
    joined(begins(), message([link({ release: 3 })]), message([link({ release: 3 }), first])),
    // Refused, and then a lower or a higher one is taken.
    joined(begins(), message([first, onlySecond]), message([first, both]), message([first, both, first])),
    joined(begins(), message([first, both, onlySecond]), message([first, both]), message([first, both, first, first])),
    joined(begins(), message([first, first, onlySecond]), message([first, first, both])),
    joined(
      begins(),
      message([first, both], LONGER),
      message([first, both], SHORTER),
      message([first, both], ONE_LINK_MORE),
      message([first, both]),
      message([first], LONGER),
    ),
    joined(
      begins(),
      message([first, link({ versionAhead: 1 })]),
      message([first, link({ what: SPOILT })]),
      message([first, link({ what: FOR_ANOTHER_PURPOSE })]),
      message([first, link({ signers: 1 << 8 })]),
      message([]),
    ),
    // Two of two, three of two, and two of one; to a loader that knows of it, and to one that does not.
    ...[false, true].map((hasOldLoader) =>
      joined(
        begins({ hasOldLoader }),
        message([first, link({ release: 3, what: 1 << MORE_SHIFT })]),
        message([first, link({ release: 3, what: 2 << MORE_SHIFT })]),
        message([first, link({ release: 1, what: 1 << MORE_SHIFT })]),
        message([first, both]),
      ),
    ),
    joined(begins(), message(longest(1)), message(longest()), message(longest(), LONGER), message([first, both])),
    joined(
      begins(),
      message([first, ...Array.from({ length: 15 }, () => both)]),
      message([first, ...Array.from({ length: 16 }, () => both)]),
    ),
    // While the device is busy, and afterwards.
    ...[{ isTrial: true }, { isFallback: true }, { isTrial: true, isFallback: true }].map((how) =>
      joined(
        begins({ ...how, other: SlotState.Candidate }),
        message([first, both]),
        settle,
        message([first, both]),
        settle,
        message([first, both, first]),
      ),
    ),
    ...[0, 1, 3, 4, 5].map((is) =>
      joined(
        begins(),
        phase(is),
        message([first, onlySecond]),
        message([first, both]),
        phase(0),
        message([first, both]),
      ),
    ),
    // The other slot's image, admitted or not, before and after.
    ...[SlotState.Empty, SlotState.Confirmed, SlotState.Failed].flatMap((other) =>
      [false, true].map((isOtherBySecond) =>
        joined(begins({ other, isOtherBySecond, slot: 1 }), message([first, both]), message([first, both, first])),
      ),
    ),
    // Flash fails.
    joined(
      begins(),
      flash(Flash.TrustTakesNothing),
      message([first, both]),
      message([first, both]),
      flash(Flash.Good),
      message([first, both]),
      message([first, both, first]),
      restart,
      message([first, both, first]),
    ),
    joined(
      begins(),
      flash(Flash.TrustUnreadable),
      message([first, onlySecond]),
      message([first, both]),
      message([first, both]),
      flash(Flash.Good),
      message([first, both, first]),
      restart,
      message([first, both, first]),
    ),
    joined(
      begins(),
      flash(Flash.TrustUnreadable),
      restart,
      message([first, both]),
      flash(Flash.Good),
      restart,
      message([first, both]),
    ),
    joined(
      begins(),
      flash(Flash.BootControlTakesNothing),
      message([first, both]),
      flash(Flash.Good),
      message([first, both]),
      restart,
      message([first, both]),
    ),
    // One checker: whatever came before, a chain is what it is.
    joined(
      begins(),
      check([first, both]),
      check([first, link({ what: SPOILT })]),
      check([first]),
      check([], 0),
      check([first], LONGER),
      check([first], SHORTER),
      check([first, both], ONE_LINK_MORE),
    ),
    joined(
      begins(),
      check([first, link({ versionAhead: 1 })]),
      check([link({ versionAhead: 1 })]),
      check([first, both, link({ versionAhead: 2 })]),
    ),
    // Who may sign what follows: the roots of the link before, and nobody else.
    joined(
      begins(),
      check([link({ roots: [0, 1] }), link({ signers: 1 << RELEASE })]),
      check([link({ roots: [3, 1] }), link({ signers: 1 })]),
      check([link({ roots: [3, 1] }), link({ signers: 8 })]),
    ),
    joined(
      begins(),
      check([link({ roots: [0, 3] }), link({ signers: 4 })]),
      check([link({ roots: [0, 8], threshold: 8 }), link({ signers: 255 })]),
      check([roots3, link({ signers: 1 })]),
      check([roots3, link({ signers: 1, what: TWICE })]),
      check([roots3, link({ signers: 5 })]),
    ),
    joined(
      begins({ bank: 2 }),
      check([link({ roots: [3, 1], release: 3, signers: 3 }), link({ signers: 1 << RELEASE })]),
      check([link({ roots: [3, 1], signers: 3 }), link({ signers: 1 << 11 })]),
    ),
    // Banks of all sizes, and one of too many.
    ...bankSizes.map((size, bank) => {
      const by = (count: number): number[][] => [link({ signers: (1 << count) - 1 })];
      const most = Math.floor(size / 2);
      return joined(
        begins({ bank }),
        check(by(most + 1)),
        check(by(most)),
        check(by(Math.max(1, most - 1))),
        check([link({ signers: 1, what: TWICE })]),
        check([link({ signers: 1 << (size - 1) })]),
        message([firstLink(size), both]),
      );
    }),
  ];
}

// ---- the target
// -------------------------------------------------------------------------------------------------------------

export const trustUpdates: OpenTarget = async (patches: Patch[] = []): Promise<Target> => {
  const fuzzed = await compileForFuzzing(assemblyEntry("trust"), 2, patches);
  const host: DeviceHost = new DeviceHost(layout, () => instance, agentGrants);
  let model!: TrustModel;
  const imports = (): Record<string, (...args: never[]) => unknown> => {
    const plain = host.imports as unknown as Record<string, (...args: number[]) => number | bigint>;
    const isRefused = (zone: number): boolean => {
      if (zone !== Zone.Trust && zone !== Zone.BootControl)
        throw new Violation(`zone ${zone} is changed for a trust chain`);
      return (
        (zone === Zone.Trust && model.flash === Flash.TrustTakesNothing) ||
        (zone === Zone.BootControl && model.flash === Flash.BootControlTakesNothing)
      );
    };
    const calls: Record<string, (...args: number[]) => number | bigint> = {
      ...plain,
      flash_read: (zone, offset, ptr, length) =>
        zone === Zone.Trust && model.flash === Flash.TrustUnreadable
          ? Exo.Io
          : plain.flash_read!(zone!, offset!, ptr!, length!),
      flash_program: (zone, offset, ptr, length, durability) =>
        isRefused(zone!) ? Exo.Io : plain.flash_program!(zone!, offset!, ptr!, length!, durability!),
      flash_erase: (zone, offset) => (isRefused(zone!) ? Exo.Io : plain.flash_erase!(zone!, offset!)),
    };
    return calls as Record<string, (...args: never[]) => unknown>;
  };
  const instance: FuzzInstance = new FuzzInstance(fuzzed, imports);
  const begin = instance.save();
  const { exports: calls, memory } = instance;
  const reader = new ChainReader(await strictVerifier());
  const running = slotContent(await makeImage("running"));
  const others = [await makeImage("other"), await makeImage("other")];
  const headerBytes = others[1]![6]! | (others[1]![7]! << 8);
  others[1]!.set(secondReleaseKey.id, headerBytes + 12);
  others[1]!.set(secondReleaseKey.sign("image", others[1]!.subarray(0, headerBytes)), headerBytes + 20);
  const otherSlots = others.map(slotContent);
  const zone = host.zone("trust");
  const chains = new Map<string, Uint8Array>();
  const made = (recipe: Uint8Array, put: number): Uint8Array => {
    const name = `${put} ${Buffer.from(recipe).toString("hex")}`;
    let chain = chains.get(name);
    if (!chain) chains.set(name, (chain = chainOf(recipe, put)));
    return chain;
  };

  const copyIn = (copy: number): Uint8Array =>
    zone.subarray(copy * layout.sectorBytes, (copy + 1) * layout.sectorBytes);
  /** What flash holds: the newest chain of a copy that is not in flux, or else of one that is. */
  const chainInFlash = (): Uint8Array | undefined => {
    const flags = newestRecord(layout, host.flash)?.flags ?? 0;
    const copies = [0, 1].map((copy) => {
      const bytes = Buffer.from(copyIn(copy));
      const length = bytes.readUInt32LE(4);
      const chain = length <= TRUST_CHAIN_BYTES_MAX ? new Uint8Array(bytes.subarray(0, length)) : undefined;
      const keys = chain && reader.read(chain, model.bank);
      return keys && { chain, version: keys.trustVersion, isInFlux: (flags & (8 << copy)) !== 0 };
    });
    const holding = copies
      .filter((copy) => copy !== undefined)
      .sort((a, b) => Number(a.isInFlux) - Number(b.isInFlux) || b.version - a.version);
    return holding[0]?.chain;
  };

  const expectKeys = (isAlone: number, keys: TrustKeys | undefined, chainBytes: number): void => {
    expectSame(calls.chainBytes!(isAlone), keys ? chainBytes : 0, "bytes of the chain");
    expectSame(calls.trustVersion!(isAlone) >>> 0, keys?.trustVersion ?? 0, "trust version");
    for (const [what, count, at, expected] of [
      ["release", calls.releaseKeyCount!(isAlone), calls.releaseKeys!(isAlone), keys?.releaseKeys ?? []],
      ["operations", calls.operationsKeyCount!(isAlone), calls.operationsKeys!(isAlone), keys?.operationsKeys ?? []],
    ] as const) {
      expectSame(count, expected.length, `${what} keys`);
      expected.forEach((key, i) => {
        if (Buffer.compare(memory.subarray((at >>> 0) + 32 * i, (at >>> 0) + 32 * i + 32), key) !== 0)
          throw new Violation(`a ${what} key is another`);
      });
    }
  };

  /** Both copies are this, and nothing is in flux. */
  const expectStored = (chain: Uint8Array): void => {
    for (const copy of [0, 1])
      if (Buffer.compare(copyIn(copy).subarray(0, chain.length), chain) !== 0)
        throw new Violation(`copy ${copy} is not the chain that was taken`);
    if (((newestRecord(layout, host.flash)?.flags ?? 0) & IN_FLUX) !== 0)
      throw new Violation("a copy is in flux still");
  };

  const start = (): void => {
    instance.restore(begin);
    expectSame(calls.start!(), model.present ? 1 : 0, "the agent goes on from its trust chain");
  };

  const feed = (kind: number, put: number, bytes: Uint8Array): void => {
    switch (kind) {
      case Kind.Check: {
        const chain = made(bytes, put).subarray(0, TRUST_CHAIN_BYTES_MAX);
        // What follows the chain is no part of it.
        const length = Buffer.from(chain.buffer, chain.byteOffset, chain.length).readUInt32LE(4);
        const keys = length <= chain.length ? reader.read(chain.subarray(0, length), model.bank) : undefined;
        expectSame(
          calls.check!(instance.put(chain), chain.length),
          keys ? ErrorCode.None : ErrorCode.TrustRecordInvalid,
          "a chain's verdict",
        );
        return expectKeys(1, keys, length);
      }
      case Kind.Phase:
        model.phase = put % 6;
        return void calls.setPhase!(model.phase);
      case Kind.Flash:
        model.flash = put % Flash.Count;
        return;
      case Kind.Restart: {
        const newest = newestRecord(layout, host.flash);
        if (!newest) throw new Violation("no record of boot control holds");
        // As the loader finds it.
        const { offsetBytes } = layout.zones.bootControl;
        const info = Buffer.from(host.bootInfo.buffer, host.bootInfo.byteOffset, 64);
        const at = [0, 1].find(
          (sector) =>
            newestRecord(
              layout,
              host.flash
                .slice()
                .fill(
                  0xff,
                  offsetBytes + (1 - sector) * layout.sectorBytes,
                  offsetBytes + (2 - sector) * layout.sectorBytes,
                ),
            )?.epoch === newest.epoch,
        );
        info.writeUInt32LE(at ?? 2, 56);
        info.writeUInt32LE(newest.page, 60);
        info[20] = Number(model.isTrial);
        model.restart(chainInFlash());
        return start();
      }
      case Kind.Settle:
        if (model.isTrial || model.isFallback) expectSame(calls.settle!(), Number(model.settle()), "the trial is over");
        return;
      default: {
        const chain = made(bytes, put);
        model.isTaken = false;
        const before = zone.slice();
        const expected = model.message(chain);
        expectSame(calls.message!(instance.put(chain), chain.length), Number(expected), "the server is to hear of it");
        if (model.isTaken) expectStored(chain);
        else if (!model.isOpen && Buffer.compare(zone, before) !== 0)
          throw new Violation("the trust record in flash is changed, and none was taken");
      }
    }
  };

  return {
    name: "trust-updates",
    instance,
    inputBytesMax: INPUT_BYTES_MAX,
    share: 0.0005,
    seeds: seeds(),
    dictionary: [
      first,
      both,
      onlySecond,
      link({ versionAhead: 1 }),
      link({ roots: [1, 2], threshold: 2, signers: 6 }),
    ].map((each) => Uint8Array.from(each)),
    mutate(draft, random: SeededRandom) {
      const items = itemsOf(draft, BEGINS_BYTES);
      if (items.length === 0 || random.below(8) === 0) {
        if (draft.length < BEGINS_BYTES) draft.length = BEGINS_BYTES;
        draft.bytes.set([
          random.below(bankSizes.length),
          random.below(16) & (random.below(4) === 0 ? 15 : 12),
          random.below(4),
        ]);
        return;
      }
      const { at, bytes, kind } = random.pick(items);
      if (random.below(3) === 0 || bytes.length < LINK_BYTES) return shuffleItems(draft, BEGINS_BYTES, random);
      if (random.below(4) === 0) {
        draft.bytes[at] = random.below(3) === 0 ? random.below(Kind.Count) : kind ^ 1;
        draft.bytes[at + 1] = random.below(8);
        return;
      }
      const links = Math.floor(bytes.length / LINK_BYTES);
      const place = random.below(links) * LINK_BYTES;
      const which = random.below(7);
      bytes[place + which] = [
        random.below(9) | ((1 + random.below(8)) << 4),
        1 + random.below(3) + (random.below(6) === 0 ? 16 : 0),
        1 + random.below(7),
        random.below(9),
        random.below(8),
        random.below(16),
        random.below(8),
      ][which]!;
    },
    run(input) {
      const [bank = 0, bits = 0, more = 0] = input;
      const size = bankSizes[bank % bankSizes.length]!;
      host.rootKeys = pool.slice(0, size).map(({ publicKey }) => publicKey);
      const isTrial = (bits & 1) !== 0;
      const isFallback = (bits & 2) !== 0;
      const otherState = (bits >> 2) % 4;
      const loaderVersion = (more & 4) !== 0 ? 1 : 2;
      const looksForContact = isFallback && otherState === SlotState.Candidate;
      model = new TrustModel(reader, host.rootKeys, isTrial, looksForContact, loaderVersion);
      putBooted(host, {
        slot: more & 1,
        isTrial,
        isFallback,
        loaderVersion,
        running,
        other: otherSlots[(more >> 1) & 1]!,
        otherState,
      });
      const chain = made(Uint8Array.from(firstLink(size)), 0);
      zone.fill(0xff);
      for (const copy of [0, 1]) copyIn(copy).set(chain);
      host.nowUs = 1000;
      model.restart(chain);
      instance.begin(FUEL);
      start();
      for (const { kind, put, bytes } of itemsIn(input, BEGINS_BYTES).slice(0, ITEMS_MAX)) {
        feed(kind % Kind.Count, put, bytes.subarray(0, 17 * LINK_BYTES));
        expectSame(calls.refusedCode!(), model.refused.code, "the code of the last refusal");
        if (model.refused.code !== ErrorCode.None)
          expectSame(calls.refusedVersion!() >>> 0, model.refused.version, "the version that was refused last");
        expectKeys(0, model.present?.keys, model.present?.bytes.length ?? 0);
      }
    },
  };
};
