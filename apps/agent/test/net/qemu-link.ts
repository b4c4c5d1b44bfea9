// A QEMU without a machine as a wire: its hub joins a network of QEMU's (slirp, or a TAP) to a UDP socket of ours, one
// frame in a datagram. The stack under test runs in real time on our end, with seeded faults in between.

import { spawn, type ChildProcess } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { type Random, injure, type Faults } from "./faults";
import { Stack } from "./stack";

async function bind(): Promise<Socket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(0, "127.0.0.1", resolve);
  });
  // A burst of a window of frames must not be lost where no fault was asked for.
  socket.setRecvBufferSize(1 << 20);
  return socket;
}

export class QemuLink {
  readonly stack: Stack;
  faults: Faults = {};
  private timer: NodeJS.Timeout | undefined;
  private wakeAt = 0;
  private isClosed = false;
  private exit: string | undefined;

  private constructor(
    readonly random: Random,
    private readonly socket: Socket,
    private readonly peerPort: number,
    private readonly qemu: ChildProcess,
    mac: Uint8Array,
  ) {
    const started = process.hrtime.bigint();
    this.stack = new Stack({
      mac,
      clock: () => Number((process.hrtime.bigint() - started) / 1000n),
      entropy: (bytes) => random.fill(bytes),
      // QEMU takes an empty datagram for the end of the connection (net/socket.c); a wire has no empty frames.
      send: (frame) =>
        this.pass(
          frame,
          (bytes) => this.isClosed || bytes.length === 0 || this.socket.send(bytes, this.peerPort, "127.0.0.1"),
        ),
      receiveBuffers: 128,
    });
    socket.on("message", (frame) => this.pass(frame, (bytes) => (this.stack.deliver(bytes), this.schedule(0))));
  }

  /** `netdev`: QEMU's other side, e.g. "user,id=t". */
  static async open(random: Random, netdev: string, mac: Uint8Array): Promise<QemuLink> {
    const socket = await bind();
    const other = await bind();
    const peerPort = other.address().port;
    await new Promise<void>((resolve) => other.close(resolve));
    // biome-ignore format: a table, row by row
    const qemu = spawn("qemu-system-riscv32", ["-M", "none", "-nographic", "-nodefaults", "-monitor", "none", "-serial", "none",
      "-netdev", netdev, "-netdev", `socket,id=s,udp=127.0.0.1:${socket.address().port},localaddr=127.0.0.1:${peerPort}`,
      "-netdev", "hubport,hubid=0,id=h0,netdev=t", "-netdev", "hubport,hubid=0,id=h1,netdev=s"], { stdio: ["ignore", "ignore", "pipe"] });
    const link = new QemuLink(random, socket, peerPort, qemu, mac);
    let said = "";
    qemu.stderr!.on("data", (data) => (said += String(data)));
    qemu.on("close", (code) => (link.exit = `QEMU ended with ${code}: ${said}`));
    qemu.on("error", (error) => (link.exit = String(error)));
    return link;
  }

  private pass(frame: Uint8Array, on: (frame: Uint8Array) => void): void {
    for (const { frame: bytes, delayUs } of injure(frame, this.faults, this.random)) {
      if (delayUs === 0) on(bytes);
      else setTimeout(() => this.isClosed || on(bytes), delayUs / 1000);
    }
  }

  /** Runs the stack `us` from now, unless it runs sooner anyway. */
  private schedule(us: number): void {
    if (this.isClosed) return;
    const at = performance.now() + us / 1000;
    if (this.timer && this.wakeAt <= at) return;
    clearTimeout(this.timer);
    this.wakeAt = at;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.schedule(this.stack.poll());
    }, us / 1000);
  }

  /** Polls the stack until `done`, which may read and write streams; false when the deadline passed first. */
  async until(done: () => boolean, deadlineMs: number): Promise<boolean> {
    const end = performance.now() + deadlineMs;
    while (performance.now() < end) {
      if (this.exit) throw new Error(this.exit);
      this.stack.poll();
      const isDone = done();
      this.schedule(this.stack.poll());
      if (isDone) return true;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return false;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    const ended = this.qemu.exitCode !== null || this.qemu.signalCode !== null || this.qemu.pid === undefined;
    if (!ended) {
      await new Promise<void>((resolve) => {
        this.qemu.once("exit", () => resolve());
        this.qemu.kill("SIGKILL");
      });
    }
    await new Promise<void>((resolve) => this.socket.close(() => resolve()));
  }
}
