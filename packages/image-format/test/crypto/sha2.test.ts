import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { CryptoModule } from "./crypto-module.ts";
import { replayableRandom } from "./random.ts";

let crypto: CryptoModule;
beforeAll(async () => {
  crypto = await CryptoModule.load();
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

const hashes = [
  { name: "sha256", constant: "SHA256", block: 64, size: 32 },
  { name: "sha512", constant: "SHA512", block: 128, size: 64 },
] as const;
type Hash = (typeof hashes)[number];

function digest({ name, constant, size }: Hash, pieces: Uint8Array[]): Uint8Array {
  return crypto.bytes(size, (out) => {
    const context = crypto.reserve(crypto.constant(`${constant}_CONTEXT_BYTES`));
    crypto.call(`${name}Init`, context);
    for (const piece of pieces) crypto.call(`${name}Update`, context, crypto.put(piece), piece.length);
    crypto.call(`${name}Final`, context, out);
  });
}

// FIPS 180-4's examples, NIST "Examples with Intermediate Values"
const examples: Record<Hash["name"], [message: string, digest: string][]> = {
  sha256: [
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
  ],
  sha512: [
    [
      "",
      "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    ],
    [
      "abc",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ],
    [
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
    ],
  ],
};

describe.each(hashes)("$name", (hash) => {
  test.each(examples[hash.name])("FIPS 180-4: the digest of %j is the published one", (message, expected) => {
    expect(hex(digest(hash, [Buffer.from(message)]))).toBe(expected);
  });

  test("every length around two blocks gives node:crypto's digest, in one piece and in single bytes", () => {
    const random = replayableRandom(`${hash.name} lengths`);
    for (let length = 0; length <= 2 * hash.block + 2; length++) {
      const message = random.bytes(length);
      const expected = createHash(hash.name).update(message).digest("hex");
      expect(hex(digest(hash, [message])), `length ${length}, seed ${random.seed}`).toBe(expected);
      const bytes = [...message].map((byte) => Uint8Array.of(byte));
      expect(hex(digest(hash, bytes)), `length ${length} in bytes, seed ${random.seed}`).toBe(expected);
    }
  });

  test("a message split anywhere has the digest of the whole", () => {
    const random = replayableRandom(`${hash.name} splits`);
    for (let round = 0; round < 300; round++) {
      const message = random.bytes(random.below(2000));
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < message.length; ) {
        const length = random.below(3 * hash.block);
        pieces.push(message.subarray(at, at + length));
        at += length;
      }
      const expected = createHash(hash.name).update(message).digest("hex");
      expect(hex(digest(hash, pieces)), `round ${round}, seed ${random.seed}`).toBe(expected);
    }
  });

  test("two hashes in progress at once do not disturb each other", () => {
    const [first, second] = [Buffer.alloc(100, 1), Buffer.alloc(100, 2)];
    const both = crypto.bytes(2 * hash.size, (out) => {
      const contexts = [first, second].map(() => crypto.reserve(crypto.constant(`${hash.constant}_CONTEXT_BYTES`)));
      for (const context of contexts) crypto.call(`${hash.name}Init`, context);
      for (let round = 0; round < 3; round++) {
        [first, second].forEach((data, i) => crypto.call(`${hash.name}Update`, contexts[i]!, crypto.put(data), 100));
      }
      contexts.forEach((context, i) => crypto.call(`${hash.name}Final`, context, out + i * hash.size));
    });
    const expected = [first, second].map((data) =>
      createHash(hash.name)
        .update(Buffer.concat([data, data, data]))
        .digest("hex"),
    );
    expect(hex(both)).toBe(expected.join(""));
  });

  test("a finished context holds nothing of the message", () => {
    const bytes = crypto.constant(`${hash.constant}_CONTEXT_BYTES`);
    const context = crypto.bytes(bytes, (at) => {
      crypto.call(`${hash.name}Init`, at);
      crypto.call(`${hash.name}Update`, at, crypto.put(Buffer.alloc(hash.block + 5, 7)), hash.block + 5);
      crypto.call(`${hash.name}Final`, at, crypto.reserve(hash.size));
    });
    expect(hex(context)).toBe("00".repeat(bytes));
  });
});
