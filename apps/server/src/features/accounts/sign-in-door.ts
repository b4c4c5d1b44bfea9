// What every attempt to sign in passes before anything is looked at: who tries too often waits, or is told when to come
// again.

import { ApiError } from "../../http/errors.ts";
import type { AttemptLimits } from "./attempt-limiter.ts";

export class SignInDoor {
  readonly #limits: AttemptLimits;

  constructor(limits: AttemptLimits) {
    this.#limits = limits;
  }

  /** Counts as failed until `succeeded`. `refused` hears why, before ApiError is thrown. */
  async enter(address: string, account: string, refused: (what: string) => void): Promise<void> {
    const admission = await this.#limits.begin(address, account);
    if ("retryAfterSeconds" in admission) {
      const { retryAfterSeconds } = admission;
      refused("too many attempts from the address");
      throw new ApiError(
        "too-many-attempts",
        `Too many failed attempts came from here. Wait ${retryAfterSeconds} s, then try again.`,
        { retryAfterSeconds },
      );
    }
    if (admission.holdMs > 0) await new Promise((resolve) => setTimeout(resolve, admission.holdMs));
  }

  async succeeded(address: string, account: string): Promise<void> {
    await this.#limits.succeeded(address, account);
  }
}
