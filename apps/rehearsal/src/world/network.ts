// The network between devices and server, at the seam where the server's features meet MQTT (DeviceLink). What is below
// it, Aedes and TCP, is not in a rehearsal. Two kinds, as the server has two links:
//
// embedded   the server's own broker: connections have an identity, secrets are checked, messages of a connection come
//            in order and once, the next one when the one before has been dealt with; all ends with its process
// elsewhere  a broker of the operator's that asks the server who may connect, as RabbitMQ does: it outlives the server,
//            knows connections that the server doesn't see, brings QoS 1 messages late and twice, also those of a
//            connection that is over, and loses those of QoS 0
//
// What is on its way when a connection breaks is lost.

import type { DeviceLink, LinkHandlers } from "../../../server/src/mqtt/device-link.ts";
import type { ServerMessage } from "@flipside/protocol/server-messages";
import type { DeviceLeaf, ServerLeaf } from "@flipside/protocol/topics";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

export type NetworkKind = "embedded" | "elsewhere";

/** How much goes wrong; all of it ends when the world is calm. */
export interface Weather {
  latencyMsMax: number;
  /** Of messages that QoS 1 brings at least once: that it comes twice. Elsewhere only. */
  doubled: number;
  /** Of messages of QoS 0. Elsewhere only. */
  lost: number;
  /** Of QoS 1 messages: that one comes much later. Elsewhere only. */
  late: number;
}

export const calmWeather: Weather = { latencyMsMax: 60, doubled: 0, lost: 0, late: 0 };

/** Who is told of what passes the seam: the judge. */
export interface Watcher {
  /** The server sends; whether it arrives is another matter. */
  sent(deviceId: string, message: ServerMessage): void;
  /** The server is handed a message of a device, and has dealt with it. */
  handed(deviceId: string, leaf: DeviceLeaf, payload: string): void;
  dealtWith(deviceId: string, leaf: DeviceLeaf, payload: string): void;
}

/** A device's end. */
export interface DeviceEnd {
  readonly id: string;
  connected(connection: Connection): void;
  refused(returnCode: number): void;
  received(connection: Connection, leaf: ServerLeaf, payload: Buffer): void;
  closed(connection: Connection): void;
}

export interface ConnectAs {
  enrolling: boolean;
  secret: string;
  /** Session that the last will names. */
  will: string;
  /** Of the device's link; chunks wait for one another. */
  bytesPerMs: number;
  /** Chunks alone take time on it, and the server waits for none: they stand for the many of a larger image. */
  chunksAlone: boolean;
}

const silentMs = 45_000;
const lateMsMax = 40_000;
/** Of a connection; what is more waits on the side of the server. Chunks are small here, too. */
const bufferBytes = 2 * 1024;
const qosZeroLeaves: readonly string[] = ["fetch", "telemetry", "log", "chunk"];

export class Connection {
  readonly device: DeviceEnd;
  readonly as: ConnectAs;
  /** As each end sees it. */
  isOpenAtDevice = true;
  isOpenAtServer = false;
  upAtMs = 0;
  downAtMs = 0;
  /** Until then the link is busy with what was sent. */
  busyUntilMs = 0;
  dealing: Promise<void> = Promise.resolve();

  constructor(device: DeviceEnd, as: ConnectAs) {
    this.device = device;
    this.as = as;
  }
}

export class Network {
  weather: Weather = calmWeather;
  readonly kind: NetworkKind;
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #watcher: Watcher;
  #handlers: LinkHandlers | undefined;
  readonly #connected = new Map<string, Connection>();
  readonly #enrolling = new Set<Connection>();
  /** Behind a broker elsewhere the server knows no connections. */
  readonly #brokers = {};

  constructor(kind: NetworkKind, schedule: Schedule, random: Random, watcher: Watcher) {
    this.kind = kind;
    this.#schedule = schedule;
    this.#random = random;
    this.#watcher = watcher;
  }

  get isServerThere(): boolean {
    return this.#handlers !== undefined;
  }

