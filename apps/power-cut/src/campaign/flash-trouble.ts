// Flash that fails for a while without any power cut: reads, programs and erases that the chip says failed, so many
// times in a row. What is tried again, how often, and what comes of it when that is not enough.

import { Exo, Zone } from "@flipside/machine/abi";
import type { Operation } from "../device/board.ts";
import type { Campaign } from "../stories/catalogue.ts";
import type { Trouble } from "./trouble.ts";

interface Played {
  /** "start slot a (first)" and so on. */
  starts: string[];
  lines: string[];
  end: string;
  outcome: string | undefined;
  violations: string[];
}

interface Faults {
  /** EXO_E_* for an operation, or 0. */
  operation?: (operation: Operation) => number;
  read?: (zone: number, offset: number, length: number) => number;
}

/** Plays a story, with faults that may differ from run to run. */
function play({ tested, stories }: Campaign, name: string, seed: number, faults: Faults): Played {
  const { story, start } = stories.get(name)!;
  const lines: string[] = [];
  tested.trace = { line: (text) => void lines.push(text) };
  tested.board.readTrouble = faults.read;
  try {
    const { end, violations } = tested.powerUp(
      story,
      start,
      "as-new",
      seed,
      (operation) => faults.operation?.(operation) ?? Exo.Ok,
    );
    return {
      starts: lines.filter((line) => line.startsWith("start ")),
      lines,
      end,
      outcome: tested.server.memory.outcome,
      violations,
    };
  } finally {
    tested.trace = undefined;
    tested.board.readTrouble = undefined;
  }
}

/** The first `count` times that `is` holds, the chip says that it failed. */
function failing<Args extends unknown[]>(count: number, is: (...args: Args) => boolean): (...args: Args) => number {
  let left = count;
  return (...args) => (left > 0 && is(...args) ? (left--, Exo.Io) : Exo.Ok);
}

const expecting = (what: string, holds: boolean, played: Played): string[] =>
  holds
    ? []
    : [
        `${what}: ${played.starts.join(", ")}; ${played.end}, ${played.outcome ?? "no outcome"}; ${played.violations.join("; ")}`,
      ];
const isSlot = (zone: number): boolean => zone === Zone.SlotA || zone === Zone.SlotB;
const isLog = ({ kind, zone }: Operation): boolean => kind === "program" && zone === Zone.BootControl;
const isLargeRead = (zone: number, _: number, length: number): boolean => isSlot(zone) && length > 4096;
const said = (played: Played, text: string): boolean => played.lines.some((line) => line.includes(text));

