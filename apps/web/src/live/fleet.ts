// Everything that the console knows of the fleet, kept current by the event stream.

import type { Routes } from "@flipside/api/routes";
import type { FleetSpan } from "@flipside/api/fleet-spans";
import type {
  AttentionItem,
  Command,
  Configuration,
  DeviceDetail,
  FleetHistory,
  DeviceSummary,
  EmergencyStop,
  PastConfiguration,
  Release,
  Rollout,
  RolloutSummary,
  Trust,
  TrustSpread,
  Why,
} from "@flipside/api/types";
import { listAttention } from "../api/attention.ts";
import { getDevice, getFleetHistory, summariseDevices } from "../api/devices.ts";
import { listCommands } from "../api/commands.ts";
import { configurationHistory, getConfiguration } from "../api/configuration.ts";
import { type MetricWithHistory, metricHistories } from "../api/metrics.ts";
import { getEmergencyStop } from "../api/emergency-stop.ts";
import { listReleases } from "../api/releases.ts";
import { getRollout, listRollouts } from "../api/rollouts.ts";
import { getTrust, getTrustSpread } from "../api/trust.ts";
import { whyDevice, whyRollout } from "../api/why.ts";
import {
  applyToDevice,
  applyToReleases,
  applyToRollout,
  applyToRollouts,
  byId,
  type ById,
  decisionsHaveGrown,
  deviceLogMayHaveGrown,
  isGone,
  whyDeviceMayDiffer,
  whyRolloutMayDiffer,
} from "./apply-events.ts";
import { DeploymentListing, type DeploymentsAsked } from "./deployment-listing.ts";
import { DeviceListing, type DevicesAsked } from "./device-listing.ts";
import type { ConnectionState, News } from "./event-stream.ts";
import type { MetricRange } from "../metric-plot.ts";
import { type Presence, presenceOf } from "./presence.ts";
import { Resource, type ResourceRules } from "./resource.ts";
import { SharedStream } from "./shared-stream.ts";

const eventsPath: Routes["streamEvents"]["path"] = "/api/v1/events";

export class Fleet {
  readonly releases = new Resource<ById<Release>>({
    load: async () => byId(await listReleases("false")),
    apply: (releases, events) => applyToReleases(releases, events),
  });
  /** With those that are archived. */
  readonly allReleases = new Resource<ById<Release>>({
    load: async () => byId(await listReleases("true")),
    apply: (releases, events) => applyToReleases(releases, events, true),
  });
  readonly rollouts = new Resource<ById<RolloutSummary>>({
    load: async () => byId(await listRollouts("false")),
    apply: (rollouts, events) => applyToRollouts(rollouts, events),
  });
  /** With those that are archived. */
  readonly allRollouts = new Resource<ById<RolloutSummary>>({
    load: async () => byId(await listRollouts("true")),
    apply: (rollouts, events) => applyToRollouts(rollouts, events, true),
  });
  /** Changes by what people upload only, so no event tells of it. */
  readonly trust = new Resource<Trust>({ load: getTrust, apply: (trust) => trust });
  /** Counted by the server; a burst of changes asks once. */
  readonly trustSpread = new Resource<TrustSpread>({
    load: getTrustSpread,
    apply: (spread) => spread,
    wantsReload: (_spread, event) => event.kind === "device",
  });
  /** The server tells rollouts of it, and nobody else. */
  readonly emergencyStop = new Resource<EmergencyStop>({
    load: getEmergencyStop,
    apply: (stop) => stop,
    wantsReload: (_stop, event) => event.kind === "rollout",
  });
  /** Of what comes without an event it is asked anew while somebody looks (attention-queue.tsx). */
  readonly attention = new Resource<AttentionItem[]>({
    load: listAttention,
    apply: (items) => items,
    showsUnstored: true,
    wantsReload: (_items, event) => event.kind === "rollout",
  });
  /** Counted by the server; a burst of changes asks once. */
  readonly deviceSummary = new Resource<DeviceSummary>({
    load: summariseDevices,
    apply: (summary) => summary,
    showsUnstored: true,
    wantsReload: (_summary, event) =>
      event.kind === "device" || (event.kind === "gone" && event.data.kind === "device"),
  });
  /** Those of other searches are loaded anew when somebody goes back to them. */
  #listing: { key: string; listing: DeviceListing } | undefined;
  #deployments: { key: string; listing: DeploymentListing } | undefined;
  #presence: { deviceIds: ReadonlySet<string>; resource: Resource<Presence> } | undefined;
  /** Of the device and range that were looked at last. */
  #metrics: { key: string; resource: Resource<MetricWithHistory[]> } | undefined;
  readonly #history = new Map<string, Resource<FleetHistory>>();
  readonly #device = new Map<string, Resource<DeviceDetail>>();
  readonly #commands = new Map<string, Resource<Command[]>>();
  readonly #configuration = new Map<string, Resource<Configuration>>();
  readonly #configurationHistory = new Map<string, Resource<PastConfiguration[]>>();
  readonly #rollout = new Map<string, Resource<Rollout>>();
  readonly #whyDevice = new Map<string, Resource<Why>>();
  readonly #whyRollout = new Map<string, Resource<Why>>();
  readonly #asked = new Map<string, Resource<never>>();

