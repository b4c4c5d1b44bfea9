import { beforeAll, expect, test } from "vitest";
import { compileModule, Guest } from "../text/assembly-module.ts";
import { Random } from "../text/random.ts";

// biome-ignore format: a table, row by row
type Names =
  | "allocated" | "open" | "error" | "root" | "kind" | "first" | "next" | "valueOf" | "i64Of" | "u32Of" | "stringOf"
  | "readU32" | "readI64" | "hasAttempt" | "readBool" | "readString" | "readHeader" | "readDigest" | "isOffer" | "enter"
  | "begin" | "finish" | "beginObject" | "endObject" | "beginArray" | "endArray" | "key" | "writeString" | "writeText"
  | "writeI64" | "writeI32" | "writeU32" | "writeBool" | "writeNull" | "writeHex" | "writeBase64url";

const ARGUMENT = -1;
const ABSENT = -3;
const AGAIN = -4;
const OUT = 1 << 19;
const DEPTH_MAX = 31;
const KINDS = ["absent", "null", "boolean", "number", "string", "array", "object"];

let guest: Guest<Names>;
let random: Random;
beforeAll(() => {
  guest = new Guest(compileModule("json", "json"));
  random = new Random("json");
});

const open = (text: string | Uint8Array) => {
  const bytes = Buffer.from(text as string);
  return guest.call.open(guest.put(bytes), bytes.length);
};
const out = (length: number) => guest.bytes(guest.space + OUT, length);

/** What our reader sees, built with its pull interface. Numbers that aren't integers read as the error they are. */
function pull(value: number): unknown {
  const kind = KINDS[guest.call.kind(value)];
  const string = (at: number) => {
    const length = guest.call.stringOf(at, guest.space + OUT, 1 << 18);
    return length < 0 ? "unreadable" : out(length).toString();
  };
  if (kind === "null") return null;
  if (kind === "boolean") return guest.bytes(value, 1)[0] === 0x74;
  if (kind === "string") return string(value);
  if (kind === "number") return guest.call.i64Of(value) as unknown as bigint;
  if (kind === "array") {
    const elements: unknown[] = [];
    for (let at = guest.call.first(value); at !== 0; at = guest.call.next(at)) elements.push(pull(at));
    return elements;
  }
  const members: [string, unknown][] = [];
  for (let at = guest.call.first(value); at !== 0; ) {
    const element = guest.call.valueOf(at);
    members.push([string(at), pull(element)]);
    at = guest.call.next(element);
  }
  return new Map(members);
}

/** JSON.parse's value in the same shape. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : 0n;
  if (value !== null && typeof value === "object") {
    return new Map(Object.entries(value).map(([name, element]) => [name, shape(element)]));
  }
  return value;
}

// biome-ignore format: a table, row by row
const characters = [
  "a", "Z", "0", " ", '"', "\\", "/", "\b", "\f", "\n", "\r", "\t", "\u0000", "\u001f", "\u007f", "é", "ÿ", "Ā", "€",
  "\ufeff", "\uffff", "😀", "\u{10ffff}",
];
const randomString = () => Array.from({ length: random.below(12) }, () => random.pick(characters)).join("");

function randomValue(depth: number): unknown {
  switch (random.below(depth > 4 ? 5 : 7)) {
    case 0:
      return null;
    case 1:
      return random.chance(0.5);
    case 2:
      return random.pick([0, -1, 1, 4294967295, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, random.u32()]);
    case 3:
    case 4:
      return randomString();
    case 5:
      return Array.from({ length: random.below(5) }, () => randomValue(depth + 1));
    default:
      // "k" keeps the names from being array indices, which JavaScript would reorder.
      return Object.fromEntries(
        Array.from({ length: random.below(5) }, () => ["k" + randomString(), randomValue(depth + 1)]),
      );
  }
}

/** Another spelling of the same document: space between tokens, characters as \u escapes. */
function respell(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^[\]{},:"]+/g, (token) => {
    if (token.startsWith('"')) {
      return token.replace(/\\u[0-9a-f]{4}|\\.|[^"\\]/gu, (char) => {
        if (char.startsWith("\\") || !random.chance(0.2)) return char;
        const units = char.split("").map((unit) => unit.charCodeAt(0).toString(16).padStart(4, "0"));
        return units.map((digits) => "\\u" + (random.chance(0.5) ? digits : digits.toUpperCase())).join("");
      });
    }
    const space = () => random.pick(["", "", "", " ", "\t", "\n", "\r", " \r\n\t "]);
    return space() + token + space();
  });
}

