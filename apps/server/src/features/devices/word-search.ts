// The words of a search as conditions in SQL: what they let through has every device that is found (@flipside/api/
// device-search decides). A word that may begin a state that no row of devices has, such as `online`, says nothing, nor
// does one that is not to be had.

import { searchWords } from "@flipside/api/device-search";
import { deploymentStateNames, healthNames } from "@flipside/image-format";
import { type Expression, sql, type SqlBool } from "kysely";
import type { DeviceCondition } from "./device-walk.ts";

/** What is said of a device that its row does not say, or says otherwise. */
const unwritten = ["online", "offline", "revoked", "slot-a", "slot-b", ...healthNames, ...deploymentStateNames];

const isAscii = (text: string): boolean => /^[ -~]*$/.test(text);

/** Versions of releases: a device is found by that of its deployment. */
export function wordCondition(query: string, versions: readonly string[]): DeviceCondition | undefined {
  const terms = [...unwritten, ...versions.map((version) => version.toLowerCase())];
  const words = searchWords(query).flatMap(({ word, isNot }) =>
    isNot || !isAscii(word) || terms.some((term) => term.startsWith(word)) ? [] : [word],
  );
  if (words.length === 0) return undefined;
  return ({ and, or, ref }) => {
    const has = (name: "id" | "product" | "hardware", word: string): Expression<SqlBool> =>
      sql<SqlBool>`coalesce(lower(${ref(name)}) like ${`%${word.replace(/[\\%_]/g, "\\$&")}%`} escape '\\', false)`;
    const begins = (name: "runningVersion" | "runningDigest", word: string): Expression<SqlBool> =>
      sql<SqlBool>`coalesce(substr(lower(${ref(name)}), 1, ${sql.lit(word.length)}) = ${word}, false)`;
    // The databases make small letters of A to Z alone.
    const isForeign = (name: "product" | "hardware" | "runningVersion"): Expression<SqlBool> =>
      sql<SqlBool>`coalesce(length(${ref(name)}) <> octet_length(${ref(name)}), false)`;
    const foreign = (["product", "hardware", "runningVersion"] as const).map(isForeign);
    return and(
      words.map((word) =>
        or([
          ...(["id", "product", "hardware"] as const).map((name) => has(name, word)),
          ...(["runningVersion", "runningDigest"] as const).map((name) => begins(name, word)),
          ...foreign,
        ]),
      ),
    );
  };
}
