// Whether a rollout's maintenance windows are open, kept for as long as the answer holds: it is asked at every
// check-in.

import type { Maintenance } from "@flipside/api/types";
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

  /** When the next window opens; undefined: offers may be made now. `text`: of the rollout's row. */
  opensAtMs(text: string | null): number | undefined {
    if (text === null) return undefined;
    const now = this.#clock.wallMs();
    const kept = this.#answers.get(text);
    if (kept !== undefined && kept.askedMs <= now && now < kept.untilMs) return kept.opensAtMs;
    if (this.#answers.size >= keptMax) this.#answers.clear();
    const at = maintenanceAt(JSON.parse(text) as Maintenance, now);
    const opensAtMs = at.isOpen ? undefined : at.opensAtMs;
    this.#answers.set(text, { askedMs: now, untilMs: at.isOpen ? at.untilMs : at.opensAtMs, opensAtMs });
    return opensAtMs;
  }
}
