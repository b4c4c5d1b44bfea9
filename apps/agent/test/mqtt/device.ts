// The client under test, with names instead of numbers.
import { Guest } from "../text/assembly-module.ts";
import type { ScriptedStreams, SocketStreams } from "./host-streams.ts";

// biome-ignore format: a table, row by row
export type Names =
  | "allocated" | "create" | "setHost" | "setClientId" | "setUserName" | "setPassword" | "setWillTopic"
  | "setWillPayload" | "setWill" | "setCleanSession" | "setTimes" | "start" | "stop" | "poll" | "nextWakeUs"
  | "connected" | "unacknowledged" | "forgetUnacknowledged" | "subscribe" | "publish" | "beginPublish"
  | "commitPublish" | "reason" | "returnCode" | "packetId" | "sessionPresent" | "topicPtr" | "topicLength"
  | "payloadPtr" | "payloadLength" | "qos" | "retain" | "duplicate" | "skippedMessages" | "strayAcks" | "attempts";

export const EVENTS = ["none", "connected", "disconnected", "refused", "message", "subscribed", "published"] as const;
// biome-ignore format: a table, row by row
export const REASONS = ["none", "stopped", "settings", "unreachable", "connect timeout", "closed", "ping timeout", "ack timeout", "protocol"] as const;

export interface Event {
  kind: (typeof EVENTS)[number];
  reason?: (typeof REASONS)[number];
  returnCode?: number;
  packetId?: number;
  sessionPresent?: boolean;
  topic?: string;
  payload?: Buffer;
  qos?: number;
  retain?: boolean;
  duplicate?: boolean;
}

export interface Options {
  host?: string;
  port?: number;
  clientId?: string;
  userName?: string;
  password?: string | Uint8Array;
  will?: { topic: string; payload: string; qos: number; retain: boolean };
  cleanSession?: boolean;
  keepAliveS?: number;
  connectTimeoutMs?: number;
  ackTimeoutMs?: number;
  pingTimeoutMs?: number;
  backoffMinMs?: number;
  backoffMaxMs?: number;
  stableMs?: number;
  seed?: number;
  incomingBytesMax?: number;
  outgoingBytes?: number;
  slotCount?: number;
  slotBytes?: number;
}

export const AGAIN = -4;
export const ARGUMENT = -1;
export const CLOSED = -8;
export const NEVER = 2n ** 63n - 1n;

export class Device {
  readonly guest: Guest<Names>;
  /** Where topics and payloads of a call are put; settings lie below. */
  private readonly callSpace = 8192;

  constructor(
    module: WebAssembly.Module,
    readonly streams: SocketStreams | ScriptedStreams,
    options: Options = {},
  ) {
    this.guest = new Guest<Names>(module, { exo: streams.imports });
    streams.memory = this.guest.call.memory;
    const { call } = this.guest;
    let offset = 0;
    const put = (data: string | Uint8Array): [number, number] => {
      const bytes = Buffer.from(data as string);
      const ptr = this.guest.put(bytes, offset);
      offset += bytes.length;
      return [ptr, bytes.length];
    };
    call.setHost(...put(options.host ?? "127.0.0.1"), options.port ?? 1883);
    call.setClientId(...put(options.clientId ?? "device-1"));
    if (options.userName !== undefined) call.setUserName(...put(options.userName));
    if (options.password !== undefined) call.setPassword(...put(options.password));
    if (options.will) {
      call.setWillTopic(...put(options.will.topic));
      call.setWillPayload(...put(options.will.payload));
      call.setWill(options.will.qos, Number(options.will.retain));
    }
    call.setCleanSession(Number(options.cleanSession ?? true));
    call.setTimes(
      options.keepAliveS ?? 60,
      options.connectTimeoutMs ?? 20_000,
      options.ackTimeoutMs ?? 20_000,
      options.pingTimeoutMs ?? 10_000,
      options.backoffMinMs ?? 1000,
      options.backoffMaxMs ?? 120_000,
      options.stableMs ?? 30_000,
    );
    call.create(
      options.seed ?? 1,
      options.incomingBytesMax ?? 8192,
      options.outgoingBytes ?? 4096,
      options.slotCount ?? 4,
      options.slotBytes ?? 1024,
    );
  }

