// What needs a person, in symbol, tone, and where to go to do something about it.

import { t } from "@lingui/core/macro";
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
  "emergency-stop": { label: t`All updates stopped`, tone: "bad", icon: "stop" },
  "rollout-paused": { label: t`Rollout paused`, tone: "warn", icon: "pause" },
  "awaits-approval": { label: t`Approval wanted`, tone: "warn", icon: "clock" },
  "proposal-waits": { label: t`Second person wanted`, tone: "warn", icon: "clock" },
  "identity-conflict": { label: t`Two boards, one identity`, tone: "bad", icon: "copy" },
  "trust-forked": { label: t`Other trust record`, tone: "bad", icon: "key" },
  "kept-from-updates": { label: t`Kept from updates`, tone: "bad", icon: "ban" },
  "trust-ends": { label: t`Few key changes left`, tone: "warn", icon: "key" },
  "release-state-ends": { label: t`Release state ends`, tone: "warn", icon: "clock" },
  "image-file-lost": { label: t`File lost`, tone: "bad", icon: "alert" },
  "updates-failed": { label: t`Updates failed`, tone: "bad", icon: "cross" },
  crashes: { label: t`Crashed`, tone: "bad", icon: "restart" },
  unhealthy: { label: t`Unhealthy`, tone: "bad", icon: "alert" },
  "configuration-refused": { label: t`Configuration refused`, tone: "warn", icon: "ban" },
  "rollout-waits": { label: t`Waits for devices`, tone: "idle", icon: "clock" },
  "webhook-failing": { label: t`Nothing arrives`, tone: "warn", icon: "offer" },
  "token-ends": { label: t`Token ends`, tone: "idle", icon: "key" },
};

interface Way {
  href: string;
  label: string;
}

/** Where it is from by its kind alone. */
const ofKind: Partial<Record<AttentionKind, Way>> = {
  "emergency-stop": { href: "/rollouts", label: t`Go to the rollouts` },
  "proposal-waits": { href: "/access/second-person", label: t`Look at what waits` },
  "trust-forked": { href: "/trust", label: t`Look at the trust record` },
  "trust-ends": { href: "/trust", label: t`Look at the trust record` },
  "release-state-ends": { href: "/releases", label: t`Go to the releases` },
  "image-file-lost": { href: "/releases", label: t`Go to the releases` },
  "webhook-failing": { href: "/access/notifications", label: t`Look at what was sent` },
  "token-ends": { href: "/account", label: t`Go to the tokens` },
};

/** One step from the cause: the nearest first. */
export function waysFrom({ kind, rollout, devices }: AttentionItem): Way[] {
  const ways: Way[] = [];
  if (rollout !== null) {
    const { id, name } = rollout;
    ways.push({ href: rolloutPath(id), label: t`Open ${name}` });
  }
  const known = ofKind[kind];
  if (known !== undefined) ways.push(known);
  const one = devices?.examples[0];
  if (devices?.filter && devices.count > 1)
    ways.push({ href: devicesPath(devices.filter), label: t`List these devices` });
  else if (one !== undefined) ways.push({ href: devicePath(one), label: t`Look at ${one}` });
  return ways;
}
