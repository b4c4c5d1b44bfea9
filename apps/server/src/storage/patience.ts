// For how long work waits for the database, before whoever asked is told to try again.

/** A person looks at it. */
export const patienceMsDefault = 5_000;
/** What a device has said is not asked for again: it waits for the database for longer than a person would. */
export const messagePatienceMs = 60_000;
