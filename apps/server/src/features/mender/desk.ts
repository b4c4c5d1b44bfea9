// What a device is told when it asks for an update, and what becomes of what it says of one. Mender's client is at one
// deployment at a time, and asks when it is at none: whatever else was open for it is over by then.

import { ErrorCode } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import { ApiError } from "../../http/errors.ts";
import type { ActionRow } from "../../storage/schema.ts";
import type { Memory } from "../deployments/memory.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { Actions } from "../other-agents/actions.ts";
import type { SentAttributes, TakingAttributes } from "../other-agents/attributes.ts";
import type { TakingClaimed } from "../other-agents/claimed.ts";
import type { DownloadLinks } from "../other-agents/download-links.ts";
import type { Artifact, Downloads } from "../other-agents/downloads.ts";
import type { Due } from "../other-agents/due.ts";
import { storedAttributes } from "../other-agents/what-runs.ts";
import type { ArtifactHeader } from "./artifact-header.ts";
import type { Artifacts } from "./artifacts.ts";
import { attributesOfQuestion } from "./inventory.ts";
import { claimedOf, isLast, type Status } from "./words.ts";

/** Longer than a client tries to go on with a download. */
const linkLifeMs = 24 * 3_600_000;

export interface Update {
  actionId: number;
  header: ArtifactHeader;
  /** Of the address of its file. */
  query: string;
  endsAtMs: number;
}

export interface Desk {
  /** `question`: what the device says that it has. Undefined: there is nothing to do. */
  asked(deviceId: string, question: Record<string, unknown>): Promise<Update | undefined>;
  /** `aborted`: the device is to give it up. */
  said(deviceId: string, action: ActionRow, status: Status): Promise<"taken" | "aborted">;
}

export function createDesk(options: {
  memory: Pick<Memory, "device">;
  actions: Actions;
  due: Due;
  claimed: TakingClaimed;
  attributes: TakingAttributes;
  downloads: Downloads;
  links: Pick<DownloadLinks, "sign">;
  artifacts: Artifacts;
  deviceLog: Pick<DeviceLog, "add">;
  clock: Pick<Clock, "wallMs">;
}): Desk {
  const { memory, actions, due, claimed, attributes, downloads, links, artifacts, deviceLog, clock } = options;

  /** Most questions say nothing new; what a server that died has left of an older one, due.ts takes up. */
  async function takeQuestion(deviceId: string, said: SentAttributes): Promise<void> {
    const device = await memory.device(deviceId);
    const known = device === null ? {} : storedAttributes(device);
    const isKnown = Object.entries(said.data).every(([name, value]) => known[name] === value);
    if (!isKnown) await attributes.take(deviceId, said);
  }

  async function closeOthers(deviceId: string, current: number | undefined): Promise<void> {
    for (const action of await actions.unclosed(deviceId))
      if (action.id !== current && (await due.settle(deviceId, action)) === "cancelling")
        await actions.change(action.id, { state: "closed" });
  }

  /** Undefined: it may not be fetched now. */
  async function servedTo(deviceId: string, action: ActionRow): Promise<Artifact | undefined> {
    try {
      return await downloads.artifactOf(deviceId, action);
    } catch (error) {
      if (error instanceof ApiError) return undefined;
      throw error;
    }
  }

  /** The client would only fail: it compares the artifact's own words with what it is told. */
  async function unfit(deviceId: string, header: ArtifactHeader | "none"): Promise<string | undefined> {
    if (header === "none") return "the image's payload is no artifact of Mender's, or its header is not packed by gzip";
    const device = await memory.device(deviceId);
    const type = device === null ? undefined : storedAttributes(device)["device_type"];
    if (type === undefined || header.deviceTypes.includes(String(type))) return undefined;
    return `the artifact is for devices of the type ${header.deviceTypes.join(", ")}, and this one is ${type}`;
  }

  return {
    async asked(deviceId, question) {
      await artifacts.readNew();
      await takeQuestion(deviceId, attributesOfQuestion(question));
      const { action } = (await due.of(deviceId)) ?? {};
      await closeOthers(deviceId, action?.id);
      if (action?.state !== "open" || (await servedTo(deviceId, action)) === undefined) return undefined;
      const header = await artifacts.of(action.digest);
      if (header === "unread") return undefined;
      const why = await unfit(deviceId, header);
      if (header === "none" || why !== undefined) {
        deviceLog.add(deviceId, "deployment", `deployment ${action.id} is not given to it: ${why}`);
        await claimed.take(deviceId, action, { kind: "rejected", code: ErrorCode.HardwareMismatch });
        return undefined;
      }
      const endsAtMs = clock.wallMs() + linkLifeMs;
      return { actionId: action.id, header, query: await links.sign(action.id, endsAtMs), endsAtMs };
    },

    async said(deviceId, action, status) {
      const state = action.state === "open" ? await due.settle(deviceId, action) : action.state;
      if (!isLast(status) && state !== "open") return "aborted";
      if (isLast(status) || status.status === "rebooting") {
        const more = status.substate ? `: ${status.substate}` : "";
        deviceLog.add(deviceId, "deployment", `deployment ${action.id}: ${status.status}${more}`);
      }
      // It has given up what was cancelled.
      if (status.status === "failure" && state === "cancelling") await actions.change(action.id, { state: "closed" });
      else await claimed.take(deviceId, action, claimedOf(status));
      return "taken";
    },
  };
}