test("random documents read as JSON.parse reads them, however they are spelled", () => {
  for (let round = 0; round < 3000; round++) {
    const value = randomValue(0);
    const text = respell(JSON.stringify(value));
    expect(shape(JSON.parse(text))).toEqual(shape(value));
    expect(open(text), text).toBe(0);
    expect(pull(guest.call.root()), text).toEqual(shape(value));
    expect(guest.call.error()).toBe(0);
  }
});

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whether a strict reader takes the bytes: JSON.parse, less the documented limits. */
function acceptable(bytes: Uint8Array): boolean {
  try {
    const text = utf8.decode(bytes);
    JSON.parse(text);
    let depth = 0;
    for (const token of text.match(/"(?:[^"\\]|\\.)*"|[[\]{}]/g) ?? []) {
      if (token === "[" || token === "{") {
        if (++depth > DEPTH_MAX) return false;
      } else if (token === "]" || token === "}") depth--;
      else if (Buffer.from(JSON.parse(token)).toString() !== JSON.parse(token)) return false; // half a surrogate pair
    }
    return true;
  } catch {
    return false;
  }
}

test("a mutated document is refused exactly when JSON.parse refuses it, limits aside", () => {
  // biome-ignore format: a table, row by row
  const pieces = [
    "{", "}", "[", "]", ",", ":", '"', "\\", "\\u", "\\ud83d", "\\ude00", "\\u0000", "\\x", "0", "1", "-", "+", ".",
    "e", "E", "e+", "true", "false", "null", "tru", "nan", " ", "\n", "\u00a0", "\u2028", "\ufeff", "/", "'", "\x00",
    "\x1f", "\x7f",
  ];
  let accepted = 0;
  const rounds = 40_000;
  for (let round = 0; round < rounds; round++) {
    let bytes = Buffer.from(JSON.stringify(randomValue(2)));
    for (let mutations = random.below(3); mutations >= 0; mutations--) {
      const at = random.below(bytes.length + 1);
      const piece = random.chance(0.2) ? Buffer.from([random.below(256)]) : Buffer.from(random.pick(pieces));
      const removed = random.below(3);
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        random.chance(0.3) ? Buffer.alloc(0) : piece,
        bytes.subarray(at + removed),
      ]);
    }
    const expected = acceptable(bytes);
    if (expected) accepted++;
    expect(open(bytes), JSON.stringify(bytes.toString())).toBe(expected ? 0 : ARGUMENT);
  }
  // Both sides were seen.
  expect(accepted).toBeGreaterThan(rounds / 100);
  expect(accepted).toBeLessThan(rounds - rounds / 100);
});

test("every sequence of up to five tokens is judged as JSON.parse judges it", () => {
  const tokens = ["{", "}", "[", "]", ",", ":", '"a"', "1", "null"];
  const visit = (text: string, depth: number) => {
    if (open(text) !== (acceptable(Buffer.from(text)) ? 0 : ARGUMENT)) expect(text).toBe("judged alike");
    if (depth < 5) for (const token of tokens) visit(text + token, depth + 1);
  };
  visit("", 0);
});

test("every number of up to six characters is judged as JSON.parse judges it", () => {
  const visit = (text: string) => {
    if (open(text) !== (acceptable(Buffer.from(text)) ? 0 : ARGUMENT)) expect(text).toBe("judged alike");
    if (text.length < 6) for (const char of "01-+.e") visit(text + char);
  };
  visit("");
});

test("every prefix of a document is refused, and nothing behind its end is looked at", () => {
  const text = '{"deployment":"d1\\u00e9\\ud83d\\ude00","attempt":-2.5e+3,"list":[true,false,null,{}],"é😀":""}';
  const bytes = Buffer.from(text);
  guest.put(bytes);
  for (let length = 0; length < bytes.length; length++) expect(guest.call.open(guest.space, length)).toBe(ARGUMENT);
  expect(guest.call.open(guest.space, bytes.length)).toBe(0);
});

test("containers nest up to the limit and no deeper", () => {
  for (const [opener, closer] of [
    ["[", "]"],
    ['{"a":', "}"],
  ] as const) {
    const nested = (depth: number) => opener.repeat(depth) + "1" + closer.repeat(depth);
    expect(open(nested(DEPTH_MAX))).toBe(0);
    expect(open(nested(DEPTH_MAX + 1))).toBe(ARGUMENT);
    expect(open(opener.repeat(100_000))).toBe(ARGUMENT);
  }
});

