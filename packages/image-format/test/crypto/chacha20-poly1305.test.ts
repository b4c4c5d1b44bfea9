import { createCipheriv } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { hex, sealedCases } from "./channel-cases.ts";
import { CryptoModule } from "./crypto-module.ts";
import { replayableRandom } from "./random.ts";
import { missingVectors } from "./signature-cases.ts";

let crypto: CryptoModule;
beforeAll(async () => {
  crypto = await CryptoModule.load();
});

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** The message sealed, then its tag. */
function seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, message: Uint8Array): Uint8Array {
  return crypto.bytes(message.length + 16, (out) => {
    const operands = [crypto.put(key), crypto.put(nonce), crypto.put(aad), aad.length];
    const data = crypto.put(message);
    const tag = crypto.reserve(16);
    crypto.call("aeadSeal", ...operands, data, message.length, tag);
    crypto.set(out, crypto.get(data, message.length));
    crypto.set(out + message.length, crypto.get(tag, 16));
  });
}

/** Whether it opens, and what then lies where it was. */
function open(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
  tag: Uint8Array,
): { good: boolean; data: string } {
  let good = false;
  const data = crypto.bytes(sealed.length, (out) => {
    crypto.set(out, sealed);
    const operands = [crypto.put(key), crypto.put(nonce), crypto.put(aad), aad.length, out, sealed.length];
    good = crypto.call("aeadOpen", ...operands, crypto.put(tag)) === 1;
  });
  return { good, data: text(data) };
}

test("every published case seals to its bytes and opens, or is refused with its data as they were", () => {
  const missing = missingVectors();
  if (missing) console.warn(`Wycheproof's ChaCha20-Poly1305 cases are skipped: ${missing}`);
  const cases = sealedCases();
  if (!missing) expect(cases.length).toBeGreaterThan(300);
  for (const c of cases) {
    const opened = open(c.key, c.nonce, c.aad, c.sealed, c.tag);
    expect(opened, c.name).toEqual({ good: c.expectedValid, data: text(c.expectedValid ? c.message : c.sealed) });
    if (c.expectedValid)
      expect(text(seal(c.key, c.nonce, c.aad, c.message)), c.name).toBe(text(c.sealed) + text(c.tag));
  }
});

test("RFC 8439 §2.4.2: the key stream from block 1 on", () => {
  const message = sealedCases()[0]!.message;
  const sealed = crypto.bytes(message.length, (out) => {
    crypto.set(out, message);
    const key = crypto.put(Uint8Array.from({ length: 32 }, (_, i) => i));
    crypto.call("chacha20Xor", key, crypto.put(hex("000000000000004a00000000")), 1, out, message.length);
  });
  expect(text(sealed)).toBe(
    text(
      hex(`6e2e359a2568f98041ba0728dd0d6981 e97e7aec1d4360c20a27afccfd9fae0b f91b65c5524733ab8f593dabcd62b357
      1639d624e65152ab8f530c359f0861d8 07ca0dbf500d6a6156a38e088a22b65e 52bc514d16ccf806818ce91ab7793736
      5af90bbf74a35be6b40b8eedf2785e42 874d`),
    ),
  );
});

describe("Poly1305", () => {
  const ff = "ff".repeat(16);
  const zeros = (count: number): string => "00".repeat(count);
  const cases: [name: string, key: string, message: string, tag: string][] = [
    [
      "RFC 8439 §2.5.2",
      "85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b",
      text(new TextEncoder().encode("Cryptographic Forum Research Group")),
      "a8061dc1305136c6c22b8baf0c0127a9",
    ],
    ["A.3 #7, h beyond 2^130", `02${zeros(31)}`, ff, `03${zeros(15)}`],
    ["A.3 #8, s overflows", `02${zeros(15)}${ff}`, `02${zeros(15)}`, `03${zeros(15)}`],
    ["A.3 #9, h above p", `01${zeros(31)}`, `${ff}f0${"ff".repeat(15)}11${zeros(15)}`, `05${zeros(15)}`],
    ["A.3 #10, h is p", `01${zeros(31)}`, `${ff}fb${"fe".repeat(15)}${"01".repeat(16)}`, zeros(16)],
    ["A.3 #11, h just below p", `02${zeros(31)}`, `fd${"ff".repeat(15)}`, `fa${"ff".repeat(15)}`],
  ];
  test.each(cases)("%s", (_name, key, message, tag) => {
    const bytes = hex(message);
    const whole = bytes.length & ~15;
    const got = crypto.bytes(16, (out) => {
      const context = crypto.reserve(crypto.constant("POLY1305_CONTEXT_BYTES"));
      crypto.call("poly1305Init", context, crypto.put(hex(key)));
      const data = crypto.put(bytes);
      crypto.call("poly1305Blocks", context, data, whole);
      crypto.call("poly1305Final", context, data + whole, bytes.length - whole, out);
      expect(
        [...crypto.get(context, 56)].some((byte) => byte !== 0),
        "the context is wiped",
      ).toBe(false);
    });
    expect(text(got)).toBe(tag);
  });
});

test("random messages of every length give node:crypto's bytes; one bit more or less, and they stay closed", () => {
  const random = replayableRandom("chacha20-poly1305");
  for (let length = 0; length <= 260; length++) {
    const [key, nonce, aad] = [random.bytes(32), random.bytes(12), random.bytes(random.below(40))];
    const message = random.bytes(length);
    const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
    cipher.setAAD(aad, { plaintextLength: length });
    const expected = Buffer.concat([cipher.update(message), cipher.final(), cipher.getAuthTag()]);
    const note = `length ${length}, seed ${random.seed}`;
    const before = crypto.workingMemory();
    expect(text(seal(key, nonce, aad, message)), note).toBe(text(expected));
    const [sealed, tag] = [expected.subarray(0, length), expected.subarray(length)];
    expect(open(key, nonce, aad, sealed, tag), note).toEqual({ good: true, data: text(message) });
    expect(Buffer.compare(crypto.workingMemory(), before), `${note}: something was left behind`).toBe(0);

    const parts = [key, nonce, aad, sealed, tag].map((part) => Uint8Array.from(part));
    const flipped = parts[random.below(5)]!;
    if (flipped.length === 0) continue;
    flipped[random.below(flipped.length)]! ^= 1 << random.below(8);
    const [k, n, a, s, t] = parts as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    expect(open(k, n, a, s, t), note).toEqual({ good: false, data: text(s) });
  }
});
