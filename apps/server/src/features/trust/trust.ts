// The trust record: which keys may sign what. The server keeps the newest chain that it was given, judges releases by
// it, and knows of every stored image which records admit it. It has no root key, so it can't make a record.

import { createHash } from "node:crypto";
import type { Trust as TrustView, TrustLink as TrustLinkView, TrustRelation } from "@flipside/api/types";
import {
  checkSignatureBlock,
  ErrorCode,
  joinTrustChain,
  keyIdOf,
  parseSignatureBlock,
  readTrustChain,
  readTrustSuccessor,
  releaseThresholdOf,
  splitTrustChain,
  type StrictVerifier,
  toHex,
  trustChainExtends,
  type TrustKeys,
} from "@flipside/image-format";
import type { Logger } from "../../logging.ts";
import type { Storage } from "../../storage/storage.ts";

const metaKey = "trust-chain";

interface SignedImage {
  digest: string;
  header: Uint8Array;
  signatureBlock: Uint8Array;
}

export interface Trust {
  readonly version: number;
  /**
   * How a device's record stands to the server's: `same`, `older` (the server has a newer one), `ahead` (the device has
   * a newer one, as after a restore from a backup), `forked` (a record of this version, and another one), or `unknown`
   * before its first check-in. Without a digest, as from older agents, by the version alone.
   */
  relation(version: number | null, digest: string | null): TrustRelation;
  /** The chain as far as this version, as devices take it. */
  chainOf(version: number): Uint8Array;
  /** Raw public keys of the newest record. */
  readonly releaseKeys: Uint8Array[];
  /** How many of them have to sign an image. */
  readonly releaseThreshold: number;
  readonly operationsKeys: Uint8Array[];
  view(): Promise<TrustView>;
  /** Takes a chain that goes on from the present one. Throws FormatError. */
  replace(bytes: Uint8Array, by: string): Promise<TrustView>;
  /** Notes by which records a stored image is admitted. */
  learn(image: SignedImage): Promise<void>;
  /** The same of each stored image that is not known yet: another server may have taken it. */
  learnNew(): Promise<void>;
  /** Takes the chain that is stored: another server may have taken a newer one. */
  reload(): Promise<void>;
  /**
   * Whether to offer a stored image to a device with this trust version: `revoked` when the newest record names none of
   * its signers any more, `too-early` when the device's record does not name one yet.
   */
  verdict(digest: string, deviceVersion: number | null): "offer" | "too-early" | "revoked";
}

