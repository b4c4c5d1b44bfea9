// A server that spoils what it sends, changes its mind, says things twice or is away for a while; and runs that last for hours.
// What the device does about it stands in test/transcripts.json; here, how each of it has to end.

import { BootReason, Exo, Zone } from "../../../agent/hosts/node/abi.ts";
import type { StoryServer, Wishes } from "../server/story-server.ts";
import { destroyBootControl, withRecord } from "../stories/aged-boot-control.ts";
import type { Campaign } from "../stories/catalogue.ts";
import type { Operation } from "../device/board.ts";
import type { DeviceState } from "../device/power-up.ts";
import type { Story } from "../stories/story.ts";
import type { Trouble } from "./flash-trouble.ts";

interface Heard {
  leaf: string;
  message: Record<string, unknown>;
  /** How many of this leaf came, this one counted. */
  count: number;
}

interface Odd {
  name: string;
  story: string;
  wishes?: (given: Wishes, campaign: Campaign) => Partial<Wishes>;
  rest?: (campaign: Campaign) => Partial<Story>;
  begins?: (state: DeviceState, campaign: Campaign) => DeviceState;
  /** Whenever the device says something, before it is answered. */
  hears?: (heard: Heard, campaign: Campaign) => void;
  /** The chip says that an operation failed: EXO_E_*. */
  fails?: (operation: Operation, campaign: Campaign) => number;
  /** "none": nothing comes of it; "any": it may fail, too. */
  outcome: string;
  /** Of what does not hold, what need not. */
  allows?: RegExp;
  lastsS?: number;
}

function play(campaign: Campaign, seed: number, { story: name, wishes, rest, begins, hears, fails, outcome, allows, lastsS = 60 }: Odd): string[] {
  const { rig, stories } = campaign;
  const { story, start } = stories.get(name)!;
  const { server } = rig;
  const { onMessage } = server;
  server.lastDeploymentState = "";
  const counts = new Map<string, number>();
  server.onMessage = (leaf, payload) => {
    onMessage(leaf, payload);
    const count = (counts.get(leaf) ?? 0) + 1;
    counts.set(leaf, count);
    hears?.({ leaf, message: JSON.parse(Buffer.from(payload).toString("latin1")) as Record<string, unknown>, count }, campaign);
  };
  try {
    const given: Story = { ...story, lastsS, ...rest?.(campaign), wishes: { ...story.wishes, ...wishes?.(story.wishes, campaign) } };
    const all = rig.powerUp(given, begins?.(start, campaign) ?? start, "as-new", seed, fails && ((operation) => fails(operation, campaign))).violations;
    const violations = all.filter((violation) => !allows?.test(violation));
    const got = server.memory.outcome ?? "none";
    return got === outcome || outcome === "any" ? violations : [`${got}, where it was to be ${outcome}`, ...violations];
  } finally {
    server.onMessage = onMessage;
    server.wire.isDown = false;
  }
}

/** Nothing but time ends it. */
const lasts = (seconds: number) => ({ rig }: Campaign): Partial<Story> => ({ isSettled: () => rig.board.nowUs >= seconds * 1_000_000, lastsS: seconds });

const spoilt = (piece: string, times: number, outcome: string): Odd => ({
  name: `piece ${piece} comes spoilt ${times} times`, story: "first-update", wishes: () => ({ spoils: new Map([[piece, times]]) }), outcome,
});

const offerOf = (server: StoryServer, image: { header: Uint8Array; signatures: Uint8Array; offeredBytes: number }, session: unknown, change: object): string =>
  JSON.stringify({ session, pollMs: 1_000, deployment: "another", attempt: 1, sizeBytes: image.offeredBytes, deadlineMs: 3_600_000, header: Buffer.from(image.header).toString("base64url"), signatures: Buffer.from(image.signatures).toString("base64url"), ...change });