  poll(nowUs: bigint): Event {
    const { call } = this.guest;
    const kind = EVENTS[call.poll(nowUs)]!;
    if (kind === "message") {
      return {
        kind,
        topic: this.guest.bytes(call.topicPtr(), call.topicLength()).toString(),
        payload: Buffer.from(this.guest.bytes(call.payloadPtr(), call.payloadLength())),
        qos: call.qos(),
        retain: call.retain() === 1,
        duplicate: call.duplicate() === 1,
      };
    }
    if (kind === "connected") return { kind, sessionPresent: call.sessionPresent() === 1 };
    if (kind === "disconnected") return { kind, reason: REASONS[call.reason()] };
    if (kind === "refused") return { kind, returnCode: call.returnCode() };
    if (kind === "subscribed") return { kind, packetId: call.packetId(), returnCode: call.returnCode() };
    if (kind === "published") return { kind, packetId: call.packetId() };
    return { kind };
  }

  publish(topic: string, payload: string | Uint8Array, qos = 0, retain = false): number {
    const topicBytes = Buffer.from(topic);
    const payloadBytes = Buffer.from(payload as string);
    const topicPtr = this.guest.put(topicBytes, this.callSpace);
    const payloadPtr = this.guest.put(payloadBytes, this.callSpace + topicBytes.length);
    return this.guest.call.publish(topicPtr, topicBytes.length, payloadPtr, payloadBytes.length, qos, Number(retain));
  }

  /** Writes the payload in place. */
  publishInPlace(topic: string, payload: string, room: number, qos = 0): number {
    const ptr = this.guest.put(topic, this.callSpace);
    const at = this.guest.call.beginPublish(ptr, Buffer.byteLength(topic), room, qos, 0);
    if (at < 0) return at;
    Buffer.from(payload).copy(this.guest.bytes(at, room));
    return this.guest.call.commitPublish(Buffer.byteLength(payload));
  }

  subscribe(filter: string, qos: number, nowUs: bigint): number {
    const ptr = this.guest.put(filter, this.callSpace);
    return this.guest.call.subscribe(ptr, Buffer.byteLength(filter), qos, nowUs);
  }

  nextWakeUs(nowUs: bigint): bigint {
    return this.guest.call.nextWakeUs(nowUs) as unknown as bigint;
  }
}

/** Microseconds of this process's monotonic clock. */
export const clockUs = (): bigint => process.hrtime.bigint() / 1000n;

/** Runs a device over sockets in real time and keeps its events. */
export class Runner {
  readonly events: Event[] = [];
  private timer: NodeJS.Timeout;

  constructor(
    readonly device: Device,
    private onEvent: (event: Event, device: Device) => void = () => {},
  ) {
    device.guest.call.start(clockUs());
    this.timer = setInterval(() => this.turn(), 2);
  }

  turn(): void {
    for (let i = 0; i < 1000; i++) {
      const event = this.device.poll(clockUs());
      if (event.kind === "none") break;
      this.events.push(event);
      this.onEvent(event, this.device);
    }
  }

  async until(what: string, condition: (events: Event[]) => boolean): Promise<void> {
    for (let i = 0; !condition(this.events); i++) {
      if (i > 4000) throw new Error(`never: ${what}; events: ${JSON.stringify(this.events)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  saw(kind: Event["kind"]): Promise<void> {
    return this.until(kind, (events) => events.some((event) => event.kind === kind));
  }

  count(kind: Event["kind"]): number {
    return this.events.filter((event) => event.kind === kind).length;
  }

  end(): void {
    clearInterval(this.timer);
    (this.device.streams as SocketStreams).destroy();
  }
}
