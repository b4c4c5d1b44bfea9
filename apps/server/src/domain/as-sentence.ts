/** Ends what somebody wrote as a sentence does: people put their own full stop, or none. */
export const asSentence = (text: string): string => (/[.!?…]["”»)]?$/.test(text) ? text : `${text}.`);
