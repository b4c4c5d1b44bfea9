import { hkdfSync } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { hex } from "./channel-cases.ts";
import { CryptoModule } from "./crypto-module.ts";
import { replayableRandom } from "./random.ts";

let crypto: CryptoModule;
beforeAll(async () => {
  crypto = await CryptoModule.load();
});

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function extract(salt: Uint8Array, secret: Uint8Array): Uint8Array {
  return crypto.bytes(32, (out) =>
    crypto.call("hkdfExtract", crypto.put(salt), salt.length, crypto.put(secret), secret.length, out),
  );
}

function expand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return crypto.bytes(length, (out) => {
    expect(crypto.call("hkdfExpand", crypto.put(key), crypto.put(info), info.length, out, length)).toBe(1);
  });
}

function expandLabel(secret: string, label: string, context: string, length: number): string {
  const [name, hash] = [new TextEncoder().encode(label), hex(context)];
  const out = crypto.bytes(length, (at) => {
    const operands = [
      crypto.put(hex(secret)),
      crypto.put(name),
      name.length,
      crypto.put(hash),
      hash.length,
      at,
      length,
    ];
    expect(crypto.call("hkdfExpandLabel", ...operands)).toBe(1);
  });
  return text(out);
}

const range = (from: number, to: number): Uint8Array => Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("RFC 5869, appendix A", () => {
  test.each([
    [
      "A.1",
      new Uint8Array(22).fill(0x0b),
      range(0, 12),
      range(0xf0, 0xf9),
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ],
    [
      "A.2",
      range(0, 0x4f),
      range(0x60, 0xaf),
      range(0xb0, 0xff),
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ],
    [
      "A.3",
      new Uint8Array(22).fill(0x0b),
      new Uint8Array(),
      new Uint8Array(),
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ],
  ])("%s", (_name, secret, salt, info, okm) => {
    expect(text(expand(extract(salt, secret), info, okm.length / 2))).toBe(okm);
  });
});

test("RFC 8448 §3: labels of TLS 1.3", () => {
  const early = "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a";
  expect(text(extract(new Uint8Array(), new Uint8Array(32))), "early secret without a key").toBe(early);
  const hashOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  expect(expandLabel(early, "derived", hashOfNothing, 32)).toBe(
    "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba",
  );
  const serverHandshake = "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38";
  expect(expandLabel(serverHandshake, "key", "", 16)).toBe("3fce516009c21727d0f2e4e86ee403bc");
  expect(expandLabel(serverHandshake, "iv", "", 12)).toBe("5d313eb2671276ee13000b30");
  expect(expandLabel(serverHandshake, "finished", "", 32)).toBe(
    "008d3b66f816ea559f96b537e885c31fc068bf492c652f01f288a1d8cdc19fc8",
  );
});

test("random secrets, salts and lengths give node:crypto's bytes, and nothing of them stays in memory", () => {
  const random = replayableRandom("hkdf");
  for (let length = 1; length <= 200; length++) {
    const [secret, salt, info] = [random.bytes(1 + random.below(80)), random.bytes(random.below(80)), random.bytes(60)];
    const note = `length ${length}, seed ${random.seed}`;
    const before = crypto.workingMemory();
    const got = text(expand(extract(salt, secret), info, length));
    expect(got, note).toBe(text(new Uint8Array(hkdfSync("sha256", secret, salt, info, length))));
    expect(Buffer.compare(crypto.workingMemory(), before), `${note}: something was left behind`).toBe(0);
  }
});

test("more than HKDF or a label may have is refused", () => {
  const call = (name: string, ...operands: number[]): number => {
    let good = -1;
    crypto.bytes(0, () => {
      const at = crypto.reserve(9000);
      good = crypto.call(name, at, at, ...operands.map((n) => (n < 0 ? at : n)));
    });
    return good;
  };
  expect(call("hkdfExpand", 1, -1, 255 * 32)).toBe(1);
  expect(call("hkdfExpand", 1, -1, 255 * 32 + 1)).toBe(0);
  expect(call("hkdfExpandLabel", 64, -1, 64, -1, 32)).toBe(1);
  expect(call("hkdfExpandLabel", 65, -1, 64, -1, 32)).toBe(0);
  expect(call("hkdfExpandLabel", 64, -1, 65, -1, 32)).toBe(0);
});
