// The device's cryptography where it counts: compiled for RV32 and run in QEMU, against vectors of others, against the
// same source on Node, and against node:crypto. The jobs lie in flash, so that one image does for all.

import { createCipheriv, createHash, createPrivateKey, createPublicKey, hkdfSync, sign } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agreementCases, sealedCases } from "../../../../packages/image-format/test/crypto/channel-cases.ts";
import { CryptoModule, nodeKeys } from "../../../../packages/image-format/test/crypto/crypto-module.ts";
import {
  missingVectors,
  rfc8032Cases,
  type SignatureCase,
  signatureCases,
} from "../../../../packages/image-format/test/crypto/signature-cases.ts";
import { agentSources } from "../../build/paths.ts";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { beside, buildTestProgram, runDevice, type TestProgram } from "../isolation/device.ts";

/** assembly/agent.ts. */
const KIND = {
  verify: 1,
  sha256: 2,
  sha512: 3,
  sign: 4,
  count: 5,
  agree: 6,
  seal: 7,
  open: 8,
  derive: 9,
  countAgree: 10,
  countSeal: 11,
  publicKey: 12,
  countPublic: 13,
} as const;
type Job = readonly [kind: keyof typeof KIND, ...payload: Uint8Array[]];

let built: TestProgram;
let portable: CryptoModule;
beforeAll(async () => {
  built = await buildTestProgram({
    agentEntry: beside(import.meta.url, "assembly/agent.ts"),
    appEntry: `${agentSources}/app/main.ts`,
    extraFiles: [beside(import.meta.url, "probes/instructions.c")],
  });
  portable = await CryptoModule.load();
});
afterAll(() => built?.remove());

const seed = seedOfRun();
console.info(`device vectors: FLIPSIDE_SEED=${seed}`);

