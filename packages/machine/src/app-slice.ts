// What an app says of itself, for the agent, and when its next tick is due (exokernel/app_slice.c).

import { APP_REPORT_BYTES, APP_SLICE_PERIOD_US, Exo, HEALTH_UNHEALTHY } from "./abi.ts";

const NAME_BYTES_MAX = 15;
const NAME_OFFSET = 16;

export class AppSlice {
  /** Layout: exo_app_report. */
  readonly report = new Uint8Array(APP_REPORT_BYTES);
  readonly #view = new DataView(this.report.buffer);
  nextTickUs: number;

  constructor(nowUs: number) {
    this.nextTickUs = nowUs + APP_SLICE_PERIOD_US;
  }

  /** Whether a tick is due; then the next one is set, and slices that were missed are not made up for. */
  takeTick(nowUs: number): boolean {
    if (nowUs < this.nextTickUs) return false;
    this.nextTickUs += APP_SLICE_PERIOD_US;
    if (this.nextTickUs <= nowUs) this.nextTickUs = nowUs + APP_SLICE_PERIOD_US;
    return true;
  }

  countTick(): void {
    this.#view.setUint32(0, this.#view.getUint32(0, true) + 1, true);
  }

  metric(name: Uint8Array, value: number): number {
    if (name.length < 1 || name.length > NAME_BYTES_MAX || !/^[a-z0-9_]+$/.test(Buffer.from(name).toString("latin1"))) return Exo.Argument;
    this.report.fill(0, NAME_OFFSET);
    this.report.set(name, NAME_OFFSET);
    this.#view.setUint32(12, name.length, true);
    this.#view.setInt32(8, value, true);
    return Exo.Ok;
  }

  health(health: number): number {
    if (health > HEALTH_UNHEALTHY) return Exo.Argument;
    this.#view.setUint32(4, health, true);
    return Exo.Ok;
  }
}
