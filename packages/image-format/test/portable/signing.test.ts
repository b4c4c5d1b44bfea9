// Signatures: made with jose, accepted by the strict verifier, each for one purpose.

import { readFileSync } from "node:fs";
import { flattenedVerify, importJWK } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { buildStrictVerifier } from "../../assembly/build-strict-verifier.ts";
import {
  fromHex,
  generateSigningKey,
  keyIdOf,
  type SigningKey,
  signingKeyFromJwk,
  toBase64Url,
  toHex,
} from "../../src/keys.ts";
import { buildCommand } from "../../src/command-file.ts";
import { buildPermit } from "../../src/permit-file.ts";
import { ErrorCode } from "../../src/portable/error-codes.ts";
import {
  COMMAND_BODY_BYTES,
  commandArgumentsError,
  commandBindingError,
  isCommandBody,
} from "../../src/portable/command.ts";
import { PERMIT_BODY_BYTES } from "../../src/portable/permit.ts";
import { parseSignatureBlock } from "../../src/portable/signature-block.ts";
import {
  encodeSignatureBlock,
  protectedHeaderOf,
  type SignaturePurpose,
  sign,
  signBlock,
  signingPrefixes,
} from "../../src/signing.ts";
import { createStrictVerifier, type StrictVerifier } from "../../src/strict-verifier.ts";
import { checkSignatureBlock, signatureErrorOf } from "../../src/verify-image.ts";

const purposes: SignaturePurpose[] = ["image", "trust", "command", "permit", "session"];
const utf8 = new TextEncoder();
const payload = utf8.encode("the bytes that are signed, {not} base64url.");

let verifier: StrictVerifier;
let key: SigningKey;
let other: SigningKey;
beforeAll(async () => {
  verifier = await createStrictVerifier(readFileSync(await buildStrictVerifier()));
  key = await generateSigningKey();
  other = await generateSigningKey();
});

const block = (keys: SigningKey[], purpose: SignaturePurpose = "image"): Promise<Uint8Array> =>
  signBlock(
    keys.map((k) => k.privateJwk),
    purpose,
    payload,
  );
const check = (
  bytes: Uint8Array,
  keys: SigningKey[],
  threshold = 1,
  purpose: SignaturePurpose = "image",
  signed: Uint8Array = payload,
): Promise<ErrorCode> =>
  checkSignatureBlock(
    verifier,
    purpose,
    signed,
    bytes,
    keys.map((k) => k.publicKey),
    threshold,
  );

describe("purposes", () => {
  test.each(purposes)(
    "%s: the device's constant prefix is the base64url of the protected header's JSON, and a point",
    (purpose) => {
      const json = `{"alg":"Ed25519","b64":false,"crit":["b64"],"typ":"flipside-${purpose}+jws"}`;
      expect(JSON.stringify(protectedHeaderOf(purpose))).toBe(json);
      expect(signingPrefixes[purpose]).toBe(`${Buffer.from(json).toString("base64url")}.`);
    },
  );

  test.each(purposes)(
    "%s: a signature of jose's is valid to the strict verifier and to jose, for this purpose alone",
    async (purpose) => {
      const signature = await sign(key.privateJwk, purpose, payload);
      for (const claimed of purposes) {
        const verdict = verifier.verify(key.publicKey, signature, utf8.encode(signingPrefixes[claimed]), payload);
        expect(verdict, claimed).toBe(claimed === purpose ? "valid" : "mismatch");
      }
      const jws = { protected: signingPrefixes[purpose].slice(0, -1), payload, signature: toBase64Url(signature) };
      const publicKey = await importJWK({ ...key.privateJwk, d: undefined }, "Ed25519");
      expect((await flattenedVerify(jws, publicKey)).protectedHeader).toEqual(protectedHeaderOf(purpose));
    },
  );

  test("a signature over the payload alone, without a purpose, is valid for none", async () => {
    const privateKey = await crypto.subtle.importKey("jwk", key.privateJwk as JsonWebKey, "Ed25519", false, ["sign"]);
    const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, payload));
    expect(verifier.verify(key.publicKey, signature, payload)).toBe("valid");
    for (const purpose of purposes)
      expect(verifier.verify(key.publicKey, signature, utf8.encode(signingPrefixes[purpose]), payload)).toBe(
        "mismatch",
      );
  });

  test.each(purposes)("%s: a signature block made for another purpose is refused", async (purpose) => {
    for (const made of purposes) {
      expect(await check(await block([key], made), [key], 1, purpose), made).toBe(
        made === purpose ? ErrorCode.None : ErrorCode.SignatureMismatch,
      );
    }
  });
});

