// One unikernel in QEMU: flash banks in files, RAM that survives a reset and not a power cut, started anew after each
// reset (a reset inside QEMU 7.2 would keep locked PMP entries), power cut at will or at a chosen flash operation. It
// plays a chip's reset controller: at each start it leaves the cause of the reset where the boot loader reads it
// (machine.h).

import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import {
  appendFileSync,
  mkdirSync,
  openSync,
  closeSync,
  ftruncateSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
  existsSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { FRAME_START } from "@flipside/image-format";
import { type FolderLock, lockFolder } from "@flipside/processes/folder-lock";
import type { FlashOperation } from "../src/faults/flash-operation.ts";
import { applyTorn, type Tear } from "../src/faults/torn-operation.ts";
import type { SeededRandom } from "../src/faults/seeded-random.ts";
import {
  decodeMarginal,
  type DriverCut,
  encodeFaultPlan,
  FAULT_PLAN_BYTES,
  FAULT_PLAN_OFFSET,
  type MarginalState,
} from "./fault-plan.ts";
import { BootReason, ResetCause } from "../src/abi.ts";
import { GdbClient } from "./gdb-client.ts";
import { MonitorRecord } from "./monitor-record.ts";
import { readOperationLine, type RecordedOperation } from "./operation-record.ts";
import { waitForLine } from "../node/wait-for-line.ts";

/** Exit statuses of exokernel/reset.c, and of flash_faults.c. */
const EXIT_BASE = 16;
const EXIT_CUT = 63;
const EXIT_HALTED = 40;
const RECOVERY_LINE = /^\[\d+\] recovery: code \d+ /;
const CONSOLE_LINES_KEPT = 500;
const RAM_BYTES = 32 * 1024 * 1024;
const FLICKER_SEED = 0x5eed;
/** RESET_CAUSE and its magic, of exokernel/machine.h. */
const RESET_CAUSE = 0x81fff000;
const RESET_CAUSE_MAGIC = 0x43525346;

export type QemuNetwork =
  /** QEMU's own NAT: the host's loopback is 10.0.2.2. A port of the host's loopback may lead to one of the device's. */
  | { kind: "user"; forward?: { hostPort: number; devicePort: number } }
  /** Raw frames in UDP datagrams on the loopback: a test's own network. */
  | { kind: "udp"; localPort: number; remotePort: number }
  | { kind: "none" };

/** What the machine's noise source gives: the host's randomness, zeros, nothing at all; or there is none. */
export type QemuEntropy = "host" | "zeros" | "silent" | "none";

export interface UnikernelOptions {
  /** Holds boot.bin, flash.bin and ram.bin; one unikernel to a folder. */
  folder: string;
  network: QemuNetwork;
  /** Default: "host". */
  entropy?: QemuEntropy;
  macAddress?: string;
  /**
   * A Unix socket that is the other end of the serial line, for `recover`. Without it nothing can be said to the
   * device.
   */
  serialSocketPath?: string;
  /** `-icount`: virtual time counts instructions (8 ns each) and runs repeat. */
  countInstructions?: boolean;
  /**
   * Loader and image are test builds (build/link.ts, `flashFaults`): the flash driver cuts power itself
   * (`armDriverCut`) and records its operations. Other images run too, without cuts or records.
   */
  flashFaults?: boolean;
  qemuPath?: string;
}

/** Where flash_operation (exokernel/flash_cfi.c) lies, in loader and image. */
export interface FlashOperationAddresses {
  loader: number;
  image: number;
}

export interface PowerCut {
  /**
   * Cut at this flash operation, counted from 1: the first that an image makes after the power-on that follows (what
   * the boot loader does before that is not counted, later resets are).
   */
  operation: number;
  tear: Tear;
  random: SeededRandom;
  addresses: FlashOperationAddresses;
}

export interface UnikernelEvents {
  /** QEMU is about to be started: after a power-on, and anew after each reset. */
  launch: [];
  line: [line: string];
  /**
   * The machine was reset: a status of exokernel/reset.c (16 + EXO_BOOT_* of the boot that follows), or 0 for the
   * hardware watchdog.
   */
  reset: [status: number];
  /** Power was cut at the chosen operation. A cut by the driver tells no data. */
  cut: [operation: FlashOperation];
  /** A flash operation of a test build is about to be done. */
  operation: [operation: RecordedOperation];
  /** The boot loader found nothing to start; it listens on its serial line, and tries again now and then. */
  recovery: [];
  stopped: [];
}

/** What still runs is ended with this process where it ends by itself; BESIDE_WATCHER does it where it is killed. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/**
 * QEMU goes on when its parent is gone, and no option of its own changes that. So a watcher stays beside it: it reads
 * from the pipe that is standard input, whose other end this process holds and never writes to, and kills QEMU when
 * that ends. When QEMU ended before, the watcher has another parent, and the process id may be another program's: then
 * it kills nothing.
 *
 * Every byte of the console counts. What Node gives a child as standard output is a socket, which is full after some
 * 280 writes of one byte, and the exokernel's console then gives up on a byte rather than stop the device. A pipe holds
 * 64 KiB.
 *
 * QEMU takes the shell's place, so it is QEMU that is signalled and whose status is seen.
 */
const BESIDE_WATCHER = [
  "exec 3<&0 0</dev/null",
  "(read -r -u 3",
  // Debian's smallest images have no ps, and other systems no /proc.
  ' if [ -r /proc/self/stat ]; then read -r _ _ _ parent _ <"/proc/$BASHPID/stat"; else parent=$(ps -o ppid= -p "$BASHPID" | tr -d " "); fi',
  ' [ "$parent" = "$$" ] && kill -KILL "$$") >/dev/null 2>&1 &',
  'exec "$0" "$@" 3<&- > >(exec cat 3<&-)',
].join("\n");

export class Unikernel extends EventEmitter<UnikernelEvents> {
  readonly options: UnikernelOptions;
  #process: ChildProcess | undefined;
  #wanted = false;
  #isPressed = false;
  /** Of the next start. */
  #resetCause: number = ResetCause.Power;
  readonly #monitor: MonitorRecord;
  #cut: PowerCut | undefined;
  #operations = 0;
  #gdb: GdbClient | undefined;
  #exited: Promise<void> = Promise.resolve();
  #driverCut: DriverCut | undefined;
  /** Held while QEMU runs. */
  #lock: FolderLock | undefined;
  #marginal: MarginalState = { state: FLICKER_SEED, bits: [] };
  /** With a test build: all since the last `powerOn`, oldest first. */
  recordedOperations: RecordedOperation[] = [];
  /** The newest console lines. */
  readonly console: string[] = [];

  constructor(options: UnikernelOptions) {
    super();
    this.options = options;
    mkdirSync(options.folder, { recursive: true });
    this.#monitor = new MonitorRecord(options.folder);
  }

  get flashPath(): string {
    return join(this.options.folder, "flash.bin");
  }
  /** Everything that the console said since the last `powerOn`. */
  get consolePath(): string {
    return join(this.options.folder, "console.log");
  }
  get #bootPath(): string {
    return join(this.options.folder, "boot.bin");
  }
  get #ramPath(): string {
    return join(this.options.folder, "ram.bin");
  }

  get running(): boolean {
    return this.#process !== undefined;
  }

  /** Of QEMU, while it runs. */
  get processId(): number | undefined {
    return this.#process?.pid;
  }

  /** What the machine's RAM holds, while it runs and after `stop`. */
  get ramPath(): string {
    return this.#ramPath;
  }

  /** Flash operations counted since a cut was armed. */
  get operations(): number {
    return this.#operations;
  }

  /** Bits of the flash that read differently each time since a cut by the driver. Known while power is off. */
  get marginalBits(): readonly { offset: number; mask: number }[] {
    return this.#marginal.bits;
  }

  get isManufactured(): boolean {
    return existsSync(this.flashPath) && existsSync(this.#bootPath);
  }

  /** Writes both banks, as the factory does. */
  manufacture(bootBank: Uint8Array, flash: Uint8Array): void {
    this.#asOwner(() => {
      writeFileSync(this.#bootPath, bootBank);
      writeFileSync(this.flashPath, flash);
      this.#makeStable();
    });
  }

  /** Puts other content at the begin of the flash, as a programmer does; the rest stays. */
  replaceFlash(bytes: Uint8Array): void {
    this.#asOwner(() => {
      const file = openSync(this.flashPath, "r+");
      try {
        writeSync(file, bytes, 0, bytes.length, 0);
      } finally {
        closeSync(file);
      }
      this.#makeStable();
    });
  }

  /** Two QEMUs on one flash file would write over each other's boot control. */
  #asOwner(work: () => void): void {
    if (this.#lock) return work();
    const lock = lockFolder(this.options.folder);
    try {
      work();
    } finally {
      lock.release();
    }
  }

  /** Flash that was written anew has no marginal bits. */
  #makeStable(): void {
    if (this.options.flashFaults) this.#forgetRam();
    this.#marginal = { state: FLICKER_SEED, bits: [] };
  }

  /** Applies power: RAM is what the last run left, unless `cutPower` emptied it. Throws FolderInUseError. */
  powerOn(): void {
    if (this.#wanted) throw new Error("the unikernel is on already");
    this.#lock ??= lockFolder(this.options.folder);
    this.#wanted = true;
    this.#isPressed = false;
    this.#resetCause = ResetCause.Power;
    writeFileSync(this.consolePath, "");
    this.recordedOperations = [];
    if (this.options.flashFaults) this.#writeFaultPlan();
    this.#launch();
  }

  /** Takes the power away at once and forgets RAM. Resolves when QEMU is gone. */
  async cutPower(): Promise<void> {
    await this.stop();
    this.#forgetRam();
  }

  /** Pulls the reset line: the machine boots anew, and RAM stays as it is. */
  pressReset(): void {
    if (!this.#process) return;
    this.#isPressed = true;
    this.#process.kill("SIGKILL");
  }

  /** Ends QEMU and keeps RAM. With `powerOn` behind it: a supply that dips. */
  async stop(): Promise<void> {
    this.#wanted = false;
    this.#gdb?.close();
    this.#process?.kill("SIGKILL");
    await this.#exited;
  }

  /** Arms a cut; it counts from the next power-on. */
  armCut(cut: PowerCut | undefined): void {
    this.#cut = cut;
    this.#operations = 0;
  }

  /**
   * Test builds: has the flash driver cut power itself. Counts from the next power-on, and holds for that one alone.
   */
  armDriverCut(cut: DriverCut | undefined): void {
    if (!this.options.flashFaults)
      throw new Error("this unikernel's flash driver can't cut power: it is no test build");
    this.#driverCut = cut;
  }

  #writeFaultPlan(): void {
    this.#readMarginal();
    // So that a case flickers alike when it is replayed, and not like every other.
    if (this.#driverCut?.leavesMarginal) this.#marginal.state = (this.#driverCut.seed ^ FLICKER_SEED) >>> 0;
    const file = openSync(this.#ramPath, existsSync(this.#ramPath) ? "r+" : "w");
    try {
      ftruncateSync(file, RAM_BYTES);
      const plan = encodeFaultPlan(this.#driverCut, this.#marginal);
      writeSync(file, plan, 0, plan.length, FAULT_PLAN_OFFSET);
    } finally {
      closeSync(file);
    }
    this.#driverCut = undefined;
  }

  /** From what the last run left in RAM, if it left any. */
  #readMarginal(): void {
    if (!this.options.flashFaults || !existsSync(this.#ramPath)) return;
    const bytes = new Uint8Array(FAULT_PLAN_BYTES);
    const file = openSync(this.#ramPath, "r");
    try {
      const got = readSync(file, bytes, 0, bytes.length, FAULT_PLAN_OFFSET);
      this.#marginal = decodeMarginal(bytes.subarray(0, got)) ?? this.#marginal;
    } finally {
      closeSync(file);
    }
  }

  /** RAM loses its content with the power; marginal bits are the flash's, and stay. */
  #forgetRam(): void {
    this.#readMarginal();
    rmSync(this.#ramPath, { force: true });
  }

  /** Waits for a console line that matches, from now on. */
  waitForLine(pattern: RegExp, timeoutMs: number): Promise<string> {
    return waitForLine(this, "the unikernel", pattern, timeoutMs);
  }

  #arguments(): string[] {
    const { network } = this.options;
    if (!existsSync(this.#ramPath)) writeFileSync(this.#ramPath, new Uint8Array(0));
    const netdev =
      network.kind === "user"
        ? ["-netdev", `user,id=net0${forwarding(network.forward)}`]
        : network.kind === "udp"
          ? ["-netdev", `socket,id=net0,udp=127.0.0.1:${network.remotePort},localaddr=127.0.0.1:${network.localPort}`]
          : [];
    return [
      "-M",
      "virt,memory-backend=ram",
      "-m",
      "32M",
      "-bios",
      "none",
      "-display",
      "none",
      "-monitor",
      "none",
      "-nodefaults",
      "-object",
      `memory-backend-file,id=ram,size=${RAM_BYTES},mem-path=${this.#ramPath},share=on`,
      "-drive",
      `if=pflash,unit=0,format=raw,readonly=on,file=${this.#bootPath}`,
      "-drive",
      `if=pflash,unit=1,format=raw,file=${this.flashPath}`,
      "-global",
      "virtio-mmio.force-legacy=false",
      ...netdev,
      ...(network.kind === "none"
        ? []
        : ["-device", `virtio-net-device,netdev=net0,mac=${this.options.macAddress ?? "52:54:00:12:34:56"}`]),
      ...this.#entropyArguments(),
      "-device",
      "i6300esb",
      "-action",
      "watchdog=reset",
      "-no-reboot",
      "-device",
      `loader,addr=${RESET_CAUSE},data=${(BigInt(this.#resetCause) << 32n) | BigInt(RESET_CAUSE_MAGIC)},data-len=8`,
      ...this.#monitor.begin(),
      ...(this.options.serialSocketPath === undefined
        ? ["-serial", "stdio"]
        : // Standard output gets what the device writes, whoever is plugged in.
          [
            "-chardev",
            `socket,id=line,path=${this.options.serialSocketPath},server=on,wait=off,logfile=/dev/stdout`,
            "-serial",
            "chardev:line",
          ]),
      ...(this.options.countInstructions ? ["-icount", "shift=3,sleep=off", "-rtc", "clock=vm"] : []),
      ...(this.#cut ? ["-S", "-gdb", `unix:${join(this.options.folder, "gdb.sock")},server=on,wait=off`] : []),
    ];
  }

  #entropyArguments(): string[] {
    const device = ["-device", "virtio-rng-device,rng=rng0"];
    switch (this.options.entropy ?? "host") {
      case "none":
        return [];
      case "zeros":
        return ["-object", "rng-random,id=rng0,filename=/dev/zero", ...device];
      // A daemon that nobody has plugged in: it takes requests and answers none.
      case "silent":
        return [
          "-chardev",
          `socket,id=egd,path=${join(this.options.folder, "egd.sock")},server=on,wait=off`,
          "-object",
          "rng-egd,id=rng0,chardev=egd",
          ...device,
        ];
      default:
        return ["-object", "rng-builtin,id=rng0", ...device];
    }
  }

  #launch(): void {
    this.emit("launch");
    const child = spawn(
      "bash",
      ["-c", BESIDE_WATCHER, this.options.qemuPath ?? "qemu-system-riscv32", ...this.#arguments()],
      {
        stdio: ["pipe", "pipe", "pipe"],
        // A process group of its own: a terminal's Ctrl-C and hang-up are for this process, which then stops QEMU.
        detached: true,
      },
    );
    child.stdin!.on("error", () => {});
    this.#process = child;
    running.add(child);
    createInterface({ input: child.stdout! }).on("line", (line) => this.#line(line));
    createInterface({ input: child.stderr! }).on("line", (line) => this.#line(`qemu: ${line}`));
    this.#exited = new Promise((resolve) => {
      child.once("error", (error) => {
        running.delete(child);
        this.#line(`qemu: can't be started: ${error.message}`);
        this.#process = undefined;
        resolve();
        this.#ended(1);
      });
      // "close", not "exit": the last lines come first.
      child.once("close", (code) => {
        running.delete(child);
        if (this.#process !== child) return;
        this.#process = undefined;
        this.#gdb?.close();
        this.#gdb = undefined;
        resolve();
        this.#ended(code);
      });
    });
    if (this.#cut) void this.#watchOperations(this.#cut, child);
  }

  #line(line: string): void {
    const operation = this.options.flashFaults ? readOperationLine(line) : undefined;
    if (operation) {
      this.recordedOperations.push(operation);
      this.emit("operation", operation);
      return;
    }
    if (line.charCodeAt(0) === FRAME_START) return; // recovery's, for the other end of the line
    if (RECOVERY_LINE.test(line)) this.emit("recovery");
    this.console.push(line);
    if (this.console.length > CONSOLE_LINES_KEPT) this.console.shift();
    appendFileSync(this.consolePath, `${line}\n`);
    this.emit("line", line);
  }

  #ended(code: number | null): void {
    if (!this.#wanted) return this.#stopped();
    const reset = this.#resetThatEnded(code);
    if (reset) {
      this.#resetCause = reset.cause;
      this.emit("reset", reset.status);
      if (this.#wanted) this.#launch();
      else this.#stopped();
      return;
    }
    this.#wanted = false;
    const operation = this.recordedOperations.at(-1);
    if (code === EXIT_CUT && operation) {
      this.#forgetRam();
      this.emit("cut", { kind: operation.kind, offset: operation.offset, length: operation.length });
    }
    this.#stopped();
  }

  #stopped(): void {
    this.#lock?.release();
    this.#lock = undefined;
    this.emit("stopped");
  }

  /** What a reset controller would say of the end of QEMU; undefined: it was no reset. */
  #resetThatEnded(code: number | null): { cause: number; status: number } | undefined {
    if (this.#isPressed) {
      this.#isPressed = false;
      return { cause: ResetCause.Pin, status: EXIT_BASE + BootReason.Pin };
    }
    if (code !== null && code >= EXIT_BASE && code < EXIT_HALTED) return { cause: ResetCause.Software, status: code };
    if (code !== 0) return undefined;
    const end = this.#monitor.end();
    if (end === "watchdog") return { cause: ResetCause.Watchdog, status: 0 };
    // Somebody ended QEMU by a signal: power went and came back. RAM is still there, as after a dip.
    if (end === "host") return { cause: ResetCause.Power, status: EXIT_BASE + BootReason.PowerOn };
    return { cause: ResetCause.Software, status: EXIT_BASE + BootReason.Unknown };
  }

  /** Stops the machine at every flash operation; at the chosen one, takes the power away and tears what it did. */
  async #watchOperations(cut: PowerCut, child: ChildProcess): Promise<void> {
    const socketPath = join(this.options.folder, "gdb.sock");
    const breakpoints = [cut.addresses.loader, cut.addresses.image];
    try {
      const gdb = await GdbClient.connect(socketPath);
      this.#gdb = gdb;
      for (const address of breakpoints) await gdb.setBreakpoint(address);
      for (;;) {
        await gdb.continueUntilStop();
        const registers = await gdb.readRegisters();
        const pc = registers[32]!;
        if (!breakpoints.includes(pc)) continue;
        if (this.#operations > 0 || pc === cut.addresses.image) this.#operations++;
        if (this.#operations === cut.operation) {
          const operation = await readOperation(gdb, registers);
          this.#cut = undefined;
          this.#wanted = false;
          child.kill("SIGKILL");
          await this.#exited;
          this.#tear(operation, cut);
          rmSync(this.#ramPath, { force: true });
          this.emit("cut", operation);
          return;
        }
        await gdb.removeBreakpoint(pc);
        await gdb.step();
        await gdb.setBreakpoint(pc);
      }
    } catch (error) {
      // The machine ended by itself (a reset in the middle of an update): the next launch counts on.
      if (this.#process === child && this.#wanted && !this.#gdb?.closed)
        this.#line(`qemu: gdb: ${(error as Error).message}`);
    }
  }

  #tear(operation: FlashOperation, cut: PowerCut): void {
    const flash = new Uint8Array(readFileSync(this.flashPath));
    applyTorn(flash, operation, cut.tear, cut.random);
    const file = openSync(this.flashPath, "r+");
    try {
      // Only around the operation: the rest did not change.
      const start = Math.max(0, operation.offset - 4096);
      const end = Math.min(flash.length, operation.offset + operation.length + 4096);
      writeSync(file, flash, start, end - start, start);
    } finally {
      closeSync(file);
    }
  }
}

function forwarding(ports: { hostPort: number; devicePort: number } | undefined): string {
  return ports ? `,hostfwd=tcp:127.0.0.1:${ports.hostPort}-:${ports.devicePort}` : "";
}

/** Arguments of flash_operation: a0 (x10) kind, a1 offset in the bank, a2 length, a3 source. */
async function readOperation(gdb: GdbClient, registers: number[]): Promise<FlashOperation> {
  const [kind, offset, length, source] = registers.slice(10, 14) as [number, number, number, number];
  if (kind === "E".charCodeAt(0)) return { kind: "erase", offset, length };
  return { kind: "program", offset, length, data: await gdb.readMemory(source, length) };
}