  #stream: SharedStream | undefined;
  #connection: ConnectionState = "connecting";
  readonly #connectionListeners = new Set<() => void>();

  deviceListing(asked: DevicesAsked): DeviceListing {
    const key = JSON.stringify(asked);
    if (this.#listing?.key !== key) {
      const releases = (): Iterable<Release> => this.releases.getSnapshot().value?.values() ?? [];
      this.#listing = { key, listing: new DeviceListing(asked, releases) };
    }
    return this.#listing.listing;
  }

  deploymentListing(rolloutId: string, asked: DeploymentsAsked): DeploymentListing {
    const key = `${rolloutId} ${JSON.stringify(asked)}`;
    if (this.#deployments?.key !== key) {
      const currentWave = (): number => this.rollout(rolloutId).getSnapshot().value?.currentWave ?? -1;
      this.#deployments = { key, listing: new DeploymentListing(rolloutId, asked, currentWave) };
    }
    return this.#deployments.listing;
  }

  /** Who of these is online. Fewer than were asked about last are still the same. */
  presence(deviceIds: readonly string[]): Resource<Presence> {
    if (this.#presence === undefined || !deviceIds.every((id) => this.#presence!.deviceIds.has(id)))
      this.#presence = { deviceIds: new Set(deviceIds), resource: presenceOf(deviceIds) };
    return this.#presence.resource;
  }

  device(id: string): Resource<DeviceDetail> {
    return remembered(this.#device, id, () => ({
      load: () => getDevice(id),
      apply: applyToDevice,
      showsUnstored: true,
      wantsReload: (device, event) => deviceLogMayHaveGrown(device, event) || isGone(event, "device", id),
    }));
  }

  /** No event tells of it, as of metrics. */
  history(span: FleetSpan): Resource<FleetHistory> {
    return remembered(this.#history, span, () => ({ load: () => getFleetHistory(span), apply: (history) => history }));
  }

  /** No event tells of them: whoever shows them loads them anew now and then. */
  metrics(deviceId: string, range: MetricRange): Resource<MetricWithHistory[]> {
    const key = `${deviceId} ${range}`;
    if (this.#metrics?.key !== key) {
      const resource = new Resource<MetricWithHistory[]>({
        load: () => metricHistories(deviceId, range),
        apply: (metrics) => metrics,
      });
      this.#metrics = { key, resource };
    }
    return this.#metrics.resource;
  }

  /** No event carries them, but with each change the device is told of. */
  commands(deviceId: string): Resource<Command[]> {
    return remembered(this.#commands, deviceId, () => ({
      load: () => listCommands(deviceId),
      apply: (commands) => commands,
      wantsReload: (_commands, event) => event.kind === "device" && event.data.id === deviceId,
    }));
  }

  /** The same of these. */
  configuration(deviceId: string): Resource<Configuration> {
    return remembered(this.#configuration, deviceId, () => ({
      load: () => getConfiguration(deviceId),
      apply: (configuration) => configuration,
      wantsReload: (_configuration, event) => event.kind === "device" && event.data.id === deviceId,
    }));
  }

  configurationHistory(deviceId: string): Resource<PastConfiguration[]> {
    return remembered(this.#configurationHistory, deviceId, () => ({
      load: () => configurationHistory(deviceId),
      apply: (configurations) => configurations,
      wantsReload: (_configurations, event) => event.kind === "device" && event.data.id === deviceId,
    }));
  }

  rollout(id: string): Resource<Rollout> {
    return remembered(this.#rollout, id, () => ({
      load: () => getRollout(id),
      apply: applyToRollout,
      wantsReload: (rollout, event) => decisionsHaveGrown(rollout, event) || isGone(event, "rollout", id),
    }));
  }

  whyDevice(id: string): Resource<Why> {
    return remembered(this.#whyDevice, id, () => ({
      load: () => whyDevice(id),
      apply: (why) => why,
      showsUnstored: true,
      wantsReload: (_why, event) => whyDeviceMayDiffer(id, event),
    }));
  }

  whyRollout(id: string): Resource<Why> {
    return remembered(this.#whyRollout, id, () => ({
      load: () => whyRollout(id),
      apply: (why) => why,
      showsUnstored: true,
      wantsReload: (_why, event) => whyRolloutMayDiffer(id, event),
    }));
  }

  /** What one part of a page asks for itself, by a name of its own: kept current while somebody looks at it. */
  asked<T>(name: string, rules: ResourceRules<T>): Resource<T> {
    return remembered(this.#asked as Map<string, Resource<T>>, name, () => rules);
  }

  /** Follows what happens; the returned function ends that. */
  connect(): () => void {
    const stream = new SharedStream({
      url: eventsPath,
      onNews: (news) => this.#take(news),
      onState: (state) => {
        this.#connection = state;
        for (const listener of this.#connectionListeners) listener();
      },
    });
    this.#stream = stream;
    const backOnline = (): void => stream.retryNow();
    window.addEventListener("online", backOnline);
    return () => {
      window.removeEventListener("online", backOnline);
      stream.close();
    };
  }

  readonly getConnection = (): ConnectionState => this.#connection;

  readonly subscribeConnection = (listener: () => void): (() => void) => {
    this.#connectionListeners.add(listener);
    return () => this.#connectionListeners.delete(listener);
  };

  retryConnection(): void {
    this.#stream?.retryNow();
  }

  *#all(): Generator<Resource<unknown>> {
    yield* [
      this.deviceSummary,
      ...(this.#deployments === undefined ? [] : [this.#deployments.listing.resource]),
      ...(this.#listing === undefined ? [] : [this.#listing.listing.resource]),
      ...(this.#presence === undefined ? [] : [this.#presence.resource]),
      ...(this.#metrics === undefined ? [] : [this.#metrics.resource]),
      ...this.#asked.values(),
      this.releases,
      this.allReleases,
      this.rollouts,
      this.allRollouts,
      this.trust,
      this.trustSpread,
      this.attention,
      this.emergencyStop,
      ...this.#device.values(),
      ...this.#commands.values(),
      ...this.#configuration.values(),
      ...this.#configurationHistory.values(),
      ...this.#rollout.values(),
      ...this.#whyDevice.values(),
      ...this.#whyRollout.values(),
    ] as Resource<unknown>[];
  }

  #take({ events, missed }: News): void {
    for (const resource of this.#all()) {
      for (const event of events) resource.receive(event);
      // What nobody looks at is loaded anew when somebody does.
      if (resource.observed && isOutdated(resource, missed)) void resource.reload();
    }
  }
}

/** Also what could not be loaded while the connection or the session was gone. */
const isOutdated = ({ showsUnstored, getSnapshot }: Resource<unknown>, missed: News["missed"]): boolean =>
  missed === "everything" || (missed === "unstored" && (showsUnstored || getSnapshot().problem !== undefined));

function remembered<T>(known: Map<string, Resource<T>>, id: string, rules: () => ResourceRules<T>): Resource<T> {
  let resource = known.get(id);
  if (!resource) {
    resource = new Resource(rules());
    known.set(id, resource);
  }
  return resource;
}
