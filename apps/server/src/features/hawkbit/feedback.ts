// What devices say of their actions, as events for the engine. Success is a claim: a client says it before any reboot,
// or when it sees its action again, also after its boot loader has fallen back. So it moves the deployment to its
// trial, and no further, before the device says of itself that it runs the new version (attributes.ts); unless its
// rollout takes claims for what they are.

import type { DeploymentStateName } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import type { DeploymentRow, HawkbitActionRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Evidence } from "../deployments/evidence.ts";
import type { Memory } from "../deployments/memory.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { lockDevice, runningOf } from "../device-records/store.ts";
import type { Actions } from "./actions.ts";
import type { Feedback } from "./shapes.ts";
import { runsImage, saysItsVersion } from "./what-runs.ts";

/** What a feedback says of a deployment. */
export type Said =
  | { kind: "at"; state: DeploymentStateName; done?: { part: number; of: number } }
  | { kind: "claimed" }
  | { kind: "failed" }
  | { kind: "rejected" }
  | { kind: "cancelled" }
  | { kind: "nothing" };

export function saidOfDeployment({ status: { execution, result } }: Feedback): Said {
  const { finished, progress } = result;
  const [part, of] = [progress?.cnt ?? 0, progress?.of ?? 0];
  switch (execution) {
    case "closed":
      return { kind: finished === "failure" ? "failed" : "claimed" };
    case "rejected":
      return { kind: "rejected" };
    case "canceled":
      return { kind: "cancelled" };
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
  ofDeployment(deviceId: string, action: HawkbitActionRow, feedback: Feedback): Promise<void>;
  ofCancellation(deviceId: string, action: HawkbitActionRow, feedback: Feedback): Promise<void>;
}

type Tried = Pick<DeploymentRow, "id" | "rolloutId" | "state" | "total">;

export function createTakingFeedback(options: {
  storage: Storage;
  memory: Pick<Memory, "rollout" | "device" | "image">;
  evidence: Pick<Evidence, "reported" | "checkedIn">;
  actions: Actions;
  deviceLog: Pick<DeviceLog, "add">;
  clock: Pick<Clock, "wallMs">;
}): TakingFeedback {
  const { storage, memory, evidence, actions, deviceLog, clock } = options;

  const triedIn = ({ deploymentId, attempt }: HawkbitActionRow): Promise<Tried | undefined> =>
    storage.db
      .selectFrom("deployments")
      .select(["id", "rolloutId", "state", "total"])
      .where("id", "=", deploymentId)
      .where("attempt", "=", attempt)
      .executeTakeFirst();

  const report = (deviceId: string, { attempt }: HawkbitActionRow, { id, total }: Tried, state: DeploymentStateName) =>
    evidence.reported(deviceId, { deployment: id, attempt, state, code: 0, done: 0, total });

  /** What it runs is what it was given last, of a device that says no version of itself. */
  const takeForRunning = (deviceId: string, digest: string): Promise<void> =>
    storage.transaction(async ({ db, changed }) => {
      const row = await lockDevice(db, deviceId);
      const image = await db.selectFrom("images").selectAll().where("digest", "=", digest).executeTakeFirst();
      if (row === undefined || image === undefined || saysItsVersion(row)) return;
      const running = JSON.stringify(await runsImage(db, image));
      await db.updateTable("devices").set({ running }).where("id", "=", deviceId).execute();
      changed({ kind: "device", id: deviceId });
    });

  async function confirm(deviceId: string, digest: string, deployment?: { id: string; attempt: number }) {
    await evidence.checkedIn(deviceId, {
      running: { digest, state: "confirmed" },
      other: { state: "empty", reason: 0 },
      ...(deployment === undefined ? {} : { deployment: { ...deployment, state: "confirmed", code: 0 } }),
    });
  }

  /** The action is closed last: what a crash leaves open is said again. */
  async function claimed(deviceId: string, action: HawkbitActionRow, tried: Tried): Promise<void> {
    const { id, digest, attempt } = action;
    await actions.change(id, { claimedAt: clock.wallMs() });
    await report(deviceId, action, tried, "testing");
    const device = await memory.device(deviceId);
    if (device !== null && saysItsVersion(device) && runningOf(device)?.digest === digest) {
      await confirm(deviceId, digest);
      await actions.change(id, { provenAt: clock.wallMs() });
    } else if ((await memory.rollout(tried.rolloutId)).acceptsClaimed) {
      await takeForRunning(deviceId, digest);
      await confirm(deviceId, digest, { id: tried.id, attempt });
    }
    await actions.change(id, { state: "closed" });
  }

  /** Past its point of no return a deployment does not fail: its image gives way. */
  async function failed(deviceId: string, action: HawkbitActionRow, tried: Tried): Promise<void> {
    const refused = await report(deviceId, action, tried, "failed");
    if (refused !== undefined && action.provenAt === null) {
      const device = await memory.device(deviceId);
      await evidence.checkedIn(deviceId, {
        running: { digest: (device && runningOf(device)?.digest) ?? "", state: "confirmed" },
        other: { digest: action.digest, state: "failed", reason: 0 },
      });
    }
    await actions.change(action.id, { state: "closed" });
  }

  function note(deviceId: string, { id }: HawkbitActionRow, { status }: Feedback): void {
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
      const tried = await triedIn(action);
      if (tried === undefined) return;
      const said = saidOfDeployment(feedback);
      switch (said.kind) {
        case "claimed":
          return claimed(deviceId, action, tried);
        case "failed":
          return failed(deviceId, action, tried);
        case "rejected":
          await report(deviceId, action, tried, "rejected");
          return actions.change(action.id, { state: "closed" });
        case "cancelled":
          // Nobody had cancelled it here: the device has.
          await report(deviceId, action, tried, "failed");
          return actions.change(action.id, { state: "closed" });
        case "at": {
          const { id: deployment, total } = tried;
          const done = said.done === undefined ? 0 : Math.floor((total * said.done.part) / said.done.of);
          const { attempt } = action;
          await evidence.reported(deviceId, { deployment, attempt, state: said.state, code: 0, done, total });
          return;
        }
        case "nothing":
          return;
      }
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
