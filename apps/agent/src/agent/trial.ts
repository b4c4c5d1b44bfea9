// Does this image stay? A candidate has to pass its self-test, have a healthy app, and reach the server by proof, in
// time; what happens otherwise is in docs/architecture.md, "Trial". Also what the old image does about a candidate that
// had no contact, and forgetting unclean boots.

import { endLine, say, sayNumber } from "../console";
import { APP_REPORT_BYTES, appReport, bootPhase, Health, Phase, reset, ResetReason } from "../exokernel";
import { DeploymentState, ErrorCode, SlotState, TRIAL_DEADLINE_MS_MIN } from "../format";
import { Manifest } from "../image/manifest";
import { Task } from "../scheduler/scheduler";
import { EntropyState, entropyState } from "../random/random";
import { Session } from "../session/session";
import { Deployment } from "../update/deployment";
import { cleanUptimeUs } from "../boot-control/unclean-boots";
import { BootState } from "../boot-state";
import { selfTestPasses } from "./self-test";

const PERIOD_US: i64 = 250_000;
/** An app that has said "unhealthy" for so long won't get better by waiting. */
const UNHEALTHY_US: i64 = 3_000_000;
/**
 * For so long at least the old image looks for contact, before it says that there is none and the candidate is tried
 * again.
 */
const CONTACT_MS_MIN: u32 = 300_000;

const report: usize = memory.data(32, 4);

export class TrialTask extends Task {
  appTicks: u32 = 0;
  appHealth: u32 = Health.Unknown;
  appMetric: i32 = 0;
  appMetricNameBytes: u32 = 0;
  /** The check-in says something new. */
  changed: bool = false;
  private unhealthySinceUs: i64 = -1;
  private selfTested: bool = false;
  private otherManifest: Manifest = new Manifest();
  private floorChecked: bool = false;
  private isAlone: bool = false;

  constructor(
    private boot: BootState,
    private session: Session,
    private deployment: Deployment,
  ) {
    super();
  }

  appMetricName(): usize {
    return report + 16;
  }

  remainingWork(): u32 {
    return 0;
  }

  run(nowUs: i64): i64 {
    this.readApp(nowUs);
    if (this.boot.trial) this.judge(nowUs);
    else if (this.boot.inContactFallback()) this.judgeContact(nowUs);
    else this.settle(nowUs);
    return nowUs + PERIOD_US;
  }

  /** A confirmed image that runs well: what an earlier run or a power cut has left undone. */
  private settle(nowUs: i64): void {
    if (this.appHealth != Health.Healthy || !this.boot.mayCommit()) return;
    if (!this.floorChecked && this.session.proven) this.checkFloor();
    const uncleanBoots = this.boot.log.record.uncleanBoots;
    if (uncleanBoots > 0 && nowUs > cleanUptimeUs(uncleanBoots)) this.boot.clearUncleanBoots();
  }

  private checkFloor(): void {
    let otherCounter: u32 = 0;
    if (
      this.boot.otherState() == SlotState.Confirmed &&
      this.otherManifest.readSlot(this.boot.slot(this.boot.otherSlot())) == ErrorCode.None
    )
      otherCounter = this.otherManifest.header.securityCounter;
    this.floorChecked = this.boot.raiseFloor(otherCounter);
  }

  private readApp(nowUs: i64): void {
    if (appReport(report) < 0) return;
    this.appTicks = load<u32>(report);
    const health = load<u32>(report, 4);
    if (health != this.appHealth) this.changed = true;
    this.appHealth = health;
    this.appMetric = load<i32>(report, 8);
    this.appMetricNameBytes = min<u32>(load<u32>(report, 12), APP_REPORT_BYTES - 16);
    if (health != Health.Unhealthy) this.unhealthySinceUs = -1;
    else if (this.unhealthySinceUs < 0) this.unhealthySinceUs = nowUs;
  }

  private judge(nowUs: i64): void {
    const header = this.boot.running.header;
    if (!this.selfTested) {
      this.selfTested = true;
      if (!selfTestPasses()) return this.fail(ErrorCode.SelfTestFailed);
    }
    if (entropyState == EntropyState.FailedHealth) return this.fail(ErrorCode.SelfTestFailed);
    if (this.unhealthySinceUs >= 0 && nowUs - this.unhealthySinceUs >= UNHEALTHY_US)
      return this.fail(ErrorCode.AppUnhealthy);
    const healthy = this.appHealth == Health.Healthy;
    // One that does not answer may only be slow: it has as long as the app.
    const hasNoise = entropyState == EntropyState.Good;
    if (healthy && hasNoise && this.session.proven && this.confirm()) return;
    if (!(healthy && hasNoise) && nowUs >= <i64>max(header.confirmDeadlineMs, TRIAL_DEADLINE_MS_MIN) * 1000) {
      return this.fail(healthy ? ErrorCode.SelfTestFailed : ErrorCode.AppUnhealthy);
    }
    if (nowUs >= <i64>max(header.contactDeadlineMs, TRIAL_DEADLINE_MS_MIN) * 1000 && !this.isAlone) {
      if (this.boot.otherState() != SlotState.Confirmed) {
        // As after recovery: nothing to fall back to, so this goes on, and a power cut from here on costs it no try.
        if (this.boot.mayCommit()) this.isAlone = this.boot.giveTryBack();
        return;
      }
      if (this.session.proven) {
        // Nothing is wrong but the flash: where confirmed can't be recorded, only the other image can stay.
        say("not confirmed: flash takes no record; falling back");
        endLine();
      } else {
        // Healthy and alone: perhaps the server is away. The other image shall see whether it fares better.
        say("no contact; falling back to see whether the other image has any");
        endLine();
        this.boot.fallBackForContact();
      }
      // Recorded or not, the deadline holds: a loader that can record nothing starts the other image, too.
      reset(ResetReason.RollBack);
    }
  }

  /** This is the old image, here because the candidate had no contact. */
  private judgeContact(nowUs: i64): void {
    if (!this.boot.mayCommit()) return;
    if (this.session.proven) {
      say("candidate had no contact, this image has: candidate failed");
      this.deployment.sayId();
      endLine();
      if (!this.boot.failCandidate(ErrorCode.NoContact)) return;
      this.deployment.enter(DeploymentState.RolledBack, ErrorCode.NoContact);
      this.changed = true;
    } else if (nowUs >= <i64>max(this.boot.running.header.contactDeadlineMs, CONTACT_MS_MIN) * 1000) {
      say("no contact here either: trying the candidate again");
      endLine();
      if (this.boot.retryCandidate()) reset(ResetReason.Update);
    }
  }

  /** False on flash trouble: tried again in minutes, until the deadline ends it. */
  private confirm(): bool {
    if (!this.boot.mayCommit() || !this.boot.confirm()) return false;
    say("confirmed");
    this.deployment.sayId();
    endLine();
    bootPhase(Phase.Confirmed);
    this.deployment.enter(DeploymentState.Confirmed);
    this.changed = true;
    this.checkFloor();
    return true;
  }

  private fail(code: i32): void {
    say("this image does not stay, code ");
    sayNumber(code);
    this.deployment.sayId();
    endLine();
    // Where it can't be recorded, the loader can't record another try either, and starts the other image.
    this.boot.failRunning(code);
    reset(ResetReason.RollBack);
  }
}
