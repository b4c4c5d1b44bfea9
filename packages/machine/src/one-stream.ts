// The streams of a host that has one connection: what is at its other end is handed in.

import { Exo } from "./abi.ts";
import type { StreamsPort } from "./ports.ts";

/** One end of a connection. */
export interface ByteStream {
  open(host: string, port: number): void;
  /** EXO_STREAM_*. */
  state(): number;
  /** Bytes put at the start of `target`, EXO_E_AGAIN or EXO_E_CLOSED. */
  read(target: Uint8Array): number;
  write(bytes: Uint8Array): number;
  close(): void;
}

const HANDLE = 0;

export class OneStream implements StreamsPort {
  readonly #stream: () => ByteStream | undefined;
  /** What a snapshot of a module that holds the handle has to keep beside it. */
  handle: "never open" | "open" | "closed" = "never open";

  /** `stream`: asked for at each call; undefined: this host has none now. */
  constructor(stream: () => ByteStream | undefined) {
    this.#stream = stream;
  }

  open(host: string, port: number): number {
    const stream = this.#stream();
    if (!stream) return Exo.Absent;
    stream.open(host, port);
    this.handle = "open";
    return HANDLE;
  }

  state(handle: number): number {
    const stream = this.#get(handle);
    return typeof stream === "number" ? stream : stream.state();
  }

  read(handle: number, target: Uint8Array): number {
    const stream = this.#get(handle);
    if (typeof stream === "number") return stream;
    return target.length === 0 ? 0 : stream.read(target);
  }

  write(handle: number, source: Uint8Array): number {
    const stream = this.#get(handle);
    return typeof stream === "number" ? stream : stream.write(source);
  }

  close(handle: number): number {
    const stream = this.#get(handle);
    if (typeof stream === "number") return stream;
    stream.close();
    this.handle = "closed";
    return Exo.Ok;
  }

  #get(handle: number): ByteStream | number {
    if (handle !== HANDLE || this.handle === "never open") return Exo.Argument;
    return this.handle === "open" ? (this.#stream() ?? Exo.Closed) : Exo.Closed;
  }
}
