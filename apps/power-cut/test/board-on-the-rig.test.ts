// The board is powered up by a loop of its own, for speed. On the rig, as the other hosts are, the same case leaves the
// same flash and comes to the same end, and neither sees anything that must not be; also with what only the driver's C
// leaves.

import { expect, it } from "vitest";
import { PRODUCT, virtualTarget } from "@flipside/machine/factory/targets";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { drawLeaves, ways } from "@flipside/machine/faults/torn-operation";
import { readings } from "@flipside/machine/faults/unstable-reads";
import { openSubject } from "../src/campaign/open-subject.ts";
import { replay } from "../src/campaign/replay.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";
import { BoardHost } from "../src/rig/board-host.ts";
import type { Cut } from "../src/rig/device-under-test.ts";
import { playCase } from "../src/rig/play-case.ts";
import { Rig } from "../src/rig/rig.ts";
import { bankRoots, keys } from "../src/stories/images.ts";

const CASES = 40;
const STORIES = ["first-update", "second-update", "crash-falls-back", "log-turns-over"];
const seed = seedOfRun();
console.log(`seed ${seed} (FLIPSIDE_SEED=${seed} replays)`);
const { tested: board, pages, stories } = await openSubject(await subjectOfSources(), "small");
const layout = board.layout;

const onRig = (name: string): { host: BoardHost; rig: Rig<Cut> } => {
  const { story, start } = stories.get(name)!;
  const host = new BoardHost(board, pages, story, start, seed);
  const rig = new Rig(host, host.beside, {
    layout,
    product: PRODUCT,
    hardware: { name: virtualTarget.hardwareName, revision: virtualTarget.revision },
    rootKeys: bankRoots,
    releaseKeys: [keys.release.publicKey],
    images: board.images,
  });
  return { host, rig };
};

it.each(STORIES)("%s: a case leaves the same on the rig as in the board's own loop", async (name) => {
  const { story, start } = stories.get(name)!;
  const kinds: ("erase" | "program")[] = [];
  board.powerUp(story, start, "as-new", seed, ({ kind }) => (kinds.push(kind), 0));
  const random = new SeededRandom(seed ^ name.length);
  for (let n = 0; n < CASES; n++) {
    const operation = 1 + random.below(kinds.length);
    const way = random.pick(ways[kinds[operation - 1]!]);
    const reading = random.pick(readings);
    const { host, rig } = onRig(name);
    expect(await rig.powerUp({ operation, leaves: { program: way, erase: way }, reading }, () => false)).toBe("cut");
    expect(await rig.powerUp(undefined, () => false)).toBe("settled");
    const id = `${name}/${operation}.${way.name}~${reading}`;
    expect(rig.violations, id).toEqual([]);
    const own = replay(board, pages, story, start, [{ operation, cut: way.name, reading }], seed);
    expect([own.violations, own.state.server.outcome], id).toEqual([[], host.state.server.outcome]);
    expect(Buffer.compare(pages.flashOf(own.state.ids), pages.flashOf(host.state.ids)), id).toBe(0);
  }
});

it.each(STORIES)("%s: comes to its end after cuts of every kind, the driver's too", async (name) => {
  const random = new SeededRandom(seed ^ (name.length << 8));
  for (let n = 0; n < CASES; n++) {
    const { story } = stories.get(name)!;
    const { rig } = onRig(name);
    const cut = (): Cut => ({
      operation: 1 + random.below(20),
      leaves: drawLeaves(random),
      reading: random.pick(readings),
    });
    await playCase(rig, story.outcome === "checked-in" ? undefined : story.outcome, [cut(), cut()]);
    expect(rig.violations, `case ${n}`).toEqual([]);
  }
});
