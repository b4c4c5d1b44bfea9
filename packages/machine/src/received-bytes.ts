// What came on a stream and was not read yet.

export class ReceivedBytes {
  readonly #pieces: Uint8Array[] = [];
  #lengthBytes = 0;

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** Keeps `piece` itself, not a copy. */
  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#lengthBytes += piece.length;
  }

  /** Moves as much as there is, and fits, to the start of `target`; how much that was. */
  take(target: Uint8Array): number {
    let taken = 0;
    while (taken < target.length && this.#pieces.length > 0) {
      const first = this.#pieces[0]!;
      const part = first.subarray(0, target.length - taken);
      target.set(part, taken);
      taken += part.length;
      if (part.length === first.length) this.#pieces.shift();
      else this.#pieces[0] = first.subarray(part.length);
    }
    this.#lengthBytes -= taken;
    return taken;
  }
}
