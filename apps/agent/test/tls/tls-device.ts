// The TLS stream under test, with names instead of numbers.
import { Guest } from "../text/assembly-module.ts";
import type { ScriptedStreams, SocketStreams } from "../mqtt/host-streams.ts";

// biome-ignore format: a table, row by row
export type Names =
  | "allocated" | "opened" | "use" | "open" | "state" | "read" | "write" | "close" | "established" | "failures" | "alert"
  | "isPeers" | "exported" | "scheduleSecret" | "scheduleBegin" | "scheduleNext" | "scheduleDerive" | "finished"
  | "useSecret" | "seal" | "openRecord";

/** Before a host. */
export const PRE_SHARED_KEY = "tls:";
export const PINNED_KEY = "pin:";

export const CONNECTING = 0;
export const OPEN = 1;
export const CLOSED_STATE = 2;
export const CLOSED = -8;

/** The label that the module exports by. */
export const EXPORTER_LABEL = "EXPORTER-flipside-test";

const ROOM = 65_536;
const HOST_AT = 0;
const IDENTITY_AT = 512;
const KEY_AT = 1024;
const DATA_AT = 4096;

export interface TlsDeviceOptions {
  mode?: string;
  identity?: string;
  /** Pre-shared or pinned, 32 bytes. */
  key: Uint8Array;
  host?: string;
  port?: number;
}

export class TlsDevice {
  readonly guest: Guest<Names>;
  readonly #options: TlsDeviceOptions;

  constructor(
    module: WebAssembly.Module,
    readonly streams: SocketStreams | ScriptedStreams,
    options: TlsDeviceOptions,
  ) {
    this.#options = options;
    // No noise source: the generator goes by the key alone, and a run can be repeated.
    this.guest = new Guest<Names>(module, { exo: { ...streams.imports, entropy: () => -3, clock_us: () => 0n } });
    streams.memory = this.guest.call.memory;
  }

  open(): number {
    const { mode = PRE_SHARED_KEY, identity = "device-1", key, host = "127.0.0.1", port = 1 } = this.#options;
    const { call } = this.guest;
    call.use(
      this.guest.put(identity, IDENTITY_AT),
      Buffer.byteLength(identity),
      this.guest.put(new Uint8Array(key), KEY_AT),
    );
    return call.open(this.guest.put(mode + host, HOST_AT), Buffer.byteLength(mode + host), port);
  }

  get state(): number {
    return this.guest.call.state();
  }

  /** Bytes, or the error's number. */
  read(length = ROOM): Buffer | number {
    const at = this.guest.space + DATA_AT;
    const count = this.guest.call.read(at, length);
    return count < 0 ? count : Buffer.from(this.guest.bytes(at, count));
  }

  write(data: string | Uint8Array): number {
    return this.guest.call.write(this.guest.put(data, DATA_AT), Buffer.byteLength(Buffer.from(data as string)));
  }

  close(): void {
    this.guest.call.close();
  }

  get exported(): Buffer {
    return Buffer.from(this.guest.bytes(this.guest.call.exported(), 32));
  }

  /** Why the handshake failed; undefined: it didn't. */
  get failure(): { alert: number; isPeers: boolean } | undefined {
    const { call } = this.guest;
    return call.failures() === 0 ? undefined : { alert: call.alert(), isPeers: call.isPeers() !== 0 };
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** Asks again until `done` gives something else than undefined. */
export async function until<T>(what: string, done: () => T | undefined): Promise<T> {
  for (let i = 0; i < 20_000; i++) {
    const got = done();
    if (got !== undefined) return got;
    await turn();
  }
  throw new Error(`never: ${what}`);
}

/** The state that a connection comes to: open, or closed. */
export const settled = (device: TlsDevice): Promise<number> =>
  until("the handshake is over", () => {
    const { state } = device;
    return state === CONNECTING ? undefined : state;
  });

/** Writes all of it, whatever part the stream takes at a time. */
export async function writeAll(device: TlsDevice, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length; ) {
    const taken = await until("the stream takes bytes", () => {
      const count = device.write(data.subarray(at, at + 16_384));
      if (count === CLOSED) throw new Error("the stream is closed");
      return count > 0 ? count : undefined;
    });
    at += taken;
  }
}

/** So many bytes. */
export async function readAll(device: TlsDevice, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let have = 0; have < length; ) {
    const part = await until(`${length - have} bytes more`, () => {
      const got = device.read();
      if (got === CLOSED) throw new Error(`the stream is closed, ${length - have} bytes too early`);
      return typeof got === "number" ? undefined : got;
    });
    parts.push(part);
    have += part.length;
  }
  return Buffer.concat(parts);
}
