// What an app says of itself, for the agent, and when its next tick is due (exokernel/app_slice.c).

import { APP_REPORT_BYTES, APP_SLICE_PERIOD_US } from "./abi.ts";
import type { AppPort } from "./ports.ts";

const NAME_OFFSET = 16;

export class AppSlice implements AppPort {
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

  metric(name: Uint8Array, value: number): void {
    this.report.fill(0, NAME_OFFSET);
    this.report.set(name, NAME_OFFSET);
    this.#view.setUint32(12, name.length, true);
    this.#view.setInt32(8, value, true);
  }

  health(health: number): void {
    this.#view.setUint32(4, health, true);
  }
}
