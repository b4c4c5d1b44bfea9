// Many devices are given tags, and others are taken from them.

import { tagsMax } from "@flipside/api/limits";
import type { Storage } from "../../storage/storage.ts";
import type { SignedIn } from "../accounts/signed-in.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { replaceTags, tagsByDevice } from "../device-records/store.ts";
import { checkTagsGiven } from "../scopes/scopes.ts";
import { type DeviceTarget, eachDevice } from "./each-device.ts";
import type { Filtering } from "./filtering.ts";

export interface Tagged {
  changed: number;
  unchanged: number;
  leftOut: number;
  unknown: number;
  next: string | null;
}

/** Throws ApiError; nothing is changed then by this request. */
export type TagMany = (
  asked: DeviceTarget & { add: readonly string[]; remove: readonly string[] },
  by: Pick<SignedIn, "userName" | "scope">,
) => Promise<Tagged>;

export function createTaggingMany(options: {
  storage: Storage;
  filtering: Pick<Filtering, "sought">;
  deviceLog: Pick<DeviceLog, "add">;
  pieceMax: number;
}): TagMany {
  const { storage, deviceLog } = options;
  return async ({ add, remove, ...target }, by) => {
    await checkTagsGiven(storage.db, { before: remove, after: add }, by);
    return eachDevice(target, by.scope, {
      ...options,
      list: "tagged-devices",
      counted: ["changed", "unchanged", "leftOut"] as const,
      async visit(work, { id }) {
        const before = (await tagsByDevice(work.db, [id])).get(id) ?? [];
        const after = [...new Set([...before, ...add])].filter((tag) => !remove.includes(tag));
        if (after.length === before.length && after.every((tag) => before.includes(tag))) return "unchanged";
        if (after.length > tagsMax) return "leftOut";
        await replaceTags(work.db, id, () => after);
        work.changed({ kind: "device", id, tags: "changed" });
        const shown = after.sort().join(", ") || "no tags";
        work.afterCommit(() => deviceLog.add(id, "tags", `${shown}, set by ${by.userName}`));
        return "changed";
      },
    });
  };
}
