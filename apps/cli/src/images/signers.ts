// Who signs, as the command line says it. A private key is in a file, in the environment or in a token; never in an
// argument, which everybody on the machine can read.

import { resolve } from "node:path";
import { signerOf, type Signer } from "@flipside/image-format";
import type { OptionsOf } from "../command-line/command.ts";
import { UsageError } from "../command-line/failures.ts";
import type { Io } from "../command-line/io.ts";
import { pkcs11Signer } from "./pkcs11-signer.ts";
import { keysFolder, newestReleaseKey, publicKeyIn, signingKeyIn, signingKeyOf } from "./release-keys.ts";
import type { signerOptions } from "./signer-options.ts";

/** At least one: without a word about it, the newest release key of the project. Throws UsageError, CommandFailure. */
export function signersMeant(options: OptionsOf<typeof signerOptions>, io: Io): Signer[] {
  const { key: files, "key-env": variable, pkcs11, "public-key": publicKey, keys } = options;
  const signers = files.map((path) => signerOf(signingKeyIn(resolve(path))));
  if (variable !== undefined) {
    const text = io.environment[variable];
    if (!text) throw new UsageError(`--key-env ${variable}: this environment variable is not set`);
    signers.push(signerOf(signingKeyOf(text, `the environment variable ${variable}`)));
  }
  if ((pkcs11 === undefined) !== (publicKey === undefined))
    throw new UsageError("--pkcs11 URI and --public-key FILE go together: the token's key, and its public half");
  if (pkcs11 !== undefined) signers.push(pkcs11Signer(pkcs11, publicKeyIn(resolve(publicKey!))));
  return signers.length > 0 ? signers : [signerOf(newestReleaseKey(keysFolder(keys)))];
}
