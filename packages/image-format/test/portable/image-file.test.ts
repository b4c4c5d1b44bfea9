// Image and release files: what is built is accepted, and each way to tamper with it is refused with its own code.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { buildStrictVerifier } from "../../assembly/build-strict-verifier.ts";
import { errorCodeOf, errorName, FormatError } from "../../src/format-error.ts";
import {
  buildImage,
  describeImage,
  encodeHeaderFields,
  headerFields,
  type ImageDescription,
} from "../../src/image-file.ts";
import { generateSigningKey, keyIdOf, sha256, type SigningKey, toHex } from "../../src/keys.ts";
import { ErrorCode } from "../../src/portable/error-codes.ts";
import { slotPayloadOffset, SLOT_TABLE_OFFSET } from "../../src/portable/slot-layout.ts";
import { buildRelease, checkReleaseAgreement, splitRelease } from "../../src/release-file.ts";
import { signBlock } from "../../src/signing.ts";
import { slotParts } from "../../src/slot-file.ts";
import { createStrictVerifier, type StrictVerifier } from "../../src/strict-verifier.ts";
import { verifyImage } from "../../src/verify-image.ts";
import { fields } from "./header-cases.ts";

let verifier: StrictVerifier;
let key: SigningKey;
let other: SigningKey;
let image: Uint8Array;
let described: ImageDescription;
const payload = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 31) & 0xff);

beforeAll(async () => {
  verifier = await createStrictVerifier(readFileSync(await buildStrictVerifier()));
  key = await generateSigningKey();
  other = await generateSigningKey();
  image = await buildImage({ fields, payload, signingKeys: [key.privateJwk] });
  described = await describeImage(image);
});

async function codeOf(attempt: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof attempt === "function" ? attempt() : attempt);
  } catch (error) {
    if (error instanceof FormatError) return error.codeName;
    throw error;
  }
  return "none";
}

const verify = (bytes: Uint8Array, keys: SigningKey[] = [key]): Promise<string> =>
  codeOf(
    verifyImage(
      bytes,
      keys.map((k) => k.publicKey),
      verifier,
    ),
  );

function changed(offset: number, bytes: Uint8Array = image): Uint8Array {
  const copy = bytes.slice();
  copy[offset]! ^= 0x01;
  return copy;
}

