// The connection to the server, as a task: MQTT up, enrolment when this device has no secret yet, then the session, then
// messages to whom they concern.

import { endLine, say, sayNumber } from "../console";
import { Commands } from "../command/commands";
import { divided } from "../divide";
import { Enrolment } from "../enrolment/enrolment";
import { bootPhase, Phase } from "../exokernel";
import { DEVICE_SECRET_BYTES } from "../format";
import { deviceIdBytes, deviceIdPtr } from "../identity/factory";
import { Settings } from "../identity/settings";
import { JsonReader } from "../json/reader";
import { MqttClient, MqttEvent } from "../mqtt/client";
import { Task } from "../scheduler/scheduler";
import { Session } from "../session/session";
import { base64urlEncode } from "../text/base64url";
import { asciiBytes } from "../text/constant";
import { TrustUpdate } from "../trust/trust-update";
import { CHECK_IN_SPACING_MAX_US } from "../update/chunk-fetch";
import { UpdateTask } from "../update/update";
import { Leaf, Mailbox } from "./mailbox";
import { Reporter } from "./report";
import { TrialTask } from "./trial";

const EVENTS_PER_RUN: u32 = 16;
const KEEP_ALIVE_S: u32 = 30;
const BACKOFF_MIN_MS: u32 = 250;
const BACKOFF_MAX_MS: u32 = 30_000;
const POLL_MS_DEFAULT: u32 = 5_000;
const POLL_MS_MIN: u32 = 500;
const POLL_MS_MAX: u32 = 3_600_000;
const TELEMETRY_US: i64 = 10_000_000;
/** A secret that is refused so often in a row is void; the claim may give a new one. */
const REFUSALS_MAX: u32 = 3;
/** CONNACK return codes (MQTT 3.1.1, table 3.1). */
const BAD_USER_NAME_OR_PASSWORD: u32 = 4;
const NOT_AUTHORIZED: u32 = 5;

/** Wraps after 49 days. */
function uptimeMs(nowUs: i64): u32 {
  return <u32>divided(<u64>nowUs, 1000);
}

const password: usize = memory.data(48);
const willTopic: usize = memory.data(96);
const emptyObject: usize = memory.data<u8>([0x7b, 0x7d]);
const enrolPrefix: usize = asciiBytes("enrol:");
const userName: usize = memory.data(64);

export class ConnectionTask extends Task {
  private subscriptionsOpen: u32 = 0;
  private subscribed: u32 = 0;
  private enrolling: bool = false;
  private willTopicBytes: u32 = 0;
  private refusals: u32 = 0;
  private pollUs: i64 = <i64>POLL_MS_DEFAULT * 1000;
  private nextCheckInUs: i64 = 0;
  private lastCheckInUs: i64 = 0;
  private nextTelemetryUs: i64 = 0;

  constructor(
    private mqtt: MqttClient, private mailbox: Mailbox, private settings: Settings, private enrolment: Enrolment,
    private session: Session, private update: UpdateTask, private reporter: Reporter, private trial: TrialTask, private reader: JsonReader,
    private trustUpdate: TrustUpdate, private commands: Commands,
  ) {
    super();
  }

  begin(nowUs: i64): void {
    const s = this.mqtt.settings;
    this.commands.begin(nowUs);
    this.settings.nameServer(s);
    s.clientIdPtr = deviceIdPtr();
    s.clientIdLength = deviceIdBytes();
    s.keepAliveS = KEEP_ALIVE_S;
    s.backoffMinMs = BACKOFF_MIN_MS;
    s.backoffMaxMs = BACKOFF_MAX_MS;
    this.willTopicBytes = this.mailbox.topicOf(Leaf.Gone);
    memory.copy(willTopic, this.mailbox.topicPtr(), this.willTopicBytes);
    s.willTopicPtr = willTopic;
    s.willPayloadPtr = emptyObject;
    s.willPayloadLength = 2;
    s.willQos = 1;
    this.useCredentials(!this.settings.enrolled);
    this.mqtt.start(nowUs);
  }

