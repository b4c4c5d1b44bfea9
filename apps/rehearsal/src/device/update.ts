// A device's update, from the offer to the reset into the candidate (docs/protocol.md, "Check-in and offer" to "Put
// off"). What it is sent is compared with what was signed, byte for byte.

import {
  CHUNK_PART_PAYLOAD,
  CHUNK_PART_TABLE,
  CHUNK_TABLE_PIECE_BYTES,
  type DeploymentStateName,
  ErrorCode,
  errorName,
  FETCH_WINDOW_MAX,
} from "@flipside/image-format";
import { readChunk } from "@flipside/protocol/chunk-message";
import { offerMessage } from "@flipside/protocol/server-messages";
import type { KnownImage, Project } from "../server/project.ts";
import type { Random } from "../world/random.ts";
import type { Begun } from "./fleet-device.ts";
import type { Flash } from "./flash.ts";
import type { Habits } from "./habits.ts";
import { isSignedPiece, offeredImage } from "./what-was-signed.ts";

const chunksPerSector = 4;
const chunksPerReport = 16;
const askAgainMsMax = 60_000;
const farewellMs = 500;

/** Of the device. */
export interface UpdateHost {
  readonly flash: Flash;
  readonly random: Random;
  readonly project: Project;
  readonly habits: Habits;
  after(delayMs: number, act: () => void): () => void;
  say(leaf: "state" | "fetch", message: Record<string, unknown>): boolean;
  order(): { boot: number; sequence: number };
  checkIn(): void;
  resetIntoCandidate(): void;
  /** The candidate record is written: there is no way back. */
  installing(begun: Begun, image: KnownImage): void;
  log(what: string): void;
  violated(what: string): void;
}

export interface Taken {
  id: string;
  attempt: number;
  state: DeploymentStateName;
  code: number;
}

type Offer = ReturnType<typeof offerMessage.parse>;
type OfferedDeployment = Extract<Offer, { deployment: string }>;
type Phase = "idle" | "put-off" | "table" | "payload" | "verify" | "farewell";

const overStates: readonly DeploymentStateName[] = ["confirmed", "failed", "rolled-back", "rejected"];

export class Update {
  readonly #host: UpdateHost;
  taken: Taken | undefined;
  #phase: Phase = "idle";
  #image: KnownImage | undefined;
  #next = 0;
  #askedTo = 0;
  #askAgainMs: number;
  #takeBackAsking: () => void = () => {};
  /** Counts what was begun, so that what was arranged for an earlier one comes to nothing. */
  #begun = 0;

  constructor(host: UpdateHost) {
    this.#host = host;
    this.#askAgainMs = host.habits.askAgainMs;
    this.#recall();
  }

