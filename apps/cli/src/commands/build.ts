// `flipside build`: from TypeScript to a release file.

import { relative, resolve } from "node:path";
import type { FeatureChoice } from "../../../agent/build/features.ts";
import { command, type Invocation } from "../command-line/command.ts";
import { CommandFailure, UsageError } from "../command-line/failures.ts";
import { readWhole } from "../command-line/units.ts";
import { lastNumberOptions, refuseLastNumbers } from "../images/last-numbers.ts";
import { signerOptions } from "../images/signer-options.ts";

const readU32 = readWhole(0, 0xffff_ffff);

function readVersion(text: string): string {
  if (!/^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$/.test(text)) throw new UsageError("a semantic version such as 2.1.0");
  return text;
}

/** The names themselves are known where the build is loaded. */
const readFeatures = (text: string): string[] => text.split(",").map((name) => name.trim());

interface Network {
  address: string;
  mask: string;
}

function readAddress(text: string): Network {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(text);
  const bits = Number(match?.[2]);
  if (!match || bits < 1 || bits > 30)
    throw new UsageError("an address and the bits of its network, such as 192.0.2.7/24");
  const mask = [24, 16, 8, 0].map((shift) => ((2 ** 32 - 2 ** (32 - bits)) / 2 ** shift) & 255).join(".");
  return { address: match[1]!, mask };
}

const options = {
  version: { value: "V", what: "semantic version, such as 2.1.0 (required)", read: readVersion },
  sequence: {
    value: "N",
    what: "release sequence: devices refuse one below the one they run (required)",
    read: readU32,
  },
  app: { value: "ENTRY", what: "entry of your app module, exporting start() and tick() (apps/agent/src/app/main.ts)" },
  agent: { value: "ENTRY", what: "entry of the agent module (apps/agent/src/agent/main.ts)" },
  with: { value: "FEATURES", what: "what the image has besides the default, by commas: http", read: readFeatures },
  without: {
    value: "FEATURES",
    what: "what the image has not, by commas: dhcp, dns, icmp",
    read: readFeatures,
  },
  address: {
    value: "ADDRESS/BITS",
    what: "of every device with this image, where it is built without dhcp: 192.0.2.7/24",
    read: readAddress,
  },
  router: { value: "ADDRESS", what: "beside --address: the way to other networks" },
  "name-server": { value: "ADDRESS", what: "beside --address: for names, unless it is built without dns" },
  "security-counter": { value: "N", what: "images below a device's floor never boot there (1)", read: readU32 },
  description: { value: "TEXT", what: "what the release is about, at most 512 bytes" },
  "virtual-only": {
    what: "the image for virtual devices alone: npm packages build it, without a cross compiler",
  },
  ...lastNumberOptions,
  unsigned: { what: "leave the signature to flipside sign" },
  out: { value: "FILE", what: "where to write it (var/releases/flipside-demo-V.release)" },
  ...signerOptions,
  keys: { value: "FOLDER", what: "the project's keys, made where there are none (var/keys)" },
} as const;

/** What the build is asked for, by its own names. */
async function featuresOf(given: Given): Promise<FeatureChoice> {
  const { imageFeatureNames } = await import("../../../agent/build/features.ts");
  const known = (names: string[] | undefined, option: string): FeatureChoice["with"] =>
    (names ?? []).map((name) => {
      const found = imageFeatureNames.find((own) => own === name);
      if (found === undefined)
        throw new UsageError(`${option} ${name}: an image's features are ${imageFeatureNames.join(", ")}`);
      return found;
    });
  const choice = { with: known(given.with, "--with") ?? [], without: known(given.without, "--without") ?? [] };
  const { address, router, "name-server": nameServer } = given;
  if (choice.without.includes("dhcp") !== (address !== undefined && router !== undefined))
    throw new UsageError("--without dhcp takes --address and --router, and they are for nothing else");
  if (address === undefined || router === undefined) return choice;
  return { ...choice, address: { ...address, router, ...(nameServer === undefined ? {} : { nameServer }) } };
}

type Given = Invocation<typeof options>["options"];

