// One thing at a time for each key, in the order in which they came. For each device: what a check-in decides and
// what a rollout pushes must leave in that order.

export class Turns {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `work` after everything that was given before for the same key. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(work);
    const tail = result.then(
      () => {},
      () => {},
    );
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    return result;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }
}
