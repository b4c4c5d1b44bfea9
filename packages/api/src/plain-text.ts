// Text of devices and strangers, before people look at it. Characters that are not seen (control, format,
// bidirectional: Unicode's Trojan Source, UTS 55 and TR 36) re-order or hide what stands around them, in a console as
// in a log.

/**
 * Cc, Cf (with bidi controls, zero-width, BOM), surrogates, private use, line and paragraph separators; fillers that
 * look like nothing.
 */
export const unseenCharacters = "\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Zl}\\p{Zp}\\u115f\\u1160\\u3164\\uffa0";

const unseen = new RegExp(`[${unseenCharacters}]`, "u");

/** For names: nothing that is not seen, no white space around it. */
export const isPlainText = (text: string): boolean => !unseen.test(text) && text === text.trim();