/** Throws what readTrustChain throws, and an Error when the given chain and the stored one are of two lines. */
export async function openTrust(options: {
  storage: Storage;
  given: Uint8Array;
  verifier: StrictVerifier;
  log: Logger;
}): Promise<Trust> {
  const { storage, verifier, log } = options;
  const stored = await storage.db.selectFrom("meta").select("value").where("key", "=", metaKey).executeTakeFirst();
  let chain: Uint8Array = new Uint8Array(options.given);
  let links = await readTrustChain(chain, verifier);
  if (stored !== undefined && !Buffer.from(chain).equals(stored.value)) {
    const kept = new Uint8Array(stored.value);
    const keptLinks = await readTrustChain(kept, verifier);
    if (trustChainExtends(kept, chain)) [chain, links] = [kept, keptLinks];
    else if (!trustChainExtends(chain, kept)) {
      throw new Error(
        `it does not belong to the one that is stored in the data directory (version ${keptLinks.length}). Give the chain that this server began with, or one that goes on from the stored one, or another data directory`,
      );
    }
  }
  await store(chain, stored?.value);
  /** SHA-256 of the chain as far as each version. */
  let digests = digestsOf(chain);
  /** By digest: for each link, whether one of its release keys signed the image. */
  const admitted = new Map<string, boolean[]>();

  /** In place of `before`. False: another server has stored another one meanwhile. */
  async function store(bytes: Uint8Array, before: Buffer | undefined): Promise<boolean> {
    const value = Buffer.from(bytes);
    if (before === undefined) {
      const row = await storage.db
        .insertInto("meta")
        .values({ key: metaKey, value })
        .onConflict((conflict) => conflict.doNothing())
        .returning("key")
        .executeTakeFirst();
      return row !== undefined;
    }
    return storage.transaction(async ({ db, changed }) => {
      const row = await db
        .updateTable("meta")
        .set({ value })
        .where("key", "=", metaKey)
        .where("value", "=", before)
        .returning("key")
        .executeTakeFirst();
      if (row !== undefined && !before.equals(value)) changed({ kind: "fact", id: metaKey, fact: "trust.changed" });
      return row !== undefined;
    });
  }

  async function adopt(bytes: Uint8Array, newer: TrustKeys[]): Promise<void> {
    [chain, links] = [bytes, newer];
    digests = digestsOf(bytes);
    await learnAll();
  }

  async function reload(): Promise<void> {
    const row = await storage.db.selectFrom("meta").select("value").where("key", "=", metaKey).executeTakeFirst();
    if (row === undefined || row.value.equals(chain)) return;
    const bytes = new Uint8Array(row.value);
    await adopt(bytes, await readTrustChain(bytes, verifier));
    log.info({ version: links.length }, "a new trust record, of another server's");
  }

  async function learn({ digest, header, signatureBlock }: SignedImage): Promise<void> {
    const by: boolean[] = [];
    // What was stored past the upload may be anything; the devices judge it.
    if (parseSignatureBlock(signatureBlock, 0, signatureBlock.length) !== signatureBlock.length) return;
    for (const link of links) {
      const { releaseKeys } = link;
      const threshold = releaseThresholdOf(link);
      const code = await checkSignatureBlock(verifier, "image", header, signatureBlock, releaseKeys, threshold);
      by.push(code === ErrorCode.None);
    }
    admitted.set(digest, by);
  }

  async function learnAll(isMeant: (digest: string) => boolean = () => true): Promise<void> {
    for (const image of await storage.db.selectFrom("images").select(["digest", "header", "signatureBlock"]).execute())
      if (isMeant(image.digest)) await learn(image);
  }

  async function view(): Promise<TrustView> {
    const ids = async (keys: Uint8Array[]): Promise<string[]> =>
      Promise.all(keys.map(async (key) => toHex(await keyIdOf(key))));
    const views: TrustLinkView[] = [];
    const keys: TrustView["keys"] = [];
    for (const link of links) {
      const named = {
        root: await ids(link.rootKeys),
        release: await ids(link.releaseKeys),
        operations: await ids(link.operationsKeys),
      };
      views.push({
        version: link.trustVersion,
        rootThreshold: link.rootThreshold,
        rootKeys: named.root,
        releaseKeys: named.release,
        releaseThreshold: releaseThresholdOf(link),
        operationsKeys: named.operations,
      });
      for (const purpose of ["root", "release", "operations"] as const) {
        const now = named[purpose];
        for (const key of keys)
          if (key.purpose === purpose && key.revokedBy === null && !now.includes(key.id))
            key.revokedBy = link.trustVersion;
        now.forEach((id, i) => {
          if (keys.some((key) => key.id === id && key.purpose === purpose && key.revokedBy === null)) return;
          keys.push({
            id,
            purpose,
            publicKey: toHex(publicKeys(link, purpose)[i]!),
            since: link.trustVersion,
            revokedBy: null,
          });
        });
      }
    }
    return { version: links.length, chainBytes: chain.length, keys, links: views };
  }

  async function replace(bytes: Uint8Array, by: string): Promise<TrustView> {
    const newer = await readTrustSuccessor(bytes, chain, verifier);
    if (!(await store(bytes, Buffer.from(chain)))) {
      await reload();
      return replace(bytes, by);
    }
    log.info({ version: newer.length, by }, "a new trust record");
    await adopt(bytes, newer);
    return view();
  }

  await learnAll();
  /** One record is taken at a time: the next is judged by it. */
  let replacing: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = replacing.then(work);
    replacing = result.catch(() => {});
    return result;
  }
  return {
    get version() {
      return links.length;
    },
    relation(version, digest) {
      if (version === null) return "unknown";
      if (version > links.length) return "ahead";
      if (digest !== null && digest !== digests[version - 1]) return "forked";
      return version === links.length ? "same" : "older";
    },
    chainOf: (version) => (version === links.length ? chain : joinTrustChain(splitTrustChain(chain).slice(0, version))),
    get releaseKeys() {
      return links.at(-1)!.releaseKeys;
    },
    get releaseThreshold() {
      return releaseThresholdOf(links.at(-1)!);
    },
    get operationsKeys() {
      return links.at(-1)!.operationsKeys;
    },
    view,
    learn,
    learnNew: () => learnAll((digest) => !admitted.has(digest)),
    reload: () => inTurn(reload),
    replace: (bytes, by) => inTurn(() => replace(bytes, by)),
    verdict(digest, deviceVersion) {
      const by = admitted.get(digest);
      // Not one that was uploaded and verified: the device judges.
      if (by === undefined || !by.includes(true)) return "offer";
      if (!by.at(-1)) return "revoked";
      return deviceVersion === null || by[deviceVersion - 1] !== false ? "offer" : "too-early";
    },
  };
}

function digestsOf(chain: Uint8Array): string[] {
  const parts = splitTrustChain(chain);
  return parts.map((_, i) =>
    createHash("sha256")
      .update(joinTrustChain(parts.slice(0, i + 1)))
      .digest("hex"),
  );
}

function publicKeys(link: TrustKeys, purpose: "root" | "release" | "operations"): Uint8Array[] {
  if (purpose === "root") return link.rootKeys;
  return purpose === "release" ? link.releaseKeys : link.operationsKeys;
}
