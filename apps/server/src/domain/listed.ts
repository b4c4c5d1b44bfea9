// Many names in one sentence.

const namesListedMax = 10;

/** The first of them, and how many more there are. */
export const listed = (names: readonly string[]): string =>
  names.slice(0, namesListedMax).join(", ") +
  (names.length > namesListedMax ? ` and ${names.length - namesListedMax} more` : "");
