// Which pieces of a part to ask for, and when again: as the agent does (apps/agent/src/update/chunk-fetch.ts has the
// reasons), in milliseconds. Counts what was asked for more than once.

import { FETCH_WINDOW_MAX } from "@flipside/image-format";

const QUEUE_MS = 4_000;
const WINDOW_AT_FIRST = 2;
const MEASURED_BYTES_MIN = 1_024;
const TIMEOUT_AT_FIRST_MS = 2_000;
const TIMEOUT_MIN_MS = 1_000;
const TIMEOUT_MAX_MS = 60_000;

export interface WindowPort {
  ask: (first: number, count: number) => void;
  ping: () => void;
  /** Pings that were answered. */
  pongs: () => number;
}

export class ChunkWindow {
  /** The piece that is wanted next. */
  next = 0;
  #count = 0;
  /** The first that was not asked for. */
  #asked = 0;
  #window = WINDOW_AT_FIRST;
  #progressMs = 0;
  /** A piece was under way when the last one came. */
  #isPipelined = false;
  /** What one piece takes on the link; 0: not measured. */
  #pieceMs = 0;
  #smoothedMs = 0;
  #variationMs = 0;
  #timeoutMs = TIMEOUT_AT_FIRST_MS;
  /** Pings that were answered when a sign of life was asked for; undefined: none is awaited. */
  #pongsBefore: number | undefined;
  /** Pieces that were asked for again. */
  reAsked = 0;

  begin(count: number): void {
    this.#count = count;
    this.next = 0;
    this.#asked = 0;
    this.#askAgain();
  }

  get isDone(): boolean {
    return this.next === this.#count;
  }

  /** What was asked for on the old connection will not come. */
  onNewSession(): void {
    this.#askAgain();
    this.#pieceMs = 0;
    this.#smoothedMs = 0;
    this.#timeoutMs = TIMEOUT_AT_FIRST_MS;
    this.#window = WINDOW_AT_FIRST;
  }

  /** Whether this is the piece that is wanted; it counts as taken then. */
  take(index: number, bytes: number, nowMs: number): boolean {
    if (index !== this.next) return false;
    if (this.#asked > index) this.#measure(nowMs - this.#progressMs, bytes);
    this.#progressMs = nowMs;
    this.#pongsBefore = undefined;
    this.#isPipelined = this.#asked > index + 1;
    this.next++;
    this.#asked = Math.max(this.#asked, this.next);
    return true;
  }

  /** Keeps the window full, from half of it on. */
  run(port: WindowPort, nowMs: number): void {
    let underWay = this.#asked - this.next;
    if (underWay > 0 && this.#isLost(port, nowMs)) {
      this.#askAgain();
      this.#timeoutMs = Math.min(TIMEOUT_MAX_MS, this.#timeoutMs * 2);
      underWay = 0;
    }
    const count = Math.min(this.#window - Math.min(underWay, this.#window), this.#count - this.#asked);
    if (count <= 0 || underWay > Math.floor(this.#window / 2)) return;
    port.ask(this.#asked, count);
    this.#asked += count;
    if (underWay === 0) this.#progressMs = nowMs;
  }

  #askAgain(): void {
    this.reAsked += this.#asked - this.next;
    this.#asked = this.next;
    this.#isPipelined = false;
    this.#pongsBefore = undefined;
  }

  /** Nothing came for long, and a sign of life that was asked for then has come. Asks for it. */
  #isLost(port: WindowPort, nowMs: number): boolean {
    if (this.#pongsBefore !== undefined) return port.pongs() > this.#pongsBefore;
    if (nowMs - this.#progressMs < this.#timeoutMs) return false;
    port.ping();
    this.#pongsBefore = port.pongs();
    return false;
  }

  /** RFC 6298, 2.2 and 2.3. */
  #measure(ms: number, bytes: number): void {
    if (this.#smoothedMs === 0) {
      this.#smoothedMs = ms;
      this.#variationMs = ms / 2;
    } else {
      const off = ms - this.#smoothedMs;
      this.#variationMs += (Math.abs(off) - this.#variationMs) / 4;
      this.#smoothedMs += off / 8;
    }
    const timeoutMs = this.#smoothedMs + 4 * this.#variationMs;
    this.#timeoutMs = Math.max(TIMEOUT_MIN_MS, Math.min(TIMEOUT_MAX_MS, timeoutMs));
    if (bytes < MEASURED_BYTES_MIN) return;
    if (this.#pieceMs === 0) this.#pieceMs = ms;
    else if (this.#isPipelined || ms < this.#pieceMs || this.#window === 1) this.#pieceMs += (ms - this.#pieceMs) / 4;
    this.#window = 1;
    for (let sum = this.#pieceMs * 2; sum <= QUEUE_MS && this.#window < FETCH_WINDOW_MAX; sum += this.#pieceMs)
      this.#window++;
  }
}
