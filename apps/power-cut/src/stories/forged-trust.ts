// Trust chains that too few have signed, for a server that offers them and for a flash that somebody had in hand. Each
// is of the right form, and each of its signatures holds.

import { appendTrustLink, buildTrustChain, type TrustKeys } from "@flipside/image-format";
import type { FlashLayout } from "@flipside/machine/factory/flash-layout";
import { firstTrust, keys } from "./images.ts";

/** The roots that `rootsReplaced` (images.ts) puts in place: both of them sign what follows. */
const twoRoots: TrustKeys = {
  ...firstTrust,
  trustVersion: 2,
  rootThreshold: 2,
  rootKeys: [keys.secondRoot.publicKey, keys.thirdRoot.publicKey],
};
/** Whoever takes it, takes images of a stranger. */
const withStranger: TrustKeys = {
  ...twoRoots,
  trustVersion: 3,
  releaseKeys: [keys.release.publicKey, keys.stranger.publicKey],
};

export interface ForgedChains {
  /** Version 3, by one of the two roots that have to sign it. */
  byOneOfTwo: Uint8Array;
  /** The same, with that root's signature twice. */
  byOneTwice: Uint8Array;
  /** By one of the two, and by a stranger. */
  byOneAndAStranger: Uint8Array;
  /** By both: the one that is good. */
  byBoth: Uint8Array;
  /** Version 3 after `keyAdded`, which revokes the key that it added. */
  secondRevoked: Uint8Array;
  /** Version 1, signed by a minority of the boot bank's roots. */
  firstByMinority: Uint8Array;
}

/** `after`: the chain of version 2 whose roots are secondRoot and thirdRoot; `keyAdded`: of images.ts. */
export async function forgedChains(after: Uint8Array, keyAdded: Uint8Array): Promise<ForgedChains> {
  const second = keys.secondRoot.privateJwk;
  return {
    byOneOfTwo: await appendTrustLink(after, withStranger, [second]),
    byOneTwice: await appendTrustLink(after, withStranger, [second, second]),
    byOneAndAStranger: await appendTrustLink(after, withStranger, [second, keys.stranger.privateJwk]),
    byBoth: await appendTrustLink(
      after,
      { ...withStranger, releaseKeys: [keys.release.publicKey, keys.secondRelease.publicKey] },
      [second, keys.thirdRoot.privateJwk],
    ),
    secondRevoked: await appendTrustLink(keyAdded, { ...firstTrust, trustVersion: 3 }, [keys.root.privateJwk]),
    firstByMinority: await buildTrustChain([
      { trust: { ...firstTrust, releaseKeys: [keys.stranger.publicKey] }, signedBy: [keys.root.privateJwk] },
    ]),
  };
}

/** The first copy of the trust zone holds `chain`. */
export function putFirstTrustCopy(flash: Uint8Array, layout: FlashLayout, chain: Uint8Array): Uint8Array {
  const forged = Uint8Array.from(flash);
  const { offsetBytes } = layout.zones.trust;
  forged.fill(0xff, offsetBytes, offsetBytes + layout.sectorBytes);
  forged.set(chain, offsetBytes);
  return forged;
}
