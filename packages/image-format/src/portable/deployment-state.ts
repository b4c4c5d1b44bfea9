// The one transition table of a deployment, for device and server alike (docs/protocol.md, "Deployment states").

export enum DeploymentState {
  Queued = 0,
  Offered = 1,
  Downloading = 2,
  Verifying = 3,
  Installed = 4, // the candidate record is written: the point of no return
  Rebooting = 5,
  Testing = 6,
  Confirmed = 7,
  Failed = 8,
  RolledBack = 9,
  Cancelled = 10,
  TimedOut = 11,
  Rejected = 12,
  Unreached = 13, // the server's own: no device says so, and none is told
}

// States that may follow, one bit a state. A device may skip ahead (a message was lost), never go back; `timed-out`
// and `cancelled` yield to a later check-in that proves the new image confirmed.
const afterQueued: u32 = 0x1ffe; // anything later
const afterOffered: u32 = 0x1ffc;
const afterDownloading: u32 = 0x1ff8;
const afterVerifying: u32 = 0x1ff0;
const afterInstalled: u32 = 0x0ae0; // rebooting, testing, confirmed, rolled-back, timed-out
const afterRebooting: u32 = 0x0ac0;
const afterTesting: u32 = 0x0a80;
const afterGivenUp: u32 = 0x0080; // confirmed

/** Whether a deployment in state `from` may enter state `to`. */
export function mayFollow(from: i32, to: i32): bool {
  if (to < 0 || to > 12) return false;
  let allowed: u32 = 0;
  if (from == DeploymentState.Queued) allowed = afterQueued;
  else if (from == DeploymentState.Offered) allowed = afterOffered;
  else if (from == DeploymentState.Downloading) allowed = afterDownloading;
  else if (from == DeploymentState.Verifying) allowed = afterVerifying;
  else if (from == DeploymentState.Installed) allowed = afterInstalled;
  else if (from == DeploymentState.Rebooting) allowed = afterRebooting;
  else if (from == DeploymentState.Testing) allowed = afterTesting;
  else if (from == DeploymentState.Cancelled || from == DeploymentState.TimedOut) allowed = afterGivenUp;
  return ((allowed >>> to) & 1) == 1;
}

/** Whether nothing more is expected of a deployment in this state. */
export function isFinal(state: i32): bool {
  return state >= DeploymentState.Confirmed && state <= DeploymentState.Rejected;
}
