// A story of the campaign with something in it that is otherwise: what the server says, what it begins with, how long
// it lasts, which operations fail. No power is cut.

import type { Operation } from "../device/board.ts";
import type { DeviceState } from "../device/board-under-test.ts";
import type { Wishes } from "../server/story-memory.ts";
import { withRecord } from "../stories/aged-boot-control.ts";
import type { Campaign } from "../stories/catalogue.ts";
import type { Story } from "../stories/story.ts";
import type { Trouble } from "./trouble.ts";

interface Heard {
  leaf: string;
  message: Record<string, unknown>;
  /** How many of this leaf came, this one counted. */
  count: number;
}

export interface VariedStory {
  name: string;
  story: string;
  wishes?: (given: Wishes, campaign: Campaign) => Partial<Wishes>;
  /** Whatever else is otherwise in the story. */
  rest?: (campaign: Campaign) => Partial<Story>;
  /** What it begins with, of what the story does. */
  begins?: (state: DeviceState, campaign: Campaign) => DeviceState;
  /** Whenever the device says something, before it is answered. */
  hears?: (heard: Heard, campaign: Campaign) => void;
  /** For each play: what the chip says of an operation, EXO_E_*. */
  fails?: (campaign: Campaign) => (operation: Operation) => number;
  /** For each play: what the chip says of a read, EXO_E_*; `offset` is in the zone. */
  failsToRead?: (campaign: Campaign) => (zone: number, offset: number, length: number) => number;
  /** "none": nothing comes of it; "any": it may fail, too. */
  outcome: string;
  /** Of what does not hold, what need not. */
  allows?: RegExp;
  lastsS?: number;
}

function playVaried(
  campaign: Campaign,
  seed: number,
  { story: name, wishes, rest, begins, hears, fails, failsToRead, outcome, allows, lastsS = 60 }: VariedStory,
): string[] {
  const { tested, stories } = campaign;
  const { story, start } = stories.get(name)!;
  const { server } = tested;
  const { onMessage } = server;
  server.lastDeploymentState = "";
  const counts = new Map<string, number>();
  server.onMessage = (leaf, payload) => {
    onMessage(leaf, payload);
    const count = (counts.get(leaf) ?? 0) + 1;
    counts.set(leaf, count);
    hears?.(
      { leaf, message: JSON.parse(Buffer.from(payload).toString("latin1")) as Record<string, unknown>, count },
      campaign,
    );
  };
  tested.board.readTrouble = failsToRead?.(campaign);
  try {
    const given: Story = {
      ...story,
      lastsS,
      ...rest?.(campaign),
      wishes: { ...story.wishes, ...wishes?.(story.wishes, campaign) },
    };
    const all = tested.powerUp(given, begins?.(start, campaign) ?? start, "as-new", seed, fails?.(campaign)).violations;
    const violations = all.filter((violation) => !allows?.test(violation));
    const got = server.memory.outcome ?? "none";
    return got === outcome || outcome === "any" ? violations : [`${got}, where it was to be ${outcome}`, ...violations];
  } finally {
    server.onMessage = onMessage;
    server.wire.isDown = false;
    tested.board.readTrouble = undefined;
  }
}

/** Nothing but time ends it. */
export const lasts =
  (seconds: number) =>
  ({ tested }: Campaign): Partial<Story> => ({
    isSettled: () => tested.board.nowUs >= seconds * 1_000_000,
    lastsS: seconds,
  });

/** Begins with another newest record of boot control. */
export const withNewest =
  (change: (record: Buffer) => void) =>
  (state: DeviceState, { tested, pages }: Campaign): DeviceState => ({
    ...state,
    ids: pages.internFlash(withRecord(pages.flashOf(state.ids), tested.layout, change)),
  });

export const troubleOf = (varied: VariedStory): Trouble => ({
  name: varied.name,
  play: (campaign, seed) => playVaried(campaign, seed, varied),
});