export const flashTroubles: readonly Trouble[] = [
  ...[0, 1].map(
    (sector): Trouble => ({
      name: `sector ${sector} of the log can be erased and takes no record: the other one has to do, and what it says is acted on`,
      play(campaign, seed) {
        const { layout } = campaign.tested;
        const first = layout.zones.bootControl.offsetBytes + sector * layout.sectorBytes;
        const isBad = ({ kind, offset }: Operation): boolean =>
          kind === "program" && offset >= first && offset < first + layout.sectorBytes;
        return ["enrolment", "ordinary-start", "first-update", "second-update", "crash-falls-back"].flatMap((name) => {
          const played = play(campaign, name, seed, { operation: failing(10_000, isBad) });
          return expecting(
            `${name} was to go well, or the update to be refused for the flash`,
            played.end === "settled" && !said(played, "flash is not what"),
            played,
          );
        });
      },
    }),
  ),
  {
    name: "an image that can't be read twice is started at the third time",
    play(campaign, seed) {
      const played = play(campaign, "ordinary-start", seed, { read: failing(2, isLargeRead) });
      return expecting(
        "slot a was to be started, and nothing to be said of it",
        played.end === "settled" &&
          played.violations.length === 0 &&
          played.starts.length === 1 &&
          !said(played, "does not verify"),
        played,
      );
    },
  },
  {
    name: "an image that can't be read three times gives way to the other confirmed one, and is not given up for less",
    play(campaign, seed) {
      const played = play(campaign, "reset-pressed", seed, {
        read: failing(3, (zone, offset, length) => zone === Zone.SlotB && isLargeRead(zone, offset, length)),
      });
      return expecting("slot a was to be started", played.starts[0]?.startsWith("start slot a") === true, played);
    },
  },
  {
    name: "neither image can be read: recovery, and both are tried again",
    play(campaign, seed) {
      const played = play(campaign, "ordinary-start", seed, { read: failing(10_000, isLargeRead) });
      return expecting(
        "recovery was to say why",
        played.end === "recovery" && said(played, "recovery: code 4 no-image"),
        played,
      );
    },
  },
  ...[1, 2, 3].map(
    (count): Trouble => ({
      name: `a record that fails ${count} times is in the log all the same`,
      play(campaign, seed) {
        const played = play(campaign, "ordinary-start", seed, { operation: failing(count, isLog) });
        return expecting(
          "the log was to be written",
          played.end === "settled" && played.violations.length === 0 && !said(played, "boot control can't be written"),
          played,
        );
      },
    }),
  ),
  {
    name: "a log that takes nothing: the confirmed image starts, and it is said",
    play(campaign, seed) {
      const played = play(campaign, "ordinary-start", seed, {
        operation: failing(10_000, ({ zone }) => zone === Zone.BootControl),
      });
      return expecting(
        "the image was to be started",
        played.starts.length === 1 && said(played, "boot control can't be written"),
        played,
      );
    },
  },
  {
    name: "four failures of the fresh record: it is said, and the confirmed image starts",
    play(campaign, seed) {
      // Each of four tries fails at its first program.
      const played = play(campaign, "ordinary-start", seed, { operation: failing(4, isLog) });
      return expecting("the image was to be started", played.starts.length === 1, played);
    },
  },
  ...[1, 2].map(
    (count): Trouble => ({
      name: `a log that can't be read ${count === 1 ? "once" : "twice"} is not lost`,
      play(campaign, seed) {
        // The whole scan fails so often: eight pages of the small flash, each asked once.
        const pages = campaign.tested.layout.zones.bootControl.sizeBytes / 4096;
        let reads = 0;
        const { story } = campaign.stories.get("ordinary-start")!;
        const played = play(campaign, story.name, seed, {
          read: (zone) => (zone === Zone.BootControl && reads++ < count * pages ? Exo.Io : Exo.Ok),
        });
        return expecting(
          "the log was to be found",
          played.end === "settled" && played.violations.length === 0 && !said(played, "boot control was lost"),
          played,
        );
      },
    }),
  ),
  {
    name: "a log that can't be read at all is lost, not blank",
    play(campaign, seed) {
      const played = play(campaign, "ordinary-start", seed, {
        read: (zone) => (zone === Zone.BootControl ? Exo.Io : Exo.Ok),
      });
      return expecting(
        "it was to be said that it was lost",
        said(played, "boot control was lost") && played.starts.length > 0,
        played,
      );
    },
  },
  {
    name: "a copy of the trust chain that can't be read leaves the other one to count",
    play(campaign, seed) {
      const { offsetBytes } = { offsetBytes: 0 };
      const played = play(campaign, "ordinary-start", seed, {
        read: (zone, offset) => (zone === Zone.Trust && offset === offsetBytes ? Exo.Io : Exo.Ok),
      });
      return expecting("an image was to be started", played.starts.length === 1, played);
    },
  },
  {
    name: "no copy of the trust chain can be read: recovery says so",
    play(campaign, seed) {
      const played = play(campaign, "ordinary-start", seed, {
        read: (zone) => (zone === Zone.Trust ? Exo.Io : Exo.Ok),
      });
      return expecting(
        "recovery was to say why",
        played.end === "recovery" && said(played, "recovery: code 3 no-trust-record"),
        played,
      );
    },
  },
  {
    name: "the factory record can't be read: recovery says so",
    play(campaign, seed) {
      const played = play(campaign, "ordinary-start", seed, {
        read: (zone) => (zone === Zone.Factory ? Exo.Io : Exo.Ok),
      });
      return expecting(
        "recovery was to say why",
        played.end === "recovery" && said(played, "recovery: code 1 no-factory-record"),
        played,
      );
    },
  },
  ...[1, 2].map(
    (count): Trouble => ({
      name: `a seal of the journal that fails ${count === 1 ? "once" : "twice"} skips its page, and the update goes on`,
      play(campaign, seed) {
        let programs = 0;
        const played = play(campaign, "first-update", seed, {
          operation: failing(count, ({ kind, zone }) => kind === "program" && zone === Zone.Journal && ++programs > 1),
        });
        return expecting(
          "the update was to be confirmed",
          played.outcome === "confirmed" && played.violations.length === 0,
          played,
        );
      },
    }),
  ),
  {
    name: "the journal's begin that fails once is written again, and the update goes on",
    play(campaign, seed) {
      const played = play(campaign, "first-update", seed, {
        operation: failing(1, ({ kind, zone }) => kind === "program" && zone === Zone.Journal),
      });
      return expecting(
        "the update was to come to an end",
        played.outcome !== undefined && played.violations.length === 0,
        played,
      );
    },
  },
  {
    name: "a chunk that the chip refuses ends the update, and the running image stays",
    play(campaign, seed) {
      const played = play(campaign, "first-update", seed, {
        operation: failing(10_000, ({ kind, zone }) => kind === "program" && zone === Zone.SlotB),
      });
      return expecting(
        "the update was to fail for the flash",
        /^failed 6[01]$/.test(played.outcome ?? "") && played.violations.length === 0 && played.starts.length === 1,
        played,
      );
    },
  },
  {
    name: "a chunk that reads back otherwise ends the update",
    play(campaign, seed) {
      const played = play(campaign, "first-update", seed, {
        operation: (operation) =>
          operation.kind === "program" && operation.zone === Zone.SlotB && operation.length === 4096
            ? Exo.Verify
            : Exo.Ok,
      });
      return expecting(
        "the update was to fail for the flash",
        /^failed 6[01]$/.test(played.outcome ?? "") && played.violations.length === 0,
        played,
      );
    },
  },
  {
    name: "an erase that the chip refuses ends the update",
    play(campaign, seed) {
      const played = play(campaign, "first-update", seed, {
        operation: failing(10_000, ({ kind, zone }) => kind === "erase" && zone === Zone.SlotB),
      });
      return expecting(
        "the update was to fail for the flash",
        /^failed 6[01]$/.test(played.outcome ?? "") && played.violations.length === 0,
        played,
      );
    },
  },
];
