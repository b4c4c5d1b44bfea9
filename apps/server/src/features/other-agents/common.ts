// What devices of all other agents have in common, put together once: whatever interface they speak, what they are to
// do, what they say and what they show is dealt with in one way.

import type { Feed } from "../../changes/feed.ts";
import type { Clock } from "../../clock.ts";
import type { Turns } from "../../turns.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Evidence } from "../deployments/evidence.ts";
import type { Memory } from "../deployments/memory.ts";
import type { Offering } from "../deployments/offering.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { LastSeen } from "../device-records/last-seen.ts";
import type { OtherAgents } from "../device-records/other-agents.ts";
import type { Presence } from "../device-records/presence.ts";
import { type Actions, createActions } from "./actions.ts";
import { createTakingAttributes, type TakingAttributes } from "./attributes.ts";
import { createTakingClaimed, type TakingClaimed } from "./claimed.ts";
import { createDownloads, type Downloads, type DownloadsOptions } from "./downloads.ts";
import { createDue, type Due } from "./due.ts";
import { createPayloadHashing } from "./payload-hashes.ts";
import { createPolled, type Polled } from "./polled.ts";

export interface Common {
  storage: Storage;
  memory: Memory;
  deviceLog: DeviceLog;
  otherAgents: OtherAgents;
  turns: Turns;
  clock: Clock;
  actions: Actions;
  due: Due;
  claimed: TakingClaimed;
  attributes: TakingAttributes;
  downloads: Downloads;
  polled: Polled;
}

export function createCommon(
  options: Omit<DownloadsOptions, "hashing"> & {
    storage: Storage;
    memory: Memory;
    offering: Offering;
    evidence: Evidence;
    presence: Presence;
    lastSeen: Pick<LastSeen, "note">;
    otherAgents: OtherAgents;
    deviceLog: DeviceLog;
    feed: Feed;
    turns: Turns;
    clock: Clock;
  },
): Common {
  const { storage, memory, deviceLog, otherAgents, turns, clock } = options;
  const actions = createActions(storage);
  const attributes = createTakingAttributes({ ...options, actions });
  return {
    ...{ storage, memory, deviceLog, otherAgents, turns, clock, actions, attributes },
    due: createDue({ ...options, actions, attributes }),
    claimed: createTakingClaimed({ ...options, actions }),
    downloads: createDownloads({ ...options, hashing: createPayloadHashing(storage, options.pathOf) }),
    polled: createPolled(options),
  };
}
