// Settings on worn flash while an image is on trial: a new server address that waits there, or a new secret, and
// neither can be stored, for a while or for good. The trial ends as it would have, the secret stays, and flash is
// quiet.

import { ErrorCode } from "@flipside/image-format";
import { Exo, Zone } from "@flipside/machine/abi";
import type { Operation } from "../device/board.ts";
import type { DeviceState, PowerUpResult } from "../device/board-under-test.ts";
import type { Campaign } from "../stories/catalogue.ts";
import type { CampaignImage } from "../stories/images.ts";
import type { Story } from "../stories/story.ts";
import type { Trouble } from "./trouble.ts";

interface Wear {
  name: string;
  /** Sectors of the settings that fail. */
  sectors: readonly number[];
  /** So many operations; then it works again. */
  count: number;
  /** An erase works, and what is programmed fails. */
  takesErases: boolean;
}

const wear: readonly Wear[] = [[0], [1], [0, 1]].flatMap((sectors) =>
  [Infinity, 1, 2, 5].flatMap((count) =>
    [false, true].map((takesErases) => ({
      name: `${sectors.length === 2 ? "both sectors" : `sector ${sectors[0]}`}, ${takesErases ? "programs only, " : ""}${count === Infinity ? "for good" : count === 1 ? "once" : `${count} times`}`,
      sectors,
      count,
      takesErases,
    })),
  ),
);

/** In the boot info (docs/image-format.md). */
const IS_TRIAL = 20;
/** Longer than the pause after the first change that could not be recorded. */
const REST_US = 150_000_000;
/**
 * Of the settings in each run of the device: a repair at its start, two changes of both copies, and none of it again.
 */
const OPERATIONS_A_RUN_MAX = 12;
/** Of all flash, download, trial and minutes at rest included. */
const ALL_OPERATIONS_A_RUN_MAX = 40;

const settingsFail = (
  { tested }: Campaign,
  { sectors, count, takesErases }: Wear,
): ((operation: Operation) => number) => {
  const { zones, sectorBytes } = tested.layout;
  let left = count;
  return ({ kind, zone, offset }) => {
    const sector = (offset - zones.settings.offsetBytes) / sectorBytes;
    if (
      zone !== Zone.Settings ||
      !sectors.includes(Math.floor(sector)) ||
      (takesErases && kind === "erase") ||
      left <= 0
    )
      return Exo.Ok;
    left--;
    return Exo.Io;
  };
};

interface Ended {
  result: PowerUpResult;
  outcome: string | undefined;
  settingsOperations: number;
  enrolments: number;
  answers: number[];
  host: string | undefined;
  /** An image on trial has connected to the address that is on probation itself. */
  isTriedOnTrial: boolean;
}

const elsewhere = { host: "elsewhere", port: 8883, isAlive: true };

/** `onStart`: of an image, told by the line that the device says then. */
function played(
  { tested }: Campaign,
  story: Story,
  state: DeviceState,
  seed: number,
  fails: (operation: Operation) => number,
  onStart?: (line: string) => void,
): Ended {
  const { server } = tested;
  const { onEnrol, onCheckIn, isAt } = server;
  let isKept = false;
  let isTriedOnTrial = false;
  let settingsOperations = 0;
  let messages = 0;
  server.answers = [];
  server.onEnrol = () => (messages++, onEnrol());
  server.onCheckIn = (checkIn) => {
    onCheckIn(checkIn);
    isKept = checkIn.connection?.host === elsewhere.host && checkIn.connection.code === 0;
  };
  server.isAt = (host) => {
    isTriedOnTrial ||= host === elsewhere.host && !isKept && tested.board.bootInfo[IS_TRIAL] === 1;
    return true;
  };
  if (onStart) tested.trace = { line: (text) => void (text.startsWith("start ") && onStart(text)) };
  try {
    const result = tested.powerUp(
      story,
      state,
      "as-new",
      seed,
      (operation) => {
        if (operation.zone === Zone.Settings) settingsOperations++;
        return fails(operation);
      },
      undefined,
      REST_US,
    );
    return {
      result,
      outcome: server.memory.outcome,
      settingsOperations,
      enrolments: messages / 2,
      answers: server.answers,
      host: server.lastCheckIn?.connection?.host,
      isTriedOnTrial,
    };
  } finally {
    server.onEnrol = onEnrol;
    server.onCheckIn = onCheckIn;
    server.isAt = isAt;
    tested.trace = undefined;
  }
}

const imageOf = ({ stories }: Campaign, story: string): { story: Story; image: CampaignImage } => ({
  story: stories.get(story)!.story,
  image: stories.get(story)!.story.wishes.image!,
});
const candidates = [
  ["first-update", "confirmed"],
  ["update-below-the-flag", "confirmed"],
  ["unhealthy-falls-back", "rolled-back 72"],
  ["crash-falls-back", "rolled-back 70"],
  ["deaf-falls-back", "rolled-back 74"],
] as const;
const wrong = (what: string, ended: Ended): string =>
  `${what}: ${JSON.stringify({ ...ended, result: { end: ended.result.end, boots: ended.result.boots } })}; ${ended.result.violations.join("; ")}`;

/**
 * Power failed when the new address had been proven and was about to be kept: it is a candidate in both copies, with
 * tries.
 */
function addressWaiting({ tested, stories }: Campaign, seed: number): DeviceState {
  const { story, start } = stories.get("connection-kept")!;
  let erases = 0;
  tested.powerUp(story, start, "as-new", seed, ({ kind, zone }) =>
    kind === "erase" && zone === Zone.Settings && ++erases === 3 ? "cut" : Exo.Ok,
  );
  const state = tested.state(0);
  return { ...state, server: { ...state.server, outcome: undefined } };
}

