// What an update counts and keeps, part by part: the journal, the budget of its beginnings, what is said of the
// deployment, and the chunk table. Called as update/update.ts calls them. AssemblyScript.

import { BootState } from "../../../apps/agent/src/boot-state";
import { Manifest } from "../../../apps/agent/src/image/manifest";
import { BeginBudget } from "../../../apps/agent/src/update/begin-budget";
import { Deployment } from "../../../apps/agent/src/update/deployment";
import { Journal } from "../../../apps/agent/src/update/journal";
import { SealedSlot } from "../../../apps/agent/src/update/sealed-slot";

const boot = new BootState();
const journal = new Journal();
const budget = new BeginBudget(boot, journal);
const manifest = new Manifest();
const slot = new SealedSlot(boot, journal, manifest, new Manifest());
const deployment = new Deployment();
/** Behind all that, so that a snapshot, which ends with the last byte that is not 0, has it whole. */
store<u32>(heap.alloc(4), 1);

/** The caller's: a digest and a deployment id; a piece of a table. */
export const digest: usize = memory.data(32, 8);
export const id: usize = memory.data(48, 8);
const piece: usize = memory.data(4096, 8);

// ---- journal and budget
// ------------------------------------------------------------------------------------------------

/** A run of the device begins. */
export function start(run: u32, isLogNew: bool, nowUs: f64): bool {
  budget.start(<i64>nowUs);
  return journal.load(run, isLogNew);
}
/** The image of `digest` runs in slot 0, in this state. */
export function runs(state: u32): void {
  memory.copy(boot.running.digest.dataStart, digest, 32);
  boot.log.record.setSlot(0, state, 0, 0);
}
export function earliestUs(slot: u32, nowUs: f64): f64 {
  return <f64>budget.earliestUs(digest, slot, <i64>nowUs);
}
export function begin(slot: u32, idBytes: u32, attempt: u32, isReuse: bool, nowUs: f64): bool {
  budget.spend(digest, slot, <i64>nowUs);
  return journal.begin(digest, slot, id, idBytes, attempt, isReuse);
}
export function resume(slot: u32, idBytes: u32, attempt: u32, nowUs: f64): bool {
  budget.spend(digest, slot, <i64>nowUs);
  return journal.resume(id, idBytes, attempt);
}
export function seal(sector: u32): bool {
  return journal.seal(sector);
}
export function isFor(slot: u32): bool {
  return journal.isFor(digest, slot);
}
export function isSealed(sector: u32): bool {
  return journal.isSealed(sector);
}
export function hasAdvanced(): bool {
  return journal.hasAdvanced();
}
export function isBegun(): bool {
  return journal.begun;
}
export function begunDigest(): usize {
  return journal.digest;
}
export function begunId(): usize {
  return journal.deploymentId;
}
export function begunIdBytes(): u32 {
  return journal.deploymentIdBytes;
}
export function begunAttempt(): u32 {
  return journal.attempt;
}

// ---- deployment
// --------------------------------------------------------------------------------------------------------

export function take(idBytes: u32, attempt: u32): void {
  deployment.take(id, idBytes, attempt);
}
export function exists(): bool {
  return deployment.exists();
}
export function isThis(idBytes: u32, attempt: u32): bool {
  return deployment.isThis(id, idBytes, attempt);
}
export function enter(state: i32, code: i32): void {
  deployment.enter(state, code);
}
export function putOff(waitMs: u32): void {
  deployment.putOff(waitMs);
}
export function progress(done: u32, total: u32): void {
  deployment.progress(done, total);
}
/** The server was told, as a `state` message does. */
export function told(): void {
  deployment.dirty = false;
}
export function isDirty(): bool {
  return deployment.dirty;
}
export function state(): i32 {
  return deployment.state;
}
export function code(): i32 {
  return deployment.code;
}
export function waitMs(): u32 {
  return deployment.waitMs;
}
export function done(): u32 {
  return deployment.done;
}
export function total(): u32 {
  return deployment.total;
}

// ---- chunk table
// -------------------------------------------------------------------------------------------------------

/** The image in slot B is the one that is to be written there. */
export function manifestFromSlot(): i32 {
  if (boot.slotA.open() < 0 || boot.slotB.open() < 0) return -1;
  return manifest.readSlot(boot.slotB);
}
/** ... or one with so many chunks. */
export function setChunkCount(count: u32): void {
  manifest.header.chunkCount = count;
}
export function takeTablePiece(index: u32, bytes: u32): bool {
  return slot.takeTablePiece(index, piece, bytes);
}
export function tableFromSlot(): bool {
  return slot.tableFromSlot();
}
