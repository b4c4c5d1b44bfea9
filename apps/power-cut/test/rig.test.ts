// The tester is tested: a host that shows the rig one thing that must not be, and the rig says so. What is shown is an
// ordinary start, as the board has done it, with one change.

import { beforeAll, expect, it } from "vitest";
import { BootReason } from "@flipside/machine/abi";
import { PRODUCT, virtualTarget } from "@flipside/machine/factory/targets";
import type { ZoneName } from "@flipside/machine/factory/flash-layout";
import { openSubject } from "../src/campaign/open-subject.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";
import type { DeviceUnderTest, End, Watch } from "../src/rig/device-under-test.ts";
import { FlashPages } from "../src/rig/flash-pages.ts";
import { playCase } from "../src/rig/play-case.ts";
import { type BesideServer, Rig } from "../src/rig/rig.ts";
import { smallLayout } from "../src/stories/catalogue.ts";
import { type CampaignImage, keys } from "../src/stories/images.ts";

/** Flash before and after an ordinary start, and after an update; what starts in slot A, and then in B. */
let before: Uint8Array;
let after: Uint8Array;
let updated: Uint8Array;
let first: CampaignImage;
let good: CampaignImage;

beforeAll(async () => {
  const { tested, pages, stories } = await openSubject(await subjectOfSources(), "small");
  const play = (name: string): Uint8Array => {
    const { story, start } = stories.get(name)!;
    before = pages.flashOf(start.ids);
    expect(tested.powerUp(story, start, "as-new", 1).violations).toEqual([]);
    return pages.flashOf(tested.board.ids);
  };
  updated = play("first-update");
  good = stories.get("first-update")!.story.wishes.image!;
  after = play("ordinary-start");
  first = tested.imageOf(tested.checker.imageIn(stories.get("ordinary-start")!.start.ids, 0)!.digest)!;
}, 120_000);

/** What is done while power is on; the flash may be changed. */
type Play = (watch: Watch, flash: Uint8Array, rig: Rig<string>) => End;

class PlayedHost implements DeviceUnderTest<string> {
  readonly #pages = new FlashPages(smallLayout.sizeBytes);
  readonly flash = before.slice();
  rig!: Rig<string>;

  constructor(readonly play: Play) {}

  readFlash(): FlashPages {
    return this.#pages.take(this.flash);
  }

  powerUp(_cut: string | undefined, _settled: () => boolean, watch: Watch): Promise<End> {
    return Promise.resolve(this.play(watch, this.flash, this.rig));
  }
}

function rigThatSees(play: Play, beside: Partial<BesideServer> = {}): Rig<string> {
  const host = new PlayedHost(play);
  const server = { lastCheckIn: undefined, deployment: undefined, trust: undefined, outcome: undefined, ...beside };
  host.rig = new Rig(host, server, {
    layout: smallLayout,
    product: PRODUCT,
    hardware: { name: virtualTarget.hardwareName, revision: virtualTarget.revision },
    rootKeys: [keys.root.publicKey, keys.secondOfBank.publicKey, keys.thirdOfBank.publicKey],
    releaseKeys: [keys.release.publicKey],
    images: [first, good],
  });
  return host.rig;
}

async function seen(play: Play, beside?: Partial<BesideServer>): Promise<string[]> {
  const rig = rigThatSees(play, beside);
  await rig.powerUp(undefined, () => true);
  return rig.violations;
}

/** An ordinary start; what comes between the loader's record and the end is the case's. */
const start =
  (
    change: (flash: Uint8Array, watch: Watch, rig: Rig<string>) => void,
    {
      flash: left = (): Uint8Array => after,
      slot = 0,
      shown = (): string => first.digest,
      end = "settled" as End,
    } = {},
  ): Play =>
  (watch, flash, rig) => {
    watch.loaderBegins(BootReason.PowerOn);
    flash.set(left());
    watch.imageStarts(slot, shown());
    change(flash, watch, rig);
    return end;
  };
const zone = (name: ZoneName): number => smallLayout.zones[name].offsetBytes;
const erase = (name: ZoneName) => (_: Uint8Array, watch: Watch) =>
  watch.operation({ kind: "erase", offset: zone(name), length: smallLayout.sectorBytes });
const spoil =
  (name: ZoneName, at = 0) =>
  (flash: Uint8Array) =>
    void (flash[zone(name) + at]! ^= 1);
const spoilt = (name: ZoneName, at: number) => (): Uint8Array => {
  const flash = after.slice();
  flash[zone(name) + at]! ^= 1;
  return flash;
};
const payloadAt = smallLayout.sectorBytes;
const eraseLog = (flash: Uint8Array): void =>
  void flash.fill(0xff, zone("bootControl"), zone("bootControl") + smallLayout.zones.bootControl.sizeBytes);
