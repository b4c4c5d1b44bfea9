// Devices that something is wrong with, counted as far as a person would.

import type { AttentionItem } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { iso } from "../../identifiers.ts";
import type { Queries } from "../../storage/storage.ts";
import { nextStep } from "../devices/device-walk.ts";
import type { Filtering } from "../devices/filtering.ts";
import { seenDevices } from "../scopes/scopes.ts";
import { recordsOfDevices } from "../trust/spread.ts";
import type { Trust } from "../trust/trust.ts";
import { counted, countedMax, devicesOf, item, type Lookout } from "./asking.ts";

/** Two boards that say that they are one device. */
export const identityConflicts =
  (db: Queries, clock: Pick<Clock, "steadyMs" | "shownMs">): Lookout =>
  async (by) => {
    const rows = await seenDevices(db, by.scope)
      .select(["id", "conflictUntil"])
      .where("conflictUntil", ">", clock.steadyMs())
      .orderBy("conflictUntil", "desc")
      .limit(countedMax + 1)
      .execute();
    const [last] = rows;
    if (last === undefined) return [];
    const devices = devicesOf(
      rows.map(({ id }) => id),
      null,
    );
    const until = last.conflictUntil!;
    const sentence = `Two boards each say that they are ${devices.count === 1 ? last.id : `one of ${counted(devices)}`}: no update is offered.`;
    const actions = ["find the other board", "replace the board, if it was meant to be another one"];
    return [item("identity-conflict", { sentence, until: iso(clock.shownMs(until)), actions }, { devices })];
  };

interface ByFilter {
  kind: "crashes" | "unhealthy" | "configuration-refused";
  filter: string;
  what: string;
  actions: string[];
}

const byFilters: readonly ByFilter[] = [
  {
    kind: "crashes",
    filter: "bootReason in (trap, watchdog) and not revoked",
    what: "started last because it had crashed or hung",
    actions: ["look at its crash record", "go back to the release before"],
  },
  {
    kind: "unhealthy",
    filter: "health = unhealthy and not revoked",
    what: "says that its app does not work as it should",
    actions: ["look at its metrics and its log", "go back to the release before"],
  },
  {
    kind: "configuration-refused",
    filter: "configuration = refused and not revoked",
    what: "does not take the configuration that is desired",
    actions: ["read what its app says of it", "set another one"],
  },
];

export const devicesByFilter =
  (db: Queries, filtering: Pick<Filtering, "sought">): Lookout =>
  async (by) => {
    const items: AttentionItem[] = [];
    for (const { kind, filter, what, actions } of byFilters) {
      const sought = await filtering.sought(db, filter, "filter", by.scope);
      const ids: string[] = [];
      for (let after: string | undefined = ""; after !== undefined && ids.length <= countedMax; ) {
        const step = await nextStep(db, sought, after, countedMax + 1);
        ids.push(...step.rows.map(({ id }) => id));
        after = step.through;
      }
      if (ids.length === 0) continue;
      const devices = devicesOf(ids, filter);
      const sentence = `${devices.count === 1 ? `${ids[0]} ${what}` : `Of ${counted(devices)} each ${what}`}.`;
      items.push(item(kind, { sentence, actions }, { devices }));
    }
    return items;
  };

/** Records that are not a beginning of this server's own. */
export const trustForks =
  (db: Queries, trust: Pick<Trust, "relation" | "version">): Lookout =>
  async (by) => {
    const items: AttentionItem[] = [];
    for await (const { digest, version } of recordsOfDevices(db, by.scope)) {
      const relation = trust.relation(version, digest);
      if (relation !== "ahead" && relation !== "forked") continue;
      if (items.length === countedMax) break;
      const rows = await seenDevices(db, by.scope)
        .select("id")
        .where("trustDigest", "=", digest)
        .orderBy("id")
        .limit(countedMax + 1)
        .execute();
      const devices = devicesOf(
        rows.map(({ id }) => id),
        null,
      );
      const has = `${counted(devices)} ${devices.count === 1 ? "has" : "have"} trust record ${version}`;
      const what =
        relation === "ahead"
          ? { sentence: `${has}, and this server's newest is ${trust.version}.`, actions: ["upload the newer chain"] }
          : {
              sentence: `${has}, and it is not the one of that version that this server has: somebody made two.`,
              actions: ["find out who signed the other one", "make a new record that revokes the key"],
            };
      items.push(item("trust-forked", what, { devices }));
    }
    return items;
  };
