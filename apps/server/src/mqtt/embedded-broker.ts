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
import type { CameBy, CredentialVerdict, DeviceLink, LinkHandlers } from "./device-link.ts";
import { Doors } from "./doors.ts";
import { Outgoing } from "./outgoing.ts";
import { PACKETS_A_TURN, paceSocket } from "./paced-socket.ts";
import { deviceSpeaker, type Speaker, thingSpeaker } from "./speaker.ts";
import type { TlsOptions } from "./tls-door.ts";

/** A control message, its topic and the packet's own fields. */
const packetBytesMax = CONTROL_MESSAGE_BYTES_MAX + 1024;
const connectionsMax = 20_000;
/** With so many connections its turns may be long, and connections are taken by more handles from then on. */
const manyConnections = 256;
/** Anybody may connect to enrol; few do at a time. */
const enrollingMax = 256;
const enrollingLifeMs = 120_000;
const connectTimeoutMs = 10_000;
/** A thing's is AWS IoT's own. */
const keepAliveSecondsMax = { device: 300, thing: 1_200 };

type Known = Speaker & {
  outgoing: Outgoing;
  /** Messages of it that are dealt with. */
  underWay: number;
};

/** A connection, also before it is known whose. */
interface Sender {
  /** Its own, until it has proved to be a device's. */
  allowance: Allowance;
  how: CameBy;
}

type Done = (error?: Error) => void;

const howOf = (senders: WeakMap<Duplex, Sender>, client: Client): CameBy | undefined => senders.get(client.conn)?.how;

/** As people read it; of a certificate so much that it can be looked for. */
const credentialsOf = (how: CameBy | undefined): string =>
  how?.certificate === undefined ? "credentials" : `certificate, SHA-256 ${how.certificate.sha256}`;

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

function logErrors(broker: Broker, deviceOf: (client: Client) => string | undefined, log: Logger): void {
  broker.on("clientError", (client, error) =>
    log.debug({ device: deviceOf(client), reason: error.message }, "connection ended by an error"),
  );
  broker.on("connectionError", (_client, error) => log.debug({ reason: error.message }, "connection refused"));
  (broker as unknown as NodeJS.EventEmitter).on("error", (error: Error) => log.error({ err: error }, "broker"));
}

export interface EmbeddedBrokerOptions {
  host: string;
  /** Of MQTT in clear. Undefined: none. 0: any free one. */
  port?: number | undefined;
  /** The same of TLS by a pre-shared key, and over WebSocket. */
  pskPort?: number | undefined;
  webSocketPort?: number | undefined;
  /** MQTT over TLS; undefined: none. */
  tls?: TlsOptions | undefined;
  log: Logger;
  /** Of a clock that only goes forward. */
  nowMs: () => number;
  /** From so many on, connections are taken by more handles (accepting.ts). */
  manyConnections?: number;
}

/** Clients that are enrolling, by the device's name that they gave. */
class Enrolling {
  readonly #clients = new Map<string, Set<Client>>();
  #count = 0;

  get isFull(): boolean {
    return this.#count >= enrollingMax;
  }

