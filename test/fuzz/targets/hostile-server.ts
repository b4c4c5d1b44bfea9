// The end of a device's MQTT connection that a hostile server holds: connections and subscriptions are accepted, as
// they would be; what is published to the device is the input's. Keeps what the device said.

import { StreamState } from "@flipside/machine/abi";
import { contactMac } from "@flipside/protocol/macs";
import { topicPrefixOf } from "@flipside/protocol/topics";
import { type Answer, MqttWire, type WireServer } from "../../../apps/power-cut/src/server/mqtt-wire.ts";
import { Violation } from "../engine/target.ts";

export interface Said {
  leaf: string;
  message: Record<string, unknown>;
}

export interface Fetch {
  deployment: string;
  attempt: number;
  part: number;
  first: number;
  count: number;
}

/** What a server knows of the session; a value, copied with the device's state. */
export interface SessionState {
  session: string;
  deviceNonce: string;
  /** The device waits for a nonce; or, its proof has come, for the MAC. */
  waitsFor: "nothing" | "nonce" | "mac";
  /** The device was given the MAC of this session. */
  isProven: boolean;
  fetches: Fetch[];
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const encoder = new TextEncoder();

export class HostileServer implements WireServer {
  readonly wire: MqttWire;
  state: SessionState = { session: "", deviceNonce: "", waitsFor: "nothing", isProven: false, fetches: [] };
  said: Said[] = [];
  /** The device connects there. */
  onConnect: (host: string, port: number) => void = () => {};
  /** What goes to the device, and what it says. */
  onPublish: (leaf: string, payload: Uint8Array) => void = () => {};
  onSaid: (said: Said) => void = () => {};
  #publish: Answer | undefined;

  constructor(
    readonly deviceId: string,
    readonly deviceSecret: Uint8Array,
  ) {
    this.wire = new MqttWire(this, topicPrefixOf(deviceId));
  }

  isAt(host: string, port: number): boolean {
    this.onConnect(host, port);
    this.#forget();
    return true;
  }

  /** The connection is lost, and with it the session. */
  lose(): void {
    this.wire.drop();
    this.#forget();
  }

  #forget(): void {
    Object.assign(this.state, { waitsFor: "nothing", isProven: false, fetches: [] });
  }

  connect(): number {
    return 0;
  }

  message(leaf: string, payload: Uint8Array, answer: Answer): void {
    this.#publish = answer;
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as Record<string, unknown>;
    } catch {
      throw new Violation(`the device sent what is no JSON on ${leaf}`);
    }
    const { state } = this;
    if (leaf === "hello") {
      Object.assign(state, { session: message["session"], waitsFor: "nonce", isProven: false, fetches: [] });
    } else if (leaf === "proof") {
      Object.assign(state, { deviceNonce: message["deviceNonce"], waitsFor: "mac" });
    } else {
      if (!state.isProven) throw new Violation(`the device says ${leaf} to a server that has not proved itself`);
      if (message["session"] !== state.session) throw new Violation(`${leaf} of another session`);
      if (leaf === "fetch") state.fetches.push(message as unknown as Fetch);
    }
    this.said.push({ leaf, message });
    this.onSaid({ leaf, message });
  }

  publish(leaf: string, payload: Uint8Array): void {
    if (this.wire.state() !== StreamState.Open) return;
    this.onPublish(leaf, payload);
    this.#publish?.(leaf, payload, leaf === "chunk" ? 0 : 1);
  }

  send(leaf: string, content: object): void {
    this.publish(leaf, encoder.encode(JSON.stringify(content)));
  }

  /** The next step of the session as a true server does it; with another MAC than the right one, as a false one. */
  prove(isTrue: boolean): void {
    const { state } = this;
    const { session, deviceNonce } = state;
    if (state.waitsFor === "nonce") {
      this.send("challenge", { session, nonce: base64url(new Uint8Array(16).fill(7)) });
    } else if (state.waitsFor === "mac") {
      const mac = contactMac(this.deviceSecret, { deviceId: this.deviceId, session, deviceNonce });
      if (!isTrue) mac[31]! ^= 1;
      else state.isProven = true;
      state.waitsFor = "nothing";
      this.send("challenge", { session, accepted: true, mac: base64url(mac) });
    }
  }
}
