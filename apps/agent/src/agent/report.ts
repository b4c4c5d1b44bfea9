// What the device tells the server: check-ins, deployment states, telemetry, and the crash record of the last run.

import { sha256 } from "../crypto";
import { Configuration } from "../command/configuration";
import { BootReason, CRASH_LOG_BYTES, crashLog, CRASH_RECORD_BYTES, crashRecord, Health } from "../exokernel";
import { BOOT_FLAG_REBUILT, COMMAND_ID_BYTES, DIGEST_BYTES, ErrorCode, SlotState } from "../format";
import { hardwareBytes, hardwarePtr, hardwareRevision, productBytes, productPtr } from "../identity/factory";
import { JsonWriter } from "../json/writer";
import { jsonBytesOf, makePrintable } from "../text/printable";
import { Settings } from "../identity/settings";
import { Session } from "../session/session";
import { TrustStore } from "../trust/trust-store";
import { TrustUpdate } from "../update/trust-update";
import { Deployment, deploymentStateName } from "../update/deployment";
import { Freshness } from "../update/freshness";
import { BootState } from "../boot-state";
import { entropyName } from "./entropy-line";
import { Leaf, Mailbox } from "../session/mailbox";
import { TrialTask } from "./trial";

const CHECK_IN_BYTES_MAX: u32 = 1848;

/** Of the crashed run's console, as JSON text: a line feed takes six bytes, a quote two. */
const LOG_TEXT_BYTES_MAX: u32 = 1000;

const crash: usize = memory.data(64, 4);
const trustDigest: usize = memory.data(32);
const crashLines: usize = memory.data(512);

export class Reporter {
  /** Counts this boot's check-ins and states: with the boot counter it orders what this device says. */
  private sequence: u32 = 0;
  private crashTold: bool = false;
  private digestedVersion: u32 = 0;

  constructor(
    private boot: BootState,
    private trust: TrustStore,
    private settings: Settings,
    private mailbox: Mailbox,
    private session: Session,
    private trial: TrialTask,
    private trustUpdate: TrustUpdate,
    private configuration: Configuration,
    private freshness: Freshness,
  ) {}

  /** False when there was no room: try again soon. */
  checkIn(deployment: Deployment, uptimeMs: u32): bool {
    if (!this.mailbox.begin(Leaf.CheckIn, CHECK_IN_BYTES_MAX, 1)) return false;
    const json = this.mailbox.json;
    const boot = this.boot;
    this.session.writeId();
    this.writeOrder(json);
    json.key("product");
    json.string(productPtr(), productBytes());
    json.key("hardware");
    json.string(hardwarePtr(), hardwareBytes());
    json.key("revision");
    json.u32(hardwareRevision());
    json.key("loader");
    json.u32(boot.host.loaderVersion);
    this.writeTrust(json);
    this.writeFreshness(json);
    json.key("bootReason");
    json.text(bootReasonName(boot.bootReason));
    json.key("entropy");
    json.text(entropyName());
    json.key("uptimeMs");
    json.u32(uptimeMs);
    json.key("floor");
    json.u32(boot.floor());
    json.key("health");
    json.text(healthName(this.trial.appHealth));
    this.writeRunning(json);
    this.writeOther(json);
    if (boot.log.record.flags & BOOT_FLAG_REBUILT) {
      json.key("bootControl");
      json.text("rebuilt");
    }
    json.key("slotBytes");
    json.u32(boot.slotA.sizeBytes);
    this.writeConnection(json);
    this.writeConfiguration(json);
    if (deployment.exists()) this.writeDeployment(json, deployment);
    return this.mailbox.send() >= 0;
  }

  private writeTrust(json: JsonWriter): void {
    json.key("trust");
    json.u32(this.trust.trustVersion);
    json.key("trustDigest");
    json.hex(this.digestOfTrust(), DIGEST_BYTES);
    if (this.trustUpdate.refusedCode != ErrorCode.None) {
      json.key("trustRefused");
      json.beginObject();
      json.key("version");
      json.u32(this.trustUpdate.refusedVersion);
      json.key("code");
      json.u32(this.trustUpdate.refusedCode);
      json.endObject();
    }
  }

