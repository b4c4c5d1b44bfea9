// Some of many devices by name, and how many there are: a rollout may be for a million, and nobody reads so many.

export interface Some {
  count: number;
  ids: readonly string[];
}

const idsNamedMax = 10;

export const nobody: Some = { count: 0, ids: [] };

export const someOf = (ids: readonly string[]): Some => ({ count: ids.length, ids: ids.slice(0, idsNamedMax) });

/** Both together, in this order. */
export const together = (one: Some, other: Some): Some => ({
  count: one.count + other.count,
  ids: [...one.ids, ...other.ids].slice(0, idsNamedMax),
});

/** As in "dev-1, dev-2 and 40 more". */
export const named = ({ count, ids }: Some): string =>
  ids.join(", ") + (count > ids.length ? ` and ${count - ids.length} more` : "");

/** As a pre-flight shows them. */
export const shownFor = <Reason extends string>(reason: Reason, { count, ids }: Some) => ({
  reason,
  count,
  deviceIds: [...ids],
});
