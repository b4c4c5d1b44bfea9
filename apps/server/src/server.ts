// The whole server, put together. Usable in-process: tests start it on any free ports.

import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createStrictVerifier, type StrictVerifier } from "@flipside/image-format";
import { FolderInUseError, lockFolder } from "@flipside/processes/folder-lock";
import { createAccounts } from "./features/accounts/accounts.ts";
import { sessionRoutes } from "./features/accounts/routes.ts";
import { createBrokerRights } from "./features/broker-rights/broker-rights.ts";
import { brokerRightsRoutes } from "./features/broker-rights/routes.ts";
import { createCheckIns } from "./features/check-ins/check-ins.ts";
import { createChunkDelivery } from "./features/chunk-delivery/chunk-delivery.ts";
import { type Claims, createClaims } from "./features/claims/claims.ts";
import { importClaimsFile } from "./features/claims/claims-file.ts";
import { claimRoutes } from "./features/claims/routes.ts";
import { type Commands, createCommands } from "./features/commands/commands.ts";
import { isNamed, readOperationsKey } from "./features/commands/operations-key.ts";
import { commandRoutes } from "./features/commands/routes.ts";
import { createDeviceLog } from "./features/devices/device-log.ts";
import { createDevices } from "./features/devices/devices.ts";
import { createLastSeen } from "./features/devices/last-seen.ts";
import { deviceRoutes } from "./features/devices/routes.ts";
import { findDevice } from "./features/devices/store.ts";
import { createDeviceViews, type DeviceViews } from "./features/devices/view.ts";
import { createEnrolment } from "./features/enrolment/enrolment.ts";
import { createEventHub, type EventHub } from "./features/events/event-hub.ts";
import { eventRoutes } from "./features/events/routes.ts";
import { type FileSystem, openImageFiles } from "./features/releases/image-files.ts";
import { createImageStore } from "./features/releases/image-store.ts";
import { createReleases, insertImage, insertRelease, type Releases } from "./features/releases/releases.ts";
import { releaseRoutes } from "./features/releases/routes.ts";
import { createOffers } from "./features/rollouts/offers.ts";
import { createRollouts, type Rollouts } from "./features/rollouts/rollouts.ts";
import { rolloutRoutes } from "./features/rollouts/routes.ts";
import { createTrustDelivery } from "./features/trust/trust-delivery.ts";
import { trustRoutes } from "./features/trust/routes.ts";
import { openTrust, type Trust } from "./features/trust/trust.ts";
import { createInbox } from "./features/sessions/inbox.ts";
import { createSessions } from "./features/sessions/sessions.ts";
import { type ClockSource, openClock, systemClock } from "./clock.ts";
import { createApp } from "./http/app.ts";
import { closeListener, createListener, type HttpTimes, listen, portProblem } from "./http/listener.ts";
import { ownRoutes } from "./http/own-routes.ts";
import type { TrustedProxies } from "./http/trusted-proxies.ts";
import { createLogger, type Logger, type LogLevel } from "./logging.ts";
import type { DeviceLink, LinkHandlers } from "./mqtt/device-link.ts";
import { startEmbeddedBroker } from "./mqtt/embedded-broker.ts";
import { connectExternalBroker } from "./mqtt/external-broker.ts";
import { Turns } from "./mqtt/turns.ts";
import { makePrivate } from "./storage/private-files.ts";
import type { NewImage, ReleaseRow } from "./storage/schema.ts";
import { StartError } from "./start-error.ts";
import { messagePatienceMs } from "./storage/patience.ts";
import { Storage, type StorageOptions } from "./storage/storage.ts";

const sweepEveryMs = 1_000;
const tickEveryMs = 1_000;
const clockStoredEveryMs = 60_000;
/** After this long, closing stops waiting for peers that don't answer. */
const closeDeadlineMs = 4_000;

