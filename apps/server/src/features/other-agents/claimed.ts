// What devices say of their actions, as events for the engine, whatever interface they say it by. Success is a claim: a
// client says it before any reboot, or when it sees its action again, also after its boot loader has fallen back. So it
// moves the deployment to its trial, and no further, before the device says of itself that it runs the new version
// (attributes.ts); unless its rollout takes claims for what they are.

import { type DeploymentStateName, ErrorCode } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import type { ActionRow, DeploymentRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Evidence } from "../deployments/evidence.ts";
import type { Memory } from "../deployments/memory.ts";
import { lockDevice, runningOf } from "../device-records/store.ts";
import type { Actions } from "./actions.ts";
import { runsImage, saysItsVersion } from "./what-runs.ts";

/** What a device says of an action. */
export type Claimed =
  /** `installed`: all is written, and the reboot is next. `done`: how much of it, in parts of any size. */
  | { kind: "at"; state: DeploymentStateName; done?: { part: number; of: number } }
  | { kind: "success" }
  | { kind: "failure" }
  /** It was not begun. */
  | { kind: "rejected"; code?: ErrorCode }
  /** Nobody had cancelled it here: the device has. */
  | { kind: "given-up" }
  | { kind: "nothing" };

export interface TakingClaimed {
  take(deviceId: string, action: ActionRow, claimed: Claimed): Promise<void>;
}

type Tried = Pick<DeploymentRow, "id" | "rolloutId" | "state" | "total">;

export function createTakingClaimed(options: {
  storage: Storage;
  memory: Pick<Memory, "rollout" | "device" | "image">;
  evidence: Pick<Evidence, "reported" | "checkedIn">;
  actions: Actions;
  clock: Pick<Clock, "wallMs">;
}): TakingClaimed {
  const { storage, memory, evidence, actions, clock } = options;

  const triedIn = ({ deploymentId, attempt }: ActionRow): Promise<Tried | undefined> =>
    storage.db
      .selectFrom("deployments")
      .select(["id", "rolloutId", "state", "total"])
      .where("id", "=", deploymentId)
      .where("attempt", "=", attempt)
      .executeTakeFirst();

  const report = (
    deviceId: string,
    { attempt }: ActionRow,
    { id, total }: Tried,
    state: DeploymentStateName,
    code: ErrorCode = ErrorCode.None,
  ) => evidence.reported(deviceId, { deployment: id, attempt, state, code, done: 0, total });

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
  async function succeeded(deviceId: string, action: ActionRow, tried: Tried): Promise<void> {
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
  async function failed(deviceId: string, action: ActionRow, tried: Tried): Promise<void> {
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

  return {
    async take(deviceId, action, claimed) {
      const tried = await triedIn(action);
      if (tried === undefined) return;
      switch (claimed.kind) {
        case "success":
          return succeeded(deviceId, action, tried);
        case "failure":
          return failed(deviceId, action, tried);
        case "rejected":
          await report(deviceId, action, tried, "rejected", claimed.code);
          return actions.change(action.id, { state: "closed" });
        case "given-up":
          await report(deviceId, action, tried, "failed");
          return actions.change(action.id, { state: "closed" });
        case "at": {
          const { id: deployment, total } = tried;
          // How far it is, the download itself may have told better.
          if (claimed.done === undefined && tried.state === claimed.state) return;
          const done = claimed.done === undefined ? 0 : Math.floor((total * claimed.done.part) / claimed.done.of);
          const { attempt } = action;
          await evidence.reported(deviceId, { deployment, attempt, state: claimed.state, code: 0, done, total });
          return;
        }
        case "nothing":
          return;
      }
    },
  };
}
