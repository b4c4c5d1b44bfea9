// A real fleet as a bench knows it: what device and server say to each other is listened to, and nothing of it is
// changed. What can't be read is of no matter here: device and server judge it themselves.

import { StreamState } from "@flipside/machine/abi";
import type { RunStreams } from "@flipside/machine/machine";
import { FormatError } from "@flipside/image-format";
import { CHUNK_PART_TABLE } from "@flipside/image-format/portable/protocol-constants";
import { type CheckIn, checkInMessage, fetchMessage, parseControl, stateMessage } from "@flipside/protocol/messages";
import { MalformedPacket, type Packet, PacketType } from "@flipside/protocol/mqtt/packet";
import { PacketCutter } from "@flipside/protocol/mqtt/packet-cutter";
import { readPublish } from "@flipside/protocol/mqtt/read";
import { ConnectReturn } from "@flipside/protocol/mqtt/write";
import { fromBase64url } from "@flipside/protocol/primitives";
import { type Outcome, outcomeOf } from "@flipside/protocol/reference-server/outcome";
import { challengeMessage, enrolledMessage, offerMessage } from "@flipside/protocol/server-messages";
import { leafBelow, topicPrefixOf } from "@flipside/protocol/topics";
import type { Deployment, FleetConnection, FleetSide, RealFleetEvents } from "./fleet-side.ts";
import { knownImage } from "./known-image.ts";

/** Both ways of one connection. */
interface Tap {
  up: PacketCutter;
  down: PacketCutter;
}

/** Undefined: it is no such message. */
function read<T>(schema: { safeParse(value: unknown): { data?: T } }, payload: Uint8Array): T | undefined {
  const parsed = parseControl(payload);
  return "object" in parsed ? schema.safeParse(parsed.object).data : undefined;
}

export class TappedFleet implements FleetSide {
  deployment: Deployment | undefined;
  result: Outcome | undefined;
  lastCheckIn: CheckIn | undefined;
  lastReport: { state: string } | undefined;
  chunksFetched: number | undefined;
  readonly #events: RealFleetEvents;
  readonly #topicPrefix: string;
  #connection: FleetConnection = "none";

  constructor(deviceId: string, events: RealFleetEvents) {
    this.#events = events;
    this.#topicPrefix = topicPrefixOf(deviceId);
  }

  get outcome(): string | undefined {
    return this.result?.state;
  }

  /** The streams of a run, with their bytes told to this. */
  tapped(streams: RunStreams): RunStreams {
    const taps = new Map<number, Tap>();
    this.#become("none");
    return {
      open: (host, port) => {
        const handle = streams.open(host, port);
        if (handle < 0) return handle;
        taps.set(handle, { up: new PacketCutter(), down: new PacketCutter() });
        if (this.#connection !== "proven") this.#become("connecting");
        return handle;
      },
      state: (handle) => {
        const state = streams.state(handle);
        if (state === StreamState.Closed) this.#gone(handle, taps, "lost");
        return state;
      },
      read: (handle, target) => {
        const taken = streams.read(handle, target);
        if (taken > 0) this.#listen(taps.get(handle)?.down, target.subarray(0, taken), (packet) => this.#down(packet));
        return taken;
      },
      write: (handle, source) => {
        const taken = streams.write(handle, source);
        if (taken > 0) this.#listen(taps.get(handle)?.up, source.subarray(0, taken), (packet) => this.#up(packet));
        return taken;
      },
      close: (handle) => {
        // The device's own doing, as after its enrolment.
        this.#gone(handle, taps, "none");
        return streams.close(handle);
      },
      destroy: () => {
        streams.destroy();
        this.#become("none");
      },
    };
  }

  #gone(handle: number, taps: Map<number, Tap>, state: "lost" | "none"): void {
    if (!taps.delete(handle) || taps.size > 0 || this.#connection === "refused") return;
    this.#become(state);
  }

  #become(state: FleetConnection): void {
    if (state === this.#connection) return;
    this.#connection = state;
    this.#events.connection(state);
  }

  #listen(cutter: PacketCutter | undefined, bytes: Uint8Array, onPacket: (packet: Packet) => void): void {
    try {
      // A copy: the device's memory is its own again.
      cutter?.take(bytes.slice(), onPacket);
    } catch (error) {
      // No MQTT any more: whoever is meant closes the connection.
      if (!(error instanceof MalformedPacket)) throw error;
    }
  }

  // ---- what the device says
  // ------------------------------------------------------------------------------------------------

  #up(packet: Packet): void {
    if (packet.type !== PacketType.Publish) return;
    const { topic, payload } = readPublish(packet);
    switch (leafBelow(this.#topicPrefix, topic)) {
      case "check-in": {
        const checkIn = read(checkInMessage, payload);
        if (checkIn) this.#checkedIn(checkIn);
        break;
      }
      case "state": {
        const report = read(stateMessage, payload);
        if (report === undefined || report.deployment !== this.deployment?.id) break;
        this.lastReport = report;
        this.#events.reported(report);
        break;
      }
      case "fetch": {
        const fetch = read(fetchMessage, payload);
        if (fetch !== undefined) this.chunksFetched = fetch.part === CHUNK_PART_TABLE ? 0 : fetch.first;
        break;
      }
    }
  }

  #checkedIn(checkIn: CheckIn): void {
    this.lastCheckIn = checkIn;
    this.#events.checkedIn(checkIn);
    const { deployment } = this;
    if (!deployment || this.result) return;
    this.result = outcomeOf(checkIn, { id: deployment.id, digest: deployment.image.digest });
    if (this.result) this.#events.over(deployment, this.result);
  }

  // ---- what the server says
  // ------------------------------------------------------------------------------------------------

  #down(packet: Packet): void {
    // Section 3.2.2.3 of MQTT: the last byte of a CONNACK is its return code.
    if (packet.type === PacketType.Connack)
      this.#become(packet.whole.at(-1) === ConnectReturn.Accepted ? "connected" : "refused");
    if (packet.type !== PacketType.Publish) return;
    const { topic, payload } = readPublish(packet);
    switch (leafBelow(this.#topicPrefix, topic)) {
      case "enrolled": {
        const enrolled = read(enrolledMessage, payload);
        if (enrolled?.step === 2 && "ok" in enrolled && enrolled.ok) this.#events.enrolled();
        if (enrolled !== undefined && "error" in enrolled) this.#become("refused");
        break;
      }
      case "challenge": {
        const challenge = read(challengeMessage, payload);
        if (challenge === undefined || !("accepted" in challenge)) break;
        // Other refusals make the device begin its session anew.
        if (challenge.accepted) this.#become("proven");
        else if (challenge.error === "revoked" || challenge.error === "proof-invalid") this.#become("refused");
        break;
      }
      case "offer":
        return this.#offered(payload);
      case "trust":
        return this.#events.trusted(payload);
      case "command":
        return this.#events.commanded();
    }
  }

  #offered(payload: Uint8Array): void {
    const offer = read(offerMessage, payload);
    if (offer?.deployment === undefined) return;
    const { deployment: id, attempt, header } = offer;
    if (id === this.deployment?.id && attempt === this.deployment.attempt) return;
    let image;
    try {
      image = knownImage(fromBase64url(header));
    } catch (error) {
      // No header: the device refuses it.
      if (error instanceof FormatError) return;
      throw error;
    }
    this.deployment = { id, attempt, image };
    this.result = this.lastReport = this.chunksFetched = undefined;
    this.#events.offered(image);
  }
}
