// Whether a rollout's maintenance windows are open, kept for as long as the answer holds: it is asked at every
// check-in.

import type { Maintenance } from "@flipside/api/types";
import { isTimeZone } from "@flipside/api/time-zone";
import type { Clock } from "../../clock.ts";
import { maintenanceAt } from "../../domain/maintenance.ts";

interface Answer {
  /** Of the wall clock, which may also be set back. */
  askedMs: number;
  /** It changes then. */
  untilMs: number;
  opensAtMs: number | undefined;
}

const keptMax = 1_000;

export class MaintenanceHours {
  readonly #clock: Pick<Clock, "wallMs">;
  readonly #answers = new Map<string, Answer>();

  constructor(clock: Pick<Clock, "wallMs">) {
    this.#clock = clock;
  }

  /**
   * When the next window opens for the device; undefined: offers may be made now. `text`: of the rollout's row;
   * `ownZone`: what the device says of itself.
   */
  opensAtMs(text: string | null, ownZone: string | undefined): number | undefined {
    if (text === null) return undefined;
    const maintenance = JSON.parse(text) as Maintenance;
    const isOwn = maintenance.ofDevice && ownZone !== undefined && isTimeZone(ownZone);
    const timeZone = isOwn ? ownZone : maintenance.timeZone;
    const key = `${timeZone} ${text}`;
    const now = this.#clock.wallMs();
    const kept = this.#answers.get(key);
    if (kept !== undefined && kept.askedMs <= now && now < kept.untilMs) return kept.opensAtMs;
    if (this.#answers.size >= keptMax) this.#answers.clear();
    const at = maintenanceAt({ ...maintenance, timeZone }, now);
    const opensAtMs = at.isOpen ? undefined : at.opensAtMs;
    this.#answers.set(key, { askedMs: now, untilMs: at.isOpen ? at.untilMs : at.opensAtMs, opensAtMs });
    return opensAtMs;
  }
}
