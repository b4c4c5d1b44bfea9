import { createHash, sign, verify as nodeVerify } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { buildStrictVerifier } from "../../assembly/build-strict-verifier.ts";
import { createStrictVerifier, type StrictVerifier } from "../../src/strict-verifier.ts";
import { nodeKeys, nodePublicKey } from "./crypto-module.ts";
import { L, fromBytes, isOnCurve, p, satisfiesEquation, toBytes } from "./numbers.ts";
import { replayableRandom } from "./random.ts";
import {
  missingVectors,
  rfc8032Cases,
  speccheckCases,
  wycheproofCases,
  type SignatureCase,
} from "./signature-cases.ts";

let wasm: Uint8Array<ArrayBuffer>;
let verifier: StrictVerifier;
beforeAll(async () => {
  wasm = new Uint8Array(readFileSync(await buildStrictVerifier()));
  verifier = await createStrictVerifier(wasm);
});

function disagreements(cases: SignatureCase[]): string[] {
  return cases
    .filter((c) => (verifier.verify(c.publicKey, c.signature, c.message) === "valid") !== c.expectedValid)
    .map((c) => `${c.name}: expected ${c.expectedValid ? "valid" : "invalid"}`);
}

describe("vectors", () => {
  const missing = missingVectors();
  if (missing) console.warn(`Wycheproof and speccheck cases are skipped: ${missing}`);

  test.each(rfc8032Cases())("$name: the published signature is valid", ({ publicKey, message, signature }) => {
    expect(verifier.verify(publicKey, signature, message)).toBe("valid");
  });

  test.skipIf(missing)("Wycheproof: all 151 verdicts agree", () => {
    expect(wycheproofCases()).toHaveLength(151);
    expect(disagreements(wycheproofCases())).toEqual([]);
  });

  test.skipIf(missing)(
    "ed25519-speccheck: of twelve cases index 3 alone is accepted, the others for their reasons",
    () => {
      expect(disagreements(speccheckCases())).toEqual([]);
      const reasons = speccheckCases().map((c) => verifier.verify(c.publicKey, c.signature, c.message));
      expect(reasons).toEqual([
        "public-key-small-order", // and S = 0
        "public-key-small-order",
        "r-small-order",
        "valid",
        "mismatch", // good only with the cofactor
        "mismatch",
        "s-not-canonical",
        "s-not-canonical",
        "r-not-canonical",
        "r-not-canonical",
        "public-key-not-canonical",
        "public-key-not-canonical",
      ]);
    },
  );
});

describe("against node:crypto", () => {
  test("its signatures are valid, and none is after one bit of key, signature or message was flipped", () => {
    const random = replayableRandom("bit flips");
    for (let round = 0; round < 40; round++) {
      const keys = nodeKeys(random.bytes(32));
      const message = random.bytes(1 + random.below(300));
      const signature = new Uint8Array(sign(null, message, keys.privateKey));
      expect(verifier.verify(keys.publicBytes, signature, message), `round ${round}, seed ${random.seed}`).toBe(
        "valid",
      );
      for (const part of [0, 1, 2]) {
        const changed = [keys.publicBytes.slice(), signature.slice(), message.slice()] as const;
        const bit = random.below(8 * changed[part]!.length);
        changed[part]![bit >> 3]! ^= 1 << (bit & 7);
        const [k, s, m] = changed;
        expect(nodeVerify(null, m, nodePublicKey(k), s)).toBe(false);
        expect(verifier.verify(k, s, m), `round ${round}, part ${part}, bit ${bit}, seed ${random.seed}`).not.toBe(
          "valid",
        );
      }
    }
  });

  test("each of the 768 bits of one key and signature counts", () => {
    const { publicKey, message, signature } = rfc8032Cases()[2]!;
    for (let bit = 0; bit < 768; bit++) {
      const bytes = Buffer.concat([publicKey, signature]);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(verifier.verify(bytes.subarray(0, 32), bytes.subarray(32), message), `bit ${bit}`).not.toBe("valid");
    }
  });
});

