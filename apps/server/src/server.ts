// The whole server, put together. Usable in-process: tests start it on any free ports.

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Feed } from "./changes/feed.ts";
import type { LastSeen } from "./features/device-records/last-seen.ts";
import { claimsAtBroker, syncAccounts } from "./composition/accounts-at-broker.ts";
import { createFeatures, type Features, pieceMaxDefault, pollMsDefault } from "./composition/features.ts";
import { type Foundation, layFoundation } from "./composition/foundation.ts";
import { createInterface } from "./composition/interface.ts";
import { leaveMembers, servingHandlers, servingLink, startMember } from "./composition/member-wiring.ts";
import { type Rounds, startRounds, tickEveryMs } from "./composition/rounds.ts";
import type { ServerOptions } from "./composition/server-options.ts";
import { takeBack, type Undo } from "./composition/undo.ts";
import { createClaims } from "./features/claims/claims.ts";
import { importClaimsFile } from "./features/claims/claims-file.ts";
import type { Evidence } from "./features/deployments/evidence.ts";
import type { Offering } from "./features/deployments/offering.ts";
import type { EventHub } from "./features/events/event-hub.ts";
import { insertImage, insertRelease, type Releases } from "./features/releases/releases.ts";
import type { MetricHistory } from "./features/metric-history/metric-history.ts";
import type { HealthWatch } from "./features/health/health-watch.ts";
import { keepingDefault } from "./features/retention/keeping.ts";
import type { Retention } from "./features/retention/retention.ts";
import { webhookTimeoutMsDefault } from "./features/webhooks/webhook-desk.ts";
import { rehearsalDeadlineMsDefault, type Rehearsals } from "./features/rehearsals/rehearsals.ts";
import type { CarryingOut } from "./features/rollouts/carrying-out.ts";
import type { Rollouts } from "./features/rollouts/rollouts.ts";
import { closeListener, createListener, listen, portProblem } from "./http/listener.ts";
import { createLogger, type Logger } from "./logging.ts";
import { createCounters } from "./features/monitoring/counters.ts";
import type { DeviceLink, LinkHandlers } from "./mqtt/device-link.ts";
import { createEmbeddedBroker } from "./mqtt/embedded-broker.ts";
import { connectExternalBroker } from "./mqtt/external-broker.ts";
import { StartError } from "./start-error.ts";
import type { NewImage, NewRelease } from "./storage/schema.ts";
import type { Storage } from "./storage/storage.ts";

/** After this long, closing stops waiting for peers that don't answer. */
const closeDeadlineMs = 4_000;
const hostDefault = "127.0.0.1";
const portDefault = 8080;
const mqttPortDefault = 1883;

/** In clear where nothing else is asked for: from the command line it always is. */
const clearPortIn = ({ mqttPort, mqttPskPort }: ServerOptions): number | undefined =>
  mqttPort ?? (mqttPskPort === undefined ? mqttPortDefault : undefined);

export interface RunningServer {
  /** Of the HTTP interface, such as http://127.0.0.1:8080. */
  url: string;
  /** 0: nobody listens. */
  port: number;
  /** Where devices connect. */
  mqttUrl: string;
  mqttPort: number | null;
  /** Of MQTT over TLS by pre-shared keys; null: nobody listens. */
  mqttPskPort: number | null;
  /** Of MQTT over WebSocket; null: nobody listens. */
  mqttWebSocketPort: number | null;
  /** The same of MQTT over TLS. */
  mqttTlsPort: number | null;
  /** Only on the first start with this data directory: the one-time password, which is kept nowhere. */
  firstAdministrator: { userName: string; password: string } | undefined;
  /** Ends everything in order, within a few seconds. May be called more than once. */
  close(): Promise<void>;
  /** For tests: what the routes use, and stores without checks. */
  internals: {
    storage: Storage;
    feed: Feed;
    lastSeen: LastSeen;
    link: DeviceLink;
    rollouts: Rollouts;
    rehearsals: Rehearsals;
    carryingOut: CarryingOut;
    /** What devices say of their deployments, and what they are told. */
    evidence: Evidence;
    health: HealthWatch;
    metricHistory: MetricHistory;
    retention: Retention;
    offering: Offering;
    releases: Releases;
    events: EventHub;
    /** What answers requests, listening or not. */
    http: Server;
    insertRelease(release: NewRelease): Promise<void>;
    insertImage(image: NewImage): Promise<void>;
    /** Looks at deadlines now; what is under way may have looked already. */
    tick(): Promise<void>;
    readonly imageFilesOpen: number;
  };
}

export { type ServerOptions, StartError };

