// What the boot loader says on its console, in words for who does not know it: what it found, what it decided, and why.
// Lines are those of apps/agent/src/boot/boot.ts.

import { t } from "@lingui/core/macro";
import { errorName } from "@flipside/image-format/error-names";
import { BootReason } from "@flipside/machine/abi";
import { errorWords } from "../../words/error-words.ts";

export type Tone = "ok" | "warn" | "bad" | "busy" | "idle";

export interface Said {
  text: string;
  tone: Tone;
}

const bootReasons: Record<number, string> = {
  [BootReason.PowerOn]: t`power came on`,
  [BootReason.Requested]: t`somebody asked for a reboot`,
  [BootReason.Update]: t`a new image is to be tried`,
  [BootReason.RollBack]: t`the image that ran gave up`,
  [BootReason.Trap]: t`what ran has crashed`,
  [BootReason.Watchdog]: t`the watchdog ended what ran`,
  [BootReason.Pin]: t`somebody pressed reset`,
};

export const beginsFor = (reason: number): string => bootReasons[reason] ?? t`for a reason that nobody knows`;

/** What a code of an image means. */
export const meansOf = (code: number): string =>
  errorWords(errorName(code))?.means ?? t`Code ${code}, which this page does not know.`;

const slotOf = (letter: string): string => {
  const upper = letter.toUpperCase();
  return t`slot ${upper}`;
};

const recoveryReasons: Record<string, string> = {
  "no-factory-record": t`the factory's record does not hold`,
  "flash-geometry": t`flash has no form that it can work with`,
  "no-trust-record": t`no trust record holds`,
  "no-image": t`no image in either slot can be started`,
  "crash-loop": t`the only image crashes whenever it is started`,
  "boot-control-unwritable": t`a candidate's try could not be recorded, and nothing else can be started`,
};

/** `of`: an image by the first digits of its digest, as people call it, and what boot control says of it now. */
type OfImage = (slot: "a" | "b", digits: string) => { version: string; state: string; triesLeft: number };

const words: [RegExp, (match: RegExpExecArray, of: OfImage) => Said][] = [
  [
    /verified ([0-9a-f]+), starting slot ([ab])$/,
    ([, digits, slot], of) => {
      const { version, state, triesLeft } = of(slot as "a" | "b", digits!);
      const place = slotOf(slot!);
      return state === "candidate"
        ? {
            text: t`${version} in ${place} is a candidate: signature and every chunk of its copy in RAM hold, and the try is recorded (${triesLeft} left). It is started, watched.`,
            tone: "busy",
          }
        : {
            text: t`${version} in ${place} is confirmed: signature and every chunk of its copy in RAM hold. It is started.`,
            tone: "ok",
          };
    },
  ],
  [
    /image failed: slot ([ab]) code (\d+)$/,
    ([, slot, code]) => {
      const [place, why] = [slotOf(slot!), meansOf(Number(code))];
      return { text: t`The candidate in ${place} is given up. ${why}`, tone: "warn" };
    },
  ],
  [
    /confirmed image does not verify: slot ([ab])$/,
    ([, slot]) => {
      const place = slotOf(slot!);
      const text = t`The confirmed image in ${place} does not verify, so it is not started. The other slot is looked at.`;
      return { text, tone: "bad" };
    },
  ],
  [
    /confirmed image crashed repeatedly; giving way: slot ([ab])$/,
    ([, slot]) => {
      const place = slotOf(slot!);
      const text = t`The confirmed image in ${place} has crashed five times in a row: it gives way to the other slot, once.`;
      return { text, tone: "warn" };
    },
  ],
  [
    /boot control was lost and made anew; active is slot ([ab])$/,
    ([, slot]) => {
      const place = slotOf(slot!);
      const text = t`No record of boot control holds any more. It was made anew from what the slots hold; ${place} is active.`;
      return { text, tone: "warn" };
    },
  ],
  [
    /boot control can't be written$/,
    () => ({
      text: t`Boot control takes no record: no candidate is tried now, what is confirmed still runs.`,
      tone: "warn",
    }),
  ],
  [
    /recovery: code \d+ ([\w-]+), slot a (\d+), slot b (\d+)$/,
    ([, reason, codeOfA, codeOfB]) => {
      const why = recoveryReasons[reason!] ?? reason!;
      const [a, b] = [whyNot(codeOfA!), whyNot(codeOfB!)];
      return {
        text: t`Recovery: ${why}. Slot A: ${a} Slot B: ${b} The loader waits on its serial line for a signed image, and looks again now and then.`,
        tone: "bad",
      };
    },
  ],
];

const whyNot = (code: string): string => (code === "0" ? t`it holds no image.` : meansOf(Number(code)));

/** Undefined: the line says nothing of a decision. */
export function loaderSays(line: string, of: OfImage): Said | undefined {
  for (const [pattern, say] of words) {
    const match = pattern.exec(line);
    if (match) return say(match, of);
  }
  return undefined;
}
