// `flipside mender preauthorize`

import { readFileSync } from "node:fs";
import { command, type Invocation } from "../../command-line/command.ts";
import { CommandFailure, UsageError } from "../../command-line/failures.ts";
import { admissionOf, admissionOptions } from "./admission.ts";

function readMember(text: string): [string, string] {
  const [, name, value] = /^([^=]{1,64})=(.{1,256})$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new UsageError("an identity is NAME=VALUE, such as mac=02:00:…");
  return [name, value];
}

const options = {
  key: { value: "FILE", what: "its public key, PEM" },
  identity: { value: "NAME=VALUE", what: "as its mender-device-identity says it", many: true, read: readMember },
  ...admissionOptions,
} as const;

function readKey(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new CommandFailure(`the key can't be read: ${(error as Error).message}`);
  }
}

async function run({ options: asked, connect }: Invocation<typeof options>) {
  const { key, identity, product } = asked;
  if (key === undefined || identity.length === 0 || product === undefined)
    throw new UsageError("say who it is: --identity NAME=VALUE, --key FILE and --product PRODUCT");
  const body = { identity: Object.fromEntries(identity), publicKey: readKey(key), product, ...admissionOf(asked) };
  const set = await connect()("POST /api/v1/mender/auth-sets", { body });
  return { json: set, text: `${set.deviceId} is let in by this key as soon as it comes` };
}

export const preauthorizeMender = command({
  name: "mender preauthorize",
  summary: "Accept a device with Mender's client before it comes",
  about: "The key is the public half of what the device has in mender-agent.pem.",
  options,
  examples: ["flipside mender preauthorize --identity mac=02:00:00:00:00:01 --key pump-1.pub.pem --product pump"],
  connects: true,
  run,
});
