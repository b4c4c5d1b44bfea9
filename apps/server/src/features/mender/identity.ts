// Who a device says that it is, and by which key: as its request for a token has it.

import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { targetIdPattern } from "@flipside/api/limits";
import { z } from "zod";

export const identityBytesMax = 1024;
export const publicKeyCharactersMax = 4096;
const membersMax = 16;

const identityShape = z.record(z.string().min(1).max(64), z.union([z.string().max(256), z.number(), z.boolean()]));

export interface Identity {
  /** JSON, names in their order: the same for the same device, however it was written. */
  text: string;
  members: Record<string, string>;
  /** SHA-256 of `text`, hex. */
  hash: string;
}

const sha256 = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Undefined: it is no identity. */
export function readIdentity(text: string): Identity | undefined {
  if (Buffer.byteLength(text) > identityBytesMax) return undefined;
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = identityShape.safeParse(given);
  if (!parsed.success) return undefined;
  const sorted = Object.entries(parsed.data)
    .map(([name, value]): [string, string] => [name, String(value)])
    .sort(([one], [other]) => (one < other ? -1 : 1));
  if (sorted.length === 0 || sorted.length > membersMax) return undefined;
  const members = Object.fromEntries(sorted);
  const canonical = JSON.stringify(members);
  return { text: canonical, members, hash: sha256(canonical) };
}

/** As it is called in the fleet, unless an operator says otherwise: its MAC address, its only member, or a hash. */
export function deviceIdOf({ members, hash }: Pick<Identity, "members" | "hash">): string {
  const values = Object.values(members);
  const said = members["mac"] ?? (values.length === 1 ? values[0]! : "");
  return targetIdPattern.test(said) ? said : `mender-${hash.slice(0, 16)}`;
}

export interface DeviceKey {
  /** SubjectPublicKeyInfo. */
  pem: string;
  /** SHA-256 of its DER, hex. */
  hash: string;
  /** Signatures as Mender's client makes them: of a SHA-256, by RSA (PKCS #1 v1.5) or ECDSA (DER), or Ed25519. */
  hasSigned(body: Uint8Array, signature: Uint8Array): boolean;
}

const rsaBitsMin = 2048;
const rsaBitsMax = 8192;

function isTaken({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): boolean {
  const bits = details?.modulusLength ?? 0;
  return type === "ed25519" || type === "ec" || (type === "rsa" && bits >= rsaBitsMin && bits <= rsaBitsMax);
}

/** Undefined: no key, or of a kind or length that is not taken. A private key is none: it must not be sent. */
export function readDeviceKey(pem: string): DeviceKey | undefined {
  if (pem.length > publicKeyCharactersMax || !/^\s*-----BEGIN (RSA )?PUBLIC KEY-----/.test(pem)) return undefined;
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    return undefined;
  }
  if (!isTaken(key)) return undefined;
  const algorithm = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  return {
    pem: key.export({ type: "spki", format: "pem" }) as string,
    hash: sha256(key.export({ type: "spki", format: "der" })),
    hasSigned(body, signature) {
      try {
        return verify(algorithm, body, key, signature);
      } catch {
        return false;
      }
    },
  };
}
