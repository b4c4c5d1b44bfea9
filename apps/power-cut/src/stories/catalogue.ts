// The stories, each from a device that an earlier one left. Plays what precedes them with the same modules.

import { buildPermit, describeImage, ErrorCode, FLAG_RAISE_FLOOR } from "@flipside/image-format";
import { type Target, virtualTarget } from "@flipside/machine/factory/targets";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { type FlashLayout, KIB, layoutOf } from "@flipside/machine/factory/flash-layout";
import { FlashChecker } from "../checker/flash-checker.ts";
import type { LoadedModules } from "../device/loaded-modules.ts";
import { PageStore } from "../device/page-store.ts";
import { type DeviceState, BoardUnderTest } from "../device/board-under-test.ts";
import { newServerMemory, type ServerMemory } from "../server/story-memory.ts";
import {
  bankRoots,
  type CampaignImage,
  firstTrustChain,
  identityFor,
  keys,
  laterTrustChains,
  makeImage,
  signedAnew,
  slotParts,
} from "./images.ts";
import { ageBootControl, destroyBootControl, forgeSlot } from "./aged-boot-control.ts";
import { forgedChains, putFirstTrustCopy } from "./forged-trust.ts";
import { lingerDefaultUs, type Story } from "./story.ts";

/**
 * Small enough for a million power-ups, large enough for two payload sectors and a log that turns over within an
 * update.
 */
export const smallLayout = layoutOf({ sectorBytes: 16 * KIB, pageBytes: 4 * KIB, slotBytes: 48 * KIB });
const SHORT_PAYLOAD_BYTES = 6 * KIB;
export const smallPayloadBytes = 16 * KIB + 2 * KIB;

export interface Campaign {
  tested: BoardUnderTest;
  pages: PageStore;
  stories: Map<string, { story: Story; start: DeviceState }>;
}

/** A story does not even go well without power cuts. */
export class StoryFails extends Error {
  override name = "StoryFails";
  constructor(
    readonly story: string,
    readonly what: string,
  ) {
    super(`story ${story} does not even go well without power cuts: ${what}`);
  }
}

export interface CampaignOptions {
  modules: LoadedModules;
  layout?: FlashLayout;
  payloadBytes?: number;
  target?: Target;
  /** Somebody's image file for virtual devices: a story of its own installs it, signed anew by the campaign's key. */
  ownImage?: Uint8Array | undefined;
}

/** As the small one, with slots that the image fits. */
const layoutFor = ({ payloadBytes }: { payloadBytes: number }): FlashLayout =>
  layoutOf({
    sectorBytes: 16 * KIB,
    pageBytes: 4 * KIB,
    slotBytes: 16 * KIB * (1 + Math.ceil(payloadBytes / (16 * KIB))),
  });

/** RAM for images: a little more than the largest payload of the campaign; the devices' own windows are larger. */
const IMAGE_WINDOW_BYTES = 64 * KIB;

const windowOf = ({ imageType, loadAddress }: Target, payloadBytes = 0) => ({
  imageType,
  address: loadAddress,
  sizeBytes: Math.max(IMAGE_WINDOW_BYTES, payloadBytes),
});

