// Many virtual devices in one process, each with its files in one folder and a thread of its own.

import { EventEmitter } from "node:events";
import { type FolderLock, lockFolder } from "@flipside/processes/folder-lock";
import type { FlashOperation } from "../src/faults/flash-operation.ts";
import { layoutOf } from "../src/factory/flash-layout.ts";
import {
  type Claim,
  claimOf,
  type DeviceFile,
  flashPath,
  manufactureVirtualDevice,
  type ManufactureOptions,
  readDeviceFile,
} from "./manufacture.ts";
import { VirtualDevice, type VirtualDeviceOptions } from "./virtual-device.ts";

export interface FleetOptions {
  /** Holds <deviceId>.flash and <deviceId>.identity.json. */
  folder: string;
  bootWasm: Uint8Array;
  rootKeys: readonly Uint8Array[];
  /** Devices powered on a second, so that a fleet that starts does not take the machine. Default 10. */
  startsPerSecond?: number;
  resetPauseMs?: number;
}

export interface FleetEvents {
  line: [deviceId: string, line: string];
  reset: [deviceId: string, reason: number];
  cut: [deviceId: string, operation: FlashOperation | undefined];
  recovery: [deviceId: string];
  stopped: [deviceId: string];
}

export class Fleet extends EventEmitter<FleetEvents> {
  readonly options: FleetOptions;
  readonly devices = new Map<string, VirtualDevice>();
  readonly #files = new Map<string, DeviceFile>();
  #stops = 0;
  /**
   * Held from the first device taken in, or the start, to the stop: two fleets in one folder would write over each
   * other's flash.
   */
  #lock: FolderLock | undefined;

  constructor(options: FleetOptions) {
    super();
    this.options = options;
  }

  /** Makes the device if need be, and takes it into the fleet; it is off. Throws FolderInUseError. */
  async manufacture(options: ManufactureOptions): Promise<VirtualDevice> {
    this.#lock ??= lockFolder(this.options.folder);
    await manufactureVirtualDevice(this.options.folder, options);
    return this.add(options.deviceId);
  }

  /** Takes a device that was made into the fleet; it is off. Throws FolderInUseError. */
  add(deviceId: string): VirtualDevice {
    this.#lock ??= lockFolder(this.options.folder);
    const known = this.devices.get(deviceId);
    if (known) return known;
    const { folder, bootWasm, rootKeys, resetPauseMs } = this.options;
    const file = readDeviceFile(folder, deviceId);
    const options: VirtualDeviceOptions = {
      deviceId,
      layout: layoutOf(file.geometry),
      flash: { path: flashPath(folder, deviceId) },
      bootWasm,
      rootKeys,
    };
    if (resetPauseMs !== undefined) options.resetPauseMs = resetPauseMs;
    const device = new VirtualDevice(options);
    device.on("line", (line) => this.emit("line", deviceId, line));
    device.on("reset", (reason) => this.emit("reset", deviceId, reason));
    device.on("cut", (operation) => this.emit("cut", deviceId, operation));
    device.on("recovery", () => this.emit("recovery", deviceId));
    device.on("stopped", () => this.emit("stopped", deviceId));
    this.devices.set(deviceId, device);
    this.#files.set(deviceId, file);
    return device;
  }

  /** For the server, so that the devices may enrol. */
  claims(): Claim[] {
    return [...this.#files.values()].map(claimOf);
  }

  /** Powers on what is off, at the bounded rate. Resolves when the last was powered on, or the fleet was stopped. */
  async start(): Promise<void> {
    this.#lock ??= lockFolder(this.options.folder);
    const stops = this.#stops;
    const pauseMs = 1000 / (this.options.startsPerSecond ?? 10);
    let isFirst = true;
    for (const device of this.devices.values()) {
      if (device.running) continue;
      if (!isFirst) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      isFirst = false;
      if (this.#stops !== stops) return;
      if (!device.running) device.powerOn();
    }
  }

  async stop(): Promise<void> {
    this.#stops++;
    await Promise.all([...this.devices.values()].map((device) => device.stop()));
    this.#lock?.release();
    this.#lock = undefined;
  }
}
