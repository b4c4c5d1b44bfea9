// What is asked of a device, whichever of several servers has it; of a server that is alone, the same of that one.

import type { DownloadSlots } from "../features/chunk-delivery/download-slots.ts";
import type { LastSeen } from "../features/device-records/last-seen.ts";
import type { OtherAgents } from "../features/device-records/other-agents.ts";
import type { Presence } from "../features/device-records/presence.ts";
import type { DeviceElsewhere } from "../features/devices/elsewhere.ts";
import type { Sessions } from "../features/sessions/sessions.ts";
import { inPieces } from "../members/notices.ts";
import type { Members } from "./members.ts";

/** When a device was heard of last, here or at another server. */
export const heardAnywhere =
  (lastSeen: LastSeen, members: Members | undefined): LastSeen["heardMs"] =>
  (deviceId) => {
    const [here, elsewhere] = [lastSeen.heardMs(deviceId), members?.owners.heardElsewhereMs(deviceId)];
    return here === undefined || elsewhere === undefined ? (here ?? elsewhere) : Math.max(here, elsewhere);
  };

/** Who is online, here or at another server. */
export const onlineAnywhere = (
  sessions: Sessions,
  members: Members | undefined,
): Pick<Sessions, "isOnline" | "online"> => ({
  isOnline: (deviceId) => sessions.isOnline(deviceId) || members?.owners.isOnlineElsewhere(deviceId) === true,
  online: () => [...new Set([...sessions.online(), ...(members?.owners.onlineElsewhere() ?? [])])],
});

/** The same with those that have no session, and have polled lately. */
export const withOtherAgents = (
  { isOnline, online }: Pick<Sessions, "isOnline" | "online">,
  { otherAgents, presence }: { otherAgents: OtherAgents; presence: Pick<Presence, "isHeard"> },
): Pick<Sessions, "isOnline" | "online"> => ({
  isOnline: (deviceId) => (otherAgents.of(deviceId) !== undefined ? presence.isHeard(deviceId) : isOnline(deviceId)),
  online: () => [...online(), ...[...otherAgents.ids()].filter(presence.isHeard)],
});

/** Each server serves so many downloads well; a device waits for a turn at its own one. */
export const mayTakeAnywhere =
  (slots: DownloadSlots, members: Members | undefined): DownloadSlots["mayTake"] =>
  (deviceId) => {
    const owner = members?.owners.ownerElsewhere(deviceId);
    if (owner === undefined) return slots.mayTake(deviceId);
    return members!.membership.others.every(({ id, isFull }) => id !== owner || !isFull);
  };

/** What others show of downloads is what is stored. */
export const progressTold =
  (members: Members | undefined) =>
  (deploymentIds: string[]): void => {
    if (members === undefined) return;
    const told = deploymentIds.map((id) => ["deployment", id]);
    for (const piece of inPieces(told)) members.notices.say("announced", piece);
  };

export const elsewhereOf = ({ owners, everywhere }: Members): DeviceElsewhere => ({
  takeAway: (db, deviceId) => owners.takeAway(db, deviceId),
  end(deviceId, why, taken) {
    if (taken !== undefined) owners.takenAway(deviceId, taken);
    return everywhere("device-ended", { deviceId, why });
  },
});
