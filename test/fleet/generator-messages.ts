// What the command and its generator processes say to each other.

import type { FleetCounts, Outage } from "./load-device.ts";

/** Of all devices, which. */
export interface ShareOfDevices {
  firstIndex: number;
  count: number;
}

/** Which devices a generator has, and what they should do when they are told to. */
export interface GeneratorTask extends ShareOfDevices {
  /** They flood when they are told to, each kind in turn, and take no update. */
  isFlooding: boolean;
  host: string;
  port: number;
  imagePath: string;
  version: string;
  releaseSequence: number;
  trustDigest: string;
}

/** The same chunks to as many clients, without a device in them. */
export interface PeerTask extends ShareOfDevices {
  host: string;
  port: number;
  chunkCount: number;
  /** Downloads at a time. */
  atOnce: number;
}

export type ToGenerator =
  | { kind: "make-devices"; task: GeneratorTask }
  | { kind: "enrol" }
  | { kind: "power-on" }
  | { kind: "power-off" }
  | { kind: "flood"; isOn: boolean }
  /** So many metrics a second of all devices together, each another one than the device said before; 0: no more. */
  | { kind: "tell"; aSecond: number }
  | { kind: "take-answers" }
  | { kind: "take-past" }
  | { kind: "connect-peers"; task: PeerTask }
  | { kind: "download-peers" };

export type FromGenerator =
  /** It has loaded all that it needs, and listens. */
  | { kind: "up" }
  | { kind: "claims"; claims: { deviceId: string; secret: string }[] }
  | { kind: "done"; what: ToGenerator["kind"] }
  | { kind: "counts"; counts: FleetCounts }
  | { kind: "answers"; answersMs: number[] }
  /** `starts`: of each device, how often it has started a new image. */
  | { kind: "past"; outages: Outage[]; starts: number[] }
  | { kind: "peers-done"; bytes: number }
  | { kind: "failed"; message: string };
