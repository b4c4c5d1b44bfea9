// Which rows of a list are chosen: some, or all that there are, loaded or not. Pure.

export interface Selection {
  /** All that match, also those that nobody has loaded. */
  all: boolean;
  keys: ReadonlySet<string>;
  /** From which a range goes. */
  anchor: string | undefined;
}

export const nothingSelected: Selection = { all: false, keys: new Set(), anchor: undefined };
export const allSelected: Selection = { all: true, keys: new Set(), anchor: undefined };

export const isSelected = ({ all, keys }: Selection, key: string): boolean => all || keys.has(key);
export const isAnySelected = ({ all, keys }: Selection): boolean => all || keys.size > 0;

/** `loaded`: of the rows, in their order; taking one out of all leaves the loaded others. */
export function toggled(selection: Selection, key: string, loaded: readonly string[]): Selection {
  const keys = new Set(selection.all ? loaded : selection.keys);
  if (!keys.delete(key)) keys.add(key);
  return { all: false, keys, anchor: key };
}

/** With those from the anchor to this one. */
export function extended(selection: Selection, key: string, loaded: readonly string[]): Selection {
  const from = selection.anchor === undefined ? -1 : loaded.indexOf(selection.anchor);
  const to = loaded.indexOf(key);
  if (from < 0 || to < 0) return toggled(selection, key, loaded);
  const range = loaded.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { all: false, keys: new Set([...selection.keys, ...range]), anchor: selection.anchor };
}

export const ofLoaded = (loaded: readonly string[]): Selection => ({
  all: false,
  keys: new Set(loaded),
  anchor: loaded[0],
});
