// Names of deployment states, as messages, database and console spell them.

import { type DeploymentState, isFinal } from "./portable/deployment-state.ts";

export const deploymentStateNames = [
  "queued",
  "offered",
  "downloading",
  "verifying",
  "installed",
  "rebooting",
  "testing",
  "confirmed",
  "failed",
  "rolled-back",
  "cancelled",
  "timed-out",
  "rejected",
  "unreached",
] as const;

export type DeploymentStateName = (typeof deploymentStateNames)[number];

export function deploymentStateOf(name: DeploymentStateName): DeploymentState {
  return deploymentStateNames.indexOf(name);
}

/** Whether nothing more is expected of a deployment in this state. */
export const isFinalState = (name: DeploymentStateName): boolean => isFinal(deploymentStateOf(name));

/** Names of slot states in a check-in, by number (portable/boot-control-record.ts). */
export const slotStateNames = ["empty", "candidate", "confirmed", "failed"] as const;
export type SlotStateName = (typeof slotStateNames)[number];

/** Names of recovery reasons, by number (portable/recovery-protocol.ts). */
export const recoveryReasonNames = [
  "none",
  "no-factory-record",
  "flash-geometry",
  "no-trust-record",
  "no-image",
  "crash-loop",
  "boot-control-unwritable",
] as const;

/** How far a run came, by number (exokernel.h, EXO_PHASE_*). */
export const bootPhaseNames = [
  "unknown",
  "loader",
  "log-appended",
  "loaded",
  "verified",
  "handed-over",
  "image",
  "agent",
  "trial",
  "proven",
  "confirmed",
  "recovery",
] as const;

/** Names of boot reasons, by number (exokernel.h, EXO_BOOT_*). */
export const bootReasonNames = [
  "power-on",
  "requested",
  "update",
  "roll-back",
  "trap",
  "watchdog",
  "reset-pin",
  "unknown",
] as const;
export type BootReasonName = (typeof bootReasonNames)[number];

/** What a device's app says of itself. */
export const healthNames = ["unknown", "healthy", "unhealthy"] as const;

/** What a device has noticed of the release states that come to it (docs/protocol.md, "Release states"). */
export const releaseStateWarningNames = ["missing", "invalid", "older", "expired", "behind"] as const;
export type ReleaseStateWarning = (typeof releaseStateWarningNames)[number];
