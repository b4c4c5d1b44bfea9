// A small fleet in memory behind the REST interface, for the console's tests. It decides nothing by itself; the test
// says what happens to the fleet.

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { deviceCsvHead, deviceCsvLine } from "@flipside/api/device-csv";
import { matchesQuery } from "@flipside/api/device-search";
import { permissionNames } from "@flipside/api/permissions";
import { mayAct, retriedStates, type RolloutAction, rolloutTransitions } from "@flipside/api/rollout-transitions";
import { matcherOf, parseFilter } from "@flipside/device-filter";
import {
  countInto,
  dealtInWaves,
  emptyTally,
  filterOf,
  isSettled,
  laterWaveSizes,
  noCounts,
  waveStateOf,
} from "@flipside/api/rollout-arithmetic";
import type {
  Command,
  CompleteNewRehearsal,
  CompleteNewRollout,
  Configuration,
  ConfigurationDocument,
  Deployment,
  Device,
  DeviceGroup,
  DeviceGroupPage,
  DeviceSummary,
  DeviceView,
  DeviceDetail,
  DeviceLogEntry,
  EmergencyStop,
  FleetHistory,
  FailureCluster,
  LaterWave,
  MetricHistoryPage,
  NewCommand,
  PastConfiguration,
  Preflight,
  Rehearsal,
  Release,
  ReleaseDetail,
  ReleaseDifference,
  Rollout,
  RolloutCourse,
  RolloutEstimate,
  RolloutSummary,
  RolloutTemplate,
  SignInWays,
  Trust,
  TrustSpread,
  User,
  RuleChange,
  WaveRules,
  Why,
} from "@flipside/api/types";
import { type FleetSpan, fleetSpans } from "@flipside/api/fleet-spans";
import { workerPolicy } from "../../server/src/http/console-files.ts";
import { consolePolicy } from "../../server/src/http/console-policy.ts";
import { scriptedServers } from "../../server/test/scripted-servers.ts";
import { isFinalState } from "../src/format.ts";
import { deployment as newDeployment, rollout as newRollout, trust as newTrust } from "./fixtures.ts";
import { preflightOf } from "./fake-preflight.ts";
import { rehearsal as newRehearsal } from "./rehearsal-fixture.ts";
import { type Handlers, Refusal, RouteServer, type SentEvent } from "./route-server.ts";

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

const notStopped: EmergencyStop = { stopped: false, since: null, by: null, reason: null };

const shown = <T extends { archivedAt: string | null }>(all: Iterable<T>, { archived }: { archived: string }): T[] =>
  [...all].filter(({ archivedAt }) => archivedAt === null || archived === "true");

export class FakeServer {
  readonly devices = new Map<string, Device>();
  readonly views: DeviceView[] = [];
  readonly logs = new Map<string, DeviceLogEntry[]>();
  readonly commands = new Map<string, Command[]>();
  /** What commands have collected, by their ids. */
  readonly collected = new Map<string, string>();
  readonly configurations = new Map<string, Configuration>();
  readonly pastConfigurations = new Map<string, PastConfiguration[]>();
  /** Each value that was reported, by device and name, oldest first. */
  readonly metrics = new Map<string, Record<string, { at: string; value: number }[]>>();
  readonly releases = new Map<string, Release>();
  readonly rollouts = new Map<string, Rollout>();
  readonly passwords = new Map([["admin", "one-time-secret"]]);
  user: User = {
    ...{ userName: "admin", role: "administrator", mustChangePassword: true, signsInWith: "password" },
    scope: null,
    may: [...permissionNames],
  };
  signInWays: SignInWays = { openIdConnect: null };
  trust: Trust = newTrust();
  /** What is waited for, by the id of a rollout or a device. */
  readonly whys = new Map<string, Why>();
  emergencyStop: EmergencyStop = notStopped;
  /** What the next upload becomes once the operator has confirmed its sequence. */
  confirmedUpload: Release | undefined;
  /** What the next upload is answered with. */
  nextUpload: Release | { code: string; detail: string } = { code: "header-malformed", detail: "" };
  /** What failed, of a rollout or a release, by its id. */
  readonly failures = new Map<string, FailureCluster[]>();
  /** What differs between releases, whichever are asked about. */
  difference: ReleaseDifference = { images: [] };
  course: RolloutCourse | undefined;
  estimate: RolloutEstimate = { endsAt: null, sentence: "No device has come to its end yet." };
  readonly templates = new Map<string, RolloutTemplate>();
  /** Operations that take two persons. */
  takesTwo: string[] = [];
  /** Release files that were sent. */
  readonly uploads: Buffer[] = [];
  /** Why releases can't be deleted, by their ids. */
  readonly needed = new Map<string, string>();
  /** The rollouts that were asked for, with every default. */
  readonly asked: CompleteNewRollout[] = [];
  /** Those that were only asked about, and what is answered. */
  readonly checked: CompleteNewRollout[] = [];
  /** What of it is said otherwise. */
  preflight: Partial<Preflight> = {};
  /** What rehearsals were asked for with. */
  readonly rehearsed: CompleteNewRehearsal[] = [];
  /** As the next look finds it. */
  rehearsal: Rehearsal = newRehearsal();
  /** Code of the refusal of the next rehearsals; undefined: they are begun. */
  refuse: string | undefined;
  /** While true, the event stream answers as a proxy does whose server restarts. */
  streamDown = false;

