// The fleet's side, played in the tab: a policy of the reference server (packages/protocol) on a connection in memory.
// It offers what somebody wants of the device, and believes what a proven check-in says.

import { CHUNK_PART_TABLE } from "@flipside/image-format/portable/protocol-constants";
import type { CheckIn, Fetch } from "@flipside/protocol/messages";
import type { ConnectReturn } from "@flipside/protocol/mqtt/write";
import { base64url } from "@flipside/protocol/primitives";
import { deploymentMembers, offer } from "@flipside/protocol/reference-server/answers";
import { newConnection, type Session } from "@flipside/protocol/reference-server/connection";
import { admit, hear } from "@flipside/protocol/reference-server/hear";
import { type Outcome, outcomeOf } from "@flipside/protocol/reference-server/outcome";
import { fetchEnd, piece } from "@flipside/protocol/reference-server/pieces";
import type { Policy, Report, Say } from "@flipside/protocol/reference-server/policy";
import { type DeviceLeaf, topicPrefixOf } from "@flipside/protocol/topics";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { MqttWire, type WireServer } from "../../../../power-cut/src/server/mqtt-wire.ts";
import type { Demonstration, DemonstrationImage } from "./demonstration.ts";
import type { Deployment, FleetEvents, FleetSide } from "./fleet-side.ts";

const POLL_MS = 1_000;
const DEADLINE_MS = 3_600_000;

interface OwnDeployment extends Deployment {
  image: DemonstrationImage;
}

export class TabServer implements WireServer, Policy, FleetSide {
  readonly wire: MqttWire;
  readonly deviceId: string;
  readonly claimSecret: string;
  /** Wanted now, or last. */
  deployment: OwnDeployment | undefined;
  result: Outcome | undefined;
  lastCheckIn: CheckIn | undefined;
  lastReport: Report | undefined;
  /** Chunks of the payload that the device has asked for what comes behind them. */
  chunksFetched: number | undefined;
  readonly #random: SeededRandom;
  readonly #events: FleetEvents;
  /** What enrolment gave: a device whose answer was lost may hold an earlier one. */
  readonly #secrets = new Set<string>();
  #connection = newConnection("");
  #deployments = 0;

  constructor({ deviceId, claimSecret }: Demonstration, random: SeededRandom, events: FleetEvents) {
    this.deviceId = deviceId;
    this.claimSecret = base64url(claimSecret);
    this.#random = random;
    this.#events = events;
    this.wire = new MqttWire(this, topicPrefixOf(deviceId));
  }

  /** From the next check-in on. */
  deploy(image: DemonstrationImage): void {
    this.#deployments++;
    this.deployment = { id: `demonstration-${this.#deployments}`, attempt: 1, image };
    this.result = undefined;
    this.lastReport = undefined;
    this.chunksFetched = undefined;
  }

  /** As the campaign's judge asks for it: undefined while a deployment is under way. */
  get outcome(): string | undefined {
    return this.result?.state;
  }

  // ---- the wire
  // ----------------------------------------------------------------------------------------------------

  isAt(): boolean {
    return true;
  }

  connect(userName: string, password: string | undefined): ConnectReturn {
    const { code, connection } = admit(this, userName, password);
    this.#connection = connection;
    return code;
  }

  message(leaf: DeviceLeaf, payload: Uint8Array, say: Say): void {
    this.#connection = hear(this.#connection, leaf, payload, this, say);
  }

  // ---- the policy
  // ----------------------------------------------------------------------------------------------------

  nonce(): string {
    return base64url(new Uint8Array(16).map(() => this.#random.below(256)));
  }

  knows(secret: string): boolean {
    return this.#secrets.has(secret);
  }

  enrolled(secret: string): undefined {
    this.#secrets.add(secret);
    this.#events.enrolled();
  }

  checkedIn(checkIn: CheckIn, session: Session, say: Say): void {
    this.lastCheckIn = checkIn;
    this.#events.checkedIn(checkIn);
    this.#lookForOutcome(checkIn);
    say("offer", offer(session, POLL_MS, this.#wanted()));
  }

  reported(report: Report): void {
    if (report.deployment !== this.deployment?.id) return;
    this.lastReport = report;
    this.#events.reported(report);
  }

  fetched(fetch: Fetch, _session: Session, say: Say): void {
    if (!this.deployment) return;
    const { image } = this.deployment;
    this.chunksFetched = fetch.part === CHUNK_PART_TABLE ? 0 : fetch.first;
    const end = fetchEnd(image, fetch);
    for (let i = fetch.first; i < end; i++) say("chunk", piece(image, fetch.attempt, fetch.part, i));
  }

  #lookForOutcome(checkIn: CheckIn): void {
    const { deployment } = this;
    if (!deployment || this.result) return;
    this.result = outcomeOf(checkIn, { id: deployment.id, digest: deployment.image.digest });
    if (this.result) this.#events.over(deployment, this.result);
  }

  #wanted(): ReturnType<typeof deploymentMembers> | undefined {
    const { deployment } = this;
    if (!deployment || this.result) return undefined;
    const { id, attempt, image } = deployment;
    return deploymentMembers({ id, attempt, sizeBytes: image.offeredBytes, deadlineMs: DEADLINE_MS, image });
  }
}
