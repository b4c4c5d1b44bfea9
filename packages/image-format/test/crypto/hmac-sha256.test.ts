import { createHmac } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { CryptoModule } from "./crypto-module.ts";
import { replayableRandom } from "./random.ts";

let crypto: CryptoModule;
beforeAll(async () => {
  crypto = await CryptoModule.load();
});

function hmac(key: Uint8Array, pieces: Uint8Array[]): string {
  const mac = crypto.bytes(32, (out) => {
    const context = crypto.reserve(crypto.constant("HMAC_SHA256_CONTEXT_BYTES"));
    crypto.call("hmacSha256Init", context, crypto.put(key), key.length);
    for (const piece of pieces) crypto.call("hmacSha256Update", context, crypto.put(piece), piece.length);
    crypto.call("hmacSha256Final", context, out);
  });
  return Buffer.from(mac).toString("hex");
}

describe("RFC 4231 §4", () => {
  const cases: [name: string, key: Buffer, message: Buffer, mac: string][] = [
    [
      "4.2",
      Buffer.alloc(20, 0x0b),
      Buffer.from("Hi There"),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
      "4.3",
      Buffer.from("Jefe"),
      Buffer.from("what do ya want for nothing?"),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    [
      "4.4",
      Buffer.alloc(20, 0xaa),
      Buffer.alloc(50, 0xdd),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ],
    [
      "4.5",
      Buffer.from(Array.from({ length: 25 }, (_, i) => i + 1)),
      Buffer.alloc(50, 0xcd),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ],
    [
      "4.6, truncated to 128 bits",
      Buffer.alloc(20, 0x0c),
      Buffer.from("Test With Truncation"),
      "a3b6167473100ee06e0c796c2955552b",
    ],
    [
      "4.7",
      Buffer.alloc(131, 0xaa),
      Buffer.from("Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
    [
      "4.8",
      Buffer.alloc(131, 0xaa),
      Buffer.from(
        "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
      ),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ],
  ];
  test.each(cases)("the case of %s gives the published code", (_name, key, message, mac) => {
    expect(hmac(key, [message]).slice(0, mac.length)).toBe(mac);
  });
});

test("keys of every length around a block, and any message in pieces, give node:crypto's code", () => {
  const random = replayableRandom("hmac");
  for (let keyLength = 0; keyLength <= 130; keyLength++) {
    const key = random.bytes(keyLength);
    const message = random.bytes(random.below(400));
    const split = random.below(message.length + 1);
    const expected = createHmac("sha256", key).update(message).digest("hex");
    expect(
      hmac(key, [message.subarray(0, split), message.subarray(split)]),
      `key of ${keyLength}, seed ${random.seed}`,
    ).toBe(expected);
  }
});

test("codes that differ in any one bit are not equal, and equal ones are", () => {
  const code = Uint8Array.from({ length: 32 }, (_, i) => i);
  const equal = (a: Uint8Array, b: Uint8Array): number => {
    let result = -1;
    crypto.bytes(0, () => {
      result = crypto.call("equalInConstantTime", crypto.put(a), crypto.put(b), 32);
    });
    return result;
  };
  expect(equal(code, code)).toBe(1);
  for (let bit = 0; bit < 256; bit++) {
    const other = code.slice();
    other[bit >> 3]! ^= 1 << (bit & 7);
    expect(equal(code, other), `bit ${bit}`).toBe(0);
  }
});
