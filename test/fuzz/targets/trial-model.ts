// An agent that looks at its image four times a second, by a plain reading of docs/architecture.md, "Trial", and of
// docs/boot-control.md, "Contact fallback", "Unclean boots" and "Floor": what it records, whether it resets, and what a
// check-in will say. None of the device's code has a part in it.

import {
  BOOT_FLAG_CONTACT_FALLBACK,
  type BootRecord,
  DeploymentState,
  ErrorCode,
  SlotState,
} from "@flipside/image-format";
import { BootReason } from "@flipside/machine/abi";

/** EXO_HEALTH_*. */
export const enum Health {
  Unknown,
  Healthy,
  Unhealthy,
}
/** EntropyState. */
export const enum Noise {
  Good,
  FailedHealth,
  Absent,
}
const CONFIRMED_PHASE = 10;

/** Of the images that run. */
export const confirmDeadlineUs = 6_000_000;
export const contactDeadlineUs = 60_000_000;
const UNHEALTHY_US = 3_000_000;
const FALLBACK_CONTACT_US = 300_000_000;
const HOUR_US = 3_600_000_000;
const PAUSE_US_MIN = 60_000_000;
const PAUSE_US_MAX = HOUR_US;

export interface Begins {
  odd?: number;
  isTrial?: boolean;
  isFallback?: boolean;
  slot?: number;
  /** Of the running image, 1 to 3. */
  counter?: number;
  raisesFloor?: boolean;
  other?: SlotState;
  otherCounter?: number;
  floor?: number;
  unclean?: number;
  tries?: number;
  noise?: number;
}

/** What boot control says, as far as an agent on trial changes it. */
export interface Said {
  active: number;
  isFallback: boolean;
  floor: number;
  unclean: number;
  /** Own slot, and the other one. */
  slots: { state: number; tries: number; reason: number }[];
}

/** The same of a record, whose own slot is `slot`. */
export const saidBy = (record: BootRecord, slot: number): Said => ({
  active: record.activeSlot,
  isFallback: (record.flags & BOOT_FLAG_CONTACT_FALLBACK) !== 0,
  floor: record.securityFloor,
  unclean: record.uncleanBoots,
  slots: [slot, 1 - slot].map((at) => ({
    state: record.slotState(at),
    tries: record.slotTries(at),
    reason: record.slotReason(at),
  })),
});

export const textOf = ({ active, isFallback, floor, unclean, slots }: Said): string =>
  JSON.stringify([
    active,
    isFallback,
    floor,
    unclean,
    ...slots.map(({ state, tries, reason }) => [state, tries, reason]),
  ]);

/** What the app says of itself. */
export interface App {
  ticks: number;
  health: number;
  metric: number;
  nameBytes: number;
}

/** A device by what the docs say. */
export class TrialModel {
  said: Said;
  isOnTrial: boolean;
  app: App = { ticks: 0, health: Health.Unknown, metric: 0, nameBytes: 0 };
  isProven = false;
  isChanged = false;
  deployment: { state: number; code: number; isDirty: boolean };
  phases: number[] = [];
  takesRecords = true;
  selfTestReads = true;
  otherReads = true;
  /** In this look: changes that were wanted, and those that flash was asked for; looks at the other slot's manifest. */
  wanted = 0;
  tried = 0;
  manifests = 0;
  isSelfTested = false;
  #isFirst = true;
  #unhealthySinceUs: number | undefined;
  #pausedUntilUs = 0;
  #pauseUs = 0;
  #isFloorSettled = false;
  #hasTryBack = false;

  constructor(readonly begins: Required<Begins>) {
    const { isTrial, isFallback, slot, floor, unclean, tries, other } = begins;
    this.isOnTrial = isTrial;
    this.said = {
      active: slot,
      isFallback,
      floor,
      unclean,
      slots: [
        {
          state: isTrial ? SlotState.Candidate : SlotState.Confirmed,
          tries: isTrial ? tries : 0,
          reason: isTrial ? ErrorCode.Crashed : 0,
        },
        { state: other, tries: other === SlotState.Candidate ? tries : 0, reason: 0 },
      ],
    };
    this.deployment =
      isTrial || isFallback
        ? { state: DeploymentState.Testing, code: 0, isDirty: false }
        : { state: DeploymentState.Queued, code: 0, isDirty: false };
  }

  isPaused(nowUs: number): boolean {
    return this.#pauseUs > 0 && nowUs < this.#pausedUntilUs;
  }

