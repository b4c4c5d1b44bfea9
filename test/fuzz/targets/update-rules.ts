// What can be told of a device's update by what it and its server say to each other, and by the journal: a plain
// reading of docs/protocol.md, "Check-in and offer" and "Put off", and of docs/architecture.md, "Update", piece by
// piece.

import { ErrorCode, SlotState } from "@flipside/image-format";
import { BootReason, Zone } from "@flipside/machine/abi";
import { readChunk } from "@flipside/protocol/chunk-message";
import { Violation } from "../engine/target.ts";
import type { Change } from "./device-host.ts";
import type { Said } from "./hostile-server.ts";
import type { Surroundings } from "./agent-session.ts";
import { decodeJournalRecord } from "./journal-records.ts";
import { sha256Of } from "./keys.ts";
import { hex, type Parts } from "./message-items.ts";

const NAME_BYTES_MAX = 48;
const WRONG_PIECES = 3;
const WINDOW_MAX = 8;
const FREE_BEGINNINGS = 4;
const WAIT_MIN_US = 4_000_000;
const WAIT_MAX_US = 3_600_000_000;
/** How long a new server has to prove itself. */
const MOVE_US = 60_000_000;
/** A server that has heard of the reset is not waited for any longer. */
const RESET_WITHIN_US = 30_000;
/** What is said of a change comes within this. */
const SAID_WITHIN_US = 200_000;
const MOVE = 2;
const COMMAND_KIND_AT = 76;

/** One attempt of a deployment, and how far its pieces have come, each in its turn. */
interface Attempt {
  digest: string;
  parts: Parts | undefined;
  /** Pieces of table and payload that have come. */
  come: [table: number, payload: number];
  /** The first piece of the payload that was asked for, since the table was. */
  from: number | undefined;
  /** The table was in the slot already: what came of the payload afterwards is not all that counts. */
  isTakenUp: boolean;
  /** Spoilt pieces in a row. */
  wrong: [table: number, payload: number];
}

interface Begin {
  digest: string;
  abandoned: number;
  stalled: number;
}

/** Of a journal's begin; undefined for another record. */
function beginOf(bytes: Uint8Array): Begin | undefined {
  const record = decodeJournalRecord(bytes);
  return record?.kind === "begin" ? { ...record, digest: hex(record.digest) } : undefined;
}

export class UpdateRules {
  readonly #attempts = new Map<string, Attempt>();
  /** What the device has fetched for, or spoken of, last. */
  #taken = "";
  /** Of which the device has to say something, and what it has said. */
  #expected: string | undefined;
  readonly #told = new Set<string>();
  #putOff: { dueUs: number } | undefined;
  #rebootingUs = 0;
  #isShaken = false;
  #kind = 0;
  #moveUntilUs = 0;
  #begin: Begin | undefined;
  #lastBeginUs: number;

  /** `newest`: begin in the journal; `startUs`: of this run of the device. */
  constructor(
    readonly around: Surroundings,
    readonly runningDigest: string,
    newest: Uint8Array | undefined,
    startUs: number,
  ) {
    this.#begin = newest && beginOf(newest);
    this.#lastBeginUs = startUs;
  }

