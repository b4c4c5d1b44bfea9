// Trust chains as they come to an agent that runs, and chains that are checked one after the other. AssemblyScript.

import { BootState } from "../../../apps/agent/src/boot-state";
import { ErrorCode } from "../../../apps/agent/src/format";
import { Manifest } from "../../../apps/agent/src/image/manifest";
import { TrustChain } from "../../../apps/agent/src/trust/trust-chain";
import { TrustStore } from "../../../apps/agent/src/trust/trust-store";
import { TrustUpdate } from "../../../apps/agent/src/update/trust-update";
import { UpdateTask } from "../../../apps/agent/src/update/update";

const boot = new BootState();
const trust = new TrustStore();
/** Of it, only its phase is asked for. */
const update = changetype<UpdateTask>(heap.alloc(offsetof<UpdateTask>()));
const trustUpdate = new TrustUpdate(boot, trust, update, new Manifest());
const alone = new TrustChain();

/** Whether boot control and a trust chain hold. */
export function start(): i32 {
  setPhase(0);
  return boot.load() && trust.load(boot.log.record.flags) == ErrorCode.None ? 1 : 0;
}
/** Of the update, as in update/update.ts. */
export function setPhase(phase: i32): void {
  store<i32>(changetype<usize>(update), phase, offsetof<UpdateTask>("phase"));
}
/** What makes the device busy otherwise is over: a trial, or the look for contact. */
export function settle(): i32 {
  return (boot.trial ? boot.confirm() : boot.failCandidate(ErrorCode.NoContact)) ? 1 : 0;
}

/** 1: the server is to hear what came of it. */
export function message(ptr: usize, length: u32): i32 {
  return trustUpdate.onMessage(ptr, length) ? 1 : 0;
}
export function refusedVersion(): u32 {
  return trustUpdate.refusedVersion;
}
export function refusedCode(): i32 {
  return trustUpdate.refusedCode;
}

/** At most 8192 bytes. */
export function check(ptr: usize, length: u32): i32 {
  memory.copy(alone.bytes.dataStart, ptr, length);
  return alone.check(length);
}

function which(isAlone: bool): TrustChain {
  return isAlone ? alone : changetype<TrustChain>(trust);
}
export function chainBytes(isAlone: bool): u32 {
  return which(isAlone).chainBytes;
}
export function trustVersion(isAlone: bool): u32 {
  return which(isAlone).trustVersion;
}
export function releaseKeys(isAlone: bool): usize {
  return which(isAlone).releaseKeys;
}
export function releaseKeyCount(isAlone: bool): i32 {
  return which(isAlone).releaseKeyCount;
}
export function operationsKeys(isAlone: bool): usize {
  return which(isAlone).operationsKeys;
}
export function operationsKeyCount(isAlone: bool): i32 {
  return which(isAlone).operationsKeyCount;
}
