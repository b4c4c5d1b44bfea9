/** A start that failed for a reason that a person can mend: its text says how, and no stack is shown. */
export class StartError extends Error {}
