// Bugs that the campaign has to find: each is a change to one place of boot loader or agent, compiled for this test
// alone. One that is not found is a hole in the campaign.

import type { SourcePatch } from "../../../agent/build/compile-module.ts";
import { settingsBesideTrial } from "../campaign/settings-beside-trial.ts";
import { tornInARow } from "../campaign/torn-in-a-row.ts";
import type { Trouble } from "../campaign/trouble.ts";
import { Zone } from "@flipside/machine/abi";

export interface PlantedBug {
  name: string;
  what: string;
  patches: SourcePatch[];
  /** Stories that are played first, since they show it soonest. The others follow. */
  stories: string[];
  /** Nested cuts are needed to see it. */
  depth?: 2;
  /** Flash that fails without any power cut: what is played in place of stories. */
  troubles?: readonly Trouble[];
  /** Stories in which a chip that says done and does not hold shows it (campaign/lying-chip.ts). No power cut does. */
  lies?: readonly { story: string; zone?: number; way?: string }[];
}

const BOOT = "apps/agent/src/boot/boot.ts";
const LOG = "apps/agent/src/boot-control/log.ts";
const OFFER = "apps/agent/src/update/offer-check.ts";
const SEALED_SLOT = "apps/agent/src/update/sealed-slot.ts";
const SIGNATURES = "apps/agent/src/trust/signatures.ts";
const STATE = "apps/agent/src/boot-state.ts";
const TRIAL = "apps/agent/src/agent/trial.ts";
const CANDIDATE = "apps/agent/src/command/connection-candidate.ts";
const UNCLEAN = "apps/agent/src/boot-control/unclean-boots.ts";

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: "no-fresh-record",
    what: "the newest record is believed, and none is appended before it is acted on",
    patches: [{ file: BOOT, find: "writable = log.appendHeartbeat() == 0;", replace: "writable = true;" }],
    stories: ["ordinary-start"],
  },
  {
    name: "no-seal",
    what: "a record is neither sealed nor asked for its seal",
    patches: [
      {
        file: LOG,
        find:
          "      load<u32>(pageBuffer) == BOOT_RECORD_SEAL_MAGIC &&\n" +
          "      equalInConstantTime(pageBuffer + 4, digest, BOOT_RECORD_SEAL_BYTES - 4)\n",
        replace: "true",
      },
      {
        file: LOG,
        find: "const sealed = this.zone.program(at + BOOT_RECORD_SEAL_OFFSET, seal, BOOT_RECORD_SEAL_BYTES);",
        replace: "const sealed: i32 = 0;",
      },
    ],
    stories: ["ordinary-start", "first-update"],
  },
  {
    name: "newest-by-counter",
    what: "the newest record is the one with the highest boot counter inside",
    patches: [
      {
        file: LOG,
        find: "const ahead = <i32>(candidate.epoch - this.epoch);",
        replace:
          "const ahead = <i32>(candidate.bootCounter - this.newestCounter); if (ahead > 0 || !this.found) this.newestCounter = candidate.bootCounter;",
      },
      {
        file: LOG,
        find: "  private isFresh: bool = false;",
        replace: "  private isFresh: bool = false;\n  private newestCounter: u32 = 0;",
      },
    ],
    stories: ["first-update", "crash-falls-back"],
  },
  {
    name: "old-sector-erased-first",
    what: "at a turn-over the sector with the newest record is erased before the new one holds any",
    patches: [
      {
        file: LOG,
        find: "const other: u32 = 1 - this.sector;",
        replace: "const other: u32 = 1 - this.sector; this.zone.erase(this.sector * this.zone.sectorBytes);",
      },
    ],
    stories: ["log-turns-over", "second-update"],
  },
  {
    name: "blank-page-reused",
    what: "a page that looks blank is programmed though power may have failed at it, with whatever comes next",
    patches: [
      { file: LOG, find: "    if (this.nextPage + 1 < this.pagesPerSector()) this.nextPage++;\n", replace: "" },
      { file: LOG, find: "if (!this.isFresh) this.turnOver();", replace: "" },
    ],
    stories: ["crash-loop-yields", "first-update", "crash-falls-back", "update-below-the-flag"],
    depth: 2,
  },
  {
    name: "change-in-a-used-sector",
    what: "a record that changes the state goes behind the newest, into a page that an earlier cut may have hurt",
    patches: [{ file: LOG, find: "if (!this.isFresh) this.turnOver();", replace: "" }],
    stories: ["crash-loop-yields", "first-update", "crash-falls-back", "update-below-the-flag"],
    depth: 2,
  },
  {
    name: "confirmed-before-self-test",
    what: "contact alone confirms a candidate",
    patches: [
      {
        file: TRIAL,
        find: "    if (!this.selfTested) {",
        replace: "    if (this.session.proven) { this.confirm(); return; }\n    if (!this.selfTested) {",
      },
      {
        file: TRIAL,
        find: "if (!selfTestPasses()) return",
        replace: "if (nowUs > 2_000_000 && !selfTestPasses()) return",
      },
    ],
    stories: ["self-test-falls-back", "unhealthy-falls-back"],
  },
  {
    name: "verified-then-read-again",
    what: "the slot is verified in flash, and what runs is the copy that was read before",
    patches: [
      {
        file: BOOT,
        find: "return imageRead(this.manifest.header.loadAddress + offset, ptr, length);",
        replace:
          "return this.slot.read(slotPayloadOffset(this.manifest.header.chunkCount, this.slot.sectorBytes) + offset, ptr, length);",
      },
    ],
    stories: ["unhealthy-falls-back", "update-below-the-flag"],
  },
  {
    name: "tries-not-counted",
    what: "a try is recorded as if it had not been one",
    patches: [{ file: BOOT, find: "      changeSlot(record, slot, TRY_BEGUN);\n", replace: "" }],
    stories: ["crash-falls-back"],
  },
  {
    name: "unrecorded-try-boots",
    what: "a candidate boots although its try could not be recorded",
    patches: [
      {
        file: BOOT,
        find: "      if (writable) writable = log.append() == 0;\n      if (writable) {\n        start(",
        replace: "      log.append();\n      if (true) {\n        start(",
      },
    ],
    stories: ["first-update", "second-update"],
  },
  {
    name: "resume-believes-the-last-sector",
    what: "a download that is taken up again takes the sector behind the last sealed one for whole",
    patches: [
      {
        file: SEALED_SLOT,
        find: "while (index < count && this.journal.isSealed(this.sectorOf(index))) index++;",
        replace:
          "while (index < count && (this.journal.isSealed(this.sectorOf(index)) || this.journal.isSealed(this.sectorOf(index) - 1))) index++;",
      },
    ],
    stories: ["first-update"],
  },
  {
    name: "running-slot-erased",
    what: "an update is written to the slot that runs",
    patches: [
      {
        file: SEALED_SLOT,
        find: "return this.boot.slot(this.boot.otherSlot());",
        replace: "return this.boot.slot(this.boot.runningSlot);",
      },
    ],
    stories: ["first-update"],
  },
  {
    name: "floor-raised-with-confirmed",
    what: "confirming an image raises the floor, whatever the other slot holds",
    patches: [
      {
        file: STATE,
        find: "    if (!this.change(this.runningSlot, CONFIRMED)) return false;\n",
        replace:
          "    raiseFloor(this.log.record, this.running.header.securityCounter);\n    if (!this.change(this.runningSlot, CONFIRMED)) return false;\n",
      },
    ],
    stories: ["update-below-the-flag"],
  },

  // Six and more of our own.
  {
    name: "slot-erased-while-confirmed",
    what: "the other slot is erased while boot control still calls it confirmed",
    patches: [
      { file: SEALED_SLOT, find: "if (!this.boot.emptyOtherSlot()) return ErrorCode.FlashFailed;", replace: "" },
    ],
    stories: ["second-update"],
  },
  {
    name: "sector-sealed-early",
    what: "a sector is sealed with its first chunk",
    patches: [
      {
        file: SEALED_SLOT,
        find: "if (isLast || this.sectorOf(index + 1) != this.sectorOf(index)) {",
        replace: "if (isLast || !this.journal.isSealed(this.sectorOf(index))) {",
      },
    ],
    stories: ["first-update"],
  },
  {
    name: "candidate-unwatched",
    what: "the watchdog is not armed before the jump",
    patches: [
      {
        file: BOOT,
        find: "watched = watchdogArm(max(manifest.header.watchdogMs, watchdogMsMin(slotA.eraseMsMax()))) >= 0;",
        replace: "watched = true;",
      },
    ],
    stories: ["first-update"],
  },
  {
    name: "signature-not-checked",
    what: "the boot loader takes any image whose hashes fit",
    patches: [
      { file: BOOT, find: "if (code == ErrorCode.None) code = manifest.checkSignature(trust);", replace: "" },
      { file: BOOT, find: "    manifest.lacking() |", replace: "" },
    ],
    stories: ["forged-signature"],
  },
  {
    name: "floor-not-checked",
    what: "the boot loader takes an image below the floor",
    patches: [
      {
        file: BOOT,
        find: "code == ErrorCode.None && manifest.header.securityCounter < log.record.securityFloor",
        replace: "false",
      },
      { file: BOOT, find: "<u32>(manifest.header.securityCounter < log.record.securityFloor)", replace: "0" },
    ],
    stories: ["forged-floor"],
  },
  {
    name: "unwritten-record-believed",
    what: "a record that could not be appended is what check-ins report",
    patches: [{ file: STATE, find: "    this.log.scan();\n    return false;", replace: "    return false;" }],
    stories: ["first-update", "second-update"],
  },
  {
    name: "epochs-compared-as-numbers",
    what: "at the wrap of the epoch the older sector is taken for the newer",
    patches: [
      {
        file: LOG,
        find: "const ahead = <i32>(candidate.epoch - this.epoch);",
        replace: "const ahead: i32 = candidate.epoch < this.epoch ? -1 : candidate.epoch > this.epoch ? 1 : 0;",
      },
    ],
    stories: ["epoch-wraps"],
  },
  {
    name: "rollback-forgotten",
    what: "an operator's rollback that was cut is judged again, as a downgrade",
    patches: [
      {
        file: OFFER,
        find: "if (!isOther && !wasAccepted && header.releaseSequence",
        replace: "if (!isOther && header.releaseSequence",
      },
    ],
    stories: ["operators-rollback", "downgrade-by-permit"],
  },
  {
    name: "crashes-forgiven-soon",
    what: "ten seconds of a healthy app forgive all crashes",
    patches: [
      { file: UNCLEAN, find: "return HOUR_US << min(uncleanBoots, UNCLEAN_BOOTS_MAX);", replace: "return 10_000_000;" },
    ],
    stories: ["late-crashes-yield"],
  },
  {
    name: "button-counted-as-crash",
    what: "a reset by the pin counts as one that ended uncleanly",
    patches: [
      {
        file: UNCLEAN,
        find: "if (reason == BootReason.Trap || reason == BootReason.Watchdog) {",
        replace: "if (reason == BootReason.Trap || reason == BootReason.Watchdog || reason == BootReason.Pin) {",
      },
    ],
    stories: ["reset-pressed"],
  },
  {
    name: "gives-way-too-soon",
    what: "a confirmed image gives way after four runs that ended uncleanly",
    patches: [
      {
        file: BOOT,
        find: "record.uncleanBoots >= UNCLEAN_BOOTS_MAX) {",
        replace: "record.uncleanBoots >= UNCLEAN_BOOTS_MAX - 1) {",
      },
    ],
    stories: ["late-crashes-yield"],
  },
  {
    name: "lost-log-believed",
    what: "a log that is made anew calls the newer image confirmed",
    patches: [
      {
        file: BOOT,
        find: "record.slotState(1 - best) == SlotState.Confirmed ? FOUND_NEWER : CHOSEN",
        replace: "CHOSEN",
      },
    ],
    stories: ["log-lost"],
  },
  {
    name: "lost-log-raises-floor",
    what: "a log that is made anew takes the newer image's security counter for the floor",
    patches: [
      {
        file: BOOT,
        find: "    lowest = min(lowest, header.securityCounter);\n",
        replace:
          "    lowest = lowest == u32.MAX_VALUE ? header.securityCounter : max(lowest, header.securityCounter);\n",
      },
    ],
    stories: ["log-lost"],
  },
  {
    name: "failed-change-tried-at-once",
    what: "a change that could not be recorded is tried again four times a second",
    patches: [
      { file: LOG, find: "return this.pauseUs > 0 && clockUs() < this.pausedUntilUs;", replace: "return false;" },
    ],
    stories: ["deaf-falls-back", "update-below-the-flag", "first-update", "log-turns-over"],
  },
  {
    name: "threshold-not-counted",
    what: "one signer of a trust record is enough, whatever the threshold",
    patches: [
      {
        file: SIGNATURES,
        find: "if (++valid >= threshold) {",
        replace: "if (++valid >= 1) {",
      },
      { file: SIGNATURES, find: "(popcnt(signedBy) ^ threshold)", replace: "(popcnt(signedBy) ^ 1)" },
    ],
    stories: ["trust-by-one-of-two", "forged-trust-by-one"],
  },
  {
    name: "signer-counted-twice",
    what: "a root that signed a trust record twice counts twice",
    patches: [{ file: SIGNATURES, find: "if ((signedBy >> k) & 1) continue;", replace: "" }],
    stories: ["trust-by-one-twice"],
  },
  {
    name: "one-root-is-enough",
    what: "the first trust record needs one root of the boot bank, not their majority",
    patches: [
      {
        file: "apps/agent/src/trust/trust-chain.ts",
        find: "let threshold = rootCount / 2 + 1;",
        replace: "let threshold = 1;",
      },
    ],
    stories: ["forged-trust-by-minority"],
  },
  {
    name: "earlier-revisions-taken",
    what: "an image for revisions of the hardware that end below the device's is taken",
    patches: [
      {
        file: "apps/agent/src/image/manifest.ts",
        find: "if (revision < h.hardwareRevisionMin || revision > h.hardwareRevisionMax)",
        replace: "if (revision < h.hardwareRevisionMin)",
      },
    ],
    stories: ["refused-earlier-revisions", "forged-earlier-revisions"],
  },
  {
    name: "offer-taken-while-rebooting",
    what: "an offer that comes between the candidate's record and the reset is taken up",
    patches: [
      {
        file: "apps/agent/src/update/update.ts",
        find: "|| this.isInstalling() || this.held) return;",
        replace: "|| this.held) return;",
      },
    ],
    stories: ["offered-while-rebooting"],
  },
  {
    name: "trust-taken-while-rebooting",
    what: "a trust record that comes between the candidate's record and the reset is taken up",
    patches: [
      {
        file: "apps/agent/src/update/trust-update.ts",
        find: " || this.update.isInstalling()) return false;",
        replace: ") return false;",
      },
    ],
    stories: ["trust-while-rebooting"],
  },

  // What only a chip shows that says done and does not hold.
  {
    name: "program-not-read-back",
    what: "a program is done when the chip says so",
    patches: [
      {
        file: "apps/agent/src/flash.ts",
        find: "ptr, part, Durability.Verified);",
        replace: "ptr, part, Durability.Programmed);",
      },
    ],
    stories: [],
    lies: [
      { story: "trust-key-added", zone: Zone.Trust, way: "subset" },
      { story: "connection-kept", zone: Zone.Settings, way: "subset" },
    ],
  },
  {
    name: "newest-record-read-twice",
    what: "which record is newest is decided by one read of it, and what it says by another",
    patches: [
      {
        file: LOG,
        find: "    readBootRecord(this.bytes, 0, this.record);\n    this.epoch = candidate.epoch;",
        replace: "    this.epoch = candidate.epoch;",
      },
      {
        file: LOG,
        find: "this.candidate.epoch == this.epoch - 1;",
        replace:
          "this.candidate.epoch == this.epoch - 1;\n    this.readPage(this.sector, this.page);\n    readBootRecord(this.bytes, 0, this.record);",
      },
    ],
    stories: [],
    lies: [{ story: "first-update", zone: Zone.BootControl, way: "blank-unstable" }],
  },
  {
    name: "failed-record-named-newest",
    what: "a sector that can be erased and holds nothing is where the newest record is said to be",
    patches: [
      {
        file: LOG,
        find: "if (result == 0 || this.target == this.sector) return result;",
        replace: "this.sector = this.target;\n    return result;",
      },
    ],
    stories: [],
    lies: [{ story: "first-update", zone: Zone.BootControl, way: "not-begun" }],
  },
  {
    name: "record-not-read-after-its-seal",
    what: "a record counts as written when its seal is, whatever programming that has done to it",
    patches: [{ file: LOG, find: "return this.readPage(sector, page) ? 0 : Errno.Io;", replace: "return 0;" }],
    stories: [],
    lies: [{ story: "first-update", zone: Zone.BootControl, way: "collateral" }],
  },
  {
    name: "copy-good-though-it-failed",
    what: "one of two copies is called good though it could not be written",
    patches: [
      {
        file: "apps/agent/src/dual-copy.ts",
        find: "if (this.zone.erase(at) < 0 || this.zone.program(at, ptr, bytes) < 0) return false;",
        replace: "this.zone.erase(at);\n    this.zone.program(at, ptr, bytes);",
      },
    ],
    stories: [],
    lies: [
      { story: "trust-key-added", zone: Zone.Trust, way: "subset" },
      { story: "connection-kept", zone: Zone.Settings, way: "subset" },
    ],
  },

  {
    name: "turned-over-for-a-torn-seal",
    what: "the other sector goes though nothing in this one was sealed in this run",
    patches: [{ file: LOG, find: "    this.makeSure();\n", replace: "" }],
    stories: [],
    troubles: tornInARow.slice(0, 2),
  },
  // What only settings show that can't be stored while an image is on trial.
  {
    name: "unstored-address-answered-as-taken",
    what: "a command to connect elsewhere is answered as taken, stored or not",
    patches: [
      {
        file: CANDIDATE,
        find: "return this.settings.propose(address, id, TRIES - 1) ? ErrorCode.None : ErrorCode.FlashFailed;",
        replace: "this.settings.propose(address, id, TRIES - 1);\n    return ErrorCode.None;",
      },
    ],
    stories: [],
    troubles: settingsBesideTrial.filter(
      ({ name }) => name.includes("is given") && name.includes("both sectors, for good"),
    ),
  },
  {
    name: "address-and-image-on-probation",
    what: "an image on trial tries another server's address",
    patches: [{ file: CANDIDATE, find: "if (busy) this.drop(ErrorCode.DeviceBusy);\n    else if", replace: "if" }],
    stories: [],
    troubles: settingsBesideTrial.filter(({ name }) => name.includes("waits") && name.includes("both sectors")),
  },
];
