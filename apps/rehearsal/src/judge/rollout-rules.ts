// What must hold of a rollout as the server shows it, whenever it is looked at. Arithmetic of its own, after
// docs/operations.md: the engine's is what is judged.

import type { Deployment, Rollout, WaveRules } from "@flipside/api/types";
import type { DocumentedCourses } from "./documented.ts";
import {
  hasFailed,
  isCounted,
  isOver,
  isUnderWay,
  isWaiting,
  type Knowledge,
  type KnownRollout,
  tryOf,
} from "./knowledge.ts";

export type Found = (property: string, detail: string) => void;

const count = <T>(items: readonly T[], is: (item: T) => boolean): number => items.filter(is).length;

/** Counts shown are counts recounted; of one that is still being made, there are fewer deployments than devices. */
export function countsAgree(shown: Rollout, found: Found): void {
  const { deployments, waves, counts, total, name, preparing } = shown;
  const differ = (what: string, is: number, recounted: number): void => {
    if (is !== recounted) found("counts agree", `${name} shows ${is} ${what}, and has ${recounted}`);
  };
  if (preparing === null) differ("devices", total, deployments.length);
  else if (preparing.stage === "making") differ("deployments made", preparing.made, deployments.length);
  for (const [state, shownCount] of Object.entries(counts))
    differ(
      state,
      shownCount,
      count(deployments, (each) => each.state === state),
    );
  for (const wave of waves) {
    const own = deployments.filter((each) => each.wave === wave.index);
    const of = (what: string): string => `${what} in wave ${wave.index + 1}`;
    if (preparing === null) differ(of("devices"), wave.total, own.length);
    differ(
      of("finished"),
      wave.finished,
      count(own, ({ state }) => isOver(state)),
    );
    differ(
      of("succeeded"),
      wave.succeeded,
      count(own, ({ state }) => state === "confirmed"),
    );
    differ(
      of("cancelled"),
      wave.cancelled,
      count(own, ({ state }) => state === "cancelled"),
    );
    differ(
      of("waiting"),
      wave.waiting,
      count(own, ({ state }) => state === "queued"),
    );
    differ(
      of("away"),
      wave.unreached,
      count(own, ({ state }) => state === "unreached"),
    );
  }
}

/** Nothing goes a way that the document does not know, and nothing acknowledged is undone. */
export function coursesHold(
  shown: Rollout,
  known: KnownRollout,
  { deployments }: Knowledge,
  { rollouts, deployments: ofDeployments, ownSteps }: DocumentedCourses,
  found: Found,
): void {
  const { name } = shown;
  const maySay = (cause: string): boolean => ownSteps.has(cause) || known.words.has(cause);
  if (!rollouts.leads(known.state, shown.state, maySay))
    found("documented courses", `${name} was ${known.state}, and is ${shown.state}; ${saidTo(known)}`);
  if (shown.currentWave < known.currentWave)
    found("documented courses", `${name} was in wave ${known.currentWave + 1}, and is in ${shown.currentWave + 1}`);
  for (const each of shown.deployments) {
    // A device that had it already needs no offer: confirmed when the rollout was made.
    const { state: before, attempt } = deployments.get(each.id) ?? { state: "queued", attempt: 1 };
    const isTriedAgain = each.attempt > attempt;
    const mayCome = (cause: string): boolean => isTriedAgain || cause !== "retry";
    const isBack = each.attempt < attempt;
    if (isBack || !ofDeployments.leads(before, each.state, mayCome))
      found(
        "documented courses",
        `${each.deviceId} in ${name} was ${before} (try ${attempt}), and is ${each.state} (try ${each.attempt})`,
      );
  }
  const texts = shown.decisions.map(({ text }) => text);
  const lost = known.decisions.findIndex((text, at) => texts[at] !== text);
  if (lost >= 0) found("decisions are kept", `${name} had decided "${known.decisions[lost]}", and shows it no more`);
}

const saidTo = ({ words }: KnownRollout): string =>
  words.size === 0 ? "nothing was said to it" : `said to it: ${[...words].join(", ")}`;

