// Release states that are to be renewed, and devices that are kept from the newest.

import { type ReleaseStateWarning, releaseStateWarningNames } from "@flipside/image-format";
import { counted as times } from "../../domain/counted.ts";
import type { Clock } from "../../clock.ts";
import { iso } from "../../identifiers.ts";
import type { Queries } from "../../storage/storage.ts";
import type { ReleaseStates } from "../release-states/release-states.ts";
import { seenDevices } from "../scopes/scopes.ts";
import { counted, countedMax, devicesOf, item, type Lookout } from "./asking.ts";

const dayMs = 24 * 60 * 60 * 1000;
const soonMs = 7 * dayMs;

/** Who sees a part of the fleet signs none. */
export const releaseStateEnds =
  (states: Pick<ReleaseStates, "list">, clock: Pick<Clock, "wallMs">): Lookout =>
  async ({ scope }) => {
    if (scope !== null) return [];
    const now = clock.wallMs();
    return (await states.list())
      .filter(({ validUntil }) => Date.parse(validUntil) - now < soonMs)
      .map(({ product, validUntil }) => {
        const leftMs = Date.parse(validUntil) - now;
        const what =
          leftMs <= 0
            ? "has ended: its devices can't tell any more that they are kept from updates"
            : `ends within ${times(Math.ceil(leftMs / dayMs), "day")}`;
        return item("release-state-ends", {
          sentence: `The release state of ${product} ${what}.`,
          until: iso(Date.parse(validUntil)),
          actions: ["sign a new one where the release key is, and upload it"],
        });
      });
  };

const warnings: Record<ReleaseStateWarning, string> = {
  missing: "was given no release state any more, after it had one",
  invalid: "was given a release state that no release key has signed",
  older: "was given a release state that is older than one it knows, or than what it runs",
  expired: "knows that the time of its release state is over, and was given no other",
  behind: "has known of a newer release for a week, and was not offered it",
};

/** What devices themselves have noticed: somebody between them and this server, or this server, keeps them back. */
export const devicesKeptBack =
  (db: Queries): Lookout =>
  async (by) => {
    const rows = await seenDevices(db, by.scope)
      .select(["id", "releaseStateWarning as warning"])
      .where("releaseStateWarning", "is not", null)
      .orderBy("id")
      .limit(5 * countedMax)
      .execute();
    return releaseStateWarningNames.flatMap((name) => {
      const ids = rows.filter(({ warning }) => warning === name).map(({ id }) => id);
      if (ids.length === 0) return [];
      const devices = devicesOf(ids.slice(0, countedMax + 1), null);
      const what = warnings[name];
      const who = devices.count === 1 ? devices.examples[0] : `Of ${counted(devices)} each`;
      const sentence = `${who} ${what}.`;
      const actions = ["look for who stands between device and server", "renew the release state"];
      return [item("kept-from-updates", { sentence, actions }, { devices })];
    });
  };
