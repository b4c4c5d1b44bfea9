// The seam between the server's features and MQTT. Two implementations: the embedded broker, and a client of any
// other broker. Features know devices and leaves; they never see a topic or a socket.

import type { Channel } from "@flipside/api/channels";
import type { ServerMessage } from "@flipside/protocol/server-messages";
import type { ThingRequest } from "@flipside/protocol/thing-topics";
import type { DeviceLeaf } from "@flipside/protocol/topics";

/**
 * Stands for one connection of a device; compared by identity. With an external broker there is one for each device.
 */
export type Connection = object;

export interface LinkMessage {
  deviceId: string;
  leaf: DeviceLeaf;
  payload: Uint8Array;
  connection: Connection;
  /** How the connection came. */
  channel: Channel;
  /** The client is enrolling: its name is its own claim. Always false where the broker keeps the rights. */
  enrolling: boolean;
  /** Answers on the same connection. */
  reply(message: ServerMessage): Promise<void>;
}

export type CredentialVerdict = "accepted" | "unknown" | "wrong" | "revoked" | "expired";

/** What a client has shown in a TLS handshake, and has the key of. */
export interface ClientCertificate {
  /** Of its DER, in hex. */
  sha256: string;
  validFromMs: number;
  validToMs: number;
}

/** TLS by a pre-shared key: who speaks is known, and what the channel exports binds a password to it. */
export interface ProvenChannel {
  /** MQTT's, as which it has to connect. */
  userName: string;
  /** What the password is a MAC over, in base64url. */
  exported: string;
}

/** By which of the embedded broker's doors a client came. */
export interface CameBy {
  /** "broker": another one's, which knows. */
  channel: Channel;
  /** That it has shown; undefined: none, and it is let in by a password. */
  certificate?: ClientCertificate;
  /** As whom it has proved itself; undefined: as nobody yet. */
  proven?: ProvenChannel;
}

/** To a thing of AWS IoT, on a topic below its prefix. */
export interface ThingMessage {
  leaf: string;
  payload: string;
}

/** What things of AWS IoT say (docs/aws-iot.md). Promises as those of `LinkHandlers`. */
export interface ThingHandlers {
  authenticate(thing: string, certificate: ClientCertificate): Promise<CredentialVerdict>;
  message(message: {
    thing: string;
    request: ThingRequest;
    payload: Uint8Array;
    reply(messages: readonly ThingMessage[]): Promise<void>;
  }): Promise<boolean>;
  connected(thing: string, certificate: ClientCertificate): void;
  closed(thing: string): void;
}

export interface LinkHandlers {
  /**
   * Whether the password shows a secret of the device: it is one, or, on a channel by a pre-shared key, a MAC by one
   * over what the channel `exported`. Only asked by a link that `checksCredentials`.
   */
  authenticate(deviceId: string, password: Uint8Array, exported?: string): Promise<CredentialVerdict>;
  /** Pre-shared keys of TLS by which a client of this MQTT user name may speak; none: nobody is known by it. */
  channelKeys(userName: string): Promise<Uint8Array[]>;
  /**
   * Resolves when the message is dealt with: the sender's next one is not read before, and this one not acknowledged.
   * False: it could not be stored, so it must not be acknowledged at all. Never rejects.
   */
  message(message: LinkMessage): Promise<boolean>;
  /** The connection is gone. May come for connections that said nothing. */
  closed(deviceId: string, connection: Connection): void;
  /** A client tried what it may not. `deviceId` is undefined when it never gave a credible name. */
  refused(deviceId: string | undefined, what: string): void;
  /** Undefined: things of AWS IoT are not served. */
  things?: ThingHandlers | undefined;
}

/** Accounts of devices at a broker that keeps them itself; secrets as the MQTT passwords that they are. */
export interface BrokerAccounts {
  /** Makes those that are missing: to enrol for each claim, and each device's own. */
  sync(claims: string[], devices: { id: string; secret: string }[]): Promise<void>;
  mayEnrol(deviceIds: string[]): Promise<void>;
  /** Resolves when the broker takes it. */
  setSecret(deviceId: string, secret: string): Promise<void>;
  /** Ends the device's connections, too. */
  remove(deviceId: string): Promise<void>;
}

export interface DeviceLink {
  /**
   * Lets devices in: whoever sends to them has the link by then, and what they send goes to these. Throws what
   * listening throws, such as EADDRINUSE.
   */
  open(handlers: LinkHandlers): Promise<void>;
  /** Whether the link itself admits devices by their secrets and keeps topic rights. */
  readonly checksCredentials: boolean;
  /** Only where the broker is elsewhere, and keeps accounts that this server manages. */
  readonly accounts: BrokerAccounts | undefined;
  /** Whether devices can be heard. False when the broker is elsewhere and out of reach for some time. */
  readonly isUp: boolean;
  /** Where devices connect, for the start message; once it is open. */
  readonly address: string;
  /** The port of MQTT in clear, once it is open, or null when there is none, or the broker is elsewhere. */
  readonly port: number | null;
  /** The same for MQTT over WebSocket; null as well when that was not asked for. */
  readonly webSocketPort: number | null;
  /** The same for MQTT over TLS by a pre-shared key. */
  readonly pskPort: number | null;
  /** The same for MQTT over TLS by a certificate. */
  readonly tlsPort: number | null;
  /**
   * Sends to a device, several messages at once. Resolves when the bytes are handed to the operating system, which a
   * slow reader delays: that is the back-pressure that senders of bulk rely on. Resolves to false when nobody listens.
   * Never rejects.
   */
  publish(deviceId: string, messages: readonly ServerMessage[]): Promise<boolean>;
  /** The same to a thing of AWS IoT; where there are none, to false. */
  publishToThing(thing: string, messages: readonly ThingMessage[]): Promise<boolean>;
  /** Bytes that wait for the device to read them, as far as the link can know. */
  bufferedBytes(deviceId: string): number;
  /** Closes the device's connections at once; where the broker is elsewhere, that is the broker's matter. */
  disconnect(deviceId: string): void;
  close(): Promise<void>;
}
