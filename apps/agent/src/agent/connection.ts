// The connection to the server, as a task: MQTT up, enrolment when this device has no secret yet, then the session,
// then messages to whom they concern.

import { endLine, say, sayNumber, sayText } from "../console";
import { Commands } from "../command/commands";
import { divided } from "../divide";
import { Enrolment } from "../enrolment/enrolment";
import { bootPhase, Phase } from "../exokernel";
import { Settings } from "../identity/settings";
import { JsonReader } from "../json/reader";
import { MqttClient, MqttEvent, MqttReason } from "../mqtt/client";
import { refreshRandom } from "../random/random";
import { Task } from "../scheduler/scheduler";
import { Credentials } from "../session/credentials";
import { Session } from "../session/session";
import { TrustUpdate } from "../update/trust-update";
import { CHECK_IN_SPACING_MAX_US } from "../update/chunk-fetch";
import { UpdateTask } from "../update/update";
import { sayEntropy } from "./entropy-line";
import { Leaf, Mailbox } from "../session/mailbox";
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
/** A connection on which no session is proven, or no secret given, by then is of no use. */
const UNPROVEN_US: i64 = 45_000_000;
/** Nothing heard for so long, beyond three polls, ends a proven session. */
const SILENCE_US: i64 = 30_000_000;
/** The settings make no CONNECT: nothing but a command can mend that, so there is no hurry. */
const SETTINGS_RETRY_US: i64 = 30_000_000;
const QOS: u32 = 1;
/** CONNACK return codes (MQTT 3.1.1, table 3.1). */
const BAD_USER_NAME_OR_PASSWORD: u32 = 4;
const NOT_AUTHORIZED: u32 = 5;

/** Wraps after 49 days. */
function uptimeMs(nowUs: i64): u32 {
  return <u32>divided(<u64>nowUs, 1000);
}

const willTopic: usize = memory.data(96);
const willPayload: usize = memory.data(64);
function refusalText(code: u32): string {
  switch (code) {
    case 1:
      return ": protocol version";
    case 2:
      return ": client id";
    case 3:
      return ": server unavailable";
    case BAD_USER_NAME_OR_PASSWORD:
      return ": user name or password";
    default:
      return ": not authorized";
  }
}

export class ConnectionTask extends Task {
  private subscriptionsOpen: u32 = 0;
  private subscribed: u32 = 0;
  private willTopicBytes: u32 = 0;
  private refusals: u32 = 0;
  /** By then the server has to have said something. */
  private deadlineUs: i64 = 0;
  /** It has, since the session is proven. */
  private served: bool = false;
  private pollUs: i64 = <i64>POLL_MS_DEFAULT * 1000;
  private nextCheckInUs: i64 = 0;
  private lastCheckInUs: i64 = 0;
  private nextTelemetryUs: i64 = 0;

  constructor(
    private mqtt: MqttClient,
    private mailbox: Mailbox,
    private settings: Settings,
    private credentials: Credentials,
    private enrolment: Enrolment,
    private session: Session,
    private update: UpdateTask,
    private reporter: Reporter,
    private trial: TrialTask,
    private reader: JsonReader,
    private trustUpdate: TrustUpdate,
    private commands: Commands,
  ) {
    super();
  }

  begin(nowUs: i64): void {
    const s = this.mqtt.settings;
    this.commands.begin(nowUs);
    this.settings.nameServer(s);
    s.keepAliveS = KEEP_ALIVE_S;
    s.backoffMinMs = BACKOFF_MIN_MS;
    s.backoffMaxMs = BACKOFF_MAX_MS;
    this.willTopicBytes = this.mailbox.topicOf(Leaf.Gone);
    memory.copy(willTopic, this.mailbox.topicPtr(), this.willTopicBytes);
    s.willTopicPtr = willTopic;
    s.willPayloadPtr = willPayload;
    s.willQos = 1;
    this.useCredentials(!this.settings.enrolled);
    this.beginConnection();
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
    if (refreshRandom(nowUs)) {
      sayEntropy();
      this.nextCheckInUs = nowUs;
    }
    if (this.mqtt.connected()) this.checkSilence(nowUs);
    if (this.mqtt.connected() && this.subscribed > 0 && this.subscribed == this.subscriptionsOpen) {
      if (this.credentials.enrolling) this.enrolment.advance(nowUs);
      else this.session.advance(nowUs);
    }
    const moves = this.commands.advance(nowUs);
    this.settings.nameServer(this.mqtt.settings);
    if (moves) this.moveToServer(nowUs);
    const configuration = this.commands.configuration;
    if (configuration.changed) this.checkInAtOnce(nowUs);
    configuration.changed = false;
    if (this.session.proven) this.report(nowUs);
    let wakeUs = this.mqtt.nextWakeUs(nowUs);
    if (this.session.proven) wakeUs = min(wakeUs, min(this.checkInDueUs(), this.nextTelemetryUs));
    if (this.update.deployment.dirty && this.session.proven) wakeUs = min(wakeUs, nowUs + 50_000);
    wakeUs = min(wakeUs, this.commands.nextWakeUs(nowUs));
    // Answers that don't come are noticed once a second.
    return min(wakeUs, nowUs + 1_000_000);
  }

  private handle(event: i32, nowUs: i64): void {
    if (event == MqttEvent.Message) {
      this.receive(nowUs);
    } else if (event == MqttEvent.Connected) {
      this.onConnected(nowUs);
    } else if (event == MqttEvent.Subscribed) {
      if (this.mqtt.returnCode == QOS) this.subscribed++;
      else {
        say("mqtt subscription refused, granted ");
        sayNumber(this.mqtt.returnCode);
        endLine();
        this.giveUp(nowUs);
      }
    } else if (event == MqttEvent.Disconnected) {
      this.onDisconnected(nowUs);
    } else if (event == MqttEvent.Refused) {
      this.onRefused();
    }
  }

