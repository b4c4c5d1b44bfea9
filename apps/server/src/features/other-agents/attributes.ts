// What a device of another agent says of itself: kept as its attributes, and the one proof that there is of an update.

import { attributeNamePattern, attributesMax, attributeTextCharactersMax } from "@flipside/api/limits";
import type { AgentKind, RunningSlot } from "@flipside/api/types";
import { isPlainText } from "@flipside/api/plain-text";
import type { Feed } from "../../changes/feed.ts";
import type { Clock } from "../../clock.ts";
import type { DeviceRow, DeviceUpdate, ImageRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { Evidence } from "../deployments/evidence.ts";
import type { Memory } from "../deployments/memory.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { lockDevice, runningOf } from "../device-records/store.ts";
import type { Actions } from "./actions.ts";
import {
  type Attributes,
  floorAfter,
  type Runs,
  storedAttributes,
  unknownSequence,
  versionIn,
  whatRuns,
} from "./what-runs.ts";

export interface SentAttributes {
  mode: "merge" | "replace" | "remove";
  /** null: says nothing. */
  data: Record<string, string | number | boolean | null>;
}

export interface TakingAttributes {
  /** `beside`: what else is stored in the same transaction. */
  take(deviceId: string, sent: SentAttributes, beside?: (db: Queries) => Promise<void>): Promise<void>;
  /** The version that the device said last may have been uploaded since. */
  lookAgain(deviceId: string): Promise<void>;
  /** What it said last shows something that was not taken: a server died in between. */
  proveAgain(deviceId: string): Promise<void>;
}

const devicesRememberedMax = 100_000;

const nothingNew: SentAttributes = { mode: "merge", data: {} };

/** As filters can ask for them; a name that begins with a capital is written in small letters. */
const nameOf = (given: string): string => (/^[A-Z]/.test(given) ? given.toLowerCase() : given);

/** `left`: names of those that can't be kept. */
export function keptOf(data: SentAttributes["data"]): { kept: Attributes; left: string[] } {
  const kept: Attributes = {};
  const left: string[] = [];
  for (const [given, value] of Object.entries(data)) {
    const name = nameOf(given);
    if (value === null) continue;
    const fits = typeof value !== "string" || (value.length <= attributeTextCharactersMax && isPlainText(value));
    if (fits && attributeNamePattern.test(name) && Object.keys(kept).length < attributesMax) kept[name] = value;
    else left.push(given);
  }
  return { kept, left };
}

function changed(before: Attributes, { mode, data }: SentAttributes): Attributes {
  const { kept } = keptOf(data);
  if (mode === "replace") return kept;
  if (mode === "merge") return Object.fromEntries(Object.entries({ ...before, ...kept }).slice(0, attributesMax));
  const removed = new Set(Object.keys(data).map(nameOf));
  return Object.fromEntries(Object.entries(before).filter(([name]) => !removed.has(name)));
}

/** As names in images are: of another form there is no image. */
const namePattern = /^[!-~]{1,32}$/;
const nameIn = (attributes: Attributes, name: string): string | null => {
  const said = String(attributes[name] ?? "");
  return namePattern.test(said) ? said : null;
};

const revisionMax = 0xffff;
/** What a device calls its hardware; Mender knows no more of it than a type. */
const hardwareNameOf: Partial<Record<AgentKind, string>> = { mender: "device_type" };
/** What operators have said of its hardware holds; of one that nobody registered, what it says itself. */
function hardwareOf(row: DeviceRow, attributes: Attributes): Pick<DeviceRow, "product" | "hardware" | "revision"> {
  if (row.product !== null && row.hardware !== null && row.revision !== null) return row;
  const revision = Number(attributes["revision"] ?? 1);
  return {
    product: row.product ?? nameIn(attributes, "product"),
    hardware: row.hardware ?? nameIn(attributes, hardwareNameOf[row.agent] ?? "hardware"),
    revision: row.revision ?? (Number.isInteger(revision) && revision >= 0 && revision <= revisionMax ? revision : 1),
  };
}

const imageBy = (db: Queries, digest: string | undefined): Promise<ImageRow | undefined> =>
  db
    .selectFrom("images")
    .selectAll()
    .where("digest", "=", digest ?? "")
    .executeTakeFirst();

export function createTakingAttributes(options: {
  storage: Storage;
  memory: Pick<Memory, "deployments" | "device">;
  feed: Pick<Feed, "follow">;
  evidence: Pick<Evidence, "checkedIn">;
  actions: Actions;
  deviceLog: Pick<DeviceLog, "add">;
  clock: Pick<Clock, "wallMs">;
}): TakingAttributes {
  const { storage, memory, evidence, actions, deviceLog, clock } = options;
  /** Counts changes of releases; by device, when it was looked at since this server has started. */
  let releasesSeen = 0;
  const lookedAt = new Map<string, number>();
  options.feed.follow(({ kind }) => void (kind === "release" && releasesSeen++));

  /** What changes of the device's row, and what it runs by its own word. */
  async function columnsOf(
    db: Queries,
    row: DeviceRow,
    sent: SentAttributes,
  ): Promise<{ columns: DeviceUpdate; runs: Runs | undefined }> {
    const attributes = changed(storedAttributes(row), sent);
    const { product, hardware, revision } = hardwareOf(row, attributes);
    const version = versionIn(attributes, row.agent);
    const columns = { attributes: JSON.stringify(attributes), product, hardware, revision };
    if (version === undefined) return { columns, runs: undefined };
    const runs = await whatRuns(db, { product, hardware, revision }, version);
    const before = runningOf(row)?.digest;
    const isOther = before !== runs.running.digest;
    const securityFloor = isOther
      ? floorAfter(row.securityFloor, runs.image, await imageBy(db, before))
      : row.securityFloor;
    return { columns: { ...columns, running: JSON.stringify(runs.running), securityFloor }, runs };
  }

  /** Written when it says something new. Null: it has said nothing now, and is looked at again. */
  const store = (
    deviceId: string,
    sent: SentAttributes | null,
    beside?: (db: Queries) => Promise<void>,
  ): Promise<Runs | undefined> =>
    storage.transaction(async (work) => {
      const { db } = work;
      const row = await lockDevice(db, deviceId);
      if (row === undefined) return undefined;
      const { columns, runs } = await columnsOf(db, row, sent ?? nothingNew);
      const isNew = Object.entries(columns).some(([name, value]) => row[name as keyof DeviceRow] !== value);
      if (isNew) {
        await db.updateTable("devices").set(columns).where("id", "=", deviceId).execute();
        work.changed({ kind: "device", id: deviceId });
      }
      await beside?.(db);
      return runs;
    });

  /** What it was proven to run, and now says that it does not: that one has given way. */
  async function gaveWay(deviceId: string, digest: string): Promise<string | undefined> {
    const last = (await memory.deployments(deviceId)).find((each) => each.isNewest && each.state === "confirmed");
    if (last === undefined || last.digest === digest) return undefined;
    const action = await actions.newestOf(deviceId, last.digest);
    return action?.provenAt == null ? undefined : last.digest;
  }

  async function prove(deviceId: string, running: RunningSlot): Promise<void> {
    const gone = await gaveWay(deviceId, running.digest);
    await evidence.checkedIn(deviceId, {
      running,
      other: gone === undefined ? { state: "empty", reason: 0 } : { digest: gone, state: "failed", reason: 0 },
    });
    const action = await actions.newestOf(deviceId, running.digest);
    if (action !== undefined && action.provenAt === null)
      await actions.change(action.id, { state: "closed", provenAt: clock.wallMs() });
  }

  return {
    async take(deviceId, sent, beside) {
      const { left } = sent.mode === "remove" ? { left: [] } : keptOf(sent.data);
      if (left.length > 0)
        deviceLog.add(
          deviceId,
          "refused-message",
          `attributes left out, since their names or texts are longer than is kept, or they are too many: ${left.join(", ")}`,
        );
      const runs = await store(deviceId, sent, beside);
      if (runs !== undefined) await prove(deviceId, runs.running);
    },
    async lookAgain(deviceId) {
      const device = await memory.device(deviceId);
      const running = device && runningOf(device);
      const isUnknown = running !== null && running.releaseSequence === unknownSequence;
      if (!isUnknown || lookedAt.get(deviceId) === releasesSeen) return;
      if (lookedAt.size >= devicesRememberedMax) lookedAt.clear();
      lookedAt.set(deviceId, releasesSeen);
      const runs = await store(deviceId, null);
      if (runs?.image !== undefined) await prove(deviceId, runs.running);
    },
    async proveAgain(deviceId) {
      const device = await memory.device(deviceId);
      const running = device && runningOf(device);
      if (running !== null) await prove(deviceId, running);
    },
  };
}
