// The size of the image that ships, beside its goal: what makes it larger than that is noticed here, not years later by
// whoever has no flash or no time left. docs/benchmarks.md has its parts.

import { expect, test } from "vitest";
import { generateSigningKey } from "@flipside/image-format";
import { buildSignedRelease } from "../../build/build-release.ts";
import { IMAGE_BYTES_GOAL } from "../../build/size-goals.ts";

test("the unikernel's image with the example app is not larger than its goal", { timeout: 300_000 }, async () => {
  const { unikernelImage } = await buildSignedRelease({
    version: "1.0.0",
    releaseSequence: 1,
    signingKeys: [(await generateSigningKey()).privateJwk],
    description: "The image that the factory put in.",
  });
  const hint =
    "see docs/decisions/0009-flags-for-size-and-copies-by-words.md for what has been tried to make it smaller";
  expect(unikernelImage.length, hint).toBeLessThanOrEqual(IMAGE_BYTES_GOAL);
});
