import { sign } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { CryptoModule, nodeKeys } from "./crypto-module.ts";
import { replayableRandom } from "./random.ts";
import { rfc8032Cases } from "./signature-cases.ts";

let crypto: CryptoModule;
beforeAll(async () => {
  crypto = await CryptoModule.load();
});

const nothing = new Uint8Array();

test.each(rfc8032Cases())(
  "$name: the seed gives the published public key and signature",
  ({ seed, publicKey, message, signature }) => {
    expect(crypto.publicKey(seed)).toEqual(publicKey);
    expect(crypto.sign(seed, publicKey, message, nothing)).toEqual(signature);
  },
);

test("random seeds and messages give node:crypto's public keys and signatures, wherever the message is split", () => {
  const random = replayableRandom("sign");
  for (let round = 0; round < 100; round++) {
    const note = `round ${round}, seed ${random.seed}`;
    const seed = random.bytes(32);
    const message = random.bytes(random.below(600));
    const split = random.below(message.length + 1);
    const keys = nodeKeys(seed);
    expect(crypto.publicKey(seed), note).toEqual(keys.publicBytes);
    expect(crypto.sign(seed, keys.publicBytes, message.subarray(0, split), message.subarray(split)), note).toEqual(
      new Uint8Array(sign(null, message, keys.privateKey)),
    );
  }
});

test("a signature made here is valid here", () => {
  const random = replayableRandom("sign and verify");
  const seed = random.bytes(32);
  const publicKey = crypto.publicKey(seed);
  const message = random.bytes(77);
  expect(crypto.verify(publicKey, crypto.sign(seed, publicKey, message, nothing), message, nothing)).toBe(0);
});

test("nothing that depends on the secret key is left in working memory", () => {
  const random = replayableRandom("wiping");
  const message = random.bytes(100);
  const seeds = [random.bytes(32), random.bytes(32)];
  const afterPublicKey = seeds.map((seed) => {
    crypto.publicKey(seed);
    return crypto.workingMemory();
  });
  expect(Buffer.compare(afterPublicKey[0]!, afterPublicKey[1]!), `seed ${random.seed}`).toBe(0);
  const afterSign = seeds.map((seed) => {
    crypto.sign(seed, nodeKeys(seed).publicBytes, message, nothing);
    return crypto.workingMemory();
  });
  expect(Buffer.compare(afterSign[0]!, afterSign[1]!), `seed ${random.seed}`).toBe(0);
});
