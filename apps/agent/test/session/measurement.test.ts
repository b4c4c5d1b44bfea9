// What the whole agent signs of what it has started from, beside its proof.

import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { describeImage, signingPrefixes } from "@flipside/image-format";
import { beforeAll, expect, test } from "vitest";
import { buildBootWasm } from "../../build/build-loader.ts";
import type { Workshop } from "../hosts/virtual-image.ts";
import { MeddledDevice, realAgent } from "./meddled-device.ts";

let workshop: Workshop;
let image: Uint8Array;
beforeAll(async () => {
  ({ workshop, image } = await realAgent());
}, 240_000);

const sha256 = (...parts: Uint8Array[]): string => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

test("each session's proof has digests of loader, trust and image, and the start, signed by the device's key", async () => {
  const bench = await MeddledDevice.powerOn(workshop, image);
  bench.run(10_000);
  bench.server.hangUp();
  bench.run(10_000);
  const [enrolment] = bench.said("enrol");
  const x = String(enrolment!.json["publicKey"]);
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const proofs = bench.said("proof");
  expect(proofs.length).toBeGreaterThanOrEqual(2);
  for (const { json } of proofs) {
    const measured = Buffer.from(String(json["measured"]), "base64url");
    expect(measured.length).toBe(100);
    expect(measured.toString("hex", 0, 32), "loader and root keys").toBe(
      sha256(readFileSync(await buildBootWasm()), workshop.keys.root.publicKey),
    );
    expect(measured.toString("hex", 32, 64), "trust chain").toBe(sha256(workshop.keys.trustChain));
    expect(measured.toString("hex", 64, 96), "image").toBe((await describeImage(image)).digest);
    expect(measured.readUInt32LE(96)).toBe(bench.said("check-in").at(-1)!.json["boot"]);
    const proven = ["meddled", json["session"], json["nonce"], json["deviceNonce"], ""].join("\n");
    const signed = Buffer.concat([Buffer.from(signingPrefixes.measured + proven), measured]);
    const signature = Buffer.from(String(json["measuredSignature"]), "base64url");
    expect(verify(null, signed, key, signature)).toBe(true);
  }
  expect(new Set(proofs.map(({ json }) => json["measuredSignature"])).size, "of each session").toBe(proofs.length);
});