/** The way to devices; nobody is let in yet. */
async function createLink(options: ServerOptions, { members, log }: Foundation): Promise<DeviceLink> {
  if (options.link !== undefined) return options.link(log);
  if (options.mqttUrl === undefined)
    return createEmbeddedBroker({
      host: options.mqttHost ?? options.host ?? hostDefault,
      port: clearPortIn(options),
      pskPort: options.mqttPskPort,
      webSocketPort: options.mqttWebSocketPort,
      tls: options.mqttTls,
      log,
      nowMs: () => performance.now(),
    });
  try {
    const { mqttUrl: url, mqttAccounts: accounts } = options;
    const nowMs = (): number => performance.now();
    return await connectExternalBroker({ url, accounts, serves: members?.leases?.holds, log, nowMs });
  } catch (error) {
    throw new StartError(
      `The MQTT broker ${new URL(options.mqttUrl).host} cannot be reached: ${(error as Error).message || (error as { code?: string }).code}`,
    );
  }
}

async function letDevicesIn(options: ServerOptions, link: DeviceLink, handlers: LinkHandlers): Promise<void> {
  try {
    await link.open(handlers);
  } catch (error) {
    if (options.mqttUrl !== undefined) throw error;
    const host = options.mqttHost ?? options.host ?? hostDefault;
    const { mqttPskPort, mqttWebSocketPort, mqttTls } = options;
    const { port } = error as { port?: number };
    if (mqttWebSocketPort !== undefined && port === mqttWebSocketPort)
      throw portProblem(error, host, mqttWebSocketPort, "MQTT over WebSocket", "mqtt-websocket-port");
    if (mqttTls !== undefined && port === mqttTls.port)
      throw portProblem(error, host, mqttTls.port, "MQTT over TLS", "mqtt-tls-port");
    if (mqttPskPort !== undefined && port === mqttPskPort)
      throw portProblem(error, host, mqttPskPort, "MQTT over TLS", "mqtt-psk-port");
    throw portProblem(error, host, clearPortIn(options) ?? 0, "MQTT", "mqtt-port");
  }
}

/** Throws StartError: who has polled at one of several servers would be away to the others. */
function refuseOthersOfSeveral({ hawkbit, mender, member }: ServerOptions): void {
  if (member === undefined) return;
  if (hawkbit !== undefined)
    throw new StartError(
      "Devices of hawkBit's interface are served by one server alone: leave out --hawkbit or --member (docs/hawkbit.md).",
    );
  if (mender !== undefined)
    throw new StartError(
      "Devices of Mender's interface are served by one server alone: leave out --mender or --member (docs/mender.md).",
    );
}

/** Throws StartError: one of several servers would not know whom another one is connected with. */
function awsIotOf({ awsIot, member, mqttUrl, mqttTls }: ServerOptions): ServerOptions["awsIot"] {
  if (awsIot === undefined) return undefined;
  if (member !== undefined)
    throw new StartError(
      "Devices of AWS IoT are served by one server alone: leave out --aws-iot or --member (docs/aws-iot.md).",
    );
  if (mqttUrl !== undefined || mqttTls === undefined)
    throw new StartError(
      "Devices of AWS IoT come to the embedded broker's port for TLS: give --mqtt-tls-port, and no --mqtt-url (docs/aws-iot.md).",
    );
  return awsIot;
}

/** Waits for `work`, but not longer than closing may take. */
async function withDeadline(log: Logger, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      log.warn("closing goes on without waiting any longer");
      resolve();
    }, closeDeadlineMs);
  });
  await Promise.race([work, deadline]).catch((error: unknown) => log.error({ err: error as Error }, "while closing"));
  clearTimeout(timer);
}

interface Running {
  foundation: Foundation;
  features: Features;
  link: DeviceLink;
  http: Server;
  rounds: Rounds;
  checkingImages: Promise<void>;
  undo: Undo;
}

async function close({ foundation, features, link, http, rounds, checkingImages, undo }: Running): Promise<void> {
  const { log, clock } = foundation;
  const { events, images, delivery, offers, turns, lastSeen, progress, deviceLog, health, joining, metricHistory } =
    features;
  const roundsEnded = Promise.all([
    features.rehearsals.close(),
    rounds.stop(),
    features.carryingOut.stop(),
    features.retention.stop(),
  ]);
  events.close();
  features.longPoll.close();
  images.stop();
  features.foreign.close();
  const listener = http.listening ? closeListener(http) : undefined;
  // Others take its devices while it ends.
  if (foundation.members?.leases !== undefined) await withDeadline(log, foundation.members.leases.close());
  await withDeadline(log, Promise.all([listener, link.close(), delivery.close(), offers.close()]));
  // What the last messages began; then nothing uses the database any more.
  await withDeadline(
    log,
    Promise.all([turns.idle(), roundsEnded, checkingImages, joining.close(), features.webhookDesk.stop()]),
  );
  const written = [lastSeen.stop(), health.stop(), progress.stop(), metricHistory.stop(), clock.store()];
  // Some of them have said something of devices.
  await withDeadline(
    log,
    Promise.all(written).then(() => deviceLog.flush()),
  );
  if (foundation.members !== undefined) await withDeadline(log, leaveMembers(foundation.members));
  await takeBack(undo);
}

