// Runs the stack under test on Node: compiles it, and is the machine under it (NIC, clock, entropy) for one instance.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const repository = join(here, "../../../..");

export const Errno = { Argument: -1, Absent: -3, Again: -4, Io: -5, Closed: -8 } as const;
export const StreamState = { Connecting: 0, Open: 1, Closed: 2 } as const;
/** tcp-connection.ts's TcpState. */
export const TcpState = {
  Closed: 0,
  SynSent: 1,
  SynReceived: 2,
  Established: 3,
  FinWait1: 4,
  FinWait2: 5,
  CloseWait: 6,
  Closing: 7,
  LastAck: 8,
  TimeWait: 9,
} as const;

/** counters.ts's Counter, read from the source: names to numbers. */
export const Counter: Record<string, number> = (() => {
  const source = readFileSync(join(here, "../../src/net/counters.ts"), "utf8");
  const body = source.slice(source.indexOf("{", source.indexOf("enum Counter")) + 1, source.indexOf("Count,"));
  const names = [...body.replace(/\/\*\*.*?\*\//g, "").matchAll(/(\w+),/g)].map((m) => m[1]!);
  return Object.fromEntries(names.map((name, i) => [name, i]));
})();

export interface Exports {
  memory: WebAssembly.Memory;
  scratch: WebAssembly.Global;
  start(): number;
  configureStatic(address: number, mask: number, router: number, nameServer: number): number;
  poll(): number;
  address(): number;
  counter(which: number): number;
  dropEverything(on: boolean): void;
  listen(port: number): void;
  accept(): number;
  open(handle: number, hostPtr: number, hostLength: number, port: number): number;
  state(handle: number): number;
  tcpState(handle: number): number;
  localPort(handle: number): number;
  failure(handle: number): number;
  read(handle: number, ptr: number, lengthBytes: number): number;
  write(handle: number, ptr: number, lengthBytes: number): number;
  close(handle: number): void;
  heapTop(): number;
}

let compiled: WebAssembly.Module | undefined;

function newest(folder: string): number {
  return Math.max(
    ...readdirSync(folder, { withFileTypes: true }).map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? newest(path) : statSync(path).mtimeMs;
    }),
  );
}

/** The compiled module; compiled again when a source is newer. */
export function stackModule(): WebAssembly.Module {
  if (compiled) return compiled;
  const out = join(here, "dist/net-under-test.wasm");
  const entry = join(here, "net-under-test.ts");
  let built = 0;
  try {
    built = statSync(out).mtimeMs;
  } catch {
    // not built yet
  }
  const sources = [
    statSync(entry).mtimeMs,
    newest(join(here, "../../src/net")),
    statSync(join(here, "../../src/exokernel.ts")).mtimeMs,
  ];
  if (built <= Math.max(...sources)) {
    mkdirSync(dirname(out), { recursive: true });
    const own = `${out}.${process.pid}.wasm`;
    const under = "apps/agent/test/net/net-under-test";
    execFileSync(
      process.execPath,
      [
        join(repository, "node_modules/assemblyscript/bin/asc.js"),
        `${under}.ts`,
        "--runtime",
        "stub",
        "-O3",
        "--shrinkLevel",
        "1",
        "--use",
        `abort=${under}/abort`,
        "-o",
        own,
      ],
      { cwd: repository, stdio: ["ignore", "inherit", "inherit"] },
    );
    renameSync(own, out); // another test file may be building it too
  }
  compiled = new WebAssembly.Module(readFileSync(out));
  return compiled;
}

export interface Machine {
  mac: Uint8Array;
  /** Microseconds. */
  clock(): number;
  /** A frame that the stack sends; a copy of its own. */
  send(frame: Uint8Array): void;
  entropy(bytes: Uint8Array): void;
  receiveBuffers?: number;
  transmitBuffers?: number;
}

const BUFFER_BYTES = 2048;
const FRAME_OFFSET = 16;

/** One instance of the stack on a machine of its own. */
export class Stack {
  readonly exports: Exports;
  /** Frames that found no free receive buffer. */
  overruns = 0;
  private window = -1;
  private readonly free: number[] = [];
  private readonly ready: { index: number; length: number }[] = [];
  private readonly owned = new Set<number>();
  private nextTransmit = 0;
  private readonly receiveBuffers: number;
  private readonly transmitBuffers: number;