test("half a surrogate pair is refused, though JSON.parse takes it", () => {
  for (const text of [
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800\\u0041"',
    '"\\ud800x"',
    '"\\udc00\\ud800"',
    '"\\ud83d\\ud83d\\ude00"',
  ]) {
    expect(() => JSON.parse(text)).not.toThrow();
    expect(open(text), text).toBe(ARGUMENT);
  }
});

test("an integer reads exactly over the whole range of i64, and nothing else reads as one", () => {
  const read = (text: string) => {
    expect(open(`{"attempt":${text}}`)).toBe(0);
    const value = guest.call.readI64() as unknown as bigint;
    return guest.call.error() === 0 ? value : undefined;
  };
  for (const value of ["0", "-0", "1", "-1", "9223372036854775807", "-9223372036854775808", "922337203685477580"]) {
    expect(read(value)).toBe(BigInt(value));
  }
  for (let i = 0; i < 500; i++) {
    const value = BigInt.asIntN(64, (BigInt(random.u32()) << 32n) | BigInt(random.u32())) >> BigInt(random.below(64));
    expect(read(String(value))).toBe(value);
  }
  for (const text of [
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "92233720368547758070",
    "1.0",
    "1e3",
    "1E0",
    "0.0",
    '"1"',
    "true",
    "null",
    "[1]",
    "{}",
  ]) {
    expect(read(text), text).toBeUndefined();
    expect(guest.call.error()).toBe(ARGUMENT);
  }
});

test("a u32 reads from 0 to 4294967295 and not beyond", () => {
  const read = (text: string) => {
    open(`{"attempt":${text}}`);
    const value = guest.call.readU32() >>> 0;
    return guest.call.error() === 0 ? value : undefined;
  };
  for (const value of [0, 1, 4294967295]) expect(read(String(value))).toBe(value);
  for (const text of ["-1", "4294967296", "1.5", "1e1"]) expect(read(text), text).toBeUndefined();
});

test("a flat message is read by name, whatever the order of its members and however a name is spelled", () => {
  const header = random.bytes(40);
  const digest = random.bytes(32);
  const members = [
    '"deployment":"d\\u0031é"',
    '"\\u0061ttempt":2',
    '"other":{"attempt":7,"deployment":["attempt",9]}',
    `"header":"${header.toString("base64url")}"`,
    `"digest" : "${digest.toString("hex")}"`,
    '"flag":true',
    '"type":"off\\u0065r"',
  ];
  for (let round = 0; round < 50; round++) {
    const order = members.map((member) => ({ member, key: random.u32() })).sort((a, b) => a.key - b.key);
    expect(open(`{ ${order.map(({ member }) => member).join(" ,")} }`)).toBe(0);
    expect(guest.call.readU32()).toBe(2);
    expect(guest.call.hasAttempt()).toBe(1);
    expect(out(guest.call.readString(guest.space + OUT, 100)).toString()).toBe("d1é");
    expect(out(guest.call.readHeader(guest.space + OUT, 40))).toEqual(header);
    expect(guest.call.readDigest(guest.space + OUT, 32)).toBe(1);
    expect(out(32)).toEqual(digest);
    expect(guest.call.readBool()).toBe(1);
    expect(guest.call.isOffer()).toBe(1);
    expect(guest.call.error()).toBe(0);
  }
});

test("a missing member is Absent, a wrong kind is Argument, and the first error sticks", () => {
  open('{"attempt":"two"}');
  expect(guest.call.hasAttempt()).toBe(1);
  expect(guest.call.error()).toBe(0);
  guest.call.readBool();
  expect(guest.call.error()).toBe(ABSENT);
  guest.call.readU32();
  expect(guest.call.error()).toBe(ABSENT);
  open('{"attempt":"two"}');
  guest.call.readU32();
  expect(guest.call.error()).toBe(ARGUMENT);
  for (const text of ["[]", '"attempt"', "1", "null"]) {
    expect(open(text)).toBe(0);
    expect(guest.call.hasAttempt()).toBe(0);
    guest.call.readU32();
    expect(guest.call.error(), text).toBe(ABSENT);
  }
  expect(open("{")).toBe(ARGUMENT);
  expect(guest.call.readU32()).toBe(0);
  expect(guest.call.error()).toBe(ARGUMENT);
});

