// Where several servers use one database: what this one knows of the others.

import { randomBytes } from "node:crypto";
import type { Feed } from "../changes/feed.ts";
import { OthersChanges } from "../changes/others-changes.ts";
import type { Clock } from "../clock.ts";
import { ApiError } from "../http/errors.ts";
import type { Logger } from "../logging.ts";
import { DeviceOwners } from "../members/device-owners.ts";
import { Membership } from "../members/membership.ts";
import { Notices } from "../members/notices.ts";
import { ShardLeases } from "../members/shard-leases.ts";
import { StartError } from "../start-error.ts";
import type { Storage } from "../storage/storage.ts";
import type { ServerOptions } from "./server-options.ts";
import { checkImagesFolder } from "./shared-images.ts";

/** What another server is told to do, and confirms. */
export interface Word {
  "emergency-stop": undefined;
  trust: undefined;
  "device-ended": { deviceId: string; why: string };
}

export interface Members {
  membership: Membership;
  notices: Notices;
  owners: DeviceOwners;
  /** Undefined: each server terminates MQTT itself. */
  leases: ShardLeases | undefined;
  others: OthersChanges;
  /** Resolves when it holds at each server that can still do anything. Throws ApiError when one does not confirm it. */
  everywhere<K extends keyof Word>(kind: K, data?: Word[K]): Promise<void>;
}

interface Member {
  id: string;
  name: string;
  /** Undefined: images are shared by a bucket, and each server has copies of its own. */
  imagesDir: string | undefined;
  /** Devices come through a broker of the operator's. */
  isAtBroker: boolean;
}

/**
 * Whether this server does what one of several does for all. All of it is safe in two at a time: it is decided behind
 * locks.
 */
export const isCaretaker = (members: Members | undefined): boolean =>
  members === undefined || members.membership.isCaretaker;

/** The name, and the id of this process; undefined: it is the only one. Throws StartError. */
export function memberOf(options: ServerOptions): Member | undefined {
  const { member: name, databaseUrl, imagesDir, imagesBucket, mqttUrl } = options;
  if (name === undefined) return undefined;
  if (databaseUrl === undefined)
    throw new StartError(
      "Several servers need a PostgreSQL database: give its address with DATABASE_URL (--database-url), or leave --member away.",
    );
  if (imagesDir === undefined && imagesBucket === undefined)
    throw new StartError(
      "Several servers need one place for the files of images: a folder on a disk that all of them reach, --images-dir (IMAGES_DIR), or a bucket, --images-bucket (IMAGES_BUCKET).",
    );
  return { id: randomBytes(8).toString("hex"), name, imagesDir, isAtBroker: mqttUrl !== undefined };
}

export async function joinMembers(
  { id, name, imagesDir, isAtBroker }: Member,
  { storage, feed, clock, log }: { storage: Storage; feed: Feed; clock: () => Clock; log: Logger },
): Promise<Members> {
  const { line } = storage.shared!;
  const membership = await Membership.join({ line, id, name, log });
  if (imagesDir !== undefined) await checkImagesFolder(storage, imagesDir);
  const others = new OthersChanges({
    storage,
    memberId: id,
    tell: (change, position) => feed.hear(change, position),
    missed: () => feed.hear({ kind: "anything" }),
    log,
  });
  // Before anything of the database is kept in memory.
  await others.start();
  const notices = new Notices({ storage, line, membership, log });
  const leases = isAtBroker ? new ShardLeases({ line, membership, notices, log }) : undefined;
  const owners = new DeviceOwners({ storage, membership, notices, leases, steadyMs: () => clock().steadyMs(), log });
  return {
    membership,
    notices,
    owners,
    leases,
    others,
    async everywhere(kind, data) {
      const left = await notices.everywhere(kind, data).catch(() => ["the other servers"]);
      if (left.length > 0)
        throw new ApiError(
          "members-unconfirmed",
          `This is stored, and holds at this server; ${left.join(", ")} did not confirm it in time. Say it again to ask once more.`,
          { retryAfterSeconds: 5 },
        );
    },
  };
}
