// A client of QEMU's gdb stub: as much of the GDB remote serial protocol as it takes to stop the machine at an
// instruction and look at registers and memory. (GDB manual, appendix E.)

import { connect, type Socket } from "node:net";

const REPLY_TIMEOUT_MS = 20_000;

export class GdbClient {
  #socket: Socket;
  #received = "";
  #waiting: { resolve: (packet: string) => void; reject: (error: Error) => void } | undefined;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#take(text));
    const end = (): void => {
      this.#closed = true;
      this.#waiting?.reject(new Error("the gdb connection was closed"));
      this.#waiting = undefined;
    };
    socket.on("close", end);
    socket.on("error", end);
  }

  /** Connects to the unix socket, which QEMU makes as it starts. */
  static async connect(path: string): Promise<GdbClient> {
    const deadline = Date.now() + REPLY_TIMEOUT_MS;
    for (;;) {
      try {
        const socket = await new Promise<Socket>((resolve, reject) => {
          const attempt = connect(path, () => resolve(attempt));
          attempt.once("error", reject);
        });
        return new GdbClient(socket);
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  get closed(): boolean {
    return this.#closed;
  }

  async setBreakpoint(address: number): Promise<void> {
    await this.#expectOk(`Z1,${address.toString(16)},4`);
  }

  async removeBreakpoint(address: number): Promise<void> {
    await this.#expectOk(`z1,${address.toString(16)},4`);
  }

  /** Runs until the machine stops; rejects when the machine goes away, and never times out by itself. */
  continueUntilStop(): Promise<string> {
    return this.#request("c", 0);
  }

  async step(): Promise<void> {
    await this.#request("s");
  }

  /** The 32-bit registers x0..x31 and pc (32). All at once: QEMU answers `p` only to clients that asked for its XML. */
  async readRegisters(): Promise<number[]> {
    const bytes = Buffer.from(await this.#request("g"), "hex");
    if (bytes.length < 33 * 4) throw new Error(`gdb stub sent ${bytes.length} bytes of registers`);
    return Array.from({ length: 33 }, (_, number) => bytes.readUInt32LE(4 * number));
  }

  async readMemory(address: number, length: number): Promise<Uint8Array> {
    const parts: Buffer[] = [];
    for (let at = 0; at < length; at += 1024) {
      const hex = await this.#request(`m${(address + at).toString(16)},${Math.min(1024, length - at).toString(16)}`);
      parts.push(Buffer.from(hex, "hex"));
    }
    return new Uint8Array(Buffer.concat(parts));
  }

  async #expectOk(command: string): Promise<void> {
    const reply = await this.#request(command);
    if (reply !== "OK") throw new Error(`gdb stub answered "${reply}" to ${command}`);
  }

  #request(command: string, timeoutMs = REPLY_TIMEOUT_MS): Promise<string> {
    if (this.#closed) return Promise.reject(new Error("the gdb connection was closed"));
    if (this.#waiting) return Promise.reject(new Error(`gdb: ${command} before the last reply`));
    let checksum = 0;
    for (const byte of Buffer.from(command, "latin1")) checksum = (checksum + byte) & 0xff;
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs > 0
          ? setTimeout(() => settle(() => reject(new Error(`gdb stub did not answer ${command}`))), timeoutMs)
          : undefined;
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#waiting = undefined;
        act();
      };
      this.#waiting = {
        resolve: (packet) => settle(() => resolve(packet)),
        reject: (error) => settle(() => reject(error)),
      };
      this.#socket.write(`$${command}#${checksum.toString(16).padStart(2, "0")}`, "latin1");
    });
  }

  #take(text: string): void {
    this.#received += text;
    for (;;) {
      const start = this.#received.indexOf("$");
      const end = this.#received.indexOf("#", start);
      if (start < 0 || end < 0 || this.#received.length < end + 3) return;
      const packet = this.#received.slice(start + 1, end);
      this.#received = this.#received.slice(end + 3);
      this.#socket.write("+");
      this.#waiting?.resolve(packet);
    }
  }
}