  /** What the journal remembers of the deployment that this boot came from. */
  #recall(): void {
    const { journal, running, other, isOnTrial, contactFallback } = this.#host.flash;
    if (journal === undefined) return;
    const { deployment: id, attempt, digest } = journal;
    if (running.image!.digest === digest)
      this.taken = { id, attempt, state: isOnTrial ? "testing" : "confirmed", code: 0 };
    else if (other.state === "failed" && other.image?.digest === digest)
      this.taken = { id, attempt, state: "rolled-back", code: other.reason };
    else if (contactFallback) this.taken = { id, attempt, state: "testing", code: 0 };
  }

  /** The trial has ended; a check-in says so. */
  settled(): void {
    this.#recall();
  }

  get isFetching(): boolean {
    return this.#phase === "table" || this.#phase === "payload";
  }

  /** The candidate is recorded, and its start has not come. */
  get isInstalled(): boolean {
    return this.#phase === "farewell";
  }

  onOffer(payload: Buffer): void {
    const parsed = offerMessage.safeParse(JSON.parse(payload.toString()));
    if (!parsed.success) return this.#host.violated(`an offer that no device can read: ${payload.toString()}`);
    const offer = parsed.data;
    if (offer.deployment === undefined) return this.#withdraw();
    const { deployment, attempt } = offer;
    const { taken } = this;
    if (taken?.id === deployment && taken.attempt === attempt) {
      const isOver = overStates.includes(taken.state);
      // Where it ended is said again: the server may have missed it.
      if (isOver && this.#phase === "idle") this.#report(taken.state, taken.code);
      if (isOver || this.#phase !== "idle") return;
    }
    const { flash } = this.#host;
    if (flash.isOnTrial || flash.contactFallback || this.#phase === "verify" || this.#phase === "farewell") return;
    this.#accept(offer);
  }

  #withdraw(): void {
    if (this.#phase === "idle" || this.#phase === "verify" || this.#phase === "farewell") return;
    this.#host.log("gives the update up: withdrawn");
    this.#end();
    this.taken = undefined;
  }

  #end(): void {
    this.#phase = "idle";
    this.#begun++;
    this.#takeBackAsking();
  }

  #accept(offer: OfferedDeployment): void {
    const { flash } = this.#host;
    this.#end();
    this.taken = { id: offer.deployment, attempt: offer.attempt, state: "offered", code: 0 };
    const image = this.#imageIn(offer);
    if (image === undefined) return;
    this.#image = image;
    if (flash.running.image === image) return this.#enter("confirmed", 0, true);
    const isOther = flash.other.state === "confirmed" && flash.other.image === image;
    const wasAccepted = flash.journal?.digest === image.digest && flash.other.image === image;
    if (!isOther && !wasAccepted && image.releaseSequence < flash.running.image!.releaseSequence) {
      if (offer.permit === undefined) return this.#enter("rejected", ErrorCode.ReleaseSequenceTooLow, true);
      if (offer.permit !== image.permit.toString("base64url")) this.#host.violated("a permit that nobody has signed");
    }
    this.#deadline(offer.deadlineMs);
    const waitMs = flash.putOffMs;
    if (waitMs === 0) return this.#beginDownload();
    this.#phase = "put-off";
    this.#enter("downloading", ErrorCode.UpdatePutOff);
    this.#later(waitMs, () => this.#beginDownload());
  }

  /** The image that the offer is about; its bytes are those that were signed. */
  #imageIn(offer: OfferedDeployment): KnownImage | undefined {
    const image = offeredImage(this.#host.project, offer);
    if (image === undefined)
      this.#host.violated(`deployment ${offer.deployment} is offered an image that was never signed`);
    return image;
  }

  #deadline(deadlineMs: number): void {
    this.#later(deadlineMs, () => {
      if (this.#phase === "farewell") return;
      this.#end();
      this.#enter("failed", ErrorCode.DownloadTimedOut, true);
    });
  }

  /** `act`, if what is under way then is still this. */
  #later(delayMs: number, act: () => void): () => void {
    const begun = this.#begun;
    return this.#host.after(delayMs, () => begun === this.#begun && act());
  }

  #beginDownload(): void {
    const { flash } = this.#host;
    const image = this.#image!;
    const { id, attempt } = this.taken!;
    if (flash.other.image === image && flash.other.state === "confirmed") {
      flash.reuse(image, id, attempt);
      return this.#startVerify();
    }
    if (flash.journal?.digest === image.digest && flash.other.image === image && flash.other.state === "empty") {
      flash.resume(id, attempt);
      return this.#startPayload();
    }
    this.#phase = "table";
    this.#next = this.#askedTo = 0;
    this.#enter("downloading");
    if (this.#host.habits.behaviourOf(image).kind !== "stalls") this.#ask();
  }

  #startPayload(): void {
    this.#phase = "payload";
    this.#next = this.#askedTo = this.#host.flash.journal!.sealed;
    this.#enter("downloading");
    if (this.#next === this.#image!.chunkCount) this.#startVerify();
    else this.#ask();
  }

  get #pieces(): number {
    const { table, chunkCount } = this.#image!;
    return this.#phase === "table" ? Math.ceil(table.length / CHUNK_TABLE_PIECE_BYTES) : chunkCount;
  }

  #ask(): void {
    const { id: deployment, attempt } = this.taken!;
    const part = this.#phase === "table" ? CHUNK_PART_TABLE : CHUNK_PART_PAYLOAD;
    const first = this.#next;
    const count = Math.min(FETCH_WINDOW_MAX, this.#pieces - first);
    this.#askedTo = first + count;
    this.#host.say("fetch", { deployment, attempt, part, first, count });
    this.#takeBackAsking();
    this.#takeBackAsking = this.#later(this.#askAgainMs, () => {
      this.#askAgainMs = Math.max(this.#askAgainMs, Math.min(askAgainMsMax, 2 * this.#askAgainMs));
      this.#ask();
    });
  }

  /** A new session: what was asked for in the last one will not come. */
  onSessionProven(): void {
    if (this.isFetching) this.#ask();
  }

  onChunk(payload: Buffer): void {
    const { taken } = this;
    const image = this.#image;
    const chunk = readChunk(payload);
    if (chunk === undefined) return this.#host.violated("a message on chunk that holds none");
    if (image === undefined || taken === undefined || !this.isFetching) return;
    const isOurs = chunk.attempt === taken.attempt && image.digest.startsWith(chunk.digest);
    const part = this.#phase === "table" ? CHUNK_PART_TABLE : CHUNK_PART_PAYLOAD;
    if (!isOurs || chunk.part !== part || chunk.index !== this.#next) return;
    if (!isSignedPiece(image, chunk))
      return this.#host.violated(`piece ${chunk.index} of part ${part} of ${image.version} is not what was signed`);
    this.#askAgainMs = this.#host.habits.askAgainMs;
    this.#next++;
    this.#take(part);
  }

  #take(part: number): void {
    const { flash } = this.#host;
    const image = this.#image!;
    const { id, attempt } = this.taken!;
    if (part === CHUNK_PART_TABLE) {
      if (this.#next < this.#pieces) return this.#goOn();
      flash.begin(image, id, attempt);
      return this.#startPayload();
    }
    const isWhole = this.#next === image.chunkCount;
    if (this.#next % chunksPerSector === 0 || isWhole) flash.journal!.sealed = this.#next;
    if (isWhole) return this.#startVerify();
    if (this.#next % chunksPerReport === 0) this.#report("downloading", 0);
    this.#goOn();
  }

  #goOn(): void {
    if (this.#next === this.#askedTo) this.#ask();
  }

  #startVerify(): void {
    this.#phase = "verify";
    this.#takeBackAsking();
    this.#enter("verifying");
    this.#later(this.#host.habits.verifyMs(), () => this.#install());
  }

  #install(): void {
    const { flash, random } = this.#host;
    const behaviour = this.#host.habits.behaviourOf(this.#image!);
    if (behaviour.kind === "fails") {
      this.#end();
      return this.#enter("failed", behaviour.code, true);
    }
    const { id: deployment, attempt } = this.taken!;
    this.#phase = "farewell";
    const begun = this.#begun;
    this.#host.installing({ deployment, attempt }, this.#image!);
    flash.install();
    // The reference agent has no message of its own for it.
    if (random.chance(0.3)) this.#enter("installed");
    this.#enter("rebooting");
    this.#host.after(farewellMs, () => begun === this.#begun && this.#host.resetIntoCandidate());
  }

  #enter(state: DeploymentStateName, code = 0, isOver = false): void {
    this.taken = { ...this.taken!, state, code };
    this.#report(state, code);
    // Each image has its permit, is for this hardware and is whole: nothing is offered that would have to be refused.
    if (state === "rejected") this.#host.violated(`it has to refuse ${this.#image!.version} (${errorName(code)})`);
    if (isOver) {
      this.#phase = "idle";
      this.#host.checkIn();
    }
  }

  #report(state: DeploymentStateName, code: number): void {
    const { id: deployment, attempt } = this.taken!;
    const total = this.#image?.chunkCount ?? 0;
    const done = this.#phase === "payload" ? this.#next : 0;
    this.#host.say("state", { deployment, attempt, ...this.#host.order(), state, done, total, code });
  }
}
