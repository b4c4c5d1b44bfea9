// A whole handshake between the client under test and the server of peer.ts, over no socket: each message is named, so
// that a test can leave it out, say it twice, change it, or say it at another moment.

import { ScriptedStreams } from "../mqtt/host-streams.ts";
import { ContentType, type PeerOptions, record, recordsIn, TlsPeer } from "./peer.ts";
import { OPEN, PINNED_KEY, PRE_SHARED_KEY, TlsDevice } from "./tls-device.ts";

export type Step =
  | "serverHello"
  | "encryptedExtensions"
  | "certificateRequest"
  | "certificate"
  | "certificateVerify"
  | "finished";

export const pskSteps: readonly Step[] = ["serverHello", "encryptedExtensions", "finished"];
export const pinnedSteps: readonly Step[] = [
  "serverHello",
  "encryptedExtensions",
  "certificate",
  "certificateVerify",
  "finished",
];

/** What a test changes: the message of a step before it goes to the client. The transcript has the right one. */
export type Change = (step: Step, message: Buffer, peer: TlsPeer) => Buffer;

export class ScriptedHandshake {
  readonly streams = new ScriptedStreams();
  readonly device: TlsDevice;
  readonly peer: TlsPeer;

  constructor(
    module: WebAssembly.Module,
    options: PeerOptions & { key: Buffer; clientKey?: Buffer; identity?: string },
  ) {
    const { certificate, key, clientKey = key, identity = "device-1" } = options;
    const mode = certificate === undefined ? PRE_SHARED_KEY : PINNED_KEY;
    this.device = new TlsDevice(module, this.streams, { mode, key: clientKey, identity });
    this.peer = new TlsPeer(certificate === undefined ? { key } : { certificate });
  }

  /** Up to ClientHello. */
  begin(): this {
    this.device.open();
    this.streams.accept();
    this.poll();
    this.peer.hear(this.streams.take());
    return this;
  }

  poll(times = 4): void {
    for (let i = 0; i < times; i++) void this.device.state;
  }

  /** Gives bytes to the client, in parts of `partBytes`. */
  give(bytes: Buffer, partBytes = Infinity): void {
    for (let at = 0; at < bytes.length; at += partBytes) {
      this.streams.incoming.push(Buffer.from(bytes.subarray(at, at + partBytes)));
      if (partBytes !== Infinity) this.poll(1);
    }
    this.poll();
  }

  /** The message that is right there, noted. */
  make(step: Step): Buffer {
    const { peer } = this;
    const made = peer.note(peer[step]());
    if (step === "serverHello") peer.agree();
    return made;
  }

  /** The record of a message, by the keys in force before it. */
  wrap(step: Step, message: Buffer): Buffer {
    if (step === "serverHello") return record(ContentType.handshake, message);
    return this.peer.writing.seal(ContentType.handshake, message);
  }

  /** All steps in their order, as changed. */
  run(steps: readonly Step[], change: Change = (_step, message) => message): this {
    for (const step of steps) {
      const made = this.make(step);
      this.give(this.wrap(step, change(step, made, this.peer)));
    }
    this.peer.reachMain();
    this.peer.writeTraffic();
    return this;
  }

  get isOpen(): boolean {
    return this.device.state === OPEN;
  }

  /** What the client has said since, opened. Alerts in clear as they are. */
  said(): { type: number; content: Buffer }[] {
    return recordsIn(this.streams.take()).map((each) =>
      each[0] === ContentType.applicationData
        ? this.peer.reading.open(each)
        : { type: each[0]!, content: Buffer.from(each.subarray(5)) },
    );
  }
}
