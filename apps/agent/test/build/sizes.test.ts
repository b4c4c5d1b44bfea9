// The sizes of what ships, beside their limits: what makes it larger than that is noticed here, not years later by
// whoever has no flash or no time left. docs/benchmarks.md has its parts.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { generateSigningKey } from "@flipside/image-format";
import { buildLoader } from "../../build/build-loader.ts";
import { buildSignedRelease } from "../../build/build-release.ts";
import { IMAGE_BYTES_LIMIT, LOADER_BYTES_LIMIT } from "../../build/size-goals.ts";

const hint =
  "see docs/decisions/0040-fewer-instructions-and-a-smaller-loader.md for what has been tried to make it smaller";

test("the unikernel's image with the example app is not larger than its limit", { timeout: 300_000 }, async () => {
  const { unikernelImage } = await buildSignedRelease({
    version: "1.0.0",
    releaseSequence: 1,
    signingKeys: [(await generateSigningKey()).privateJwk],
    description: "The image that the factory put in.",
  });
  expect(unikernelImage.length, hint).toBeLessThanOrEqual(IMAGE_BYTES_LIMIT);
});

test("the boot loader is not larger than its limit", { timeout: 300_000 }, async () => {
  expect(readFileSync((await buildLoader()).binaryPath).length, hint).toBeLessThanOrEqual(LOADER_BYTES_LIMIT);
});