/** y and sign of the points whose order divides 8. */
const y8 = fromBytes(Buffer.from("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "hex"));
const signBit = 2n ** 255n;
const smallOrder: [name: string, encoding: bigint][] = [
  ["order 1", 1n],
  ["order 2", p - 1n],
  ["order 4, x even", 0n],
  ["order 4, x odd", signBit],
  ["order 8, y, x even", y8],
  ["order 8, y, x odd", y8 + signBit],
  ["order 8, −y, x even", p - y8],
  ["order 8, −y, x odd", p - y8 + signBit],
];
const smallOrderNotCanonical: [name: string, encoding: bigint][] = [
  ["order 1 with a sign", 1n + signBit],
  ["order 1 as p + 1", p + 1n],
  ["order 1 as p + 1 with a sign", p + 1n + signBit],
  ["order 2 with a sign", p - 1n + signBit],
  ["order 4 as p", p],
  ["order 4 as p with a sign", p + signBit],
];

/** The s of a seed, with public key [s]B (RFC 8032 §5.1.5). */
function secretScalar(seed: Uint8Array): bigint {
  const expanded = createHash("sha512").update(seed).digest();
  expanded[0]! &= 248;
  expanded[31] = (expanded[31]! & 127) | 64;
  return fromBytes(expanded.subarray(0, 32)) % L;
}

/** The k of RFC 8032 §5.1.7. */
function challenge(R: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  return fromBytes(createHash("sha512").update(R).update(publicKey).update(message).digest()) % L;
}

/** The equation holds: whatever refuses this signature does so for another reason. */
function expectEquation(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): void {
  expect(satisfiesEquation(publicKey, signature, challenge(signature.subarray(0, 32), publicKey, message))).toBe(true);
}

/** Information, no verdict: OpenSSL took these up to 3.4, and refuses them since 3.5. */
function recordPlatform(what: string, publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): void {
  let verdict: string;
  try {
    verdict = nodeVerify(null, message, nodePublicKey(publicKey), signature) ? "takes" : "refuses";
  } catch (error) {
    verdict = `can't tell (${(error as Error).message})`;
  }
  console.info(
    `node:crypto of Node ${process.versions.node} (OpenSSL ${process.versions.openssl}) ${verdict}: ${what}`,
  );
}

/** Key, message and signature that satisfy [S]B = R + [k]A, for R the neutral element and S = k·s. */
function signatureWithNeutralR() {
  const { seed, publicKey, message } = rfc8032Cases()[2]!;
  const R = toBytes(1n);
  const k = challenge(R, publicKey, message);
  const S = (k * secretScalar(seed)) % L;
  return { publicKey, message, signature: Uint8Array.from([...R, ...toBytes(S)]) };
}

describe("strictness", () => {
  const { publicKey, message, signature } = rfc8032Cases()[1]!;
  const withS = (S: bigint): Uint8Array => Uint8Array.from([...signature.subarray(0, 32), ...toBytes(S)]);
  const withR = (R: bigint): Uint8Array => Uint8Array.from([...toBytes(R), ...signature.subarray(32)]);

  test("the equation holds for a published signature, and for no other S", () => {
    expectEquation(publicKey, signature, message);
    expect(satisfiesEquation(publicKey, withS(5n), challenge(signature.subarray(0, 32), publicKey, message))).toBe(
      false,
    );
  });

  test("S + L is refused although it satisfies the equation", () => {
    const changed = withS(fromBytes(signature.subarray(32)) + L);
    expectEquation(publicKey, changed, message);
    expect(verifier.verify(publicKey, changed, message)).toBe("s-not-canonical");
  });

  test("S is refused as not canonical from L on, and not below", () => {
    expect(verifier.verify(publicKey, withS(L - 1n), message)).toBe("mismatch");
    for (const S of [L, L + 1n, 2n ** 253n, 2n ** 255n, 2n ** 256n - 1n]) {
      expect(verifier.verify(publicKey, withS(S), message), String(S)).toBe("s-not-canonical");
    }
  });

  test.each(smallOrder)("a public key of small order is refused: %s", (_name, encoding) => {
    expect(verifier.verify(toBytes(encoding), signature, message)).toBe("public-key-small-order");
  });

  test.each(smallOrderNotCanonical)(
    "a public key of small order in a non-canonical form is refused: %s",
    (_name, encoding) => {
      expect(verifier.verify(toBytes(encoding), signature, message)).toBe("public-key-not-canonical");
    },
  );

  test.each(smallOrder)("an R of small order is refused: %s", (_name, encoding) => {
    expect(verifier.verify(publicKey, withR(encoding), message)).toBe("r-small-order");
  });

  test.each(smallOrderNotCanonical)("an R of small order in a non-canonical form is refused: %s", (_name, encoding) => {
    expect(verifier.verify(publicKey, withR(encoding), message)).toBe("r-not-canonical");
  });

  test("every y from p to 2^255 − 1 is refused as not canonical, with either sign", () => {
    for (let y = p; y < signBit; y++) {
      for (const encoding of [y, y + signBit]) {
        expect(verifier.verify(toBytes(encoding), signature, message)).toBe("public-key-not-canonical");
        expect(verifier.verify(publicKey, withR(encoding), message)).toBe("r-not-canonical");
      }
    }
  });

  test("a signature that fits every message, under the neutral element as key, is refused", () => {
    // [S]B = R + [k]·0 for every k: R = [s]B, which is any key pair
    const pair = rfc8032Cases()[0]!;
    const forged = Uint8Array.from([...pair.publicKey, ...toBytes(secretScalar(pair.seed))]);
    const neutral = toBytes(1n);
    for (const text of ["anything", "anything else"]) {
      expectEquation(neutral, forged, Buffer.from(text));
      expect(verifier.verify(neutral, forged, Buffer.from(text))).toBe("public-key-small-order");
    }
    recordPlatform("a signature under the neutral element as key", neutral, forged, Buffer.from("anything"));
  });

  test("a neutral R is refused although it satisfies the equation", () => {
    const made = signatureWithNeutralR();
    expectEquation(made.publicKey, made.signature, made.message);
    recordPlatform("a signature whose R is the neutral element", made.publicKey, made.signature, made.message);
    expect(verifier.verify(made.publicKey, made.signature, made.message)).toBe("r-small-order");
  });

  test("a public key is refused as no point exactly when its y has no x", () => {
    const seen = new Set<boolean>();
    for (let y = 2n; y < 42n; y++) {
      seen.add(isOnCurve(y));
      expect(verifier.verify(toBytes(y), signature, message), String(y)).toBe(
        isOnCurve(y) ? "mismatch" : "public-key-not-on-curve",
      );
    }
    expect(seen).toEqual(new Set([true, false]));
  });
});

describe("module", () => {
  test("the .wasm imports nothing, so it cannot reach anything", () => {
    expect(WebAssembly.Module.imports(new WebAssembly.Module(wasm))).toEqual([]);
  });

  test("keys and signatures of another length are refused before anything is computed", () => {
    const { publicKey, message, signature } = rfc8032Cases()[0]!;
    for (const length of [0, 31, 33]) {
      expect(verifier.verify(new Uint8Array(length), signature, message)).toBe("public-key-length");
    }
    for (const length of [0, 32, 63, 65, 128]) {
      expect(verifier.verify(publicKey, new Uint8Array(length), message)).toBe("signature-length");
    }
  });

  test("a message far larger than the module's memory, in any parts, is verified and hashed", () => {
    const random = replayableRandom("large message");
    const keys = nodeKeys(random.bytes(32));
    const message = Buffer.alloc(3_000_001, random.bytes(1001));
    const signature = sign(null, message, keys.privateKey);
    const cuts = [0, 1, 16_384, 16_385, 49_152, random.below(3_000_000), message.length].sort((a, b) => a - b);
    const parts = cuts.slice(1).map((end, i) => message.subarray(cuts[i], end));
    expect(verifier.verify(keys.publicBytes, signature, ...parts)).toBe("valid");
    expect(verifier.sha256(...parts)).toEqual(new Uint8Array(createHash("sha256").update(message).digest()));
    message[2_999_999]! ^= 1;
    expect(verifier.verify(keys.publicBytes, signature, ...parts)).toBe("mismatch");
  });

  test("a verdict does not depend on what was verified before", () => {
    const good = rfc8032Cases()[1]!;
    const bad = rfc8032Cases()[2]!;
    for (let round = 0; round < 3; round++) {
      expect(verifier.verify(good.publicKey, good.signature, good.message)).toBe("valid");
      expect(verifier.verify(bad.publicKey, good.signature, bad.message)).toBe("mismatch");
      expect(verifier.verify(toBytes(2n), good.signature, good.message)).toBe("public-key-not-on-curve");
    }
  });
});
