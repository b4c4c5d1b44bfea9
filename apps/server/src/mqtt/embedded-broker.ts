// The embedded broker: Aedes with authentication per device and topic rights. Devices talk to the server only, never to
// each other, so messages don't go through subscriptions: what arrives is handed on as it is admitted, before it is
// acknowledged and while the client's next packet is unread; what leaves is written to the one connection
// (outgoing.ts), so that a slow reader holds up nobody else.

import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { Aedes, type Client } from "aedes";
import { CONTROL_MESSAGE_BYTES_MAX } from "@flipside/image-format";
import type { Logger } from "../logging.ts";
import { Allowance, Allowances, CONNECTION_TOKENS, leafTokens, SENDS_TOO_MUCH } from "./allowance.ts";
import type { CredentialVerdict, DeviceLink, LinkHandlers } from "./device-link.ts";
import { Doors } from "./doors.ts";
import { Outgoing } from "./outgoing.ts";
import { PACKETS_A_TURN, paceSocket } from "./paced-socket.ts";
import {
  leafBelow,
  mayPublishLeaf,
  maySubscribeLeaf,
  type Principal,
  principalOf,
  topicPrefixOf,
} from "@flipside/protocol/topics";

/** A control message, its topic and the packet's own fields. */
const packetBytesMax = CONTROL_MESSAGE_BYTES_MAX + 1024;
const connectionsMax = 20_000;
/** With so many connections its turns may be long, and connections are taken by more handles from then on. */
const manyConnections = 256;
/** Anybody may connect to enrol; few do at a time. */
const enrollingMax = 256;
const enrollingLifeMs = 120_000;
const connectTimeoutMs = 10_000;
const keepAliveSecondsMax = 300;

interface Known extends Principal {
  /** Of its topics: their shard is a hash, which is not made anew for each message. */
  topicPrefix: string;
  outgoing: Outgoing;
  /** Messages of it that are dealt with. */
  underWay: number;
}

/** A connection, also before it is known whose. */
interface Sender {
  /** Its own, until it has proved to be a device's. */
  allowance: Allowance;
}

type Done = (error?: Error) => void;

/** Aedes without what brings messages from one client to others: it costs more than all else that it does with one. */
class Broker extends Aedes {
  constructor(options: ConstructorParameters<typeof Aedes>[0]) {
    super(options);
    // Brokers that share a store tell each other that they are there, and publish the wills of one that is silent. This
    // one is alone, and heard by nobody: without this it would take itself for gone, and end the sessions of all.
    (this.brokers as Record<string, number>)[this.id] = Infinity;
  }

  override publish(_packet: unknown, client: unknown, done?: Done): void {
    // It is called without a client, too.
    if (typeof client === "function") (client as Done)();
    else done?.();
  }

  override subscribe(_topic: string, _deliver: unknown, done: Done): void {
    done();
  }

  override unsubscribe(_topic: string, _deliver: unknown, done: Done): void {
    done();
  }
}

/** MQTT 3.1.1, table 3.1: connection refused, bad user name or password; not authorized. */
function connectRefusal(returnCode: 4 | 5, message: string): Error & { returnCode: number } {
  return Object.assign(new Error(message), { returnCode });
}

