// What devices say of their actions and of cancellations, by hawkBit's words, as what every agent's devices can claim
// (other-agents/claimed.ts).

import type { ActionRow } from "../../storage/schema.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { Actions } from "../other-agents/actions.ts";
import type { Claimed, TakingClaimed } from "../other-agents/claimed.ts";
import type { Feedback } from "./shapes.ts";

export function claimedOfDeployment({ status: { execution, result } }: Feedback): Claimed {
  const { finished, progress } = result;
  const [part, of] = [progress?.cnt ?? 0, progress?.of ?? 0];
  switch (execution) {
    case "closed":
      return { kind: finished === "failure" ? "failure" : "success" };
    case "rejected":
      return { kind: "rejected" };
    case "canceled":
      return { kind: "given-up" };
    case "download":
      return { kind: "at", state: "downloading" };
    case "downloaded":
      return { kind: "at", state: "verifying" };
    case "proceeding":
      // All steps are done, and what is left is to start it: SWUpdate says so, and then waits for its reboot.
      if (of > 0 && part >= of) return { kind: "at", state: "installed" };
      return of > 0 && part > 0 ? { kind: "at", state: "downloading", done: { part, of } } : { kind: "nothing" };
    case "scheduled":
    case "resumed":
      return { kind: "nothing" };
  }
}

/** Whether a cancellation is over by this, and how. */
export function saidOfCancellation({ status: { execution, result } }: Feedback): "taken" | "refused" | "nothing" {
  if (execution === "rejected" || (execution === "closed" && result.finished === "failure")) return "refused";
  return execution === "closed" || execution === "canceled" ? "taken" : "nothing";
}

export interface TakingFeedback {
  ofDeployment(deviceId: string, action: ActionRow, feedback: Feedback): Promise<void>;
  ofCancellation(deviceId: string, action: ActionRow, feedback: Feedback): Promise<void>;
}

export function createTakingFeedback(options: {
  actions: Pick<Actions, "change">;
  claimed: TakingClaimed;
  deviceLog: Pick<DeviceLog, "add">;
}): TakingFeedback {
  const { actions, claimed, deviceLog } = options;

  function note(deviceId: string, { id }: ActionRow, { status }: Feedback): void {
    const details = (status.details ?? []).filter((line) => line.trim() !== "");
    const isOver = status.execution !== "proceeding";
    if (!isOver && details.length === 0) return;
    const said = [status.execution, ...(status.result.finished === "none" ? [] : [status.result.finished])].join("/");
    deviceLog.add(
      deviceId,
      "deployment",
      `action ${id}: ${said}${details.length > 0 ? `: ${details.join("; ")}` : ""}`,
    );
  }

  return {
    async ofDeployment(deviceId, action, feedback) {
      note(deviceId, action, feedback);
      await claimed.take(deviceId, action, claimedOfDeployment(feedback));
    },

    async ofCancellation(deviceId, action, feedback) {
      note(deviceId, action, feedback);
      const said = saidOfCancellation(feedback);
      if (said === "nothing" || action.state !== "cancelling") return;
      await actions.change(action.id, { state: "closed" });
      if (said === "refused")
        deviceLog.add(
          deviceId,
          "deployment",
          `action ${action.id}: the device refused to give it up, and may come back with its image all the same`,
        );
    },
  };
}