const checkIn = (digest: string, floor = 1): NonNullable<BesideServer["lastCheckIn"]> => ({
  floor,
  running: { digest, state: "confirmed" },
});

it("sees nothing in an ordinary start, nor in an update that was confirmed", async () => {
  expect(await seen(start(() => {}))).toEqual([]);
  const beside = { deployment: { image: good }, outcome: "confirmed" };
  const isUpdated = { flash: (): Uint8Array => updated, slot: 1, shown: (): string => good.digest };
  expect(
    await seen(
      start(() => {}, isUpdated),
      beside,
    ),
  ).toEqual([]);
});

it.each<[string, Play, RegExp]>([
  ["no fresh record", start(() => {}, { flash: () => before }), /2: no fresh record was appended/],
  ["another slot's start", start(() => {}, { slot: 1 }), /2: slot b .* while the newest record says slot a/],
  ["an image that nobody made", start(() => {}, { shown: () => "ab".repeat(32) }), /1: .* which nobody made/],
  ["an image that is not whole", start(() => {}, { flash: spoilt("slotA", payloadAt) }), /1: slot a .* a whole image/],
  ["a lost log", start(eraseLog), /2: no record of boot control holds any more/],
  ["a slot lost", start(spoil("slotA", payloadAt)), /2: no confirmed, admissible, whole image is left/],
  ["the running slot changed", start(spoil("slotA", payloadAt)), /4: the running slot changed while it ran/],
  ["an attempt at the running slot", start(erase("slotA")), /4: erase at .* while an image runs/],
  ["an attempt at the factory's zone", start(erase("factory")), /4: erase at .* while an image runs/],
  ["the factory's zone changed", start(spoil("factory")), /4: what the factory wrote has changed/],
  ["a trust record's change unannounced", start(erase("trust")), /4: trust copy a changes while the flags are \d+/],
  [
    "the loader at work elsewhere",
    (watch, flash) => {
      watch.loaderBegins(BootReason.PowerOn);
      erase("journal")(flash, watch);
      return "late";
    },
    /4: erase at .* while the boot loader runs/,
  ],
  [
    "a log that was made anew too boldly",
    (watch, flash) => {
      flash.set(updated);
      eraseLog(flash);
      watch.loaderBegins(BootReason.PowerOn);
      flash.set(updated);
      watch.imageStarts(1, good.digest);
      return "late";
    },
    /2: slot b .* was started as confirmed by a log that was made anew/,
  ],
  ["a floor that fell", start((_flash, _watch, rig) => rig.checksIn(checkIn(first.digest, 0))), /5: .* floor 0, which/],
  ["recovery", start(() => {}, { end: "recovery" }), /2: no image was started: recovery/],
  ["silence", start(() => {}, { end: "late" }), /3: nothing came of a power-up/],
  ["a machine that ends", start(() => {}, { end: "off" }), /3: the machine ended by itself/],
  ["a lost log behind a cut", start(eraseLog, { end: "cut" }), /2: no record of boot control holds any more/],
])("sees %s", async (_, play, wanted) => {
  expect((await seen(play)).join("\n")).toMatch(wanted);
});

it("sees that an image that was confirmed gives way, and that the server believes what flash does not say", async () => {
  const beside = { deployment: { image: good }, outcome: "confirmed" };
  const givesWay = start((_flash, _watch, rig) => {
    rig.checksIn(checkIn(good.digest));
    rig.checksIn(checkIn(first.digest));
  });
  const violations = (await seen(givesWay, beside)).join("\n");
  expect(violations).toMatch(/2: an image that had been confirmed gave way/);
  expect(violations).toMatch(/6: the server believes that the device was updated, and its flash says otherwise/);
});

it("sees a boot counter that goes back from one power-up to the next", async () => {
  const rig = rigThatSees(start(() => {}));
  for (let n = 0; n < 2; n++) await rig.powerUp(undefined, () => true);
  expect(rig.violations.join("\n")).toMatch(/2: the boot counter went from \d+ to \d+/);
});

it("says of a case how often power failed, and that its story ended otherwise", async () => {
  let powerUps = 0;
  const rig = rigThatSees((watch, flash, own) =>
    start(() => {}, { end: ++powerUps < 3 ? "cut" : "settled" })(watch, flash, own),
  );
  expect(await playCase(rig, "confirmed", ["one", "two", "three"])).toEqual(["one", "two"]);
  expect(rig.violations.filter((each) => !each.startsWith("invariant"))).toEqual([
    "after the last cut the update is undefined, not confirmed",
    "at the power-up after that the update is undefined, not confirmed",
  ]);
});