  remainingWork(): u32 {
    return 0;
  }

  run(nowUs: i64): i64 {
    for (let i: u32 = 0; i < EVENTS_PER_RUN; i++) {
      const event = this.mqtt.poll(nowUs);
      if (event == MqttEvent.None) break;
      this.handle(event, nowUs);
    }
    if (this.mqtt.connected() && this.subscribed > 0 && this.subscribed == this.subscriptionsOpen) {
      if (this.enrolling) this.enrolment.advance(nowUs);
      else this.session.advance(nowUs);
    }
    const moves = this.commands.advance(nowUs);
    this.settings.nameServer(this.mqtt.settings);
    if (moves) this.moveToServer(nowUs);
    if (this.session.proven) this.report(nowUs);
    let wakeUs = this.mqtt.nextWakeUs(nowUs);
    if (this.session.proven) wakeUs = min(wakeUs, min(this.checkInDueUs(), this.nextTelemetryUs));
    if (this.update.deployment.dirty && this.session.proven) wakeUs = min(wakeUs, nowUs + 50_000);
    if (this.commands.isBusy()) wakeUs = min(wakeUs, nowUs + 50_000);
    // Answers that don't come are noticed once a second.
    return min(wakeUs, nowUs + 1_000_000);
  }

  private handle(event: i32, nowUs: i64): void {
    if (event == MqttEvent.Message) {
      this.receive(nowUs);
    } else if (event == MqttEvent.Connected) {
      this.onConnected(nowUs);
    } else if (event == MqttEvent.Subscribed) {
      if (this.mqtt.returnCode < 2) this.subscribed++;
    } else if (event == MqttEvent.Disconnected) {
      say("mqtt disconnected, reason ");
      sayNumber(this.mqtt.reason);
      endLine();
      this.session.reset();
      this.enrolment.reset();
      // After `stop` (credentials have changed) the client waits to be started again.
      this.mqtt.start(nowUs);
    } else if (event == MqttEvent.Refused) {
      this.onRefused();
    }
  }

  private onConnected(nowUs: i64): void {
    say("mqtt connected");
    endLine();
    this.refusals = 0;
    this.session.reset();
    this.enrolment.reset();
    // Of another session: the check-in of the new one says all of it.
    this.mqtt.forgetUnacknowledged();
    this.subscribed = 0;
    this.subscriptionsOpen = 0;
    if (this.enrolling) {
      this.subscribe(Leaf.Enrolled, nowUs);
    } else {
      this.subscribe(Leaf.Challenge, nowUs);
      this.subscribe(Leaf.Offer, nowUs);
      this.subscribe(Leaf.Chunk, nowUs);
      this.subscribe(Leaf.Trust, nowUs);
      this.subscribe(Leaf.Command, nowUs);
    }
  }

  private subscribe(leaf: string, nowUs: i64): void {
    if (this.mailbox.subscribe(leaf, nowUs) >= 0) this.subscriptionsOpen++;
  }

  private onRefused(): void {
    say("mqtt refused, code ");
    sayNumber(this.mqtt.returnCode);
    endLine();
    const credentials = this.mqtt.returnCode == BAD_USER_NAME_OR_PASSWORD || this.mqtt.returnCode == NOT_AUTHORIZED;
    // A server that is on probation has to take the secret that there is: a new one would be worthless to the old server.
    if (this.settings.usesCandidate || !credentials || ++this.refusals < REFUSALS_MAX) return;
    this.refusals = 0;
    // Either way round: a server that lost its data, or a secret that was replaced and is valid again.
    if (this.settings.enrolled) this.useCredentials(!this.enrolling);
  }

  /** The session ends here and now: contact with the server before is none with this one. */
  private moveToServer(nowUs: i64): void {
    this.session.reset();
    this.mqtt.stop(nowUs);
  }

