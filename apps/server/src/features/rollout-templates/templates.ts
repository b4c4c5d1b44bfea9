// Settings of rollouts, kept under a name, so that nobody types limits from memory.

import type { NewRolloutTemplate, RolloutTemplate } from "@flipside/api/types";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, newId } from "../../identifiers.ts";
import type { RolloutTemplateTable } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";

/** As its cursors name it. */
export const templateList = "rollout-templates";

const view = ({ id, name, settings, savedAt, savedBy }: RolloutTemplateTable): RolloutTemplate => ({
  ...{ id, name, savedBy, savedAt: iso(savedAt) },
  settings: JSON.parse(settings) as RolloutTemplate["settings"],
});

export interface RolloutTemplates {
  /** By their names. */
  list(page: PageAsked): Promise<{ templates: RolloutTemplate[]; next: string | null }>;
  /** One of the same name is replaced, and keeps its id. */
  save(template: NewRolloutTemplate, by: string): Promise<RolloutTemplate>;
  /** Throws ApiError when there is none. */
  delete(id: string): Promise<void>;
}

export function createRolloutTemplates({ storage, now }: { storage: Storage; now: () => number }): RolloutTemplates {
  return {
    async list({ limit, after }) {
      const found = await storage.db
        .selectFrom("rolloutTemplates")
        .selectAll()
        .$if(after !== undefined, (q) => q.where("name", ">", String(after![0])))
        .orderBy("name")
        .limit(limit + 1)
        .execute();
      const { rows, next } = paged(templateList, found, limit, ({ name }) => [name]);
      return { templates: rows.map(view), next };
    },
    async save({ name, settings }, by) {
      const set = { settings: JSON.stringify(settings), savedAt: now(), savedBy: by };
      const row = await storage.db
        .insertInto("rolloutTemplates")
        .values({ id: newId(), name, ...set })
        .onConflict((conflict) => conflict.column("name").doUpdateSet(set))
        .returningAll()
        .executeTakeFirstOrThrow();
      return view(row);
    },
    async delete(id) {
      const gone = await storage.db
        .deleteFrom("rolloutTemplates")
        .where("id", "=", id)
        .returning("id")
        .executeTakeFirst();
      if (gone === undefined) throw new ApiError("not-found", "There is no such template.");
    },
  };
}