  /** The next connection has a session of its own, and a last will that names it. */
  private beginConnection(): void {
    this.mqtt.settings.willPayloadLength = this.session.beginConnection(willPayload, 64);
    this.enrolment.reset();
  }

  private onDisconnected(nowUs: i64): void {
    const reason = this.mqtt.reason;
    say("mqtt disconnected, reason ");
    sayNumber(reason);
    endLine();
    if (this.credentials.takeRefusal()) this.countRefusal();
    this.beginConnection();
    // After `stop` (credentials have changed) the client waits to be started again.
    this.mqtt.start(reason == MqttReason.Settings ? nowUs + SETTINGS_RETRY_US : nowUs);
  }

  /** A broker may be legal and of no use: it grants nothing, or takes what is published and hands it to nobody. */
  private giveUp(nowUs: i64): void {
    this.mqtt.giveUp(nowUs);
    this.onDisconnected(nowUs);
    // Enrolment was only a try; the secret may be good again.
    if (this.credentials.enrolling && this.settings.enrolled) this.useCredentials(false);
  }

  /** A connection that brings nothing is ended; a server that has gone silent has to prove itself anew first. */
  private checkSilence(nowUs: i64): void {
    if (nowUs < this.deadlineUs || (this.credentials.enrolling && this.enrolment.isPaused(nowUs))) return;
    say("the server does not answer");
    endLine();
    if (!this.session.proven || !this.served) return this.giveUp(nowUs);
    this.session.reset();
    this.deadlineUs = nowUs + UNPROVEN_US;
  }

  /** A message of the session has come. */
  private heard(nowUs: i64): void {
    if (!this.session.proven) return;
    this.served = true;
    this.deadlineUs = nowUs + 3 * this.pollUs + SILENCE_US;
  }

  private onConnected(nowUs: i64): void {
    say("mqtt connected");
    endLine();
    this.refusals = 0;
    this.deadlineUs = nowUs + UNPROVEN_US;
    // Of another session: the check-in of the new one says all of it.
    this.mqtt.forgetUnacknowledged();
    this.subscribed = 0;
    this.subscriptionsOpen = 0;
    if (this.credentials.enrolling) {
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
    // One that can't be asked for now is never answered, and the deadline ends the connection.
    this.subscriptionsOpen++;
    this.mailbox.subscribe(leaf, nowUs);
  }

  private onRefused(): void {
    say("mqtt refused, code ");
    sayNumber(this.mqtt.returnCode);
    sayText(refusalText(this.mqtt.returnCode));
    endLine();
    this.beginConnection();
    if (this.mqtt.returnCode == BAD_USER_NAME_OR_PASSWORD || this.mqtt.returnCode == NOT_AUTHORIZED)
      this.countRefusal();
  }

  /** The server doesn't take these credentials. */
  private countRefusal(): void {
    // A server that is on probation has to take the secret that there is: a new one would be worthless to the old
    // server.
    if (this.settings.usesCandidate || ++this.refusals < REFUSALS_MAX) return;
    this.refusals = 0;
    // Either way round: a server that lost its data, or a secret that was replaced and is valid again.
    if (this.settings.enrolled) this.useCredentials(!this.credentials.enrolling);
  }

  /** The session ends here and now: contact with the server before is none with this one. */
  private moveToServer(nowUs: i64): void {
    this.session.reset();
    this.mqtt.stop(nowUs);
  }

  private useCredentials(enrolling: bool): void {
    this.credentials.use(enrolling);
    // A device that is enrolling may use the topics of enrolment only.
    this.mqtt.settings.willTopicLength = enrolling ? 0 : this.willTopicBytes;
  }

  private receive(nowUs: i64): void {
    const mailbox = this.mailbox;
    // Kept by the broker from before this subscription: of no session that there is.
    if (this.mqtt.retain) return;
    if (mailbox.isFrom(Leaf.Chunk)) {
      this.heard(nowUs);
      this.update.onChunk(this.mqtt.payloadPtr, this.mqtt.payloadLength, nowUs);
      return;
    }
    if (mailbox.isFrom(Leaf.Trust)) {
      if (this.session.proven && this.trustUpdate.onMessage(this.mqtt.payloadPtr, this.mqtt.payloadLength))
        this.checkInAtOnce(nowUs);
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
      this.heard(nowUs);
      this.update.onOffer(nowUs);
    } else if (mailbox.isFrom(Leaf.Challenge)) {
      const wasProven = this.session.proven;
      if (this.session.onMessage(nowUs)) {
        say("session proven");
        endLine();
        bootPhase(Phase.Proven);
        this.heard(nowUs);
        this.served = false;
        this.checkInAtOnce(nowUs);
        this.nextTelemetryUs = nowUs;
        this.update.onSessionProven();
        this.commands.onSessionProven();
        this.trial.wake();
      } else if (wasProven && !this.session.proven) this.deadlineUs = nowUs + UNPROVEN_US;
    } else if (mailbox.isFrom(Leaf.Command)) {
      if (this.session.proven && this.session.isOurs()) this.commands.onMessage(nowUs);
    } else if (mailbox.isFrom(Leaf.Enrolled)) {
      if (this.credentials.enrolling && this.enrolment.onMessage(nowUs)) {
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
