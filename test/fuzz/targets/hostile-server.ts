// The end of a device's MQTT connection that a hostile server holds: a policy of the reference server
// (packages/protocol) that answers nothing by itself. Connections and subscriptions are accepted, as they would be;
// what is published to the device is the input's. Keeps what the device said.

import { StreamState } from "@flipside/machine/abi";
import type { Fetch } from "@flipside/protocol/messages";
import type { ConnectReturn } from "@flipside/protocol/mqtt/write";
import { json } from "@flipside/protocol/reference-server/answers";
import { base64url } from "@flipside/protocol/server-messages";
import { type Connection, newConnection, type Session } from "@flipside/protocol/reference-server/connection";
import { admit, hear } from "@flipside/protocol/reference-server/hear";
import type { Policy, Say } from "@flipside/protocol/reference-server/policy";
import { accept, challenge, deceive } from "@flipside/protocol/reference-server/session";
import { type DeviceLeaf, type ServerLeaf, topicPrefixOf } from "@flipside/protocol/topics";
import { MqttWire, type WireServer } from "../../../apps/power-cut/src/server/mqtt-wire.ts";
import { Violation } from "../engine/target.ts";

export interface Said {
  leaf: string;
  message: Record<string, unknown>;
}

/** What a server knows of the connection; copied with the device's state. */
export interface ServerState {
  connection: Connection;
  /** Of the session that was begun last; not answered yet, oldest first. */
  fetches: Fetch[];
}

const noSession: Session = { id: "", nonce: "", deviceNonce: "", signature: "", stage: "over", newest: undefined };

export class HostileServer implements WireServer, Policy {
  readonly wire: MqttWire;
  state: ServerState = { connection: newConnection(""), fetches: [] };
  said: Said[] = [];
  /** The device connects there. */
  onConnect: (host: string, port: number) => void = () => {};
  /** What goes to the device, and what it says. */
  onPublish: (leaf: string, payload: Uint8Array) => void = () => {};
  onSaid: (said: Said) => void = () => {};
  #say: Say = () => {};

  constructor(readonly deviceId: string) {
    this.wire = new MqttWire(this, topicPrefixOf(deviceId));
  }

  // ---- what it knows
  // ----------------------------------------------------------------------------------------------------

  /** The one that the device has begun last. */
  get session(): Session {
    return this.state.connection.sessions.at(-1) ?? noSession;
  }

  /** The device waits for a nonce; or, its proof has come, for the MAC. */
  get waitsFor(): "nothing" | "nonce" | "mac" {
    const { stage } = this.session;
    return stage === "begun" ? "nonce" : stage === "proven" ? "mac" : "nothing";
  }

  /** The device was given the MAC of this session. */
  get isProven(): boolean {
    return this.session.stage === "accepted";
  }

  // ---- the wire
  // ----------------------------------------------------------------------------------------------------

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
    this.state = { connection: newConnection(""), fetches: [] };
  }

  connect(userName: string, password: string | undefined): ConnectReturn {
    const { code, connection } = admit(this, userName, password);
    this.state = { connection, fetches: [] };
    return code;
  }

  message(leaf: DeviceLeaf, payload: Uint8Array, say: Say): void {
    this.#say = say;
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as Record<string, unknown>;
    } catch {
      throw new Violation(`the device sent what is no JSON on ${leaf}`);
    }
    if (leaf !== "hello" && leaf !== "proof") {
      if (!this.isProven) throw new Violation(`the device says ${leaf} to a server that has not proved itself`);
      if (message["session"] !== this.session.id) throw new Violation(`${leaf} of another session`);
    }
    // What an earlier session asked for is not answered in the next.
    if (leaf === "hello") this.state.fetches = [];
    this.state.connection = hear(this.state.connection, leaf, payload, this, say);
    this.said.push({ leaf, message });
    this.onSaid({ leaf, message });
  }

  // ---- the policy
  // ----------------------------------------------------------------------------------------------------

  readonly claimSecret = undefined;
  readonly takesAnyProof = true;

  nonce(): string {
    return base64url(new Uint8Array(16).fill(7));
  }

  /** The secret is looked at in flash. */
  knows(): boolean {
    return true;
  }

  enrolled(): "revoked" {
    return "revoked";
  }

  isSilent(): boolean {
    return true;
  }

  fetched(fetch: Fetch): void {
    this.state.fetches.push(fetch);
  }

  // ---- what the input says
  // ----------------------------------------------------------------------------------------------------

  publish(leaf: ServerLeaf, payload: Uint8Array): void {
    if (this.wire.state() !== StreamState.Open) return;
    this.onPublish(leaf, payload);
    this.#say(leaf, payload);
  }

  send(leaf: ServerLeaf, content: object): void {
    this.publish(leaf, json(content));
  }

  /** The next step of the session as a true server does it; with another MAC than the right one, as a false one. */
  prove(isTrue: boolean): void {
    const { session, state, waitsFor } = this;
    const said: { leaf: ServerLeaf; payload: Uint8Array }[] = [];
    const say: Say = (leaf, payload) => said.push({ leaf, payload });
    if (waitsFor === "nonce") challenge(session, say);
    if (waitsFor === "mac") state.connection = (isTrue ? accept : deceive)(state.connection, session, this, say);
    // Whoever looks at what goes out finds the session as it is then.
    for (const { leaf, payload } of said) this.publish(leaf, payload);
  }
}
