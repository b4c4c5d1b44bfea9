// Whether a permit holds: exactly when a release key of the trust record signed it, for this image, and for this device
// or any (docs/image-format.md, "Permit"). Signatures are put right, so what is bound is looked at, too.

import {
  buildPermit,
  encodeSignatureBlock,
  parseSignatureBlock,
  type StrictVerifier,
  toHex,
} from "@flipside/image-format";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { agentGrants } from "@flipside/machine/grants";
import { assemblyEntry, compileForFuzzing, type Patch } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { write } from "../engine/mutate.ts";
import { type Draft, type OpenTarget, type Target, text, Violation } from "../engine/target.ts";
import { factoryZones, layout, strictVerifier } from "./device-images.ts";
import { DeviceHost } from "./device-host.ts";
import { fuzzedIdentity, trustChains } from "./formats.ts";
import { bytesOf, type FuzzKey, keyOf, releaseKey, rootKey, secondReleaseKey, sha256Of } from "./keys.ts";
import { isSigned } from "./signed.ts";

const BODY_BYTES = 72;
const ENTRY_BYTES = 72;
const SIGNATURES_AT = BODY_BYTES + 12;
export const deviceHash = sha256Of(Buffer.from(fuzzedIdentity.deviceId));

/** By plain reading and the server's build of the strict verifier. */
export function permitHolds(
  permit: Uint8Array,
  imageDigest: Uint8Array,
  releaseKeys: FuzzKey[],
  verifier: StrictVerifier,
): boolean {
  const bytes = Buffer.from(permit);
  if (bytes.length < SIGNATURES_AT || bytes.toString("latin1", 0, 8) !== "FSPM\x01\x00\x48\x00") return false;
  if (!bytes.subarray(8, 40).equals(imageDigest)) return false;
  const device = bytes.subarray(40, BODY_BYTES);
  if (!device.every((byte) => byte === 0) && !device.equals(deviceHash)) return false;
  const block = bytes.subarray(BODY_BYTES);
  return (
    parseSignatureBlock(block, 0, block.length) === block.length &&
    isSigned(verifier, "permit", releaseKeys, bytes.subarray(0, BODY_BYTES), block)
  );
}

/** Signed anew by one of these, in one of its entries. */
export function signPermit({ bytes, length }: Draft, keys: FuzzKey[], random: SeededRandom): void {
  const entries = Math.floor((length - SIGNATURES_AT) / ENTRY_BYTES);
  if (entries < 1) return;
  const at = SIGNATURES_AT + ENTRY_BYTES * random.below(Math.min(entries, 2));
  const key = random.pick(keys);
  bytes.set(key.id, at);
  bytes.set(key.sign("permit", bytes.subarray(0, BODY_BYTES)), at + 8);
}

const digest = bytesOf("image");
const stranger = keyOf("stranger");

export const permitHoldsTarget: OpenTarget = async (patches: Patch[] = []): Promise<Target> => {
  const fuzzed = await compileForFuzzing(assemblyEntry("permits"), 1, patches);
  const host: DeviceHost = new DeviceHost(layout, () => instance, agentGrants);
  const instance: FuzzInstance = new FuzzInstance(fuzzed, () => host.imports);
  const verifier = await strictVerifier();
  const zones = await factoryZones();
  host.rootKeys = zones.rootKeys;
  host.zone("factory").set(zones.factory);
  const chain = (await trustChains())[1]!;
  const { exports: calls } = instance;
  if (calls.setUp!(instance.put(chain), chain.length) !== 0)
    throw new Error("identity or trust chain of this target do not hold");
  instance.memory.set(digest, (calls["digest"] as unknown as WebAssembly.Global).value as number);
  const start = instance.save();
  const releaseKeys = [releaseKey, secondReleaseKey];

  const made = (key: FuzzKey, change: { imageDigest?: Uint8Array; deviceId?: string } = {}): Promise<Uint8Array> =>
    buildPermit({
      imageDigest: toHex(change.imageDigest ?? digest),
      ...(change.deviceId !== undefined && { deviceId: change.deviceId }),
      signingKeys: [key.privateJwk],
    });
  const anyDevice = await made(releaseKey);
  const forAnotherPurpose = new Uint8Array([
    ...anyDevice.subarray(0, BODY_BYTES),
    ...encodeSignatureBlock([
      { keyId: releaseKey.id, signature: releaseKey.sign("image", anyDevice.subarray(0, BODY_BYTES)) },
    ]),
  ]);
  const seeds = [
    anyDevice,
    await made(secondReleaseKey, { deviceId: fuzzedIdentity.deviceId }),
    await made(releaseKey, { deviceId: "another" }),
    await made(releaseKey, { imageDigest: bytesOf("another image") }),
    await made(rootKey),
    await made(stranger),
    await buildPermit({ imageDigest: toHex(digest), signingKeys: [stranger.privateJwk, releaseKey.privateJwk] }),
    new Uint8Array([...anyDevice, 0]),
    anyDevice.subarray(0, -1),
    forAnotherPurpose,
  ];
  if (!permitHolds(seeds[1]!, digest, releaseKeys, verifier)) throw new Error("no seed of this target holds");
  return {
    name: "permit-holds",
    instance,
    inputBytesMax: 400,
    share: 0.005,
    seeds,
    dictionary: [
      ...text("FSPM", "FSSG"),
      digest,
      deviceHash,
      ...[releaseKey, secondReleaseKey, rootKey, stranger].map(({ id }) => id),
      new Uint8Array(32),
    ],
    mutate({ bytes, length }, random) {
      if (length < SIGNATURES_AT) return;
      switch (random.below(5)) {
        case 0:
          return void bytes.set(random.pick([digest, bytesOf("another image")]), 8);
        case 1:
          return void bytes.set(random.pick([deviceHash, new Uint8Array(32), sha256Of(Buffer.from("another"))]), 40);
        case 2: // one bit of what is bound: the first and the last matter as much as any
          bytes[8 + random.pick([0, 31, 32, 63, random.below(64)])]! ^= 1 << random.below(8);
          return;
        case 3:
          return write(
            bytes,
            BODY_BYTES + random.pick([4, 6, 8, 10]),
            2,
            random.pick([0, 1, 2, 8, 9, 84, 156, length - BODY_BYTES]),
            true,
          );
        default:
          bytes.set(random.pick([releaseKey, secondReleaseKey, rootKey, stranger]).id, SIGNATURES_AT);
      }
    },
    repair(draft, random) {
      if (random.below(4) !== 0) signPermit(draft, random.below(6) === 0 ? [rootKey, stranger] : releaseKeys, random);
    },
    run(input) {
      instance.restore(start);
      const holds = calls.holds!(instance.put(input), input.length) !== 0;
      if (holds !== permitHolds(input, digest, releaseKeys, verifier))
        throw new Violation(holds ? "a permit holds that must not" : "a permit is refused that holds");
    },
  };
};