  get #nowUs(): number {
    return this.around.device.host.nowUs;
  }

  get #isProven(): boolean {
    return this.around.device.server.isProven;
  }

  // ---- to the device
  // -------------------------------------------------------------------------------------------------------

  published(leaf: string, payload: Uint8Array): void {
    if (leaf === "challenge") return this.#challenge(payload);
    if (!this.#isProven) return;
    if (leaf === "offer") this.#offer(Buffer.from(payload).toString("utf8"));
    if (leaf === "chunk") this.#piece(Buffer.from(payload));
    if (leaf === "command") {
      const { command } = read(payload) ?? {};
      const body = typeof command === "string" ? Buffer.from(command, "base64url") : Buffer.alloc(0);
      this.#kind = body.length > COMMAND_KIND_AT + 1 ? body.readUInt16LE(COMMAND_KIND_AT) : 0;
      // Whether it is taken is another matter; a device that has something to settle takes no offers.
      this.#isShaken = true;
    }
  }

  #challenge(payload: Uint8Array): void {
    if (read(payload)?.["accepted"] === true && this.#isProven) this.#moveUntilUs = 0;
  }

  #offer(text: string): void {
    const offer = read(Buffer.from(text));
    // Messages that JSON readers may differ about prove nothing.
    if (!offer || JSON.stringify(offer) !== text || offer["session"] !== this.around.device.server.session.id) return;
    const { deployment, attempt, header } = offer;
    const isAtTheEnd = this.#isAtTheEnd();
    if (deployment === undefined && !isAtTheEnd) this.#taken = "";
    if (
      typeof deployment !== "string" ||
      typeof attempt !== "number" ||
      !Number.isInteger(attempt) ||
      attempt < 0 ||
      attempt > 0xffff_ffff
    )
      return;
    const bytes = Buffer.byteLength(deployment);
    if (bytes < 1 || bytes > NAME_BYTES_MAX) return;
    const key = keyOf(deployment, attempt);
    if (key === this.#taken) return;
    const headerBytes = typeof header === "string" ? Buffer.from(header, "base64url") : Buffer.alloc(0);
    const parts = this.around.images.find((image) => Buffer.compare(image.header, headerBytes) === 0);
    this.#attempts.set(key, {
      digest: hex(sha256Of(headerBytes)),
      parts,
      come: [0, 0],
      from: undefined,
      isTakenUp: false,
      wrong: [0, 0],
    });
    for (const told of this.#told) if (told.startsWith(`${key} `)) this.#told.delete(told);
    if (!this.#isShaken && !isAtTheEnd) this.#expected = key;
  }

  /** It may be verifying, or about to reset. */
  #isAtTheEnd(): boolean {
    const current = this.#attempts.get(this.#taken);
    const hasAll = current?.parts !== undefined && current.come[1] >= chunksOf(current.parts);
    return (
      !this.#isOver(this.#taken) &&
      (hasAll || ["verifying", "installed", "rebooting"].some((state) => this.#told.has(`${this.#taken} ${state}`)))
    );
  }

  #isOver(key: string): boolean {
    return ["failed", "rejected", "confirmed"].some((state) => this.#told.has(`${key} ${state}`));
  }

  /** As the device has to read it; what is not its next piece does nothing. */
  #piece(message: Buffer): void {
    const current = this.#attempts.get(this.#taken);
    const chunk = readChunk(message);
    if (!current?.parts || !chunk) return;
    const { attempt, part, index, digest, data } = chunk;
    const { parts, come, wrong } = current;
    if (attempt !== Number(this.#taken.split(" ").at(-1)) || digest !== current.digest.slice(0, 6)) return;
    if (part > 1 || part !== (come[0] > 0 ? 1 : 0) || index !== come[part]) return;
    const wanted =
      part === 0 ? parts.table : parts.payload.subarray(index * parts.chunkBytes, (index + 1) * parts.chunkBytes);
    if (Buffer.compare(data, wanted) !== 0) return void wrong[part]++;
    come[part]++;
    wrong[1] = 0;
  }

  // ---- from the device
  // -----------------------------------------------------------------------------------------------------

  said({ leaf, message }: Said): void {
    if (leaf === "fetch")
      this.#fetch(message as unknown as { deployment: string; attempt: number; part: number; first: number });
    if (leaf === "state")
      this.#state(
        message as unknown as { deployment: string; attempt: number; state: string; code: number; waitMs?: number },
      );
    if (leaf === "check-in") this.#standing((message["deployment"] as { state: string } | undefined)?.state);
    if (leaf === "answer") this.#answer(message["code"] as ErrorCode);
  }

  #fetch({
    deployment,
    attempt,
    part,
    first,
  }: {
    deployment: string;
    attempt: number;
    part: number;
    first: number;
  }): void {
    const key = keyOf(deployment, attempt);
    const fetched = this.#attempts.get(key);
    if (!fetched) throw new Violation("the device fetches for what was not offered, or has no name");
    if (fetched.digest === this.runningDigest) throw new Violation("the device fetches what runs");
    this.#taken = key;
    if (part === 0) {
      const hasComeWhole =
        fetched.parts !== undefined &&
        fetched.from === 0 &&
        !fetched.isTakenUp &&
        fetched.come[1] === chunksOf(fetched.parts);
      if (hasComeWhole) throw new Violation("the device fetches again what has just come whole");
      Object.assign(fetched, { come: [0, 0], from: undefined, isTakenUp: false });
      return;
    }
    if (fetched.from === undefined) {
      fetched.from = first;
      fetched.isTakenUp = fetched.come[0] === 0;
      fetched.come = [1, first];
    }
    if (first > fetched.come[1] + WINDOW_MAX) throw new Violation("the device goes on behind what has not come");
  }

  #state({
    deployment,
    attempt,
    state,
    code,
    waitMs,
  }: {
    deployment: string;
    attempt: number;
    state: string;
    code: number;
    waitMs?: number;
  }): void {
    const key = keyOf(deployment, attempt);
    if (this.#expected === key) this.#expected = undefined;
    this.#taken = key;
    const isNews = !this.#told.has(`${key} ${state}`);
    this.#told.add(`${key} ${state}`);
    if (state === "rebooting") this.#rebootingUs = this.#nowUs;
    this.#putOff = code === ErrorCode.UpdatePutOff ? { dueUs: this.#nowUs + (waitMs ?? 0) * 1000 } : undefined;
    this.#standing(state);
    const current = this.#attempts.get(key);
    if (!current) return;
    const { wrong, come, from, parts } = current;
    const spoilt = { [ErrorCode.ChunkTableMismatch]: wrong[0], [ErrorCode.ChunkMismatch]: wrong[1] }[code];
    if (state === "rejected" && isNews && spoilt !== undefined && spoilt < WRONG_PIECES)
      throw new Violation(`rejected with code ${code}, and only ${spoilt} pieces in a row were spoilt`);
    if (state === "verifying" && from !== undefined && parts && come[1] !== chunksOf(parts))
      throw new Violation("the device verifies what has not come");
  }

  /** What the device calls the deployment that it came from has to be so. */
  #standing(state: string | undefined): void {
    const { record } = this.around.watch;
    const other = record?.slotState(1);
    if (state === "rolled-back" && (other !== SlotState.Failed || hex(record!.slotDigest(1)) !== this.#begin?.digest))
      throw new Violation("rolled back, it says, and the image has not failed");
    if (state === "testing" && other !== SlotState.Candidate) throw new Violation("on trial, it says, and nothing is");
  }

  #answer(code: ErrorCode): void {
    const isOpen = this.#nowUs < this.#moveUntilUs;
    if (code === ErrorCode.DeviceBusy && this.#putOff && this.#nowUs + SAID_WITHIN_US < this.#putOff.dueUs && !isOpen)
      throw new Violation("busy, it says, and the update is put off");
    if (code === ErrorCode.None && this.#kind === MOVE) this.#moveUntilUs = this.#nowUs + MOVE_US;
  }

  /** Before anything of flash changes. */
  changed({ zone, bytes }: Change): void {
    const begin = zone === Zone.Journal && bytes ? beginOf(bytes) : undefined;
    if (!begin) return;
    const before = this.#begin;
    this.#begin = begin;
    const restUs = this.#nowUs - this.#lastBeginUs;
    this.#lastBeginUs = this.#nowUs;
    if (this.#nowUs < this.#moveUntilUs) throw new Violation("an image is begun while another server is tried");
    // One that has got further counts for less; so does an hour of rest.
    if (!before || before.digest === begin.digest || restUs >= WAIT_MAX_US) return;
    const count = before.abandoned + before.stalled + 1;
    const waitUs = count < FREE_BEGINNINGS ? 0 : Math.min(WAIT_MAX_US, WAIT_MIN_US * 2 ** (count - FREE_BEGINNINGS));
    if (restUs < waitUs) throw new Violation(`begun ${restUs} us after the last beginning, and ${waitUs} had to pass`);
  }

  /** The server has lost the connection, or said what may make the device begin a new session. */
  shake(): void {
    this.#isShaken = true;
  }

  /** After each item; what had to be said is said by then. */
  check(): void {
    if (this.#expected !== undefined && this.#isProven && !this.#isShaken)
      throw new Violation("an offer that can be read is not taken up");
    this.#expected = undefined;
    const current = this.#attempts.get(this.#taken);
    if (
      !this.#isShaken &&
      current &&
      !this.#isOver(this.#taken) &&
      current.wrong.some((wrong) => wrong >= WRONG_PIECES)
    )
      throw new Violation("the device goes on after three spoilt pieces in a row");
  }

  reset(reason: number): void {
    if (reason !== BootReason.Update || this.#isShaken) return;
    for (const state of ["installed", "rebooting"])
      if (!this.#told.has(`${this.#taken} ${state}`))
        throw new Violation(`a reset into the candidate, and the server was not told of ${state}`);
    if (this.#nowUs - this.#rebootingUs > RESET_WITHIN_US)
      throw new Violation("a reset that keeps a server waiting which knows of it");
  }
}

const keyOf = (deployment: string, attempt: number): string => `${deployment} ${attempt}`;
const chunksOf = ({ payload, chunkBytes }: Parts): number => Math.ceil(payload.length / chunkBytes);

function read(payload: Uint8Array): Record<string, unknown> | undefined {
  try {
    return JSON.parse(Buffer.from(payload).toString("utf8")) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
