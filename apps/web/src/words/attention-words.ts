// What needs a person, in symbol, tone, and where to go to do something about it.

import type { AttentionKind } from "@flipside/api/attention-kinds";
import type { AttentionItem } from "@flipside/api/types";
import { devicePath, devicesPath, rolloutPath } from "../router.ts";
import type { IconName, Tone } from "./state-words.ts";

export interface AttentionWords {
  label: string;
  tone: Tone;
  icon: IconName;
}

export const attentionWords: Record<AttentionKind, AttentionWords> = {
  "emergency-stop": { label: "All updates stopped", tone: "bad", icon: "stop" },
  "rollout-paused": { label: "Rollout paused", tone: "warn", icon: "pause" },
  "awaits-approval": { label: "Approval wanted", tone: "warn", icon: "clock" },
  "proposal-waits": { label: "Second person wanted", tone: "warn", icon: "clock" },
  "identity-conflict": { label: "Two boards, one identity", tone: "bad", icon: "copy" },
  "trust-forked": { label: "Other trust record", tone: "bad", icon: "key" },
  "image-file-lost": { label: "File lost", tone: "bad", icon: "alert" },
  "updates-failed": { label: "Updates failed", tone: "bad", icon: "cross" },
  crashes: { label: "Crashed", tone: "bad", icon: "restart" },
  unhealthy: { label: "Unhealthy", tone: "bad", icon: "alert" },
  "configuration-refused": { label: "Configuration refused", tone: "warn", icon: "ban" },
  "rollout-waits": { label: "Waits for devices", tone: "idle", icon: "clock" },
  "webhook-failing": { label: "Nothing arrives", tone: "warn", icon: "offer" },
  "token-ends": { label: "Token ends", tone: "idle", icon: "key" },
};

interface Way {
  href: string;
  label: string;
}

/** Where it is from by its kind alone. */
const ofKind: Partial<Record<AttentionKind, Way>> = {
  "emergency-stop": { href: "/rollouts", label: "Go to the rollouts" },
  "proposal-waits": { href: "/access/second-person", label: "Look at what waits" },
  "trust-forked": { href: "/trust", label: "Look at the trust record" },
  "image-file-lost": { href: "/releases", label: "Go to the releases" },
  "webhook-failing": { href: "/access/notifications", label: "Look at what was sent" },
  "token-ends": { href: "/account", label: "Go to the tokens" },
};

/** One step from the cause: the nearest first. */
export function waysFrom({ kind, rollout, devices }: AttentionItem): Way[] {
  const ways: Way[] = [];
  if (rollout !== null) ways.push({ href: rolloutPath(rollout.id), label: `Open ${rollout.name}` });
  const known = ofKind[kind];
  if (known !== undefined) ways.push(known);
  const one = devices?.examples[0];
  if (devices?.filter && devices.count > 1)
    ways.push({ href: devicesPath(devices.filter), label: "List these devices" });
  else if (one !== undefined) ways.push({ href: devicePath(one), label: `Look at ${one}` });
  return ways;
}
