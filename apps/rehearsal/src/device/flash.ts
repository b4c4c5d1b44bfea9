// What a simulated device keeps through power cuts: boot control, the journal of the update that was begun last, and
// the secret of its enrolment. After docs/boot-control.md, without torn operations: the power-cut campaign has those.

import { ErrorCode, type SlotStateName } from "@flipside/image-format";
import { type KnownImage, tries } from "../server/project.ts";

export type SlotName = "a" | "b";
export const otherThan = (slot: SlotName): SlotName => (slot === "a" ? "b" : "a");

export interface Slot {
  image: KnownImage | undefined;
  state: SlotStateName;
  /** ErrorCode. */
  reason: number;
  tries: number;
}

/** The update that was begun last. */
export interface Journal {
  digest: string;
  deployment: string;
  attempt: number;
  /** Chunks in sealed sectors, from the first one on. */
  sealed: number;
}

/** Beginnings in a row that are free (docs/protocol.md, "Put off"). */
const freeBeginnings = 4;
const putOffMsFirst = 4_000;
const putOffMsMax = 3_600_000;

export class Flash {
  secret: Uint8Array | undefined;
  boot = 0;
  /** Which slot the next start takes. */
  #active: SlotName = "a";
  /** Which slot this start took. */
  slot: SlotName = "a";
  /** The other slot's candidate waits for the verdict of this one: who has contact. */
  contactFallback = false;
  yielded = false;
  journal: Journal | undefined;
  #beginnings = 0;
  readonly #slots: Record<SlotName, Slot>;

  constructor(image: KnownImage) {
    this.#slots = {
      a: { image, state: "confirmed", reason: 0, tries: 0 },
      b: { image: undefined, state: "empty", reason: 0, tries: 0 },
    };
  }

  get running(): Slot {
    return this.#slots[this.slot];
  }

  get other(): Slot {
    return this.#slots[otherThan(this.slot)];
  }

  get isOnTrial(): boolean {
    return this.running.state === "candidate";
  }

  /** The loader's part of a start. Returns whether it went to the other slot. */
  load(): boolean {
    this.boot++;
    this.slot = this.#active;
    const { running } = this;
    if (running.state !== "candidate") return false;
    if (running.tries > 0) {
      running.tries--;
      return false;
    }
    this.failTrial(running.reason === 0 ? ErrorCode.TriesExhausted : running.reason);
    this.slot = this.#active;
    return true;
  }

  /** The running candidate did not prove itself. */
  failTrial(reason: number): void {
    Object.assign(this.running, { state: "failed", reason, tries: 0 });
    this.contactFallback = false;
    this.#active = otherThan(this.slot);
  }

  confirm(): void {
    Object.assign(this.running, { state: "confirmed", reason: 0, tries: 0 });
    this.#beginnings = 0;
  }

  /** No contact by the deadline, and nothing else is wrong. False: there is nothing to fall back to. */
  fallBackForContact(): boolean {
    this.running.tries++;
    if (this.other.state !== "confirmed") return false;
    this.contactFallback = true;
    this.#active = otherThan(this.slot);
    return true;
  }

  /** The old image has contact, so the candidate was to blame; or it has none either, and the trial is repeated. */
  settleFallback(hasContact: boolean): void {
    this.contactFallback = false;
    if (hasContact) Object.assign(this.other, { state: "failed", reason: ErrorCode.NoContact, tries: 0 });
    else this.#active = otherThan(this.slot);
  }

  /** A confirmed image that crashed again and again; false: there is nothing to yield to. */
  yieldToOther(): boolean {
    if (this.yielded || this.other.state !== "confirmed") return false;
    this.running.reason = ErrorCode.CrashedRepeatedly;
    this.yielded = true;
    this.#active = otherThan(this.slot);
    return true;
  }

  /** So long the next beginning of this image has to wait. */
  get putOffMs(): number {
    const over = this.#beginnings - freeBeginnings;
    return over < 0 ? 0 : Math.min(putOffMsMax, putOffMsFirst * 2 ** over);
  }

  /** The journal says what is coming, and the other slot is given up for it. */
  begin(image: KnownImage, deployment: string, attempt: number): void {
    this.#beginnings++;
    this.journal = { digest: image.digest, deployment, attempt, sealed: 0 };
    Object.assign(this.other, { image, state: "empty", reason: 0, tries: 0 });
  }

  /** The same image goes on where its seals say, for this deployment. */
  resume(deployment: string, attempt: number): void {
    if (this.journal!.sealed === 0) this.#beginnings++;
    Object.assign(this.journal!, { deployment, attempt });
  }

  /** The image that lies in the other slot already is taken once more. */
  reuse(image: KnownImage, deployment: string, attempt: number): void {
    this.#beginnings++;
    this.journal = { digest: image.digest, deployment, attempt, sealed: image.chunkCount };
  }

  /** An update's point of no return. */
  install(): void {
    Object.assign(this.other, { state: "candidate", reason: 0, tries });
    this.contactFallback = false;
    this.yielded = false;
    this.#active = otherThan(this.slot);
  }
}
