// What must hold of a rollout as the server shows it, whenever it is looked at. Arithmetic of its own, after
// docs/operations.md: the engine's is what is judged.

import type { Deployment, Rollout } from "@flipside/api/types";
import type { Courses } from "./documented.ts";
import { hasFailed, isCounted, isOver, isUnderWay, isWaiting, type Knowledge, type KnownRollout } from "./knowledge.ts";

export type Found = (property: string, detail: string) => void;

const count = <T>(items: readonly T[], is: (item: T) => boolean): number => items.filter(is).length;

/** Counts shown are counts recounted. */
export function countsAgree(shown: Rollout, found: Found): void {
  const { deployments, waves, counts, total, name } = shown;
  const differ = (what: string, is: number, recounted: number): void => {
    if (is !== recounted) found("counts agree", `${name} shows ${is} ${what}, and has ${recounted}`);
  };
  differ("devices", total, deployments.length);
  for (const [state, shownCount] of Object.entries(counts))
    differ(
      state,
      shownCount,
      count(deployments, (each) => each.state === state),
    );
  for (const wave of waves) {
    const own = deployments.filter((each) => each.wave === wave.index);
    const of = (what: string): string => `${what} in wave ${wave.index + 1}`;
    differ(of("devices"), wave.total, own.length);
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
  courses: { rollouts: Courses; deployments: Courses },
  found: Found,
): void {
  const { name } = shown;
  if (!courses.rollouts.leads(known.state, shown.state))
    found("documented courses", `${name} was ${known.state}, and is ${shown.state}`);
  if (shown.currentWave < known.currentWave)
    found("documented courses", `${name} was in wave ${known.currentWave + 1}, and is in ${shown.currentWave + 1}`);
  for (const each of shown.deployments) {
    const before = deployments.get(each.id)?.state ?? "queued";
    // A device that had it already needs no offer: confirmed when the rollout was made.
    if (!courses.deployments.leads(before, each.state))
      found("documented courses", `${each.deviceId} in ${name} was ${before}, and is ${each.state}`);
  }
  const texts = shown.decisions.map(({ text }) => text);
  const lost = known.decisions.findIndex((text, at) => texts[at] !== text);
  if (lost >= 0) found("decisions are kept", `${name} had decided "${known.decisions[lost]}", and shows it no more`);
}

/** Whether the share of failures lets the rollout go on: what is finished, less what an operator accepted. */
function holdsThreshold(
  own: readonly Deployment[],
  accepted: { counted: number; failed: number },
  { failureThresholdPercent, minimumSample }: KnownRollout["asked"],
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
      if (!holdsThreshold(ofWave(wave), accepted[wave] ?? { counted: 0, failed: 0 }, asked))
        found("thresholds hold", `${name} goes on though wave ${wave + 1} has failed: ${statesIn(ofWave(wave))}`);
  for (const each of deployments)
    if (each.wave > currentWave && isUnderWay(each.state))
      found(
        "waves wait",
        `${each.deviceId} of wave ${each.wave + 1} is ${each.state} in ${name}, at ${currentWave + 1}`,
      );
  const underWay = count(deployments, (each) => isUnderWay(each.state));
  if (asked.underWayMax !== null && underWay > asked.underWayMax)
    found("the cap holds", `${underWay} devices are at work on ${name}, of ${asked.underWayMax} that may be`);
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
  const { soakMs, deadlineMs } = known.asked;
  const before = Math.max(-1, ...known.seenInWaveMs.slice(0, wave).filter((at) => at !== undefined));
  for (const each of shown.deployments) {
    const { firstOfferMs: offeredMs, isWithdrawn } = deployments.get(each.id) ?? {};
    // Who came back when the wave had begun is no matter of this gate.
    if (each.wave >= wave || offeredMs === undefined || offeredMs >= before) continue;
    if (isUnderWay(each.state))
      found(
        "waves wait",
        `${shown.name} began wave ${wave + 1} while ${each.deviceId} was ${each.state} in ${each.wave + 1}`,
      );
    const outcomeMs = outcomesMs.get(each.id);
    if (each.wave !== wave - 1 || outcomeMs === undefined || outcomeMs > offeredMs + deadlineMs) continue;
    if (!isWithdrawn && isCounted(each.state) && nowMs < outcomeMs + soakMs)
      found(
        "waves are watched",
        `${shown.name} began wave ${wave + 1} ${Math.round(nowMs - outcomeMs)} ms after ${each.deviceId} ended; it is to be watched for ${soakMs}`,
      );
  }
}
