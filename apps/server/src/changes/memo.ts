// What was read once and has not changed since: kept until somebody says that it may have.

export class Memo<V> {
  readonly #load: (key: string) => Promise<V>;
  readonly #max: number;
  readonly #kept = new Map<string, V>();
  /** Readings under way; one that was overtaken by a change is given to those who asked, and not kept. */
  readonly #reading = new Map<string, Promise<V>>();

  constructor(load: (key: string) => Promise<V>, max: number) {
    this.#load = load;
    this.#max = max;
  }

  async of(key: string): Promise<V> {
    const kept = this.#kept.get(key);
    return kept !== undefined ? kept : (this.#reading.get(key) ?? this.#read(key));
  }

  forget(key: string): void {
    this.#kept.delete(key);
    this.#reading.delete(key);
  }

  /** A change that says itself what has become of it; undefined from `changed`: it is to be read anew. */
  change(key: string, changed: (value: V) => V | undefined): void {
    const kept = this.#kept.get(key);
    const value = kept === undefined ? undefined : changed(kept);
    if (value === undefined) this.forget(key);
    else this.#kept.set(key, value);
  }

  forgetAll(): void {
    this.#kept.clear();
    this.#reading.clear();
  }

  #read(key: string): Promise<V> {
    const reading: Promise<V> = this.#load(key).then(
      (value) => {
        if (this.#reading.get(key) !== reading) return value;
        this.#reading.delete(key);
        if (this.#kept.size >= this.#max) this.#kept.delete(this.#kept.keys().next().value!);
        this.#kept.set(key, value);
        return value;
      },
      (error: unknown) => {
        if (this.#reading.get(key) === reading) this.#reading.delete(key);
        throw error;
      },
    );
    this.#reading.set(key, reading);
    return reading;
  }
}