function randomBytes(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** What the device says to each job. */
async function onDevice(jobs: Job[]): Promise<string[]> {
  const run = await runDevice(
    built,
    (flash) => {
      let at = unikernelLayout.zones.settings.offsetBytes;
      const end = at + unikernelLayout.zones.settings.sizeBytes;
      for (const [kind, ...parts] of jobs) {
        const payload = Buffer.concat(parts);
        if (at + 8 + payload.length + 3 > end) throw new RangeError("the jobs don't fit the settings zone");
        const view = new DataView(flash.buffer, flash.byteOffset + at);
        view.setUint32(0, KIND[kind], true);
        view.setUint32(4, payload.length, true);
        flash.set(payload, at + 8);
        at += 8 + ((payload.length + 3) & ~3);
      }
    },
    /jobs over|crash: /,
    { timeoutMs: 50_000 },
  );
  const results = run.lines.flatMap((line) => /^job \d+ (\S+)$/.exec(line)?.[1] ?? []);
  expect(results, run.lines.slice(-10).join("\n")).toHaveLength(jobs.length);
  return results;
}

const verifyJob = (c: SignatureCase): Job => ["verify", c.publicKey, c.signature, c.message];
const nothing = new Uint8Array();

test("every published signature case gets the expected verdict on RV32, and for the same reason as on Node", async () => {
  const missing = missingVectors();
  if (missing) console.warn(`Wycheproof and speccheck cases are skipped: ${missing}`);
  // A signature of another length never reaches the verifier: its field has 64 bytes wherever it is stored.
  const cases = signatureCases().filter((c) => c.signature.length === 64);
  if (!missing) expect(cases.length).toBeGreaterThan(150);
  const verdicts = await onDevice(cases.map(verifyJob));
  expect(cases.filter((c, i) => (verdicts[i] === "0") !== c.expectedValid).map((c) => c.name)).toEqual([]);
  expect(verdicts).toEqual(cases.map((c) => String(portable.verify(c.publicKey, c.signature, c.message, nothing))));
});

test("random signatures of node:crypto are valid on RV32, and none is after one bit was flipped", async () => {
  const random = new SeededRandom(seed);
  const jobs: Job[] = [];
  const expected: string[] = [];
  for (let round = 0; round < 24; round++) {
    const keys = nodeKeys(randomBytes(random, 32));
    const message = randomBytes(random, 1 + random.below(400));
    const parts = [keys.publicBytes, new Uint8Array(sign(null, message, keys.privateKey)), message] as const;
    jobs.push(["verify", ...parts]);
    expected.push("0");
    const flipped = parts.map((part) => part.slice());
    const part = flipped[random.below(3)]!;
    const bit = random.below(8 * part.length);
    part[bit >> 3]! ^= 1 << (bit & 7);
    jobs.push(["verify", ...flipped]);
    const verdict = portable.verify(flipped[0]!, flipped[1]!, flipped[2]!, nothing);
    expect(verdict, `round ${round}, seed ${seed}`).not.toBe(0);
    expected.push(String(verdict));
  }
  expect(await onDevice(jobs), `seed ${seed}`).toEqual(expected);
});

test("SHA-256 and SHA-512 on RV32 are node:crypto's, around every block boundary", async () => {
  const random = new SeededRandom(seed + 1);
  const lengths = [
    0,
    1,
    3,
    55,
    56,
    57,
    63,
    64,
    65,
    111,
    112,
    113,
    119,
    120,
    127,
    128,
    129,
    255,
    256,
    1000,
    4096,
    10_001,
    random.below(16_384),
  ];
  const messages = lengths.map((length) => randomBytes(random, length));
  const results = await onDevice(
    messages.flatMap((message): Job[] => [
      ["sha256", message],
      ["sha512", message],
    ]),
  );
  expect(results, `seed ${seed}`).toEqual(
    messages.flatMap((message) => ["sha256", "sha512"].map((name) => createHash(name).update(message).digest("hex"))),
  );
});

test("a signature made on RV32 is, byte by byte, RFC 8032's and node:crypto's", async () => {
  const random = new SeededRandom(seed + 2);
  const cases = [
    ...rfc8032Cases().map((c) => ({ seed: c.seed, message: c.message, signature: Buffer.from(c.signature) })),
    ...Array.from({ length: 12 }, () => {
      const keySeed = randomBytes(random, 32);
      const message = randomBytes(random, random.below(600));
      return { seed: keySeed, message, signature: sign(null, message, nodeKeys(keySeed).privateKey) };
    }),
  ];
  expect(await onDevice(cases.map((c): Job => ["sign", c.seed, c.message])), `seed ${seed}`).toEqual(
    cases.map((c) => c.signature.toString("hex")),
  );
});

test("signing takes the same number of instructions whatever the key", async () => {
  const random = new SeededRandom(seed + 3);
  const message = randomBytes(random, 64);
  const seeds = [
    new Uint8Array(32),
    new Uint8Array(32).fill(0xff),
    ...Array.from({ length: 8 }, () => randomBytes(random, 32)),
  ];
  const job = (keySeed: Uint8Array, signed: Uint8Array): Job => [
    "count",
    keySeed,
    nodeKeys(keySeed).publicBytes,
    signed,
  ];
  const [oneByteLess, ...counts] = await onDevice([
    job(seeds[0]!, message.subarray(1)),
    ...seeds.map((keySeed) => job(keySeed, message)),
  ]);
  expect(oneByteLess, "the counter does not tell one byte of message").not.toBe(counts[0]);
  expect(new Set(counts), `seed ${seed}: ${counts.join(" ")}`).toHaveProperty("size", 1);
  expect(Number(counts[0])).toBeGreaterThan(100_000);
});

/** PrivateKeyInfo of X25519 (RFC 8410), up to the key. */
const x25519Pkcs8 = Buffer.from("302e020100300506032b656e04220420", "hex");
/** probes/instructions.c: QEMU counts nanoseconds, of which an instruction takes so many. */
const COUNTS_PER_INSTRUCTION = 8;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("every published X25519 case gives its shared secret on RV32, and says where that is none", async () => {
  const missing = missingVectors();
  if (missing) console.warn(`Wycheproof's X25519 cases are skipped: ${missing}`);
  const cases = agreementCases();
  if (!missing) expect(cases.length).toBeGreaterThan(500);
  const said: string[] = [];
  // 3 million instructions each: a run of its own for so many as the time allowed has room for.
  for (let at = 0; at < cases.length; at += 175)
    said.push(...(await onDevice(cases.slice(at, at + 175).map((c): Job => ["agree", c.secret, c.peer]))));
  const wrong = cases.filter((c, i) => said[i] !== (c.shared.some((byte) => byte !== 0) ? "1" : "0") + text(c.shared));
  expect(wrong.map((c) => c.name)).toEqual([]);
}, 240_000);

test("a public key of X25519 made on RV32 is node:crypto's, byte by byte", async () => {
  const random = new SeededRandom(seed + 6);
  const fills = [0, 1, 0x7f, 0x80, 0xff].map((byte) => new Uint8Array(32).fill(byte));
  const secrets = [...fills, ...Array.from({ length: 20 }, () => randomBytes(random, 32))];
  const expected = secrets.map((secret) => {
    const key = createPrivateKey({ key: Buffer.concat([x25519Pkcs8, secret]), format: "der", type: "pkcs8" });
    return text(createPublicKey(key).export({ type: "spki", format: "der" }).subarray(-32));
  });
  expect(await onDevice(secrets.map((secret): Job => ["publicKey", secret])), `seed ${seed}`).toEqual(expected);
});

test("every published ChaCha20-Poly1305 case opens on RV32, or is refused with its data as they were", async () => {
  const cases = sealedCases();
  const aadBytes = (c: { aad: Uint8Array }): Uint8Array => new Uint8Array(Uint32Array.of(c.aad.length).buffer);
  const said = await onDevice(cases.map((c): Job => ["open", c.key, c.nonce, c.tag, aadBytes(c), c.aad, c.sealed]));
  const wrong = cases.filter(
    (c, i) => said[i] !== (c.expectedValid ? `1${digest(c.message)}` : `0${digest(c.sealed)}`),
  );
  expect(wrong.map((c) => c.name)).toEqual([]);
});

test("what is sealed and derived on RV32 is node:crypto's, byte by byte", async () => {
  const random = new SeededRandom(seed + 4);
  const jobs: Job[] = [];
  const expected: string[] = [];
  for (const length of [0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 1000, 4096, random.below(8192)]) {
    const [key, nonce, aad, message] = [32, 12, 12, length].map((bytes) => randomBytes(random, bytes));
    const cipher = createCipheriv("chacha20-poly1305", key!, nonce!, { authTagLength: 16 });
    cipher.setAAD(aad!, { plaintextLength: length });
    const sealed = Buffer.concat([cipher.update(message!), cipher.final()]);
    jobs.push(["seal", key!, nonce!, aad!, message!]);
    expected.push(text(cipher.getAuthTag()) + digest(sealed));
    const info = randomBytes(random, random.below(100));
    jobs.push(["derive", key!, info]);
    expected.push(text(new Uint8Array(hkdfSync("sha256", key!, key!, info, 64))));
  }
  expect(await onDevice(jobs), `seed ${seed}`).toEqual(expected);
});

test("agreeing and sealing take the same number of instructions whatever the key and the data", async () => {
  const random = new SeededRandom(seed + 5);
  const fills = [0, 0xff, 0x55];
  const keys = (length: number): Uint8Array[] => [
    ...fills.map((byte) => new Uint8Array(length).fill(byte)),
    ...Array.from({ length: 8 }, () => randomBytes(random, length)),
  ];
  const peers = keys(32);
  const agreements = await onDevice(keys(32).map((secret, i): Job => ["countAgree", secret, peers[i]!]));
  expect(new Set(agreements), `seed ${seed}: ${agreements.join(" ")}`).toHaveProperty("size", 1);
  const publics = await onDevice(keys(32).map((secret): Job => ["countPublic", secret]));
  expect(new Set(publics), `seed ${seed}: ${publics.join(" ")}`).toHaveProperty("size", 1);
  const whole = keys(56 + 4096);
  const sealings = await onDevice([
    ["countSeal", whole[0]!.subarray(64)],
    ...whole.map((bytes): Job => ["countSeal", bytes]),
  ]);
  const [oneBlockLess, ...counts] = sealings;
  expect(new Set(counts), `seed ${seed}: ${counts.join(" ")}`).toHaveProperty("size", 1);
  expect(Number(counts[0]), "the counter does not tell a block of message").toBeGreaterThan(Number(oneBlockLess));
  const [agreeing, making, sealing] = [agreements[0], publics[0], counts[0]].map(
    (count) => Number(count) / COUNTS_PER_INSTRUCTION,
  );
  console.info(`X25519 takes ${agreeing} instructions, its public key ${making}, sealing 4,096 bytes ${sealing}`);
});
