// `flipside keygen`

import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { command, type Invocation } from "../command-line/command.ts";
import { CommandFailure, UsageError } from "../command-line/failures.ts";

const options = {
  project: {
    value: "FOLDER",
    what: "instead: all keys of a new project (root, release, operations) and its trust chain",
  },
} as const;

async function project(folder: string) {
  const { projectKeys } = await import("../../../agent/build/project-keys.ts");
  const { keyIdOf, toHex } = await import("@flipside/image-format");
  const chain = join(folder, "trust-chain.bin");
  if (existsSync(chain)) throw new CommandFailure(`${folder} has the keys of a project already: nothing was made`);
  const keys = await projectKeys(folder);
  const id = async (key: { publicKey: Uint8Array }): Promise<string> => toHex(await keyIdOf(key.publicKey));
  const [root, release, operations] = await Promise.all([id(keys.root), id(keys.release), id(keys.operations)]);
  return {
    json: { folder, trustChain: keys.trustChainPath, root, release, operations },
    text: [
      `made in ${folder}: root key ${root}, release key ${release}, operations key ${operations}`,
      `the server starts with --trust-chain ${keys.trustChainPath} --operations-key ${keys.operationsKeyPath}`,
      "keep root and release key where no server is, and a copy of them elsewhere",
    ].join("\n"),
  };
}

async function run({ options: asked, words }: Invocation<typeof options>) {
  if ((asked.project === undefined) === (words[0] === undefined))
    throw new UsageError("give a file for one key, or --project FOLDER for a project's");
  if (asked.project !== undefined) return project(resolve(asked.project));
  const path = resolve(words[0]!);
  const publicPath = `${path.replace(/\.private\.jwk$|\.jwk$/, "")}.public.jwk`;
  const { generateSigningKey, keyIdOf, toHex } = await import("@flipside/image-format");
  const { writeWhole } = await import("../../../agent/build/project-keys.ts");
  for (const each of [path, publicPath])
    if (existsSync(each)) throw new CommandFailure(`${each} is there already: nothing was made`);
  const { privateJwk, publicKey } = await generateSigningKey();
  const { d: _, ...publicJwk } = privateJwk;
  mkdirSync(dirname(path), { recursive: true });
  writeWhole(path, `${JSON.stringify(privateJwk, null, 2)}\n`, 0o600);
  writeWhole(publicPath, `${JSON.stringify(publicJwk, null, 2)}\n`, 0o644);
  const keyId = toHex(await keyIdOf(publicKey));
  return {
    json: { keyId, path, publicPath },
    text: `key ${keyId}: ${path} for you alone, ${publicPath} for everybody`,
  };
}

export const keygen = command({
  name: "keygen",
  summary: "Make an Ed25519 key, or all keys of a new project",
  about:
    "The private half is a JWK that only its owner can read; the public half lies beside it. A new release key signs when the trust chain names it (flipside trust make add-release --public FILE).",
  arguments: [{ name: "FILE", what: "where the private key goes", optional: true }],
  options,
  examples: ["flipside keygen keys/release-2.private.jwk", "flipside keygen --project keys"],
  run,
});
