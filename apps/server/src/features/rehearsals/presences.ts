// When devices are there: as the device log says of each. A device repeats its own last days, at the same times of the
// day; one of which too little is known stays as it is now, and one that is away now comes back after as long as it
// has been away, in the mean.

import type { FleetSnapshot, SampledDevice, SessionMark } from "./fleet-snapshot.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const hoursOfDay = 24;
/** A device repeats as many whole days as its log has, and not more. */
const daysMax = 14;
/** For so long ahead. */
const aheadMs = 30 * dayMs;
const turnsMax = 2_000;
const awayMsMin = 10 * 60_000;
/** Who was away for longer is not waited for. */
const awayMsMax = 30 * dayMs;

interface Presence {
  turnsMs: number[];
  returnsAfterMs: number | null;
}

export interface Presences {
  of(deviceId: string): Presence;
  /** Share of the time that devices were there, by hour of the day in UTC; null: not known. */
  byHour: number[] | null;
  assumptions: string[];
}

/** From when to when it was there; the last one may go on. */
interface Stay {
  fromMs: number;
  toMs: number;
}

/** A session that follows another one without an end of that was interrupted by the server. */
function staysOf(marks: readonly SessionMark[], isOnline: boolean, nowMs: number): Stay[] {
  const stays: Stay[] = [];
  let sinceMs: number | undefined;
  for (const { atMs, isBegin } of marks) {
    if (isBegin) sinceMs ??= atMs;
    else if (sinceMs !== undefined) {
      stays.push({ fromMs: sinceMs, toMs: atMs });
      sinceMs = undefined;
    }
  }
  if (sinceMs !== undefined) stays.push({ fromMs: sinceMs, toMs: isOnline ? nowMs : marks.at(-1)!.atMs });
  return stays.filter(({ fromMs, toMs }) => toMs > fromMs);
}

/** Its last whole days, again and again. */
function repeated(
  stays: readonly Stay[],
  days: number,
  { nowMs, isOnline }: { nowMs: number; isOnline: boolean },
): number[] {
  const periodMs = days * dayMs;
  const turns = stays
    .flatMap(({ fromMs, toMs }) => [
      { atMs: fromMs - (nowMs - periodMs), isOn: true },
      { atMs: toMs - (nowMs - periodMs), isOn: false },
    ])
    // One that is there now goes when it did in the days before, and not because the log ends.
    .filter(({ atMs }) => atMs > 0 && atMs < periodMs);
  const ahead: number[] = [];
  let isOn = isOnline;
  for (let fromMs = 0; fromMs < aheadMs && turns.length > 0; fromMs += periodMs)
    for (const turn of turns) {
      if (turn.isOn === isOn || ahead.length === turnsMax) continue;
      isOn = turn.isOn;
      ahead.push(Math.round(fromMs + turn.atMs));
    }
  return ahead;
}

const isIn = (stays: readonly Stay[], atMs: number): boolean =>
  stays.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);

function byHourOf(known: readonly { stays: Stay[]; fromMs: number }[], nowMs: number): number[] {
  const seen = new Array<number>(hoursOfDay).fill(0);
  const there = new Array<number>(hoursOfDay).fill(0);
  const stepMs = hourMs / 4;
  for (const { stays, fromMs } of known)
    for (let atMs = fromMs + stepMs / 2; atMs < nowMs; atMs += stepMs) {
      const hour = Math.floor(atMs / hourMs) % hoursOfDay;
      seen[hour]!++;
      if (isIn(stays, atMs)) there[hour]!++;
    }
  return there.map((count, hour) => Math.round((count / Math.max(1, seen[hour]!)) * 1_000) / 1_000);
}

function returnOf({ isOnline, lastSeenAtMs }: SampledDevice, nowMs: number): number | null {
  if (isOnline || lastSeenAtMs === null) return null;
  const awayMs = nowMs - lastSeenAtMs;
  return awayMs > awayMsMax ? null : Math.max(awayMsMin, awayMs);
}

function assumptionsOf(of: { known: number; all: number; away: number; forgotten: number }): string[] {
  const { known, all, away, forgotten } = of;
  const some = known === 0 ? "No device's log" : `The log of ${known} of ${all} simulated devices`;
  return [
    ...(known === all
      ? []
      : [
          `${some} covers a day or more: the others are taken to stay connected when they are${away === 0 ? "" : ", and, away now, to come back after as long as they have been away, in the mean"}.`,
        ]),
    ...(forgotten === 0
      ? []
      : [
          `${forgotten} of ${all} simulated devices were not heard of for 30 days, or ever: they are taken not to come.`,
        ]),
  ];
}

export function presencesIn(
  { atMs, sessions }: Pick<FleetSnapshot, "atMs" | "sessions">,
  devices: readonly SampledDevice[],
): Presences {
  const marks = new Map<string, SessionMark[]>();
  for (const mark of sessions) marks.set(mark.deviceId, [...(marks.get(mark.deviceId) ?? []), mark]);
  const presences = new Map<string, Presence>();
  const known: { stays: Stay[]; fromMs: number }[] = [];
  const counts = { known: 0, all: devices.length, away: 0, forgotten: 0 };
  for (const device of devices) {
    const own = marks.get(device.id) ?? [];
    const days = Math.min(daysMax, Math.floor((atMs - (own[0]?.atMs ?? atMs)) / dayMs));
    if (days >= 1) {
      const stays = staysOf(own, device.isOnline, atMs);
      counts.known++;
      known.push({ stays, fromMs: atMs - days * dayMs });
      const turnsMs = repeated(stays, days, { nowMs: atMs, isOnline: device.isOnline });
      // Away ever since its log began: nothing shows when it comes.
      presences.set(device.id, { turnsMs, returnsAfterMs: turnsMs.length === 0 ? returnOf(device, atMs) : null });
    } else presences.set(device.id, { turnsMs: [], returnsAfterMs: returnOf(device, atMs) });
    const { turnsMs, returnsAfterMs } = presences.get(device.id)!;
    if (device.isOnline || turnsMs.length > 0) continue;
    if (returnsAfterMs === null) counts.forgotten++;
    else counts.away++;
  }
  return {
    of: (deviceId) => presences.get(deviceId)!,
    byHour: known.length === 0 ? null : byHourOf(known, atMs),
    assumptions: assumptionsOf(counts),
  };
}
