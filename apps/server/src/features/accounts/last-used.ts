// When a session or a token was used last, to the minute: one write a minute, however much is asked. Nobody is refused
// because it can't be noted.

const noteEveryMs = 60_000;
const remembered = 10_000;

export class LastUsed {
  readonly #notedMs = new Map<string, number>();
  readonly #note: (id: string, wallMs: number) => Promise<unknown>;

  constructor(note: (id: string, wallMs: number) => Promise<unknown>) {
    this.#note = note;
  }

  used(id: string, wallMs: number): void {
    const noted = this.#notedMs.get(id);
    if (noted !== undefined && Math.abs(wallMs - noted) < noteEveryMs) return;
    // Forgotten, it is noted once too often.
    if (this.#notedMs.size >= remembered) this.#notedMs.clear();
    this.#notedMs.set(id, wallMs);
    void this.#note(id, wallMs).catch(() => this.#notedMs.delete(id));
  }
}
