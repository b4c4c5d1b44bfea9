// Factory record, settings and journal as the agent loads them at its start. AssemblyScript.

import { BootControlLog } from "../../../apps/agent/src/boot-control/log";
import { ConnectionCandidate } from "../../../apps/agent/src/command/connection-candidate";
import {
  deviceIdBytes,
  hardwareBytes,
  loadFactoryRecord,
  productBytes,
  serverHostBytes,
} from "../../../apps/agent/src/identity/factory";
import { Settings } from "../../../apps/agent/src/identity/settings";
import { MqttSettings } from "../../../apps/agent/src/mqtt/settings";
import { Journal } from "../../../apps/agent/src/update/journal";

const log = new BootControlLog();
const settings = new Settings(log);
const connection = new ConnectionCandidate(settings);
const journal = new Journal();
const client = new MqttSettings();
const id: usize = memory.data(48);
const digest: usize = memory.data(32);

export function factory(): i32 {
  if (!loadFactoryRecord()) return 0;
  // Fields that the agent copies to places of these sizes.
  if (
    deviceIdBytes() == 0 ||
    deviceIdBytes() > 48 ||
    productBytes() > 32 ||
    hardwareBytes() > 32 ||
    serverHostBytes() > 48
  )
    unreachable();
  return 1;
}

/** -1 when the zone can't be used; else whether a secret was found. */
export function loadSettings(): i32 {
  if (log.open() < 0) return -1;
  log.scan();
  return settings.load() ? (settings.enrolled ? 1 : 0) : -1;
}
export function secret(): usize {
  return settings.secret;
}
export function candidateTries(): i32 {
  return settings.hasCandidate() ? settings.candidateTries() : -1;
}
export function outcome(): i32 {
  return settings.wasCommanded() ? settings.outcome() : -1;
}
export function commandId(): usize {
  return settings.commandId();
}
/** What the client would connect to next: the port; then where the host is, and its length. */
export function server(usesCandidate: bool): u32 {
  settings.usesCandidate = usesCandidate;
  settings.nameServer(client);
  return client.port;
}
export function host(): usize {
  return client.hostPtr;
}
export function hostBytes(): u32 {
  return client.hostLength;
}

/** Of the configuration in force: its number, 0 for none. */
export function configurationNumber(): u32 {
  return settings.configurationNumber();
}
export function configurationDocument(): usize {
  return settings.configurationDocument();
}
export function configurationBytes(): u32 {
  return settings.configurationBytes();
}

/** New content of the caller's: a secret, or an address and the command's id, or a document. */
export const given: usize = memory.data(1024, 8);

export function storeConfiguration(number: u32, bytes: u32): i32 {
  return settings.storeConfiguration(number, given, bytes) ? 1 : 0;
}

/** 2: stored, and the agent would enrol again all the same. */
export function storeSettings(): i32 {
  return settings.store(given) ? (settings.enrolled ? 1 : 2) : 0;
}
export function propose(tries: u32): i32 {
  return settings.propose(given, given + 64, tries) ? 1 : 0;
}
export function recordTry(): i32 {
  return settings.recordTry() ? 1 : 0;
}
export function keepCandidate(): i32 {
  return settings.keepCandidate() ? 1 : 0;
}
export function dropCandidate(code: u32): i32 {
  settings.dropCandidate(code);
  return 1;
}

/** A run begins; whether the candidate is what it connects to. */
export function beginRun(busy: bool): i32 {
  settings.usesCandidate = false;
  connection.begin(1000, busy);
  return settings.usesCandidate ? 1 : 0;
}

/** The boot counter of the run that reads the journal. */
const RUN: u32 = 9;

export function loadJournal(): i32 {
  return journal.load(RUN, false) ? (journal.begun ? 1 : 0) : -1;
}
export function journalDigest(): usize {
  return journal.digest;
}
export function journalIdBytes(): u32 {
  return journal.deploymentIdBytes;
}
export function isSealed(sector: u32): bool {
  return journal.isSealed(sector);
}
/** Goes on where the journal says, as an update does. */
export function goOn(): i32 {
  if (journal.resume(id, 48, 1) && journal.seal(1)) return 1;
  return journal.begin(digest, 1, id, 48, 2) && journal.seal(2) ? 2 : 0;
}
