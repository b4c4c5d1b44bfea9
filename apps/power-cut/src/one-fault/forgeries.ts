// Flash that somebody had in hand: each with an image in slot A that must not start, and a boot-control record that
// calls it confirmed and active.

import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { type FlashLayout, KIB } from "@flipside/machine/factory/flash-layout";
import { virtualTarget } from "@flipside/machine/factory/targets";
import { forgeSlot, withRecord } from "../stories/aged-boot-control.ts";
import { forgedChains, putFirstTrustCopy } from "../stories/forged-trust.ts";
import {
  type CampaignImage,
  firstTrustChain,
  identityFor,
  keys,
  laterTrustChains,
  makeImage,
  slotParts,
} from "../stories/images.ts";

export interface Forgery {
  name: string;
  flash: Uint8Array;
}

interface Meddling {
  /** In the factory's place. */
  chain?: Uint8Array;
  /** In both copies, and in the first one alone. */
  bothCopies?: Uint8Array;
  firstCopy?: Uint8Array;
  /** A bit of the manifest, of the table and of the payload that is changed. */
  changed?: { part: "manifest" | "table" | "payload"; at: number };
  floor?: number;
}

const PAYLOAD_BYTES = 6 * KIB;
const FLOOR_AT = 24;
const parts = ["manifest", "table", "payload"] as const;
/** A signature block's own head, and the id of a key. */
const SIGNATURE_AT = 20;

/** `booted`: a flash as its first start leaves it. */
class Workbench {
  readonly #layout: FlashLayout;
  readonly #booted: (flash: Uint8Array) => Uint8Array;

  constructor(layout: FlashLayout, booted: (flash: Uint8Array) => Uint8Array) {
    this.#layout = layout;
    this.#booted = booted;
  }

  image(name: string, change: Partial<Parameters<typeof makeImage>[0]> = {}): Promise<CampaignImage> {
    return makeImage({
      ...{ name, version: "2.0.0", releaseSequence: 2, securityCounter: 2, payloadBytes: PAYLOAD_BYTES },
      ...change,
    });
  }

  async forgery(name: string, image: CampaignImage, meddling: Meddling = {}): Promise<Forgery> {
    const { chain, bothCopies, firstCopy, changed, floor } = meddling;
    const layout = this.#layout;
    const identity = identityFor(virtualTarget);
    const trustChain = chain ?? (await firstTrustChain());
    const good = await this.image("good");
    const put = (await slotParts(image.file, layout.sectorBytes)).map(({ offset, bytes }, index) => {
      const copy = Uint8Array.from(bytes);
      if (changed?.part === parts[index]) copy[changed!.at]! ^= 0x10;
      return { offset, bytes: copy };
    });
    const booted = this.#booted(await factoryFlash({ layout, identity, trustChain, image: good.file }));
    let flash = forgeSlot(booted, layout, image, put);
    if (floor !== undefined) flash = withRecord(flash, layout, (record) => record.writeUInt32LE(floor, FLOOR_AT));
    if (firstCopy ?? bothCopies) flash = putFirstTrustCopy(flash, layout, (firstCopy ?? bothCopies)!);
    const { offsetBytes } = layout.zones.trust;
    const second = offsetBytes + layout.sectorBytes;
    if (bothCopies) flash.copyWithin(second, offsetBytes, second);
    return { name, flash };
  }
}

const thresholdForgery = async (
  bench: Workbench,
  name: string,
  signers: (typeof keys.release)[],
  { bothSign }: Awaited<ReturnType<typeof laterTrustChains>>,
): Promise<Forgery> => bench.forgery(name, await bench.image("by-few", { signers }), { bothCopies: bothSign });

/** By both of the release keys that have to sign it: the one that starts. */
export const signedByBoth = async (
  layout: FlashLayout,
  booted: (flash: Uint8Array) => Uint8Array,
): Promise<Forgery> => {
  const bench = new Workbench(layout, booted);
  const signers = [keys.release, keys.secondRelease];
  return thresholdForgery(bench, "signed by both", signers, await laterTrustChains());
};

/** What nobody may start who has all of the flash, but no key. */
export async function forgeries(layout: FlashLayout, booted: (flash: Uint8Array) => Uint8Array): Promise<Forgery[]> {
  const bench = new Workbench(layout, booted);
  const good = await bench.image("good");
  const stranger = await bench.image("stranger", { signedBy: keys.stranger });
  const chains = await laterTrustChains();
  const forged = await forgedChains(chains.rootsReplaced, chains.keyAdded);
  const hardware = { name: "other-hardware", revisionMin: 1, revisionMax: 1 };
  const twoRoots = { chain: chains.rootsReplaced };
  return [
    await bench.forgery("signed by a stranger", stranger),
    await bench.forgery("signed by a key that was revoked", good, { bothCopies: chains.keyRevoked }),
    await bench.forgery("its first chunk was changed", good, { changed: { part: "payload", at: 5 } }),
    await bench.forgery("its last chunk was changed", good, { changed: { part: "payload", at: PAYLOAD_BYTES - 1 } }),
    await bench.forgery("its table was changed", good, { changed: { part: "table", at: 7 } }),
    await bench.forgery("its header was changed", good, { changed: { part: "manifest", at: 20 } }),
    await bench.forgery("its signature was changed", good, {
      changed: { part: "manifest", at: good.header.length + SIGNATURE_AT },
    }),
    await bench.forgery("for other hardware", await bench.image("elsewhere", { change: { hardware } })),
    await bench.forgery("of another type of image", await bench.image("unikernel", { change: { imageType: 1 } })),
    ...(await Promise.all(
      [
        ["one of two release keys has signed it", [keys.release]],
        ["one of two release keys has signed it, twice", [keys.secondRelease, keys.secondRelease]],
        ["a release key and a stranger have signed it, where two keys have to", [keys.release, keys.stranger]],
      ].map(([name, signers]) => thresholdForgery(bench, name as string, signers as (typeof keys.release)[], chains)),
    )),
    await bench.forgery("too few of the boot bank's roots have signed for its key", stranger, {
      firstCopy: forged.firstByMinority,
    }),
    await bench.forgery("one of two roots has signed for its key", stranger, {
      ...twoRoots,
      firstCopy: forged.byOneOfTwo,
    }),
    await bench.forgery("one of two roots has signed for its key, twice", stranger, {
      ...twoRoots,
      firstCopy: forged.byOneTwice,
    }),
    await bench.forgery("a root and a stranger have signed for its key", stranger, {
      ...twoRoots,
      firstCopy: forged.byOneAndAStranger,
    }),
  ];
}

/** Signed by a release key, but with a security counter below the floor that boot control says. */
export const belowTheFloor = async (
  layout: FlashLayout,
  booted: (flash: Uint8Array) => Uint8Array,
): Promise<Forgery> => {
  const bench = new Workbench(layout, booted);
  return bench.forgery("below the floor", await bench.image("below", { securityCounter: 1 }), { floor: 2 });
};
