// A device that is sent trust chains, by a plain reading of docs/protocol.md, "Trust", and docs/image-format.md, "Trust
// chain", with the server's build of the strict verifier: which chain it has, and what it says of one that it refused.

import {
  ErrorCode,
  splitTrustChain,
  type StrictVerifier,
  TRUST_CHAIN_BYTES_MAX,
  type TrustKeys,
} from "@flipside/image-format";
import { releaseKey, sha256Of } from "./keys.ts";

const ROOTS_MAX = 8;
/** Of an update (update/update.ts): from here on, an image is verified, or installed. */
const VERIFY = 4;

/** What the trust zone, or boot control, does. */
export const enum Flash {
  Good,
  TrustTakesNothing,
  TrustUnreadable,
  BootControlTakesNothing,
  Count,
}
/** RFC 7797: what precedes a link's body in what is signed. */
const trustPrefix = Buffer.from(
  `${Buffer.from('{"alg":"Ed25519","b64":false,"crit":["b64"],"typ":"flipside-trust+jws"}').toString("base64url")}.`,
);

interface Present {
  bytes: Uint8Array;
  keys: TrustKeys;
}

/** What the last link of a chain says, if all of it holds: by the server's build of the verifier, and plain reading. */
export class ChainReader {
  readonly #known = new Map<string, TrustKeys | undefined>();

  constructor(readonly verifier: StrictVerifier) {}

  read(bytes: Uint8Array, bank: readonly Uint8Array[]): TrustKeys | undefined {
    const name = `${bank.length} ${Buffer.from(sha256Of(bytes)).toString("hex")}`;
    if (!this.#known.has(name)) this.#known.set(name, this.#read(bytes, bank));
    return this.#known.get(name);
  }

  #read(bytes: Uint8Array, bank: readonly Uint8Array[]): TrustKeys | undefined {
    // The exokernel has room for eight.
    if (bank.length === 0 || bank.length > ROOTS_MAX || bytes.length > TRUST_CHAIN_BYTES_MAX) return undefined;
    let links: ReturnType<typeof splitTrustChain>;
    try {
      links = splitTrustChain(bytes);
    } catch {
      return undefined;
    }
    let signers: { rootKeys: readonly Uint8Array[]; rootThreshold: number } = {
      rootKeys: bank,
      rootThreshold: Math.floor(bank.length / 2) + 1,
    };
    for (const { keys, body, signatureBlock } of links) {
      const by = signers.rootKeys.filter((key) => this.#hasSigned(key, body, signatureBlock));
      if (by.length < signers.rootThreshold) return undefined;
      signers = keys;
    }
    return links.at(-1)!.keys;
  }

  #hasSigned(key: Uint8Array, body: Uint8Array, block: Uint8Array): boolean {
    const id = sha256Of(key).subarray(0, 8);
    for (let at = 12; at + 72 <= block.length; at += 72) {
      if (Buffer.compare(block.subarray(at, at + 8), id) !== 0) continue;
      if (this.verifier.verify(key, block.subarray(at + 8, at + 72), trustPrefix, body) === "valid") return true;
    }
    return false;
  }
}
const isIn = (key: Uint8Array, keys: readonly Uint8Array[]): boolean =>
  keys.some((each) => Buffer.compare(each, key) === 0);

/** A device by what the docs say. */
export class TrustModel {
  present: Present | undefined;
  refused: { version: number; code: number } = { version: 0, code: ErrorCode.None };
  phase = 0;
  flash: Flash = Flash.Good;
  /** A record could not be appended: none is, for a minute. */
  isPaused = false;
  /** A chain was put in place of the one before. */
  isTaken = false;
  /** The one that flash may hold now, or what was there before. */
  isOpen = false;

  constructor(
    readonly reader: ChainReader,
    readonly bank: readonly Uint8Array[],
    public isTrial: boolean,
    public isFallback: boolean,
    readonly loaderVersion: number,
  ) {}

  restart(chain: Uint8Array | undefined): void {
    const keys = chain && this.flash !== Flash.TrustUnreadable ? this.reader.read(chain, this.bank) : undefined;
    this.present = chain && keys && { bytes: chain, keys };
    this.refused = { version: 0, code: ErrorCode.None };
    this.phase = 0;
    this.isPaused = false;
    this.isOpen = false;
  }

  /** Whether the server is to hear what came of it. */
  message(bytes: Uint8Array): boolean {
    if (this.isTrial || this.isFallback || this.phase >= VERIFY || !this.present) return false;
    if (Buffer.compare(bytes, this.present.bytes) === 0) return true;
    const keys = this.reader.read(bytes, this.bank);
    if (!keys) return this.#refuse(0, ErrorCode.TrustRecordInvalid);
    const {
      bytes: before,
      keys: { trustVersion },
    } = this.present;
    if (keys.trustVersion <= trustVersion) return this.#refuse(keys.trustVersion, ErrorCode.TrustNotNewer);
    if (Buffer.compare(bytes.subarray(12, before.length), before.subarray(12)) !== 0)
      return this.#refuse(keys.trustVersion, ErrorCode.TrustForked);
    const releaseThreshold = keys.releaseThreshold ?? 1;
    if (releaseThreshold > 1 && this.loaderVersion < 2) return this.#refuse(keys.trustVersion, ErrorCode.LoaderTooOld);
    // One key has signed it.
    if (releaseThreshold > 1 || !isIn(releaseKey.publicKey, keys.releaseKeys))
      return this.#refuse(keys.trustVersion, ErrorCode.TrustWouldRefuseImage);
    if (this.flash === Flash.TrustUnreadable) {
      // It is in flash, perhaps; this run can't tell.
      this.isOpen = true;
      this.present = undefined;
    }
    if (this.flash === Flash.BootControlTakesNothing) this.isPaused = true;
    if (this.flash !== Flash.Good || this.isPaused) {
      this.isOpen = true;
      return this.#refuse(keys.trustVersion, ErrorCode.FlashFailed);
    }
    this.present = { bytes, keys };
    this.isTaken = true;
    this.isOpen = false;
    // What was refused with a later version still is.
    if (this.refused.version <= keys.trustVersion) this.refused.code = ErrorCode.None;
    return true;
  }

  #refuse(version: number, code: ErrorCode): boolean {
    this.refused = { version, code };
    return true;
  }

  /** Trial or look for contact are over, if flash takes it. */
  settle(): boolean {
    if (this.flash === Flash.BootControlTakesNothing) this.isPaused = true;
    if (this.isPaused) return false;
    if (this.isTrial) this.isTrial = false;
    else this.isFallback = false;
    return true;
  }
}