export async function openCampaign(options: CampaignOptions): Promise<Campaign> {
  const { modules, payloadBytes = smallPayloadBytes, target = virtualTarget } = options;
  const own = options.ownImage && (await describeImage(options.ownImage));
  const layout = options.layout ?? (own ? layoutFor(own) : smallLayout);
  const identity = identityFor(target);
  // The device is one that the release is for.
  if (own)
    Object.assign(identity, {
      product: own.product,
      hardware: { name: own.hardware.name, revision: own.hardware.revisionMax },
    });
  const isFor = own ? { product: own.product, hardware: own.hardware } : {};
  const image = (
    name: string,
    releaseSequence: number,
    rest: Partial<Parameters<typeof makeImage>[0]> = {},
  ): Promise<CampaignImage> =>
    makeImage({
      name,
      version: `${releaseSequence}.0.0`,
      releaseSequence,
      payloadBytes,
      target,
      ...rest,
      change: { ...isFor, ...rest.change },
    });
  // One payload sector is enough where the story is not about the download.
  const short = { payloadBytes: Math.min(payloadBytes, SHORT_PAYLOAD_BYTES) };
  const raisesFloor = { securityCounter: 2, change: { flags: FLAG_RAISE_FLOOR } };

  const first = await image("first", 1);
  const good = await image("good", 2, raisesFloor);
  const next = await image("next", 3, { ...short, securityCounter: 2 });
  const plain = await image("plain", 2, { securityCounter: 2 });
  const older = await image("older", 2, { ...short, securityCounter: 2 });
  const crashing = await image("crashing", 2, { ...short, personality: { app: "crashes" } });
  const hanging = await image("hanging", 2, { ...short, personality: { app: "hangs" } });
  const unhealthy = await image("unhealthy", 2, { ...short, personality: { app: "unhealthy" } });
  const silent = await image("silent", 2, { ...short, personality: { app: "silent" } });
  const deaf = await image("deaf", 2, { ...short, personality: { network: false } });
  const brittle = await image("brittle", 2, { ...short, personality: { crashesAtUs: 14_000_000 } });
  const untested = await image("untested", 2, { ...short, personality: { selfTest: false } });
  const again = await image("again", 5, { ...short, securityCounter: 3 });
  const third = await image("third", 3, { ...short, securityCounter: 2 });
  const stranger = await image("stranger", 2, { signedBy: keys.stranger });
  const below = await image("below-the-floor", 4, { securityCounter: 1 });
  const bySecond = await image("by-the-second-key", 6, { ...short, signedBy: keys.secondRelease });
  const elsewhere = await image("other-hardware", 4, {
    change: { hardware: { name: "other-hardware", revisionMin: 1, revisionMax: 1 } },
  });
  const yours = options.ownImage && (await signedAnew("yours", options.ownImage, keys.release));
  // For a range of this hardware's revisions that ends below the device's, or begins above it.
  const { revision } = identity.hardware;
  const forRevisions = (name: string, revisionMin: number, revisionMax: number): Promise<CampaignImage> =>
    image(name, 4, {
      ...short,
      securityCounter: 2,
      change: { hardware: { name: identity.hardware.name, revisionMin, revisionMax } },
    });
  const forEarlier = await forRevisions("earlier-revisions", 0, revision - 1);
  const forLater = await forRevisions("later-revisions", revision + 1, revision + 9);
  const forJustThis = await forRevisions("just-this-revision", revision, revision);
  const images = [
    ...(yours ? [yours] : []),
    first,
    good,
    next,
    plain,
    brittle,
    crashing,
    hanging,
    unhealthy,
    silent,
    deaf,
    untested,
    again,
    third,
    older,
    stranger,
    below,
    elsewhere,
    bySecond,
    forEarlier,
    forLater,
    forJustThis,
  ];

  const pages = new PageStore();
  const checker = new FlashChecker({
    layout,
    pages,
    product: identity.product,
    hardware: identity.hardware,
    releaseKeys: [keys.release.publicKey, keys.secondRelease.publicKey],
    rootKeys: bankRoots,
  });
  const tested = new BoardUnderTest({
    layout,
    pages,
    modules,
    checker,
    images,
    identity,
    rootKeys: bankRoots,
    imageWindow: windowOf(target, own?.payloadBytes),
  });

  const stories: Campaign["stories"] = new Map();
  const base = { otherOutcomes: [], lingerUs: lingerDefaultUs };
  const updates = { ...base, isSettled: (server: BoardUnderTest["server"]) => server.memory.outcome !== undefined };
  const startOf = (flash: Int32Array, server: ServerMemory, floor: number): DeviceState => ({
    ids: flash,
    server: { ...server, outcome: undefined },
    floor,
    cuts: 0,
    wornSector: -1,
    isRotten: false,
  });
  /** Adds a story, plays it without cuts, and returns what it leaves. */
  const play = (story: Story, start: DeviceState): DeviceState => {
    stories.set(story.name, { story, start });
    const result = tested.powerUp(story, start, "as-new", 1);
    const outcome = tested.server.memory.outcome ?? "checked-in";
    if (result.end !== "settled" || outcome !== story.outcome || result.violations.length > 0) {
      const what = `${result.end}, ${outcome} (expected ${story.outcome}); ${result.violations.join("; ")}`;
      throw new StoryFails(story.name, what);
    }
    const end = tested.state(0);
    return startOf(end.ids, end.server, end.floor);
  };
  const update = (
    name: string,
    what: string,
    image: CampaignImage,
    outcome: string,
    start: DeviceState,
    rest: Partial<Story> = {},
  ): DeviceState => play({ ...updates, name, what, wishes: { image }, outcome, ...rest }, start);

  const factory = pages.internFlash(
    await factoryFlash({ layout, identity, trustChain: await firstTrustChain(), image: first.file }),
  );
  const checkedIn = {
    ...base,
    wishes: {},
    outcome: "checked-in",
    isSettled: (server: BoardUnderTest["server"]) => server.checkIns > 0,
  };
  const enrolled = play(
    {
      ...checkedIn,
      name: "enrolment",
      what: "a device as the factory made it starts, and is given its secret",
      mayEnrol: true,
    },
    startOf(factory, newServerMemory(), 0),
  );
  play({ ...checkedIn, name: "ordinary-start", what: "an enrolled device starts; nothing is to be done" }, enrolled);

  if (yours) update("your-release", "A to B, the image of your release", yours, "confirmed", enrolled);
  const updated = update(
    "first-update",
    "A to B; confirmed, and the floor is raised at once",
    good,
    "confirmed",
    enrolled,
    { floorAtEnd: 2 },
  );
  const back = update("second-update", "B to A, over the image that the factory wrote", next, "confirmed", updated);
  update("third-update", "A to B again, over an image that was confirmed once", again, "confirmed", back);
  const bothConfirmed = update(
    "update-below-the-flag",
    "A to B; the floor waits, since the fallback would be lost",
    plain,
    "confirmed",
    enrolled,
    { floorAtEnd: 1 },
  );
  update(
    "operators-rollback",
    "back to the other slot's confirmed image, which needs no permit",
    first,
    "confirmed",
    bothConfirmed,
  );
  update(
    "downgrade-by-permit",
    "an older release than the running one, with a permit",
    older,
    "confirmed",
    update("update-before-downgrade", "B to A", third, "confirmed", bothConfirmed),
    {
      wishes: {
        image: older,
        permit: await buildPermit({
          imageDigest: older.digest,
          deviceId: identity.deviceId,
          signingKeys: [keys.release.privateJwk],
        }),
      },
    },
  );

  update("crash-falls-back", "the candidate's app crashes as it starts", crashing, "rolled-back 70", enrolled, {
    otherOutcomes: ["rolled-back 75"],
  });
  update("hang-falls-back", "the candidate's app hangs; the watchdog ends it", hanging, "rolled-back 71", enrolled, {
    otherOutcomes: ["rolled-back 75"],
  });
  update(
    "unhealthy-falls-back",
    "the candidate's app says that it is unhealthy",
    unhealthy,
    "rolled-back 72",
    enrolled,
    { otherOutcomes: ["rolled-back 75"] },
  );
  update(
    "silent-falls-back",
    "the candidate's app says nothing until the confirm deadline",
    silent,
    "rolled-back 72",
    enrolled,
    { otherOutcomes: ["rolled-back 75"] },
  );
  update("self-test-falls-back", "the candidate's self-test fails", untested, "rolled-back 73", enrolled, {
    otherOutcomes: ["rolled-back 75"],
  });
  const deafFailed = update(
    "deaf-falls-back",
    "the candidate never reaches the server, and the old image does",
    deaf,
    "rolled-back 74",
    enrolled,
    { otherOutcomes: ["rolled-back 75"] },
  );

  const refused = { inadmissible: [stranger, below, forEarlier, forLater] };
  update(
    "refused-earlier-revisions",
    "an image for revisions of the hardware that end below the device's",
    forEarlier,
    "rejected 41",
    enrolled,
    refused,
  );
  update(
    "refused-later-revisions",
    "an image for revisions of the hardware that begin above the device's",
    forLater,
    "rejected 41",
    enrolled,
    refused,
  );
  update("update-for-one-revision", "an image for the device's revision alone", forJustThis, "confirmed", enrolled);
  update(
    "offered-while-rebooting",
    "another image is offered when the first one is installed, and the reset is half a second away",
    plain,
    "confirmed",
    enrolled,
    { wishes: { image: plain, whenInstalled: older } },
  );
  update("refused-signature", "an image that no release key signed", stranger, "rejected 9", enrolled, refused);
  update("refused-floor", "an image below the floor", below, "rejected 43", updated, refused);

  // An interrupted update of one image, then another is wanted.
  const interrupted = stories.get("first-update")!;
  const half = cutAt(tested, interrupted.story, interrupted.start, 13);
  update(
    "update-over-interrupted",
    "another image is offered when the first one's download was cut",
    plain,
    "confirmed",
    startOf(half.ids, half.server, half.floor),
  );

  const wrap = pages.internFlash(ageBootControl(pages.flashOf(enrolled.ids), layout, 0xffffffff));
  update(
    "epoch-wraps",
    "the log's epoch is about to wrap at 2^32",
    good,
    "confirmed",
    startOf(wrap, enrolled.server, enrolled.floor),
  );
  const full = pages.internFlash(ageBootControl(pages.flashOf(updated.ids), layout, 7));
  play(
    { ...checkedIn, name: "log-turns-over", what: "the boot-control sector is full and turns over" },
    startOf(full, updated.server, updated.floor),
  );

  // What no update wrote: somebody had the flash in hand, or a slot of another device was put in.
  for (const [name, inSlot] of [
    ["forged-signature", stranger],
    ["forged-floor", below],
    ["forged-hardware", elsewhere],
    ["forged-earlier-revisions", forEarlier],
    ["forged-later-revisions", forLater],
  ] as const) {
    const flash = forgeSlot(
      pages.flashOf(updated.ids),
      layout,
      inSlot,
      await slotParts(inSlot.file, layout.sectorBytes),
    );
    play(
      {
        ...checkedIn,
        name,
        what: `slot a holds ${inSlot.name}, and boot control calls it confirmed and active`,
        hasForgedSlot: true,
        inadmissible: [inSlot],
      },
      startOf(pages.internFlash(flash), updated.server, updated.floor),
    );
  }

  // Trust records: the server sends one as long as a check-in says another version.
  const chains = await laterTrustChains();
  const forged = await forgedChains(chains.rootsReplaced, chains.keyAdded);
  const rotate = (
    name: string,
    what: string,
    trustChain: Uint8Array,
    trustVersion: number,
    start: DeviceState,
    rest: Partial<Story> = {},
  ): DeviceState =>
    play(
      {
        ...checkedIn,
        name,
        what,
        wishes: { trustChain, trustVersion },
        isSettled: ({ lastCheckIn }: BoardUnderTest["server"]) => lastCheckIn?.trust === trustVersion,
        trustAtEnd: trustVersion,
        ...rest,
      },
      start,
    );
  const twoKeys = rotate("trust-key-added", "a release key is added to the trust record", chains.keyAdded, 2, enrolled);
  const onSecond = update(
    "update-by-new-key",
    "an image that only the new release key signed",
    bySecond,
    "confirmed",
    twoKeys,
  );
  update(
    "trust-while-rebooting",
    "a trust record that would refuse the candidate comes when it is installed and the reset is half a second away",
    bySecond,
    "confirmed",
    twoKeys,
    {
      wishes: { image: bySecond, trustWhenInstalled: forged.secondRevoked },
    },
  );
  rotate(
    "trust-key-revoked",
    "the first release key is revoked; the other slot's image is lost by it",
    chains.keyRevoked,
    3,
    onSecond,
  );
  const twoRoots = rotate(
    "trust-roots-replaced",
    "the roots are replaced, by the threshold of the old ones",
    chains.rootsReplaced,
    2,
    enrolled,
  );
  rotate("trust-by-both-roots", "two roots have to sign, and both have", forged.byBoth, 3, twoRoots);
  for (const [name, who, chain] of [
    ["trust-by-one-of-two", "one has", forged.byOneOfTwo],
    ["trust-by-one-twice", "one has, twice", forged.byOneTwice],
    ["trust-by-a-stranger", "one has, and a stranger", forged.byOneAndAStranger],
  ] as const)
    rotate(name, `two roots have to sign a trust record, and ${who}: it is refused`, chain, 3, twoRoots, {
      isSettled: ({ lastCheckIn }) => lastCheckIn?.trustRefused !== undefined,
      trustAtEnd: 2,
    });
  // The same in a flash that somebody had in hand: the stranger's image is there, and a first copy that would admit it.
  const strangersFlash = async (chain: Uint8Array, state: DeviceState): Promise<DeviceState> =>
    startOf(
      pages.internFlash(
        putFirstTrustCopy(
          forgeSlot(pages.flashOf(state.ids), layout, stranger, await slotParts(stranger.file, layout.sectorBytes)),
          layout,
          chain,
        ),
      ),
      state.server,
      state.floor,
    );
  const goodOnTwoRoots = update("update-on-two-roots", "A to B, on the new roots", plain, "confirmed", twoRoots);
  for (const [name, what, chain, state, version] of [
    [
      "forged-trust-by-one",
      "too few have signed the first copy of the trust chain",
      forged.byOneOfTwo,
      goodOnTwoRoots,
      2,
    ],
    [
      "forged-trust-by-minority",
      "a minority of the boot bank's roots has signed the first copy of the trust chain",
      forged.firstByMinority,
      bothConfirmed,
      1,
    ],
  ] as const) {
    play(
      {
        ...checkedIn,
        name,
        what: `slot a holds an image of a stranger; ${what}`,
        hasForgedSlot: true,
        inadmissible: [stranger],
        mayRepairTrust: true,
        trustAtEnd: version,
      },
      await strangersFlash(chain, state),
    );
  }
  rotate(
    "trust-refused",
    "a trust record would refuse the only confirmed image, and is refused",
    chains.refusesAll,
    2,
    enrolled,
    {
      isSettled: ({ lastCheckIn }) => lastCheckIn?.trustRefused !== undefined,
      trustAtEnd: 1,
    },
  );

  // Another server address is a candidate too: kept after contact there, else the old one returns.
  const moved = { host: "elsewhere", port: 8883 };
  play(
    {
      ...updates,
      name: "connection-kept",
      what: "another server address is given, and the server answers there",
      wishes: { connection: { ...moved, isAlive: true } },
      outcome: "kept",
    },
    enrolled,
  );
  play(
    {
      ...updates,
      name: "connection-dropped",
      what: "another server address is given, nobody answers there, and the old one returns",
      wishes: { connection: { ...moved, isAlive: false } },
      outcome: "dropped 96",
      otherOutcomes: ["dropped 97"],
    },
    enrolled,
  );

  // Both confirmed, and the newer one crashes from today on.
  const isOn =
    (image: CampaignImage) =>
    ({ lastCheckIn }: BoardUnderTest["server"]) =>
      lastCheckIn?.running.digest === image.digest;
  const loops = new Map([[plain, { ...plain.personality, app: "crashes" as const }]]);
  const yielded = play(
    {
      ...checkedIn,
      name: "crash-loop-yields",
      what: "a confirmed image crashes again and again, and gives way to the other",
      personalities: loops,
      lingerUs: 11_000_000,
    },
    bothConfirmed,
  );
  update("update-after-yield", "an update of a device whose newer image gave way", third, "confirmed", yielded);
  const late = new Map([[plain, { ...plain.personality, crashesAtUs: 14_000_000 }]]);
  play(
    {
      ...checkedIn,
      name: "late-crashes-yield",
      what: "a confirmed image is healthy and crashes in its 14th second, again and again, and gives way",
      personalities: late,
      isSettled: isOn(first),
    },
    bothConfirmed,
  );
  update(
    "confirmed-then-crashes",
    "an image is confirmed, crashes in its 14th second again and again, and gives way",
    brittle,
    "confirmed",
    enrolled,
    {
      endsOn: first,
      isSettled: (server) => server.memory.outcome !== undefined && isOn(first)(server),
      otherOutcomes: ["rolled-back 75"],
    },
  );
  play(
    {
      ...checkedIn,
      name: "reset-pressed",
      what: "somebody presses reset twelve times, within seconds of each start",
      resetPresses: 12,
      isSettled: isOn(plain),
    },
    bothConfirmed,
  );

  // Both sectors of boot control lost: what is newer is only guessed to run well.
  const lost = (state: DeviceState): DeviceState =>
    startOf(pages.internFlash(destroyBootControl(pages.flashOf(state.ids), layout)), state.server, 0);
  play(
    {
      ...checkedIn,
      name: "log-lost",
      what: "both sectors of boot control are lost; the newer image runs well",
      isSettled: ({ lastCheckIn }) =>
        lastCheckIn?.running.digest === plain.digest && lastCheckIn.running.state === "confirmed",
      isTriedOut: ({ lastCheckIn }) =>
        lastCheckIn?.running.digest === first.digest &&
        lastCheckIn.other.state === "failed" &&
        lastCheckIn.other.reason === ErrorCode.TriesExhausted,
    },
    lost(bothConfirmed),
  );
  play(
    {
      ...checkedIn,
      name: "log-lost-deaf",
      what: "both sectors of boot control are lost, and the newer image is one that had failed as deaf",
      isSettled: ({ lastCheckIn }) =>
        lastCheckIn?.running.digest === first.digest && lastCheckIn.other.state === "failed",
    },
    lost(deafFailed),
  );
  return { tested, pages, stories };
}

function cutAt(tested: BoardUnderTest, story: Story, start: DeviceState, operation: number): DeviceState {
  tested.powerUp(story, start, "as-new", 1, (_, index) => (index === operation ? "cut" : 0));
  return tested.state(0);
}
