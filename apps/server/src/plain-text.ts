// Text of devices and strangers, before people look at it. Characters that are not seen (control, format, bidirectional: Unicode's
// Trojan Source, UTS 55 and TR 36) re-order or hide what stands around them, in a console as in a log.

/** Cc, Cf (with bidi controls, zero-width, BOM), surrogates, private use, line and paragraph separators; fillers that look like nothing. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/u;
const unseenButLayout = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;

/** For names: nothing that is not seen, no white space around it. */
export const isPlainText = (text: string): boolean => !unseen.test(text) && text === text.trim();

/** For log lines, which may hold anything: what is not seen is written out, as \u{202e}; line feed and tab stay. */
export function withUnseenWrittenOut(text: string): string {
  return text.replace(unseenButLayout, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