  /** What rollouts were made of, by their ids. */
  readonly #requests = new Map<string, CompleteNewRollout>();
  readonly #dist: string;
  #signedIn = false;
  readonly #readers = new Set<ServerResponse>();
  readonly #routes = new RouteServer(
    { ...this.#session(), ...this.#fleet(), ...this.#files(), ...this.#rollouts(), ...this.#stops() },
    () => (this.#signedIn ? this.user : undefined),
  );
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(dist: string) {
    this.#dist = dist;
    scriptedServers.add(this.#server);
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  send(event: SentEvent): void {
    const text = this.#routes.event(event);
    for (const reader of this.#readers) reader.write(text);
  }

  /** Breaks every event stream that is open. */
  dropStreams(): void {
    for (const reader of this.#readers) reader.destroy();
    this.#readers.clear();
  }

  signOutEverybody(): void {
    this.#signedIn = false;
  }

  /** Moves a deployment on and tells of it as the server does: deployment, device, rollout. */
  advance(rolloutId: string, deviceId: string, changes: Partial<Deployment>): void {
    const rollout = this.rollouts.get(rolloutId)!;
    const at = rollout.deployments.findIndex((each) => each.deviceId === deviceId);
    const before = rollout.deployments[at]!;
    const now = new Date().toISOString();
    const deployment = { ...before, ...changes, updatedAt: now };
    if (isFinalState(deployment.state)) deployment.finishedAt = now;
    rollout.deployments[at] = deployment;
    const device = this.devices.get(deviceId)!;
    device.activeDeployment = isFinalState(deployment.state) ? null : deployment;
    if (deployment.state === "confirmed" && before.state !== "confirmed") {
      device.other = {
        slot: device.running!.slot,
        digest: device.running!.digest,
        version: device.running!.version,
        state: "confirmed",
        reason: 0,
        reasonName: null,
      };
      device.running = {
        slot: device.running!.slot === "a" ? "b" : "a",
        digest: deployment.digest,
        version: deployment.version,
        releaseSequence: 2,
        state: "confirmed",
      };
    }
    this.tally(rollout);
    this.send({ kind: "deployment", data: deployment });
    this.send({ kind: "device", data: device });
    this.send({ kind: "rollout", data: summaryOf(rollout) });
  }

  /** Stops all updates or ends that, and tells the rollouts that are open as the server does. */
  stopAll(reason: string | undefined, by = "admin"): EmergencyStop {
    const now = new Date().toISOString();
    this.emergencyStop = reason === undefined ? notStopped : { stopped: true, since: now, by, reason };
    const text =
      reason === undefined
        ? `the stop of all updates was ended by ${by}`
        : `all updates were stopped by ${by}: ${reason}`;
    for (const rollout of this.rollouts.values()) {
      if (rollout.finishedAt !== null) continue;
      rollout.decisions.push({ at: now, text });
      this.send({ kind: "rollout", data: summaryOf(rollout) });
    }
    return this.emergencyStop;
  }

  /** Counts and waves from the deployments. */
  tally(rollout: Rollout): void {
    rollout.counts = noCounts();
    for (const each of rollout.deployments) rollout.counts[each.state]++;
    const tallies = rollout.waves.map(({ total }) => emptyTally(total));
    for (const { wave, state } of rollout.deployments) countInto(tallies[wave]!, state, 1);
    const open = tallies.findIndex((tally) => !isSettled(tally));
    const next = open < 0 ? tallies.length : open;
    // While a wave is watched, the next one has not started.
    const current = open < 0 || rollout.soakUntil !== null ? Math.max(0, next - 1) : open;
    rollout.currentWave = current;
    rollout.waves = tallies.map((tally, index) => ({ index, ...tally, state: waveStateOf(tally, index, current) }));
    if (open < 0 && rollout.soakUntil === null && rollout.state === "running" && !rollout.targetOpen) {
      rollout.state = "completed";
      rollout.finishedAt = new Date().toISOString();
    }
  }

  /** What this server itself got wrong, such as an answer that the real one could not give. */
  get faults(): string[] {
    return this.#routes.faults;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url!, "http://localhost");
    if (pathname.startsWith("/api/v1/")) await this.#routes.answer(request, response);
    else await this.#sendFile(pathname, response);
  }

  #session(): Pick<
    Handlers,
    "getTwoPersonRule" | "signIn" | "listSignInWays" | "currentUser" | "signOut" | "changePassword"
  > {
    return {
      signIn: ({ body: { userName, password } }) => {
        if (this.passwords.get(userName) !== password) throw new Refusal("credentials-wrong");
        this.#signedIn = true;
        return this.user;
      },
      getTwoPersonRule: () => ({ operations: this.takesTwo, besides: [], possible: ["createRollout"] }),
      listSignInWays: () => this.signInWays,
      currentUser: () => this.user,
      signOut: () => void (this.#signedIn = false) as undefined,
      changePassword: ({ body: { currentPassword, newPassword } }) => {
        if (this.passwords.get("admin") !== currentPassword)
          throw new Refusal("credentials-wrong", "", { title: "The present password is wrong" });
        this.passwords.set("admin", newPassword);
        return (this.user = { ...this.user, mustChangePassword: false });
      },
    };
  }

  #targeted({ where, deviceIds = [] }: { where?: string | undefined; deviceIds?: string[] | undefined }): Device[] {
    return where === undefined ? deviceIds.map((id) => this.#device(id)) : this.#matching(where);
  }

  #csv(filter: string): string {
    const devices = filter === "" ? [...this.devices.values()] : this.#matching(filter);
    return deviceCsvHead + devices.map(deviceCsvLine).join("");
  }

  #groups(by: readonly string[], filter: string): DeviceGroupPage {
    const found = filter === "" ? [...this.devices.values()] : this.#matching(filter);
    const groups = new Map<string, DeviceGroupPage["groups"][number]>();
    const valueOf = (device: Device, name: string): DeviceGroup["values"][number] => {
      if (name === "version") return device.running?.version ?? null;
      if (name === "slotState") return device.running?.state ?? null;
      const said = device[name as keyof Device] ?? null;
      return said === null || typeof said === "object" ? null : said;
    };
    // By tags, a device is counted once for each of its own.
    const valuesOf = (device: Device): DeviceGroup["values"][] =>
      by[0] === "tag" ? device.tags.map((tag) => [tag]) : [by.map((name) => valueOf(device, name))];
    for (const values of found.flatMap(valuesOf)) {
      const group = groups.get(JSON.stringify(values)) ?? { values, count: 0 };
      group.count++;
      groups.set(JSON.stringify(values), group);
    }
    return { groups: [...groups.values()], devices: found.length, next: null };
  }

  #gone(kind: "device" | "release" | "rollout", id: string): undefined {
    this.send({ kind: "gone", data: { kind, id } });
  }

  #release(id: string): Release {
    const release = this.releases.get(id);
    if (release === undefined) throw new Refusal("not-found");
    return release;
  }

  #archiveRelease(id: string, archivedAt: string | null): Release {
    const release = Object.assign(this.releases.get(id)!, { archivedAt });
    this.send({ kind: "release", data: release });
    return release;
  }

  #archiveRollout(id: string, archivedAt: string | null): Rollout {
    const rollout = Object.assign(this.#rollout(id), { archivedAt });
    this.send({ kind: "rollout", data: summaryOf(rollout) });
    return rollout;
  }

  #summary(): DeviceSummary {
    const devices = [...this.devices.values()];
    const served = devices.filter(({ revoked }) => !revoked);
    const countHealth = (wanted: Device["health"]): number => served.filter(({ health }) => health === wanted).length;
    return {
      total: devices.length,
      online: served.filter(({ online }) => online).length,
      revoked: devices.length - served.length,
      health: { healthy: countHealth("healthy"), unhealthy: countHealth("unhealthy"), unknown: countHealth("unknown") },
      versions: [],
      otherVersions: 0,
    };
  }