  /** A new run of the server meets the network; what the one before had is gone with it. */
  linkFor(process: { isAlive: boolean }): DeviceLink {
    return {
      checksCredentials: this.kind === "embedded",
      accounts: undefined,
      isUp: true,
      address: "mqtt://rehearsal",
      port: null,
      pskPort: null,
      webSocketPort: null,
      tlsPort: null,
      publishToThing: async () => false,
      open: async (handlers) => {
        this.#handlers = handlers;
      },
      publish: async (deviceId, messages) => {
        if (!process.isAlive) return false;
        // All of them have left before the first one has arrived.
        const sent = await Promise.all(messages.map((message) => this.#publish(deviceId, message)));
        return sent.every((isSent) => isSent);
      },
      bufferedBytes: (deviceId) => {
        const connection = this.#connected.get(deviceId);
        return connection === undefined ? 0 : this.#waitingBytes(connection);
      },
      disconnect: (deviceId) => {
        if (this.kind === "elsewhere" || !process.isAlive) return;
        const enrolling = [...this.#enrolling].filter(({ device }) => device.id === deviceId);
        for (const connection of [this.#connected.get(deviceId), ...enrolling])
          if (connection !== undefined) this.#closeAtServer(connection, "its own");
      },
      close: async () => {
        if (process.isAlive) this.serverGone();
      },
    };
  }

  /** The server's process is no more. */
  serverGone(): void {
    this.#handlers = undefined;
    if (this.kind === "elsewhere") return;
    for (const connection of [...this.#connected.values(), ...this.#enrolling]) {
      connection.isOpenAtServer = false;
      this.#tellClosed(connection);
    }
    this.#connected.clear();
    this.#enrolling.clear();
  }

  connect(device: DeviceEnd, as: ConnectAs): Connection {
    const connection = new Connection(device, as);
    this.#schedule.after(this.#latencyMs(), () => void this.#admit(connection));
    return connection;
  }

  async #admit(connection: Connection): Promise<void> {
    const { device, as } = connection;
    if (!connection.isOpenAtDevice) return;
    const handlers = this.#handlers;
    if (handlers === undefined && this.kind === "embedded") return this.#refuse(connection, 0);
    // A broker elsewhere asks the server, too, and goes by what it knows while there is none.
    if (!as.enrolling && handlers !== undefined) {
      const verdict = await handlers.authenticate(device.id, Buffer.from(as.secret));
      if (handlers !== this.#handlers && this.kind === "embedded") return this.#refuse(connection, 0);
      if (verdict !== "accepted") {
        if (this.kind === "embedded")
          handlers.refused(verdict === "unknown" ? undefined : device.id, `connection refused: ${verdict}`);
        return this.#refuse(connection, verdict === "revoked" ? 5 : 4);
      }
    }
    if (as.enrolling) this.#enrolling.add(connection);
    else {
      const before = this.#connected.get(device.id);
      if (before !== undefined) this.#closeAtServer(before, "with its will");
      this.#connected.set(device.id, connection);
    }
    connection.isOpenAtServer = true;
    this.#schedule.after(this.#latencyMs(), () => {
      if (connection.isOpenAtDevice) device.connected(connection);
    });
  }

  /** `returnCode` 0: there was nobody to answer. */
  #refuse(connection: Connection, returnCode: number): void {
    this.#schedule.after(this.#latencyMs(), () => {
      if (!connection.isOpenAtDevice) return;
      connection.isOpenAtDevice = false;
      connection.device.refused(returnCode);
    });
  }

  /** The device, or what lies between, ends it; `silently`: the other end finds out by its own deadline. */
  drop(connection: Connection, silently: boolean): void {
    if (!connection.isOpenAtDevice) return;
    connection.isOpenAtDevice = false;
    this.#schedule.after(silently ? silentMs : this.#latencyMs(), () => {
      if (connection.isOpenAtServer) this.#closeAtServer(connection, "with its will");
    });
  }

  #closeAtServer(connection: Connection, how: "its own" | "with its will"): void {
    const { device, as } = connection;
    connection.isOpenAtServer = false;
    if (this.#connected.get(device.id) === connection) this.#connected.delete(device.id);
    this.#enrolling.delete(connection);
    if (how === "with its will" && !as.enrolling) this.#bringWill(connection);
    if (this.kind === "embedded" && !as.enrolling) this.#handlers?.closed(device.id, connection);
    this.#tellClosed(connection);
  }

  #bringWill(connection: Connection): void {
    const payload = JSON.stringify({ session: connection.as.will });
    if (this.kind === "embedded") this.#hand(connection, "gone", payload);
    else
      for (const delayMs of this.#arrivals("gone"))
        this.#schedule.after(delayMs, () => this.#hand(connection, "gone", payload));
  }

  #tellClosed(connection: Connection): void {
    this.#schedule.after(this.#latencyMs(), () => {
      if (!connection.isOpenAtDevice) return;
      connection.isOpenAtDevice = false;
      connection.device.closed(connection);
    });
  }

  /**
   * A device publishes. `acknowledged`, as QoS 1 has it: a broker elsewhere has taken the message, the server's own has
   * had it dealt with.
   */
  send(connection: Connection, leaf: DeviceLeaf, payload: string, acknowledged?: () => void): void {
    const acknowledge = (): void =>
      void (acknowledged && this.#schedule.after(this.#latencyMs(), () => connection.isOpenAtDevice && acknowledged()));
    for (const delayMs of this.#arrivals(leaf)) {
      const isFirst = delayMs <= this.weather.latencyMsMax;
      const atMs = isFirst
        ? Math.max(connection.upAtMs, this.#schedule.nowMs + delayMs)
        : this.#schedule.nowMs + delayMs;
      if (isFirst) connection.upAtMs = atMs;
      this.#schedule.after(atMs - this.#schedule.nowMs, () => {
        // A broker elsewhere has taken it, whatever became of its sender.
        if (this.kind === "elsewhere") acknowledge();
        if (this.kind === "elsewhere" || connection.isOpenAtServer) this.#hand(connection, leaf, payload, acknowledge);
      });
    }
  }

  /** A device asks whether the broker is there; no answer: it is not, or the way is broken. */
  ping(connection: Connection, answered: () => void): void {
    const there = this.#latencyMs();
    const back = this.#latencyMs();
    this.#schedule.after(there + back, () => {
      if (connection.isOpenAtServer && connection.isOpenAtDevice) answered();
    });
  }

  #hand(connection: Connection, leaf: DeviceLeaf, payload: string, acknowledge: () => void = () => {}): void {
    const handlers = this.#handlers;
    if (handlers === undefined) return;
    const { device, as } = connection;
    const isElsewhere = this.kind === "elsewhere";
    connection.dealing = connection.dealing.then(async () => {
      if (handlers !== this.#handlers) return;
      this.#watcher.handed(device.id, leaf, payload);
      const isTaken = await handlers.message({
        deviceId: device.id,
        leaf,
        payload: Buffer.from(payload),
        connection: isElsewhere ? this.#brokers : connection,
        enrolling: !isElsewhere && as.enrolling,
        channel: isElsewhere ? "broker" : "clear",
        reply: async (message) => {
          if (handlers !== this.#handlers) return;
          if (isElsewhere) this.#publish(device.id, message, as.enrolling ? connection : undefined);
          else this.#bring(connection, message);
        },
      });
      if (handlers !== this.#handlers) return;
      if (isTaken) this.#watcher.dealtWith(device.id, leaf, payload);
      if (isTaken && !isElsewhere) acknowledge();
      if (!isTaken && connection.isOpenAtServer) this.#closeAtServer(connection, "with its will");
    });
  }

  async #publish(deviceId: string, message: ServerMessage, enrolling?: Connection): Promise<boolean> {
    const connection = enrolling ?? this.#connected.get(deviceId);
    this.#watcher.sent(deviceId, message);
    if (connection === undefined) return this.kind === "elsewhere";
    return this.#bring(connection, message);
  }

  /** Resolves as DeviceLink says: when the bytes have left this side. */
  async #bring(connection: Connection, { leaf, payload }: ServerMessage): Promise<boolean> {
    if (!connection.isOpenAtServer) return false;
    const bytes = Buffer.from(payload as string);
    const now = this.#schedule.nowMs;
    if (connection.as.chunksAlone && leaf !== "chunk") {
      this.#schedule.after(this.#latencyMs(), () => {
        if (connection.isOpenAtDevice) connection.device.received(connection, leaf, bytes);
      });
      return true;
    }
    connection.busyUntilMs = Math.max(connection.busyUntilMs, now) + bytes.length / connection.as.bytesPerMs;
    for (const delayMs of this.#arrivals(leaf)) {
      const isFirst = delayMs <= this.weather.latencyMsMax;
      const atMs = Math.max(isFirst ? connection.downAtMs : 0, connection.busyUntilMs + delayMs);
      if (isFirst) connection.downAtMs = atMs;
      this.#schedule.after(atMs - now, () => {
        if (connection.isOpenAtDevice) connection.device.received(connection, leaf, bytes);
      });
    }
    const waitMs =
      this.kind === "elsewhere" || connection.as.chunksAlone
        ? 0
        : connection.busyUntilMs - now - bufferBytes / connection.as.bytesPerMs;
    if (waitMs > 0) await new Promise<void>((resolve) => this.#schedule.after(waitMs, resolve));
    return this.kind === "elsewhere" || connection.isOpenAtServer;
  }

  #waitingBytes({ busyUntilMs, as }: Connection): number {
    if (this.kind === "elsewhere" || as.chunksAlone) return 0;
    return Math.max(0, busyUntilMs - this.#schedule.nowMs) * as.bytesPerMs;
  }

  #latencyMs(): number {
    return 1 + this.#random.next() * this.weather.latencyMsMax;
  }

  /** How long a message takes, once or twice; never: it is lost. */
  #arrivals(leaf: DeviceLeaf | ServerLeaf): number[] {
    const { latencyMsMax, doubled, lost, late } = this.weather;
    const first = this.#random.next() * latencyMsMax;
    if (this.kind === "embedded") return [first];
    if (qosZeroLeaves.includes(leaf)) return this.#random.chance(lost) ? [] : [first];
    const muchLater = (): number => latencyMsMax + 1 + this.#random.next() * lateMsMax;
    return [this.#random.chance(late) ? muchLater() : first, ...(this.#random.chance(doubled) ? [muchLater()] : [])];
  }
}