describe("signature blocks", () => {
  test("a block holds each key's id and signature, in the order of the keys", async () => {
    const bytes = await block([other, key]);
    expect(parseSignatureBlock(bytes, 0, bytes.length)).toBe(12 + 2 * 72);
    expect(bytes.subarray(12, 20)).toEqual(await keyIdOf(other.publicKey));
    expect(bytes.subarray(84, 92)).toEqual(await keyIdOf(key.publicKey));
  });

  test("no signature, and nine, can't be put into a block", async () => {
    expect(() => encodeSignatureBlock([])).toThrow(RangeError);
    const entry = { keyId: new Uint8Array(8), signature: new Uint8Array(64) };
    expect(() => encodeSignatureBlock(Array<typeof entry>(9).fill(entry))).toThrow(RangeError);
    expect(encodeSignatureBlock(Array<typeof entry>(8).fill(entry))).toHaveLength(12 + 8 * 72);
  });

  test("an unknown key, a changed payload and a changed signature are refused, each with its code", async () => {
    const bytes = await block([key]);
    expect(await check(bytes, [key])).toBe(ErrorCode.None);
    expect(await check(bytes, [other])).toBe(ErrorCode.SignatureUnknownKey);
    expect(await check(bytes, [])).toBe(ErrorCode.SignatureUnknownKey);
    expect(await check(bytes, [key], 1, "image", utf8.encode("other bytes"))).toBe(ErrorCode.SignatureMismatch);
    const changed = bytes.slice();
    changed[30]! ^= 1;
    expect([ErrorCode.SignatureMismatch, ErrorCode.SignatureNotCanonical, ErrorCode.SignatureSmallOrder]).toContain(
      await check(changed, [key]),
    );
    const renamed = bytes.slice();
    renamed.set(await keyIdOf(other.publicKey), 12);
    expect(await check(renamed, [key, other])).toBe(ErrorCode.SignatureMismatch);
    const high = bytes.slice();
    high.fill(0xff, 12 + 8 + 32, 12 + 8 + 64);
    expect(await check(high, [key])).toBe(ErrorCode.SignatureNotCanonical);
    const neutral = bytes.slice();
    neutral.fill(0, 20, 52);
    neutral[20] = 1;
    expect(await check(neutral, [key])).toBe(ErrorCode.SignatureSmallOrder);
  });

  test("a threshold counts different keys: one key that signed twice counts once", async () => {
    expect(await check(await block([key, other]), [key, other], 2)).toBe(ErrorCode.None);
    expect(await check(await block([key, key]), [key, other], 2)).not.toBe(ErrorCode.None);
    expect(await check(await block([key]), [key, key], 2)).not.toBe(ErrorCode.None);
    expect(await check(await block([key]), [key, other], 2)).not.toBe(ErrorCode.None);
  });

  test("a signature that holds beside one that does not is enough for a threshold of one", async () => {
    const bytes = await block([other, key]);
    bytes[30]! ^= 1;
    expect(await check(bytes, [key, other])).toBe(ErrorCode.None);
    expect(await check(bytes, [key, other], 2)).not.toBe(ErrorCode.None);
  });

  test("every verdict of the strict verifier but valid has an error code", () => {
    expect(signatureErrorOf("valid")).toBe(ErrorCode.None);
    expect(signatureErrorOf("s-not-canonical")).toBe(ErrorCode.SignatureNotCanonical);
    expect(signatureErrorOf("public-key-small-order")).toBe(ErrorCode.SignatureSmallOrder);
    expect(signatureErrorOf("public-key-not-on-curve")).toBe(ErrorCode.SignatureMismatch);
    expect(signatureErrorOf("signature-length")).toBe(ErrorCode.SignatureMismatch);
    expect(signatureErrorOf("mismatch")).toBe(ErrorCode.SignatureMismatch);
  });
});

