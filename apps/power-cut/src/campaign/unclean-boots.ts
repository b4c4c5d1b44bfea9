// How the loader counts runs that ended uncleanly: each way to begin a boot, with each count that matters, compared
// with a plain reading of docs/boot-control.md, "Unclean boots".

import { BootReason } from "@flipside/machine/abi";
import { recordAt, setUncleanBoots, withRecord } from "../stories/aged-boot-control.ts";
import type { Campaign } from "../stories/catalogue.ts";
import type { Trouble } from "./trouble.ts";

const FLAG_YIELDED = 4;

const UNCLEAN_MAX = 5;
const CLEAN_BOOTS = 16;

interface Case {
  reason: number;
  unclean: number;
  /** Boots since the last unclean one, this one counted. */
  since: number;
  /** What the other slot is, and whether one gave way to the other already. */
  other: "confirmed" | "failed";
  hasYielded: boolean;
}

/** What the image that is started is told, or "recovery". */
function expected({ reason, unclean, since, other, hasYielded }: Case): string {
  const crashed = reason === BootReason.Trap || reason === BootReason.Watchdog;
  const inOrder = reason === BootReason.Requested || reason === BootReason.Update || reason === BootReason.RollBack;
  const count = crashed ? Math.min(unclean + 1, UNCLEAN_MAX) : inOrder || since >= CLEAN_BOOTS ? 0 : unclean;
  if (count < UNCLEAN_MAX) return `slot b, ${count}`;
  if (other === "confirmed" && !hasYielded) return "slot a, 0";
  return crashed ? "recovery" : `slot b, ${count}`;
}

function playCase({ tested, pages, stories }: Campaign, seed: number, each: Case): string {
  const { story, start } = stories.get("reset-pressed")!; // both slots are confirmed, b is active
  const flash = withRecord(pages.flashOf(start.ids), tested.layout, (record) => {
    setUncleanBoots(record, each.unclean, each.since);
    if (each.hasYielded) record[recordAt.flags] = record[recordAt.flags]! | FLAG_YIELDED;
    if (each.other === "failed") record[recordAt.state] = 3;
  });
  let said: string | undefined;
  tested.trace = {
    line: (text) => {
      const slot = /^start slot (a|b)/.exec(text)?.[1];
      if (slot !== undefined)
        said ??= `slot ${slot}, ${new DataView(tested.board.bootInfo.buffer, tested.board.bootInfo.byteOffset).getUint32(12, true)}`;
    },
  };
  const pagesBefore = pages.size;
  try {
    const { end } = tested.powerUp(
      { ...story, resetPresses: 0, firstReason: each.reason },
      { ...start, ids: pages.internFlash(flash) },
      "as-new",
      seed,
    );
    return said ?? end;
  } finally {
    tested.trace = undefined;
    tested.board.load(start.ids);
    pages.shrinkTo(pagesBefore);
    tested.checker.forget();
  }
}

const reasons = Object.values(BootReason).filter((reason) => reason <= BootReason.Pin);
const counts = [
  [0, 40],
  [1, 1],
  [1, CLEAN_BOOTS - 1],
  [1, CLEAN_BOOTS],
  [4, 1],
  [4, CLEAN_BOOTS],
  [4, CLEAN_BOOTS + 1],
  [5, 1],
] as const;
const others = [
  ["confirmed", false],
  ["confirmed", true],
  ["failed", false],
] as const;

/** One for each reason. */
export const uncleanBoots: readonly Trouble[] = reasons.map((reason) => ({
  name: `a boot for reason ${reason} is counted as it is written`,
  play(campaign, seed) {
    const wrong: string[] = [];
    for (const [unclean, since] of counts) {
      for (const [other, hasYielded] of others) {
        const each: Case = { reason, unclean, since, other, hasYielded };
        const got = playCase(campaign, seed, each);
        if (got !== expected(each)) wrong.push(`${JSON.stringify(each)}: ${got}, and should be ${expected(each)}`);
      }
    }
    return wrong;
  },
}));
