// Lists of devices that people keep under a name: a filter, words, an order and columns. Who sees a part of the fleet
// is shown those of others alone that were kept within that part: a filter may name what it is not to know of.

import type { DeviceSort } from "@flipside/api/device-sorts";
import { viewsPerAccountMax } from "@flipside/api/limits";
import { covers, type Scope } from "@flipside/api/scope";
import type { DeviceView } from "@flipside/api/types";
import { ApiError } from "../../http/errors.ts";
import { iso, newId } from "../../identifiers.ts";
import type { DeviceViewTable } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import { scopeColumn, scopeIn } from "../../storage/stored-scope.ts";
import type { SignedIn } from "../accounts/signed-in.ts";
import type { Filtering } from "./filtering.ts";

type By = Pick<SignedIn, "userName" | "scope">;

export interface DeviceViewsKept {
  list(by: By): Promise<DeviceView[]>;
  /** In place of the owner's own of that name. Throws ApiError. */
  save(view: Omit<DeviceView, "id" | "owner" | "savedAt">, by: By): Promise<DeviceView>;
  delete(id: string, by: By): Promise<void>;
}

const viewOf = ({ scope: _scope, ...row }: DeviceViewTable): DeviceView => ({
  ...row,
  shared: row.shared === 1,
  sort: row.sort as DeviceSort,
  columns: row.columns === null ? null : (JSON.parse(row.columns) as string[]),
  savedAt: iso(row.savedAt),
});

const isShownTo = (row: DeviceViewTable, { userName, scope }: { userName: string; scope: Scope }): boolean =>
  // Also of one's own: by a token of theirs, people may see less than themselves.
  (row.owner === userName || row.shared === 1) && covers(scope, scopeIn(row));

export function createDeviceViewsKept(options: {
  storage: Storage;
  filtering: Pick<Filtering, "sought">;
  wallMs: () => number;
}): DeviceViewsKept {
  const { storage, wallMs } = options;
  return {
    async list(by) {
      const rows = await storage.db.selectFrom("deviceViews").selectAll().orderBy("name").orderBy("id").execute();
      return rows.filter((row) => isShownTo(row, by)).map(viewOf);
    },

    async save({ name, shared, filter, query, sort, columns }, { userName: owner, scope }) {
      // It is to be one that can be read.
      await options.filtering.sought(storage.db, filter, "filter", null);
      return storage.transaction(async ({ db }) => {
        const all = await db.selectFrom("deviceViews").selectAll().where("owner", "=", owner).execute();
        const replaced = all.find((each) => each.name === name);
        if (replaced !== undefined && !isShownTo(replaced, { userName: owner, scope }))
          throw new ApiError("validation-failed", "You keep another list under this name. Give this one another.");
        const own = all.filter((each) => each !== replaced);
        if (own.length >= viewsPerAccountMax)
          throw new ApiError(
            "validation-failed",
            `You keep ${viewsPerAccountMax} lists already. Forget one that you need no more.`,
          );
        const row = {
          ...{ id: newId(), owner, name, filter, query, sort },
          shared: shared ? 1 : 0,
          columns: columns === null ? null : JSON.stringify(columns),
          scope: scopeColumn(scope),
          savedAt: wallMs(),
        };
        if (replaced !== undefined) await db.deleteFrom("deviceViews").where("id", "=", replaced.id).execute();
        await db.insertInto("deviceViews").values(row).execute();
        return viewOf(row);
      });
    },

    async delete(id, by) {
      await storage.transaction(async ({ db }) => {
        const row = await db.selectFrom("deviceViews").selectAll().where("id", "=", id).executeTakeFirst();
        if (row === undefined || !isShownTo(row, by)) throw new ApiError("not-found", "There is no such list.");
        await db.deleteFrom("deviceViews").where("id", "=", id).execute();
      });
    },
  };
}
