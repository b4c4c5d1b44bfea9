// `flipside release state`

import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { readDuration } from "../../command-line/units.ts";
import { signerOptions } from "../../images/signer-options.ts";

const SECONDS_MAX = 0xffff_ffff;
const daysDefault = 30;

const options = {
  "valid-for": {
    value: "DURATION",
    what: `until devices miss the next one (${daysDefault}d): make it longer than you go without signing`,
    read: readDuration,
  },
  out: { value: "FILE", what: "where to write it (PRODUCT.release-state)" },
  ...signerOptions,
} as const;

async function run({ options: given, words, io }: Invocation<typeof options>) {
  const { buildReleaseState } = await import("@flipside/image-format");
  const { releaseIn, writeRelease } = await import("../../images/release-in.ts");
  const { signersMeant } = await import("../../images/signers.ts");
  const { product, version, releaseSequence } = (await releaseIn(words[0]!))[0]!.image;
  const issuedS = Math.floor(Date.now() / 1000);
  const validUntilS = issuedS + Math.floor((given["valid-for"] ?? daysDefault * 86_400_000) / 1000);
  if (validUntilS <= issuedS || validUntilS > SECONDS_MAX)
    throw new UsageError("--valid-for: at least a second, and not beyond the year 2106");
  const state = { product, version, releaseSequence, issuedS, validUntilS };
  const out = given.out ?? `${product}.release-state`;
  writeRelease(out, await buildReleaseState(state, signersMeant(given, io)));
  const until = new Date(1000 * validUntilS).toISOString();
  return {
    json: { path: out, ...state },
    text: `${out}: ${product} ${version}, release sequence ${releaseSequence}, is the newest; to be believed until ${until}`,
  };
}

export const releaseState = command({
  name: "release state",
  summary: "Sign which release of a product is the newest, so that devices notice when somebody keeps it from them",
  about:
    "Made where the release key is, from the newest release's file; `flipside push` uploads it, and the server hands it on. Sign another one with each release, and before this one ends.",
  arguments: [{ name: "FILE", what: "the newest release of its product" }],
  options,
  examples: ["flipside release state my-app-2.0.0.release --valid-for 30d --key release.private.jwk"],
  run,
});
