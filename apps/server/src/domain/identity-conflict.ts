// Whether one board speaks for a device, or two that have one identity (a copied flash, a key burnt twice) and take the
// place of each other. Pure.
//
// A board orders all that it says by (boot counter, number within this boot), over connections too: whatever its link
// is like, and however often it starts anew, what it says in a session comes after all that it said before. Two boards
// have a counter each. So the evidence is a run (a board between two starts) that goes on after another one, that lies
// behind it, has spoken in its place: connections that come and go don't look like that, nor does a reboot loop, and a
// board whose counter was set back once (boot control lost, flash written anew) leaves a run for good. Taking the
// place of a connection that is still up proves nothing: that is what a bad link looks like to a server.

/** What a device orders its messages by. */
export interface MessageOrder {
  boot: number;
  sequence: number;
}

/** What is kept of a device for this. Times are of steady time. */
export interface BoardTrail {
  /** The last message of the run that another one, that lies behind it, has taken the place of. */
  left: MessageOrder | null;
  /** When a run that had been left went on: the newest ones. */
  returnsMs: readonly number[];
  /** The first of those that are the conflict; null: there is none. */
  sinceMs: number | null;
}

/** So often, within this time, a run that was left must go on; and without it for as long, the conflict is over. */
export const conflictReturnsMin = 3;
export const conflictWindowMs = 3_600_000;

export const noTrail: BoardTrail = { left: null, returnsMs: [], sinceMs: null };

export const isLater = (one: MessageOrder, other: MessageOrder): boolean =>
  one.boot > other.boot || (one.boot === other.boot && one.sequence > other.sequence);

/** When the conflict is over, if nothing more comes; null: there is none. */
export const conflictUntilMs = ({ sinceMs, returnsMs }: BoardTrail): number | null =>
  sinceMs === null ? null : returnsMs.at(-1)! + conflictWindowMs;

/**
 * A session has its first message. `last`: of all sessions before. The same trail when it says nothing of this.
 */
export function sessionSpoke(trail: BoardTrail, last: MessageOrder, first: MessageOrder, nowMs: number): BoardTrail {
  const { left } = trail;
  const goesOn = left !== null && first.boot === left.boot && isLater(first, left) && !isLater(last, left);
  if (!goesOn) return isLater(first, last) ? trail : { ...trail, left: last };
  const recent = trail.returnsMs.filter((at) => nowMs - at < conflictWindowMs);
  const returnsMs = [...recent, nowMs].slice(-conflictReturnsMin);
  const begins = returnsMs.length >= conflictReturnsMin ? returnsMs[0]! : null;
  const sinceMs = recent.length > 0 && trail.sinceMs !== null ? trail.sinceMs : begins;
  return { left: null, returnsMs, sinceMs };
}
