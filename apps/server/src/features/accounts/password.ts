// Password hashes: scrypt (RFC 7914), its parameters kept beside each hash so that they can grow.

import { randomBytes, randomInt, scrypt, timingSafeEqual } from "node:crypto";

/** Parameters of scrypt: a hash takes 128 N r bytes, and time in proportion to N r p. */
export interface PasswordCost {
  N: number;
  r: number;
  p: number;
}

/**
 * 32 MiB and about 60 ms a hash: OWASP's second choice of parameters for scrypt, N = 2^15, r = 8, p = 3, with p lowered
 * to 1 for small servers.
 */
export const passwordCost: PasswordCost = { N: 2 ** 15, r: 8, p: 1 };
const hashBytes = 32;
const saltBytes = 16;
/** Hashes at a time: each takes 32 MiB, and anybody may ask for one by trying to sign in. */
const concurrent = 2;
const waitingMax = 50;

export class PasswordQueueFull extends Error {}

let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= concurrent) {
    if (waiting.length >= waitingMax) throw new PasswordQueueFull();
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  running++;
  try {
    return await work();
  } finally {
    running--;
    waiting.shift()?.();
  }
}

function derive(password: string, salt: Buffer, { N, r, p }: PasswordCost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Node refuses more than 32 MiB unless told; scrypt takes 128 N r bytes and a little.
    scrypt(password.normalize("NFKC"), salt, hashBytes, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

export async function hashPassword(password: string, cost: PasswordCost): Promise<string> {
  const salt = randomBytes(saltBytes);
  const key = await inTurn(() => derive(password, salt, cost));
  return `scrypt$${cost.N}$${cost.r}$${cost.p}$${salt.toString("base64url")}$${key.toString("base64url")}`;
}

export async function passwordMatches(password: string, hash: string): Promise<boolean> {
  const [, N, r, p, salt, key] = hash.split("$");
  const expected = Buffer.from(key!, "base64url");
  const actual = await inTurn(() =>
    derive(password, Buffer.from(salt!, "base64url"), { N: Number(N), r: Number(r), p: Number(p) }),
  );
  return timingSafeEqual(expected, actual);
}

/** Without letters that look like others; 20 characters have 98 bits. */
const alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
export function oneTimePassword(): string {
  return Array.from({ length: 4 }, () =>
    Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join(""),
  ).join("-");
}
