// What may happen to slots and boot control, whoever writes: nothing is programmed into a slot but a signed manifest
// that fits this device, the table that it names, and chunks of that table; only while boot control calls the slot
// empty. A candidate is a whole, admissible image. The floor never falls. Each is looked at when it happens.

import { type BootRecord, SlotState, type StrictVerifier } from "@flipside/image-format";
import { newestRecord } from "../../power-cut/flash-contents.ts";
import { Zone } from "@flipside/machine/abi";
import { Violation } from "../engine/target.ts";
import type { Change, DeviceHost } from "./device-host.ts";
import { type Admitted, admittedIn, admittedManifest, layout, type Manifest } from "./device-images.ts";
import { sha256Of } from "./keys.ts";

const TABLE_AT = 4096;
const slotNames = ["slotA", "slotB"] as const;

export interface Rules {
  /** Those that may be written. */
  slots: number[];
  /** What else must hold of an image that is stored, or becomes a candidate; what is wrong, or undefined. */
  refuses(image: Pick<Admitted, "digest" | "releaseSequence">, before: BootRecord | undefined): string | undefined;
}

export class FlashWatch {
  #before: BootRecord | undefined;
  #newest: BootRecord | undefined;
  #isChanged = false;
  /** What `check` has seen, and whether anything was written since. */
  #checked: BootRecord | undefined;
  #isUnchecked = false;
  #manifest: Manifest | undefined;
  rules!: Rules;

  constructor(
    readonly host: DeviceHost,
    readonly verifier: StrictVerifier,
  ) {
    host.onChange = (change) => this.#onChange(change);
  }

  /** What flash says now is where an input begins. */
  begin(rulesFor: (record: BootRecord | undefined) => Rules): void {
    this.#before = this.#newest = this.#checked = newestRecord(layout, this.host.flash);
    this.rules = rulesFor(this.#before);
    this.#isChanged = this.#isUnchecked = false;
    this.#manifest = this.#storedManifest();
  }

  /** Of a download that is under way: what may be stored now lies in a slot already. */
  #storedManifest(): Manifest | undefined {
    const slot = this.rules.slots.find((slot) => this.#before?.slotState(slot) === SlotState.Empty);
    const manifest = slot === undefined ? "none" : admittedManifest(this.host.zone(slotNames[slot]!), this.verifier);
    return typeof manifest !== "string" && this.rules.refuses(manifest, this.#before) === undefined
      ? manifest
      : undefined;
  }

  get record(): BootRecord | undefined {
    if (this.#isChanged) this.#newest = newestRecord(layout, this.host.flash);
    this.#isChanged = false;
    return this.#newest;
  }

  get floor(): number {
    return this.record?.securityFloor ?? 0;
  }

  #onChange({ zone, offset, bytes }: Change): void {
    if (zone === Zone.BootControl) this.#isChanged = this.#isUnchecked = true;
    if (zone !== Zone.SlotA && zone !== Zone.SlotB) return;
    const slot = zone - Zone.SlotA;
    if (!this.rules.slots.includes(slot)) throw new Violation("a slot is written that may not be");
    if (this.record?.slotState(slot) !== SlotState.Empty)
      throw new Violation("a slot is written that boot control does not call empty");
    if (!bytes) return;
    if (offset === 0) this.#manifestComes(bytes);
    else if (!this.#manifest) throw new Violation("something is stored before a manifest");
    else if (offset < this.#manifest.payloadOffset) this.#tableComes(offset, bytes, this.#manifest);
    else this.#chunkComes(offset, bytes, this.#manifest, slot);
  }

  #manifestComes(bytes: Uint8Array): void {
    const manifest = admittedManifest(bytes, this.verifier);
    if (typeof manifest === "string") throw new Violation(`a manifest is stored that is not admissible: ${manifest}`);
    if (manifest.securityCounter < this.floor) throw new Violation("a manifest is stored that is below the floor");
    const refused = this.rules.refuses(manifest, this.#before);
    if (refused !== undefined) throw new Violation(`a manifest is stored that must not be: ${refused}`);
    this.#manifest = manifest;
  }

  #tableComes(offset: number, bytes: Uint8Array, { tableDigest, chunkCount }: Manifest): void {
    // In this layout no table is longer than a page, so it comes as one.
    if (offset !== TABLE_AT || bytes.length !== 32 * chunkCount || Buffer.compare(sha256Of(bytes), tableDigest) !== 0)
      throw new Violation("a chunk table is stored that is not the signed one");
  }

  #chunkComes(
    offset: number,
    bytes: Uint8Array,
    { chunkBytes, chunkCount, payloadBytes, payloadOffset }: Manifest,
    slot: number,
  ): void {
    const index = (offset - payloadOffset) / chunkBytes;
    if (!Number.isInteger(index) || index >= chunkCount) throw new Violation("something is stored where no chunk is");
    const chunk = bytes.subarray(0, Math.min(chunkBytes, payloadBytes - index * chunkBytes));
    const wanted = this.host.zone(slotNames[slot]!).subarray(TABLE_AT + 32 * index, TABLE_AT + 32 * index + 32);
    if (bytes.length !== ((chunk.length + 3) & ~3) || Buffer.compare(sha256Of(chunk), wanted) !== 0)
      throw new Violation("a chunk is stored that is not the table's");
  }

  /** After each step of the device. */
  check(): void {
    if (!this.#isUnchecked) return;
    const was = this.#checked;
    const record = this.record;
    this.#checked = record;
    this.#isUnchecked = false;
    if (!record) throw new Violation("boot control was written, and no record of it holds");
    if (record.securityFloor < (was?.securityFloor ?? 0)) throw new Violation("the floor fell");
    for (const slot of [0, 1]) {
      const state = record.slotState(slot);
      const digest = Buffer.from(record.slotDigest(slot)).toString("hex");
      const isAsBefore = was?.slotState(slot) === state && Buffer.from(was.slotDigest(slot)).toString("hex") === digest;
      if (isAsBefore) continue;
      if (!this.rules.slots.includes(slot)) throw new Violation("the state of a slot changed that nobody writes");
      if (state === SlotState.Candidate) this.#candidateComes(slot, digest, record);
      else if (state === SlotState.Confirmed) throw new Violation("an image is called confirmed that has not run");
    }
  }

  #candidateComes(slot: number, digest: string, record: BootRecord): void {
    const image = admittedIn(this.host.zone(slotNames[slot]!), this.verifier);
    if (typeof image === "string") throw new Violation(`a candidate that is not admissible: ${image}`);
    if (image.digest !== digest) throw new Violation("boot control names another candidate than the slot holds");
    if (image.securityCounter < record.securityFloor) throw new Violation("a candidate below the floor");
    const refused = this.rules.refuses(image, this.#before);
    if (refused !== undefined) throw new Violation(`a candidate that must not be: ${refused}`);
  }
}
