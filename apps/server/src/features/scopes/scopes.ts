// Who sees a part of the fleet alone gets nothing of the rest: what is not seen is, for such a one, not there. Each
// route says how it keeps to a scope (packages/api/src/route.ts); here is what the path alone can tell.

import type { RequestHandler } from "express";
import { covers, isWithin, type Scope, scopeText } from "@flipside/api/scope";
import { isPermission, type Route } from "@flipside/api/route";
import { ApiError } from "../../http/errors.ts";
import type { Queries } from "../../storage/storage.ts";
import { scopeIn } from "../../storage/stored-scope.ts";
import { userOf } from "../accounts/authentication.ts";
import type { SignedIn } from "../accounts/signed-in.ts";
import { tagsByDevice } from "../device-records/store.ts";

type Asking = Pick<SignedIn, "scope">;

export const wholeFleetOnly = (scope: Scope): ApiError =>
  new ApiError(
    "scope-refused",
    `You see the devices tagged ${scopeText(scope)}. Ask somebody who sees the whole fleet to do it.`,
  );

const notThere = (what: string): ApiError => new ApiError("not-found", `There is no such ${what}.`);

export async function tagsOf(db: Queries, deviceId: string): Promise<string[]> {
  return (await tagsByDevice(db, [deviceId])).get(deviceId) ?? [];
}

async function scopeOfRollout(db: Queries, id: string): Promise<Scope | undefined> {
  const row = await db.selectFrom("rollouts").select("scope").where("id", "=", id).executeTakeFirst();
  return row && scopeIn(row);
}

/** The devices that lie within a scope, to be chosen among where a list is cut: what is left out later leaves gaps. */
export const devicesWithin = (db: Queries, scope: readonly string[]) =>
  db
    .selectFrom("deviceTags")
    .select("deviceId")
    .where("tag", "in", scope.length === 0 ? [""] : scope);

/** Those that who asks sees. */
export const seenDevices = (db: Queries, scope: Scope) =>
  db
    .selectFrom("devices")
    .where("deletedAt", "is", null)
    .$if(scope !== null, (q) => q.where("id", "in", devicesWithin(db, scope!)));

/** The scopes of rollouts, as their column has them, that lie within this one, for the same; there are few. */
export async function rolloutScopesWithin(db: Queries, scope: readonly string[]): Promise<string[]> {
  const rows = await db.selectFrom("rollouts").select("scope").distinct().where("scope", "is not", null).execute();
  const within = rows.filter((row) => covers(scope, scopeIn(row))).map((row) => row.scope!);
  return within.length === 0 ? [""] : within;
}

/** Throws ApiError when who asks does not see what the path names, or the route is of the whole fleet. */
export async function checkScope(
  db: Queries,
  { scoped, access }: Route,
  { id }: { id?: string | undefined },
  { scope }: Asking,
): Promise<void> {
  if (scope === null) return;
  switch (scoped) {
    case "by-device":
      if (!isWithin(scope, await tagsOf(db, id!))) throw notThere("device");
      return;
    case "by-rollout": {
      const of = await scopeOfRollout(db, id!);
      if (of === undefined || !covers(scope, of)) throw notThere("rollout");
      return;
    }
    case undefined:
      if (isPermission(access)) throw wholeFleetOnly(scope);
  }
}

export const createScopeGuard =
  (db: Queries) =>
  (route: Route): RequestHandler[] =>
    !isPermission(route.access)
      ? []
      : [
          async (request, response, next) => {
            await checkScope(db, route, request.params, userOf(response));
            next();
          },
        ];

/** Every tag by which somebody sees devices. */
async function tagsOfScopes(db: Queries): Promise<Set<string>> {
  const accounts = await db.selectFrom("accounts").select("scope").distinct().where("scope", "is not", null).execute();
  const tokens = await db.selectFrom("apiTokens").select("scope").distinct().where("scope", "is not", null).execute();
  return new Set([...accounts, ...tokens].flatMap((row) => scopeIn(row) ?? []));
}

/**
 * Throws ApiError when who sees a part of the fleet would show a device to somebody else, or hide it: tags that make a
 * scope are given and taken by those who see the whole fleet.
 */
export async function checkTagsGiven(
  db: Queries,
  { before, after }: { before: readonly string[]; after: readonly string[] },
  { scope }: Asking,
): Promise<void> {
  if (scope === null) return;
  const changed = [...before.filter((tag) => !after.includes(tag)), ...after.filter((tag) => !before.includes(tag))];
  const ofScopes = await tagsOfScopes(db);
  const refused = changed.filter((tag) => scope.includes(tag) || ofScopes.has(tag));
  if (refused.length > 0)
    throw new ApiError(
      "scope-refused",
      `By the tag ${refused.join(", ")} somebody sees devices. Ask who sees the whole fleet to give or take it.`,
    );
}
