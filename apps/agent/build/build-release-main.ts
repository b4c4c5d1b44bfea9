// The documented command that builds a release (README, docs/architecture.md): npm run build:release -- --version 1.2.3
// …

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { describeImage, errorName, FormatError, splitRelease } from "@flipside/image-format";
import { buildSignedRelease, buildVirtualRelease } from "./build-release.ts";
import { repositoryRoot } from "./paths.ts";
import { projectKeys } from "./project-keys.ts";
import { missingDeviceTools, ToolError } from "./run-tool.ts";

const usage = `Usage: npm run build:release -- --version V --sequence N [options]

Compiles agent and app, links the unikernel and the virtual devices' bundle, and signs both as one release file.
The same sources, options and keys give the same bytes.

  --version V            semantic version, such as 2.1.0 (required)
  --sequence N           release sequence: devices refuse one below the one they run (required)
  --app ENTRY            entry of your app module, exporting start() and tick() (apps/agent/src/app/main.ts)
  --agent ENTRY          entry of the agent module (apps/agent/src/agent/main.ts)
  --security-counter N   images below a device's floor never boot there (1)
  --description TEXT     what the release is about, at most 512 bytes
  --keys FOLDER          folder with the project's keys; made when it does not exist (var/keys)
  --virtual-only         the image for virtual devices alone: npm packages build it, without a cross compiler
  --out FILE             where to write it (var/releases/flipside-demo-V.release)
  --help                 this text
`;

class UsageError extends Error {}

function wholeNumber(name: string, text: string | undefined, fallback?: number): number {
  if (text === undefined && fallback !== undefined) return fallback;
  const value = Number(text);
  if (text === undefined || !/^\d+$/.test(text) || value > 0xffffffff)
    throw new UsageError(`--${name} ${text ?? "is missing"}: a whole number from 0 to 4294967295`);
  return value;
}

async function main(): Promise<void> {
  let values: Record<string, string | boolean | undefined>;
  try {
    const text = { type: "string" as const };
    ({ values } = parseArgs({
      options: {
        version: text,
        sequence: text,
        app: text,
        agent: text,
        "security-counter": text,
        description: text,
        keys: text,
        out: text,
        "virtual-only": { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
      allowPositionals: false,
    }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (values["help"]) return void process.stdout.write(usage);
  const option = (name: string): string | undefined => values[name] as string | undefined;
  const entry = (name: string): string | undefined => (option(name) === undefined ? undefined : resolve(option(name)!));
  const version = option("version");
  if (version === undefined || !/^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$/.test(version))
    throw new UsageError(`--version ${version ?? "is missing"}: a semantic version such as 2.1.0`);
  const keysFolder = resolve(option("keys") ?? join(repositoryRoot, "var/keys"));
  if (option("keys") !== undefined && !existsSync(keysFolder))
    process.stderr.write(`${keysFolder} does not exist yet: making new keys there\n`);
  const keys = await projectKeys(keysFolder);
  const appEntry = entry("app");
  const agentEntry = entry("agent");
  const description = option("description");
  const missing = missingDeviceTools();
  if (values["virtual-only"] !== true && missing.length > 0) {
    throw new ToolError(
      `${missing.join(", ")} missing here (npm run setup says how to get that). With --virtual-only, the release is for virtual devices alone, and takes none of it.`,
    );
  }
  const build = values["virtual-only"] === true ? buildVirtualRelease : buildSignedRelease;
  const built = await build({
    version,
    releaseSequence: wholeNumber("sequence", option("sequence")),
    securityCounter: wholeNumber("security-counter", option("security-counter"), 1),
    ...(appEntry === undefined ? {} : { appEntry }),
    ...(agentEntry === undefined ? {} : { agentEntry }),
    ...(description === undefined ? {} : { description }),
    signingKeys: [keys.release.privateJwk],
    onProgress: (step) => process.stderr.write(`building: ${step}\n`),
  });
  const out = resolve(option("out") ?? join(repositoryRoot, `var/releases/flipside-demo-${version}.release`));
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, built.file);
  process.stdout.write(`${relative(process.cwd(), out)}: ${built.file.length} bytes\n`);
  for (const image of splitRelease(built.file)) {
    const d = await describeImage(image);
    process.stdout.write(
      `  ${d.hardware.name.padEnd(14)} ${String(d.sizeBytes).padStart(7)} bytes  digest ${d.digest}\n`,
    );
  }
}

main().catch((error: unknown) => {
  const forPeople = error instanceof UsageError || error instanceof ToolError || error instanceof FormatError;
  if (error instanceof FormatError)
    process.stderr.write(`the image would not be accepted (${errorName(error.code)}): ${error.message}\n`);
  else
    process.stderr.write(forPeople ? `${(error as Error).message}\n` : `${(error as Error).stack ?? String(error)}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${usage}`);
  process.exit(1);
});
