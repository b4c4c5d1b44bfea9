// What a launcher and a fleet process (fleet-main.ts) say to each other. Keys and secrets are base64url.

import type { Claim, FlashGeometry } from "./manufacture.ts";

export interface FleetConfig {
  /** Of the devices' files; made if missing. */
  folder: string;
  bootWasmPath: string;
  /** First root keys, 32 bytes each. */
  rootKeys: string[];
  deviceIds: string[];
  /** With it, devices that are not there yet are made. */
  manufacture?: {
    server: { host: string; port: number };
    trustChainPath: string;
    imagePath: string;
    geometry?: FlashGeometry;
  };
  /** Default 10. */
  startsPerSecond?: number;
  /** False: all stay off until told. */
  powerOn?: boolean;
}

export type FleetEvent =
  /** Before any device is powered on. */
  | { kind: "claims"; claims: Claim[] }
  /** All devices are made, and powered on unless the configuration said otherwise. */
  | { kind: "ready" }
  | { kind: "line"; deviceId: string; line: string }
  /** EXO_BOOT_* of the boot that follows. */
  | { kind: "reset"; deviceId: string; reason: number }
  | { kind: "cut"; deviceId: string }
  | { kind: "recovery"; deviceId: string }
  | { kind: "stopped"; deviceId: string }
  | { kind: "problem"; message: string }
  /** All devices are off; the process ends. */
  | { kind: "ended" };

export type FleetCommand =
  | { kind: "stop" }
  | { kind: "power-on"; deviceId: string }
  | { kind: "cut-power"; deviceId: string };
