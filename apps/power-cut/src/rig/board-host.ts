// The campaign's board on the rig, as the other hosts are: power-ups one after the other. For tests that hold the
// board's own loop against the rig's; the campaign powers it up from any state, many thousand times a second.

import { Exo } from "@flipside/machine/abi";
import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import type { Reading } from "@flipside/machine/faults/unstable-reads";
import { TornPages } from "../campaign/cuts.ts";
import type { PageStore } from "../device/page-store.ts";
import type { BoardUnderTest, DeviceState } from "../device/board-under-test.ts";
import type { Story } from "../stories/story.ts";
import type { Cut, DeviceUnderTest, End, SeenFlash, Watch } from "./device-under-test.ts";
import type { BesideServer } from "./rig.ts";

export class BoardHost implements DeviceUnderTest<Cut> {
  readonly #board: BoardUnderTest;
  readonly #store: PageStore;
  readonly #story: Story;
  readonly #seed: number;
  readonly #torn: TornPages;
  #reading: Reading = "as-new";

  constructor(
    board: BoardUnderTest,
    store: PageStore,
    story: Story,
    public state: DeviceState,
    seed: number,
  ) {
    this.#board = board;
    this.#store = store;
    this.#story = story;
    this.#seed = seed;
    this.#torn = new TornPages(store, seed);
    board.board.load(state.ids);
  }

  /** Of the story; what it wants does not change while power is on. */
  get beside(): BesideServer {
    const { image, trustChain } = this.#story.wishes;
    const host = this;
    return {
      lastCheckIn: undefined,
      deployment: image && { image },
      trust: trustChain && { chain: trustChain },
      get outcome() {
        return host.state.server.outcome;
      },
    };
  }

  readFlash(): SeenFlash {
    return { store: this.#store, ids: this.#board.board.ids };
  }

  /** The story says when it is settled. */
  powerUp(cut: Cut | undefined, _isSettled: () => boolean, watch: Watch): Promise<End> {
    const board = this.#board;
    board.watch = watch;
    let left: DeviceState | undefined;
    const { end } = board.powerUp(this.#story, this.state, this.#reading, this.#seed, (operation, index) => {
      if (index !== cut?.operation) return Exo.Ok;
      left = board.state(this.state.cuts + 1);
      const torn = this.#torn.after(board.board, operation, cut.leaves[operation.kind]);
      left.ids.set(torn, Math.floor(operation.offset / PAGE_BYTES));
      return "cut";
    });
    board.watch = undefined;
    this.state = left ?? board.state(this.state.cuts);
    board.board.load(this.state.ids);
    if (cut && left) this.#reading = cut.reading;
    return Promise.resolve(end === "known" ? "late" : end);
  }
}
