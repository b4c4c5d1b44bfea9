// The device as one program: everything is allocated here, once, and put together; then the scheduler runs it.

import { endLine, say, sayBytes, sayNumber, sayText } from "../console";
import { Commands } from "../command/commands";
import { Configuration } from "../command/configuration";
import { ConnectionCandidate } from "../command/connection-candidate";
import { RollBack } from "../command/roll-back";
import { Enrolment } from "../enrolment/enrolment";
import { bootPhase, clockUs, Phase, watchdogPet } from "../exokernel";
import { feedWatchdogBeforeOperations } from "../flash";
import { BOOT_FLAG_REBUILT, ErrorCode } from "../format";
import { HostStream } from "../host-stream";
import { deviceIdBytes, deviceIdPtr, deviceKeySeed, loadFactoryRecord } from "../identity/factory";
import { Settings } from "../identity/settings";
import { Manifest } from "../image/manifest";
import { PayloadCheck } from "../image/payload-check";
import { JsonReader } from "../json/reader";
import { startLocalService, wakeLocalService } from "../local/service";
import { MqttClient } from "../mqtt/client";
import { MqttSettings } from "../mqtt/settings";
import { Network, TcpStream } from "../net/network";
import { randomBytes, seedRandom } from "../random/random";
import { NEVER_US, Scheduler, Task } from "../scheduler/scheduler";
import { Credentials } from "../session/credentials";
import { Measurement } from "../session/measurement";
import { Session } from "../session/session";
import { Stream } from "../stream";
import { TlsStream } from "../tls/tls-stream";
import { TrustStore } from "../trust/trust-store";
import { TrustUpdate } from "../update/trust-update";
import { Journal } from "../update/journal";
import { UpdateTask } from "../update/update";
import { BootState } from "../boot-state";
import { ConnectionTask } from "./connection";
import { sayEntropy } from "./entropy-line";
import { Mailbox } from "../session/mailbox";
import { Reporter } from "./report";
import { TrialTask } from "./trial";

const INCOMING_BYTES_MAX: u32 = 9000;
const OUTGOING_BYTES: u32 = 4096;
const QOS1_SLOTS: u32 = 4;
const QOS1_SLOT_BYTES: u32 = 1968;
/** A fetch's window comes at once; what is sent is small, and waits in the client where it is not. */
const TCP_RECEIVE_BYTES: u32 = 32768;
const TCP_SEND_BYTES: u32 = 4096;
/** One step's bound, in task runs: the watchdog is fed and the machine may sleep in between. */
const RUNS_PER_STEP: u32 = 32;

/** The network stack as a task; does nothing where the host has streams of its own. */
class NetworkTask extends Task {
  constructor(readonly network: Network) {
    super();
  }

  remainingWork(): u32 {
    return 0;
  }

  run(nowUs: i64): i64 {
    const waitUs = this.network.poll();
    return waitUs == u32.MAX_VALUE ? NEVER_US : nowUs + waitUs;
  }
}

const network = new Network();
const networkTask = new NetworkTask(network);
const tcpStream = new TcpStream(TCP_RECEIVE_BYTES, TCP_SEND_BYTES);
const hostStream = new HostStream();
const trust = new TrustStore();
const boot = new BootState();
const settings = new Settings(boot.log);
const journal = new Journal();
const reader = new JsonReader();
const scheduler = new Scheduler(8, RUNS_PER_STEP);
const random: usize = memory.data(4, 4);

let running: bool = false;

function addTasks(connection: ConnectionTask, trial: TrialTask, update: UpdateTask): void {
  scheduler.add(networkTask);
  scheduler.add(connection);
  scheduler.carrier = connection;
  scheduler.add(trial);
  scheduler.add(update);
  startLocalService(network, boot, scheduler);
}

function clientOver(stream: Stream, mqttSettings: MqttSettings): MqttClient {
  return new MqttClient(
    stream,
    mqttSettings,
    load<u32>(random),
    INCOMING_BYTES_MAX,
    OUTGOING_BYTES,
    QOS1_SLOTS,
    QOS1_SLOT_BYTES,
  );
}

