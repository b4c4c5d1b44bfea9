// What a device is told when it polls: the link to its action (other-agents/due.ts). An action that has ended without
// the device's word is cancelled first: two links beside each other are offered to nobody.

import type { Clock } from "../../clock.ts";
import type { ActionRow, DeploymentRow } from "../../storage/schema.ts";
import type { Memory } from "../deployments/memory.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { Actions } from "../other-agents/actions.ts";
import type { Due } from "../other-agents/due.ts";
import { saysItsVersion } from "../other-agents/what-runs.ts";
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

type Installed = Pick<ActionRow, "claimedAt" | "provenAt"> | undefined;

export function createDesk(options: {
  memory: Pick<Memory, "device">;
  actions: Actions;
  due: Due;
  deviceLog: Pick<DeviceLog, "add">;
  clock: Pick<Clock, "wallMs">;
}): Desk {
  const { memory, actions, due, deviceLog, clock } = options;

  /** Of one that has claimed, and may be about to show it. */
  async function isProofAwaited(
    deviceId: string,
    state: DeploymentRow["state"] | undefined,
    installed: Installed,
  ): Promise<boolean> {
    if (state === "testing") return true;
    const { claimedAt, provenAt } = installed ?? { claimedAt: null, provenAt: null };
    if (claimedAt === null || provenAt !== null || clock.wallMs() - claimedAt > attributesAgeMsMax) return false;
    const device = await memory.device(deviceId);
    return device !== null && saysItsVersion(device);
  }

  async function firstCancelling(deviceId: string, current: number | undefined): Promise<number | undefined> {
    let first: number | undefined;
    for (const action of await actions.unclosed(deviceId)) {
      if (action.id === current || (await due.settle(deviceId, action)) !== "cancelling" || first !== undefined)
        continue;
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
      const { action, deploymentState } = (await due.of(deviceId)) ?? {};
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
          attributesAt === null ||
          (!isOpen && (isStale || (await isProofAwaited(deviceId, deploymentState, installed)))),
        installed: installed?.id,
      };
    },
  };
}
