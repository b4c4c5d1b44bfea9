// What a pre-flight says, in the words of the form that it stands in.

import { plural, t } from "@lingui/core/macro";
import type { Misfit, Preflight, PreflightProblem } from "@flipside/api/types";
import { joined } from "./listed.ts";
import { count } from "./quantities.ts";
import type { IconName, Tone } from "./state-words.ts";

/** `devices`: how many. */
const misfitWords: Record<Misfit, (devices: string) => string> = {
  "not-enrolled": (devices) => t`${devices} not enrolled`,
  revoked: (devices) => t`${devices} revoked`,
  "never-checked-in": (devices) => t`${devices} never checked in`,
  "other-product": (devices) => t`${devices} of another product`,
  "no-image": (devices) => t`${devices} of hardware without an image`,
};

export const leftOutWords = ({ leftOut }: Pick<Preflight, "leftOut">): string =>
  joined(leftOut.map((each) => misfitWords[each.reason](count(each.count))));

export function waveWords({ total, offline, alreadyThere }: Preflight["waves"][number]): string {
  const [away, there] = [count(offline), count(alreadyThere)];
  return joined([
    plural(total, { one: "# device", other: "# devices" }),
    ...(offline > 0 ? [t`${away} offline`] : []),
    ...(alreadyThere > 0 ? [t`${there} there already`] : []),
  ]);
}

export const problemKindWords: Record<PreflightProblem["kind"], { label: string; tone: Tone; icon: IconName }> = {
  refused: { label: t`It can’t be started`, tone: "bad", icon: "ban" },
  fails: { label: t`Devices would fail`, tone: "bad", icon: "cross" },
  waits: { label: t`It would wait`, tone: "warn", icon: "clock" },
  needless: { label: t`Nothing to do`, tone: "idle", icon: "check" },
};
