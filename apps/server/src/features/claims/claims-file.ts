// Claims as files hold them: JSON ({"claims": […]}, a bare list, one object, or one object a line), or CSV with or
// without a header, parted by comma, semicolon or tab; a third column or member names the one key that may enrol. What
// can't be taken is said by its line, never with the secret; the rest is taken.

import { readFile } from "node:fs/promises";
import { claimSecretPattern, deviceIdPattern, publicKeyPattern } from "@flipside/api/limits";
import { CLAIM_SECRET_BYTES } from "@flipside/image-format";
import type { Logger } from "../../logging.ts";
import { StartError } from "../../start-error.ts";
import type { Claims } from "./claims.ts";

export interface FileClaim {
  /** From 1: the line; in a JSON list, the place in it. */
  at: number;
  deviceId: string;
  secret: string;
  publicKey?: string;
}

export interface ClaimsFile {
  /** What `at` counts. */
  unit: "line" | "entry";
  claims: FileClaim[];
  refused: { at: number; reason: string }[];
}

/** Lines that are named in the log; of more, the number is. */
const refusalsLoggedMax = 50;

/** Names that a header may give the two columns. */
const idNames = ["deviceid", "device_id", "device-id", "device", "id"];
const keyNames = ["publickey", "public_key", "public-key", "key"];
const secretNames = ["secret", "claimsecret", "claim_secret", "claim-secret", "claim"];

/** Why this pair is no claim, or undefined. */
function problemOf(deviceId: unknown, secret: unknown, publicKey: unknown): string | undefined {
  if (typeof deviceId !== "string" || deviceId === "") return "it has no device id";
  if (!deviceIdPattern.test(deviceId))
    return `the device id ${JSON.stringify(deviceId.slice(0, 64))} is not 1 to 48 characters of a-z, 0-9 and -`;
  if (typeof secret !== "string" || secret === "") return `device ${deviceId} has no secret`;
  if (!claimSecretPattern.test(secret))
    return `the secret of device ${deviceId} is not base64url of ${CLAIM_SECRET_BYTES} bytes (${secret.length} characters)`;
  if (publicKey !== undefined && (typeof publicKey !== "string" || !publicKeyPattern.test(publicKey)))
    return `the public key of device ${deviceId} is not base64url of 32 bytes`;
  return undefined;
}

class Collected implements ClaimsFile {
  readonly unit: "line" | "entry";
  readonly claims: FileClaim[] = [];
  readonly refused: { at: number; reason: string }[] = [];

  constructor(unit: "line" | "entry") {
    this.unit = unit;
  }

  add(at: number, deviceId: unknown, secret: unknown, publicKey?: unknown): void {
    const reason = problemOf(deviceId, secret, publicKey);
    if (reason !== undefined) return void this.refused.push({ at, reason });
    const key = publicKey === undefined ? {} : { publicKey: publicKey as string };
    this.claims.push({ at, deviceId: deviceId as string, secret: secret as string, ...key });
  }

  addObject(at: number, value: unknown): void {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      this.refused.push({ at, reason: "it is no object with deviceId and secret" });
    else {
      const { deviceId, secret, publicKey } = value as Record<string, unknown>;
      this.add(at, deviceId, secret, publicKey);
    }
  }
}

function fromJson(value: unknown): ClaimsFile {
  const file = new Collected("entry");
  const list = Array.isArray(value)
    ? value
    : Array.isArray((value as { claims?: unknown } | null)?.claims)
      ? (value as { claims: unknown[] }).claims
      : [value];
  list.forEach((entry, i) => file.addObject(i + 1, entry));
  return file;
}

function jsonLines(lines: string[]): ClaimsFile {
  const file = new Collected("line");
  lines.forEach((line, i) => {
    if (line.trim() === "") return;
    try {
      file.addObject(i + 1, JSON.parse(line));
    } catch {
      file.refused.push({ at: i + 1, reason: "it is not JSON" });
    }
  });
  return file;
}

function csv(lines: string[]): ClaimsFile {
  const file = new Collected("line");
  /** Columns of device id and secret; and of the key, where there is one. */
  let columns = [0, 1, 2];
  let isFirst = true;
  lines.forEach((line, i) => {
    if (line.trim() === "" || line.startsWith("#")) return;
    // RFC 4180; neither value can hold a separator or a quote.
    const fields = line.split(/[,;\t]/).map((field) =>
      field
        .trim()
        .replace(/^"(.*)"$/, "$1")
        .trim(),
    );
    if (isFirst) {
      isFirst = false;
      const names = fields.map((field) => field.toLowerCase());
      const found = [idNames, secretNames, keyNames].map((known) => names.findIndex((name) => known.includes(name)));
      if (!found.slice(0, 2).includes(-1)) {
        columns = found;
        return;
      }
    }
    // An empty field, too, is no key.
    file.add(i + 1, fields[columns[0]!], fields[columns[1]!], fields[columns[2]!] || undefined);
  });
  return file;
}

/** Never throws. A byte order mark is no part of the text (RFC 3629, section 6); Windows' UTF-16 is read as such. */
export function parseClaimsFile(bytes: Uint8Array): ClaimsFile {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  const text = new TextDecoder(encoding).decode(bytes);
  const lines = text.split(/\r\n|\n|\r/);
  if (!/^\s*[[{]/.test(text)) return csv(lines);
  try {
    return fromJson(JSON.parse(text));
  } catch {
    const file = jsonLines(lines);
    if (file.claims.length > 0) return file;
    // What the parser says of it quotes the text, secrets and all.
    return { unit: "line", claims: [], refused: [{ at: 1, reason: "the file begins as JSON and is none" }] };
  }
}

/** Takes what can be taken and says what was not. Throws StartError when the file can't be read at all. */
export async function importClaimsFile(claims: Claims, path: string, log: Logger): Promise<void> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new StartError(`The claims file ${path} cannot be read: ${(error as Error).message}`);
  }
  const { unit, claims: listed, refused: unreadable } = parseClaimsFile(bytes);
  const { imported, refused: conflicting } = await claims.importEach(listed);
  const refused = [...unreadable, ...conflicting].sort((one, other) => one.at - other.at);
  for (const { at, reason } of refused.slice(0, refusalsLoggedMax))
    log.warn({ file: path, [unit]: at }, `a claim was not taken: ${unit} ${at}: ${reason}`);
  if (refused.length > refusalsLoggedMax)
    log.warn({ file: path }, `${refused.length - refusalsLoggedMax} more claims were not taken`);
  log.info({ file: path, listed: listed.length, imported, refused: refused.length }, "claims imported");
}
