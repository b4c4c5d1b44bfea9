import { createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { agreementCases, hex } from "./channel-cases.ts";
import { CryptoModule } from "./crypto-module.ts";
import { replayableRandom } from "./random.ts";
import { missingVectors } from "./signature-cases.ts";

let crypto: CryptoModule;
beforeAll(async () => {
  crypto = await CryptoModule.load();
});

function agree(secret: Uint8Array, peer: Uint8Array): { shared: string; good: boolean; bytes: Uint8Array } {
  let good = -1;
  const bytes = crypto.bytes(32, (out) => {
    good = crypto.call("x25519", crypto.put(secret), crypto.put(peer), out);
  });
  return { shared: Buffer.from(bytes).toString("hex"), good: good === 1, bytes };
}

function publicKey(secret: Uint8Array): Uint8Array {
  return crypto.bytes(32, (out) => crypto.call("x25519PublicKey", crypto.put(secret), out));
}

test("every published case gives the shared secret, and false exactly where that is all zero", () => {
  const missing = missingVectors();
  if (missing) console.warn(`Wycheproof's X25519 cases are skipped: ${missing}`);
  const cases = agreementCases();
  if (!missing) expect(cases.length).toBeGreaterThan(500);
  const wrong = cases.filter((c) => {
    const { shared, good } = agree(c.secret, c.peer);
    return shared !== Buffer.from(c.shared).toString("hex") || good !== c.shared.some((byte) => byte !== 0);
  });
  expect(wrong.map((c) => c.name)).toEqual([]);
  expect(agree(cases[0]!.secret, new Uint8Array(32)).good, "the point zero gives no secret").toBe(false);
});

test("RFC 7748 §5.2: after one and after a thousand iterations", () => {
  let k = hex("0900000000000000000000000000000000000000000000000000000000000000");
  let u = k;
  for (let round = 1; round <= 1000; round++) {
    const { bytes } = agree(k, u);
    u = k;
    k = bytes;
    if (round === 1)
      expect(Buffer.from(k).toString("hex")).toBe("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
  }
  expect(Buffer.from(k).toString("hex")).toBe("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
});

test("random keys give node:crypto's public keys and secrets, and nothing of them stays in memory", () => {
  const random = replayableRandom("x25519");
  for (let round = 0; round < 100; round++) {
    const [secret, other] = [random.bytes(32), random.bytes(32)];
    const [own, peer] = [secret, other].map((bytes) =>
      createPrivateKey({
        key: Buffer.concat([hex("302e020100300506032b656e04220420"), bytes]),
        format: "der",
        type: "pkcs8",
      }),
    );
    const peerPublic = createPublicKey(peer!);
    const note = `round ${round}, seed ${random.seed}`;
    expect(Buffer.from(publicKey(other)), note).toEqual(
      peerPublic.export({ format: "der", type: "spki" }).subarray(12),
    );
    const before = crypto.workingMemory();
    const { shared } = agree(secret, publicKey(other));
    expect(shared, note).toBe(diffieHellman({ privateKey: own!, publicKey: peerPublic }).toString("hex"));
    expect(Buffer.compare(crypto.workingMemory(), before), `${note}: something was left behind`).toBe(0);
  }
});