/** Puts the device together. `brokenNetwork` is for an image that has to fail: it never hears anything. */
export function startAgent(brokenNetwork: bool): void {
  feedWatchdogBeforeOperations();
  // Boot control comes before what has two copies: it says which of them is in flux.
  if (
    !loadFactoryRecord() ||
    !boot.load() ||
    !settings.load() ||
    trust.load(boot.log.record.flags) != ErrorCode.None ||
    !journal.load(boot.bootCounter, (boot.log.record.flags & BOOT_FLAG_REBUILT) != 0)
  ) {
    // The boot loader has just used all of these, so this is no state to go on from; the watchdog ends it.
    say("agent: flash is not what the boot loader saw");
    endLine();
    return;
  }
  // Not by a candidate: an image that has not proved itself leaves the keys alone.
  if (!boot.trial) trust.repair(boot.log);
  say("agent of ");
  sayBytes(deviceIdPtr(), deviceIdBytes());
  sayText(", version ");
  sayBytes(boot.running.bytes.dataStart + boot.running.header.versionOffset, boot.running.header.versionBytes);
  sayText(boot.trial ? ", trial, boot " : ", boot ");
  sayNumber(boot.bootCounter);
  endLine();
  bootPhase(boot.trial ? Phase.Trial : Phase.Agent);

  seedRandom(deviceKeySeed(), boot.bootCounter);
  sayEntropy();
  randomBytes(random, 4);
  network.dropEverything = brokenNetwork;
  const hasNic = network.start() >= 0;
  const stream: Stream = hasNic ? changetype<Stream>(tcpStream) : changetype<Stream>(hostStream);
  const mqttSettings = new MqttSettings();
  const credentials = new Credentials(settings, mqttSettings);
  const mqtt = clientOver(new TlsStream(stream, credentials), mqttSettings);
  const mailbox = new Mailbox(mqtt);
  mailbox.open();
  const enrolment = new Enrolment(mailbox, settings, reader);
  enrolment.loadKey();
  const session = new Session(mailbox, settings, reader, new Measurement(boot, trust));
  session.publicKey = enrolment.publicKey;
  const inSlot = new Manifest();
  const inSlotCheck = new PayloadCheck(inSlot, boot.slotA);
  const update = new UpdateTask(boot, trust, journal, mailbox, session, reader, inSlot, inSlotCheck);
  update.recall(clockUs());
  const trial = new TrialTask(boot, session, update.deployment);
  const trustUpdate = new TrustUpdate(boot, trust, update, inSlot);
  const configuration = new Configuration(settings, reader);
  const freshness = update.freshness;
  const reporter = new Reporter(boot, trust, settings, mailbox, session, trial, trustUpdate, configuration, freshness);
  const commands = new Commands(
    boot,
    trust,
    mailbox,
    session,
    reader,
    update,
    new ConnectionCandidate(settings),
    configuration,
    // No update is under way while it looks.
    new RollBack(boot, trust, inSlot, inSlotCheck),
  );
  const task = new ConnectionTask(
    mqtt,
    mailbox,
    settings,
    credentials,
    enrolment,
    session,
    update,
    reporter,
    trial,
    reader,
    trustUpdate,
    commands,
  );
  addTasks(task, trial, update);
  // A host without a NIC gives streams; a broken network there is one that is never opened.
  if (hasNic || !brokenNetwork) task.begin(clockUs());
  running = true;
}

/** Runs what is due; returns microseconds until it wants to run again. */
export function stepAgent(): u32 {
  if (!running) return 1_000_000;
  watchdogPet();
  // Whatever woke the machine, look whether it was the network.
  networkTask.wake();
  wakeLocalService();
  const waitUs = scheduler.step(clockUs());
  // What the connection wrote is to be sent now, not at the stack's next turn; that sets timers of its own.
  return min(waitUs, network.poll());
}
