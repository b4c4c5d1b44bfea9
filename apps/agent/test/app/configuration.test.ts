// The example app's reader of its configuration, beside JSON.parse: what it takes is JSON and means the same, and of
// what is wrong first it says so, by code and in words.

import { beforeAll, expect, test } from "vitest";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { compileModule, Guest } from "../text/assembly-module.ts";

type Names = "takeConfiguration" | "lowestMilliC" | "highestMilliC" | "reportEverySeconds";
type Verdict = readonly [code: number, text: string];

const AGAIN = -4;
const NUMBER = 0x80000001;
const TAKEN: Verdict = [0, ""];
const NOT_AN_OBJECT: Verdict = [1, "not a JSON object"];
const RANGE_EMPTY: Verdict = [4, "lowestMilliC is not below highestMilliC"];
const MEMBER_UNKNOWN: Verdict = [6, "a member that this app does not know"];
const defaults = { lowestMilliC: -40_000, highestMilliC: 125_000, reportEverySeconds: 1 };
type Member = keyof typeof defaults;
const members = Object.keys(defaults) as Member[];
const ranges = { lowestMilliC: [-55_000, 150_000], highestMilliC: [-55_000, 150_000], reportEverySeconds: [1, 3600] };
const refused = (member: Member): Verdict => [
  { lowestMilliC: 2, highestMilliC: 3, reportEverySeconds: 5 }[member],
  `${member}: an integer from ${ranges[member].join(" to ")}, given once`,
];

let handed: Buffer | undefined;
let verdict: Verdict | undefined;
let guest: Guest<Names>;
beforeAll(() => {
  guest = new Guest(compileModule("app", "configuration"), {
    exo: {
      configuration_read: (ptr: number, length: number) => {
        if (!handed) return AGAIN;
        if (length < 4 + handed.length) throw new Error("asks for less than a document may have");
        // What the document before left behind it must not be read.
        guest.bytes(ptr, length).fill(0x31);
        guest.bytes(ptr, 4).writeUInt32LE(NUMBER);
        handed.copy(guest.bytes(ptr + 4, handed.length));
        return handed.length;
      },
      configuration_judge: (number: number, code: number, ptr: number, length: number) => {
        expect(number >>> 0).toBe(NUMBER);
        expect(length).toBeLessThanOrEqual(64);
        verdict = [code, guest.bytes(ptr, length).toString("latin1")];
        return 0;
      },
    },
  });
});

function judge(document: string | Buffer): Verdict | undefined {
  handed = Buffer.from(document as string);
  verdict = undefined;
  guest.call.takeConfiguration();
  return verdict;
}
/** JSON.parse, without a 0 that has a sign: an i32 has none. */
const parse = (document: string): Record<string, number> =>
  JSON.parse(document, (_, value) => (value === 0 ? 0 : value)) as Record<string, number>;
const inForce = (): typeof defaults => ({
  lowestMilliC: guest.call.lowestMilliC(),
  highestMilliC: guest.call.highestMilliC(),
  reportEverySeconds: guest.call.reportEverySeconds(),
});

test("says nothing when nothing was handed over", () => {
  handed = undefined;
  verdict = undefined;
  guest.call.takeConfiguration();
  expect(verdict).toBeUndefined();
});