  #trustSpread(): TrustSpread {
    const devices = [...this.devices.values()].filter(({ revoked }) => !revoked);
    const versions = new Set(devices.map(({ trustVersion }) => trustVersion));
    const refused = devices.flatMap(({ id, trustRefused }) => (trustRefused === null ? [] : [{ id, trustRefused }]));
    return {
      records: [...versions].map((version) => {
        const have = devices.filter(({ trustVersion }) => trustVersion === version).map(({ id }) => id);
        const relation = version === this.trust.version ? "same" : "older";
        return { version, digest: null, relation, devices: have.length, examples: have.slice(0, 3) };
      }),
      isMore: false,
      refused: { devices: refused, isMore: false },
    };
  }

  /** Counted once, a moment ago. */
  #history(span: FleetSpan): FleetHistory {
    const { spanMs, stepMs } = fleetSpans[span];
    const to = Date.now();
    const at = new Date(Math.floor(to / stepMs) * stepMs).toISOString();
    const [from, until] = [new Date(to - spanMs).toISOString(), new Date(to).toISOString()];
    return {
      from,
      to: until,
      stepMs,
      counts: [
        { at, ...this.#summary() },
        { at: until, ...this.#summary() },
      ],
    };
  }

  #fleet(): Handlers {
    return {
      listDevices: ({ query }) => {
        const found = (query.filter === "" ? [...this.devices.values()] : this.#matching(query.filter))
          .filter((device) => matchesQuery(device, query.query) && device.id > (query.after ?? ""))
          .sort((one, other) => (one.id < other.id ? -1 : 1) * (query.sort === "-id" ? -1 : 1));
        const devices = found.slice(0, Number(query.limit));
        return { devices, next: found.length > devices.length ? devices.at(-1)!.id : null };
      },
      exportDevices: ({ query, response }) =>
        void response.writeHead(200, { "content-type": "text/csv" }).end(this.#csv(query.filter)) as undefined,
      groupDevices: ({ query }) => this.#groups(query.by, query.filter),
      tagDevices: ({ body: { add, remove, ...target } }) => {
        const devices = this.#targeted(target);
        for (const device of devices) {
          device.tags = [...new Set([...device.tags, ...add])].filter((tag) => !remove.includes(tag)).sort();
          this.send({ kind: "device", data: device });
        }
        return { changed: devices.length, unchanged: 0, leftOut: 0, unknown: 0, next: null };
      },
      commandDevices: ({ body: { command, ...target } }) => {
        const devices = this.#targeted(target);
        for (const device of devices) this.#command(device, command);
        return { given: devices.length, full: 0, leftOut: 0, unknown: 0, next: null };
      },
      listDeviceViews: () => ({ views: [...this.views] }),
      saveDeviceView: ({ body }) => {
        const view = { ...body, id: `view-${body.name}`, owner: this.user.userName, savedAt: new Date().toISOString() };
        this.views.push(view);
        return view;
      },
      deleteDeviceView: ({ params: { id } }) =>
        void this.views.splice(
          this.views.findIndex((each) => each.id === id),
          1,
        ) as undefined,
      summariseDevices: () => this.#summary(),
      getFleetHistory: ({ query: { span } }) => this.#history(span),
      listAttention: () => ({ items: [], at: new Date().toISOString() }),
      getDevice: ({ params: { id } }) => this.#detail(this.#device(id)),
      revokeDevice: ({ params: { id } }) => {
        const device = Object.assign(this.#device(id), { revoked: true, online: false });
        this.send({ kind: "device", data: device });
        return device;
      },
      deleteDevice: ({ params: { id }, query }) => {
        if (query.confirm !== id) throw new Refusal("validation-failed");
        this.devices.delete(this.#device(id).id);
        return this.#gone("device", id);
      },
      clearIdentityConflict: ({ params: { id } }) => {
        const device = Object.assign(this.#device(id), { identityConflict: null });
        this.send({ kind: "device", data: device });
        return device;
      },
      importClaims: ({ body: { claims } }) => ({ imported: claims.length }),
      listMetrics: ({ params: { id } }) => ({
        metrics: Object.entries(this.metrics.get(this.#device(id).id) ?? {}).map(([name, values]) => ({
          name,
          ...values.at(-1)!,
        })),
      }),
      getMetricHistory: ({ params: { id, name }, query }) => this.#metric(this.#device(id).id, name, query.from),
      listCommands: ({ params: { id } }) => ({
        commands: this.commands.get(this.#device(id).id) ?? [],
        next: null,
      }),
      getCollectedLog: ({ params: { id, command } }) => {
        const text = this.collected.get(command);
        if (text === undefined) throw new Refusal("not-found");
        return { command, deviceId: this.#device(id).id, collectedAt: new Date().toISOString(), text };
      },
      getConfiguration: ({ params: { id } }) => this.#configuration(this.#device(id).id),
      listConfigurations: ({ params: { id } }) => ({
        configurations: this.pastConfigurations.get(this.#device(id).id) ?? [],
        next: null,
      }),
      setConfiguration: ({ params: { id }, body: { document } }) => this.#configure(this.#device(id), document),
      giveCommand: ({ params: { id }, body }) => this.#command(this.#device(id), body),
      whyDevice: ({ params: { id } }) => this.#why(this.#device(id).id),
      streamEvents: ({ response }) => this.#stream(response),
    };
  }

  #files(): Handlers {
    return {
      listReleases: ({ query }) => ({ releases: shown(this.releases.values(), query), next: null }),
      getRelease: ({ params: { id } }) => detailOf(this.#release(id)),
      compareReleases: () => this.difference,
      listReleaseFailures: ({ params: { id } }) => ({ failures: this.failures.get(id) ?? [], next: null }),
      archiveRelease: ({ params: { id } }) => this.#archiveRelease(id, new Date().toISOString()),
      unarchiveRelease: ({ params: { id } }) => this.#archiveRelease(id, null),
      deleteRelease: ({ params: { id } }) => {
        if (this.needed.has(id)) throw new Refusal("still-needed", this.needed.get(id));
        this.releases.delete(id);
        return this.#gone("release", id);
      },
      uploadRelease: ({ query, body }) => {
        this.uploads.push(body as unknown as Buffer);
        if (query.confirmSequence === "true" && this.confirmedUpload !== undefined)
          this.nextUpload = this.confirmedUpload;
        if ("code" in this.nextUpload)
          throw new Refusal(this.nextUpload.code, this.nextUpload.detail, { title: "The release file was refused" });
        this.releases.set(this.nextUpload.id, this.nextUpload);
        this.send({ kind: "release", data: this.nextUpload });
        return this.nextUpload;
      },
      addPermit: ({ body }) => {
        if (body.toString() !== "permit")
          throw new Refusal("permit-invalid", "it is for another image", { title: "The permit does not hold" });
        return { digest: [...this.releases.values()][0]!.images[1]!.digest, anyDevice: true };
      },
      getTrust: () => this.trust,
      getTrustSpread: () => this.#trustSpread(),
      uploadTrust: ({ body }) => {
        if (body.toString() !== "record 2")
          throw new Refusal("trust-forked", "trust-forked: an earlier link is another", {
            title: "The trust record was refused",
          });
        const added = {
          id: "aa".repeat(8),
          purpose: "release" as const,
          publicKey: "cc".repeat(32),
          since: 2,
          revokedBy: null,
        };
        const keys = [...this.trust.keys, added].map((key) =>
          key.id === "22".repeat(8) ? { ...key, revokedBy: 2 } : key,
        );
        return (this.trust = newTrust({ version: 2, keys }));
      },
    };
  }

  #rollouts(): Handlers {
    return {
      listRollouts: ({ query }) => ({ rollouts: shown(this.rollouts.values(), query).map(summaryOf), next: null }),
      listRolloutTemplates: () => ({ templates: [...this.templates.values()], next: null }),
      saveRolloutTemplate: ({ body: { name, settings } }) => {
        const id = `template ${name}`;
        const template = { id, name, settings, savedAt: new Date().toISOString(), savedBy: "admin" };
        this.templates.set(id, template);
        return template;
      },
      deleteRolloutTemplate: ({ params: { id } }) => void this.templates.delete(id) as undefined,
      listRolloutFailures: ({ params: { id } }) => ({ failures: this.failures.get(id) ?? [], next: null }),
      getRolloutCourse: ({ params: { id } }) => this.course ?? newCourse(this.#rollout(id)),
      estimateRollout: () => this.estimate,
      archiveRollout: ({ params: { id } }) => this.#archiveRollout(id, new Date().toISOString()),
      unarchiveRollout: ({ params: { id } }) => this.#archiveRollout(id, null),
      deleteRollout: ({ params: { id } }) => {
        this.rollouts.delete(this.#rollout(id).id);
        return this.#gone("rollout", id);
      },
      createRollout: ({ body }) => this.#create(body),
      preflightRollout: ({ body }) => {
        this.checked.push(body);
        const meant = this.#targetsOf(body.target).flatMap((id) => this.devices.get(id) ?? []);
        return { ...preflightOf(body, this.#release(body.releaseId), meant), ...this.preflight };
      },
      createRehearsal: ({ body }) => {
        if (this.refuse !== undefined) throw new Refusal(this.refuse);
        this.rehearsed.push(body);
        return { ...this.rehearsal, state: "queued", answer: null, progress: { done: 0, total: 0 } };
      },
      getRehearsal: () => this.rehearsal,
      cancelRehearsal: () => (this.rehearsal = { ...this.rehearsal, state: "cancelled", answer: null }),
      getRollout: ({ params: { id } }) => this.#rollout(id),
      listRolloutDeployments: ({ params: { id }, query }) => {
        const { deployments, currentWave } = this.#rollout(id);
        const found = deployments.filter(
          ({ state, wave }) =>
            (query.state === undefined || state === query.state) &&
            (query.waves === undefined || (query.waves === "later") === wave > currentWave),
        );
        const from = Number(query.after ?? 0);
        const through = from + Number(query.limit);
        return { deployments: found.slice(from, through), next: through < found.length ? String(through) : null };
      },
      whyRollout: ({ params: { id } }) => this.#why(this.#rollout(id).id),
      pauseRollout: ({ params: { id } }) => this.#act(this.#rollout(id), "pause"),
      resumeRollout: ({ params: { id } }) => this.#act(this.#rollout(id), "resume"),
      cloneRollout: ({ params: { id } }) => this.#requests.get(this.#rollout(id).id)!,
      closeTarget: ({ params: { id } }) => this.#act(this.#rollout(id), "close-target"),
      endLateOffers: ({ params: { id } }) => this.#act(this.#rollout(id), "end-late-offers"),
      cancelRollout: ({ params: { id } }) => this.#act(this.#rollout(id), "cancel"),
      approveWave: ({ params: { id } }) => this.#act(this.#rollout(id), "approve"),
      startNextWave: ({ params: { id } }) => this.#act(this.#rollout(id), "start-next-wave"),
      changeRules: ({ params: { id }, body }) => this.#changeRules(this.#rollout(id), body),
      resizeWaves: ({ params: { id }, body }) => this.#resize(this.#rollout(id), body.waves),
      excludeDevices: ({ params: { id }, body }) => this.#moveDevices(this.#rollout(id), body.deviceIds, "cancelled"),
      retryDevices: ({ params: { id }, body }) => this.#moveDevices(this.#rollout(id), body.deviceIds, "queued"),
      rollBackRollout: ({ params: { id }, body }) => this.#rollBack(this.#rollout(id), body.wave),
    };
  }

  #stops(): Handlers {
    return {
      getEmergencyStop: () => this.emergencyStop,
      setEmergencyStop: ({ body: { reason } }) =>
        this.emergencyStop.stopped ? this.emergencyStop : this.stopAll(reason),
      endEmergencyStop: () => this.stopAll(undefined),
    };
  }

  /** Each value in an hour, else pieces of time as the server makes them. */
  #metric(deviceId: string, name: string, from: string | undefined): MetricHistoryPage {
    const values = this.metrics.get(deviceId)?.[name];
    if (values === undefined) throw new Refusal("not-found");
    const toMs = Date.now() + 1;
    const fromMs = from === undefined ? toMs - 86_400_000 : Date.parse(from);
    const spanMs = toMs - fromMs;
    const stepMs = spanMs < 2 * 3_600_000 ? null : spanMs < 2 * 86_400_000 ? 300_000 : 3_600_000;
    const pieces = new Map<number, number[]>();
    for (const { at, value } of values) {
      const time = Date.parse(at);
      if (time < fromMs || time >= toMs) continue;
      const piece = time - (time % (stepMs ?? 1));
      pieces.set(piece, [...(pieces.get(piece) ?? []), value]);
    }
    const points = [...pieces].map(([at, of]) => ({
      at: new Date(at).toISOString(),
      min: Math.min(...of),
      max: Math.max(...of),
      mean: of.reduce((sum, value) => sum + value, 0) / of.length,
      last: of.at(-1)!,
      count: of.length,
    }));
    return { name, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), stepMs, points };
  }

  #why(id: string): Why {
    return this.whys.get(id) ?? { sentence: `${id} waits.`, since: null, until: null, actions: [] };
  }

  #device(id: string): Device {
    const device = this.devices.get(id);
    if (device === undefined) throw new Refusal("not-found");
    return device;
  }

  #rollout(id: string): Rollout {
    const rollout = this.rollouts.get(id);
    if (rollout === undefined) throw new Refusal("not-found");
    return rollout;
  }

  #detail(device: Device): DeviceDetail {
    const deployments = [...this.rollouts.values()]
      .flatMap((each) => each.deployments)
      .filter((each) => each.deviceId === device.id);
    return {
      ...device,
      deployments: deployments.sort((one, two) => two.createdAt.localeCompare(one.createdAt)),
      log: this.logs.get(device.id) ?? [],
    };
  }

  #command(device: Device, { expiresInMs, ...action }: Required<NewCommand>): Command {
    const known = this.commands.get(device.id) ?? [];
    const given = { host: null, port: null, seconds: null, ...action };
    if (given.host === "refuse-me") throw new Refusal("no-operations-key");
    const now = Date.now();
    const createdAt = new Date(now).toISOString();
    const expiresAt = new Date(now + expiresInMs).toISOString();
    const id = String(known.length).padStart(32, "0");
    const command: Command = {
      ...given,
      id,
      deviceId: device.id,
      state: "waiting",
      code: 0,
      codeName: null,
      createdAt,
      createdBy: "admin",
      expiresAt,
      sentAt: null,
      finishedAt: null,
    };
    this.commands.set(device.id, [command, ...known]);
    this.send({ kind: "device", data: device });
    return command;
  }

  #configuration(deviceId: string): Configuration {
    return this.configurations.get(deviceId) ?? { state: "none", desired: null, reported: null, refused: null };
  }

  #configure(device: Device, document: ConfigurationDocument): Configuration {
    const before = this.#configuration(device.id);
    const number = (before.desired?.number ?? 0) + 1;
    const desired = { number, document, digest: "0".repeat(64), since: new Date().toISOString(), by: "admin" };
    const configuration: Configuration = { ...before, state: "waiting", desired, refused: null };
    this.configurations.set(device.id, configuration);
    const past = { ...desired, sentAt: null, inForceAt: null, refused: null };
    this.pastConfigurations.set(device.id, [past, ...(this.pastConfigurations.get(device.id) ?? [])]);
    this.send({ kind: "device", data: device });
    return configuration;
  }

  #stream(response: ServerResponse): undefined {
    if (this.streamDown) {
      response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad gateway</h1>");
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": connected\n\n");
    this.#readers.add(response);
    response.on("close", () => this.#readers.delete(response));
  }

  #matching(filter: string): Device[] {
    const releaseOf = (digest: string): Release | undefined =>
      [...this.releases.values()].find(({ images }) => images.some((image) => image.digest === digest));
    const matches = matcherOf(parseFilter(filter), { nowMs: Date.now(), releaseOf });
    return [...this.devices.values()].filter(matches);
  }

  #targetsOf(target: CompleteNewRollout["target"]): string[] {
    if ("deviceIds" in target) return target.deviceIds;
    const meant = "filter" in target ? this.#matching(target.filter) : [...this.devices.values()];
    return meant.filter(({ revoked }) => !revoked).map(({ id }) => id);
  }

  #create(request: CompleteNewRollout): Rollout {
    this.asked.push(request);
    const release = this.releases.get(request.releaseId)!;
    const ids = this.#targetsOf(request.target);
    if (request.name === "refuse me") {
      throw new Refusal("no-image-for-hardware", "dev-3 is other-board revision 2.", {
        errors: [{ path: "target", message: "dev-3 is other-board" }],
      });
    }
    const id = `r${this.rollouts.size + 1}`;
    this.#requests.set(id, request);
    for (const other of request.supersedes) this.#supersede(this.#rollout(other), id);
    const filters = request.waves.map((spec) => filterOf(spec) ?? null);
    const meant = filters.map(
      (filter) => new Set(filter === null ? [] : this.#matching(filter).map((each) => each.id)),
    );
    const dealt = dealtInWaves(request.waves, ids, (wave, deviceId) => meant[wave]!.has(deviceId));
    const sizes = dealt.map(({ length }) => length);
    const waves = sizes.map((total, index) => ({ index, ...emptyTally(total), state: "waiting" as const }));
    const waveOf = sizes.flatMap((size, index) => Array<number>(size).fill(index));
    const deployments = dealt.flat().map((deviceId, i) =>
      newDeployment(`${id}-${deviceId}`, deviceId, {
        rolloutId: id,
        rolloutName: request.name,
        version: release.version,
        digest: release.images[0]!.digest,
        wave: waveOf[i]!,
        createdAt: new Date().toISOString(),
      }),
    );
    const rollout = newRollout(id, {
      name: request.name,
      releaseId: release.id,
      version: release.version,
      urgent: request.urgent,
      settings: {
        rules: sizes.map((_, index) => rulesOf(request, index)),
        waveFilters: sizes.map((_, index) => filters[index] ?? null),
        maintenance: request.maintenance,
        retries: request.retries,
        lateOffersMs: request.lateOffersMs,
        allowOlder: request.allowOlder,
        acceptsClaimed: request.acceptsClaimed,
      },
      targetOpen: request.continuous,
      supersedes: request.supersedes,
      targetFilter: "filter" in request.target ? request.target.filter : null,
      total: ids.length,
      waves,
      deployments,
      createdAt: new Date().toISOString(),
    });
    rollout.decisions.push({ at: rollout.createdAt, text: "created by admin; wave 1 started" });
    this.tally(rollout);
    this.rollouts.set(id, rollout);
    this.send({ kind: "rollout", data: summaryOf(rollout) });
    return rollout;
  }

  #act(rollout: Rollout, action: RolloutAction): Rollout {
    if (!mayAct(rollout.state, action)) throw new Refusal("rollout-state", `It is ${rollout.state}.`);
    rollout.state = rolloutTransitions[action].to ?? rollout.state;
    rollout.pauseReason = action === "pause" ? "Paused by admin." : null;
    if (action === "close-target") rollout.targetOpen = false;
    if (action === "cancel") rollout.finishedAt = new Date().toISOString();
    rollout.decisions.push({ at: new Date().toISOString(), text: `${action} by admin` });
    this.send({ kind: "rollout", data: summaryOf(rollout) });
    return rollout;
  }

  #resize(rollout: Rollout, specs: LaterWave[]): Rollout {
    const begun = rollout.currentWave + 1;
    const waiting = rollout.deployments.filter(({ wave }) => wave >= begun);
    const ofRollout = { total: rollout.deployments.length, begun: rollout.deployments.length - waiting.length };
    const sizes = laterWaveSizes(specs, ofRollout);
    const waveOf = sizes.flatMap((size, index) => Array<number>(size).fill(begun + index));
    waiting.forEach((each, at) => (each.wave = waveOf[at]!));
    const wave = { ...emptyTally(0), state: "waiting" as const };
    const later = sizes.map((total, index) => ({ ...wave, index: begun + index, total }));
    rollout.waves = [...rollout.waves.slice(0, begun), ...later];
    const { rules } = rollout.settings;
    rollout.settings.rules = rollout.waves.map(({ index }) => rules[index] ?? rules.at(-1)!);
    rollout.settings.waveFilters = rollout.waves.map(() => null);
    return this.#changed(rollout, "waves resized");
  }

  #supersede(rollout: Rollout, supersededBy: string): void {
    Object.assign(rollout, { state: "cancelled", supersededBy, finishedAt: new Date().toISOString() });
    this.#changed(rollout, `superseded by ${supersededBy}`);
  }

  #changed(rollout: Rollout, text: string): Rollout {
    rollout.decisions.push({ at: new Date().toISOString(), text });
    this.tally(rollout);
    this.send({ kind: "rollout", data: summaryOf(rollout) });
    return rollout;
  }

  #changeRules(rollout: Rollout, { wave, rules }: RuleChange): Rollout {
    rollout.settings.rules = rollout.settings.rules.map((each, index) =>
      wave === undefined || wave === index ? ({ ...each, ...rules } as WaveRules) : each,
    );
    return this.#changed(rollout, `rules changed by admin: ${JSON.stringify({ wave, rules })}`);
  }

  #moveDevices(rollout: Rollout, deviceIds: string[] | undefined, state: "cancelled" | "queued"): Rollout {
    const isMeant = ({ deviceId, state: was }: Rollout["deployments"][number]): boolean =>
      deviceIds?.includes(deviceId) ?? (retriedStates as readonly string[]).includes(was);
    for (const each of rollout.deployments.filter(isMeant)) each.state = state;
    return this.#changed(rollout, `${deviceIds?.join() ?? "all that failed"}: ${state}, by admin`);
  }

  #rollBack(rollout: Rollout, wave: number | undefined): Rollout {
    rollout.state = "rolled-back";
    rollout.finishedAt = new Date().toISOString();
    return this.#changed(rollout, `roll-back${wave === undefined ? "" : ` of wave ${wave + 1}`} by admin`);
  }

  async #sendFile(path: string, response: ServerResponse): Promise<void> {
    const file = extname(path) === "" ? "index.html" : normalize(path).replace(/^(\.\.[/\\])+/, "");
    try {
      const content = await readFile(join(this.#dist, file));
      // The policy that the real server gives: the console must need nothing more.
      response.writeHead(200, {
        "content-type": types[extname(file)] ?? "application/octet-stream",
        "content-security-policy": workerPolicy(path) ?? consolePolicy,
      });
      response.end(content);
    } catch {
      response.writeHead(404);
      response.end();
    }
  }
}