  /** The newest release state that held, and what is wrong with those that come. */
  private writeFreshness(json: JsonWriter): void {
    const freshness = this.freshness;
    const warning = freshness.warning();
    if (freshness.issuedS == 0 && warning.length == 0) return;
    json.key("releaseState");
    json.beginObject();
    json.key("issued");
    json.u32(freshness.issuedS);
    json.key("until");
    json.u32(freshness.untilS);
    json.key("sequence");
    json.u32(freshness.releaseSequence);
    if (warning.length != 0) {
      json.key("warning");
      json.text(warning);
    }
    json.endObject();
  }

  private writeRunning(json: JsonWriter): void {
    const boot = this.boot;
    json.key("running");
    json.beginObject();
    json.key("slot");
    json.text(slotName(boot.runningSlot));
    json.key("digest");
    json.hex(boot.running.digest.dataStart, DIGEST_BYTES);
    json.key("version");
    json.string(boot.running.bytes.dataStart + boot.running.header.versionOffset, boot.running.header.versionBytes);
    json.key("releaseSequence");
    json.u32(boot.running.header.releaseSequence);
    json.key("state");
    json.text(slotStateName(boot.runningState()));
    json.key("reason");
    json.u32(boot.log.record.slotReason(boot.runningSlot));
    json.endObject();
  }

  private writeOther(json: JsonWriter): void {
    const boot = this.boot;
    json.key("other");
    json.beginObject();
    json.key("slot");
    json.text(slotName(boot.otherSlot()));
    if (boot.otherState() != SlotState.Empty) {
      json.key("digest");
      json.hex(boot.otherDigest(), DIGEST_BYTES);
    }
    json.key("state");
    json.text(slotStateName(boot.otherState()));
    json.key("reason");
    json.u32(boot.otherReason());
    json.endObject();
  }

  private writeDeployment(json: JsonWriter, deployment: Deployment): void {
    json.key("deployment");
    json.beginObject();
    json.key("id");
    json.string(deployment.id, deployment.idBytes);
    json.key("attempt");
    json.u32(deployment.attempt);
    json.key("state");
    json.text(deploymentStateName(deployment.state));
    json.key("code");
    json.u32(deployment.code);
    json.endObject();
  }

  /** False when there was no room: try again soon. */
  state(deployment: Deployment): bool {
    if (!this.mailbox.begin(Leaf.State, 384, 1)) return false;
    const json = this.mailbox.json;
    this.session.writeId();
    json.key("deployment");
    json.string(deployment.id, deployment.idBytes);
    json.key("attempt");
    json.u32(deployment.attempt);
    this.writeOrder(json);
    json.key("state");
    json.text(deploymentStateName(deployment.state));
    json.key("done");
    json.u32(deployment.done);
    json.key("total");
    json.u32(deployment.total);
    json.key("code");
    json.u32(deployment.code);
    if (deployment.waitMs != 0) {
      json.key("waitMs");
      json.u32(deployment.waitMs);
    }
    return this.mailbox.send() >= 0;
  }

  telemetry(uptimeMs: u32): void {
    if (!this.mailbox.begin(Leaf.Telemetry, 256, 0)) return;
    const json = this.mailbox.json;
    this.session.writeId();
    json.key("uptimeMs");
    json.u32(uptimeMs);
    json.key("health");
    json.text(healthName(this.trial.appHealth));
    if (this.trial.appMetricNameBytes > 0) {
      json.key("metric");
      json.string(this.trial.appMetricName(), this.trial.appMetricNameBytes);
      json.key("value");
      json.i32(this.trial.appMetric);
    }
    this.mailbox.send();
  }

