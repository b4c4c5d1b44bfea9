// Whether one board speaks for a device, or two that have one identity (a copied flash, a key burnt twice) and take the
// place of each other. Pure.
//
// A board orders all that it says by (boot counter, number within this boot), over connections too: whatever its link
// is like, and however often it starts anew, what it says in a session comes after all that it said before. Two boards
// have a counter each. So the evidence is a run (a board between two starts) that goes on after another one, that lies
// behind it, has spoken in its place: connections that come and go don't look like that, nor does a reboot loop, and a
// board whose counter was set back once (boot control lost, flash written anew) leaves a run for good. Taking the
// place of a connection that is still up proves nothing: that is what a bad link looks like to a server.

import type { Now } from "./now.ts";

/** What a device orders its messages by. */
export interface MessageOrder {
  boot: number;
  sequence: number;
}

/** What is kept of a device for this. */
export interface BoardTrail {
  /** The last message of the run that another one, that lies behind it, has taken the place of. */
  left: MessageOrder | null;
  /** When a run that had been left went on, of steady time: the newest ones. */
  returnsMs: readonly number[];
  /** The first of those that are the conflict, and the newest one, of the wall clock; null: there is none. */
  shown: { sinceMs: number; lastMs: number } | null;
}

/** So often, within this time, a run that was left must go on; and without it for as long, the conflict is over. */
export const conflictReturnsMin = 3;
export const conflictWindowMs = 3_600_000;

export const noTrail: BoardTrail = { left: null, returnsMs: [], shown: null };

export const isLater = (one: MessageOrder, other: MessageOrder): boolean =>
  one.boot > other.boot || (one.boot === other.boot && one.sequence > other.sequence);

/** When the conflict is over, if nothing more comes, of steady time; null: there is none. */
export const conflictUntilMs = ({ shown, returnsMs }: BoardTrail): number | null =>
  shown === null ? null : returnsMs.at(-1)! + conflictWindowMs;

/**
 * A session has its first message. `last`: of all sessions before. The same trail when it says nothing of this.
 */
export function sessionSpoke(trail: BoardTrail, last: MessageOrder, first: MessageOrder, now: Now): BoardTrail {
  const { left } = trail;
  const goesOn = left !== null && first.boot === left.boot && isLater(first, left) && !isLater(last, left);
  if (!goesOn) return isLater(first, last) ? trail : { ...trail, left: last };
  const recent = trail.returnsMs.filter((at) => now.steadyMs - at < conflictWindowMs);
  const returnsMs = [...recent, now.steadyMs].slice(-conflictReturnsMin);
  const goesOnStill = recent.length > 0 ? trail.shown : null;
  const isOne = goesOnStill !== null || returnsMs.length >= conflictReturnsMin;
  const sinceMs = goesOnStill?.sinceMs ?? now.wallMs - (now.steadyMs - returnsMs[0]!);
  return { left: null, returnsMs, shown: isOne ? { sinceMs, lastMs: now.wallMs } : null };
}
