// What can happen to a rollout.

import type { WaveRules } from "@flipside/api/types";
import type { DeploymentStateName } from "@flipside/image-format";
import type { CheckInEvidence } from "./check-in-evidence.ts";
import type { Changes, Join } from "./changes.ts";
import type { Now } from "./now.ts";
import type { DeploymentSnapshot, RolloutSnapshot } from "./snapshots.ts";

export type RolloutEvent =
  /** `leftOut`: how many devices that its filter means have no part in it, and why; empty: nobody. */
  | { type: "started"; leftOut?: string }
  /** `runs`: the digest of what the device runs now; null: not known. */
  | { type: "offer-due"; deployment: DeploymentSnapshot; alreadyConfirmed: boolean; runs: string | null }
  | {
      type: "reported";
      deployment: DeploymentSnapshot;
      attempt: number;
      state: DeploymentStateName;
      code: number;
      done: number;
      total: number;
    }
  | { type: "checked-in"; deployment: DeploymentSnapshot; evidence: CheckInEvidence }
  /** `isHeldBack`: the device is there, and only the rollout's own rules keep the offer from it. */
  | { type: "deadline-passed"; deployment: DeploymentSnapshot; isHeldBack: boolean }
  /** These wait, their devices are away, and nothing of the present wave is under way. */
  /** Of many that are away these are set aside now, `before` were, and `others` will be; left out: none. */
  | { type: "others-away"; away: DeploymentSnapshot[]; before?: number; others?: number }
  | { type: "late-offers-expired"; deployment: DeploymentSnapshot }
  /** `why`: what made the offer wrong, in words that go on from the device's name. */
  | { type: "superseded"; deployment: DeploymentSnapshot; why: string }
  /** A soak may be over, or a start time have come. */
  | { type: "time-passed" }
  /** Devices have failed, and what is known of them was put together. */
  | { type: "health-looked-at" }
  | { type: "emergency-stop"; by: string; reason: string }
  | { type: "emergency-over"; by: string }
  | { type: "device-revoked"; deployment: DeploymentSnapshot }
  | { type: "pause"; by: string }
  | { type: "resume"; by: string }
  | { type: "approve"; by: string }
  | { type: "start-next-wave"; by: string }
  /** `rules`: of every wave, with what was changed; `what`: in words. */
  | { type: "change-rules"; by: string; rules: readonly WaveRules[]; what: string }
  /** The waves that have not begun are dealt anew. `rules`: of every wave, as they are then; `what`: in words. */
  | { type: "resize-waves"; by: string; rules: readonly WaveRules[]; what: string }
  | { type: "exclude"; by: string; of: DeploymentSnapshot[] }
  | { type: "retry"; by: string; of: DeploymentSnapshot[] }
  /** A device has come to match a target that is open. */
  | { type: "device-joined"; joiner: Pick<Join, "id" | "deviceId" | "digest" | "total"> }
  | { type: "close-target"; by: string }
  /** `to`: the rollout that starts, and supersedes this one. */
  | { type: "give-way"; by: string; to: { id: string; name: string } }
  | { type: "cancel"; by: string }
  /** Undefined: of all waves. */
  | { type: "roll-back"; by: string; wave: number | undefined }
  /** Of a rollout that is over. */
  | { type: "end-late-offers"; by: string };

type Handler<Type extends RolloutEvent["type"]> = (
  rollout: RolloutSnapshot,
  event: Extract<RolloutEvent, { type: Type }>,
  now: Now,
) => Changes;

/** What each of these kinds of event does by itself, before the gates are asked. */
export type Handlers<Types extends RolloutEvent["type"] = RolloutEvent["type"]> = { [Type in Types]: Handler<Type> };
