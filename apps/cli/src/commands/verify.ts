// `flipside verify`

import { resolve } from "node:path";
import { command, type Invocation } from "../command-line/command.ts";

const options = {
  "trust-chain": { value: "FILE", what: "whose newest record names the keys that may sign (KEYS/trust-chain.bin)" },
  "public-key": { value: "FILE", what: "instead: a key that may sign, JWK or PEM", many: true },
  keys: { value: "FOLDER", what: "the project's keys (var/keys)" },
} as const;

async function run({ options: given, words }: Invocation<typeof options>) {
  const { readFileSync } = await import("node:fs");
  const { createStrictVerifier, readTrustChain, releaseThresholdOf, verifyImage } = await import(
    "@flipside/image-format"
  );
  const { buildStrictVerifier } = await import("../../../../packages/image-format/assembly/build-strict-verifier.ts");
  const { keysFolder, publicKeyIn, readWhole, trustChainIn } = await import("../images/release-keys.ts");
  const { releaseIn } = await import("../images/release-in.ts");
  const { imageLine } = await import("../images/image-text.ts");
  const verifier = await createStrictVerifier(readFileSync(await buildStrictVerifier()));
  const named = async () => {
    const chain = readWhole(resolve(given["trust-chain"] ?? trustChainIn(keysFolder(given.keys))), "the trust chain");
    const newest = (await readTrustChain(chain, verifier)).at(-1)!;
    return { keys: newest.releaseKeys, threshold: releaseThresholdOf(newest) };
  };
  const { keys, threshold } =
    given["public-key"].length > 0
      ? { keys: given["public-key"].map((path) => publicKeyIn(resolve(path))), threshold: 1 }
      : await named();
  const images = await releaseIn(words[0]!);
  for (const { bytes } of images) await verifyImage(bytes, keys, verifier, threshold);
  const [{ image: first } = images[0]!] = images;
  return {
    json: { valid: true, images: images.map(({ image }) => image) },
    text: [
      `${first.product} ${first.version}: every signature, chunk table and chunk holds`,
      ...images.map(({ image }) => imageLine(image)),
    ].join("\n"),
  };
}

export const verify = command({
  name: "verify",
  summary: "Check a release as a device does: signatures, chunk table, every chunk",
  about:
    "By the strict verifier that boot loader, agent and server use. Exit status 1, with the format's error name, when something does not hold.",
  arguments: [{ name: "FILE", what: "a release or an image" }],
  options,
  examples: ["flipside verify my-app-2.0.0.release --trust-chain keys/trust-chain.bin"],
  run,
});
