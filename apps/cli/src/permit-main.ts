// `flipside permit`: makes permits, with which devices go back to an older image (docs/image-format.md, "Permit").

import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { deviceIdPattern } from "@flipside/api/limits";
import { buildPermit, describeImage, FormatError, splitRelease } from "@flipside/image-format";
import { repositoryRoot } from "../../agent/build/paths.ts";
import { CannotUse, readWhole, signingKeys } from "./release-keys.ts";

const usage = `Usage: flipside permit (--release FILE [--hardware NAME] | --image DIGEST) (--device ID … | --any-device) [options]

Makes permits: the release key's word that a device may go back to an image of a lower release sequence. A permit has no end,
and lowers no security floor. Upload it in the console (Releases, "Add permit"), and tick in the rollout that older is meant.

  --release FILE         the older release; one permit for each of its images
  --hardware NAME        only the image for this hardware
  --image DIGEST         instead of a release: an image's digest, 64 hex digits, as the console shows it
  --device ID            for this device; may be given more than once
  --any-device           for every device: whoever has the permit may use it as often as they like
  --key FILE             private JWK of a release key that signs; may be given more than once
                         (the newest one of var/keys that the trust chain there names)
  --keys FOLDER          where the project's keys are (var/keys)
  --out FOLDER           where to write them (var/permits)
  --help                 this text
`;

class UsageError extends Error {}
interface Wanted {
  digest: string;
  /** For the file's name. */
  name: string;
  about: string;
}

async function imagesIn(path: string, hardware: string | undefined): Promise<Wanted[]> {
  const file = readWhole(path, "the release");
  let images;
  try {
    images = await Promise.all(splitRelease(file).map((bytes) => describeImage(bytes)));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new CannotUse(`${path} is no release file: ${error.message}`);
  }
  const wanted = images.filter((image) => hardware === undefined || image.hardware.name === hardware);
  if (wanted.length === 0)
    throw new CannotUse(
      `${path} has no image for ${hardware}; it has some for ${images.map((image) => image.hardware.name).join(", ")}`,
    );
  return wanted.map(({ digest, product, version, hardware: { name } }) => ({
    digest,
    name: `${version}-${name}`,
    about: `${product} ${version} for ${name}`,
  }));
}

function valuesOf(argv: string[]) {
  const text = { type: "string" } as const;
  const list = { type: "string", multiple: true } as const;
  try {
    return parseArgs({
      args: argv,
      options: {
        release: text,
        hardware: text,
        image: text,
        device: list,
        "any-device": { type: "boolean" },
        key: list,
        keys: text,
        out: text,
        help: { type: "boolean", short: "h" },
      },
      allowPositionals: false,
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function run(argv: string[]): Promise<void> {
  const values = valuesOf(argv);
  if (values.help === true) return void process.stdout.write(usage);
  const devices = values.device ?? [];
  if ((values.release === undefined) === (values.image === undefined))
    throw new UsageError("give the older image: either --release FILE or --image DIGEST");
  if (values.hardware !== undefined && values.release === undefined)
    throw new UsageError("--hardware chooses among a release's images; a digest names one already");
  if (devices.length > 0 === (values["any-device"] === true))
    throw new UsageError("say for whom: --device ID, once or more, or --any-device");
  for (const device of devices)
    if (!deviceIdPattern.test(device)) throw new UsageError(`--device ${device}: 1 to 48 characters of a-z, 0-9 and -`);
  const digest = values.image?.toLowerCase();
  if (digest !== undefined && !/^[0-9a-f]{64}$/.test(digest)) throw new UsageError(`--image ${digest}: 64 hex digits`);

  const wanted =
    digest === undefined
      ? await imagesIn(resolve(values.release!), values.hardware)
      : [{ digest, name: digest.slice(0, 16), about: `image ${digest}` }];
  const keys = signingKeys(
    (values.key ?? []).map((path) => resolve(path)),
    resolve(values.keys ?? join(repositoryRoot, "var/keys")),
  );
  const out = resolve(values.out ?? join(repositoryRoot, "var/permits"));
  mkdirSync(out, { recursive: true });
  for (const { digest, name, about } of wanted) {
    for (const device of devices.length > 0 ? devices : [undefined]) {
      const permit = await buildPermit({
        imageDigest: digest,
        ...(device === undefined ? {} : { deviceId: device }),
        signingKeys: keys.map((key) => key.privateJwk),
      });
      const path = join(out, `${name}-${device ?? "any-device"}.permit`);
      writeFileSync(path, permit);
      process.stdout.write(`${relative(process.cwd(), path)}: ${device ?? "any device"} may go back to ${about}\n`);
    }
  }
}

/** Exit status: 0, 1 when something can't be used, 2 when it was called wrongly. */
export async function permit(argv: string[]): Promise<number> {
  try {
    await run(argv);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) process.stderr.write(`${error.message}\n\n${usage}`);
    else if (error instanceof CannotUse) process.stderr.write(`${error.message}\n`);
    else throw error;
    return error instanceof UsageError ? 2 : 1;
  }
}