  constructor(machine: Machine) {
    this.receiveBuffers = machine.receiveBuffers ?? 32;
    this.transmitBuffers = machine.transmitBuffers ?? 8;
    const bytes = (p: number, n: number) => new Uint8Array(this.exports.memory.buffer, p, n);
    const instance = new WebAssembly.Instance(stackModule(), {
      exo: {
        clock_us: () => BigInt(Math.floor(machine.clock())),
        entropy: (p: number, n: number) => (machine.entropy(bytes(p, n)), 0),
        nic_info: (p: number) => {
          bytes(p, 6).set(machine.mac);
          const view = new DataView(this.exports.memory.buffer, p);
          view.setUint16(6, 1500, true);
          view.setUint32(8, this.receiveBuffers, true);
          view.setUint32(12, this.transmitBuffers, true);
          view.setUint32(16, BUFFER_BYTES, true);
          return 0;
        },
        nic_grant: (p: number, n: number) => {
          if (p % 16 !== 0 || n !== (this.receiveBuffers + this.transmitBuffers) * BUFFER_BYTES) return Errno.Argument;
          this.window = p;
          for (let i = 0; i < this.receiveBuffers; ++i) this.free.push(i);
          return 0;
        },
        nic_receive: () => {
          const next = this.ready.shift();
          if (!next) return Errno.Again;
          this.owned.add(next.index);
          return (next.index << 16) | next.length;
        },
        nic_release: (index: number) => {
          if (!this.owned.delete(index)) throw new Error(`released buffer ${index}, which it does not own`);
          this.free.push(index);
          return 0;
        },
        nic_acquire: () => this.nextTransmit++ % this.transmitBuffers,
        nic_transmit: (index: number, length: number) => {
          if (length < 14 || length > 1514) throw new Error(`transmits a frame of ${length} bytes`);
          const p = this.window + (this.receiveBuffers + index) * BUFFER_BYTES + FRAME_OFFSET;
          machine.send(bytes(p, length).slice());
          return 0;
        },
      },
    });
    this.exports = instance.exports as unknown as Exports;
  }

  /** A frame arrives; it waits in a receive buffer for the next poll. */
  deliver(frame: Uint8Array): void {
    const index = this.free.shift();
    if (index === undefined || this.window < 0 || frame.length > BUFFER_BYTES - FRAME_OFFSET) {
      if (index !== undefined) this.free.unshift(index);
      ++this.overruns;
      return;
    }
    new Uint8Array(this.exports.memory.buffer, this.window + index * BUFFER_BYTES + FRAME_OFFSET).set(frame);
    this.ready.push({ index, length: frame.length });
  }

  /** Microseconds until it wants to run again. */
  poll(): number {
    return this.exports.poll() >>> 0;
  }

  open(handle: number, host: string, port: number): number {
    const name = new TextEncoder().encode(host);
    const p = this.exports.scratch.value as number;
    new Uint8Array(this.exports.memory.buffer, p).set(name);
    return this.exports.open(handle, p, name.length, port);
  }

  /** What can be read now; empty when there is nothing, undefined when nothing will come. */
  read(handle: number, maxBytes = 65536): Uint8Array | undefined {
    const p = this.exports.scratch.value as number;
    const n = this.exports.read(handle, p, maxBytes);
    if (n === Errno.Closed) return undefined;
    return n > 0 ? new Uint8Array(this.exports.memory.buffer, p, n).slice() : new Uint8Array(0);
  }

  /** Bytes taken, or an Errno. */
  write(handle: number, data: Uint8Array): number {
    const p = this.exports.scratch.value as number;
    const part = data.subarray(0, 65536);
    new Uint8Array(this.exports.memory.buffer, p).set(part);
    return this.exports.write(handle, p, part.length);
  }

  counter(name: string): number {
    const which = Counter[name];
    if (which === undefined) throw new Error(`no counter ${name}`);
    return this.exports.counter(which) >>> 0;
  }

  counters(): Record<string, number> {
    return Object.fromEntries(
      Object.keys(Counter)
        .map((name) => [name, this.counter(name)])
        .filter(([, n]) => n !== 0),
    );
  }
}
