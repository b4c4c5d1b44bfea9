// Two times. The wall clock is for people: it is set by hand, by NTP, by a daemon that got it wrong, and so it jumps.
// Durations (deadlines, sign-ins, nonces, expiry) are of steady time: on the scale of milliseconds since 1970, as a
// database can hold it, and moved on only by what a monotonic clock says has passed. What passed while the server was
// down is told by the monotonic clock, too, as long as the machine has not started anew; after that by the wall clock,
// which can at worst be believed when it says that nothing has passed.

import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import type { Storage } from "./storage/storage.ts";

const metaKey = "clock";

export interface ClockSource {
  /** Milliseconds since 1970. */
  wallMs: () => number;
  /** Milliseconds of a clock that only goes forward, of one zero for all processes since the machine started. */
  monotonicMs: () => number;
  /** Which start of the machine that zero belongs to; undefined: not known. */
  bootId: string | undefined;
}

export interface Clock {
  wallMs(): number;
  steadyMs(): number;
  /** A moment of steady time, as the wall clock will show it if it stays as it is. */
  shownMs(steadyMs: number): number;
  /** Keeps the time, so that the next run goes on from it. */
  store(): Promise<void>;
}

interface Kept {
  steadyMs: number;
  wallMs: number;
  monotonicMs: number;
  bootId?: string;
}

function bootIdOfLinux(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
}

/** uptime() opens, reads and closes a file; several times for each message of a device, that is felt. */
const uptimeEveryMs = 1_000;
let suspendedMs = 0;
let uptimeAskedMs = -Infinity;

/** CLOCK_MONOTONIC; on Linux with the time that the machine was suspended, which uptime() counts, in whole seconds. */
function monotonicMs(): number {
  const sinceStart = Number(process.hrtime.bigint() / 1_000n) / 1_000;
  if (process.platform === "linux" && sinceStart - uptimeAskedMs >= uptimeEveryMs) {
    uptimeAskedMs = sinceStart;
    suspendedMs = Math.max(suspendedMs, (uptime() - 1) * 1000 - sinceStart);
  }
  return sinceStart + suspendedMs;
}

export const systemClock: ClockSource = { wallMs: Date.now, monotonicMs, bootId: bootIdOfLinux() };

/** `agreedMs`: steady time as other servers have it that use the same database. */
export async function openClock(storage: Storage, source: ClockSource, agreedMs?: number): Promise<Clock> {
  const row = await storage.db.selectFrom("meta").select("value").where("key", "=", metaKey).executeTakeFirst();
  const kept = row === undefined ? undefined : (JSON.parse(row.value.toString()) as Kept);
  const monotonicBase = source.monotonicMs();
  const steadyBase = agreedMs ?? (kept === undefined ? source.wallMs() : kept.steadyMs + passedSince(kept));

  function passedSince(kept: Kept): number {
    const sameStart = source.bootId !== undefined && kept.bootId === source.bootId;
    return Math.max(0, sameStart ? monotonicBase - kept.monotonicMs : source.wallMs() - kept.wallMs);
  }

  const steadyMs = (): number => Math.floor(steadyBase + source.monotonicMs() - monotonicBase);
  const clock: Clock = {
    wallMs: source.wallMs,
    steadyMs,
    shownMs: (at) => source.wallMs() + (at - steadyMs()),
    async store() {
      const now: Kept = {
        steadyMs: steadyMs(),
        wallMs: source.wallMs(),
        monotonicMs: source.monotonicMs(),
        ...(source.bootId === undefined ? {} : { bootId: source.bootId }),
      };
      const value = Buffer.from(JSON.stringify(now));
      await storage.db
        .insertInto("meta")
        .values({ key: metaKey, value })
        .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
        .execute();
    },
  };
  await clock.store();
  return clock;
}
