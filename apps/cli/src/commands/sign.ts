// `flipside sign`

import { command, type Invocation } from "../command-line/command.ts";
import { lastNumberOptions, refuseLastNumbers } from "../images/last-numbers.ts";
import { signerOptions } from "../images/signer-options.ts";

const options = {
  out: { value: "FILE", what: "where to write it (in its place)" },
  ...lastNumberOptions,
  ...signerOptions,
} as const;

async function run({ options: given, words, io }: Invocation<typeof options>) {
  const { signRelease } = await import("@flipside/image-format");
  const { readWhole } = await import("../images/release-keys.ts");
  const { describeRelease, releaseOutcome, writeRelease } = await import("../images/release-in.ts");
  const { imageLine } = await import("../images/image-text.ts");
  const { signersMeant } = await import("../images/signers.ts");
  const path = words[0]!;
  const signers = signersMeant(given, io);
  let file = readWhole(path, "the release");
  const images = await describeRelease(file);
  refuseLastNumbers(
    images.map(({ image }) => image),
    given["no-later-release"],
  );
  for (const signer of signers) file = await signRelease(file, signer);
  const out = given.out ?? path;
  writeRelease(out, file);
  const made = await releaseOutcome(out, file);
  return { json: made, text: [`${out}: ${made.product} ${made.version}`, ...made.images.map(imageLine)].join("\n") };
}

export const sign = command({
  name: "sign",
  summary: "Sign a release's images: the first signature, or one more",
  about:
    "What was built with --unsigned gets its name, the digest, by the first signature. The private key is in a file, in an environment variable, or in a token that is reached by PKCS #11; never in an argument.",
  arguments: [{ name: "FILE", what: "a release or an image" }],
  options,
  examples: [
    "flipside sign my-app.release --key-env RELEASE_KEY",
    "flipside sign my-app.release --pkcs11 'pkcs11:token=release;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/pin' --public-key release.public.jwk",
  ],
  run,
});
