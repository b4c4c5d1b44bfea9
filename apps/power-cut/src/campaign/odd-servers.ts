// A server that spoils what it sends, changes its mind, says things twice or is away for a while.
// What the device does about it stands in test/transcripts.json; here, how each of it has to end.

import type { StoryServer } from "../server/story-server.ts";
import { recordAt } from "../stories/aged-boot-control.ts";
import type { Campaign } from "../stories/catalogue.ts";
import type { Story } from "../stories/story.ts";
import type { Trouble } from "./trouble.ts";
import { lasts, troubleOf, type VariedStory, withNewest } from "./varied-story.ts";

/** A slot's state. */
const CANDIDATE = 1;

/**
 * No server for so many seconds of the device's time, resets or not, from when `begins` holds; and when the story is
 * over.
 */
const away =
  (seconds: number, begins: (server: StoryServer) => boolean, isOver: (server: StoryServer) => boolean) =>
  ({ tested }: Campaign): Partial<Story> => {
    let hasBegun = false;
    let earlierRunsUs = 0;
    let lastUs = 0;
    const isDown = (): boolean => {
      const { nowUs } = tested.board;
      if (!hasBegun && begins(tested.server)) [hasBegun, earlierRunsUs, lastUs] = [true, -nowUs, nowUs];
      // Each run of the device has a clock of its own.
      if (nowUs < lastUs) earlierRunsUs += lastUs;
      lastUs = nowUs;
      return hasBegun && earlierRunsUs + nowUs < seconds * 1_000_000;
    };
    return {
      serverIsDown: isDown,
      isSettled(server) {
        server.wire.isDown = isDown();
        return isOver(server);
      },
    };
  };

const spoilt = (piece: string, times: number, outcome: string): VariedStory => ({
  name: `piece ${piece} comes spoilt ${times} times`,
  story: "first-update",
  wishes: () => ({ spoils: new Map([[piece, times]]) }),
  outcome,
});

const offerOf = (
  server: StoryServer,
  image: { header: Uint8Array; signatures: Uint8Array; offeredBytes: number },
  session: unknown,
  change: object,
): string =>
  JSON.stringify({
    session,
    pollMs: 1_000,
    deployment: "another",
    attempt: 1,
    sizeBytes: image.offeredBytes,
    deadlineMs: 3_600_000,
    header: Buffer.from(image.header).toString("base64url"),
    signatures: Buffer.from(image.signatures).toString("base64url"),
    ...change,
  });

