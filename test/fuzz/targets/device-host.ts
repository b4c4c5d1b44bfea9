// The host of the real boot loader and agent under fuzzing: the exokernel's calls over flash in memory, a clock that
// the target moves, one byte stream, a serial line. What the module wants to change without a grant, or reach outside
// of its memory, is refused, and the module's fault.

import { IMAGE_TYPE_WASM_BUNDLE } from "@flipside/image-format";
import { Exo, ResetCause } from "@flipside/machine/abi";
import { AppConfiguration } from "@flipside/machine/app-configuration";
import { AppSlice } from "@flipside/machine/app-slice";
import { calls } from "@flipside/machine/calls";
import { type FlashLayout, zoneNames } from "@flipside/machine/factory/flash-layout";
import type { Grants } from "@flipside/machine/grants";
import { type ByteStream, OneStream } from "@flipside/machine/one-stream";
import type { FlashPort, Ports, RunPort } from "@flipside/machine/ports";
import { contentOf, type Transcript } from "../../../apps/power-cut/src/device/transcript.ts";
import type { FuzzInstance } from "../engine/instance.ts";
import { Violation } from "../engine/target.ts";

export const WINDOW_ADDRESS = 0;
export const WINDOW_BYTES = 196_608;
/** As exokernel/flash_cfi.c says. */
export const ERASE_MS_MAX = 5_000;
const PROGRAM_MS_MAX = 200;

/** Ends a run: control has left the module. */
export class Left {
  constructor(
    readonly how: "image" | "reset",
    readonly value: number,
    readonly info = new Uint8Array(0),
  ) {}
}

/** Of flash: an erase has no bytes. Valid during the call only. */
export interface Change {
  zone: number;
  offset: number;
  bytes: Uint8Array | undefined;
}

/** What an input may change of the host, apart from what its target sets for each. */
export interface HostState {
  flash: Uint8Array;
  nowUs: number;
  entropyState: number;
  /** Of the one connection, which a snapshot of the module may hold. */
  handle: OneStream["handle"];
}

const SERIAL_READ_MAX = 1024;
const LINES_MAX = 4096;

export class DeviceHost {
  readonly flash: Uint8Array;
  readonly window = new Uint8Array(WINDOW_BYTES);
  nowUs = 1000;
  bootReason = 0;
  resetCause: number = ResetCause.Power;
  /** Erases and programs that were done, ever. */
  operations = 0;
  /** As the watchdog was armed last; 0: never. */
  watchdogMs = 0;
  bootInfo = new Uint8Array(64);
  rootKeys: Uint8Array[] = [];
  entropyState = 1;
  lines = "";
  /** A zone that may not be changed. */
  runningSlot: number | undefined;
  /** Zones of which no byte can be read before this moment. */
  unreadable: { zones: readonly number[]; untilUs: number } | undefined;
  /** A zone of which nothing can be erased or programmed any more. */
  wornZone: number | undefined;
  /** The slot that recovery may write; then nothing can be started any more. */
  recoverySlot: number | undefined;
  /** What came on the serial line and was not read; undefined: there is no line. */
  serial: Uint8Array | undefined;
  /** At most so many bytes of it at a time. */
  serialPieceBytes = SERIAL_READ_MAX;
  /** The one connection; undefined: none can be opened. */
  stream: ByteStream | undefined;
  readonly #streams = new OneStream(() => this.stream && noted(this, this.stream));
  readonly #app = new AppSlice(0);
  readonly appConfiguration = new AppConfiguration();
  #transcript: Transcript | undefined;
  /** The watchdog was fed since the last change of flash. */
  #isFed = false;
  /** Inside of a frame of the recovery protocol, which is not only said to people. */
  #inFrame = false;
  /** Before anything of flash changes. */
  onChange: (change: Change) => void = () => {};
  readonly keepLines = (bytes: Uint8Array): void => {
    if (this.lines.length < LINES_MAX) this.lines += Buffer.from(bytes).toString("latin1");
  };
  onConsole: (bytes: Uint8Array) => void = this.keepLines;