test.each<[document: string, verdict: Verdict]>([
  ["{}", TAKEN],
  [' \t\r\n{ "lowestMilliC" : -0 , "highestMilliC" : 1 } ', TAKEN],
  ['{"lowestMilliC":-55000,"highestMilliC":150000,"reportEverySeconds":3600}', TAKEN],
  ["", NOT_AN_OBJECT],
  ["[]", NOT_AN_OBJECT],
  ["{", NOT_AN_OBJECT],
  ["{}}", NOT_AN_OBJECT],
  ["{}\0", NOT_AN_OBJECT],
  ["\uFEFF{}", NOT_AN_OBJECT],
  ["{,}", NOT_AN_OBJECT],
  ['{"reportEverySeconds":1,}', NOT_AN_OBJECT],
  ['{"reportEverySeconds" 1}', NOT_AN_OBJECT],
  ['{"lowestMilliC', MEMBER_UNKNOWN],
  ['{"lowestMilli":1}', MEMBER_UNKNOWN],
  ['{"lowestMilliCC":1}', MEMBER_UNKNOWN],
  ['{"lowest\\u004dilliC":1}', MEMBER_UNKNOWN],
  ['{"":1}', MEMBER_UNKNOWN],
  ['{"lowestMilliC":1,"lowestMilliC":1}', refused("lowestMilliC")],
  ['{"lowestMilliC":-55001}', refused("lowestMilliC")],
  ['{"lowestMilliC":-}', refused("lowestMilliC")],
  ['{"lowestMilliC":1.0}', refused("lowestMilliC")],
  ['{"lowestMilliC":1e3}', refused("lowestMilliC")],
  ['{"lowestMilliC":+1}', refused("lowestMilliC")],
  ['{"lowestMilliC":01}', refused("lowestMilliC")],
  ['{"lowestMilliC":4294967297}', refused("lowestMilliC")],
  ['{"lowestMilliC":18446744073709551617}', refused("lowestMilliC")],
  ['{"lowestMilliC":null}', refused("lowestMilliC")],
  ['{"lowestMilliC":"1"}', refused("lowestMilliC")],
  ['{"lowestMilliC":{}}', refused("lowestMilliC")],
  ['{"lowestMilliC":1', refused("lowestMilliC")],
  ['{"highestMilliC":150001}', refused("highestMilliC")],
  ['{"reportEverySeconds":0}', refused("reportEverySeconds")],
  ['{"reportEverySeconds":-1}', refused("reportEverySeconds")],
  ['{"reportEverySeconds":3601}', refused("reportEverySeconds")],
  ['{"lowestMilliC":125000}', RANGE_EMPTY],
  ['{"highestMilliC":-40000,"reportEverySeconds":9}', RANGE_EMPTY],
])("%j", (document, expected) => {
  expect(judge('{"reportEverySeconds":7}')).toEqual(TAKEN);
  expect(judge(document)).toEqual(expected);
  const before = { ...defaults, reportEverySeconds: 7 };
  expect(inForce()).toEqual(expected === TAKEN ? { ...defaults, ...parse(document) } : before);
});

test("a document of the largest size is read to its end, and not beyond", () => {
  const full = '{"reportEverySeconds":8}'.padStart(1024);
  expect([judge(full), inForce().reportEverySeconds]).toEqual([TAKEN, 8]);
  expect(judge(full.slice(0, -1).padStart(1024))).toEqual(refused("reportEverySeconds"));
});

/** Members as they come, and what is to be said of them: of the first that is wrong. */
function randomDocument(random: SeededRandom): { document: string; expected: Verdict } {
  const space = (): string => Array.from({ length: random.below(3) }, () => " \t\r\n"[random.below(4)]).join("");
  const seen = new Set<Member>();
  const values: typeof defaults = { ...defaults };
  let wrong: Verdict | undefined;
  const parts = Array.from({ length: random.below(5) }, () => {
    const member = members[random.below(3)]!;
    const [least, most] = ranges[member];
    const near = [least!, most!, 0][random.below(3)]! + random.below(5) - 2;
    const value = random.below(2) === 0 ? near : random.below(2 ** 31) - 2 ** 30;
    const isWrong = seen.has(member) || value < least! || value > most!;
    seen.add(member);
    values[member] = value;
    if (isWrong) wrong ??= refused(member);
    return `${space()}"${member}"${space()}:${space()}${value}${space()}`;
  });
  const isEmpty = values.lowestMilliC >= values.highestMilliC;
  return {
    document: `${space()}{${parts.join(",") || space()}}${space()}`,
    expected: wrong ?? (isEmpty ? RANGE_EMPTY : TAKEN),
  };
}

test("20,000 random documents get the verdict of their first wrong member; what is taken is what JSON.parse reads", () => {
  const seed = seedOfRun();
  console.info(`app's configuration: FLIPSIDE_SEED=${seed}`);
  const random = new SeededRandom(seed);
  for (let n = 0; n < 20_000; n++) {
    const { document, expected } = randomDocument(random);
    const before = inForce();
    expect(judge(document), `seed ${seed}: ${document}`).toEqual(expected);
    const after = expected === TAKEN ? { ...defaults, ...parse(document) } : before;
    expect(inForce(), `seed ${seed}: ${document}`).toEqual(after);

    // With a byte changed, taken or not: what is taken is JSON, has each member once and in range, and no other.
    const bytes = Buffer.from(document);
    bytes[random.below(bytes.length)] = random.below(4) === 0 ? random.below(256) : 0x20 + random.below(0x5f);
    const known = inForce();
    const changed = judge(bytes)!;
    const text = `seed ${seed}: ${bytes.toString("latin1")}`;
    if (changed[0] !== 0) {
      expect(inForce(), text).toEqual(known);
      continue;
    }
    const parsed = parse(bytes.toString());
    expect(inForce(), text).toEqual({ ...defaults, ...parsed });
    expect(bytes.toString().split(":").length - 1, text).toBe(Object.keys(parsed).length);
    for (const [name, value] of Object.entries(parsed)) {
      const [least, most] = ranges[name as Member];
      expect(value >= least! && value <= most!, text).toBe(true);
    }
  }
});