  #change(nowUs: number, changes: Partial<Said>): boolean {
    this.wanted++;
    if (this.isPaused(nowUs)) return false;
    this.tried++;
    if (!this.takesRecords) {
      this.#pauseUs = Math.min(Math.max(2 * this.#pauseUs, PAUSE_US_MIN), PAUSE_US_MAX);
      this.#pausedUntilUs = nowUs + this.#pauseUs;
      return false;
    }
    this.#pauseUs = 0;
    this.said = { ...this.said, ...changes };
    return true;
  }

  #own(state: number, tries = 0, reason = 0): Pick<Said, "slots"> {
    return { slots: [{ state, tries, reason }, this.said.slots[1]!] };
  }

  /** Whether nothing is left to be done about it. */
  raiseFloor(nowUs: number, otherCounter: number): boolean {
    const { counter, raisesFloor } = this.begins;
    const isKept = this.said.slots[1]!.state === SlotState.Confirmed && otherCounter >= counter;
    if (counter <= this.said.floor || (!isKept && !raisesFloor)) return true;
    return this.#change(nowUs, { floor: counter });
  }

  #settleFloor(nowUs: number): void {
    const isConfirmed = this.said.slots[1]!.state === SlotState.Confirmed;
    if (isConfirmed) this.manifests++;
    this.#isFloorSettled = this.raiseFloor(nowUs, isConfirmed && this.otherReads ? this.begins.otherCounter : 0);
  }

  #enter(state: number, code = 0): void {
    if (this.deployment.state === DeploymentState.Testing) this.deployment = { state, code, isDirty: true };
  }

  /** Of a look: the reason of a reset, or undefined. */
  look(nowUs: number, report: App | undefined, noise: number): number | undefined {
    this.wanted = this.tried = this.manifests = 0;
    this.isChanged = false;
    this.phases = [];
    this.isSelfTested = false;
    if (report) {
      if (report.health !== this.app.health) this.isChanged = true;
      this.app = { ...report, nameBytes: Math.min(report.nameBytes, 16) };
      this.#unhealthySinceUs = report.health === Health.Unhealthy ? (this.#unhealthySinceUs ?? nowUs) : undefined;
    }
    if (this.isOnTrial) return this.#lookOnTrial(nowUs, noise);
    if (this.said.isFallback && this.begins.other === SlotState.Candidate) return this.#lookForContact(nowUs);
    if (this.app.health !== Health.Healthy || this.isPaused(nowUs)) return undefined;
    if (this.isProven && !this.#isFloorSettled) this.#settleFloor(nowUs);
    // 2, 4, 8, 16 hours; a fifth crash is not counted beyond the fourth's double.
    if (this.said.unclean > 0 && nowUs > HOUR_US * 2 ** Math.min(this.said.unclean, 5))
      this.#change(nowUs, { unclean: 0 });
    return undefined;
  }

  #lookOnTrial(nowUs: number, noise: number): number | undefined {
    const fails = (code: number): number => (
      this.#change(nowUs, { ...this.#own(SlotState.Failed, 0, code), active: 1 - this.begins.slot }),
      BootReason.RollBack
    );
    if (this.#isFirst) {
      this.#isFirst = false;
      this.isSelfTested = true;
      if (!this.selfTestReads) return fails(ErrorCode.SelfTestFailed);
    }
    if (noise === Noise.FailedHealth) return fails(ErrorCode.SelfTestFailed);
    if (this.#unhealthySinceUs !== undefined && nowUs - this.#unhealthySinceUs >= UNHEALTHY_US)
      return fails(ErrorCode.AppUnhealthy);
    const isHealthy = this.app.health === Health.Healthy;
    const isWell = isHealthy && noise === Noise.Good;
    if (
      isWell &&
      this.isProven &&
      !this.isPaused(nowUs) &&
      this.#change(nowUs, { ...this.#own(SlotState.Confirmed), unclean: 0 })
    ) {
      this.isOnTrial = false;
      this.phases.push(CONFIRMED_PHASE);
      this.#enter(DeploymentState.Confirmed);
      this.isChanged = true;
      this.#settleFloor(nowUs);
      return undefined;
    }
    if (!isWell && nowUs >= confirmDeadlineUs)
      return fails(isHealthy ? ErrorCode.SelfTestFailed : ErrorCode.AppUnhealthy);
    if (nowUs < contactDeadlineUs || this.#hasTryBack) return undefined;
    const oneMore = this.#own(SlotState.Candidate, this.said.slots[0]!.tries + 1);
    if (this.said.slots[1]!.state !== SlotState.Confirmed) {
      if (!this.isPaused(nowUs)) this.#hasTryBack = this.#change(nowUs, oneMore);
      return undefined;
    }
    // With contact, it is flash that keeps it from being confirmed.
    if (!this.isProven) this.#change(nowUs, { ...oneMore, active: 1 - this.begins.slot, isFallback: true });
    return BootReason.RollBack;
  }

  #lookForContact(nowUs: number): number | undefined {
    if (this.isPaused(nowUs)) return undefined;
    if (this.isProven) {
      if (
        !this.#change(nowUs, {
          isFallback: false,
          slots: [this.said.slots[0]!, { state: SlotState.Failed, tries: 0, reason: ErrorCode.NoContact }],
        })
      )
        return undefined;
      this.#enter(DeploymentState.RolledBack, ErrorCode.NoContact);
      this.isChanged = true;
      return undefined;
    }
    if (nowUs < FALLBACK_CONTACT_US) return undefined;
    return this.#change(nowUs, { isFallback: false, active: 1 - this.begins.slot }) ? BootReason.Update : undefined;
  }
}
