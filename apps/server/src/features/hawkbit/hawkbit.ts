// hawkBit's DDI, put together: devices that exist today join the fleet without an agent of ours. They are devices like
// all others; what is their own is here, and is mounted only where it is switched on.

import type { Router } from "express";
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
import { createActions } from "./actions.ts";
import { createTakingAttributes } from "./attributes.ts";
import { createAuthentication, type HawkbitAccess } from "./authentication.ts";
import { createDesk } from "./desk.ts";
import { createDownloads, type DownloadsOptions } from "./downloads.ts";
import { createTakingFeedback } from "./feedback.ts";
import { createPayloadHashing } from "./payload-hashes.ts";
import { createPolled } from "./polled.ts";
import { hawkbitRoutes } from "./routes.ts";

export interface HawkbitOptions extends HawkbitAccess {
  /** How often devices are told to poll; whole seconds. */
  pollMs?: number | undefined;
}

/** As a hawkBit server's own. */
export const hawkbitPollMsDefault = 300_000;

export function createHawkbit(
  { pollMs = hawkbitPollMsDefault, ...access }: HawkbitOptions,
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
): { router: Router; sweep: () => void } {
  const { storage, clock, turns } = options;
  const actions = createActions(storage);
  const kept = { ...options, actions };
  const attributes = createTakingAttributes(kept);
  const polled = createPolled(options);
  const router = hawkbitRoutes({
    authentication: createAuthentication({ ...options, access, wallMs: clock.wallMs }),
    desk: createDesk({ ...kept, attributes }),
    actions,
    downloads: createDownloads({ ...options, hashing: createPayloadHashing(storage, options.pathOf) }),
    feedback: createTakingFeedback(kept),
    attributes,
    turns,
    pollMs,
    heard: polled.heard,
  });
  return { router, sweep: polled.sweep };
}