describe("images", () => {
  test("the same parts and keys give the same bytes", async () => {
    const again = await buildImage({ fields: { ...fields }, payload: payload.slice(), signingKeys: [key.privateJwk] });
    expect(Buffer.compare(again, image)).toBe(0);
  });

  test("what was built says what it was built from, and its name is the SHA-256 of its header", async () => {
    expect(described).toMatchObject({
      ...fields,
      payloadBytes: 10_000,
      chunkBytes: 4096,
      chunkCount: 3,
      sizeBytes: image.length,
    });
    expect(described.digest).toBe(createHash("sha256").update(image.subarray(0, described.headerBytes)).digest("hex"));
    expect(described.keyId).toBe(toHex(await keyIdOf(key.publicKey)));
    expect(image.subarray(described.payloadOffset)).toEqual(payload);
    expect(described.description).toBeUndefined();
    const withText = await buildImage({
      fields: { ...fields, description: "größer" },
      payload,
      signingKeys: [key.privateJwk],
    });
    expect((await describeImage(withText)).description).toBe("größer");
  });

  test("an image by a release key is accepted, whichever of its signatures the device knows", async () => {
    expect(await verify(image)).toBe("none");
    const twice = await buildImage({ fields, payload, signingKeys: [key.privateJwk, other.privateJwk] });
    expect(await verify(twice)).toBe("none");
    expect(await verify(twice, [other])).toBe("none");
  });

  test.each<[string, (d: ImageDescription) => Uint8Array, string]>([
    ["one bit of the version", () => changed(indexOf(image, "1.2.3")), "signature-mismatch"],
    ["one bit of the product", () => changed(indexOf(image, "thermostat")), "signature-mismatch"],
    ["the signature's last bit but those of S's top", (d) => changed(d.tableOffset - 10), "signature-mismatch"],
    ["the signature's key id", (d) => changed(d.headerBytes + 12), "signature-unknown-key"],
    ["the magic of the signature block", (d) => changed(d.headerBytes), "signature-block-malformed"],
    ["the first bit of the chunk table", (d) => changed(d.tableOffset), "chunk-table-mismatch"],
    ["the last bit of the chunk table", (d) => changed(d.payloadOffset - 1), "chunk-table-mismatch"],
    ["the first byte of the payload", (d) => changed(d.payloadOffset), "chunk-mismatch"],
    ["the last byte of the payload", (d) => changed(d.sizeBytes - 1), "chunk-mismatch"],
    ["the first byte of the second chunk", (d) => changed(d.payloadOffset + 4096), "chunk-mismatch"],
    ["the magic of the header", () => changed(0), "header-malformed"],
    ["the format version", () => changed(4), "header-version-unsupported"],
    ["the last byte is missing", (d) => image.subarray(0, d.sizeBytes - 1), "image-truncated"],
    ["the payload is missing", (d) => image.subarray(0, d.payloadOffset), "image-truncated"],
    ["all but the header is missing", (d) => image.subarray(0, d.headerBytes), "image-truncated"],
    ["there is nothing", () => new Uint8Array(0), "image-truncated"],
    ["there is one byte more", () => Uint8Array.from([...image, 0]), "image-trailing-bytes"],
  ])("refused: %s", async (_name, tamper, code) => {
    expect(await verify(tamper(described))).toBe(code);
  });

  test("no single flipped bit in header, signatures or table is accepted", async () => {
    for (let at = 0; at < described.payloadOffset; at += 3) {
      const copy = image.slice();
      copy[at]! ^= 1 << (at & 7);
      expect(await verify(copy), `byte ${at}`).not.toBe("none");
    }
  });

  test("an image by a key of no standing is refused", async () => {
    expect(await verify(await buildImage({ fields, payload, signingKeys: [other.privateJwk] }))).toBe(
      "signature-unknown-key",
    );
    expect(await verify(image, [])).toBe("signature-unknown-key");
  });

  test("the signatures of one image don't serve another", async () => {
    const next = await buildImage({ fields: { ...fields, version: "1.2.4" }, payload, signingKeys: [key.privateJwk] });
    const d = await describeImage(next);
    const grafted = next.slice();
    grafted.set(image.subarray(described.headerBytes, described.tableOffset), d.headerBytes);
    expect(await verify(grafted)).toBe("signature-mismatch");
  });

  test("a header signed for another purpose is no image", async () => {
    const header = image.slice(0, described.headerBytes);
    const forged = image.slice();
    forged.set(await signBlock([key.privateJwk], "trust", header), described.headerBytes);
    expect(await verify(forged)).toBe("signature-mismatch");
  });

  test.each([[1], [255], [256], [257], [4095], [4096], [4097], [8192]])(
    "a payload of %i bytes has ⌈length / chunk⌉ chunks and is accepted",
    async (length) => {
      for (const chunkBytes of [256, 4096]) {
        const built = await buildImage({
          fields,
          payload: payload.slice(0, length),
          chunkBytes,
          signingKeys: [key.privateJwk],
        });
        expect(await verify(built)).toBe("none");
        expect((await describeImage(built)).chunkCount).toBe(Math.ceil(length / chunkBytes));
      }
    },
  );

  test("fields that a device would refuse are refused when the image is built", async () => {
    for (const wrong of [
      { releaseSequence: 0 },
      { tries: 16 },
      { product: "two words" },
      { watchdogMs: 1 },
      { description: "x".repeat(513) },
    ]) {
      expect(
        await codeOf(buildImage({ fields: { ...fields, ...wrong }, payload, signingKeys: [key.privateJwk] })),
        JSON.stringify(wrong),
      ).toBe("header-malformed");
    }
    expect(await codeOf(buildImage({ fields: { ...fields, flags: 1 }, payload, signingKeys: [key.privateJwk] }))).toBe(
      "header-feature-unsupported",
    );
    expect(await codeOf(buildImage({ fields, payload: new Uint8Array(0), signingKeys: [key.privateJwk] }))).toBe(
      "header-malformed",
    );
    expect(await codeOf(buildImage({ fields, payload, chunkBytes: 1000, signingKeys: [key.privateJwk] }))).toBe(
      "header-malformed",
    );
  });

  // Known to fail: describeImage throws TextDecoder's TypeError. When this is reported as passing, make it a plain
  // test.
  test("a description that is not UTF-8 is refused with a code", async () => {
    const d = { payloadBytes: 1, chunkBytes: 4096, tableDigest: await sha256(await sha256(Uint8Array.of(7))) };
    const list = headerFields({ ...fields, description: "ab" }, d, await keyIdOf(key.publicKey));
    list.at(-1)![1].set([0xc3, 0x28]);
    const header = encodeHeaderFields(list);
    const bytes = Buffer.concat([
      header,
      await signBlock([key.privateJwk], "image", header),
      await sha256(Uint8Array.of(7)),
      Uint8Array.of(7),
    ]);
    expect(await verify(bytes)).toBe("header-malformed");
  });

  test("in a slot the table begins at 4 KiB and the payload at a sector, and nothing overlaps", async () => {
    for (const sectorBytes of [4096, 262_144]) {
      const parts = await slotParts(image, sectorBytes);
      expect(parts.map((part) => part.offset)).toEqual([0, SLOT_TABLE_OFFSET, slotPayloadOffset(3, sectorBytes)]);
      expect(Buffer.concat(parts.map((part) => part.bytes)).equals(image)).toBe(true);
      expect(parts[0]!.bytes.length).toBeLessThanOrEqual(SLOT_TABLE_OFFSET);
      expect(parts[2]!.offset % sectorBytes).toBe(0);
    }
  });
});