export interface ServerOptions {
  /** Database and images; made when it does not exist. */
  dataDir: string;
  /** A trust chain as bytes, or the path of its file. */
  trustChain: Uint8Array | string;
  /** Path of an operations key; without it, the server gives no commands. */
  operationsKey?: string | undefined;
  /** Address for HTTP, and for MQTT unless `mqttHost` says another. Default: 127.0.0.1. */
  host?: string;
  mqttHost?: string | undefined;
  /** 0: any free port. */
  port?: number;
  mqttPort?: number;
  /** File of claims, JSON or CSV (features/claims/claims-file.ts), to import at the start. */
  claimsFile?: string | undefined;
  /** A PostgreSQL database in place of the one in the data folder. */
  databaseUrl?: string | undefined;
  /** 32 bytes: secrets in the database are encrypted with it (storage/secrets-at-rest.ts). */
  secretKey?: Uint8Array | undefined;
  /** Another broker in place of the embedded one. */
  mqttUrl?: string | undefined;
  /** That broker keeps devices' accounts, and this server manages them there. */
  mqttAccounts?: "mosquitto" | undefined;
  /** Lets a broker that knows it ask who may do what (docs/operations.md). */
  brokerSecret?: string | undefined;
  pollMs?: number;
  logLevel?: LogLevel;
  logger?: Logger;
  allowedOrigins?: readonly string[];
  trustProxy?: TrustedProxies;
  /** Is told of every statement; for tests that count them. */
  onStatement?: StorageOptions["onStatement"];
  /** Tests put shorter ones here. */
  httpTimes?: HttpTimes;
  consoleDir?: string;
  /** How often deadlines are looked at. */
  tickMs?: number;
  /** Tests put their own clocks here. */
  clock?: Partial<ClockSource>;
  /** A file system for images and uploads; tests put one here whose disk fills up. */
  fileSystem?: FileSystem;
  /** Content of strict-verifier.wasm; by default it is read from the package image-format. */
  verifierWasm?: Uint8Array;
}

export interface RunningServer {
  /** Of the HTTP interface, such as http://127.0.0.1:8080. */
  url: string;
  port: number;
  /** Where devices connect. */
  mqttUrl: string;
  mqttPort: number | null;
  /** Only on the first start with this data directory: the one-time password, which is kept nowhere. */
  firstAdministrator: { userName: string; password: string } | undefined;
  /** Ends everything in order, within a few seconds. May be called more than once. */
  close(): Promise<void>;
  /** For tests: what the routes use, and stores without checks. */
  internals: {
    storage: Storage;
    link: DeviceLink;
    rollouts: Rollouts;
    releases: Releases;
    events: EventHub;
    insertRelease(release: ReleaseRow): Promise<void>;
    insertImage(image: NewImage): Promise<void>;
    /** Looks at deadlines now. */
    tick(): Promise<void>;
    readonly imageFilesOpen: number;
  };
}

export { StartError };

async function loadVerifier(wasm: Uint8Array | undefined): Promise<StrictVerifier> {
  if (wasm !== undefined) return createStrictVerifier(wasm as Uint8Array<ArrayBuffer>);
  const path = fileURLToPath(new URL("../../../packages/image-format/dist/strict-verifier.wasm", import.meta.url));
  try {
    return await createStrictVerifier(await readFile(path));
  } catch (error) {
    throw new StartError(`The signature verifier cannot be loaded (${(error as Error).message}). Build it: npx tsx packages/image-format/assembly/build-strict-verifier.ts`);
  }
}

async function loadTrust(given: Uint8Array | string, rest: Omit<Parameters<typeof openTrust>[0], "given">): Promise<Trust> {
  try {
    return await openTrust({ ...rest, given: typeof given === "string" ? new Uint8Array(await readFile(given)) : given });
  } catch (error) {
    throw new StartError(`The trust chain${typeof given === "string" ? ` ${given}` : ""} cannot be used: ${(error as Error).message}`);
  }
}

async function loadOperationsKey(path: string | undefined, operationsKeys: readonly Uint8Array[]) {
  if (path === undefined) return undefined;
  try {
    return await readOperationsKey(path, operationsKeys);
  } catch (error) {
    throw new StartError(`The operations key ${path} cannot be used: ${(error as Error).message}`);
  }
}

