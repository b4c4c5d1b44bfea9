// What a device is to be at when it asks. The deployment is chosen where it is for every device
// (deployments/offering.ts); here it becomes an action. And what has become, here, of actions that it has not closed.

import { ErrorCode } from "@flipside/image-format";
import { isFinalState } from "@flipside/image-format/state-names";
import type { Clock } from "../../clock.ts";
import type { ActionRow, DeploymentRow, DeviceRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Evidence } from "../deployments/evidence.ts";
import { runsConfirmed } from "../deployments/hindrances.ts";
import type { Memory } from "../deployments/memory.ts";
import type { Offering } from "../deployments/offering.ts";
import type { Actions } from "./actions.ts";
import type { TakingAttributes } from "./attributes.ts";
import { saysItsVersion } from "./what-runs.ts";

type Deployment = Pick<DeploymentRow, "id" | "attempt" | "digest" | "state">;

export interface Due {
  /** The action that it is to be at now, and how far that is; offered when nothing was under way. */
  of(deviceId: string): Promise<{ action: ActionRow; deploymentState: DeploymentRow["state"] } | undefined>;
  /** What has become here of an action that the device has not closed: stored, and answered. */
  settle(deviceId: string, action: ActionRow): Promise<ActionRow["state"]>;
}

export function createDue(options: {
  storage: Storage;
  memory: Pick<Memory, "deployments" | "device" | "image">;
  offering: Pick<Offering, "offerFor">;
  evidence: Pick<Evidence, "reported">;
  actions: Actions;
  attributes: Pick<TakingAttributes, "lookAgain" | "proveAgain">;
  clock: Pick<Clock, "wallMs">;
}): Due {
  const { storage, memory, offering, evidence, actions, attributes, clock } = options;

  async function deploymentOf(deviceId: string, id: string): Promise<Deployment | undefined> {
    const known = (await memory.deployments(deviceId)).find((each) => each.id === id);
    return (
      known ??
      (await storage.db
        .selectFrom("deployments")
        .select(["id", "attempt", "digest", "state"])
        .where("id", "=", id)
        .executeTakeFirst())
    );
  }

  /** Such a device has no floor of its own that it would reject an image by. */
  async function isBelowFloor(device: DeviceRow, { id, attempt, digest, state }: Deployment): Promise<boolean> {
    const { securityCounter } = await memory.image(digest);
    if (state !== "offered" || securityCounter >= (device.securityFloor ?? 0)) return false;
    const report = { state: "rejected", code: ErrorCode.SecurityCounterTooLow, done: 0, total: 0 } as const;
    await evidence.reported(device.id, { ...report, deployment: id, attempt });
    return true;
  }

  async function deploymentDue(deviceId: string): Promise<Deployment | undefined> {
    const offered = await offering.offerFor(deviceId);
    const deployment = offered && (await deploymentOf(deviceId, offered.deployment));
    const device = await memory.device(deviceId);
    if (deployment === undefined || device === null) return undefined;
    if (!saysItsVersion(device) || !runsConfirmed(device, deployment.digest))
      return (await isBelowFloor(device, deployment)) ? undefined : deployment;
    await attributes.proveAgain(deviceId);
    return undefined;
  }

  return {
    async of(deviceId) {
      await attributes.lookAgain(deviceId);
      const deployment = await deploymentDue(deviceId);
      if (deployment === undefined) return undefined;
      const action = await actions.of(deviceId, { ...deployment, deploymentId: deployment.id }, clock.wallMs());
      return { action, deploymentState: deployment.state };
    },

    async settle(deviceId, action) {
      if (action.state === "cancelling") return "cancelling";
      const deployment = await deploymentOf(deviceId, action.deploymentId);
      const isSame = deployment?.attempt === action.attempt;
      if (isSame && !isFinalState(deployment.state)) return "open";
      // Cancelled, given up or tried anew here: the device does not know yet.
      const isUnheard = !isSame || deployment.state === "cancelled" || deployment.state === "timed-out";
      const state = isUnheard ? "cancelling" : "closed";
      await actions.change(action.id, { state });
      return state;
    },
  };
}
