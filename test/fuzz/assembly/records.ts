// Factory record, settings and journal as the agent loads them at its start. AssemblyScript.

import { BootControlLog } from "../../../apps/agent/src/boot-control/log";
import { deviceIdBytes, hardwareBytes, loadFactoryRecord, productBytes, serverHostBytes } from "../../../apps/agent/src/identity/factory";
import { Settings } from "../../../apps/agent/src/identity/settings";
import { Journal } from "../../../apps/agent/src/update/journal";

const log = new BootControlLog();
const settings = new Settings(log);
const journal = new Journal();
const id: usize = memory.data(48);
const digest: usize = memory.data(32);

export function factory(): i32 {
  if (!loadFactoryRecord()) return 0;
  // Fields that the agent copies to places of these sizes.
  if (deviceIdBytes() == 0 || deviceIdBytes() > 48 || productBytes() > 32 || hardwareBytes() > 32 || serverHostBytes() > 48) unreachable();
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
export function storeSettings(): i32 {
  return settings.store(digest) ? 1 : 0;
}

export function loadJournal(): i32 {
  return journal.load() ? (journal.begun ? 1 : 0) : -1;
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
