// How many devices download at the same time: as many as this process serves well. Thousands at once would each get
// their chunks so late that they ask again for what is on its way, until nothing else is done.
//
// The number follows what is measured, as the window of a TCP connection does: while all slots are in use and the event
// loop is in time, there is one more each second; when the loop is late, a quarter of them goes.

export const slotsAtFirst = 128;
const slotsMin = 64;
const slotsMax = 2_048;
/** Of the event loop: what waits as long is served late. */
export const delayMsMax = 50;
const keptOnDelay = 0.75;
/** Who asked for nothing for so long leaves its slot to others, and takes one again when it goes on. */
const idleMsMax = 30_000;

export class DownloadSlots {
  readonly #now: () => number;
  readonly #onTurn: (deviceIds: string[]) => void;
  /** When each holder last asked for something. */
  readonly #holders = new Map<string, number>();
  /** In the order of asking; the urgent ones before the others. */
  readonly #urgent = new Set<string>();
  readonly #waiting = new Set<string>();
  #max = slotsAtFirst;

  /** `onTurn`: there is room for these, which had to wait. */
  constructor(now: () => number, onTurn: (deviceIds: string[]) => void) {
    this.#now = now;
    this.#onTurn = onTurn;
  }

  get inUse(): number {
    return this.#holders.size;
  }

  get max(): number {
    return this.#max;
  }

  mayTake(deviceId: string): boolean {
    return this.#holders.has(deviceId) || this.#holders.size < this.#max;
  }

  /** False: there is none free; the device is in line, and told when it is its turn. */
  take(deviceId: string, isUrgent: boolean): boolean {
    if (!this.mayTake(deviceId)) {
      (isUrgent ? this.#urgent : this.#waiting).add(deviceId);
      return false;
    }
    this.touch(deviceId);
    return true;
  }

  /** It downloads. One that goes on where it was is not sent away. */
  touch(deviceId: string): void {
    this.#urgent.delete(deviceId);
    this.#waiting.delete(deviceId);
    this.#holders.set(deviceId, this.#now());
  }

  free(deviceId: string): void {
    if (this.#holders.delete(deviceId)) this.#admit();
  }

  /** Looks at all of it, about once a second. `delayMs`: of the event loop since it looked last. */
  sweep(delayMs: number): void {
    const idleSince = this.#now() - idleMsMax;
    for (const [deviceId, at] of this.#holders) if (at < idleSince) this.#holders.delete(deviceId);
    if (delayMs > delayMsMax) this.#max = Math.max(slotsMin, Math.floor(this.#max * keptOnDelay));
    else if (this.#holders.size >= this.#max) this.#max = Math.min(slotsMax, this.#max + 1);
    this.#admit();
  }

  #admit(): void {
    const turn: string[] = [];
    for (const line of [this.#urgent, this.#waiting])
      for (const deviceId of line) {
        if (this.#holders.size + turn.length >= this.#max) break;
        line.delete(deviceId);
        turn.push(deviceId);
      }
    if (turn.length > 0) this.#onTurn(turn);
  }
}
