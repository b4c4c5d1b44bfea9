// Devices as a list shows them: as many as somebody wants to see of those that a search and a filter mean. The server
// finds them; events change what is loaded, and put in and take out what belongs there or not any more.

import { matchesQuery } from "@flipside/api/device-search";
import { pageMembersDefault, pageMembersMax } from "@flipside/api/limits";
import type { Device, LiveEvent, Release } from "@flipside/api/types";
import { devicePage } from "../api/devices.ts";
import { readFilter } from "../typed-filter.ts";
import { applyToDevices, byId } from "./apply-events.ts";
import { Resource } from "./resource.ts";

/** Each looks at a bounded number of devices: what is rare takes several. */
const requestsAtOnce = 10;

export interface Listed {
  /** By their ids. */
  devices: readonly Device[];
  /** There are more behind these, or may be. */
  isMore: boolean;
}

export interface DevicesAsked {
  query: string;
  filter: string;
}

export class DeviceListing {
  readonly resource: Resource<Listed>;
  readonly #asked: DevicesAsked;
  readonly #releases: () => Iterable<Release>;
  #wanted = pageMembersDefault;
  #requests = requestsAtOnce;

  constructor(asked: DevicesAsked, releases: () => Iterable<Release>) {
    this.#asked = asked;
    this.#releases = releases;
    this.resource = new Resource<Listed>({
      load: () => this.#load(),
      apply: (listed, events) => this.#apply(listed, events),
      showsUnstored: true,
    });
  }

  /** The next page, too. */
  more(): void {
    this.#wanted += pageMembersDefault;
    this.#requests += requestsAtOnce;
    void this.resource.reload();
  }

  async #load(): Promise<Listed> {
    const devices: Device[] = [];
    let next: string | null | undefined;
    for (let i = 0; i < this.#requests && devices.length < this.#wanted && next !== null; i++) {
      const limit = String(Math.min(pageMembersMax, this.#wanted - devices.length));
      const page = await devicePage({ ...this.#asked, limit, ...(next === undefined ? {} : { after: next }) });
      devices.push(...page.devices);
      next = page.next;
    }
    return { devices, isMore: next !== null };
  }

  #isMeant(device: Device): boolean {
    const read = readFilter(this.#asked.filter, this.#releases(), Date.now());
    return (read.fault !== undefined || read.matches(device)) && matchesQuery(device, this.#asked.query);
  }

  #apply(listed: Listed, events: readonly LiveEvent[]): Listed {
    const { devices, isMore } = listed;
    const before = byId(devices);
    const after = applyToDevices(before, events);
    if (after === before) return listed;
    const last = devices.at(-1)?.id;
    // What stands behind the last one is not loaded.
    const isInside = ({ id }: Device): boolean => !isMore || (last !== undefined && id <= last);
    return {
      devices: [...after.values()]
        .filter((device) => isInside(device) && (before.get(device.id) === device || this.#isMeant(device)))
        .sort((one, other) => (one.id < other.id ? -1 : 1)),
      isMore,
    };
  }
}
