// The least server that a device can be updated by: a policy of the reference server (packages/protocol) that a test
// writes, on a clock that the test moves (or, by tcp-front.ts, on a port and the machine's). It does everything at once
// and in the same order each time.

import type { Duplex } from "node:stream";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { HostClock } from "@flipside/machine/clock";
import type { Connect } from "@flipside/machine/node/streams";
import type { CheckIn as AnyCheckIn, CommandAnswer, Fetch, LogPart } from "@flipside/protocol/messages";
import { PacketCutter } from "@flipside/protocol/mqtt/packet-cutter";
import { publishPacket } from "@flipside/protocol/mqtt/write";
import { command, deploymentMembers, offer } from "@flipside/protocol/reference-server/answers";
import { base64url, type OfferMembers } from "@flipside/protocol/server-messages";
import { newConnection, type Session } from "@flipside/protocol/reference-server/connection";
import { admit, hear } from "@flipside/protocol/reference-server/hear";
import { type Behind, takePacket } from "@flipside/protocol/reference-server/mqtt-end";
import { outcomeOf } from "@flipside/protocol/reference-server/outcome";
import { fetchEnd, piece } from "@flipside/protocol/reference-server/pieces";
import type { Policy, Report, Say } from "@flipside/protocol/reference-server/policy";
import { type DeviceLeaf, qosOf, topicPrefixOf } from "@flipside/protocol/topics";
import { ClockedWire, WIRE_US } from "./clocked-wire.ts";
import type { UpdateImage } from "./images.ts";

const POLL_MS = 1_000;
const DEADLINE_MS = 3_600_000;

/** Older agents left out the server that they are connected to; those that this server is for do not. */
export type CheckIn = AnyCheckIn & Required<Pick<AnyCheckIn, "connection">>;

/** Where a connection's answers go. */
export interface ToDevice {
  toDevice(bytes: Uint8Array): void;
}

export class ScriptedServer implements Policy {
  /** What the device shall run; undefined: it may stay as it is. */
  deployment: { id: string; attempt: number; image: UpdateImage } | undefined;
  /** Sent after each check-in that says a lower version. */
  trust: { version: number; chain: Uint8Array } | undefined;
  lastCheckIn: CheckIn | undefined;
  pollMs = POLL_MS;
  onCheckIn: (checkIn: CheckIn) => void = () => {};
  /**
   * After the offer that answers a check-in: what else is said in the session. `send` takes a command's bytes, and
   * those of the document that goes with it.
   */
  afterCheckIn: (
    checkIn: CheckIn,
    session: Session,
    send: (command: Uint8Array, document?: Uint8Array) => void,
  ) => void = () => {};
  /** What devices answered to commands, oldest first. */
  readonly answers: { command: string; code: number }[] = [];
  /** What they said of their deployments, oldest first. */
  readonly reports: Report[] = [];
  /** Parts of its console, as they came. */
  readonly logParts: LogPart[] = [];
  /** Under which addresses anybody listens. */
  listens: (host: string, port: number) => boolean = () => true;
  readonly deviceId: string;
  readonly claimSecret: string;
  readonly #topicPrefix: string;
  #packetId = 0;
  #newestWire: ClockedWire | undefined;

  /** `secrets`: what enrolment gave, base64url; a device whose answer was lost may hold an earlier one. */
  constructor(
    readonly clock: HostClock,
    readonly random: SeededRandom,
    device: { id: string; claimSecret: Uint8Array },
    readonly secrets: string[] = [],
  ) {
    this.deviceId = device.id;
    this.claimSecret = base64url(device.claimSecret);
    this.#topicPrefix = topicPrefixOf(device.id);
  }

  // ---- connections
  // ----------------------------------------------------------------------------------------------------

  readonly connect: Connect = (host, port) => {
    let receive: (bytes: Buffer) => void = () => {};
    const wire = new ClockedWire(this.clock, (bytes) => receive(bytes));
    receive = this.serve(wire);
    this.#newestWire = wire;
    this.clock.after(WIRE_US, () => wire.isDown || wire.emit(this.listens(host, port) ? "connect" : "close"));
    return wire as unknown as Duplex;
  };

  /** Ends the device's connection. */
  hangUp(): void {
    this.#newestWire?.end();
  }

  /**
   * A connection from its begin: returns what takes the bytes that the device sends. That throws at bytes that are no
   * MQTT.
   */
  serve(wire: ToDevice): (bytes: Buffer) => void {
    let connection = newConnection("");
    const say: Say = (leaf, payload) => {
      this.#packetId = (this.#packetId % 0xffff) + 1;
      const options = { qos: qosOf(leaf), packetId: this.#packetId };
      wire.toDevice(publishPacket(this.#topicPrefix + leaf, payload, options));
    };
    const behind: Behind = {
      connect: (userName, password) => {
        const admitted = admit(this, userName, password);
        ({ connection } = admitted);
        return admitted.code;
      },
      message: (topic, payload) => {
        const leaf = topic.slice(this.#topicPrefix.length) as DeviceLeaf;
        connection = hear(connection, leaf, payload, this, say);
      },
    };
    const fromDevice = new PacketCutter();
    return (bytes) => fromDevice.take(bytes, (packet) => takePacket(packet, behind, (answer) => wire.toDevice(answer)));
  }

  // ---- the policy
  // ----------------------------------------------------------------------------------------------------

  nonce(): string {
    return base64url(new Uint8Array(16).map(() => this.random.below(256)));
  }

  knows(secret: string): boolean {
    return this.secrets.includes(secret);
  }

  /** Again, too: its key is the factory's. */
  enrolled(secret: string): undefined {
    this.secrets.push(secret);
  }

  checkedIn(said: AnyCheckIn, session: Session, say: Say): void {
    const checkIn = said as CheckIn;
    this.lastCheckIn = checkIn;
    this.onCheckIn(checkIn);
    if (this.trust && checkIn.trust < this.trust.version) say("trust", this.trust.chain);
    say("offer", offer(session, this.pollMs, this.#deploymentMembers()));
    this.afterCheckIn(checkIn, session, (signed, document) => say("command", command(session, signed, document)));
  }

  reported(report: Report): void {
    this.reports.push(report);
  }

  answered(answer: CommandAnswer): void {
    this.answers.push({ command: answer.command, code: answer.code });
  }

  logged({ command, part, parts, text }: LogPart): void {
    this.logParts.push({ command, part, parts, text });
  }

  fetched(fetch: Fetch, _session: Session, say: Say): void {
    const { image } = this.deployment!;
    const end = fetchEnd(image, fetch);
    for (let i = fetch.first; i < end; i++) say("chunk", piece(image, fetch.attempt, fetch.part, i));
  }

  /** How the deployment ended, as the device's check-ins prove it; undefined while it has not. */
  get outcome(): string | undefined {
    const { deployment, lastCheckIn } = this;
    if (!deployment || !lastCheckIn) return undefined;
    const outcome = outcomeOf(lastCheckIn, { id: deployment.id, digest: deployment.image.digest });
    if (outcome?.state === "failed" || outcome?.state === "rejected")
      return `${outcome.state} with code ${outcome.code}`;
    return outcome?.state;
  }

  #deploymentMembers(): OfferMembers | undefined {
    const { deployment } = this;
    if (!deployment || this.outcome !== undefined) return undefined;
    const { id, attempt, image } = deployment;
    return deploymentMembers({ id, attempt, sizeBytes: image.file.length, deadlineMs: DEADLINE_MS, image });
  }
}
