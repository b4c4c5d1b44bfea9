// What servers that share a database tell each other.

import type { Generated } from "kysely";

export interface MetaTable {
  key: string;
  value: Buffer;
}

/** The outbox (outbox.ts). */
export interface ChangeTable {
  position: Generated<number>;
  kind: "device" | "release" | "rollout" | "targets" | "deployment" | "fact";
  id: string;
  /** JSON of what else is said of it. */
  detail: string | null;
  /** Which of several servers has written it. */
  member: string | null;
}

/** Servers that use the database together (members/). Times are of the database's clock. */
export interface MemberTable {
  id: string;
  /** As people know it; of one that is alive at a time. */
  name: string;
  startedAt: number;
  heartbeatAt: number;
  /** Steady time of the fleet, at the heartbeat. */
  steadyMs: number;
  /** 1: as many devices download there as it serves well. */
  isFull: number;
  /** 1: it hears devices through a broker of the operator's, and takes a share of their shards. */
  isAtBroker: number;
  /** The others have given it up, and taken from it what it had. */
  deadAt: number | null;
}

/** Which member has a device's session, once it had one. */
export interface DeviceOwnerTable {
  deviceId: string;
  /** Null: none any more. */
  memberId: string | null;
  /** Counts each taking and each taking away: whoever has an older one has nothing. */
  generation: number;
  /** 1: nothing was heard of it for longer than a device that is there is silent. */
  isSilent: number;
  since: number;
}

/** Which member hears the devices of a shard, where these come through a broker of the operator's. */
export interface ShardLeaseTable {
  /** As topics name it: two hex digits. */
  shard: string;
  /** Null, or of a member that is not alive: nobody's. */
  memberId: string | null;
  /** Counts each taking and each giving back. */
  generation: number;
  since: number;
}
