import { describe, expect, it } from "vitest";
import semver from "semver";
import { globMatcher } from "../src/glob.ts";
import { type Filtered, matcherOf, parseFilter } from "../src/index.ts";
import { rangeMatcher } from "../src/version-range.ts";
import { nowMs, Random, randomDevice, randomFilter, releases, seed } from "./random-filters.ts";
import { meansByReference } from "./reference.ts";

const surroundings = { nowMs, releaseOf: (digest: string) => releases.get(digest) };
const matches = (text: string, device: Filtered): boolean => matcherOf(parseFilter(text), surroundings)(device);

const device: Filtered = {
  id: "dev-1",
  product: "flipside-demo",
  hardware: "virt-rv32",
  revision: 2,
  running: { version: "1.10.0", digest: [...releases.keys()][0]!, state: "confirmed" },
  health: "healthy",
  bootReason: "update",
  agent: "flipside",
  channel: "psk",
  configurationState: "in-force",
  online: true,
  revoked: false,
  lastSeenAt: new Date(nowMs - 3_600_000).toISOString(),
  tags: ["canary", "site:berlin"],
  attributes: { floor: 3, room: "attic", outdoors: false, bootloader: "1.4.2" },
};
/** Enrolled, and never heard of since. */
const silent: Filtered = {
  ...device,
  product: null,
  hardware: null,
  revision: null,
  running: null,
  bootReason: null,
  health: "unknown",
  online: false,
  lastSeenAt: null,
  tags: [],
  attributes: {},
};

describe("a device", () => {
  it("is as a filter says or not, as a second way of saying it has it", () => {
    const random = new Random(seed);
    let matched = 0;
    const tries = 5_000;
    for (let i = 0; i < tries; i++) {
      const [filter, one] = [randomFilter(random), randomDevice(random)];
      const matching = matcherOf(filter, surroundings)(one);
      if (matching !== meansByReference(filter, one))
        throw new Error(`FLIPSIDE_SEED=${seed}: ${JSON.stringify(filter)} of ${JSON.stringify(one)}: ${matching}`);
      if (matching) matched++;
    }
    expect(matched / tries, "neither all nor none").toBeGreaterThan(0.2);
    expect(matched / tries).toBeLessThan(0.8);
  });

  it.each([
    "id like dev-*",
    'version > 1.9 and version ~ "^1.2"',
    "version = 1.10",
    "release = r-0 and release = 1.2.0",
    "tag = canary and tag like site:*",
    "tag != spare",
    "lastSeen < 2h and lastSeen >= 1h and lastSeen <= 60m",
    "attribute.floor >= 3 and attribute.room = attic and attribute.outdoors = false",
    "attribute.bootloader ~ ^1.4",
    "slotState = confirmed and bootReason = update",
    "agent = flipside and not agent in (hawkbit, mender, aws-iot)",
    "channel = psk and not channel in (clear, websocket)",
    "configuration = in-force and not configuration in (refused, waiting)",
    "not has attribute.constructor and attribute.constructor != 1",
  ])("is %s", (text) => {
    expect(matches(text, device)).toBe(true);
    expect(matches(`not (${text})`, device)).toBe(false);
  });

  it.each([
    'attribute.floor = "3"',
    "attribute.room < 3",
    "attribute.floor ~ 3",
    "lastSeen < 1h",
    "product = Flipside-Demo",
    "tag in (spare, broken)",
  ])("is not %s", (text) => expect(matches(text, device)).toBe(false));

  it("of which something is not known is neither so nor otherwise, but not so", () => {
    for (const text of ["revision = 2", "version < 2", "lastSeen < 2h", "lastSeen > 2h", "has product", "tag like *"])
      expect(matches(text, silent), text).toBe(false);
    for (const text of ["revision != 2", "not version < 2", "not has lastSeen", "product not in (a, b)"])
      expect(matches(text, silent), text).toBe(true);
  });
});

describe("a range of versions", () => {
  const numbers = ["0", "1", "2", "10"];
  const versionOf = (random: Random): string =>
    [0, 1, 2].map(() => random.pick(numbers)).join(".") +
    random.pick(["", "", "", "-0", "-rc.1", "-rc.2", "-beta", "+build.5"]);

  function rangeOf(random: Random): string {
    const partial = (): string => {
      const given = Array.from({ length: 1 + random.below(3) }, () => random.pick(numbers));
      if (given.length === 3) return given.join(".") + random.pick(["", "", "-rc.1"]);
      return [...given.slice(random.below(4) === 0 ? 1 : 0), ...random.pick([[], ["x"], ["*"]])].join(".") || "*";
    };
    const simple = (): string => random.pick(["", "", "^", "~", ">", ">=", "<", "<=", "="]) + partial();
    const one = (): string =>
      random.below(5) === 0
        ? `${partial()} - ${partial()}`
        : Array.from({ length: 1 + random.below(2) }, simple).join(" ");
    return Array.from({ length: 1 + random.below(2) }, one).join(random.pick([" || ", "||"]));
  }

  it("means what npm's own library takes it to mean", () => {
    const random = new Random(seed);
    for (let i = 0; i < 5_000; i++) {
      const [range, version] = [rangeOf(random), versionOf(random)];
      const isIn = rangeMatcher(range)?.(version);
      // Each alternative by itself: where one is `*`, that library forgets the others.
      const alternatives = range.split("||");
      const byNpm = alternatives.some((each) => semver.validRange(each) === null)
        ? undefined
        : alternatives.some((each) => semver.satisfies(version, each));
      if (isIn !== byNpm) throw new Error(`FLIPSIDE_SEED=${seed}: ${version} in ${range}: ${isIn}`);
    }
  });

  it("is refused when it is none, and has no version that is none", () => {
    for (const text of ["one", "^", ">=", "1.2.3.4", "1 -", "^1.2 ||| 2", "1.2.3-", "9".repeat(200)])
      expect(rangeMatcher(text), text).toBeUndefined();
    expect(rangeMatcher("*")!("nightly")).toBe(false);
    expect(rangeMatcher("^1.2")!("1.3.0.1"), "more numbers than npm knows").toBe(true);
  });
});

describe("a glob", () => {
  it("comes to an end with patterns that take a backtracking matcher for ever", () => {
    const matches = globMatcher(`${"*a".repeat(900)}*b`);
    expect(matches("a".repeat(2_000))).toBe(false);
    expect(matches(`${"a".repeat(2_000)}b`)).toBe(true);
  });
});
