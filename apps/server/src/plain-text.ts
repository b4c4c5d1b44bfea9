// Text of devices and strangers, before people look at it (the package api says which characters are not seen, and
// why).

import { unseenCharacters } from "@flipside/api/plain-text";

const unseenButLayout = new RegExp(`(?![\\n\\t])[${unseenCharacters}]`, "gu");

/** For log lines, which may hold anything: what is not seen is written out, as \u{202e}; line feed and tab stay. */
export function withUnseenWrittenOut(text: string): string {
  return text.replace(unseenButLayout, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
