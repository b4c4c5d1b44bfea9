// A key that never leaves its token, used by OpenSSL where it has a PKCS #11 provider, else by OpenSC's pkcs11-tool.
// OpenSSL's engine of that name is not used: libp11 0.4.12, of Debian 12, knows no Ed25519 and crashes at it.

import { spawnSync } from "node:child_process";
import { createPublicKey, verify } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Signer, signingPrefixes, toBase64Url } from "@flipside/image-format";
import { CommandFailure } from "../command-line/failures.ts";
import { readTokenKey, type TokenKey } from "./pkcs11-uri.ts";

/** A person may have to touch the token. */
const SIGN_TIMEOUT_MS = 120_000;
const ASK_TIMEOUT_MS = 20_000;
/** Arguments are seen by everybody on the machine, a process's environment by its owner alone. */
const PIN_VARIABLE = "FLIPSIDE_TOKEN_PIN";

/** Undefined: there is no such program. */
function ran(program: string, args: string[], timeout: number, environment: NodeJS.ProcessEnv = {}) {
  const { status, error, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    timeout,
    env: { ...process.env, ...environment },
    stdio: ["inherit", "pipe", "pipe"],
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return undefined;
  return { status, said: error?.message ?? stderr.trim() };
}

interface Files {
  message: string;
  signature: string;
}

type Way = (key: TokenKey, files: Files) => ReturnType<typeof ran>;

/** Ed25519 hashes itself: the message goes in as it is (openssl-pkeyutl(1), -rawin). */
const byOpenssl: Way = ({ uri, modulePath }, { message, signature }) =>
  ran(
    "openssl",
    [
      ...["pkeyutl", "-sign", "-rawin", "-provider", "default", "-provider", "pkcs11"],
      ...["-inkey", uri, "-in", message, "-out", signature],
    ],
    SIGN_TIMEOUT_MS,
    { PKCS11_PROVIDER_MODULE: modulePath },
  );

/** Without a PIN it asks at the terminal. */
const byPkcs11Tool: Way = ({ token, id, modulePath, pin }, { message, signature }) =>
  ran(
    "pkcs11-tool",
    [
      ...["--module", modulePath, "--token-label", token, "--login", "--sign", "--mechanism", "EDDSA", "--id", id],
      ...(pin === undefined ? [] : ["--pin", `env:${PIN_VARIABLE}`]),
      ...["--input-file", message, "--output-file", signature],
    ],
    SIGN_TIMEOUT_MS,
    pin === undefined ? {} : { [PIN_VARIABLE]: pin },
  );

const hasProvider = ({ modulePath }: TokenKey): boolean =>
  ran("openssl", ["list", "-providers", "-provider", "pkcs11"], ASK_TIMEOUT_MS, { PKCS11_PROVIDER_MODULE: modulePath })
    ?.status === 0;

function signedBy(key: TokenKey, message: Uint8Array): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "flipside-sign-"));
  try {
    const files = { message: join(folder, "message"), signature: join(folder, "signature") };
    writeFileSync(files.message, message);
    const result = (hasProvider(key) ? byOpenssl : byPkcs11Tool)(key, files);
    if (result === undefined)
      throw new CommandFailure(
        "neither OpenSSL's PKCS #11 provider nor pkcs11-tool is installed (apt-get install -y opensc, or pkcs11-provider)",
      );
    if (result.status !== 0) throw new CommandFailure(`the token did not sign: ${result.said}`);
    return new Uint8Array(readFileSync(files.signature));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Throws UsageError where the URI is none, or would show its PIN. */
export function pkcs11Signer(uri: string, publicKey: Uint8Array): Signer {
  const tokenKey = readTokenKey(uri);
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: toBase64Url(publicKey) }, format: "jwk" });
  return {
    publicKey,
    sign: async (signed, purpose) => {
      const message = Buffer.concat([new TextEncoder().encode(signingPrefixes[purpose]), signed]);
      const signature = signedBy(tokenKey, message);
      if (!verify(null, message, key, signature))
        throw new CommandFailure("the token's key is not the private half of --public-key: nothing was signed");
      return signature;
    },
  };
}
