// What a device says that floods the server: all that it may say, without end, and some that it may not. It is enrolled
// and proven like any other.

import type { DeviceLeaf } from "@flipside/protocol/topics";
import { FETCH_WINDOW_MAX } from "@flipside/image-format";

type Json = Record<string, unknown>;

/** What is valid and may change what is stored; requests for chunks; what is no message, and others' topics. */
export const floodKinds = ["messages", "fetches", "junk"] as const;
export type FloodKind = (typeof floodKinds)[number];

/** Of the device that floods, at this moment. */
export interface Flooding {
  session: string;
  /** Session, boot counter and the next sequence number. */
  order: () => Json;
  checkIn: () => Json;
  /** What it was offered. */
  deployment: { id: string; attempt: number } | undefined;
}

/** On a topic of somebody else's where there is no leaf. */
export interface FloodMessage {
  leaf: DeviceLeaf | undefined;
  payload: string | Uint8Array;
}

/** Every so many messages of junk one is on a topic that is not the device's, which ends its connection. */
const FOREIGN_EVERY = 200;
const JUNK = Buffer.alloc(64, "{");

export class Flood {
  readonly kind: FloodKind;
  #count = 0;

  constructor(kind: FloodKind) {
    this.kind = kind;
  }

  next(device: Flooding): FloodMessage {
    this.#count++;
    if (this.kind === "junk") return this.#junk();
    const { deployment } = device;
    if (this.kind === "messages" || deployment === undefined) return this.#message(device);
    const { id, attempt } = deployment;
    const { session } = device;
    const window = { session, deployment: id, attempt, part: 0, first: 0, count: FETCH_WINDOW_MAX };
    return { leaf: "fetch", payload: JSON.stringify(window) };
  }

  #junk(): FloodMessage {
    if (this.#count % FOREIGN_EVERY === 0) return { leaf: undefined, payload: JUNK };
    return { leaf: this.#count % 2 === 0 ? "telemetry" : "check-in", payload: JUNK };
  }

  #message(device: Flooding): FloodMessage {
    const count = this.#count;
    const { deployment, session } = device;
    if (count % 3 === 0 && deployment !== undefined) {
      const [done, total] = [count % 64, 64];
      const report = { deployment: deployment.id, attempt: deployment.attempt, state: "downloading", code: 0 };
      return { leaf: "state", payload: JSON.stringify({ ...device.order(), ...report, done, total }) };
    }
    if (count % 3 === 1) return { leaf: "check-in", payload: JSON.stringify(device.checkIn()) };
    const health = count % 2 === 0 ? "healthy" : "unhealthy";
    const telemetry = { session, uptimeMs: count, health, metric: "flood", value: count };
    return { leaf: "telemetry", payload: JSON.stringify(telemetry) };
  }
}
