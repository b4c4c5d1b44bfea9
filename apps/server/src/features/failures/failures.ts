// Failed updates, those of one kind together: counted by the database, so that a hundred thousand failures are a few
// rows, and nobody reads through devices to see that it is one board.

import type { FailureCluster } from "@flipside/api/types";
import { retriedStates } from "@flipside/api/rollout-transitions";
import type { Scope } from "@flipside/api/scope";
import { errorName } from "@flipside/image-format";
import { type Expression, sql } from "kysely";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { iso } from "../../identifiers.ts";
import type { Queries } from "../../storage/storage.ts";
import { versionsByDigest } from "../devices/view.ts";

/** As its cursors name it. */
export const failureList = "failures";
/** Of its cursors' keys. */
export const failureKeys = ["number", "string", "number", "string", "string"] as const;

const examplesMax = 3;

/** Whose: of a rollout; of the images of a release, as far as the scope goes. */
export type FailuresOf = { rolloutId: string } | { digests: readonly string[]; scope: Scope };

/** Failed deployments, with what they are clustered by. Texts of what is not known are empty: a cursor has no null. */
function failed(db: Queries, of: FailuresOf) {
  const rows = db
    .selectFrom("deployments")
    .leftJoin("devices", (join) =>
      join.onRef("devices.id", "=", "deployments.deviceId").on("devices.deletedAt", "is", null),
    )
    .where("deployments.state", "in", retriedStates)
    .select([
      "deployments.state",
      "deployments.code",
      "deployments.deviceId",
      "deployments.updatedAt",
      "deployments.position",
      (eb) => text(eb.ref("devices.hardware")).as("hardware"),
      (eb) => text(eb.ref("deployments.cameFrom")).as("cameFrom"),
    ]);
  if ("rolloutId" in of) return rows.where("deployments.rolloutId", "=", of.rolloutId);
  const { digests, scope } = of;
  return rows.where("deployments.digest", "in", digests).$if(scope !== null, (q) =>
    q.where("deployments.deviceId", "in", (tags) =>
      tags
        .selectFrom("deviceTags")
        .select("deviceTags.deviceId")
        .where("tag", "in", scope!.length === 0 ? [""] : scope!),
    ),
  );
}

const text = (of: Expression<string | null>) => sql<string>`coalesce(${of}, '')`;

type Kind = Pick<FailureCluster, "state" | "code"> & { hardware: string; cameFrom: string };

const keyOf = ({ state, code, hardware, cameFrom }: Kind): string => JSON.stringify([state, code, hardware, cameFrom]);

/** Ids of the devices that failed last in each of these ways. */
async function examplesOf(db: Queries, of: FailuresOf, kinds: readonly Kind[]): Promise<Map<string, string[]>> {
  const examples = new Map(kinds.map((kind): [string, string[]] => [keyOf(kind), []]));
  if (kinds.length === 0) return examples;
  const numbered = db
    .selectFrom(
      failed(db, of)
        .where("deployments.code", "in", [...new Set(kinds.map(({ code }) => code))])
        .as("f"),
    )
    .selectAll()
    .select(
      sql<number>`row_number() over (partition by ${sql.ref("state")}, ${sql.ref("code")}, ${sql.ref("hardware")}, ${sql.ref("cameFrom")} order by ${sql.ref("updatedAt")} desc, ${sql.ref("position")} desc)`.as(
        "nth",
      ),
    );
  const rows = await db
    .selectFrom(numbered.as("n"))
    .select(["state", "code", "hardware", "cameFrom", "deviceId"])
    .where("nth", "<=", examplesMax)
    .orderBy("nth")
    .execute();
  for (const row of rows) examples.get(keyOf(row as Kind))?.push(row.deviceId);
  return examples;
}

/** The largest first. */
export async function failurePage(
  db: Queries,
  of: FailuresOf,
  { limit, after }: PageAsked,
): Promise<{ failures: FailureCluster[]; next: string | null }> {
  const clusters = db
    .selectFrom(failed(db, of).as("f"))
    .select(["state", "code", "hardware", "cameFrom"])
    .select(({ fn }) => [
      sql<number>`-count(*)`.as("rank"),
      fn.min("updatedAt").as("firstAt"),
      fn.max("updatedAt").as("lastAt"),
    ])
    .groupBy(["state", "code", "hardware", "cameFrom"]);
  const found = await db
    .selectFrom(clusters.as("c"))
    .selectAll()
    .$if(after !== undefined, (q) =>
      q.where(({ eb, refTuple, tuple }) => {
        const [rank, state, code, hardware, cameFrom] = after as [number, Kind["state"], number, string, string];
        return eb(
          refTuple("rank", "state", "code", "hardware", "cameFrom"),
          ">",
          tuple(rank, state, code, hardware, cameFrom),
        );
      }),
    )
    .orderBy("rank")
    .orderBy("state")
    .orderBy("code")
    .orderBy("hardware")
    .orderBy("cameFrom")
    .limit(limit + 1)
    .execute();
  const { rows, next } = paged(failureList, found, limit, (row) => [
    Number(row.rank),
    row.state,
    row.code,
    row.hardware,
    row.cameFrom,
  ]);
  const kinds = rows as readonly (Kind & (typeof rows)[number])[];
  const examples = await examplesOf(db, of, kinds);
  const versions = await versionsByDigest(
    db,
    kinds.map(({ cameFrom }) => cameFrom).filter((digest) => digest !== ""),
  );
  const failures = kinds.map((row) => ({
    state: row.state,
    code: row.code,
    codeName: row.code === 0 ? null : errorName(row.code),
    hardware: row.hardware === "" ? null : row.hardware,
    previousDigest: row.cameFrom === "" ? null : row.cameFrom,
    previousVersion: versions.get(row.cameFrom) ?? null,
    count: -Number(row.rank),
    firstAt: iso(Number(row.firstAt)),
    lastAt: iso(Number(row.lastAt)),
    examples: examples.get(keyOf(row))!,
  }));
  return { failures, next };
}
