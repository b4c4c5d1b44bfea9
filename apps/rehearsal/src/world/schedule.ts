// Simulated time: what happens when, in milliseconds since the world began. What is due at the same moment happens in
// the order in which it was arranged.

interface Arranged {
  atMs: number;
  order: number;
  run: () => void;
}

const isBefore = (one: Arranged, other: Arranged): boolean =>
  one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);

export class Schedule {
  nowMs = 0;
  /** A binary heap. */
  readonly #heap: Arranged[] = [];
  #arranged = 0;

  /** Arranges `run` for so many milliseconds from now; what it returns takes that back. */
  after(delayMs: number, run: () => void): () => void {
    const arranged = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#arranged++, run };
    this.#push(arranged);
    return () => void (arranged.run = () => {});
  }

  /** When the next thing happens; undefined: nothing is arranged. */
  get nextMs(): number | undefined {
    return this.#heap[0]?.atMs;
  }

  /** Moves time on to the next thing that is arranged, and lets it happen. */
  step(): void {
    const next = this.#pop();
    if (next === undefined) return;
    this.nowMs = next.atMs;
    next.run();
  }

  #push(arranged: Arranged): void {
    const heap = this.#heap;
    let at = heap.push(arranged) - 1;
    for (let above = (at - 1) >> 1; at > 0 && isBefore(arranged, heap[above]!); at = above, above = (at - 1) >> 1)
      heap[at] = heap[above]!;
    heap[at] = arranged;
  }

  #pop(): Arranged | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++;
      if (!isBefore(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}
