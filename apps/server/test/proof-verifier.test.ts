// The fast way to prove a session says what the strict verifier says: on the vectors of others, on points and numbers
// at the edges, and on signatures with random bits changed.

import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createStrictVerifier, type StrictVerifier } from "@flipside/image-format";
import { beforeAll, describe, expect, it } from "vitest";
import { buildStrictVerifier } from "../../../packages/image-format/assembly/build-strict-verifier.ts";
import { fromBytes, L, p, toBytes } from "../../../packages/image-format/test/crypto/numbers.ts";
import { replayableRandom } from "../../../packages/image-format/test/crypto/random.ts";
import {
  missingVectors,
  rfc8032Cases,
  signatureCases,
} from "../../../packages/image-format/test/crypto/signature-cases.ts";
import { proofVerifier } from "../src/features/sessions/proof-verifier.ts";

const ROUNDS = 1_500;
const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex");

let strict: StrictVerifier;
beforeAll(async () => {
  strict = await createStrictVerifier(new Uint8Array(readFileSync(await buildStrictVerifier())));
});

type Signed = [publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array];

/** The verdict of both; whether it needed the strict verifier. */
function verdict(signed: Signed): { isValid: boolean; isFast: boolean } {
  let isFast = true;
  const isValid = proofVerifier({
    verify: (...given) => {
      isFast = false;
      return strict.verify(...given);
    },
  }).isValid(...signed);
  return { isValid, isFast };
}

const expectAgreement = (signed: Signed, what: string): void =>
  expect(verdict(signed).isValid, what).toBe(strict.verify(...signed) === "valid");

function signedBy(random: ReturnType<typeof replayableRandom>): Signed {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, random.bytes(32)]), format: "der", type: "pkcs8" });
  const message = random.bytes(random.below(200));
  const { x } = createPublicKey(key).export({ format: "jwk" });
  return [Buffer.from(x!, "base64url"), sign(null, message, key), message];
}

describe("the fast verifier of proofs", () => {
  const missing = missingVectors();
  if (missing) console.warn(`Wycheproof and speccheck cases are skipped: ${missing}`);

  it("agrees with the strict one on the vectors of others", () => {
    for (const { name, publicKey, signature, message } of missing ? rfc8032Cases() : signatureCases())
      expectAgreement([publicKey, signature, message], name);
  });

  it("is fast where a proof is right, and asks the strict one before it refuses any", () => {
    const random = replayableRandom("proofs");
    const [publicKey, signature, message] = signedBy(random);
    expect(verdict([publicKey, signature, message]), random.seed).toEqual({ isValid: true, isFast: true });
    expect(verdict([publicKey, signature, Buffer.from("other")])).toEqual({ isValid: false, isFast: false });
  });

  it("agrees on points of small order and on encodings that are not canonical, as key and as R, with any S", () => {
    const random = replayableRandom("points at the edges");
    const [publicKey, signature, message] = signedBy(random);
    const orderEight = ["c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"];
    orderEight.push("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
    const eights = orderEight.map((hex) => fromBytes(Buffer.from(hex, "hex")));
    const ys = [0n, 1n, 2n, p - 2n, p - 1n, p, p + 1n, p + 18n, ...eights];
    const points = ys.flatMap((y) => [toBytes(y), toBytes(y + 2n ** 255n)]);
    const numbers = [0n, 1n, L - 1n, L, L + 1n, 2n ** 256n - 1n].map((s) => toBytes(s));
    const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
    for (const point of points) {
      const said = new Set([
        strict.verify(point, signature, message),
        strict.verify(publicKey, Buffer.concat([point, s]), message),
      ]);
      expect(said, "no point at the edge is accepted").not.toContain("valid");
      for (const number of [...numbers, s])
        for (const other of [r, ...points]) {
          const forged = Buffer.concat([other, number]);
          for (const text of [message, Buffer.alloc(0)]) {
            expectAgreement([point, forged, text], `${Buffer.from(point).toString("hex")} ${forged.toString("hex")}`);
            expectAgreement([publicKey, forged, text], forged.toString("hex"));
          }
        }
    }
    const varied = toBytes(fromBytes(s) + L);
    expectAgreement([publicKey, Buffer.concat([r, varied]), message], "S + L");
  });

  it("agrees on signatures of which some bits were changed, or none", () => {
    const random = replayableRandom("changed bits");
    for (let round = 0; round < ROUNDS; round++) {
      const signed = signedBy(random).map((bytes) => Uint8Array.from(bytes)) as Signed;
      for (let changes = random.below(3); changes > 0; changes--) {
        const changed = signed[random.below(3)]!;
        if (changed.length > 0) changed[random.below(changed.length)]! ^= 1 << random.below(8);
      }
      expectAgreement(signed, `round ${round}, seed ${random.seed}`);
    }
  });

  it("agrees that keys and signatures of other lengths are none", () => {
    for (const [keyBytes, signatureBytes] of [
      [31, 64],
      [33, 64],
      [32, 63],
      [32, 65],
      [0, 0],
    ] as const)
      expectAgreement(
        [new Uint8Array(keyBytes).fill(7), new Uint8Array(signatureBytes).fill(7), new Uint8Array(3)],
        "",
      );
  });
});
