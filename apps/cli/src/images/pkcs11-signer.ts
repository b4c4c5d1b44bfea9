// A key that never leaves its token, used through OpenSSL: its PKCS #11 provider where there is one, else the engine.

import { spawnSync } from "node:child_process";
import { createPublicKey, verify } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ImageSigner, signingPrefixes, toBase64Url } from "@flipside/image-format";
import { CommandFailure, UsageError } from "../command-line/failures.ts";

/** A person may have to touch the token. */
const SIGN_TIMEOUT_MS = 120_000;
const ASK_TIMEOUT_MS = 20_000;

function openssl(args: string[], timeout: number): { status: number | null; said: string } {
  const { status, error, stderr } = spawnSync("openssl", args, {
    encoding: "utf8",
    timeout,
    stdio: ["inherit", "pipe", "pipe"],
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT")
    throw new CommandFailure("openssl is not installed (apt-get install -y openssl)");
  return { status, said: error?.message ?? stderr.trim() };
}

const hasProvider = (): boolean => openssl(["list", "-providers", "-provider", "pkcs11"], ASK_TIMEOUT_MS).status === 0;

function signedBy(uri: string, message: Uint8Array): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "flipside-sign-"));
  try {
    const [input, output] = [join(folder, "message"), join(folder, "signature")];
    writeFileSync(input, message);
    const through = hasProvider()
      ? ["-provider", "default", "-provider", "pkcs11"]
      : ["-engine", "pkcs11", "-keyform", "engine"];
    // Ed25519 hashes itself: the message goes in as it is (openssl-pkeyutl(1), -rawin).
    const { status, said } = openssl(
      ["pkeyutl", "-sign", "-rawin", ...through, "-inkey", uri, "-in", input, "-out", output],
      SIGN_TIMEOUT_MS,
    );
    if (status !== 0) throw new CommandFailure(`openssl could not sign with the token's key:\n${said}`);
    return new Uint8Array(readFileSync(output));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Throws UsageError where the URI is none, or would show its PIN. */
export function pkcs11Signer(uri: string, publicKey: Uint8Array): ImageSigner {
  if (!uri.startsWith("pkcs11:"))
    throw new UsageError("--pkcs11: a URI is meant, such as pkcs11:token=release;object=key");
  if (/[;?&]pin-value=/.test(uri))
    throw new UsageError(
      "--pkcs11: whoever looks at this machine's processes would see the PIN: use pin-source=file:PATH",
    );
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: toBase64Url(publicKey) }, format: "jwk" });
  return {
    publicKey,
    sign: async (header) => {
      const message = Buffer.concat([new TextEncoder().encode(signingPrefixes.image), header]);
      const signature = signedBy(uri, message);
      if (!verify(null, message, key, signature))
        throw new CommandFailure("the token's key is not the private half of --public-key: nothing was signed");
      return signature;
    },
  };
}