test("a name that occurs twice is an error for whoever reads it, escaped or not, and for no one else", () => {
  for (const text of ['{"attempt":1,"attempt":1}', '{"attempt":1,"x":{},"\\u0061ttempt":2}']) {
    expect(open(text)).toBe(0);
    expect(guest.call.hasAttempt()).toBe(0);
    expect(guest.call.error(), text).toBe(ARGUMENT);
  }
  open('{"x":1,"attempt":3,"x":2}');
  expect(guest.call.readU32()).toBe(3);
  expect(guest.call.error()).toBe(0);
});

test("names that are longer, shorter or differ in one character aren't the member asked for", () => {
  for (const name of ["attemp", "attempts", "Attempt", "attempu", "", "\\u0000ttempt", "attempt\\u0000"]) {
    open(`{"${name}":1}`);
    expect(guest.call.hasAttempt(), name).toBe(0);
    expect(guest.call.error()).toBe(0);
  }
});

test("members of a nested object are read by naming it as the object", () => {
  open('{"attempt":1,"inner":{"attempt":5}}');
  guest.call.enter(guest.call.valueOf(guest.call.next(guest.call.valueOf(guest.call.first(guest.call.root())))));
  expect(guest.call.readU32()).toBe(5);
});

test("a string that doesn't fit is refused and nothing is written behind the capacity", () => {
  for (const [text, length] of [
    ["abcd", 4],
    ["é", 2],
    ["\\u20ac", 3],
    ["\\ud83d\\ude00", 4],
    ["ab\\n", 3],
  ] as const) {
    open(`{"deployment":"${text}"}`);
    expect(guest.call.readString(guest.space + OUT, length)).toBe(length);
    for (let capacity = 0; capacity < length; capacity++) {
      open(`{"deployment":"${text}"}`);
      out(16).fill(0xaa);
      expect(guest.call.readString(guest.space + OUT, capacity)).toBe(-1);
      expect(guest.call.error()).toBe(ARGUMENT);
      expect(out(16).subarray(capacity)).toEqual(Buffer.alloc(16 - capacity, 0xaa));
    }
  }
});

test("base64url and hexadecimal members are strict: padding, escapes, upper case and wrong lengths are refused", () => {
  for (const text of ["AA==", "A", "AB+/", "\\u0041A", "AAAAA", "AB"]) {
    open(`{"header":"${text}"}`);
    expect(guest.call.readHeader(guest.space + OUT, 100), text).toBe(ARGUMENT);
    expect(guest.call.error()).toBe(ARGUMENT);
  }
  for (const text of ["aabb", "aa", "", "aabbccdd", "AABBCC", "aabbc\\u0063"]) {
    open(`{"digest":"${text}"}`);
    expect(guest.call.readDigest(guest.space + OUT, 3), text).toBe(0);
    expect(guest.call.error()).toBe(ARGUMENT);
  }
});

// ---- writer --------------------------------------------------------------------------------------------------------

/** Replays a value through the writer; object names are k0 … k3. */
function write(value: unknown): void {
  const { call } = guest;
  if (value === null) call.writeNull();
  else if (typeof value === "boolean") call.writeBool(Number(value));
  else if (typeof value === "bigint") call.writeI64(value);
  else if (typeof value === "string") call.writeString(guest.put(value, 1 << 17), Buffer.byteLength(value));
  else if (Array.isArray(value)) {
    call.beginArray();
    value.forEach(write);
    call.endArray();
  } else {
    call.beginObject();
    for (const [name, element] of value as Map<string, unknown>) {
      call.key(Number(name[1]));
      write(element);
    }
    call.endObject();
  }
}

/** A random value with names k0 … k3 and bigint numbers. */
function writable(depth: number): unknown {
  if (depth < 5 && random.chance(0.3)) return Array.from({ length: random.below(4) }, () => writable(depth + 1));
  if (depth < 5 && random.chance(0.4)) {
    return new Map(["k0", "k1", "k2", "k3"].slice(random.below(5)).map((name) => [name, writable(depth + 1)]));
  }
  const number = BigInt.asIntN(53, (BigInt(random.u32()) << 32n) | BigInt(random.u32())) >> BigInt(random.below(53));
  return random.pick<unknown>([null, true, false, number, randomString(), randomString()]);
}