/** As the server fills them in. */
function rulesOf(request: CompleteNewRollout, index: number): WaveRules {
  const { deadlineMs, failureThresholdPercent, minimumSample, thresholdAction, soakMs, underWayMax } = request;
  const { rate, approval, startAt } = request;
  const all = { deadlineMs, failureThresholdPercent, minimumSample, thresholdAction, soakMs, underWayMax };
  return { ...all, rate, approval, startAt: index === 0 ? startAt : null };
}

const newCourse = ({ createdAt }: Rollout): RolloutCourse => ({
  ...{ from: createdAt, until: new Date().toISOString(), spanMs: 60_000, steps: [] },
});

const detailOf = (release: Release): ReleaseDetail => ({
  ...release,
  images: release.images.map((image) => ({
    ...image,
    ...{ signedBy: ["ab".repeat(8)], chunkBytes: 4096, chunkCount: Math.ceil(image.payloadBytes / 4096) },
    parts: {
      ...{ headerBytes: 220, signatureBytes: 84, payloadBytes: image.payloadBytes },
      tableBytes: image.sizeBytes - image.payloadBytes - 304,
    },
    ...{ loaderVersionMin: 1, trustVersionMin: 1, confirmDeadlineMs: 30_000, contactDeadlineMs: 120_000 },
    ...{ tries: 3, watchdogMs: 5_000 },
  })),
});

export function summaryOf({
  settings: _settings,
  deployments: _deployments,
  health: _health,
  decisions,
  ...summary
}: Rollout): RolloutSummary {
  return { ...summary, decisionCount: decisions.length };
}