  /** A pointer or a change that the exokernel refuses is the module's fault, unless somebody asks on purpose. */
  refuse: (what: string) => void = (what) => {
    throw new Violation(what);
  };

  constructor(
    readonly layout: FlashLayout,
    readonly instance: () => Pick<FuzzInstance, "memory">,
    readonly grants: Grants,
  ) {
    this.flash = new Uint8Array(layout.sizeBytes).fill(0xff);
  }

  /** EXO_HEALTH_* that the app says. */
  set appHealth(health: number) {
    this.#app.health(health);
  }

  /** What is noted of what the module does. */
  get transcript(): Transcript | undefined {
    return this.#transcript;
  }

  set transcript(transcript: Transcript | undefined) {
    this.#transcript = transcript;
    this.#isFed = false;
    this.#inFrame = false;
  }

  save(): HostState {
    const { nowUs, entropyState } = this;
    return { flash: this.flash.slice(), nowUs, entropyState, handle: this.#streams.handle };
  }

  restore({ flash, nowUs, entropyState, handle }: HostState): void {
    this.flash.set(flash);
    this.nowUs = nowUs;
    this.entropyState = entropyState;
    this.#streams.handle = handle;
    this.recoverySlot = undefined;
    this.appConfiguration.propose(new Uint8Array(0), 0);
    this.#isFed = false;
    this.lines = "";
  }

  #isUnreadable(zone: number): boolean {
    const { unreadable } = this;
    return unreadable?.zones.includes(zone) === true && this.nowUs < unreadable.untilUs;
  }

  /** When it is, for a transcript. */
  get second(): string {
    return `at ${Math.floor(this.nowUs / 1_000_000)} s`;
  }

