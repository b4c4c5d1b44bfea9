// Whether an offer may be installed, as the update agent asks, on a device whose state the caller sets. AssemblyScript.

import { BootState } from "../../../apps/agent/src/boot-state";
import { DIGEST_BYTES } from "../../../apps/agent/src/format";
import { loadFactoryRecord } from "../../../apps/agent/src/identity/factory";
import { Manifest } from "../../../apps/agent/src/image/manifest";
import { JsonReader } from "../../../apps/agent/src/json/reader";
import { TrustStore } from "../../../apps/agent/src/trust/trust-store";
import { Journal } from "../../../apps/agent/src/update/journal";
import { OfferCheck } from "../../../apps/agent/src/update/offer-check";

const boot = new BootState();
const trust = new TrustStore();
const journal = new Journal();
const reader = new JsonReader();
const manifest = new Manifest();
const offer = new OfferCheck(boot, trust, journal, reader, manifest);
/** Nothing is allocated between the offer's own memory and this: who writes past that writes here. */
const BEHIND_BYTES: u32 = 2048;
const behind: usize = heap.alloc(BEHIND_BYTES);

/** Identity from flash, a trust chain, what starts images here; 0, or what is wrong. Slot A runs. */
export function setUp(chain: usize, length: u32, loaderVersion: u32, imageType: u32): i32 {
  boot.host.loaderVersion = loaderVersion;
  boot.host.imageType = imageType;
  if (!loadFactoryRecord()) return -1;
  if (boot.slotA.open() < 0 || boot.slotB.open() < 0) return -2;
  memory.fill(behind, 0xa5, BEHIND_BYTES);
  memory.copy(trust.bytes.dataStart, chain, length);
  return trust.check(length);
}

/** Digests of what runs, of what the other slot holds, and of what the journal was begun for. */
export const digests: usize = memory.data(96);

/** What boot control says of the other slot, and the floor; the journal's slot, and -1 for one that was never begun. */
export function setState(releaseSequence: u32, otherState: u32, floor: u32, journalSlot: i32): void {
  memory.copy(boot.running.digest.dataStart, digests, DIGEST_BYTES);
  boot.running.header.releaseSequence = releaseSequence;
  const record = boot.log.record;
  record.setSlot(1, otherState, 0, 0);
  memory.copy(boot.otherDigest(), digests + 32, DIGEST_BYTES);
  record.securityFloor = floor;
  journal.begun = journalSlot >= 0;
  journal.slot = journalSlot;
  memory.copy(journal.digest, digests + 64, DIGEST_BYTES);
}

/** An ErrorCode; -1 when the message is no JSON. */
export function judge(ptr: usize, length: u32): i32 {
  if (reader.open(ptr, length) != 0) return -1;
  boot.host.openWindow();
  return offer.judge();
}

export function deadlineMs(): u32 {
  return offer.deadlineMs;
}

/** 1: it runs already; 2: the other slot holds it, confirmed. */
export function standing(): u32 {
  return (offer.runsAlready() ? 1 : 0) | (offer.isConfirmedInOtherSlot() ? 2 : 0);
}

/** Whether what lies behind the offer's own memory is as it was. */
export function isBehindWhole(): bool {
  for (let i: u32 = 0; i < BEHIND_BYTES; i++) if (load<u8>(behind + i) != 0xa5) return false;
  return true;
}
