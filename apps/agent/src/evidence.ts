// What has been shown of an image, kept beside the control flow that showed it: a branch that goes the wrong way once
// (a glitch of supply or clock in the hands of somebody who has the device) skips a refusal, but does not make this.
// Differences are gathered and not decided by, and the steps that gathered them are counted, so that a step that was
// left out is missed. The boot loader looks at it once more just before it starts an image (apps/power-cut,
// one-fault/; docs/threat-model.md).

/** Not 0 before a check has begun. */
const NOTHING_SHOWN: u32 = 0x5ac3_96e7;

export class Evidence {
  private differences: u32 = NOTHING_SHOWN;
  private steps: u32 = 0;

  begin(): void {
    this.differences = 0;
    this.steps = 0;
  }

  /** What was shown counts no more. */
  forget(): void {
    this.differences = NOTHING_SHOWN;
  }

  /** `difference`: 0 of what is as it has to be. `weight`: of this kind of step. */
  add(difference: u32, weight: u32): void {
    this.differences |= difference;
    this.steps += weight;
  }

  /** 0 when so many steps were made, and none showed a difference. */
  lacking(steps: u32): u32 {
    return this.differences | (this.steps ^ steps);
  }
}