/** Whether the share of failures lets the rollout go on: what is finished, less what an operator accepted. */
function holdsThreshold(
  own: readonly Deployment[],
  accepted: { counted: number; failed: number },
  { failureThresholdPercent, minimumSample }: WaveRules,
): boolean {
  const failed = count(own, ({ state }) => hasFailed(state)) - accepted.failed;
  const counted = Math.max(failed, count(own, ({ state }) => isCounted(state)) - accepted.counted);
  const isSampled = counted >= minimumSample || !own.some(({ state }) => isUnderWay(state) || isWaiting(state));
  return failed <= 0 || !isSampled || failed * 100 <= failureThresholdPercent * counted;
}

/** Of a rollout that runs, or is over. */
export function gatesHold(shown: Rollout, known: KnownRollout, found: Found): void {
  const { name, state, currentWave, deployments } = shown;
  const { asked, accepted } = known;
  const ofWave = (wave: number): Deployment[] => deployments.filter((each) => each.wave === wave);
  if (state === "running")
    for (let wave = 0; wave <= currentWave; wave++)
      if (!holdsThreshold(ofWave(wave), accepted[wave] ?? { counted: 0, failed: 0 }, asked.rules[wave]!))
        found("thresholds hold", `${name} goes on though wave ${wave + 1} has failed: ${statesIn(ofWave(wave))}`);
  for (const each of deployments)
    if (each.wave > currentWave && isUnderWay(each.state))
      found(
        "waves wait",
        `${each.deviceId} of wave ${each.wave + 1} is ${each.state} in ${name}, at ${currentWave + 1}`,
      );
  const underWay = count(deployments, (each) => isUnderWay(each.state));
  // A wave's cap is for all that are at work on the rollout, asked when one of that wave is offered it.
  const caps = known.capEver.slice(0, currentWave + 1);
  const cap = caps.length === 0 || caps.includes(null) ? Infinity : Math.max(...caps.map(Number));
  if (underWay > cap) found("the cap holds", `${underWay} devices are at work on ${name}, of ${cap} that may be`);
  // Late ones come back to a rollout that is over.
  if (state === "completed" && known.state !== "completed" && deployments.some((each) => each.state === "queued"))
    found("waves wait", `${name} is completed though some of its devices wait: ${statesIn(deployments)}`);
}

function statesIn(deployments: readonly Deployment[]): string {
  return deployments.map(({ deviceId, state }) => `${deviceId} ${state}`).join(", ");
}

/**
 * A device of a later wave was offered at `nowMs`: all of the waves before have ended, and the last one was watched.
 * `outcomesMs`: when devices came to the end of their deployments, by their own word.
 */
export function waveMayBegin(
  shown: Rollout,
  known: KnownRollout,
  { deployments }: Knowledge,
  begun: { wave: number; nowMs: number; outcomesMs: ReadonlyMap<string, number> },
  found: Found,
): void {
  const { wave, nowMs, outcomesMs } = begun;
  const { startedByHand, changedWaves, seenInWaveMs } = known;
  const { soakMs, deadlineMs } = known.asked.rules[wave - 1]!;
  for (const each of shown.deployments) {
    const { firstOfferMs: offeredMs, isWithdrawn } = deployments.get(each.id) ?? {};
    // Who came back, or was tried again, when its wave was over is no matter of this gate.
    if (each.wave >= wave || offeredMs === undefined || offeredMs >= (seenInWaveMs[each.wave] ?? -1)) continue;
    const isHurried = [...startedByHand].some((started) => started > each.wave && started <= wave);
    if (isHurried) continue;
    if (isUnderWay(each.state))
      found(
        "waves wait",
        `${shown.name} began wave ${wave + 1} while ${each.deviceId} was ${each.state} in ${each.wave + 1}`,
      );
    const outcomeMs = outcomesMs.get(tryOf(each.id, each.attempt));
    if (
      each.wave !== wave - 1 ||
      changedWaves.has(each.wave) ||
      outcomeMs === undefined ||
      outcomeMs > offeredMs + deadlineMs
    )
      continue;
    if (!isWithdrawn && isCounted(each.state) && nowMs < outcomeMs + soakMs)
      found(
        "waves are watched",
        `${shown.name} began wave ${wave + 1} ${Math.round(nowMs - outcomeMs)} ms after ${each.deviceId} ended; it is to be watched for ${soakMs}`,
      );
  }
}
