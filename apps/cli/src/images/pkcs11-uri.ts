// Which key of which token is meant (RFC 7512), and where its PIN is.

import { readFileSync } from "node:fs";
import { CommandFailure, UsageError } from "../command-line/failures.ts";

export interface TokenKey {
  /** As it was given. */
  uri: string;
  /** The token's label. */
  token: string;
  /** The key's id, in hex. */
  id: string;
  /** The library that reaches the token. */
  modulePath: string;
  /** Undefined: it needs none, or the library asks for it. */
  pin: string | undefined;
}

const example = "pkcs11:token=release;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/pin";

/** `name=value`, parted by `by`. Throws UsageError. */
function attributesIn(text: string, by: string): Map<string, string> {
  return new Map(
    text
      .split(by)
      .filter((part) => part !== "")
      .map((part) => {
        const at = part.indexOf("=");
        if (at < 1) throw new UsageError(`--pkcs11: ${part} is no name=value. Such a URI is meant: ${example}`);
        return [part.slice(0, at), part.slice(at + 1)];
      }),
  );
}

/** A key's id is bytes, each of which may stand as %XX. */
function idInHex(encoded: string): string {
  const bytes = encoded.replace(/%([0-9a-f]{2})|([^%])/gi, (_, hex?: string, character?: string) =>
    hex === undefined ? Buffer.from(character!).toString("hex") : hex.toLowerCase(),
  );
  if (!/^([0-9a-f]{2})+$/.test(bytes)) throw new UsageError(`--pkcs11: id=${encoded} is no id, such as %01`);
  return bytes;
}

function pinIn(source: string | undefined): string | undefined {
  if (source === undefined) return undefined;
  const path = source.replace(/^file:(\/\/(?=\/))?/, "");
  try {
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    throw new CommandFailure(`the PIN can't be read: ${(error as Error).message}`);
  }
}

/** Throws UsageError where it is no such URI, or would show the PIN; CommandFailure where that can't be read. */
export function readTokenKey(uri: string): TokenKey {
  const [, path, query = ""] = /^pkcs11:([^?]*)(?:\?(.*))?$/.exec(uri) ?? [];
  if (path === undefined) throw new UsageError(`--pkcs11: a URI is meant: ${example}`);
  const [words, more] = [attributesIn(path, ";"), attributesIn(query, "&")];
  if (words.has("pin-value") || more.has("pin-value"))
    throw new UsageError("--pkcs11: everybody on this machine would see the PIN: use pin-source=file:PATH");
  const [token, id, modulePath] = [words.get("token"), words.get("id"), more.get("module-path")];
  if (token === undefined || id === undefined || modulePath === undefined)
    throw new UsageError(`--pkcs11: token, id and module-path are wanted: ${example}`);
  const pin = pinIn(more.has("pin-source") ? decodeURIComponent(more.get("pin-source")!) : undefined);
  return { uri, token: decodeURIComponent(token), id: idInHex(id), modulePath: decodeURIComponent(modulePath), pin };
}