  of(deviceId: string): Client[] {
    return [...(this.#clients.get(deviceId) ?? [])];
  }

  /** For so long as it may take. */
  add(deviceId: string, client: Client): void {
    this.#count++;
    const others = this.#clients.get(deviceId) ?? new Set();
    this.#clients.set(deviceId, others.add(client));
    const timer = setTimeout(() => client.close(), enrollingLifeMs);
    timer.unref();
    client.conn.once("close", () => clearTimeout(timer));
  }

  delete(deviceId: string, client: Client): void {
    const others = this.#clients.get(deviceId);
    if (others?.delete(client)) this.#count--;
    if (others?.size === 0) this.#clients.delete(deviceId);
  }
}

/** Rejects with StartError where the files for TLS can't be used. */
export async function createEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<DeviceLink> {
  const { log, nowMs } = options;
  /** Nobody is connected before it is opened. */
  let handlers: LinkHandlers;
  const known = new WeakMap<Client, Known>();
  const senders = new WeakMap<Duplex, Sender>();
  const allowances = new Allowances(nowMs);
  /** By device: a connection that was let in, and waits for its allowance. Others under that name wait with it. */
  const held = new Map<string, Promise<void>>();
  const connected = new Map<string, Client>();
  const enrolling = new Enrolling();

  const broker = new Broker({ connectTimeout: connectTimeoutMs, maxInflightInbound: 8 });
  await broker.listen();

  /** Or why there is none. Who has shown a certificate is a thing, or nobody, whatever else it shows. */
  function speakerOf(client: Client, userName: string, clientId: string): Speaker | string {
    const { proven, certificate } = howOf(senders, client) ?? {};
    // By its key it has proved to be that one, and nobody else.
    if (proven !== undefined && proven.userName !== userName)
      return `connected by the key of ${proven.userName}, and gave another user name`;
    if (certificate === undefined) {
      const speaker = deviceSpeaker(userName) ?? "connected without a device's user name";
      const isOneTooMany = typeof speaker !== "string" && speaker.enrolling && enrolling.isFull;
      return isOneTooMany ? "too many clients are enrolling" : speaker;
    }
    if (handlers.things === undefined) return "connected with a certificate, and no things of AWS IoT are served here";
    return thingSpeaker(clientId) ?? "connected with a certificate, and a client id that is no thing's name";
  }

  broker.preConnect = (client, packet, done) => {
    const speaker = speakerOf(client, packet.username ?? "", packet.clientId);
    if (typeof speaker === "string") {
      handlers.refused(undefined, speaker);
      return done(new Error(speaker), false);
    }
    const { deviceId, enrolling: isEnrolling, kind, topicPrefix } = speaker;
    // Sessions are clean: nothing is kept for a client that is away.
    packet.clean = true;
    client.clean = true as never;
    if (packet.will) packet.will.retain = false;
    // Of its own topics there are none that AWS would take a last will on, and of others none that is heard here.
    if (kind === "thing") packet.will = undefined as never;
    // The client id decides whose connection is replaced. One that is only enrolling must not replace the device's.
    packet.clientId = isEnrolling ? `enrol.${deviceId}.${randomBytes(6).toString("hex")}` : deviceId;
    packet.keepalive = Math.min(packet.keepalive || keepAliveSecondsMax[kind], keepAliveSecondsMax[kind]);
    known.set(client, { ...speaker, outgoing: new Outgoing(client.conn, topicPrefix), underWay: 0 });
    done(null, true);
  };

  const shownBy = (client: Client): string => credentialsOf(howOf(senders, client));
  broker.authenticate = (client, _name, password, done) => {
    const who = known.get(client);
    if (who === undefined) return done(connectRefusal(4, "no device's user name") as never, false);
    if (who.enrolling) return done(null, true);
    letIn(client, who, password ?? new Uint8Array()).then(
      (verdict) => {
        if (verdict === "accepted") return done(null, true);
        handlers.refused(
          verdict === "unknown" ? undefined : who.deviceId,
          `connection refused: ${verdict === "revoked" ? "the device is revoked" : `${verdict} ${shownBy(client)}`}`,
        );
        done(connectRefusal(verdict === "revoked" ? 5 : 4, verdict) as never, false);
      },
      (error: unknown) => {
        log.error({ err: error as Error, device: who.deviceId }, "authentication failed");
        done(connectRefusal(5, "internal error") as never, false);
      },
    );
  };

  function verdictOn(client: Client, { kind, deviceId }: Known, password: Uint8Array): Promise<CredentialVerdict> {
    const { certificate, proven } = howOf(senders, client) ?? {};
    if (kind === "device") return handlers.authenticate(deviceId, password, proven?.exported);
    return handlers.things!.authenticate(deviceId, certificate!);
  }

  /** One that connects again and again is answered as slowly as it may; who has not its secret slows nobody down. */
  async function letIn(client: Client, who: Known, password: Uint8Array): Promise<CredentialVerdict> {
    const { deviceId } = who;
    for (let waits = held.get(deviceId); waits !== undefined; waits = held.get(deviceId)) await waits;
    const verdict = await verdictOn(client, who, password);
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

  /** Hands on what a client may say there; undefined: it may not. */
  function handedOn(client: Client, who: Known, topic: string, payload: Uint8Array): Promise<boolean> | undefined {
    const { deviceId, outgoing } = who;
    if (who.kind === "thing") {
      const request = who.publishes(topic);
      if (request === undefined) return undefined;
      senders.get(client.conn)?.allowance.spend(leafTokens(request.leaf));
      const reply = async (messages: Parameters<Outgoing["send"]>[0]) => void (await outgoing.send(messages));
      return handlers.things!.message({ thing: deviceId, request, payload, reply });
    }
    const leaf = who.publishes(topic);
    if (leaf === undefined) return undefined;
    senders.get(client.conn)?.allowance.spend(leafTokens(leaf));
    return handlers.message({
      ...{ deviceId, leaf, payload, connection: client, enrolling: who.enrolling },
      channel: howOf(senders, client)?.channel ?? "clear",
      reply: async (message) => void (await outgoing.send([message])),
    });
  }

  // Here, and not in the `published` hook: what is acknowledged (MQTT 3.1.1, section 4.3.2) has been dealt with by
  // then.
  broker.authorizePublish = (client, packet, done) => {
    const who = client === null ? undefined : known.get(client);
    const taking = who && handedOn(client!, who, packet.topic, packet.payload as Uint8Array);
    if (client === null || who === undefined || taking === undefined) {
      handlers.refused(who?.deviceId, `published to a topic that is not its own: ${packet.topic.slice(0, 120)}`);
      return done(new Error("not permitted"));
    }
    // Retained messages are not used, and would be kept for ever.
    packet.retain = false;
    who.underWay++;
    // Not acknowledged: with its connection gone, the device says it anew.
    taking.then((taken) => {
      who.underWay--;
      return taken ? done(null) : client.close();
    });
  };

  broker.authorizeSubscribe = (client, subscription, done) => {
    const who = known.get(client);
    const filter = who?.subscribes(subscription.topic, who.outgoing.subscriptions);
    if (who === undefined || filter === undefined) {
      handlers.refused(who?.deviceId, `subscribed to a topic that is not its own: ${subscription.topic.slice(0, 120)}`);
      // Refused alone, it is told by its acknowledgement (MQTT 3.1.1, section 3.9.3).
      return who?.staysWhenRefused === true ? done(null, null) : done(new Error("not permitted"));
    }
    who.outgoing.subscribed(filter, subscription.qos);
    done(null, subscription);
  };

  broker.on("unsubscribe", (topics, client) => {
    const who = known.get(client);
    if (who === undefined) return;
    for (const topic of topics)
      if (topic.startsWith(who.topicPrefix)) who.outgoing.unsubscribed(topic.slice(who.topicPrefix.length));
  });

  broker.on("client", (client) => {
    const who = known.get(client);
    if (who === undefined) return;
    if (who.enrolling) return enrolling.add(who.deviceId, client);
    connected.set(who.deviceId, client);
    if (who.kind === "thing") handlers.things!.connected(who.deviceId, howOf(senders, client)!.certificate!);
  });

  broker.on("clientDisconnect", (client) => {
    const who = known.get(client);
    if (who === undefined) return;
    if (who.enrolling) return enrolling.delete(who.deviceId, client);
    const wasLast = connected.get(who.deviceId) === client;
    if (wasLast) connected.delete(who.deviceId);
    if (who.kind === "device") handlers.closed(who.deviceId, client);
    else if (wasLast) handlers.things!.closed(who.deviceId);
  });

  logErrors(broker, (client) => known.get(client)?.deviceId, log);

  const sockets = new Set<Duplex>();
  function onConnection(socket: Duplex, how: CameBy): void {
    // Node counts those of one handle only.
    if (sockets.size >= connectionsMax) return void socket.destroy();
    sockets.add(socket);
    if (sockets.size >= (options.manyConnections ?? manyConnections)) doors.widen();
    socket.once("close", () => sockets.delete(socket));
    const sender: Sender = { allowance: new Allowance(nowMs), how };
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
  const doors = new Doors(options, onConnection, {
    keysOf: (userName) => handlers.channelKeys(userName),
    refused: (what) => handlers.refused(undefined, what),
  });
  const publish = async (deviceId: string, messages: Parameters<Outgoing["send"]>[0]): Promise<boolean> => {
    const client = connected.get(deviceId);
    return client !== undefined && known.get(client)!.outgoing.send(messages);
  };

  return {
    ...{ checksCredentials: true, accounts: undefined, isUp: true },
    get port() {
      return doors.port;
    },
    get pskPort() {
      return doors.pskPort;
    },
    get webSocketPort() {
      return doors.webSocketPort;
    },
    get tlsPort() {
      return doors.tlsPort;
    },
    get address() {
      const host = options.host.includes(":") ? `[${options.host}]` : options.host;
      return doors.port === null ? `mqtts://${host}:${doors.pskPort}` : `mqtt://${host}:${doors.port}`;
    },
    async open(given) {
      handlers = given;
      await doors.open();
    },
    publish,
    publishToThing: publish,
    bufferedBytes(deviceId) {
      return connected.get(deviceId)?.conn.writableLength ?? 0;
    },
    disconnect(deviceId) {
      connected.get(deviceId)?.close();
      for (const client of enrolling.of(deviceId)) client.close();
    },
    async close() {
      const closed = doors.close();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
