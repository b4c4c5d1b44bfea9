// `flipside inspect`

import { command, type Invocation } from "../command-line/command.ts";
import { CommandFailure } from "../command-line/failures.ts";

async function ofTrustChain(file: Uint8Array) {
  const { keyIdOf, releaseThresholdOf, splitTrustChain, toHex } = await import("@flipside/image-format");
  const ids = (keys: Uint8Array[]): Promise<string[]> =>
    Promise.all(keys.map(async (key) => toHex(await keyIdOf(key))));
  const links = await Promise.all(
    splitTrustChain(file).map(async ({ keys }) => ({
      version: keys.trustVersion,
      rootThreshold: keys.rootThreshold,
      releaseThreshold: releaseThresholdOf(keys),
      rootKeys: await ids(keys.rootKeys),
      releaseKeys: await ids(keys.releaseKeys),
      operationsKeys: await ids(keys.operationsKeys),
    })),
  );
  const lines = links.flatMap((link) => [
    `trust record ${link.version}: the next needs ${link.rootThreshold} of ${link.rootKeys.length} roots`,
    `  root        ${link.rootKeys.join(", ")}`,
    `  release     ${link.releaseKeys.join(", ")}${link.releaseThreshold > 1 ? ` (${link.releaseThreshold} sign)` : ""}`,
    `  operations  ${link.operationsKeys.join(", ") || "none"}`,
  ]);
  return { json: { kind: "trust-chain", links }, text: lines.join("\n") };
}

async function ofPermit(file: Uint8Array) {
  const { PERMIT_DEVICE_OFFSET: device, PERMIT_DIGEST_OFFSET: digest, toHex } = await import("@flipside/image-format");
  const imageDigest = toHex(file.subarray(digest, digest + 32));
  const hash = toHex(file.subarray(device, device + 32));
  const deviceHash = /^0+$/.test(hash) ? null : hash;
  const who = deviceHash === null ? "any device" : `the device whose id has the SHA-256 ${deviceHash}`;
  return { json: { kind: "permit", imageDigest, deviceHash }, text: `a permit: ${who} may go back to ${imageDigest}` };
}

async function ofReleaseState(file: Uint8Array) {
  const { readReleaseState } = await import("@flipside/image-format");
  const state = readReleaseState(file);
  const [issued, until] = [state.issuedS, state.validUntilS].map((s) => new Date(1000 * s).toISOString());
  const { product, version, releaseSequence } = state;
  return {
    json: { kind: "release-state", ...state },
    text: `a release state: ${product} ${version}, release sequence ${releaseSequence}, was the newest at ${issued}; to be believed until ${until}`,
  };
}

async function ofRelease(file: Uint8Array) {
  const { describeRelease } = await import("../images/release-in.ts");
  const { imageText } = await import("../images/image-text.ts");
  const images = (await describeRelease(file)).map(({ image }) => image);
  return { json: { kind: "release", images }, text: images.map(imageText).join("\n\n") };
}

/** By the first bytes of a file (docs/image-format.md). */
const readers: Record<string, (file: Uint8Array) => Promise<{ json: unknown; text: string }>> = {
  FSRL: ofRelease,
  FSIM: ofRelease,
  FSTC: ofTrustChain,
  FSPM: ofPermit,
  FSRS: ofReleaseState,
};

async function run({ words }: Invocation<Record<never, never>>) {
  const { readWhole } = await import("../images/release-keys.ts");
  const path = words[0]!;
  const file = readWhole(path, "the file");
  const reader = readers[Buffer.from(file.subarray(0, 4)).toString("latin1")];
  if (reader === undefined)
    throw new CommandFailure(`${path} is no release, image, trust chain, permit or release state: it begins otherwise`);
  return reader(file);
}

export const inspect = command({
  name: "inspect",
  summary: "What a release, image, trust chain, permit or release state says of itself",
  about: "Its form is checked; whether its signatures hold, flipside verify says.",
  arguments: [{ name: "FILE", what: "the file" }],
  options: {},
  examples: ["flipside inspect my-app-2.0.0.release", "flipside inspect var/keys/trust-chain.bin --json"],
  run,
});