/** Throws StartError when a person can mend it; whatever was opened is closed again. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const log = options.logger ?? createLogger(options.logLevel ?? "info");
  const undo: Undo = [];
  /** Closed in an order of their own once everything is up. */
  const listening: Undo = [];
  try {
    refuseOthersOfSeveral(options);
    const awsIot = awsIotOf(options);
    const foundation = await layFoundation(options, log, undo);
    const { storage, clock, accounts } = foundation;
    const { members } = foundation;
    const bare = await createLink(options, foundation);
    const link = members === undefined ? bare : servingLink(bare, () => members.membership);
    listening.push(() => link.close());
    const features = await createFeatures(foundation, link, {
      pollMs: options.pollMs ?? pollMsDefault,
      pieceMax: options.pieceMax ?? pieceMaxDefault,
      rehearsalDeadlineMs: options.rehearsalDeadlineMs ?? rehearsalDeadlineMsDefault,
      hawkbit: options.hawkbit,
      mender: options.mender,
      awsIot,
      keep: { ...keepingDefault, ...options.keep },
      webhooks: {
        allowed: options.webhookAllow ?? [],
        timeoutMs: options.webhookTimeoutMs ?? webhookTimeoutMsDefault,
        publicUrl: options.publicUrl?.href,
        smtp: options.smtp,
      },
    });
    if (members !== undefined) {
      listening.push(() => leaveMembers(members));
      await startMember(members, foundation, features, link);
    }
    const counters = createCounters();
    const all = { ...features.handlers, things: features.foreign.awsIot?.things };
    const handlers = members === undefined ? all : servingHandlers(all, members);
    await letDevicesIn(options, link, counters.counted(handlers));
    await members?.leases?.open(() => link.isUp);
    const claims = claimsAtBroker(createClaims(storage, clock.wallMs, features.deviceLog), link.accounts);
    if (link.accounts !== undefined) await syncAccounts(storage, link.accounts);
    if (options.claimsFile !== undefined) await importClaimsFile(claims, options.claimsFile, log);
    const http = createListener(
      createInterface(options, { counters, link }, foundation, features, claims),
      options.httpTimes,
    );
    if (options.port !== null) {
      await listen(http, options.port ?? portDefault, options.host ?? hostDefault);
      listening.push(() => closeListener(http));
    }
    // Last of all, because the password is told only once: a start that fails must not have made it.
    const firstAdministrator = await accounts.createFirst();
    await storage.shared?.endStart();

    // Beside the work: devices wait for nothing, and a file that is gone is told before it is asked for.
    const checkingImages = features.images
      .checkAll()
      .catch((error: unknown) => log.error({ err: error as Error }, "the image files could not be looked at"));
    // What was under way when the server was stopped goes on.
    features.carryingOut.wake();
    const rounds = startRounds(foundation, features, options.tickMs ?? tickEveryMs);
    const running = { foundation, features, link, http, rounds, checkingImages, undo };
    return shown(options, running, firstAdministrator);
  } catch (error) {
    await takeBack(listening);
    await takeBack(undo);
    throw error;
  }
}

function shown(
  options: ServerOptions,
  running: Running,
  firstAdministrator: RunningServer["firstAdministrator"],
): RunningServer {
  const {
    foundation: { storage, feed, log, trust },
    features,
    link,
    http,
    rounds,
  } = running;
  const host = options.host ?? hostDefault;
  const port = (http.address() as AddressInfo | null)?.port ?? 0;
  const shownHost = host.includes(":") ? `[${host}]` : host;
  const url = `http://${host === "0.0.0.0" || host === "::" ? "localhost" : shownHost}:${port}`;
  log.info({ url, mqtt: link.address, dataDir: options.dataDir, trustVersion: trust.version }, "fleet manager is up");
  let closing: Promise<void> | undefined;
  return {
    url,
    port,
    mqttUrl: link.address,
    mqttPort: link.port,
    mqttPskPort: link.pskPort,
    mqttWebSocketPort: link.webSocketPort,
    mqttTlsPort: link.tlsPort,
    firstAdministrator,
    close: () => (closing ??= close(running)),
    internals: {
      storage,
      feed,
      lastSeen: features.lastSeen,
      link,
      rollouts: features.rollouts,
      rehearsals: features.rehearsals,
      carryingOut: features.carryingOut,
      evidence: features.evidence,
      health: features.health,
      metricHistory: features.metricHistory,
      retention: features.retention,
      offering: features.offering,
      releases: features.releases,
      events: features.events,
      http,
      insertRelease: (release) => insertRelease(storage.db, release),
      insertImage: (image) => insertImage(storage.db, image),
      tick: rounds.tick,
      get imageFilesOpen() {
        return features.delivery.filesOpen;
      },
    },
  };
}