function indexOf(bytes: Uint8Array, text: string): number {
  return Buffer.from(bytes).indexOf(text);
}

describe("releases", () => {
  const build = (changes: Partial<typeof fields>): Promise<Uint8Array> =>
    buildImage({ fields: { ...fields, ...changes }, payload, signingKeys: [key.privateJwk] });
  const forHardware = (name: string, changes: Partial<typeof fields> = {}): Promise<Uint8Array> =>
    build({ hardware: { name, revisionMin: 1, revisionMax: 1 }, ...changes });

  test("a release splits into the images that it was built from, and a bare image is a release of one", async () => {
    const images = [image, await forHardware("virtual-node"), await forHardware("third")];
    const parts = splitRelease(buildRelease(images));
    parts.forEach((part, i) => expect(Buffer.from(part).equals(images[i]!)).toBe(true));
    expect(splitRelease(image)).toEqual([image]);
  });

  test("images that agree are a release", async () => {
    await checkReleaseAgreement([image, await forHardware("virtual-node")]);
  });

  test.each<[string, Partial<typeof fields>, RegExp]>([
    ["product", { product: "kettle" }, /differ in product/],
    ["version", { version: "9.9.9" }, /differ in version/],
    ["release sequence", { releaseSequence: 8 }, /differ in releaseSequence/],
  ])("images that differ in %s are none", async (_name, changes, message) => {
    await expect(checkReleaseAgreement([image, await forHardware("virtual-node", changes)])).rejects.toThrow(message);
  });

  test("two images for one hardware are none", async () => {
    await expect(checkReleaseAgreement([image, await forHardware(fields.hardware.name)])).rejects.toThrow(/two images/);
  });

  test("a release that is cut, too long, of another version or without images is refused with its code", async () => {
    const release = buildRelease([image, image]);
    const patched = (change: (view: DataView) => void): Uint8Array => {
      const copy = release.slice();
      change(new DataView(copy.buffer));
      return copy;
    };
    const cases: [Uint8Array, string][] = [
      [new Uint8Array(7), "image-truncated"],
      [release.subarray(0, 12), "image-truncated"],
      [release.subarray(0, -1), "image-truncated"],
      [Uint8Array.from([...release, 0]), "image-trailing-bytes"],
      [patched((v) => v.setUint16(4, 2, true)), "header-version-unsupported"],
      [patched((v) => v.setUint16(6, 0, true)), "header-malformed"],
      [patched((v) => v.setUint16(6, 17, true)), "header-malformed"],
      [patched((v) => v.setUint32(8, 0xffffffff, true)), "image-truncated"],
      [patched((v) => v.setUint32(12, image.length - 1, true)), "image-trailing-bytes"],
    ];
    for (const [bytes, code] of cases) expect(await codeOf(() => splitRelease(bytes))).toBe(code);
  });
});

describe("error codes", () => {
  test("each has a name of its own that leads back to it", () => {
    const codes = Object.values(ErrorCode).filter((value): value is ErrorCode => typeof value === "number");
    const names = codes.map(errorName);
    expect(new Set(names).size).toBe(codes.length);
    for (const code of codes) expect(errorCodeOf(errorName(code))).toBe(code);
    expect(names).toContain("read-back-mismatch");
    expect(errorName(999)).toBe("unknown-999");
    expect(errorCodeOf("unknown-999")).toBeUndefined();
  });
});
