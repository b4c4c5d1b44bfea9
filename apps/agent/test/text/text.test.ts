import { beforeAll, expect, test } from "vitest";
import { compileModule, Guest } from "./assembly-module.ts";
import { Random } from "./random.ts";

// biome-ignore format: a table, row by row
type Names =
  | "hexEncode" | "hexDecode" | "base64urlEncode" | "base64urlDecode" | "base64urlLength"
  | "decimalWriteU64" | "decimalWriteI64" | "decimalReadU32" | "utf8Valid" | "utf8Encode";

const ARGUMENT = -1;
const OUT = 1 << 16;
let guest: Guest<Names>;
let random: Random;

beforeAll(() => {
  guest = new Guest(compileModule("text", "text"));
  random = new Random("text");
});

const out = (length: number) => guest.bytes(guest.space + OUT, length);

function encode(name: "hexEncode" | "base64urlEncode", bytes: Uint8Array): string {
  return out(guest.call[name](guest.space + OUT, guest.put(bytes), bytes.length)).toString("latin1");
}

function decode(name: "hexDecode" | "base64urlDecode", text: string, capacity = 1 << 15): Buffer | number {
  const bytes = Buffer.from(text, "latin1");
  const length = guest.call[name](guest.space + OUT, capacity, guest.put(bytes), bytes.length);
  return length < 0 ? length : Buffer.from(out(length));
}

test("hexadecimal and base64url of random bytes are what Node writes, and decode to the same bytes", () => {
  for (let round = 0; round < 500; round++) {
    const bytes = random.bytes(round < 70 ? round : random.below(2000));
    expect(encode("hexEncode", bytes)).toBe(bytes.toString("hex"));
    expect(encode("base64urlEncode", bytes)).toBe(bytes.toString("base64url"));
    expect(guest.call.base64urlLength(bytes.length)).toBe(bytes.toString("base64url").length);
    expect(decode("hexDecode", bytes.toString("hex"), bytes.length)).toEqual(bytes);
    expect(decode("base64urlDecode", bytes.toString("base64url"), bytes.length)).toEqual(bytes);
  }
});

test("RFC 4648 §10 test vectors encode as printed there, without padding", () => {
  const vectors = { "": "", f: "Zg", fo: "Zm8", foo: "Zm9v", foob: "Zm9vYg", fooba: "Zm9vYmE", foobar: "Zm9vYmFy" };
  for (const [bytes, text] of Object.entries(vectors)) {
    expect(encode("base64urlEncode", Buffer.from(bytes))).toBe(text);
    expect(decode("base64urlDecode", text)).toEqual(Buffer.from(bytes));
  }
});

test("base64url with padding, stray bits, an impossible length or a foreign character is refused", () => {
  for (const text of ["Zg==", "Zg=", "Zh", "Zm9", "A", "AAAAA", "Zm9v\n", "Zm 9v", "Zm+v", "Zm/v", "Zm9\xe9", "Zm.v"]) {
    expect(decode("base64urlDecode", text), text).toBe(ARGUMENT);
  }
});

test("every text of up to three characters decodes exactly when it is the spelling of what it decodes to", () => {
  const characters = "AQgwZaz09-_=+/ ~".split("");
  for (const a of ["", ...characters]) {
    for (const b of ["", ...characters]) {
      for (const c of characters) {
        const text = a + b + c;
        const canonical = Buffer.from(text, "base64url").toString("base64url") === text;
        const result = decode("base64urlDecode", text);
        expect(typeof result === "number", text).toBe(!canonical);
        if (canonical) expect(result).toEqual(Buffer.from(text, "base64url"));
      }
    }
  }
});

test("hexadecimal of odd length, upper case or foreign characters is refused", () => {
  for (const text of ["0", "000", "AA", "aG", "g0", "0x", " 0", "0:", "0/", "`0"]) {
    expect(decode("hexDecode", text), text).toBe(ARGUMENT);
  }
});

test("decoding never writes past the capacity: one byte too few is refused", () => {
  expect(decode("hexDecode", "00ff10", 2)).toBe(ARGUMENT);
  expect(decode("base64urlDecode", "AAAA", 2)).toBe(ARGUMENT);
  expect(decode("base64urlDecode", "AAA", 1)).toBe(ARGUMENT);
});

test("decoding in place gives the same bytes", () => {
  const bytes = random.bytes(100);
  const hex = guest.put(bytes.toString("hex"));
  expect(guest.call.hexDecode(hex, 100, hex, 200)).toBe(100);
  expect(guest.bytes(hex, 100)).toEqual(bytes);
  const base64url = guest.put(bytes.toString("base64url"));
  expect(guest.call.base64urlDecode(base64url, 100, base64url, 134)).toBe(100);
  expect(guest.bytes(base64url, 100)).toEqual(bytes);
});

test("64-bit integers are written as BigInt writes them", () => {
  const values = [0n, 1n, 9n, 10n, 99n, 65535n, 65536n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n - 1n];
  for (let i = 0; i < 2000; i++) {
    values.push(((BigInt(random.u32()) << 32n) | BigInt(random.u32())) >> BigInt(random.below(64)));
  }
  for (const value of values) {
    const unsigned = guest.call.decimalWriteU64(guest.space + OUT, BigInt.asIntN(64, value));
    expect(out(unsigned).toString()).toBe(String(BigInt.asUintN(64, value)));
    for (const signed of [BigInt.asIntN(64, value), BigInt.asIntN(64, -value)]) {
      const length = guest.call.decimalWriteI64(guest.space + OUT, signed);
      expect(out(length).toString()).toBe(String(signed));
    }
  }
  const lowest = guest.call.decimalWriteI64(guest.space + OUT, -(2n ** 63n));
  expect(out(lowest).toString()).toBe("-9223372036854775808");
});

test("a decimal u32 is read in its one spelling, and nothing else is", () => {
  const read = (text: string) => Number(guest.call.decimalReadU32(guest.put(text), text.length));
  for (const value of [0, 7, 10, 4294967295]) expect(read(String(value))).toBe(value);
  for (const text of ["", "00", "01", "-1", "+1", " 1", "1 ", "4294967296", "99999999999", "1e3", "x"]) {
    expect(read(text), text).toBe(ARGUMENT);
  }
});

test("UTF-8 validity is what a fatal TextDecoder says, for every pair of leading bytes and random tails", () => {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const valid = (bytes: Uint8Array) => {
    try {
      decoder.decode(bytes);
      return 1;
    } catch {
      return 0;
    }
  };
  for (let first = 0x70; first < 0x100; first++) {
    for (let second = 0; second < 0x100; second += 1) {
      const tail = Array.from({ length: random.below(4) }, () => 0x7e + random.below(0x44));
      for (const bytes of [
        [first, second],
        [first, second, 0x80],
        [first, second, 0xbf, 0x80],
        [first, second, ...tail],
      ]) {
        const data = Uint8Array.from(bytes);
        if (guest.call.utf8Valid(guest.put(data), data.length) !== valid(data)) expect(bytes).toBe("judged alike");
      }
    }
  }
});

test("code points are encoded as Node encodes them", () => {
  for (const point of [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x1f600, 0x10ffff]) {
    expect(out(guest.call.utf8Encode(guest.space + OUT, point))).toEqual(Buffer.from(String.fromCodePoint(point)));
  }
});
