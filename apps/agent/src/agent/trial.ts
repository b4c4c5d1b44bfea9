// Does this image stay? A candidate has to pass its self-test, have a healthy app, and reach the server by proof, in
// time; what happens otherwise is in docs/architecture.md, "Trial". Also what the old image does about a candidate that
// had no contact, and forgetting unclean boots.

import { endLine, say, sayNumber } from "../console";
import { APP_REPORT_BYTES, appReport, bootPhase, Health, Phase, reset, ResetReason } from "../exokernel";
import { DeploymentState, ErrorCode, SlotState } from "../format";
import { Manifest } from "../image/manifest";
import { Task } from "../scheduler/scheduler";
import { Session } from "../session/session";
import { Deployment } from "../update/deployment";
import { BootState } from "./boot-state";
import { selfTestPasses } from "./self-test";

const PERIOD_US: i64 = 250_000;
/** An app that has said "unhealthy" for so long won't get better by waiting. */
const UNHEALTHY_US: i64 = 3_000_000;
/** Uptime after which earlier unclean boots are forgotten. */
const CLEAN_UPTIME_US: i64 = 10_000_000;

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

  constructor(private boot: BootState, private session: Session, private deployment: Deployment) {
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
    if (this.appHealth != Health.Healthy) return;
    if (!this.floorChecked && this.session.proven) this.checkFloor();
    if (this.boot.log.record.uncleanBoots > 0 && nowUs > CLEAN_UPTIME_US) this.boot.clearUncleanBoots();
  }

  private checkFloor(): void {
    let otherCounter: u32 = 0;
    if (this.boot.otherState() == SlotState.Confirmed && this.otherManifest.readSlot(this.boot.slot(this.boot.otherSlot())) == ErrorCode.None)
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
    if (this.unhealthySinceUs >= 0 && nowUs - this.unhealthySinceUs >= UNHEALTHY_US) return this.fail(ErrorCode.AppUnhealthy);
    const healthy = this.appHealth == Health.Healthy;
    if (healthy && this.session.proven) return this.confirm();
    if (!healthy && nowUs >= <i64>header.confirmDeadlineMs * 1000) return this.fail(ErrorCode.AppUnhealthy);
    if (nowUs >= <i64>header.contactDeadlineMs * 1000 && !this.isAlone) {
      if (this.boot.otherState() != SlotState.Confirmed) {
        // As after recovery: nothing to fall back to, so this goes on, and a power cut from here on costs it no try.
        this.isAlone = this.boot.giveTryBack();
        return;
      }
      // Healthy and alone: perhaps the server is away. The other image shall see whether it fares better.
      say("no contact; falling back to see whether the other image has any");
      endLine();
      if (this.boot.fallBackForContact()) reset(ResetReason.RollBack);
    }
  }

  /** This is the old image, here because the candidate had no contact. */
  private judgeContact(nowUs: i64): void {
    if (this.session.proven) {
      say("candidate had no contact, this image has: candidate failed");
      endLine();
      if (!this.boot.failCandidate(ErrorCode.NoContact)) return;
      this.deployment.enter(DeploymentState.RolledBack, ErrorCode.NoContact);
      this.changed = true;
    } else if (nowUs >= <i64>this.boot.running.header.contactDeadlineMs * 1000) {
      say("no contact here either: trying the candidate again");
      endLine();
      if (this.boot.retryCandidate()) reset(ResetReason.Update);
    }
  }

  private confirm(): void {
    if (!this.boot.confirm()) return; // flash trouble: tried again, until the deadline ends it
    say("confirmed");
    endLine();
    bootPhase(Phase.Confirmed);
    this.deployment.enter(DeploymentState.Confirmed);
    this.changed = true;
    this.checkFloor();
  }

  private fail(code: i32): void {
    say("this image does not stay, code ");
    sayNumber(code);
    endLine();
    if (this.boot.failRunning(code)) reset(ResetReason.RollBack);
  }
}
