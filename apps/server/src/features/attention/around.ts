// What is about people, programs and files, and of no device more than of others.

import type { AttentionItem } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { asSentence } from "../../domain/as-sentence.ts";
import { iso } from "../../identifiers.ts";
import type { Queries } from "../../storage/storage.ts";
import type { EmergencyStop } from "../emergency-stop/emergency-stop.ts";
import type { ImageStore } from "../releases/image-store.ts";
import { item, type Lookout } from "./asking.ts";

export const stops =
  (stop: Pick<EmergencyStop, "view">): Lookout =>
  async () => {
    const view = stop.view();
    if (!view.stopped) return [];
    const sentence = asSentence(`All updates were stopped by ${view.by}: ${view.reason}`);
    return [item("emergency-stop", { sentence, since: view.since, actions: ["end the emergency stop"] })];
  };

/** Who sees a part of the fleet confirms nothing. */
export const proposals =
  (db: Queries, clock: Clock): Lookout =>
  async ({ userName, scope }) => {
    if (scope !== null) return [];
    const rows = await db
      .selectFrom("proposals")
      .select(["operation", "userName", "askedAt", "endsAt"])
      .where("state", "=", "waiting")
      .where("endsAt", ">", clock.steadyMs())
      .where("userName", "<>", userName)
      .orderBy("askedAt")
      .limit(20)
      .execute();
    return rows.map(({ operation, userName: by, askedAt, endsAt }) =>
      item("proposal-waits", {
        sentence: `${by} has asked for ${operation}, which takes a second person.`,
        since: iso(askedAt),
        until: iso(clock.shownMs(endsAt)),
        actions: ["confirm it, or withdraw it"],
      }),
    );
  };

const lostMax = 100;

export const lostFiles =
  (db: Queries, store: Pick<ImageStore, "lost">): Lookout =>
  async () => {
    const states = new Map(store.lost().map(({ digest, state }) => [digest, state]));
    if (states.size === 0) return [];
    const images = await db
      .selectFrom("images")
      .innerJoin("releases", "releases.id", "images.releaseId")
      .select(["images.digest", "images.hardware", "releases.id", "releases.version"])
      .where("releases.deletedAt", "is", null)
      .where("releases.archivedAt", "is", null)
      .where("images.digest", "in", [...states.keys()].slice(0, lostMax))
      .orderBy("releases.uploadedAt", "desc")
      .orderBy("images.hardware")
      .execute();
    const releases = new Map(images.map(({ id, version }) => [id, version]));
    return [...releases].map(([id, version]): AttentionItem => {
      const ofOne = images.filter((image) => image.id === id);
      const which = ofOne.map(({ hardware, digest }) => `for ${hardware} is ${states.get(digest)}`).join(", ");
      const why = { sentence: `Of release ${version} the file ${which}.`, actions: ["upload the same release again"] };
      return item("image-file-lost", why, { release: { id, version } });
    });
  };

export const failingWebhooks =
  (db: Queries): Lookout =>
  async ({ may }) => {
    if (!may.includes("webhooks:manage")) return [];
    const rows = await db
      .selectFrom("webhooks")
      .select(["description", "channel", "failingSince", "disabledBecause"])
      .where((q) => q.or([q("failingSince", "is not", null), q("disabledBecause", "is not", null)]))
      .orderBy("createdAt")
      .execute();
    return rows.map(({ description, channel, failingSince, disabledBecause }) => {
      const which = description === "" ? `a receiver (${channel})` : description;
      const what = disabledBecause === null ? "nothing arrives" : `it was switched off: ${disabledBecause}`;
      return item("webhook-failing", {
        sentence: `Of what ${which} is to be told, ${what}.`,
        since: failingSince === null ? null : iso(failingSince),
        actions: ["look at what came of sending", "correct its address"],
      });
    });
  };

const soonMs = 7 * 24 * 60 * 60 * 1000;

/** Of one's own, or of everybody's for who manages accounts. */
export const endingTokens =
  (db: Queries, clock: Clock): Lookout =>
  async ({ userName, may }) => {
    const now = clock.steadyMs();
    const rows = await db
      .selectFrom("apiTokens")
      .select(["name", "userName", "endsAt"])
      .where("endsAt", ">", now)
      .where("endsAt", "<=", now + soonMs)
      .$if(!may.includes("accounts:manage"), (q) => q.where("userName", "=", userName))
      .orderBy("endsAt")
      .limit(20)
      .execute();
    return rows.map(({ name, userName: owner, endsAt }) =>
      item("token-ends", {
        sentence: `The token ${name} of ${owner} ends soon.`,
        until: iso(clock.shownMs(endsAt)),
        actions: ["make another one, and give it to the program"],
      }),
    );
  };
