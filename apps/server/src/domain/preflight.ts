// What would stop or delay a rollout, in sentences, from the numbers of a pre-flight. Pure.

import type { Preflight, PreflightProblem, Rejection } from "@flipside/api/types";
import { counted } from "./counted.ts";

export interface Findings {
  /** Why it can't be made at all. */
  refusals: readonly { what: string; todo: string }[];
  stop: { by: string; reason: string } | undefined;
  /** Those that take time to begin: with a trust record that the server does not know, and with an image on trial. */
  strangers: number;
  onTrial: number;
  urgent: boolean;
  /** Ids of rollouts that end when this one starts. */
  supersedes: readonly string[];
  order: "online-first" | "as-listed" | "random";
}

type Numbers = Omit<Preflight, "problems">;

const many = (count: number, what = "device"): string => counted(count, what);
const verb = (count: number, one: string, several: string): string => (count === 1 ? one : several);

const fails = (sentence: string, todo: string): PreflightProblem => ({ kind: "fails", sentence, todo });
const waits = (sentence: string, todo: string): PreflightProblem => ({ kind: "waits", sentence, todo });

const rejectionWords: Record<Rejection, { why: (count: number) => string; todo: string }> = {
  "security-floor": {
    why: (count) => `${verb(count, "has", "have")} a security floor above the image's counter`,
    todo: "Build the release with a higher security counter",
  },
  "loader-too-old": {
    why: (count) => `${verb(count, "has an older boot loader", "have older boot loaders")} than the image wants`,
    todo: "Build the release for that boot loader",
  },
  "no-permit": {
    why: (count) => `${verb(count, "runs", "run")} something newer, with no permit to go back`,
    todo: "Upload permits for them",
  },
};

const named = (deviceIds: readonly string[], count: number): string =>
  deviceIds.join(", ") + (count > deviceIds.length ? ` and ${count - deviceIds.length} more` : "");

const rejections = ({ wouldReject }: Numbers): PreflightProblem[] =>
  wouldReject.map(({ reason, count, deviceIds }) =>
    fails(
      `${many(count)} ${rejectionWords[reason].why(count)}, and would reject it.`,
      `${rejectionWords[reason].todo}, or leave out ${named(deviceIds, count)}.`,
    ),
  );

const backLater = "Bring them back first; or go on: they are offered the image when they come back.";

function away({ waves }: Numbers, order: Findings["order"]): PreflightProblem[] {
  const problems: PreflightProblem[] = [];
  const isAllAway = ({ total, offline }: Preflight["waves"][number]): boolean => total > 0 && offline === total;
  const [first, ...later] = waves;
  if (first !== undefined && first.offline > 0 && !isAllAway(first))
    problems.push(
      waits(
        `${first.offline} of ${many(first.total)} of wave 1 ${verb(first.offline, "is", "are")} offline.`,
        order === "online-first"
          ? backLater
          : `Let those that are online go first, by the order online-first. ${backLater}`,
      ),
    );
  const silent = waves.filter(isAllAway);
  if (silent.length > 0)
    problems.push(
      waits(
        `Of ${verb(silent.length, "wave", "waves")} ${silent.map(({ index }) => index + 1).join(", ")} every device is offline: the rollout would pause there, as nothing is learned from ${verb(silent.length, "it", "them")}.`,
        "Bring some of them back first, or make fewer and larger waves.",
      ),
    );
  const some = later.filter((wave) => wave.offline > 0 && !isAllAway(wave));
  const offline = some.reduce((sum, wave) => sum + wave.offline, 0);
  if (offline > 0)
    problems.push(waits(`${many(offline)} of later waves ${verb(offline, "is", "are")} offline.`, backLater));
  return problems;
}

function others(
  { otherRollouts }: Numbers,
  { urgent, supersedes }: Pick<Findings, "urgent" | "supersedes">,
): PreflightProblem[] {
  if (urgent) return [];
  return otherRollouts.flatMap((other) => {
    const { name, underWay, waiting } = other;
    if (underWay > 0)
      return [
        waits(
          `${many(underWay)} ${verb(underWay, "is", "are")} at work on rollout ${name}, and ${verb(underWay, "begins", "begin")} this one when that has ended.`,
          `Wait for it, cancel ${name}, or make this rollout urgent.`,
        ),
      ];
    if (other.urgent && waiting > 0 && !supersedes.includes(other.id))
      return [
        waits(
          `${many(waiting)} ${verb(waiting, "waits", "wait")} for urgent rollout ${name}, which comes first.`,
          `Wait for it, cancel ${name}, or make this rollout urgent.`,
        ),
      ];
    return [];
  });
}

/** The gravest first. */
export function problemsOf(numbers: Numbers, findings: Findings): PreflightProblem[] {
  const { refusals, stop, strangers, onTrial, order } = findings;
  const { chosen, alreadyThere } = numbers;
  return [
    ...refusals.map(({ what, todo }) => ({ kind: "refused" as const, sentence: what, todo })),
    ...rejections(numbers),
    ...(stop === undefined
      ? []
      : [
          waits(
            `All updates were stopped by ${stop.by} (${stop.reason}): nothing is offered.`,
            "End the emergency stop.",
          ),
        ]),
    ...away(numbers, order),
    ...others(numbers, findings),
    ...(strangers === 0
      ? []
      : [
          waits(
            `${many(strangers)} ${verb(strangers, "has", "have")} a trust record that this server does not know: nothing is offered to ${verb(strangers, "it", "them")}.`,
            "Upload the newer trust record.",
          ),
        ]),
    ...(onTrial === 0
      ? []
      : [
          waits(
            `${many(onTrial)} ${verb(onTrial, "has", "have")} an image on trial, and ${verb(onTrial, "begins", "begin")} nothing before that has ended.`,
            "Wait for it.",
          ),
        ]),
    ...(chosen > 0 && alreadyThere === chosen
      ? [
          {
            kind: "needless" as const,
            sentence: `${chosen === 1 ? "The device runs" : `All ${chosen} devices run`} it already: the rollout would be over at once.`,
            todo: "Choose another release, or other devices.",
          },
        ]
      : []),
  ];
}
