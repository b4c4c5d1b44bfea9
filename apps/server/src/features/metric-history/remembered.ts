// What was of use in the last hour or two.

const generationMs = 3_600_000;

export class Remembered<V> {
  #younger = new Map<string, V>();
  #older = new Map<string, V>();
  readonly #steadyMs: () => number;
  #endsAt: number;

  constructor(steadyMs: () => number) {
    this.#steadyMs = steadyMs;
    this.#endsAt = steadyMs() + generationMs;
  }

  get(key: string): V | undefined {
    this.#age();
    const value = this.#younger.get(key) ?? this.#older.get(key);
    if (value !== undefined) this.#younger.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#age();
    this.#younger.set(key, value);
  }

  #age(): void {
    const now = this.#steadyMs();
    if (now < this.#endsAt) return;
    this.#older = now < this.#endsAt + generationMs ? this.#younger : new Map();
    this.#younger = new Map();
    this.#endsAt = now + generationMs;
  }
}
