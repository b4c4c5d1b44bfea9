// Transcripts of cases: what the device does behind each of them, to be compared with what is written down
// (test/transcripts.json: those cases that tell mutants from the device as it should be, see docs/power-cut.md,
// "Mutants").

import type { Reading } from "@flipside/machine/faults/unstable-reads";
import type { DeviceState, BoardUnderTest } from "../device/board-under-test.ts";
import { Transcript } from "../device/transcript.ts";
import type { Campaign } from "../stories/catalogue.ts";
import type { Story } from "../stories/story.ts";
import { parseCaseId } from "./case-id.ts";
import { TornPages } from "./cuts.ts";
import { cutAt } from "./replay.ts";
import { troubles } from "./troubles.ts";

/** Before the name of a trouble, where others have the id of a case. */
export const TROUBLE_PREFIX = "trouble: ";

/** Of a case by its id ("first-update/17.prefix.0"; without a cut: the story's name), or of a trouble. */
export function transcriptOf(campaign: Campaign, id: string, seed: number): Transcript {
  const { tested, pages, stories } = campaign;
  if (id.startsWith(TROUBLE_PREFIX)) {
    const trouble = troubles.find(({ name }) => TROUBLE_PREFIX + name === id);
    if (!trouble) throw new RangeError(`there is no trouble "${id.slice(TROUBLE_PREFIX.length)}"`);
    return transcribed(tested, () => trouble.play(campaign, seed));
  }
  const { story: name, steps } = parseCaseId(id);
  const of = stories.get(name);
  if (!of) throw new RangeError(`there is no story "${name}"`);
  const torn = new TornPages(pages, seed);
  let state = of.start;
  steps.forEach(
    (step, i) =>
      (state = cutAt(tested, pages, torn, of.story, state, step, steps[i - 1]?.reading ?? "as-new", seed).state),
  );
  return transcriptFrom(tested, of.story, state, steps.at(-1)?.reading ?? "as-new", seed);
}

/** Of a power-up that begins with `state`. */
export const transcriptFrom = (
  tested: BoardUnderTest,
  story: Story,
  state: DeviceState,
  reading: Reading,
  seed: number,
): Transcript => transcribed(tested, () => tested.powerUp(story, state, reading, seed).violations);

/** `play` says what did not hold. */
function transcribed(tested: BoardUnderTest, play: () => string[]): Transcript {
  const transcript = new Transcript();
  tested.transcript = transcript;
  try {
    for (const violation of play()) transcript.note(violation);
  } finally {
    tested.transcript = undefined;
  }
  return transcript;
}