  private useCredentials(enrolling: bool): void {
    this.enrolling = enrolling;
    const s = this.mqtt.settings;
    let length: u32 = 0;
    if (enrolling) {
      memory.copy(userName, enrolPrefix, 6);
      length = 6;
    }
    memory.copy(userName + length, deviceIdPtr(), deviceIdBytes());
    s.userNamePtr = userName;
    s.userNameLength = length + deviceIdBytes();
    // A device that is enrolling may use the topics of enrolment only.
    s.willTopicLength = enrolling ? 0 : this.willTopicBytes;
    s.passwordPtr = password;
    s.passwordLength = enrolling ? 0 : base64urlEncode(password, this.settings.secret, DEVICE_SECRET_BYTES);
  }

  private receive(nowUs: i64): void {
    const mailbox = this.mailbox;
    if (mailbox.isFrom(Leaf.Chunk)) {
      this.update.onChunk(this.mqtt.payloadPtr, this.mqtt.payloadLength, nowUs);
      return;
    }
    if (mailbox.isFrom(Leaf.Trust)) {
      if (this.session.proven && this.trustUpdate.onMessage(this.mqtt.payloadPtr, this.mqtt.payloadLength)) this.checkInAtOnce(nowUs);
      return;
    }
    const reader = this.reader;
    if (reader.open(this.mqtt.payloadPtr, this.mqtt.payloadLength) != 0) return;
    if (mailbox.isFrom(Leaf.Offer)) {
      if (!this.session.proven || !this.session.isOurs()) return;
      if (reader.has("pollMs")) {
        const pollMs = reader.u32("pollMs");
        if (reader.error == 0) this.pollUs = <i64>max(POLL_MS_MIN, min(POLL_MS_MAX, pollMs)) * 1000;
      }
      this.nextCheckInUs = min(this.nextCheckInUs, nowUs + this.pollUs);
      this.update.onOffer(nowUs);
    } else if (mailbox.isFrom(Leaf.Challenge)) {
      if (this.session.onMessage(nowUs)) {
        say("session proven");
        endLine();
        bootPhase(Phase.Proven);
        this.checkInAtOnce(nowUs);
        this.nextTelemetryUs = nowUs;
        this.update.onSessionProven();
        this.commands.onSessionProven();
        this.trial.wake();
      }
    } else if (mailbox.isFrom(Leaf.Command)) {
      if (this.session.proven && this.session.isOurs()) this.commands.onMessage(nowUs);
    } else if (mailbox.isFrom(Leaf.Enrolled)) {
      if (this.enrolling && this.enrolment.onMessage(nowUs)) {
        say("enrolled");
        endLine();
        this.useCredentials(false);
        this.mqtt.stop(nowUs);
      }
    }
  }

  private checkInAtOnce(nowUs: i64): void {
    this.nextCheckInUs = nowUs;
    this.lastCheckInUs = nowUs - CHECK_IN_SPACING_MAX_US;
  }

  /** As the server asked, or later while a slow link is needed for a download. */
  private checkInDueUs(): i64 {
    return max(this.nextCheckInUs, this.lastCheckInUs + this.update.checkInSpacingUs());
  }

  private report(nowUs: i64): void {
    const deployment = this.update.deployment;
    if (deployment.dirty && deployment.exists() && this.reporter.state(deployment)) deployment.dirty = false;
    if (this.trial.changed || nowUs >= this.checkInDueUs()) {
      if (this.reporter.checkIn(deployment, uptimeMs(nowUs))) {
        this.trial.changed = false;
        this.nextCheckInUs = nowUs + this.pollUs;
        this.lastCheckInUs = nowUs;
      } else {
        this.nextCheckInUs = nowUs + 100_000;
      }
    }
    if (nowUs >= this.nextTelemetryUs) {
      this.reporter.crashOfLastRun();
      this.reporter.telemetry(uptimeMs(nowUs));
      this.nextTelemetryUs = nowUs + TELEMETRY_US;
    }
  }
}