  /** Once a boot, when the last run left a crash record. */
  crashOfLastRun(): void {
    if (this.crashTold) return;
    if (crashRecord(crash, CRASH_RECORD_BYTES) < 0) {
      this.crashTold = true;
      return;
    }
    if (!this.mailbox.begin(Leaf.Log, 384 + LOG_TEXT_BYTES_MAX, 0)) return;
    const json = this.mailbox.json;
    this.session.writeId();
    json.key("crash");
    json.beginObject();
    json.key("kind");
    json.text(bootReasonName(load<u32>(crash, 4)));
    json.key("module");
    json.u32(load<u32>(crash, 8));
    json.key("code");
    json.u32(load<u32>(crash, 12));
    json.key("mepc");
    json.u32(load<u32>(crash, 16));
    json.key("mtval");
    json.u32(load<u32>(crash, 20));
    json.key("uptimeMs");
    json.u32(load<u32>(crash, 24));
    json.key("message");
    let length: u32 = 0;
    while (length < 31 && load<u8>(crash + 32 + length) != 0) length++;
    json.string(crash + 32, length);
    json.key("phase");
    json.u32(load<u32>(crash, 28));
    const kept = max(0, crashLog(crashLines, CRASH_LOG_BYTES));
    makePrintable(crashLines, kept);
    const from = newestWithin(crashLines, kept, LOG_TEXT_BYTES_MAX);
    json.key("log");
    json.string(crashLines + from, kept - from);
    json.endObject();
    this.crashTold = this.mailbox.send() >= 0;
  }

  /** SHA-256 of the trust chain that counts; a chain of another version has another one. */
  private digestOfTrust(): usize {
    if (this.digestedVersion != this.trust.trustVersion) {
      this.digestedVersion = this.trust.trustVersion;
      sha256(this.trust.bytes.dataStart, this.trust.chainBytes, trustDigest);
    }
    return trustDigest;
  }

  /** Where this device is connected to, and what became of the last address that a command brought. */
  private writeConnection(json: JsonWriter): void {
    const settings = this.settings;
    const server = this.mailbox.mqtt.settings;
    json.key("connection");
    json.beginObject();
    json.key("host");
    json.string(server.hostPtr, server.hostLength);
    json.key("port");
    json.u32(server.port);
    if (settings.wasCommanded() && !settings.hasCandidate()) {
      json.key("command");
      json.hex(settings.commandId(), COMMAND_ID_BYTES);
      json.key("code");
      json.u32(settings.outcome());
    }
    json.endObject();
  }

  /** What the app goes by, and what it does not. */
  private writeConfiguration(json: JsonWriter): void {
    const configuration = this.configuration;
    const number = this.settings.configurationNumber();
    if (number != 0) {
      json.key("configuration");
      json.beginObject();
      json.key("number");
      json.u32(number);
      json.key("digest");
      json.hex(configuration.digest(), DIGEST_BYTES);
      json.endObject();
    }
    if (configuration.refusedCode == ErrorCode.None) return;
    json.key("configurationRefused");
    json.beginObject();
    json.key("number");
    json.u32(configuration.refusedNumber);
    json.key("code");
    json.u32(configuration.refusedCode);
    if (configuration.refusedCode == ErrorCode.ConfigurationRefused) {
      json.key("appCode");
      json.i32(configuration.appCode);
      json.key("text");
      json.string(configuration.text(), configuration.textBytes);
    }
    json.endObject();
  }

  private writeOrder(json: JsonWriter): void {
    json.key("boot");
    json.u32(this.boot.bootCounter);
    json.key("sequence");
    json.u32(++this.sequence);
  }
}

/** Where the newest part of a printable text begins that takes at most `bytesMax` in a JSON string. */
function newestWithin(ptr: usize, length: u32, bytesMax: u32): u32 {
  let left: i32 = bytesMax;
  while (length > 0) {
    left -= jsonBytesOf(load<u8>(ptr + length - 1));
    if (left < 0) break;
    length--;
  }
  return length;
}

function slotName(slot: u32): string {
  return slot == 0 ? "a" : "b";
}

function slotStateName(state: u32): string {
  if (state == SlotState.Candidate) return "candidate";
  if (state == SlotState.Confirmed) return "confirmed";
  return state == SlotState.Failed ? "failed" : "empty";
}

function healthName(health: u32): string {
  if (health == Health.Healthy) return "healthy";
  return health == Health.Unhealthy ? "unhealthy" : "unknown";
}

function bootReasonName(reason: u32): string {
  switch (reason) {
    case BootReason.Requested:
      return "requested";
    case BootReason.Update:
      return "update";
    case BootReason.RollBack:
      return "roll-back";
    case BootReason.Trap:
      return "trap";
    case BootReason.Watchdog:
      return "watchdog";
    case BootReason.Pin:
      return "reset-pin";
    case BootReason.Unknown:
      return "unknown";
    default:
      return "power-on";
  }
}
