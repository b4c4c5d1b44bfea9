// Slows password guessing down, by the address that it comes from and by the account that it is for. Nobody is locked
// out: an account under attack costs others a short wait, never a refusal, and an address is let in again within
// seconds of its last failure. Times are of a monotonic clock.
//
// From one address, attempts beyond the first few take turns, and each next turn comes later (doubling up to
// `turnMsMax`); whoever would wait longer than `waitMsMax` is told when to come again. For one account, many failures
// from wherever make each attempt a little slower; an address that has signed in to the account before is spared.

import { isIPv6 } from "node:net";

const freePerAddress = 5;
const freePerAccount = 20;
const turnMsFirst = 250;
const turnMsMax = 2_000;
const waitMsMax = 6_000;
const accountDelayMsMax = 1_000;
/** One failure is forgotten in this time. */
const forgetMs = 10_000;
/** More failures are not remembered, so that they are forgotten within a few minutes. */
const failuresMax = 30;
const keysMax = 10_000;
export const welcomeMax = 50;

export interface Counter {
  failures: number;
  /** Up to when they have been forgotten. */
  since: number;
  /** When the next attempt may begin. */
  nextAt: number;
}

/** How long an attempt is to be held, or in how many seconds to come again. */
export type Admission = { holdMs: number } | { retryAfterSeconds: number };

export interface AttemptLimits {
  /** Counts as failed until `succeeded`. */
  begin(address: string, account: string): Admission | Promise<Admission>;
  succeeded(address: string, account: string): void | Promise<void>;
}

/** Forgets what time has made good. */
export function forget(counter: Counter, now: number): void {
  const forgotten = Math.floor((now - counter.since) / forgetMs);
  counter.failures = Math.max(0, counter.failures - forgotten);
  counter.since += forgotten * forgetMs;
}

/** Counts an attempt; `isSpared`: the network has signed in to the account before. */
export function admit(from: Counter, target: Counter, isSpared: boolean, now: number): Admission {
  const beyond = from.failures - freePerAddress;
  const turnMs = beyond < 0 ? 0 : Math.min(turnMsMax, turnMsFirst * 2 ** beyond);
  const turnAt = Math.max(now, from.nextAt) + turnMs;
  if (turnAt - now > waitMsMax) return { retryAfterSeconds: Math.max(1, Math.ceil((from.nextAt - now) / 1000)) };
  from.nextAt = turnMs === 0 ? from.nextAt : turnAt;
  const accountMs = isSpared ? 0 : Math.min(accountDelayMsMax, Math.max(0, target.failures - freePerAccount) * 100);
  from.failures = Math.min(failuresMax, from.failures + 1);
  target.failures = Math.min(freePerAccount + failuresMax, target.failures + 1);
  return { holdMs: Math.max(turnAt - now, accountMs) };
}

/** An attacker has a whole /56 of IPv6 (RFC 6177) as another has one IPv4 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address.slice(0, 64);
  const [head = "", tail] = address.split("%")[0]!.toLowerCase().split("::");
  const left = head.split(":").filter(Boolean);
  const right = (tail ?? "").split(":").filter(Boolean);
  const groups = [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0"), ...right];
  return groups
    .slice(0, 4)
    .map((group, i) => (i < 3 ? parseInt(group, 16) : parseInt(group, 16) & 0xff00).toString(16))
    .join(":");
}

/** In this process's memory. */
export class AttemptLimiter implements AttemptLimits {
  readonly #now: () => number;
  readonly #addresses = new Map<string, Counter>();
  readonly #accounts = new Map<string, Counter>();
  /** By account: networks that gave the right password, newest last. */
  readonly #welcome = new Map<string, Set<string>>();

  constructor(monotonicMs: () => number) {
    this.#now = monotonicMs;
  }

  begin(address: string, account: string): Admission {
    const now = this.#now();
    const network = networkOf(address);
    const from = this.#counter(this.#addresses, network, now);
    const target = this.#counter(this.#accounts, account, now);
    return admit(from, target, this.#welcome.get(account)?.has(network) === true, now);
  }

  succeeded(address: string, account: string): void {
    const network = networkOf(address);
    for (const counter of [this.#addresses.get(network), this.#accounts.get(account)])
      if (counter !== undefined && counter.failures > 0) counter.failures--;
    const welcome = this.#welcome.get(account) ?? new Set();
    welcome.delete(network);
    welcome.add(network);
    if (welcome.size > welcomeMax) welcome.delete(welcome.values().next().value!);
    this.#welcome.set(account, welcome);
  }

  #counter(counters: Map<string, Counter>, key: string, now: number): Counter {
    const counter = counters.get(key) ?? { failures: 0, since: now, nextAt: now };
    forget(counter, now);
    // The longest unused goes first.
    counters.delete(key);
    if (counters.size >= keysMax) counters.delete(counters.keys().next().value!);
    counters.set(key, counter);
    return counter;
  }
}
