// Which operations take two persons. With any of them, all do by which one person could become two, or end the rule.

import { type Permission, rolesThatMay } from "@flipside/api/permissions";
import { isPermission, type Route } from "@flipside/api/route";
import { routes } from "@flipside/api/routes";
import type { TwoPersonRule } from "@flipside/api/types";
import { ApiError } from "../../http/errors.ts";
import type { Queries, Storage } from "../../storage/storage.ts";

const metaKey = "two-person-rule";

/** Operations that may take two, with what each takes. */
const possible = new Map<string, Permission>(
  (Object.entries(routes) as [string, Route][]).flatMap(([name, { access, takesTwo }]) =>
    takesTwo === true && isPermission(access) ? [[name, access] as const] : [],
  ),
);

export const permissionOf = (operation: string): Permission => possible.get(operation)!;

/** By these one person makes a second one. */
const besides = [...possible].filter(([, access]) => access === "accounts:manage").map(([name]) => name);

export interface Rule {
  view(): Promise<TwoPersonRule>;
  takesTwo(operation: string): Promise<boolean>;
  /** Throws ApiError when an operation can't take two, or there are not two who may do it. */
  set(operations: readonly string[]): Promise<TwoPersonRule>;
}

async function stored(db: Queries): Promise<string[]> {
  const row = await db.selectFrom("meta").select("value").where("key", "=", metaKey).executeTakeFirst();
  return row === undefined ? [] : (JSON.parse(row.value.toString()) as string[]);
}

const viewOf = (operations: readonly string[]): TwoPersonRule => ({
  operations: [...operations],
  besides: operations.length === 0 ? [] : besides.filter((each) => !operations.includes(each)),
  possible: [...possible.keys()],
});

async function checkPeople(db: Queries, operations: readonly string[]): Promise<void> {
  for (const operation of operations) {
    const permission = permissionOf(operation);
    const two = await db
      .selectFrom("accounts")
      .select("userName")
      .where("role", "in", rolesThatMay(permission))
      // Who sees a part of the fleet confirms nothing.
      .where("scope", "is", null)
      .limit(2)
      .execute();
    if (two.length < 2)
      throw new ApiError(
        "nobody-to-approve",
        `${operation} takes the permission ${permission}, which ${two.length === 0 ? "nobody" : `only ${two[0]!.userName}`} has. Make another account first: ${rolesThatMay(permission).join(", ")}.`,
      );
  }
}

export function createRule(storage: Storage): Rule {
  return {
    view: async () => viewOf(await stored(storage.db)),

    async takesTwo(operation) {
      const operations = await stored(storage.db);
      return operations.includes(operation) || (operations.length > 0 && besides.includes(operation));
    },

    async set(operations) {
      const unknown = operations.filter((each) => !possible.has(each));
      if (unknown.length > 0)
        throw new ApiError("validation-failed", `These can't take two persons: ${unknown.join(", ")}.`, {
          errors: [{ path: "operations", message: `choose from ${[...possible.keys()].join(", ")}` }],
        });
      const chosen = [...new Set(operations)];
      const all = chosen.length === 0 ? [] : [...new Set([...chosen, ...besides])];
      await storage.transaction(async ({ db }) => {
        await checkPeople(db, all);
        const value = Buffer.from(JSON.stringify(chosen));
        await db
          .insertInto("meta")
          .values({ key: metaKey, value })
          .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
          .execute();
      });
      return viewOf(chosen);
    },
  };
}