const varied: VariedStory[] = [
  ...[1, 2].flatMap((times) => ["0.0", "1.0", "1.3"].map((piece) => spoilt(piece, times, "confirmed"))),
  spoilt("0.0", 3, "rejected 13"),
  spoilt("1.0", 3, "rejected 14"),
  spoilt("1.4", 1_000, "rejected 14"),
  {
    name: "two chunks come spoilt twice each",
    story: "first-update",
    wishes: () => ({
      spoils: new Map([
        ["1.0", 2],
        ["1.1", 2],
        ["1.2", 2],
      ]),
    }),
    outcome: "confirmed",
  },

  {
    name: "the update is withdrawn in the middle, and offered again",
    story: "first-update",
    outcome: "confirmed",
    hears: ({ leaf, count, message }, { tested: { server } }) => {
      if (leaf === "state" && count >= 3 && count < 5)
        server.say("offer", JSON.stringify({ session: message.session, pollMs: 1_000 }));
    },
  },
  {
    name: "another update is offered in the middle of one",
    story: "first-update",
    outcome: "confirmed",
    hears: ({ leaf, count, message }, { tested: { server }, stories }) => {
      if (leaf === "state" && count === 2)
        server.say("offer", offerOf(server, stories.get("second-update")!.story.wishes.image!, message.session, {}));
    },
  },
  ...[
    { attempt: 0 },
    { attempt: "x" },
    { deployment: "" },
    { deployment: 7 },
    { deployment: "d".repeat(49) },
    { header: "" },
    { header: "!" },
    { signatures: "" },
    { signatures: "AAAA" },
    { sizeBytes: 1 },
    { sizeBytes: "x" },
    { deadlineMs: 0 },
    { deadlineMs: 1_500 },
    { permit: "AAAA" },
    { permit: "A".repeat(2_000) },
  ].map(
    (change): VariedStory => ({
      name: `an offer says ${JSON.stringify(change).slice(0, 40)}`,
      story: "ordinary-start",
      outcome: "none",
      rest: lasts(10),
      hears: ({ leaf, count, message }, { tested: { server }, stories }) => {
        if (leaf === "check-in" && count === 1)
          server.say(
            "offer",
            offerOf(server, stories.get("first-update")!.story.wishes.image!, message.session, change),
          );
      },
    }),
  ),

  {
    name: "the trust record that is in force comes again",
    story: "trust-key-added",
    outcome: "none",
    rest: lasts(10),
    hears: ({ leaf, count }, { tested: { server }, stories }) => {
      if (leaf === "check-in" && count > 1 && count < 4)
        server.say("trust", stories.get("trust-key-added")!.story.wishes.trustChain!);
    },
  },
  ...["none", "short", "long", "cut"].map(
    (what): VariedStory => ({
      name: `a trust record comes that is none (${what})`,
      story: "ordinary-start",
      outcome: "none",
      rest: lasts(10),
      hears: ({ leaf, count }, { tested: { server }, stories }) => {
        const chain = stories.get("trust-key-added")!.story.wishes.trustChain!;
        const bytes = {
          none: new Uint8Array(0),
          short: chain.subarray(0, 11),
          long: Buffer.concat([chain, new Uint8Array(8_300 - chain.length)]),
          cut: chain.subarray(0, -1),
        }[what]!;
        if (leaf === "check-in" && count === 1) server.say("trust", bytes);
      },
    }),
  ),
  {
    name: "an older trust record comes than the one in force",
    story: "update-by-new-key",
    outcome: "confirmed",
    hears: ({ leaf, count }, { tested: { server }, stories }) => {
      if (leaf === "check-in" && count === 1)
        server.say("trust", stories.get("trust-key-added")!.story.wishes.trustChain!.subarray(0, -160));
    },
  },

  // The server is away while an image is on trial. Whether it is back in a run of the candidate, or of the old image,
  // which then has contact where the candidate had none, decides (docs/boot-control.md, "Contact fallback"): 20 s of
  // the one, 300 s of the other.
  ...(
    [
      [5, "confirmed"],
      [25, "rolled-back 74"],
      [45, "rolled-back 74"],
      [330, "confirmed"],
      [400, "rolled-back 74"],
      [1_925, "confirmed"],
    ] as const
  ).map(
    ([seconds, outcome]): VariedStory => ({
      name: `the server is away for ${seconds} s from the reset into a candidate on`,
      story: "first-update",
      outcome,
      lastsS: 20_000,
      rest: away(
        seconds,
        ({ lastDeploymentState }) => lastDeploymentState === "rebooting",
        ({ memory }) => memory.outcome !== undefined,
      ),
    }),
  ),
  {
    // As after recovery: there is nothing to fall back to.
    name: "a candidate that is alone has no contact for a minute, and then has",
    story: "ordinary-start",
    outcome: "none",
    lastsS: 120,
    begins: withNewest((record) => {
      record[recordAt.state] = CANDIDATE;
      record[recordAt.tries] = 3;
    }),
    rest: away(
      60,
      () => true,
      (server) => server.checkIns > 1,
    ),
  },

  // Six beginnings, then a rest, then more of them: the rest makes up for some.
  ...[50, 70, 130].map(
    (minutes): VariedStory => ({
      name: `two images offered in turn, none for ${minutes} minutes, and in turn again`,
      story: "first-update",
      outcome: minutes < 60 ? "none" : "failed 62",
      wishes: () => ({ payloadChunksMax: 0 }),
      rest: lasts(minutes * 60 + 120),
      hears: ({ leaf, count, message }, { tested: { server, board }, stories }) => {
        const minute = board.nowUs / 60_000_000;
        if (leaf !== "check-in" || (minute > 1 && minute < minutes)) return;
        const image = stories.get(count % 2 === 0 ? "second-update" : "update-below-the-flag")!.story.wishes.image!;
        server.say("offer", offerOf(server, image, message.session, { deployment: `turn ${count}` }));
      },
    }),
  ),
];

export const oddServers: readonly Trouble[] = varied.map(troubleOf);