  #fed(): string {
    const was = this.#isFed;
    this.#isFed = false;
    return was ? "fed" : "not fed";
  }

  #noteFrames(bytes: Uint8Array): void {
    let frame = "";
    for (const byte of bytes) {
      if (byte === 2) this.#inFrame = true;
      else if (byte === 10) this.#inFrame = false;
      else if (this.#inFrame) frame += String.fromCharCode(byte);
    }
    if (frame !== "") this.transcript?.note(`answer ${frame} ${this.second}`);
  }

  zone(name: (typeof zoneNames)[number]): Uint8Array {
    const { offsetBytes, sizeBytes } = this.layout.zones[name];
    return this.flash.subarray(offsetBytes, offsetBytes + sizeBytes);
  }

  /** What the module is handed: the exokernel's calls over this host. */
  get imports(): Record<string, (...args: never[]) => unknown> {
    const memory = { range: (at: number, length: number) => this.#memory(at, length) };
    return calls(this.grants, this.#ports(), memory) as Record<string, (...args: never[]) => unknown>;
  }

  #memory(at: number, length: number): Uint8Array | undefined {
    const { memory } = this.instance();
    if (length <= memory.length && at <= memory.length - length) return memory.subarray(at, at + length);
    this.refuse(`the module passes ${length} bytes at ${at}, outside of its memory`);
    return undefined;
  }

  #ports(): Ports {
    const host = this;
    return {
      flash: this.#flashPort(),
      clockUs: () => host.nowUs++,
      wallClockS: () => 1_800_000_000,
      entropy(target) {
        for (let i = 0; i < target.length; i++) {
          host.entropyState = (Math.imul(host.entropyState, 1664525) + 1013904223) >>> 0;
          target[i] = host.entropyState >>> 24;
        }
      },
      console: {
        write(bytes) {
          if (host.transcript) host.#noteFrames(bytes);
          host.onConsole(bytes);
        },
      },
      consoleLog: { newest: (bytesMax) => Buffer.from(host.lines.slice(-bytesMax), "latin1") },
      streams: this.#streams,
      get serial() {
        return host.serial && { read: (target: Uint8Array) => host.#readSerial(target) };
      },
      watchdog: {
        arm: (timeoutMs) => void (host.watchdogMs = timeoutMs),
        pet: () => void (host.#isFed = true),
      },
      run: this.#runPort(),
      app: this.#app,
      appConfiguration: this.appConfiguration,
      get rootKeys() {
        return host.rootKeys;
      },
      imageWindow: {
        imageType: IMAGE_TYPE_WASM_BUNDLE,
        address: WINDOW_ADDRESS,
        sizeBytes: WINDOW_BYTES,
        bytes: this.window,
      },
      get runningSlotZone() {
        return host.runningSlot;
      },
      get recoverySlotZone() {
        return host.recoverySlot;
      },
      set recoverySlotZone(zone) {
        host.transcript?.note(`recovery of ${zone}`);
        host.recoverySlot = zone;
      },
      reset(reason) {
        host.transcript?.note(`reset ${reason} ${host.second}`);
        throw new Left("reset", reason);
      },
      startImage(entry, info) {
        const { watchdogMs } = host;
        host.transcript?.note(`start at ${entry}, watched for ${watchdogMs} ms: ${Buffer.from(info).toString("hex")}`);
        throw new Left("image", entry, info.slice());
      },
      onDenied(kind, zone) {
        host.refuse(`zone ${zone} is ${kind === "erase" ? "erased" : "programmed"}, which must not be changed`);
      },
    };
  }

  #flashPort(): FlashPort {
    const offsetIn = (zone: number, at: number): number => at - this.layout.zones[zoneNames[zone]!].offsetBytes;
    return {
      layout: this.layout,
      eraseMsMax: ERASE_MS_MAX,
      programMsMax: PROGRAM_MS_MAX,
      read: (at, target, zone) => {
        if (this.#isUnreadable(zone)) return Exo.Io;
        target.set(this.flash.subarray(at, at + target.length));
        return Exo.Ok;
      },
      program: (at, bytes, _durability, zone) => {
        if (zone === this.wornZone) return Exo.Io;
        for (let i = 0; i < bytes.length; i++) if ((bytes[i]! & ~this.flash[at + i]!) !== 0) return Exo.NotErased;
        this.operations++;
        const offset = offsetIn(zone, at);
        this.transcript?.note(`program ${zone} at ${offset} ${contentOf(bytes)} ${this.#fed()} ${this.second}`);
        this.onChange({ zone, offset, bytes });
        this.flash.set(bytes, at);
        return Exo.Ok;
      },
      erase: (at, zone) => {
        if (zone === this.wornZone) return Exo.Io;
        this.operations++;
        const offset = offsetIn(zone, at);
        this.transcript?.note(`erase ${zone} at ${offset} ${this.#fed()} ${this.second}`);
        this.onChange({ zone, offset, bytes: undefined });
        this.flash.fill(0xff, at, at + this.layout.sectorBytes);
        return Exo.Ok;
      },
    };
  }

  #runPort(): RunPort {
    const host = this;
    return {
      get bootReason() {
        return host.bootReason;
      },
      get resetCause() {
        return host.resetCause;
      },
      get bootInfo() {
        return host.bootInfo;
      },
      lastCrash: undefined,
      lastConsole: undefined,
      sayPhase: (phase) => host.transcript?.note(`phase ${phase}`),
    };
  }

  #readSerial(target: Uint8Array): number {
    const serial = this.serial!;
    const count = Math.min(serial.length, target.length, this.serialPieceBytes);
    target.set(serial.subarray(0, count));
    this.serial = serial.subarray(count);
    return count > 0 ? count : Exo.Again;
  }
}

/** A connection whose use is noted. */
function noted(host: DeviceHost, stream: ByteStream): ByteStream {
  return {
    open(name, port) {
      host.transcript?.note(`connect to ${name}:${port} ${host.second}`);
      stream.open(name, port);
    },
    state: () => stream.state(),
    read: (target) => stream.read(target),
    write(bytes) {
      host.transcript?.note(`write ${contentOf(bytes)} ${host.second}`);
      return stream.write(bytes);
    },
    close() {
      host.transcript?.note(`close ${host.second}`);
      stream.close();
    },
  };
}