/** A project that has no keys yet gets them: the first release of a fresh clone is signed by its own. */
async function signersOf(given: Given, { io, note }: Pick<Invocation<typeof options>, "io" | "note">) {
  const { keysFolder, trustChainIn } = await import("../images/release-keys.ts");
  const { signersMeant } = await import("../images/signers.ts");
  const { existsSync } = await import("node:fs");
  const isElsewhere = given.key.length > 0 || given["key-env"] !== undefined || given.pkcs11 !== undefined;
  const folder = keysFolder(given.keys);
  if (!isElsewhere && !existsSync(trustChainIn(folder))) {
    const { projectKeys } = await import("../../../agent/build/project-keys.ts");
    note(`${folder} has no keys yet: making new ones there`);
    await projectKeys(folder);
  }
  return signersMeant(given, io);
}

/** Not signed yet. */
async function built(given: Given, onProgress: (step: string) => void): Promise<Uint8Array> {
  const { version, sequence, description } = given;
  if (version === undefined) throw new UsageError("--version is missing: a semantic version such as 2.1.0");
  if (sequence === undefined) throw new UsageError("--sequence is missing: a whole number from 0 to 4294967295");
  const { missingDeviceTools } = await import("../../../agent/build/run-tool.ts");
  const { buildSignedRelease, buildVirtualRelease } = await import("../../../agent/build/build-release.ts");
  const missing = missingDeviceTools();
  if (!given["virtual-only"] && missing.length > 0)
    throw new CommandFailure(
      `${missing.join(", ")} missing here (npm run setup says how to get that). With --virtual-only, the release is for virtual devices alone, and takes none of it.`,
    );
  const build = given["virtual-only"] ? buildVirtualRelease : buildSignedRelease;
  const { file } = await build({
    version,
    releaseSequence: sequence,
    securityCounter: given["security-counter"] ?? 1,
    ...(given.app === undefined ? {} : { appEntry: resolve(given.app) }),
    ...(given.agent === undefined ? {} : { agentEntry: resolve(given.agent) }),
    features: await featuresOf(given),
    ...(description === undefined ? {} : { description }),
    signingKeys: [],
    onProgress,
  });
  return file;
}

async function run({ options: given, io, note }: Invocation<typeof options>) {
  const { signRelease } = await import("@flipside/image-format");
  const { ToolError } = await import("../../../agent/build/run-tool.ts");
  const { repositoryRoot } = await import("../../../agent/build/paths.ts");
  const { releaseOutcome, writeRelease } = await import("../images/release-in.ts");
  const { imageLine } = await import("../images/image-text.ts");
  const numbers = {
    releaseSequence: given.sequence ?? 0,
    securityCounter: given["security-counter"] ?? 1,
    trustVersionMin: 1,
  };
  if (!given.unsigned) refuseLastNumbers([numbers], given["no-later-release"]);
  const signers = given.unsigned ? [] : await signersOf(given, { io, note });
  let file;
  try {
    file = await built(given, (step) => note(`building: ${step}`));
  } catch (error) {
    if (error instanceof ToolError || error instanceof RangeError) throw new CommandFailure(error.message);
    throw error;
  }
  for (const signer of signers) file = await signRelease(file, signer);
  const out = resolve(given.out ?? `${repositoryRoot}/var/releases/flipside-demo-${given.version}.release`);
  writeRelease(out, file);
  const made = await releaseOutcome(out, file);
  const lines = [`${relative(process.cwd(), out)}: ${file.length} bytes`, ...made.images.map(imageLine)];
  return { json: made, text: lines.join("\n") };
}

export const build = command({
  name: "build",
  summary: "Build a signed release with an app of your own",
  about:
    "Compiles agent and app, links the unikernel and the virtual devices' bundle, and signs both as one release file. The same sources, options and keys give the same bytes.",
  options,
  examples: [
    "flipside build --version 2.1.0 --sequence 21 --app apps/agent/src/my-app/main.ts --out my-app-2.1.0.release",
    "flipside build --version 2.1.0 --sequence 21 --with http --without icmp --out status-2.1.0.release",
    "flipside build --version 2.1.0 --sequence 21 --virtual-only --unsigned --out my-app-2.1.0.release",
  ],
  run,
});