/** Takes the folder for this process; returns what gives it back. */
function takeDataFolder(dataDir: string): () => void {
  try {
    const lock = lockFolder(dataDir);
    return () => lock.release();
  } catch (error) {
    throw error instanceof FolderInUseError ? new StartError(`${error.message} (--data-dir)`) : new StartError(`The data folder ${dataDir} cannot be used: ${(error as Error).message}`);
  }
}

/** Throws StartError when a person can mend it; whatever was opened is closed again. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const host = options.host ?? "127.0.0.1";
  const mqttHost = options.mqttHost ?? host;
  const log = options.logger ?? createLogger(options.logLevel ?? "info");
  const undo: (() => Promise<void> | void)[] = [];

  try {
    const verifier = await loadVerifier(options.verifierWasm);
    const releaseDataFolder = takeDataFolder(options.dataDir);
    undo.push(releaseDataFolder);
    const file = options.databaseUrl === undefined ? join(options.dataDir, "flipside.sqlite") : undefined;
    for (const line of makePrivate(options.dataDir, file)) log.warn(`others could read the server's data: ${line}`);
    const files = await openImageFiles(options.dataDir, options.fileSystem);
    const storage = await Storage.open(file === undefined ? { url: options.databaseUrl! } : { file }, {
      onError: (error) => log.error({ err: error as Error }, "a listener or a connection of the database failed"),
      secretKey: options.secretKey,
      onStatement: options.onStatement,
    });
    undo.push(() => storage.close());
    const clock = await openClock(storage, { ...systemClock, ...options.clock });
    const trust = await loadTrust(options.trustChain, { storage, verifier, log, replaced: () => trustReplaced() });
    const operationsKey = await loadOperationsKey(options.operationsKey, trust.operationsKeys);
    const accounts = await createAccounts(storage, clock, log);

    // Features that need each other meet in these. The first message may come while the link is still starting.
    let link: DeviceLink;
    let linkIsUp = (): void => {};
    const linkUp = new Promise<void>((resolve) => (linkIsUp = resolve));
    let views: DeviceViews;
    let releases: Releases;
    let rollouts: Rollouts;

    const events = createEventHub(
      {
        device: (id) => views.one(id),
        deployment: (id) => views.deployment(id),
        rollout: (id) => rollouts.summary(id),
        release: (id) => releases.one(id),
      },
      log,
    );
    const deviceLog = createDeviceLog(storage, log, clock);
    const lastSeen = createLastSeen(storage, log, clock.wallMs);
    const turns = new Turns();
    const sessions = createSessions({
      storage,
      verifier,
      deviceLog,
      now: clock.steadyMs,
      linkChecksCredentials: () => link.checksCredentials,
      onlineChanged: (deviceId) => events.changed("device", deviceId),
      pollMs: options.pollMs ?? 3_000,
    });
    views = createDeviceViews(storage.db, lastSeen, (deviceId) => sessions.isOnline(deviceId), trust);
    const images = createImageStore({ storage, files, log, changed: (releaseId) => events.changed("release", releaseId) });
    const mended = async (digests: string[], fileNames: string[]): Promise<void> => {
      for (const name of fileNames) delivery.fileReplaced(name);
      await rollouts.imagesMended(digests);
    };
    releases = createReleases({ storage, files, store: images, trust, verifier, events, now: clock.wallMs, mended });
    const offers = createOffers({ link: () => link, sessions, rollouts: () => rollouts, turns, pollMs: options.pollMs ?? 3_000, log });
    rollouts = createRollouts({ storage, events, deviceLog, log, trust, images, clock, offersChanged: (deviceIds) => offers.push(deviceIds) });
    const validOperationsKey = () => (operationsKey !== undefined && isNamed(operationsKey, trust.operationsKeys) ? operationsKey : undefined);
    const commands: Commands = await createCommands({ storage, operationsKey: validOperationsKey, sessions, link: () => link, turns, deviceLog, events, log, clock });
    const trustDelivery = createTrustDelivery({ link: () => link, trust, now: clock.steadyMs });
    const checkIns = createCheckIns({ storage, sessions, lastSeen, deviceLog, events, rollouts: () => rollouts, offers: () => offers, trustDelivery, commands, trust });
    async function trustReplaced(): Promise<void> {
      await rollouts.trustReplaced();
      for (const { id } of await releases.list()) events.changed("release", id);
      for (const { id } of await storage.db.selectFrom("devices").select("id").where("trustVersion", "is not", null).execute()) events.changed("device", id);
    }
    // The chain that the server was started with may be a new one.
    await rollouts.trustReplaced();
    const delivery = createChunkDelivery({
      link: () => link,
      imageOf: (deviceId, deployment, attempt) => rollouts.imageFor(deviceId, deployment, attempt),
      isCurrent: (session) => sessions.of(session.deviceId) === session,
      refused: (deviceId, detail) => deviceLog.add(deviceId, "refused-message", detail),
      pathOf: files.pathOf,
      unreadable: (digest) => void images.failed(digest).catch((error: unknown) => log.error({ err: error as Error }, "an image could not be looked at")),
      log,
    });
    const enrolment = createEnrolment({ storage, deviceLog, now: clock.steadyMs, wallMs: clock.wallMs, deviceChanged: (deviceId) => events.changed("device", deviceId), secretAdded });
    async function secretAdded(deviceId: string, secret: Buffer): Promise<void> {
      // Without its account the broker refuses the device, which then enrols again.
      await link.accounts?.setSecret(deviceId, secret.toString("base64url")).catch((error: unknown) => log.error({ err: error as Error, device: deviceId }, "the broker did not take the device's account"));
    }
    const devices = createDevices({ storage, views, sessions, rollouts, deviceLog, events, link: () => link, now: clock.wallMs });
    const inbox = createInbox({
      sessions,
      enrolment,
      checkIns,
      rollouts,
      commands,
      delivery,
      deviceLog,
      lastSeen,
      turns,
      patiently: (work) => storage.patiently(messagePatienceMs, work),
      isKnown: async (deviceId) => (await findDevice(storage.db, deviceId)) !== undefined,
      log,
      now: clock.steadyMs,
    });
    const handlers: LinkHandlers = {
      authenticate: (deviceId, password) => sessions.authenticate(deviceId, password),
      message: (message) => linkUp.then(() => inbox.take(message)),
      closed: (deviceId, connection) => sessions.end(deviceId, "the connection is gone", connection),
      refused: (deviceId, what) => inbox.refused(deviceId, what),
    };

    if (options.mqttUrl !== undefined) {
      try {
        link = await connectExternalBroker({ url: options.mqttUrl, accounts: options.mqttAccounts, handlers, log });
      } catch (error) {
        throw new StartError(`The MQTT broker ${new URL(options.mqttUrl).host} cannot be reached: ${(error as Error).message || (error as { code?: string }).code}`);
      }
    } else {
      const mqttPort = options.mqttPort ?? 1883;
      try {
        link = await startEmbeddedBroker({ host: mqttHost, port: mqttPort, handlers, log });
      } catch (error) {
        throw portProblem(error, mqttHost, mqttPort, "MQTT", "mqtt-port");
      }
    }
    undo.push(() => link.close());
    linkIsUp();

    const storedClaims = createClaims(storage, clock.wallMs);
    const claims: Claims = {
      ...storedClaims,
      async import(given) {
        const result = await storedClaims.import(given);
        await link.accounts?.mayEnrol(given.map(({ deviceId }) => deviceId));
        return result;
      },
      async importEach(given) {
        const result = await storedClaims.importEach(given);
        const refused = new Set(result.refused.map(({ at }) => at));
        await link.accounts?.mayEnrol(given.filter(({ at }) => !refused.has(at)).map(({ deviceId }) => deviceId));
        return result;
      },
    };
    if (link.accounts !== undefined) {
      const revoked = new Set((await storage.db.selectFrom("devices").select("id").where("revokedAt", "is not", null).execute()).map(({ id }) => id));
      const claimed = (await storage.db.selectFrom("claims").select("deviceId").execute()).map(({ deviceId }) => deviceId);
      const secrets = await storage.db.selectFrom("deviceSecrets").select(["deviceId as id", "secret"]).orderBy("generation", "asc").execute();
      const newest = new Map(secrets.map(({ id, secret }) => [id, secret.toString("base64url")]));
      await link.accounts.sync(claimed.filter((id) => !revoked.has(id)), [...newest].filter(([id]) => !revoked.has(id)).map(([id, secret]) => ({ id, secret })));
    }
    if (options.claimsFile !== undefined) await importClaimsFile(claims, options.claimsFile, log);
    const brokerRights = createBrokerRights({
      authenticate: (deviceId, password) => sessions.authenticate(deviceId, password),
      isServed: async (deviceId) => (await findDevice(storage.db, deviceId))?.revokedAt === null,
    });
    const app = createApp({
      accounts,
      bound: [
        ownRoutes(),
        sessionRoutes(accounts),
        deviceRoutes(devices),
        commandRoutes(commands),
        claimRoutes(claims),
        releaseRoutes(releases),
        trustRoutes(trust),
        rolloutRoutes(rollouts),
        eventRoutes(events, accounts),
        brokerRightsRoutes(brokerRights, clock.steadyMs),
      ].flat(),
      brokerSecret: options.brokerSecret,
      allowedOrigins: options.allowedOrigins ?? [],
      trustProxy: options.trustProxy ?? false,
      consoleDir: options.consoleDir ?? fileURLToPath(new URL("../../web/dist", import.meta.url)),
      log,
    });
    const http = createListener(app, options.httpTimes);
    await listen(http, options.port ?? 8080, host);
    undo.push(() => closeListener(http));
    // Last of all, because the password is told only once: a start that fails must not have made it.
    const firstAdministrator = await accounts.createFirst();

    // Beside the work: devices wait for nothing, and a file that is gone is told before it is asked for.
    const checkingImages = images.checkAll().catch((error: unknown) => log.error({ err: error as Error }, "the image files could not be looked at"));

    let ticking: Promise<void> | undefined;
    function tick(): Promise<void> {
      accounts.tick();
      ticking ??= Promise.all([rollouts.tick(), commands.tick()])
        .then(() => {})
        .catch((error: unknown) => log.error({ err: error as Error }, "deadlines could not be looked at"))
        .finally(() => (ticking = undefined));
      return ticking;
    }
    const tickTimer = setInterval(() => void tick(), options.tickMs ?? tickEveryMs);
    const sweepTimer = setInterval(() => {
      sessions.sweep();
      enrolment.sweep();
    }, sweepEveryMs);
    const clockTimer = setInterval(() => void clock.store().catch((error: unknown) => log.error({ err: error as Error }, "the time could not be kept")), clockStoredEveryMs);

    let closing: Promise<void> | undefined;
    async function close(): Promise<void> {
      clearInterval(tickTimer);
      clearInterval(sweepTimer);
      clearInterval(clockTimer);
      events.close();
      images.stop();
      await withDeadline(Promise.all([closeListener(http), link.close(), delivery.close(), offers.close()]));
      // What the last messages began; then nothing uses the database any more.
      await withDeadline(Promise.all([turns.idle(), ticking, checkingImages]));
      await withDeadline(Promise.all([lastSeen.stop(), deviceLog.flush(), clock.store()]));
      await storage.close();
      releaseDataFolder();
    }

    async function withDeadline(work: Promise<unknown>): Promise<void> {
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

    const port = (http.address() as AddressInfo).port;
    const shownHost = host.includes(":") ? `[${host}]` : host;
    const url = `http://${host === "0.0.0.0" || host === "::" ? "localhost" : shownHost}:${port}`;
    log.info({ url, mqtt: link.address, dataDir: options.dataDir, trustVersion: trust.version }, "fleet manager is up");
    return {
      url,
      port,
      mqttUrl: link.address,
      mqttPort: link.port,
      firstAdministrator,
      close: () => (closing ??= close()),
      internals: {
        storage,
        link,
        rollouts,
        releases,
        events,
        insertRelease: (release) => insertRelease(storage.db, release),
        insertImage: (image) => insertImage(storage.db, image),
        // One that is under way may have looked already.
        tick: async () => {
          await ticking;
          await tick();
        },
        get imageFilesOpen() {
          return delivery.filesOpen;
        },
      },
    };
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}