/** `nowMs`: of a clock that only goes forward. */
export async function createEmbeddedBroker(options: {
  host: string;
  port: number;
  /** Undefined: none. 0: any free one. */
  webSocketPort?: number | undefined;
  log: Logger;
  nowMs: () => number;
  /** From so many on, connections are taken by more handles (accepting.ts). */
  manyConnections?: number;
}): Promise<DeviceLink> {
  const { log, nowMs } = options;
  /** Nobody is connected before it is opened. */
  let handlers: LinkHandlers;
  const known = new WeakMap<Client, Known>();
  const senders = new WeakMap<Duplex, Sender>();
  const allowances = new Allowances(nowMs);
  /** By device: a connection that was let in, and waits for its allowance. Others under that name wait with it. */
  const held = new Map<string, Promise<void>>();
  const connected = new Map<string, Client>();
  const enrolling = new Map<string, Set<Client>>();
  let enrollingCount = 0;

  const broker = new Broker({ connectTimeout: connectTimeoutMs, maxInflightInbound: 8 });
  await broker.listen();

  broker.preConnect = (client, packet, done) => {
    const principal = principalOf(packet.username ?? "");
    if (principal === undefined) {
      handlers.refused(undefined, "connected without a device's user name");
      done(new Error("no device's user name"), false);
      return;
    }
    const { deviceId, enrolling: isEnrolling } = principal;
    if (isEnrolling && enrollingCount >= enrollingMax) {
      handlers.refused(undefined, "too many clients are enrolling");
      done(new Error("too many clients are enrolling"), false);
      return;
    }
    // Sessions are clean: nothing is kept for a client that is away.
    packet.clean = true;
    client.clean = true as never;
    if (packet.will) packet.will.retain = false;
    // The client id decides whose connection is replaced. One that is only enrolling must not replace the device's.
    packet.clientId = isEnrolling ? `enrol.${deviceId}.${randomBytes(6).toString("hex")}` : deviceId;
    packet.keepalive = Math.min(packet.keepalive || keepAliveSecondsMax, keepAliveSecondsMax);
    const topicPrefix = topicPrefixOf(deviceId);
    known.set(client, { ...principal, topicPrefix, outgoing: new Outgoing(client.conn, topicPrefix), underWay: 0 });
    done(null, true);
  };

  broker.authenticate = (client, _name, password, done) => {
    const who = known.get(client);
    if (who === undefined) return done(connectRefusal(4, "no device's user name") as never, false);
    if (who.enrolling) return done(null, true);
    letIn(client, who, password ?? new Uint8Array()).then(
      (verdict) => {
        if (verdict === "accepted") return done(null, true);
        handlers.refused(
          verdict === "unknown" ? undefined : who.deviceId,
          `connection refused: ${verdict === "revoked" ? "the device is revoked" : `${verdict} credentials`}`,
        );
        done(connectRefusal(verdict === "revoked" ? 5 : 4, verdict) as never, false);
      },
      (error: unknown) => {
        log.error({ err: error as Error, device: who.deviceId }, "authentication failed");
        done(connectRefusal(5, "internal error") as never, false);
      },
    );
  };

  /** One that connects again and again is answered as slowly as it may; who has not its secret slows nobody down. */
  async function letIn(client: Client, { deviceId }: Known, password: Uint8Array): Promise<CredentialVerdict> {
    for (let waits = held.get(deviceId); waits !== undefined; waits = held.get(deviceId)) await waits;
    const verdict = await handlers.authenticate(deviceId, password);
    if (verdict !== "accepted") return verdict;
    const allowance = allowances.of(deviceId);
    allowance.spend(CONNECTION_TOKENS);
    const sender = senders.get(client.conn);
    if (sender !== undefined) sender.allowance = allowance;
    const { waitMs } = allowance;
    if (waitMs === 0) return verdict;
    paced(deviceId, allowance);
    const waits = new Promise<void>((resolve) => setTimeout(resolve, waitMs).unref());
    held.set(deviceId, waits);
    await waits;
    if (held.get(deviceId) === waits) held.delete(deviceId);
    return verdict;
  }

  function paced(deviceId: string | undefined, allowance: Allowance): void {
    if (allowance.sayPaced()) handlers.refused(deviceId, `${SENDS_TOO_MUCH}; what is beyond has to wait`);
  }

  // Here, and not in the `published` hook: what is acknowledged (MQTT 3.1.1, section 4.3.2) has been dealt with by
  // then.
  broker.authorizePublish = (client, packet, done) => {
    const who = client === null ? undefined : known.get(client);
    const leaf = who && leafBelow(who.topicPrefix, packet.topic);
    if (client === null || who === undefined || leaf === undefined || !mayPublishLeaf(who, leaf)) {
      handlers.refused(who?.deviceId, `published to a topic that is not its own: ${packet.topic.slice(0, 120)}`);
      return done(new Error("not permitted"));
    }
    // Retained messages are not used, and would be kept for ever.
    packet.retain = false;
    senders.get(client.conn)?.allowance.spend(leafTokens(leaf));
    who.underWay++;
    handlers
      .message({
        deviceId: who.deviceId,
        leaf,
        payload: packet.payload as Uint8Array,
        connection: client,
        enrolling: who.enrolling,
        reply: async (message) => void (await who.outgoing.send([message])),
      })
      // Not acknowledged: with its connection gone, the device says it anew.
      .then((taken) => {
        who.underWay--;
        return taken ? done(null) : client.close();
      });
  };

  broker.authorizeSubscribe = (client, subscription, done) => {
    const who = known.get(client);
    const leaf = who && leafBelow(who.topicPrefix, subscription.topic);
    if (who === undefined || leaf === undefined || !maySubscribeLeaf(who, leaf)) {
      handlers.refused(who?.deviceId, `subscribed to a topic that is not its own: ${subscription.topic.slice(0, 120)}`);
      return done(new Error("not permitted"));
    }
    who.outgoing.subscribed(leaf, subscription.qos);
    done(null, subscription);
  };

  broker.on("unsubscribe", (topics, client) => {
    const who = known.get(client);
    if (who === undefined) return;
    for (const topic of topics) who.outgoing.unsubscribed(leafBelow(who.topicPrefix, topic) ?? "");
  });

  broker.on("client", (client) => {
    const who = known.get(client);
    if (who === undefined) return;
    if (!who.enrolling) {
      connected.set(who.deviceId, client);
      return;
    }
    enrollingCount++;
    const others = enrolling.get(who.deviceId) ?? new Set();
    enrolling.set(who.deviceId, others.add(client));
    const timer = setTimeout(() => client.close(), enrollingLifeMs);
    timer.unref();
    client.conn.once("close", () => clearTimeout(timer));
  });

  broker.on("clientDisconnect", (client) => {
    const who = known.get(client);
    if (who === undefined) return;
    if (who.enrolling) {
      const others = enrolling.get(who.deviceId);
      if (others?.delete(client)) enrollingCount--;
      if (others?.size === 0) enrolling.delete(who.deviceId);
      return;
    }
    if (connected.get(who.deviceId) === client) connected.delete(who.deviceId);
    handlers.closed(who.deviceId, client);
  });

  broker.on("clientError", (client, error) =>
    log.debug({ device: known.get(client)?.deviceId, reason: error.message }, "connection ended by an error"),
  );
  broker.on("connectionError", (_client, error) => log.debug({ reason: error.message }, "connection refused"));
  (broker as unknown as NodeJS.EventEmitter).on("error", (error: Error) => log.error({ err: error }, "broker"));

  const sockets = new Set<Duplex>();
  function onConnection(socket: Duplex): void {
    // Node counts those of one handle only.
    if (sockets.size >= connectionsMax) return void socket.destroy();
    sockets.add(socket);
    if (sockets.size >= (options.manyConnections ?? manyConnections)) doors.widen();
    socket.once("close", () => sockets.delete(socket));
    const sender: Sender = { allowance: new Allowance(nowMs) };
    senders.set(socket, sender);
    const who = (): Known | undefined => {
      const { client } = socket as Duplex & { client?: Client };
      return client && known.get(client);
    };
    paceSocket(socket, {
      packetBytesMax,
      allowance: () => sender.allowance,
      isBusy: () => (who()?.underWay ?? 0) >= PACKETS_A_TURN,
      onRefused: () => handlers.refused(who()?.deviceId, `sent a packet of more than ${packetBytesMax} bytes`),
      onPaced: () => paced(who()?.deviceId, sender.allowance),
    });
    broker.handle(socket);
  }
  const doors = new Doors(options, onConnection);

  return {
    checksCredentials: true,
    accounts: undefined,
    isUp: true,
    get port() {
      return doors.port;
    },
    get webSocketPort() {
      return doors.webSocketPort;
    },
    get address() {
      return `mqtt://${options.host.includes(":") ? `[${options.host}]` : options.host}:${doors.port}`;
    },
    async open(given) {
      handlers = given;
      await doors.open();
    },
    async publish(deviceId, messages) {
      const client = connected.get(deviceId);
      return client !== undefined && known.get(client)!.outgoing.send(messages);
    },
    bufferedBytes(deviceId) {
      return connected.get(deviceId)?.conn.writableLength ?? 0;
    },
    disconnect(deviceId) {
      connected.get(deviceId)?.close();
      for (const client of [...(enrolling.get(deviceId) ?? [])]) client.close();
    },
    async close() {
      const closed = doors.close();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
