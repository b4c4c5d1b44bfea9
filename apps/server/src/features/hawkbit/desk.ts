// What a device is told when it polls. The deployment is chosen where it is for every device (deployments/offering.ts);
// here it becomes an action, and the link to it. An action that has ended without the device's word is cancelled first:
// two links beside each other are offered to nobody.

import { ErrorCode } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import { isFinalState } from "@flipside/image-format/state-names";
import type { DeploymentRow, DeviceRow, HawkbitActionRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Evidence } from "../deployments/evidence.ts";
import { runsConfirmed } from "../deployments/hindrances.ts";
import type { Memory } from "../deployments/memory.ts";
import type { Offering } from "../deployments/offering.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { Actions } from "./actions.ts";
import type { TakingAttributes } from "./attributes.ts";
import { saysItsVersion } from "./what-runs.ts";
import type { TargetRecord } from "./target-records.ts";

/** A client that does not know of cancelling would be told of it for ever, and get nothing else. */
const cancelsShownMax = 5;
/** Who has said once what it is may have changed since. */
const attributesAgeMsMax = 24 * 3_600_000;

export interface ToDo {
  link: { kind: "deploymentBase" | "cancelAction"; actionId: number } | undefined;
  /** It is to say what it is. */
  wantsAttributes: boolean;
  /** The action that has succeeded last. */
  installed: number | undefined;
}

export interface Desk {
  polled(deviceId: string, target: TargetRecord): Promise<ToDo>;
}

type Installed = Pick<HawkbitActionRow, "claimedAt" | "provenAt"> | undefined;
type Deployment = Pick<DeploymentRow, "id" | "attempt" | "digest" | "state">;

export function createDesk(options: {
  storage: Storage;
  memory: Pick<Memory, "deployments" | "device" | "image">;
  offering: Pick<Offering, "offerFor">;
  evidence: Pick<Evidence, "reported">;
  actions: Actions;
  attributes: Pick<TakingAttributes, "lookAgain" | "proveAgain">;
  deviceLog: Pick<DeviceLog, "add">;
  clock: Pick<Clock, "wallMs">;
}): Desk {
  const { storage, memory, offering, evidence, actions, deviceLog, clock } = options;

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

  /** The deployment that it is to be at now. */
  async function due(deviceId: string): Promise<Deployment | undefined> {
    const offered = await offering.offerFor(deviceId);
    const deployment = offered && (await deploymentOf(deviceId, offered.deployment));
    const device = await memory.device(deviceId);
    if (deployment === undefined || device === null) return undefined;
    if (!saysItsVersion(device) || !runsConfirmed(device, deployment.digest))
      return (await isBelowFloor(device, deployment)) ? undefined : deployment;
    await options.attributes.proveAgain(deviceId);
    return undefined;
  }

  /** Of one that has claimed, and may be about to show it. */
  async function isProofAwaited(deviceId: string, deployment: Deployment | undefined, installed: Installed) {
    if (deployment?.state === "testing") return true;
    const { claimedAt, provenAt } = installed ?? { claimedAt: null, provenAt: null };
    if (claimedAt === null || provenAt !== null || clock.wallMs() - claimedAt > attributesAgeMsMax) return false;
    const device = await memory.device(deviceId);
    return device !== null && saysItsVersion(device);
  }

  /** Of an action that the device has not closed: what has become of it here meanwhile. */
  async function settle(deviceId: string, action: HawkbitActionRow): Promise<HawkbitActionRow["state"]> {
    if (action.state === "cancelling") return "cancelling";
    const deployment = await deploymentOf(deviceId, action.deploymentId);
    const isSame = deployment?.attempt === action.attempt;
    if (isSame && !isFinalState(deployment.state)) return "open";
    // Cancelled, given up or tried anew here: the device does not know yet.
    const isUnheard = !isSame || deployment.state === "cancelled" || deployment.state === "timed-out";
    const state = isUnheard ? "cancelling" : "closed";
    await actions.change(action.id, { state });
    return state;
  }

  async function firstCancelling(deviceId: string, current: number | undefined): Promise<number | undefined> {
    let first: number | undefined;
    for (const action of await actions.unclosed(deviceId)) {
      if (action.id === current || (await settle(deviceId, action)) !== "cancelling" || first !== undefined) continue;
      if (action.cancelsShown < cancelsShownMax) {
        await actions.change(action.id, { cancelsShown: action.cancelsShown + 1 });
        first = action.id;
        continue;
      }
      await actions.change(action.id, { state: "closed" });
      deviceLog.add(
        deviceId,
        "deployment",
        `action ${action.id} was cancelled, and the device has not answered that in ${cancelsShownMax} polls`,
      );
    }
    return first;
  }

  return {
    async polled(deviceId, { attributesAt }) {
      await options.attributes.lookAgain(deviceId);
      const deployment = await due(deviceId);
      const action =
        deployment && (await actions.of(deviceId, { ...deployment, deploymentId: deployment.id }, clock.wallMs()));
      const cancelled = await firstCancelling(deviceId, action?.id);
      const installed = await actions.installed(deviceId);
      const isOpen = action?.state === "open";
      const isStale = attributesAt === null || clock.wallMs() - attributesAt > attributesAgeMsMax;
      return {
        link:
          cancelled !== undefined
            ? { kind: "cancelAction", actionId: cancelled }
            : isOpen
              ? { kind: "deploymentBase", actionId: action.id }
              : undefined,
        // Beside a deployment only of who has never said it: SWUpdate puts its installation off for each time.
        wantsAttributes:
          attributesAt === null || (!isOpen && (isStale || (await isProofAwaited(deviceId, deployment, installed)))),
        installed: installed?.id,
      };
    },
  };
}