describe("keys and permits", () => {
  test("a key without its private half, or of another kind, is refused", () => {
    expect(() => signingKeyFromJwk({ ...key.privateJwk, d: undefined })).toThrow("not a private Ed25519 JWK");
    expect(() => signingKeyFromJwk({ ...key.privateJwk, crv: "X25519" })).toThrow("not a private Ed25519 JWK");
    expect(signingKeyFromJwk(key.privateJwk).publicKey).toEqual(key.publicKey);
  });

  test("a permit names image and device, and is signed as a permit", async () => {
    const digest = "ab".repeat(32);
    const permit = await buildPermit({ imageDigest: digest, deviceId: "kitchen-7", signingKeys: [key.privateJwk] });
    expect(toHex(permit.subarray(8, 40))).toBe(digest);
    expect(permit.subarray(40, 72)).toEqual(
      new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode("kitchen-7"))),
    );
    expect(
      await check(permit.subarray(PERMIT_BODY_BYTES), [key], 1, "permit", permit.subarray(0, PERMIT_BODY_BYTES)),
    ).toBe(ErrorCode.None);
    expect(
      await check(permit.subarray(PERMIT_BODY_BYTES), [key], 1, "image", permit.subarray(0, PERMIT_BODY_BYTES)),
    ).toBe(ErrorCode.SignatureMismatch);
    const forAny = await buildPermit({ imageDigest: digest, signingKeys: [key.privateJwk] });
    expect(forAny.subarray(40, 72)).toEqual(new Uint8Array(32));
  });

  // Known to fail: buildPermit signs what it was given. When this is reported as passing, make it a plain test.
  test("a permit for a digest that is not 32 bytes long is not made", async () => {
    for (const bytes of [0, 31, 33]) {
      await expect(
        buildPermit({ imageDigest: "ab".repeat(bytes), signingKeys: [key.privateJwk] }),
        `${bytes} bytes`,
      ).rejects.toThrow();
    }
  });

  const commandOf = (change: Partial<Parameters<typeof buildCommand>[0]> = {}): Promise<Uint8Array> =>
    buildCommand({
      deviceId: "kitchen-7",
      deviceNonce: new Uint8Array(16).fill(5),
      id: new Uint8Array(16).fill(6),
      number: 3,
      action: { kind: "set-connection", host: "10.0.2.2", port: 2883 },
      signingKeys: [key.privateJwk],
      ...change,
    });

  test("a command names device, session and number, and is signed as a command by the operations key", async () => {
    const bytes = await commandOf();
    const [body, signatures] = [bytes.subarray(0, COMMAND_BODY_BYTES), bytes.subarray(COMMAND_BODY_BYTES)];
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode("kitchen-7")));
    const nonce = new Uint8Array(16).fill(5);
    expect(isCommandBody(bytes, 0, bytes.length)).toBe(true);
    expect(commandBindingError(bytes, 0, hash, nonce, 2)).toBe(ErrorCode.None);
    expect(commandArgumentsError(bytes, 0)).toBe(ErrorCode.None);
    expect(await check(signatures, [key], 1, "command", body)).toBe(ErrorCode.None);
    expect(await check(signatures, [key], 1, "permit", body)).toBe(ErrorCode.SignatureMismatch);
    // Another key, another device, another session, a second time, another address.
    expect(await check(signatures, [other], 1, "command", body)).toBe(ErrorCode.SignatureUnknownKey);
    expect(commandBindingError(await commandOf({ deviceId: "kitchen-8" }), 0, hash, nonce, 2)).toBe(
      ErrorCode.CommandForAnotherDevice,
    );
    expect(commandBindingError(bytes, 0, hash, new Uint8Array(16), 2)).toBe(ErrorCode.CommandForAnotherSession);
    expect(commandBindingError(bytes, 0, hash, nonce, 3)).toBe(ErrorCode.CommandRepeated);
    const redirected = body.slice();
    redirected[84]! ^= 1;
    expect(await check(signatures, [key], 1, "command", redirected)).toBe(ErrorCode.SignatureMismatch);
    const reboot = await commandOf({ action: { kind: "reboot" } });
    expect([commandArgumentsError(reboot, 0), reboot.length]).toEqual([ErrorCode.None, COMMAND_BODY_BYTES + 12 + 72]);
  });

  test("each kind is made with its arguments in their places", async () => {
    const argumentsOf = async (action: Parameters<typeof buildCommand>[0]["action"]): Promise<string> => {
      const bytes = await commandOf({ action });
      expect(commandArgumentsError(bytes, 0)).toBe(ErrorCode.None);
      return toHex(bytes.subarray(76, COMMAND_BODY_BYTES)).replace(/(00)+$/, "");
    };
    expect(await argumentsOf({ kind: "reboot" })).toBe("01");
    expect(await argumentsOf({ kind: "identify", seconds: 600 })).toBe("03005802");
    expect(await argumentsOf({ kind: "roll-back" })).toBe("04");
    expect(await argumentsOf({ kind: "collect-logs" })).toBe("06");
    const document = utf8.encode("{}");
    // sha256sum of the two characters.
    const hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    expect(await argumentsOf({ kind: "set-configuration", document, number: 0x0102_0304 })).toBe(
      `0500020004030201${hash}`,
    );
  });

  test("a command whose parts don't fit is not made", async () => {
    for (const seconds of [0, 601, 1.5])
      await expect(commandOf({ action: { kind: "identify", seconds } })).rejects.toThrow("seconds");
    const configuration = (bytes: number, number: number): Promise<Uint8Array> =>
      commandOf({ action: { kind: "set-configuration", document: new Uint8Array(bytes), number } });
    for (const bytes of [1, 1025]) await expect(configuration(bytes, 1)).rejects.toThrow("document bytes");
    for (const number of [0, 2 ** 32]) await expect(configuration(2, number)).rejects.toThrow("configuration number");
    await expect(commandOf({ deviceNonce: new Uint8Array(15) })).rejects.toThrow("device nonce: 16 bytes");
    await expect(commandOf({ id: new Uint8Array(17) })).rejects.toThrow("command id: 16 bytes");
    for (const number of [0, -1, 1.5, 2 ** 32]) await expect(commandOf({ number })).rejects.toThrow("number");
    for (const port of [0, 65536, 1.5])
      await expect(commandOf({ action: { kind: "set-connection", host: "a", port } })).rejects.toThrow("port");
    for (const host of ["", "a b", "ä", "x".repeat(49)])
      await expect(commandOf({ action: { kind: "set-connection", host, port: 1 } })).rejects.toThrow("host");
  });

  test("hexadecimal is read only when it is", () => {
    expect(toHex(fromHex("00ffA5"))).toBe("00ffa5");
    for (const text of ["0", "0g", " 00", "0x00"]) expect(() => fromHex(text), text).toThrow("not hexadecimal");
  });
});
