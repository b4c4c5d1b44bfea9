// Both systems that are compared, started and stopped alike: each is one QEMU with one port of the loopback in front of
// its port 80.

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { makeDevice } from "../../../apps/agent/test/http/made-device.ts";
import type { LinkedProgram } from "../../../apps/agent/build/link.ts";
import { reservePort } from "../../../packages/processes/test/reserved-port.ts";
import type { Unikernel } from "@flipside/machine/qemu/unikernel";
import { machines } from "../device-snapshot.ts";
import type { LinuxImage } from "./linux-image.ts";

export interface Guest {
  readonly port: number;
  /** Applies power; RAM is empty. */
  start(): void;
  /** Of QEMU, while it runs. */
  readonly processId: number | undefined;
  stop(): Promise<void>;
}

/** RAM in MiB; 64 are too few for this kernel to start. */
export const LINUX_RAM_MIB = 128;

export class LinuxGuest implements Guest {
  #process: ChildProcess | undefined;

  private constructor(
    readonly image: LinuxImage,
    readonly port: number,
    readonly qemuPath: string,
  ) {}

  static async make(image: LinuxImage, qemuPath = "qemu-system-x86_64"): Promise<LinuxGuest> {
    return new LinuxGuest(image, await reservePort(), qemuPath);
  }

  get processId(): number | undefined {
    return this.#process?.pid;
  }

  start(): void {
    const { kernelPath, initramfsPath } = this.image;
    // biome-ignore format: options, line by line
    const options = [
      "-M", "pc", "-accel", "tcg", "-m", `${LINUX_RAM_MIB}M`, "-nodefaults", "-no-user-config",
      "-display", "none", "-monitor", "none", "-serial", "none",
      "-kernel", kernelPath, "-initrd", initramfsPath, "-append", "quiet panic=-1",
      "-netdev", `user,id=net0,hostfwd=tcp:127.0.0.1:${this.port}-:80`,
      // Without the firmware's own network start, which waits for keys and servers.
      "-device", "virtio-net-pci,netdev=net0,romfile=",
    ];
    const child = spawn(this.qemuPath, options, { stdio: "ignore" });
    this.#process = child;
    running.add(child);
    child.once("close", () => running.delete(child));
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once("close", () => resolve());
      child.kill("SIGKILL");
    });
  }
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class DeviceGuest implements Guest {
  private constructor(
    readonly unikernel: Unikernel,
    readonly port: number,
  ) {}

  /** @param folder of its own */
  static async make(
    folder: string,
    program: LinkedProgram,
    options: { qemuPath?: string; server?: { host: string; port: number }; countInstructions?: boolean } = {},
  ): Promise<DeviceGuest> {
    const { server, ...machine } = options;
    const port = await reservePort();
    const unikernel = await makeDevice({
      folder,
      deviceId: "bench",
      payload: new Uint8Array(readFileSync(program.binaryPath)),
      ...(server === undefined ? {} : { server }),
      options: {
        network: { kind: "user", forward: { hostPort: port, devicePort: 80 } },
        ...machine,
      },
    });
    machines.add(unikernel);
    return new DeviceGuest(unikernel, port);
  }

  get processId(): number | undefined {
    return this.unikernel.processId;
  }

  start(): void {
    this.unikernel.powerOn();
  }

  stop(): Promise<void> {
    return this.unikernel.cutPower();
  }
}
