// What a pre-flight says, in the words of the form that it stands in.

import type { Misfit, Preflight, PreflightProblem } from "@flipside/api/types";
import { count, plural } from "./quantities.ts";
import type { IconName, Tone } from "./state-words.ts";

const misfitWords: Record<Misfit, string> = {
  "not-enrolled": "not enrolled",
  revoked: "revoked",
  "never-checked-in": "never checked in",
  "other-product": "of another product",
  "no-image": "of hardware without an image",
};

export const leftOutWords = ({ leftOut }: Pick<Preflight, "leftOut">): string =>
  leftOut.map((each) => `${count(each.count)} ${misfitWords[each.reason]}`).join(", ");

export const waveWords = ({ total, offline, alreadyThere }: Preflight["waves"][number]): string =>
  [
    plural(total, "device"),
    ...(offline > 0 ? [`${count(offline)} offline`] : []),
    ...(alreadyThere > 0 ? [`${count(alreadyThere)} there already`] : []),
  ].join(", ");

export const problemKindWords: Record<PreflightProblem["kind"], { label: string; tone: Tone; icon: IconName }> = {
  refused: { label: "It can’t be started", tone: "bad", icon: "ban" },
  fails: { label: "Devices would fail", tone: "bad", icon: "cross" },
  waits: { label: "It would wait", tone: "warn", icon: "clock" },
  needless: { label: "Nothing to do", tone: "idle", icon: "check" },
};
