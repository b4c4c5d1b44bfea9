// Devices: what the REST interface shows of them, and revocation.

import { matchesQuery } from "@flipside/api/device-search";
import type { DeviceSort } from "@flipside/api/device-sorts";
import type { Deployment, DeviceDetail, DeviceGroupedBy, DeviceGroupPage, DeviceLogEntry } from "@flipside/api/types";
import { cursorOf, paged, pageOf, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso } from "../../identifiers.ts";
import { tagsMax } from "@flipside/api/limits";
import type { Scope } from "@flipside/api/scope";
import type { SignedIn } from "../accounts/signed-in.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Evidence } from "../deployments/evidence.ts";
import type { Progress } from "../deployments/progress.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { findDevice, identityOf, lockDevice, replaceTags } from "../device-records/store.ts";
import { orderOf, type Place } from "./device-order.ts";
import { pageOfDevices, type Sought } from "./device-walk.ts";
import type { DeviceElsewhere } from "./elsewhere.ts";
import type { Filtering } from "./filtering.ts";
import { checkTagsGiven } from "../scopes/scopes.ts";
import { groupDevices } from "./device-groups.ts";
import { sortedPage } from "./sorted-page.ts";
import { wordCondition } from "./word-search.ts";
import { deploymentView, type DeviceView, type DeviceViews, selectDeployments } from "./view.ts";

/** Lists, as their cursors name them. */
const deviceList = "devices";
const sortedDeviceList = "devices-by";
export const deviceDeployments = "device-deployments";
export const deviceLogEntries = "device-log";

const deploymentsShown = 50;
const logEntriesShown = 50;

/** An order's name is in its cursors, so that none is taken for another's. */
function cursorsBy(sort: DeviceSort): { list: string; forms: readonly ("string" | "number")[] } {
  if (sort === "id") return { list: deviceList, forms: ["string"] };
  return { list: `${sortedDeviceList} ${sort}`, forms: [sort.endsWith("At") ? "number" : "string", "string"] };
}

/** Made of those that the device has. */
type Tags = Parameters<typeof replaceTags>[2];

export interface Devices {
  /** Those that have every word of the query, and are as the filter says; empty ones ask for nothing. */
  list(
    asked: { query: string; filter: string; sort: DeviceSort; scope: Scope },
    page: { limit: string; after?: string | undefined },
  ): Promise<{ devices: DeviceView[]; next: string | null }>;
  /** Of those that the filter means. */
  groups(
    by: readonly DeviceGroupedBy[],
    asked: { filter: string; scope: Scope },
    page: Pick<PageAsked, "after">,
  ): Promise<DeviceGroupPage>;
  detail(id: string): Promise<DeviceDetail>;
  tags(id: string): Promise<string[]>;
  /** Newest first, as both are in the detail. */
  deployments(id: string, page: PageAsked): Promise<{ deployments: Deployment[]; next: string | null }>;
  log(id: string, page: PageAsked): Promise<{ log: DeviceLogEntry[]; next: string | null }>;
  /** In place of those that it has, which are told, too. */
  setTags(
    id: string,
    tags: Tags,
    by: Pick<SignedIn, "userName" | "scope">,
  ): Promise<{ device: DeviceView; before: string[] }>;
  /** Acts at once: the session ends, the connection is closed, a new one is refused. */
  revoke(id: string, by: string): Promise<DeviceView>;
  /** It comes in by the secret that it has; its deployments that have ended stay so. */
  unrevoke(id: string, by: string): Promise<DeviceView>;
}