const isQuiet = ({ result, settingsOperations }: Ended): boolean =>
  settingsOperations <= OPERATIONS_A_RUN_MAX * result.boots &&
  result.operations <= ALL_OPERATIONS_A_RUN_MAX * result.boots;
const none = (): number => Exo.Ok;

/** The device as it is now, and nobody wants an update of it. */
function afterwards({ tested }: Campaign): DeviceState {
  const state = tested.state(0);
  return { ...state, server: { ...state.server, outcome: undefined }, liar: undefined };
}

export const settingsBesideTrial: readonly Trouble[] = [
  ...wear.map(
    (each): Trouble => ({
      name: `a server address waits while an image is on trial, and the settings fail (${each.name})`,
      play(campaign, seed) {
        const waiting = addressWaiting(campaign, seed);
        return candidates.flatMap(([name, outcome]) => {
          const { story } = imageOf(campaign, name);
          const ended = played(campaign, story, waiting, seed, settingsFail(campaign, each));
          const what: string[] = [];
          if (ended.result.end !== "settled" || ended.result.violations.length > 0 || ended.outcome !== outcome)
            what.push(wrong(`the trial was to end ${outcome}`, ended));
          if (ended.enrolments > 0) what.push(wrong("the secret was lost", ended));
          if (!isQuiet(ended)) what.push(wrong("the settings are written again and again", ended));
          if (ended.isTriedOnTrial) what.push(wrong("of image and server, one is on probation at a time", ended));
          // With good flash it is over: kept, or dropped, and never half of it.
          const after = played(
            campaign,
            { ...story, wishes: {}, isSettled: ({ checkIns }) => checkIns > 0, personalities: new Map() },
            afterwards(campaign),
            seed,
            none,
          );
          const said = campaign.tested.server.lastCheckIn?.connection;
          if (after.result.end !== "settled" || after.result.violations.length > 0 || after.enrolments > 0)
            what.push(wrong("with good flash again, it was to go on", after));
          if (said?.command === undefined || (said.code === 0) !== (said.host === elsewhere.host))
            what.push(
              wrong(
                `with good flash again, the address was to be kept or dropped, and it is ${JSON.stringify(said)}`,
                after,
              ),
            );
          return what;
        });
      },
    }),
  ),
  ...wear.map(
    (each): Trouble => ({
      name: `a server address is given, and an image, and the settings fail (${each.name})`,
      play(campaign, seed) {
        const { story, image } = imageOf(campaign, "update-below-the-flag");
        const { start } = campaign.stories.get("update-below-the-flag")!;
        const ended = played(
          campaign,
          { ...story, wishes: { image, connection: elsewhere } },
          start,
          seed,
          settingsFail(campaign, each),
        );
        const what: string[] = [];
        if (ended.result.end !== "settled" || ended.result.violations.length > 0 || ended.outcome !== "confirmed")
          what.push(wrong("the trial was to end confirmed", ended));
        if (ended.enrolments > 0) what.push(wrong("the secret was lost", ended));
        if (!isQuiet(ended)) what.push(wrong("the settings are written again and again", ended));
        // Taken, or refused for what is the matter.
        if (
          ended.answers.length === 0 ||
          ended.answers.some((code) => code !== 0 && code !== ErrorCode.FlashFailed && code !== ErrorCode.DeviceBusy)
        )
          what.push(wrong("the command was to be answered", ended));
        if (ended.host === elsewhere.host && !ended.answers.includes(0))
          what.push(wrong("the device moved, and had refused to", ended));
        if (each.sectors.length === 2 && each.count === Infinity && !ended.answers.includes(ErrorCode.FlashFailed))
          what.push(wrong("what can't be stored was to be answered so", ended));
        return what;
      },
    }),
  ),
  ...wear.map(
    (each): Trouble => ({
      name: `the secret is void while an image is on trial, and the settings fail (${each.name})`,
      play(campaign, seed) {
        const { tested } = campaign;
        const { story } = imageOf(campaign, "update-below-the-flag");
        const { start } = campaign.stories.get("update-below-the-flag")!;
        const isForGood = each.count === Infinity;
        let isVoid = false;
        // Without a secret there is no contact, and the images look for it in turn, without an end.
        const sector = tested.layout.zones.settings.offsetBytes / tested.layout.sectorBytes + each.sectors[0]!;
        const ended = played(
          campaign,
          { ...story, mayEnrol: true },
          isForGood ? { ...start, liar: { sector, isForGood, fades: false } } : start,
          seed,
          settingsFail(campaign, each),
          (line) => {
            if (!line.startsWith("start slot b") || isVoid) return;
            isVoid = true;
            tested.server.memory = { ...tested.server.memory, enrolled: false, secret: "" };
          },
        );
        const what: string[] = [];
        const isOver = ended.outcome === "confirmed" || ended.outcome === "rolled-back 74";
        if (!isVoid || (!isOver && !isForGood)) what.push(wrong("the trial was to end", ended));
        if (ended.result.violations.length > 0) what.push(wrong("all was to hold", ended));
        if (!isQuiet(ended)) what.push(wrong("the settings are written again and again", ended));
        const after = played(
          campaign,
          { ...story, mayEnrol: true },
          { ...tested.state(0), liar: undefined },
          seed,
          none,
        );
        if (after.result.end !== "settled" || after.result.violations.length > 0)
          what.push(wrong("with good flash again, it was to come to an end", after));
        return what;
      },
    }),
  ),
];
