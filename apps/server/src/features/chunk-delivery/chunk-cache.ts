// Chunk messages as they leave, kept between devices: those of a rollout all ask for the same ones. Bounded by bytes;
// the one that was not asked for for the longest time goes first.

/** What an entry costs beside its bytes, about. */
const entryBytes = 200;

export class ChunkCache {
  readonly #bytesMax: number;
  /** By name, least recently used first. */
  readonly #kept = new Map<string, Uint8Array>();
  /** Being read; what was forgotten meanwhile is given to those who asked, and not kept. */
  readonly #reading = new Map<string, Promise<Uint8Array>>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The message of this name, read by `read` where it is not kept. */
  of(name: string, read: () => Promise<Uint8Array>): Uint8Array | Promise<Uint8Array> {
    const kept = this.#kept.get(name);
    if (kept === undefined) return this.#reading.get(name) ?? this.#read(name, read);
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    return kept;
  }

  forgetAll(): void {
    this.#kept.clear();
    this.#reading.clear();
    this.#bytes = 0;
  }

  #read(name: string, read: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const isLast = (): boolean => this.#reading.get(name) === reading;
    const reading: Promise<Uint8Array> = read().then(
      (message) => {
        if (!isLast()) return message;
        this.#reading.delete(name);
        this.#keep(name, message);
        return message;
      },
      (error: unknown) => {
        if (isLast()) this.#reading.delete(name);
        throw error;
      },
    );
    this.#reading.set(name, reading);
    return reading;
  }

  #keep(name: string, message: Uint8Array): void {
    this.#kept.set(name, message);
    this.#bytes += message.length + entryBytes;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#kept.delete(oldest);
      this.#bytes -= length + entryBytes;
    }
  }
}
