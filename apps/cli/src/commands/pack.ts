// `flipside pack`

import { basename } from "node:path";
import { command, type Invocation } from "../command-line/command.ts";
import { CommandFailure, UsageError } from "../command-line/failures.ts";
import { FLAG_RAISE_FLOOR } from "@flipside/image-format/portable/image-header";
import { readDuration, readSize, readWhole } from "../command-line/units.ts";
import { lastNumberOptions, refuseLastNumbers } from "../images/last-numbers.ts";
import { signerOptions } from "../images/signer-options.ts";

const u32Max = 0xffff_ffff;
const typeNumbers = { unikernel: 1, "virtual-bundle": 2 } as const;

function readRevisions(text: string): { revisionMin: number; revisionMax: number } {
  const [, least, most = least] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (least === undefined || Number(most) > 0xffff || Number(least) > Number(most))
    throw new UsageError("revisions from 0 to 65535 are meant, such as 3 or 1-4");
  return { revisionMin: Number(least), revisionMax: Number(most) };
}

const options = {
  product: { value: "NAME", what: "the product: 1 to 32 characters without space" },
  version: { value: "V", what: "for people, such as 2.1.0" },
  hardware: { value: "NAME", what: "what the image is for; devices of another name refuse it" },
  sequence: {
    value: "N",
    what: "release sequence: devices refuse one below the one they run",
    read: readWhole(1, u32Max),
  },
  revisions: { value: "A-B", what: "revisions of that hardware (0-65535)", read: readRevisions },
  "raise-floor": { what: "a device that has confirmed it goes below its security counter no more" },
  description: { value: "TEXT", what: "what the release is about, at most 512 bytes" },
  "security-counter": {
    value: "N",
    what: "images below a device's floor never boot there (1)",
    read: readWhole(0, u32Max),
  },
  type: {
    value: "TYPE",
    what: "how a Flipside agent starts it; a device of your own may take it as it likes (unikernel)",
    oneOf: ["unikernel", "virtual-bundle"],
  },
  "load-address": { value: "N", what: "where it lies in memory (0)", read: readWhole(0, u32Max) },
  "entry-address": { value: "N", what: "where it begins (the load address)", read: readWhole(0, u32Max) },
  "chunk-size": { value: "SIZE", what: "256 to 4096, a power of two (4096)", read: readSize },
  "confirm-deadline": { value: "DURATION", what: "from the start to a healthy app (1m)", read: readDuration },
  "contact-deadline": {
    value: "DURATION",
    what: "from the start to a session at the server (10m)",
    read: readDuration,
  },
  tries: { value: "N", what: "starts on trial (3)", read: readWhole(1, 15) },
  watchdog: { value: "DURATION", what: "100ms to 10m (10s)", read: readDuration },
  ...lastNumberOptions,
  unsigned: { what: "leave the signature to flipside sign" },
  out: { value: "FILE", what: "where to write it (PRODUCT-V.release)" },
  ...signerOptions,
} as const;

type Given = Invocation<typeof options>["options"];

/** Throws UsageError. */
function fieldsOf(given: Given) {
  const { product, version, hardware, sequence } = given;
  if (product === undefined || version === undefined || hardware === undefined || sequence === undefined)
    throw new UsageError("say what it is: --product, --version, --hardware and --sequence");
  const loadAddress = given["load-address"] ?? 0;
  return {
    imageType: typeNumbers[(given.type ?? "unikernel") as keyof typeof typeNumbers],
    product,
    hardware: { name: hardware, ...(given.revisions ?? { revisionMin: 0, revisionMax: 0xffff }) },
    version,
    releaseSequence: sequence,
    securityCounter: given["security-counter"] ?? 1,
    loaderVersionMin: 1,
    trustVersionMin: 1,
    loadAddress,
    entryAddress: given["entry-address"] ?? loadAddress,
    confirmDeadlineMs: given["confirm-deadline"] ?? 60_000,
    contactDeadlineMs: given["contact-deadline"] ?? 600_000,
    tries: given.tries ?? 3,
    watchdogMs: given.watchdog ?? 10_000,
    flags: given["raise-floor"] ? FLAG_RAISE_FLOOR : 0,
    ...(given.description === undefined ? {} : { description: given.description }),
  };
}

async function run({ options: given, words, io }: Invocation<typeof options>) {
  const fields = fieldsOf(given);
  const { buildImage, FormatError, signRelease } = await import("@flipside/image-format");
  const { readWhole: readFile } = await import("../images/release-keys.ts");
  const { releaseOutcome, writeRelease } = await import("../images/release-in.ts");
  const { imageLine } = await import("../images/image-text.ts");
  const { signersMeant } = await import("../images/signers.ts");
  if (!given.unsigned) refuseLastNumbers([fields], given["no-later-release"]);
  const signers = given.unsigned ? [] : signersMeant(given, io);
  const payload = readFile(words[0]!, "the file");
  const chunkBytes = given["chunk-size"];
  let file;
  try {
    file = await buildImage({ fields, payload, signingKeys: [], ...(chunkBytes === undefined ? {} : { chunkBytes }) });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const why = "a name has 1 to 32 characters of ASCII without space, a file 1 byte to 64 MiB (docs/image-format.md)";
    throw new CommandFailure(`no device would take such an image: ${error.message}; ${why}`);
  }
  for (const signer of signers) file = await signRelease(file, signer);
  const out = given.out ?? `${fields.product}-${fields.version}.release`;
  writeRelease(out, file);
  const made = await releaseOutcome(out, file);
  return { json: made, text: [`${out}: ${basename(words[0]!)} as an image`, ...made.images.map(imageLine)].join("\n") };
}

export const pack = command({
  name: "pack",
  summary: "Make any file a signed image, for devices that are not built here",
  about: "The image is a release of one, for one hardware: flipside push uploads it as it is.",
  arguments: [{ name: "FILE", what: "what the device is to run" }],
  options,
  examples: [
    "flipside pack firmware.bin --product heater --version 2.1.0 --hardware esp32-c3 --sequence 21 --key release.private.jwk",
  ],
  run,
});
