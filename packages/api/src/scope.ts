// Whose devices somebody sees: all, or those alone that have one of some tags.

/** Tags; null: the whole fleet. Of none nothing is seen. */
export type Scope = readonly string[] | null;

export const isWithin = (scope: Scope, tags: readonly string[]): boolean =>
  scope === null || tags.some((tag) => scope.includes(tag));

/** Whether whoever has `scope` sees all that lies within `other`. */
export const covers = (scope: Scope, other: Scope): boolean =>
  scope === null || other?.every((tag) => scope.includes(tag)) === true;

/** What lies within both, as far as tags alone say. */
export const narrowed = (scope: Scope, by: Scope): Scope =>
  scope === null ? by : by === null ? scope : scope.filter((tag) => by.includes(tag));

/** As people are told. */
export const scopeText = (scope: Scope): string => (scope === null ? "the whole fleet" : scope.join(", ") || "nothing");
