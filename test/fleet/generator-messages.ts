// What the command and its generator processes say to each other.

import type { FleetCounts } from "./load-device.ts";

/** Which devices a generator has, and what they should do when they are told to. */
export interface GeneratorTask {
  firstIndex: number;
  count: number;
  host: string;
  port: number;
  imagePath: string;
  version: string;
  releaseSequence: number;
  trustDigest: string;
}

/** The same chunks to as many clients, without a device in them. */
export interface PeerTask {
  firstIndex: number;
  count: number;
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
  | { kind: "connect-peers"; task: PeerTask }
  | { kind: "download-peers" };

export type FromGenerator =
  | { kind: "claims"; claims: { deviceId: string; secret: string }[] }
  | { kind: "done"; what: ToGenerator["kind"] }
  | { kind: "counts"; counts: FleetCounts }
  | { kind: "peers-done"; bytes: number }
  | { kind: "failed"; message: string };
