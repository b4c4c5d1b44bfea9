// A file that tells how much of it was taken, as it is sent: fetch reads a Blob by its stream.

const PIECE_BYTES = 64 * 1024;

export class CountedFile extends Blob {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #onTaken: (takenBytes: number) => void;

  constructor(bytes: Uint8Array<ArrayBuffer>, onTaken: (takenBytes: number) => void) {
    super([bytes]);
    this.#bytes = bytes;
    this.#onTaken = onTaken;
  }

  /** A Blob's own would hand out all of it at once. */
  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const bytes = this.#bytes;
    let takenBytes = 0;
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => {
        if (takenBytes >= bytes.length) return controller.close();
        const piece = bytes.slice(takenBytes, takenBytes + PIECE_BYTES);
        takenBytes += piece.length;
        controller.enqueue(piece);
        this.#onTaken(takenBytes);
      },
    });
  }
}
