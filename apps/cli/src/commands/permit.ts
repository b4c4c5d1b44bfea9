// `flipside permit`: makes permits, with which devices go back to an older image (docs/image-format.md, "Permit").

import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { deviceIdPattern } from "@flipside/api/limits";
import { command, type Invocation, type OptionsOf } from "../command-line/command.ts";
import { CommandFailure, UsageError } from "../command-line/failures.ts";

const options = {
  release: { value: "FILE", what: "the older release; one permit for each of its images" },
  hardware: { value: "NAME", what: "only the image for this hardware" },
  image: { value: "DIGEST", what: "instead of a release: an image's digest, 64 hex digits, as the console shows it" },
  device: { value: "ID", what: "for this device", many: true },
  "any-device": { what: "for every device: whoever has the permit may use it as often as they like" },
  key: { value: "FILE", what: "a release key that signs (the newest of the project's that is in force)", many: true },
  keys: { value: "FOLDER", what: "where the project's keys are (var/keys)" },
  out: { value: "FOLDER", what: "where to write them (var/permits)" },
} as const;

interface Wanted {
  digest: string;
  /** For the file's name. */
  name: string;
  about: string;
}

async function imagesIn(path: string, hardware: string | undefined): Promise<Wanted[]> {
  const { describeImage, FormatError, splitRelease } = await import("@flipside/image-format");
  const { readWhole } = await import("../images/release-keys.ts");
  const file = readWhole(path, "the release");
  let images;
  try {
    images = await Promise.all(splitRelease(file).map((bytes) => describeImage(bytes)));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new CommandFailure(`${path} is no release file: ${error.message}`);
  }
  const wanted = images.filter((image) => hardware === undefined || image.hardware.name === hardware);
  if (wanted.length === 0)
    throw new CommandFailure(
      `${path} has no image for ${hardware}; it has some for ${images.map((image) => image.hardware.name).join(", ")}`,
    );
  return wanted.map(({ digest, product, version, hardware: { name } }) => ({
    digest,
    name: `${version}-${name}`,
    about: `${product} ${version} for ${name}`,
  }));
}

/**
 * The keys given, or the newest release key of the folder. A key that the newest trust record doesn't name is refused:
 * no device would take the permit.
 */
async function signingKeys(paths: string[], folder: string) {
  const { newestReleaseKey, releaseKeysNamedIn, signingKeyIn, trustChainIn } = await import(
    "../images/release-keys.ts"
  );
  const { toHex } = await import("@flipside/image-format");
  if (paths.length === 0) return [newestReleaseKey(folder)];
  const named = releaseKeysNamedIn(folder);
  const keys = paths.map(signingKeyIn);
  keys.forEach((key, i) => {
    if (named !== undefined && !named.includes(toHex(key.publicKey)))
      throw new CommandFailure(
        `${paths[i]} is no release key: the trust record in ${trustChainIn(folder)} does not name it. If it belongs to another project, give that one's folder with --keys`,
      );
  });
  return keys;
}

/** Throws UsageError where options don't go together. */
function checked({ release, image, hardware, device, "any-device": anyDevice }: OptionsOf<typeof options>) {
  if ((release === undefined) === (image === undefined))
    throw new UsageError("give the older image: either --release FILE or --image DIGEST");
  if (hardware !== undefined && release === undefined)
    throw new UsageError("--hardware chooses among a release's images; a digest names one already");
  if (device.length > 0 === anyDevice) throw new UsageError("say for whom: --device ID, once or more, or --any-device");
  for (const id of device)
    if (!deviceIdPattern.test(id)) throw new UsageError(`--device ${id}: 1 to 48 characters of a-z, 0-9 and -`);
  const digest = image?.toLowerCase();
  if (digest !== undefined && !/^[0-9a-f]{64}$/.test(digest)) throw new UsageError(`--image ${digest}: 64 hex digits`);
  return { release, digest, hardware, devices: device.length > 0 ? device : [undefined] };
}

async function run({ options: given, say }: Invocation<typeof options>) {
  const { release, digest, hardware, devices } = checked(given);
  const wanted =
    digest === undefined
      ? await imagesIn(resolve(release!), hardware)
      : [{ digest, name: digest.slice(0, 16), about: `image ${digest}` }];
  const { repositoryRoot } = await import("../../../agent/build/paths.ts");
  const { keysFolder } = await import("../images/release-keys.ts");
  const { buildPermit } = await import("@flipside/image-format");
  const keys = await signingKeys(
    given.key.map((path) => resolve(path)),
    keysFolder(given.keys),
  );
  const out = resolve(given.out ?? join(repositoryRoot, "var/permits"));
  mkdirSync(out, { recursive: true });
  const permits: { path: string; imageDigest: string; deviceId: string | null }[] = [];
  for (const { digest, name, about } of wanted) {
    for (const device of devices) {
      const permit = await buildPermit({
        imageDigest: digest,
        ...(device === undefined ? {} : { deviceId: device }),
        signingKeys: keys.map((key) => key.privateJwk),
      });
      const path = join(out, `${name}-${device ?? "any-device"}.permit`);
      writeFileSync(path, permit);
      permits.push({ path, imageDigest: digest, deviceId: device ?? null });
      say(`${relative(process.cwd(), path)}: ${device ?? "any device"} may go back to ${about}`);
    }
  }
  return { json: { permits } };
}

export const permit = command({
  name: "permit",
  summary: "Make permits, with which devices go back to an older release",
  about:
    "A permit is the release key's word that a device may go back to an image of a lower release sequence. It has no end, and lowers no security floor. Upload it (flipside push FILE), and say in the rollout that older is meant (--allow-older).",
  options,
  examples: [
    "flipside permit --release var/releases/flipside-demo-1.0.0.release --device kitchen-7 --device kitchen-8",
  ],
  run,
});
