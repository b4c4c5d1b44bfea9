// What the boot loader says on its console, in words for who does not know it: what it found, what it decided, and why.
// Lines are those of apps/agent/src/boot/boot.ts.

import { errorName } from "@flipside/image-format/error-names";
import { BootReason } from "@flipside/machine/abi";
import { errorWords } from "../../words/error-words.ts";

export type Tone = "ok" | "warn" | "bad" | "busy" | "idle";

export interface Said {
  text: string;
  tone: Tone;
}

const bootReasons: Record<number, string> = {
  [BootReason.PowerOn]: "power came on",
  [BootReason.Requested]: "somebody asked for a reboot",
  [BootReason.Update]: "a new image is to be tried",
  [BootReason.RollBack]: "the image that ran gave up",
  [BootReason.Trap]: "what ran has crashed",
  [BootReason.Watchdog]: "the watchdog ended what ran",
  [BootReason.Pin]: "somebody pressed reset",
};

export const beginsFor = (reason: number): string => bootReasons[reason] ?? "for a reason that nobody knows";

/** What a code of an image means. */
export const meansOf = (code: number): string =>
  errorWords(errorName(code))?.means ?? `Code ${code}, which this page does not know.`;

const slotOf = (letter: string): string => `slot ${letter.toUpperCase()}`;

const recoveryReasons: Record<string, string> = {
  "no-factory-record": "the factory's record does not hold",
  "flash-geometry": "flash has no form that it can work with",
  "no-trust-record": "no trust record holds",
  "no-image": "no image in either slot can be started",
  "crash-loop": "the only image crashes whenever it is started",
  "boot-control-unwritable": "a candidate's try could not be recorded, and nothing else can be started",
};

/** `of`: an image by the first digits of its digest, as people call it, and what boot control says of it now. */
type OfImage = (slot: "a" | "b", digits: string) => { version: string; state: string; triesLeft: number };

const words: [RegExp, (match: RegExpExecArray, of: OfImage) => Said][] = [
  [
    /verified ([0-9a-f]+), starting slot ([ab])$/,
    ([, digits, slot], of) => {
      const { version, state, triesLeft } = of(slot as "a" | "b", digits!);
      return state === "candidate"
        ? {
            text: `${version} in ${slotOf(slot!)} is a candidate: signature and every chunk of its copy in RAM hold, and the try is recorded (${triesLeft} left). It is started, watched.`,
            tone: "busy",
          }
        : {
            text: `${version} in ${slotOf(slot!)} is confirmed: signature and every chunk of its copy in RAM hold. It is started.`,
            tone: "ok",
          };
    },
  ],
  [
    /image failed: slot ([ab]) code (\d+)$/,
    ([, slot, code]) => ({
      text: `The candidate in ${slotOf(slot!)} is given up. ${meansOf(Number(code))}`,
      tone: "warn",
    }),
  ],
  [
    /confirmed image does not verify: slot ([ab])$/,
    ([, slot]) => ({
      text: `The confirmed image in ${slotOf(slot!)} does not verify, so it is not started. The other slot is looked at.`,
      tone: "bad",
    }),
  ],
  [
    /confirmed image crashed repeatedly; giving way: slot ([ab])$/,
    ([, slot]) => ({
      text: `The confirmed image in ${slotOf(slot!)} has crashed five times in a row: it gives way to the other slot, once.`,
      tone: "warn",
    }),
  ],
  [
    /boot control was lost and made anew; active is slot ([ab])$/,
    ([, slot]) => ({
      text: `No record of boot control holds any more. It was made anew from what the slots hold; ${slotOf(slot!)} is active.`,
      tone: "warn",
    }),
  ],
  [
    /boot control can't be written$/,
    () => ({
      text: "Boot control takes no record: no candidate is tried now, what is confirmed still runs.",
      tone: "warn",
    }),
  ],
  [
    /recovery: code \d+ ([\w-]+), slot a (\d+), slot b (\d+)$/,
    ([, reason, a, b]) => ({
      text: `Recovery: ${recoveryReasons[reason!] ?? reason}. Slot A: ${whyNot(a!)} Slot B: ${whyNot(b!)} The loader waits on its serial line for a signed image, and looks again now and then.`,
      tone: "bad",
    }),
  ],
];

const whyNot = (code: string): string => (code === "0" ? "it holds no image." : meansOf(Number(code)));

/** Undefined: the line says nothing of a decision. */
export function loaderSays(line: string, of: OfImage): Said | undefined {
  for (const [pattern, say] of words) {
    const match = pattern.exec(line);
    if (match) return say(match, of);
  }
  return undefined;
}
