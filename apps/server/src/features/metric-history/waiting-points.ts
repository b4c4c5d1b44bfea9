// Points that are not stored yet: of each device only so many, whatever it sends.

import type { Point } from "../../domain/metric-buckets.ts";

/** Between two writings, a minute: ten times what an agent sends. */
export const pointsPerDeviceMax = 60;
const pointsMax = 250_000;

export interface WaitingPoint extends Point {
  deviceId: string;
  name: string;
}

export class WaitingPoints {
  readonly #byDevice = new Map<string, WaitingPoint[]>();
  #count = 0;

  /** False: there are too many, and it is dropped. */
  add(point: WaitingPoint): boolean {
    const { deviceId, name } = point;
    const ofDevice = this.#byDevice.get(deviceId) ?? [];
    if (ofDevice.length >= pointsPerDeviceMax || this.#count >= pointsMax) return false;
    const before = ofDevice.findLast((each) => each.name === name);
    // A point is known by its time, so each has a millisecond of its own.
    const isSameTime = before !== undefined && before.at >= point.at && before.at - point.at < pointsPerDeviceMax;
    ofDevice.push(isSameTime ? { ...point, at: before.at + 1 } : point);
    this.#byDevice.set(deviceId, ofDevice);
    this.#count++;
    return true;
  }

  /** They do not wait any more. */
  take(deviceIds: readonly string[]): WaitingPoint[] {
    const points = deviceIds.flatMap((deviceId) => this.#byDevice.get(deviceId) ?? []);
    for (const deviceId of deviceIds) this.#byDevice.delete(deviceId);
    this.#count -= points.length;
    return points;
  }

  /** Whose points wait. */
  get deviceIds(): string[] {
    return [...this.#byDevice.keys()];
  }
}
