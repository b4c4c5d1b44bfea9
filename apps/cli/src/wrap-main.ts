// `flipside wrap`: makes a release of a file that is there already, for devices of another agent (docs/hawkbit.md).

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildImage, buildRelease, FLAG_RAISE_FLOOR, type ImageFields } from "@flipside/image-format";
import { repositoryRoot } from "../../agent/build/paths.ts";
import { CannotUse, readWhole, signingKeys } from "./release-keys.ts";

const usage = `Usage: flipside wrap --payload FILE --product NAME --hardware NAME --version VERSION --sequence N --out FILE [options]

Makes a signed release of a file that is there already, such as an .swu of SWUpdate's or a bundle of RAUC's: for devices of
another agent, which are given that file as it is. Upload it in the console, as every other release.

  --payload FILE         what the devices get; 64 MiB at most
  --product NAME         as the devices were registered with
  --hardware NAME        the same
  --revisions MIN-MAX    of the hardware (0-65535)
  --version VERSION      as the devices will say it in their attributes
  --sequence N           above that of every earlier version
  --counter N            security counter: below the floor nothing is offered (1)
  --raise-floor          the floor rises to it as soon as a device runs this
  --description TEXT     for people
  --key FILE             private JWK of a release key that signs; may be given more than once
                         (the newest one of var/keys that the trust chain there names)
  --keys FOLDER          where the project's keys are (var/keys)
  --out FILE             where to write it
  --help                 this text
`;

class UsageError extends Error {}

/** Of nobody that reads them: other agents start what they install by themselves. */
const unread = {
  imageType: 2,
  loaderVersionMin: 1,
  trustVersionMin: 1,
  loadAddress: 0x8020_0000,
  entryAddress: 0x8020_0000,
  confirmDeadlineMs: 60_000,
  contactDeadlineMs: 600_000,
  tries: 3,
  watchdogMs: 10_000,
} satisfies Partial<ImageFields>;

const revisionMax = 0xffff;
const numberMax = 0xffff_ffff;

function valuesOf(argv: string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: argv,
      options: {
        ...{ payload: text, product: text, hardware: text, revisions: text, version: text, sequence: text },
        ...{ counter: text, description: text, keys: text, out: text },
        "raise-floor": { type: "boolean" },
        key: { type: "string", multiple: true },
        help: { type: "boolean", short: "h" },
      },
      allowPositionals: false,
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

type Values = ReturnType<typeof valuesOf>;

function given(values: Values, name: "payload" | "product" | "hardware" | "version" | "sequence" | "out"): string {
  const value = values[name];
  if (value === undefined || value === "") throw new UsageError(`--${name} is needed`);
  return value;
}

function numberIn(text: string, name: string, min: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= numberMax)) throw new UsageError(`--${name} ${text}: a number from ${min}`);
  return value;
}

function nameIn(values: Values, name: "product" | "hardware" | "version"): string {
  const value = given(values, name);
  if (!/^[!-~]{1,32}$/.test(value))
    throw new UsageError(`--${name} ${value}: 1 to 32 printable characters of ASCII without spaces`);
  return value;
}

function revisionsIn(text: string): { revisionMin: number; revisionMax: number } {
  const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [min, max] = [Number(from), Number(to ?? from)];
  if (!(min <= max && max <= revisionMax))
    throw new UsageError(`--revisions ${text}: one, or the lowest and the highest as in 1-3`);
  return { revisionMin: min, revisionMax: max };
}

async function run(argv: string[]): Promise<void> {
  const values = valuesOf(argv);
  if (values.help === true) return void process.stdout.write(usage);
  const fields: ImageFields = {
    ...unread,
    product: nameIn(values, "product"),
    hardware: { name: nameIn(values, "hardware"), ...revisionsIn(values.revisions ?? `0-${revisionMax}`) },
    version: nameIn(values, "version"),
    releaseSequence: numberIn(given(values, "sequence"), "sequence", 1),
    securityCounter: numberIn(values.counter ?? "1", "counter", 0),
    flags: values["raise-floor"] === true ? FLAG_RAISE_FLOOR : 0,
    ...(values.description === undefined ? {} : { description: values.description }),
  };
  const path = resolve(given(values, "out"));
  const payload = readWhole(resolve(given(values, "payload")), "the payload");
  const keys = signingKeys(
    (values.key ?? []).map((key) => resolve(key)),
    resolve(values.keys ?? join(repositoryRoot, "var/keys")),
  );
  const image = await buildImage({ fields, payload, signingKeys: keys.map(({ privateJwk }) => privateJwk) }).catch(
    (error: unknown) => {
      throw new CannotUse(`no image can be made of it: ${(error as Error).message}`);
    },
  );
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, buildRelease([image]));
  const { product, version, hardware } = fields;
  process.stdout.write(`${relative(process.cwd(), path)}: ${product} ${version} for ${hardware.name}\n`);
}

/** Exit status: 0, 1 when something can't be used, 2 when it was called wrongly. */
export async function wrap(argv: string[]): Promise<number> {
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
