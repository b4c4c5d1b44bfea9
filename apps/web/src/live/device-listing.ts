// Devices as a list shows them: as many as somebody wants to see of those that a search and a filter mean. The server
// finds them; events change what is loaded, and put in and take out what belongs there or not any more.

import { matchesQuery } from "@flipside/api/device-search";
import type { DeviceSort } from "@flipside/api/device-sorts";
import { pageMembersDefault, pageMembersMax } from "@flipside/api/limits";
import type { Device, LiveEvent, Release } from "@flipside/api/types";
import { compareVersions } from "@flipside/api/version-order";
import { devicePage } from "../api/devices.ts";
import { readFilter } from "../typed-filter.ts";
import { applyToDevices, byId } from "./apply-events.ts";
import { Resource } from "./resource.ts";

/** Each looks at a bounded number of devices: what is rare takes several. */
const requestsAtOnce = 10;
/** Of what is added when somebody scrolls on. */
const addedAtOnce = 300;

export interface Listed {
  /** In the order asked for. */
  devices: readonly Device[];
  /** There are more behind these, or may be. */
  isMore: boolean;
}

export interface DevicesAsked {
  query: string;
  filter: string;
  sort: DeviceSort;
}

const byBytes = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const compareBy: Record<string, (one: Device, other: Device) => number> = {
  id: () => 0,
  enrolledAt: (one, other) => Date.parse(one.enrolledAt) - Date.parse(other.enrolledAt),
  version: (one, other) => {
    const [first, second] = [one.running?.version, other.running?.version];
    if (first === undefined || second === undefined) return Number(first !== undefined) - Number(second !== undefined);
    return compareVersions(first, second) ?? byBytes(first, second);
  },
};

/** Undefined: by what changes all the time, so that rows would jump; each stays where it was. */
function orderOf(sort: DeviceSort): ((one: Device, other: Device) => number) | undefined {
  const compare = compareBy[sort.replace("-", "")];
  const sign = sort.startsWith("-") ? -1 : 1;
  return compare && ((one, other) => sign * (compare(one, other) || byBytes(one.id, other.id)));
}

export class DeviceListing {
  readonly resource: Resource<Listed>;
  readonly #asked: DevicesAsked;
  readonly #releases: () => Iterable<Release>;
  #wanted = pageMembersDefault;
  /** Of the page behind those that are loaded. */
  #next: string | null | undefined;
  #isAdding = false;
  /** While a page is on its way: what it may not know yet. */
  #sinceAsked: LiveEvent[] = [];

  constructor(asked: DevicesAsked, releases: () => Iterable<Release>) {
    this.#asked = asked;
    this.#releases = releases;
    this.resource = new Resource<Listed>({
      load: () => this.#load(),
      apply: (listed, events) => this.#apply(listed, events),
      showsUnstored: true,
    });
  }

  /** The next devices, too; nothing while some are on their way. Never rejects. */
  async more(): Promise<void> {
    const from = this.#next;
    if (this.#isAdding || from === null || from === undefined) return;
    this.#isAdding = true;
    this.#sinceAsked = [];
    try {
      const added = await this.#read(addedAtOnce, from);
      const { value } = this.resource.getSnapshot();
      // Unless all was loaded anew meanwhile.
      if (value === undefined || this.#next !== from) return;
      this.#next = added.next;
      const known = new Set(value.devices.map(({ id }) => id));
      const devices = [...value.devices, ...added.devices.filter(({ id }) => !known.has(id))];
      this.#wanted = Math.max(this.#wanted, devices.length);
      this.resource.set(this.#apply({ devices, isMore: added.next !== null }, this.#sinceAsked));
    } catch {
      // The list says so itself when it can't be loaded either.
      void this.resource.reload();
    } finally {
      this.#isAdding = false;
    }
  }

  /** `endsWithSome`: as soon as there are any, since somebody waits for the first of them. */
  async #read(
    most: number,
    from: string | undefined,
    endsWithSome = false,
  ): Promise<{ devices: Device[]; next: string | null }> {
    const devices: Device[] = [];
    let next: string | null | undefined = from;
    for (let i = 0; i < Math.max(requestsAtOnce, most / 100) && devices.length < most && next !== null; i++) {
      const limit = String(Math.min(pageMembersMax, most - devices.length));
      const page = await devicePage({ ...this.#asked, limit, ...(next === undefined ? {} : { after: next }) });
      devices.push(...page.devices);
      next = page.next;
      if (endsWithSome && devices.length > 0) break;
    }
    return { devices, next: next ?? null };
  }

  async #load(): Promise<Listed> {
    const isFirst = this.resource.getSnapshot().value === undefined;
    const { devices, next } = await this.#read(this.#wanted, undefined, isFirst);
    this.#next = next;
    return { devices, isMore: next !== null };
  }

  #isMeant(device: Device): boolean {
    const read = readFilter(this.#asked.filter, this.#releases(), Date.now());
    return (read.fault !== undefined || read.matches(device)) && matchesQuery(device, this.#asked.query);
  }

  #apply(listed: Listed, events: readonly LiveEvent[]): Listed {
    if (this.#isAdding) this.#sinceAsked.push(...events);
    const { devices, isMore } = listed;
    const before = byId(devices);
    const after = applyToDevices(before, events);
    if (after === before) return listed;
    const meant = [...after.values()].filter((device) => before.get(device.id) === device || this.#isMeant(device));
    const compare = orderOf(this.#asked.sort);
    if (compare === undefined) return { devices: meant.filter(({ id }) => before.has(id)), isMore };
    const last = devices.at(-1);
    // What stands behind the last one is not loaded.
    const isInside = (device: Device): boolean =>
      !isMore || (last !== undefined && compare(device, after.get(last.id) ?? last) <= 0);
    return { devices: meant.filter(isInside).sort(compare), isMore };
  }
}