const odd: Odd[] = [
  ...[1, 2].flatMap((times) => ["0.0", "1.0", "1.3"].map((piece) => spoilt(piece, times, "confirmed"))),
  spoilt("0.0", 3, "rejected 13"), spoilt("1.0", 3, "rejected 14"), spoilt("1.4", 1_000, "rejected 14"),
  { name: "two chunks come spoilt twice each", story: "first-update", wishes: () => ({ spoils: new Map([["1.0", 2], ["1.1", 2], ["1.2", 2]]) }), outcome: "confirmed" },

  { name: "the update is withdrawn in the middle, and offered again", story: "first-update", outcome: "confirmed",
    hears: ({ leaf, count, message }, { rig: { server } }) => {
      if (leaf === "state" && count >= 3 && count < 5) server.say("offer", JSON.stringify({ session: message.session, pollMs: 1_000 }));
    } },
  { name: "another update is offered in the middle of one", story: "first-update", outcome: "confirmed",
    hears: ({ leaf, count, message }, { rig: { server }, stories }) => {
      if (leaf === "state" && count === 2) server.say("offer", offerOf(server, stories.get("second-update")!.story.wishes.image!, message.session, {}));
    } },
  ...[{ attempt: 0 }, { attempt: "x" }, { deployment: "" }, { deployment: 7 }, { deployment: "d".repeat(49) }, { header: "" }, { header: "!" }, { signatures: "" }, { signatures: "AAAA" }, { sizeBytes: 1 }, { sizeBytes: "x" }, { deadlineMs: 0 }, { deadlineMs: 1_500 }, { permit: "AAAA" }, { permit: "A".repeat(2_000) }].map((change): Odd => ({
    name: `an offer says ${JSON.stringify(change).slice(0, 40)}`, story: "ordinary-start", outcome: "none", rest: lasts(10),
    hears: ({ leaf, count, message }, { rig: { server }, stories }) => {
      if (leaf === "check-in" && count === 1) server.say("offer", offerOf(server, stories.get("first-update")!.story.wishes.image!, message.session, change));
    } })),

  { name: "the trust record that is in force comes again", story: "trust-key-added", outcome: "none", rest: lasts(10),
    hears: ({ leaf, count }, { rig: { server }, stories }) => {
      if (leaf === "check-in" && count > 1 && count < 4) server.say("trust", stories.get("trust-key-added")!.story.wishes.trustChain!);
    } },
  ...["none", "short", "long", "cut"].map((what): Odd => ({
    name: `a trust record comes that is none (${what})`, story: "ordinary-start", outcome: "none", rest: lasts(10),
    hears: ({ leaf, count }, { rig: { server }, stories }) => {
      const chain = stories.get("trust-key-added")!.story.wishes.trustChain!;
      const bytes = { none: new Uint8Array(0), short: chain.subarray(0, 11), long: Buffer.concat([chain, new Uint8Array(8_300 - chain.length)]), cut: chain.subarray(0, -1) }[what]!;
      if (leaf === "check-in" && count === 1) server.say("trust", bytes);
    } })),
  { name: "an older trust record comes than the one in force", story: "update-by-new-key", outcome: "confirmed",
    hears: ({ leaf, count }, { rig: { server }, stories }) => {
      if (leaf === "check-in" && count === 1) server.say("trust", stories.get("trust-key-added")!.story.wishes.trustChain!.subarray(0, -160));
    } },

  // The server is away while an image is on trial: nobody's fault.
  ...[5, 25, 45, 400, 2_000].map((seconds): Odd => ({
    name: `the server is away for ${seconds} s from the reset into a candidate on`, story: "first-update", outcome: "confirmed", lastsS: 20_000,
    rest: ({ rig }) => {
      let leftUs = Infinity;
      // Time of earlier runs of this image and of the other one.
      let spentUs = 0;
      let lastUs = 0;
      const isDown = (): boolean => {
        if (rig.board.nowUs < lastUs) spentUs += lastUs;
        lastUs = rig.board.nowUs;
        if (leftUs === Infinity && rig.server.lastDeploymentState === "rebooting") [leftUs, spentUs, lastUs] = [seconds * 1_000_000, 0, 0];
        return leftUs !== Infinity && spentUs + rig.board.nowUs < leftUs;
      };
      return { get serverIsDown(): boolean { return isDown(); }, isSettled: (server) => { server.wire.isDown = isDown(); return server.memory.outcome !== undefined; } };
    } })),

  {
    // As after recovery: there is nothing to fall back to.
    name: "a candidate that is alone has no contact for a minute, and then has", story: "ordinary-start", outcome: "none",
    begins: (state, { rig, pages }) => ({ ...state, ids: pages.internFlash(withRecord(pages.flashOf(state.ids), rig.layout, (record) => {
      record[32] = 1;
      record[33] = 3;
    })) }),
    rest: ({ rig }) => ({
      lastsS: 120,
      get serverIsDown(): boolean { return rig.board.nowUs < 60_000_000; },
      isSettled: (server) => { server.wire.isDown = rig.board.nowUs < 60_000_000; return rig.board.nowUs > 100_000_000; },
    }),
  },

  // Boot control takes no record for a while, from one of its programs on, or no erase; and for hours.
  ...[3, 5, 7, 9].flatMap((first) => [4, 5, 8, 9].map((count): Odd => {
    let programs = 0;
    return {
      name: `programs ${first} to ${first + count - 1} of boot control fail`, story: "first-update", outcome: "any", lastsS: 900, allows: /^invariant [23]/,
      begins: (state) => ((programs = 0), state),
      fails: ({ kind, zone }) => (kind === "program" && zone === Zone.BootControl && ++programs >= first && programs < first + count ? Exo.Io : Exo.Ok),
    };
  })),
  { name: "boot control is lost, and the newer image is in slot A", story: "log-lost", outcome: "any", rest: lasts(10),
    begins: (_, { stories, rig, pages }) => {
      const { start } = stories.get("third-update")!;
      return { ...start, floor: 0, ids: pages.internFlash(destroyBootControl(pages.flashOf(start.ids), rig.layout)) };
    } },
  { name: "boot control is lost, and neither sector can be erased", story: "log-lost", outcome: "none", rest: lasts(10), allows: /^invariant [23]/,
    fails: ({ kind, zone }) => (kind === "erase" && zone === Zone.BootControl ? Exo.Io : Exo.Ok) },
  ...[6].map((hours): Odd => ({
    name: `boot control takes no record for ${hours} hours`, story: "reset-pressed", outcome: "none",
    rest: (campaign) => ({ ...lasts((2 + hours) * 3_600)(campaign), resetPresses: 0, firstReason: BootReason.PowerOn }),
    begins: (state, { rig, pages }) => ({ ...state, ids: pages.internFlash(withRecord(pages.flashOf(state.ids), rig.layout, (record) => {
      record.writeUInt32LE(1, 20);
      record.writeUInt32LE(record.readUInt32LE(16), 112);
    })) }),
    fails: ({ zone }, { rig }) => (zone === Zone.BootControl && rig.board.nowUs > 60_000_000 ? Exo.Io : Exo.Ok) })),
  // Hours.
  ...([[1, 1.9], [1, 2.1], [2, 3.9], [2, 4.1]] as const).map(([unclean, hours]): Odd => ({
    name: `a run of ${hours} hours after ${unclean} unclean boots`, story: "reset-pressed", outcome: "none",
    rest: (campaign) => ({ ...lasts(hours * 3_600)(campaign), resetPresses: 0, firstReason: BootReason.PowerOn }),
    begins: (state, { rig, pages }) => ({ ...state, ids: pages.internFlash(withRecord(pages.flashOf(state.ids), rig.layout, (record) => {
      record.writeUInt32LE(unclean, 20);
      record.writeUInt32LE(record.readUInt32LE(16), 112);
    })) }) })),
  // Six beginnings, then a rest, then more of them: the rest makes up for some.
  ...[50, 70, 130].map((minutes): Odd => ({
    name: `two images offered in turn, none for ${minutes} minutes, and in turn again`, story: "first-update", outcome: minutes < 60 ? "none" : "failed 62",
    wishes: () => ({ payloadChunksMax: 0 }), rest: lasts(minutes * 60 + 120),
    hears: ({ leaf, count, message }, { rig: { server, board }, stories }) => {
      const minute = board.nowUs / 60_000_000;
      if (leaf !== "check-in" || (minute > 1 && minute < minutes)) return;
      const image = stories.get(count % 2 === 0 ? "second-update" : "update-below-the-flag")!.story.wishes.image!;
      server.say("offer", offerOf(server, image, message.session, { deployment: `turn ${count}` }));
    } })),
];

export const oddServers: readonly Trouble[] = [
  ...odd.map((each): Trouble => ({ name: each.name, play: (campaign, seed) => play(campaign, seed, each) })),
];