test("what is written is what JSON.parse reads back, in exactly the bytes it takes, and one byte less overflows", () => {
  for (let round = 0; round < 2000; round++) {
    const value = writable(0);
    guest.call.begin(guest.space + OUT, 1 << 18);
    write(value);
    const length = guest.call.finish();
    expect(length).toBeGreaterThan(0);
    expect(shape(JSON.parse(out(length).toString()))).toEqual(value);
    guest.call.begin(guest.space + OUT, length);
    write(value);
    expect(guest.call.finish()).toBe(length);
    const short = random.below(length);
    out(length)[short] = 0xee;
    guest.call.begin(guest.space + OUT, short);
    write(value);
    expect(guest.call.finish()).toBe(AGAIN);
    expect(out(length)[short]).toBe(0xee);
  }
});

test("strings are escaped where JSON.stringify escapes them", () => {
  for (let code = 0; code < 0x180; code++) {
    const char = String.fromCodePoint(code);
    guest.call.begin(guest.space + OUT, 100);
    write(char);
    const text = out(guest.call.finish()).toString();
    expect(JSON.parse(text)).toBe(char);
    expect(text.startsWith('"\\')).toBe(JSON.stringify(char).startsWith('"\\'));
  }
});

test("numbers, literals and bytes are written as the types say", () => {
  const { call } = guest;
  call.begin(guest.space + OUT, 1000);
  call.beginArray();
  call.writeI32(-2147483648);
  call.writeU32(4294967295);
  call.writeI64(-(2n ** 63n));
  call.writeText();
  const bytes = random.bytes(33);
  call.writeHex(guest.put(bytes), 33);
  call.writeBase64url(guest.space, 33);
  call.writeBase64url(guest.space, 0);
  call.endArray();
  expect(out(call.finish()).toString()).toBe(
    `[-2147483648,4294967295,-9223372036854775808,"literal","${bytes.toString("hex")}","${bytes.toString("base64url")}",""]`,
  );
});

test("a string that isn't UTF-8 is refused", () => {
  for (const bytes of [[0x80], [0xc3], [0xed, 0xa0, 0x80], [0x61, 0xff]]) {
    guest.call.begin(guest.space + OUT, 100);
    guest.call.writeString(guest.put(Uint8Array.from(bytes)), bytes.length);
    expect(guest.call.finish()).toBe(ARGUMENT);
  }
});

test("whatever is called in whatever order, the result is an error or a document that JSON.parse takes", () => {
  const { call } = guest;
  // biome-ignore format: a table, row by row
  const actions = [
    call.beginObject, call.endObject, call.beginArray, call.endArray, call.writeNull, () => call.key(0),
    () => call.writeI32(5), call.writeText,
  ];
  let documents = 0;
  const visit = (steps: number[]) => {
    call.begin(guest.space + OUT, 1000);
    for (const step of steps) actions[step]!();
    const length = call.finish();
    if (length >= 0) {
      documents++;
      const text = out(length).toString();
      expect(() => JSON.parse(text), text).not.toThrow();
    } else if (length !== ARGUMENT) expect(length).toBe(ARGUMENT);
    if (steps.length < 5) for (let step = 0; step < actions.length; step++) visit([...steps, step]);
  };
  visit([]);
  expect(documents).toBeGreaterThan(50);
});

test("a writer nested too deep says so", () => {
  for (const [depth, result] of [
    [DEPTH_MAX, 2 * DEPTH_MAX],
    [DEPTH_MAX + 1, ARGUMENT],
  ] as const) {
    guest.call.begin(guest.space + OUT, 1000);
    for (let i = 0; i < depth; i++) guest.call.beginArray();
    for (let i = 0; i < depth; i++) guest.call.endArray();
    expect(guest.call.finish()).toBe(result);
  }
});

test("a writer that never began refuses everything", () => {
  const fresh = new Guest<Names>(compileModule("json", "json-fresh"));
  fresh.call.writeNull();
  expect(fresh.call.finish()).toBe(ARGUMENT);
});

test("nothing is allocated by reading and writing", () => {
  const before = guest.call.allocated();
  for (let round = 0; round < 2000; round++) {
    open('{"deployment":"d1","attempt":2,"flag":true,"header":"AAAA","type":"offer"}');
    guest.call.readU32();
    guest.call.readString(guest.space + OUT, 100);
    guest.call.readHeader(guest.space + OUT, 100);
    guest.call.isOffer();
    guest.call.begin(guest.space + OUT, 1000);
    write(
      new Map<string, unknown>([
        ["k0", "text"],
        ["k1", 5n],
        ["k2", [true, null]],
      ]),
    );
    expect(guest.call.finish()).toBeGreaterThan(0);
  }
  expect(guest.call.allocated()).toBe(before);
});
