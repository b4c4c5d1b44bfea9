// What each feature of a build takes: the image, or the loader, with it and without it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { generateSigningKey } from "@flipside/image-format";
import { buildLoader } from "../../../apps/agent/build/build-loader.ts";
import { buildSignedRelease } from "../../../apps/agent/build/build-release.ts";
import { type FeatureChoice, featureNames, features } from "../../../apps/agent/build/features.ts";
import { agentSources, repositoryRoot } from "../../../apps/agent/build/paths.ts";
import { usefulBytes } from "../image-parts.ts";

interface ProgramSize {
  /** The file: an image's header, signatures and chunk table are in it. */
  bytes: number;
  /** Of the program, without padding to pages. */
  usefulBytes: number;
}

export interface FeatureSizes {
  default: ProgramSize;
  /** Network and HTTP, no agent; the least of it is without all that can be left out. */
  network: ProgramSize;
  networkLeast: ProgramSize;
  loader: ProgramSize;
  /** The default image, or loader, with what it has not, or without what it has. */
  changed: Record<string, ProgramSize>;
}

export const networkImage = {
  agentEntry: join(agentSources, "network-image/main.ts"),
  appEntry: join(repositoryRoot, "test/bench/assembly/empty-app.ts"),
};

async function imageSize(options: { features?: FeatureChoice; agentEntry?: string; appEntry?: string }) {
  const { privateJwk } = await generateSigningKey();
  const { unikernelImage, unikernel } = await buildSignedRelease({
    version: "1.0.0",
    releaseSequence: 1,
    signingKeys: [privateJwk],
    description: "The image that the factory put in.",
    ...options,
  });
  return { bytes: unikernelImage.length, usefulBytes: await usefulBytes(unikernel) };
}

async function loaderSize(choice: FeatureChoice = {}): Promise<ProgramSize> {
  const bytes = readFileSync((await buildLoader({ features: choice })).binaryPath).length;
  return { bytes, usefulBytes: bytes };
}

export async function measureFeatureSizes(): Promise<FeatureSizes> {
  const changed: FeatureSizes["changed"] = {};
  for (const name of featureNames) {
    const { of, isDefault } = features[name];
    const choice: FeatureChoice = isDefault ? { without: [name] } : { with: [name] };
    changed[`${isDefault ? "without" : "with"} ${name}`] =
      of === "image" ? await imageSize({ features: choice }) : await loaderSize(choice);
  }
  return {
    default: await imageSize({}),
    network: await imageSize(networkImage),
    networkLeast: await imageSize({ ...networkImage, features: { without: ["dhcp", "dns", "icmp"] } }),
    loader: await loaderSize(),
    changed,
  };
}
