// What must hold of what an operator has said of a rollout: when it may start, when and how fast it may offer, how
// often it may try again, what it does when too much fails, and whom a roll-back takes back. After docs/operations.md,
// with arithmetic of its own.

import { isDeepStrictEqual } from "node:util";
import type { Rollout, WaveRules } from "@flipside/api/types";
import {
  type Installation,
  isAbandonable,
  type Knowledge,
  type KnownDeployment,
  type KnownRollout,
} from "./knowledge.ts";
import { isWindowOpen } from "./local-time.ts";
import type { Found } from "./rollout-rules.ts";

/** The rules shown are those that were asked for. */
export function rulesAreThoseAsked(shown: Rollout, { asked }: KnownRollout, found: Found): void {
  for (const [wave, rules] of shown.settings.rules.entries())
    if (!isDeepStrictEqual(rules, asked.rules[wave]))
      found(
        "rules are those asked for",
        `${shown.name} shows ${JSON.stringify(rules)} for wave ${wave + 1}, and was asked for ${JSON.stringify(asked.rules[wave])}`,
      );
}

/** Waves that have begun since the rollout was last seen had what they were to wait for. `wallMs`: as it is now. */
export function wavesBeganAsSaid(shown: Rollout, known: KnownRollout, wallMs: number, found: Found): void {
  const { asked, approved, startedByHand } = known;
  for (let wave = known.currentWave + 1; wave <= shown.currentWave; wave++) {
    const { approval, startAt } = asked.rules[wave]!;
    if (approval && !approved.has(wave))
      found("approval holds", `${shown.name} began wave ${wave + 1}, which nobody has approved`);
    const isEarly = startAt !== null && Math.max(known.wallHighMs, wallMs) < Date.parse(startAt);
    if (isEarly && !startedByHand.has(wave))
      found("start times hold", `${shown.name} began wave ${wave + 1} before ${startAt}, and nobody said so`);
  }
}

/** A first offer, which left when the clock on the wall showed `wallMs`. */
export function windowHolds(about: string, { asked }: KnownRollout, wallMs: number, found: Found): void {
  const { maintenance } = asked;
  if (maintenance === null || isWindowOpen(maintenance, wallMs) !== false) return;
  const time = new Date(wallMs).toISOString();
  found("windows hold", `${about} is offered at ${time}, outside of ${JSON.stringify(maintenance)}`);
}

const hourMs = 3_600_000;
/** Who was not there at its turn makes up for it; so much of the rate at most. */
const burstMs = 10_000;

/** `confirmedMax`: the server can't know of more devices of the rollout that run the image. */
function spacingMs(rate: NonNullable<WaveRules["rate"]>, confirmedMax: number): number {
  const { perHour, growthFactor, growthConfirmed, perHourMax } = rate;
  return hourMs / Math.min(perHourMax, perHour * growthFactor ** Math.floor(confirmedMax / growthConfirmed));
}

/** A first offer was made just now to a device of this wave: never more in a time than its rate gives. */
export function rateHolds(
  shown: Rollout,
  known: KnownRollout,
  { wave, nowMs, confirmedMax }: { wave: number; nowMs: number; confirmedMax: number },
  found: Found,
): void {
  // Each wave begins anew.
  if (known.meter?.wave !== shown.currentWave) known.meter = { wave: shown.currentWave, offers: [] };
  const { rate } = known.asked.rules[wave]!;
  if (rate === null) return;
  const { offers } = known.meter;
  let leastMs = 0;
  for (let at = offers.length - 1; at >= 0; at--) {
    leastMs += offers[at]!.spacingMs - 1;
    const tookMs = nowMs - offers[at]!.atMs;
    if (tookMs + burstMs < leastMs)
      found(
        "rates hold",
        `${shown.name} made ${offers.length - at + 1} offers within ${Math.round(tookMs)} ms; at its rate they take ${Math.round(leastMs)}`,
      );
  }
  offers.push({ atMs: nowMs, spacingMs: spacingMs(rate, confirmedMax) });
}

/** No more tries than the rollout's rules and people have asked for. */
export function retriesHold(shown: Rollout, { asked, retriesAsked }: KnownRollout, found: Found): void {
  const triesMax = 1 + retriesAsked + Math.max(0, ...asked.retries.map(({ retriesMax }) => retriesMax));
  for (const { deviceId, attempt } of shown.deployments)
    if (attempt > triesMax)
      found("retries hold", `${deviceId} in ${shown.name} is at try ${attempt}, of ${triesMax} that may be`);
}

const ownActs: readonly [WaveRules["thresholdAction"], RegExp][] = [
  ["pause", /^paused automatically: (?!no device of wave)/],
  ["abort", /^cancelled automatically: /],
  ["roll-back-wave", /^rolled back automatically, wave \d+: /],
  ["roll-back-all", /^rolled back automatically: /],
];

/** What it has decided since it was last seen is what one of its waves is to do when too much of it fails. */
export function actsAsSaid(shown: Rollout, { asked, decisions }: KnownRollout, found: Found): void {
  const rules = asked.rules.slice(0, shown.currentWave + 1);
  for (const { text } of shown.decisions.slice(decisions.length))
    for (const [action, pattern] of ownActs)
      if (pattern.test(text) && !rules.some(({ thresholdAction }) => thresholdAction === action))
        found("thresholds act as said", `${shown.name} decided "${text}", and no wave of it is to ${action}`);
}

/** These devices were to be taken out, and that was answered. */
export function excludedAreOut(shown: Rollout, deviceIds: readonly string[], found: Found): void {
  for (const { deviceId, state } of shown.deployments)
    if (deviceIds.includes(deviceId) && isAbandonable(state))
      found("the excluded get nothing", `${deviceId} was taken out of ${shown.name}, and is ${state}`);
}

/** Which wave the rollout took back by itself; undefined: all. */
export function waveTakenBack(shown: Rollout): number | undefined {
  const texts = shown.decisions.map(({ text }) => /^rolled back automatically, wave (\d+): /.exec(text)?.[1]);
  const wave = texts.find((each) => each !== undefined);
  return wave === undefined ? undefined : Number(wave) - 1;
}

/**
 * In the end, of a device that runs what it has installed last: if that rollout was rolled back, and the server knew
 * what the device runs, there was a way back for it. What came of that is another matter.
 */
export function wasTakenBack(
  deviceId: string,
  { deployment, from, to, toldMs }: Installation,
  { rollouts, deployments }: Knowledge,
  found: Found,
): void {
  const installed = deployments.get(deployment);
  const rollout = installed && rollouts.get(installed.rolloutId);
  if (
    rollout?.state !== "rolled-back" ||
    rollout.rollBack === undefined ||
    toldMs === undefined ||
    toldMs >= rollout.rollBack.notBeforeMs
  )
    return;
  const { wave } = rollout.rollBack;
  if (wave !== undefined && wave !== installed!.wave) return;
  const isWayBack = (each: KnownDeployment): boolean =>
    each.deviceId === deviceId && each.digest === from && rollouts.get(each.rolloutId)?.takesBack === rollout.name;
  if ([...deployments.values()].some(isWayBack)) return;
  found(
    "a roll-back takes all back",
    `${deviceId} runs ${to.slice(0, 8)} of ${rollout.name}, which was rolled back, and was not offered ${from.slice(0, 8)}`,
  );
}