export function createDevices(options: {
  storage: Storage;
  views: DeviceViews;
  filtering: Pick<Filtering, "sought">;
  sessions: Sessions;
  evidence: Pick<Evidence, "deviceRevoked">;
  progress: Progress;
  deviceLog: DeviceLog;
  link: Pick<DeviceLink, "disconnect">;
  /** At a broker that keeps them. */
  closeAccount: (deviceId: string) => void;
  /** At a broker that keeps accounts. `secret`: its own; undefined: it has none, and may enrol. */
  openAccount: (deviceId: string, secret: Buffer | undefined) => void;
  now: () => number;
  elsewhere?: DeviceElsewhere | undefined;
}): Devices {
  const { storage, views, sessions, deviceLog, now, elsewhere } = options;

  async function view(id: string): Promise<DeviceView> {
    const device = await views.one(id);
    if (device === undefined) throw new ApiError("not-found", "There is no such device.");
    return device;
  }

  /** With every word of the query besides. */
  async function withWords(sought: Sought, query: string): Promise<Sought> {
    if (query.trim() === "") return sought;
    const releases = await storage.db.selectFrom("releases").select("version").distinct().execute();
    const words = wordCondition(
      query,
      releases.map(({ version }) => version),
    );
    const { where } = sought;
    return {
      ...sought,
      where: where === undefined ? words : words === undefined ? where : (q) => q.and([where(q), words(q)]),
      async matches(rows) {
        const matching = sought.matches === undefined ? rows : await sought.matches(rows);
        const shown = await views.of(matching);
        return matching.filter((_, i) => matchesQuery(shown[i]!, query));
      },
    };
  }

  async function inOrderOfIds(sought: Sought, limit: number, after: PageAsked["after"]) {
    const page = await pageOfDevices(storage.db, sought, { after: String(after?.[0] ?? ""), limit });
    return { rows: page.rows, keys: page.through === undefined ? undefined : [page.through] };
  }

  async function inOrder(sought: Sought, sort: DeviceSort, limit: number, after: Place | undefined) {
    const { rows, through: keys } = await sortedPage(storage.db, sought, orderOf(sort), { after, limit });
    return { rows, keys };
  }

  async function deploymentsOf(id: string, { limit, after }: PageAsked) {
    const rows = await selectDeployments(storage.db)
      .where("deployments.deviceId", "=", id)
      .$if(after !== undefined, (q) => q.where("position", "<", after![0] as number))
      .orderBy("position", "desc")
      .limit(limit + 1)
      .execute();
    const page = paged(deviceDeployments, rows, limit, ({ position }) => [position]);
    return { deployments: page.rows.map((row) => deploymentView(options.progress.over(row))), next: page.next };
  }

  async function logOf(id: string, { limit, after }: PageAsked) {
    await deviceLog.flush();
    const rows = await storage.db
      .selectFrom("deviceLog")
      .select(["id", "at", "kind", "detail"])
      .where("deviceId", "=", id)
      .$if(after !== undefined, (q) => q.where("id", "<", after![0] as number))
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
    const page = paged(deviceLogEntries, rows, limit, (row) => [row.id]);
    return { log: page.rows.map(({ at, kind, detail }) => ({ at: iso(at), kind, detail })), next: page.next };
  }

  /** Throws ApiError when there is none. */
  async function ofKnown<T>(id: string, work: () => Promise<T>): Promise<T> {
    if ((await findDevice(storage.db, id)) === undefined) throw new ApiError("not-found", "There is no such device.");
    return work();
  }

  return {
    async list({ query, filter, sort, scope }, asked) {
      const { list, forms } = cursorsBy(sort);
      const { limit, after } = pageOf(list, forms, asked);
      const sought = await withWords(await options.filtering.sought(storage.db, filter, "filter", scope), query);
      const { rows, keys } =
        sort === "id"
          ? await inOrderOfIds(sought, limit, after)
          : await inOrder(sought, sort, limit, after as unknown as Place | undefined);
      return { devices: await views.of(rows), next: keys === undefined ? null : cursorOf(list, keys) };
    },

    async detail(id) {
      const device = await view(id);
      const { deployments } = await deploymentsOf(id, { limit: deploymentsShown, after: undefined });
      const { log } = await logOf(id, { limit: logEntriesShown, after: undefined });
      return { ...device, deployments, log };
    },

    deployments: (id, page) => ofKnown(id, () => deploymentsOf(id, page)),
    log: (id, page) => ofKnown(id, () => logOf(id, page)),

    groups: async (by, { filter, scope }, page) =>
      groupDevices(storage, await options.filtering.sought(storage.db, filter, "filter", scope), by, page),
    tags: async (id) => (await view(id)).tags,
    async setTags(id, tagsFrom, by) {
      const before = await storage.transaction(async (work) => {
        if ((await lockDevice(work.db, id)) === undefined) throw new ApiError("not-found", "There is no such device.");
        const { before, after: tags } = await replaceTags(work.db, id, tagsFrom);
        if (tags.length > tagsMax)
          throw new ApiError(
            "validation-failed",
            `A device has ${tagsMax} tags at most; these would be ${tags.length}.`,
          );
        await checkTagsGiven(work.db, { before, after: tags }, by);
        work.changed({ kind: "device", id, tags: "changed" });
        work.afterCommit(() => deviceLog.add(id, "tags", `${tags.join(", ") || "no tags"}, set by ${by.userName}`));
        return before;
      });
      return { device: await view(id), before };
    },

    async revoke(id, by) {
      const taken = await storage.transaction(async (work) => {
        const taken = await elsewhere?.takeAway(work.db, id);
        const device = await lockDevice(work.db, id);
        if (device === undefined) throw new ApiError("not-found", "There is no such device.");
        if (device.revokedAt !== null) return taken;
        await work.db.updateTable("devices").set({ revokedAt: now() }).where("id", "=", id).execute();
        await options.evidence.deviceRevoked(work, id);
        work.changed({ kind: "device", id });
        work.changed({ kind: "fact", id, fact: "device.revoked", at: now(), about: { by } });
        work.afterCommit(() => {
          sessions.end(id, `revoked by ${by}`);
          options.link.disconnect(id);
          options.closeAccount(id);
          deviceLog.add(id, "revoked", `revoked by ${by}`);
        });
        return taken;
      });
      await elsewhere?.end(id, `revoked by ${by}`, taken);
      return view(id);
    },
    async unrevoke(id, by) {
      await storage.transaction(async (work) => {
        const device = await lockDevice(work.db, id);
        if (device === undefined || device.deletedAt !== null)
          throw new ApiError("not-found", "There is no such device.");
        if (device.revokedAt === null)
          throw new ApiError("device-not-revoked", "There is nothing to take back: the device is not revoked.");
        await work.db.updateTable("devices").set({ revokedAt: null }).where("id", "=", id).execute();
        const secret = (await identityOf(work.db, id))?.secrets[0]?.secret;
        work.changed({ kind: "device", id });
        work.afterCommit(() => {
          options.openAccount(id, secret);
          deviceLog.add(id, "revoked", `no longer revoked, by ${by}`);
        });
      });
      return view(id);
    },
  };
}
