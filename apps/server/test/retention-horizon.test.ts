// Whichever way the clock jumps, nothing goes before its time, and nothing stays for ever.

import { describe, expect, it } from "vitest";
import { countedMaxMs, earliestOf, fewer, horizonOf, nextSpan, type Span } from "../src/domain/retention-horizon.ts";
import { Random, seed } from "./random.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** A server with a clock that is set, machines that start anew, and rows that carry what the clock shows. */
class World {
  /** What really has passed. */
  nowMs = Date.UTC(2027, 6, 1);
  wallOffMs = 0;
  /** What the server takes for steady time, beside what has passed. */
  steadyOffMs = 0;
  reboots = 0;
  spans: Span[] = [];
  rows: { writtenMs: number; at: number }[] = [];
  readonly keepMaxMs: number;
  #lowestAt = Number.POSITIVE_INFINITY;

  constructor(keepMaxMs: number) {
    this.keepMaxMs = keepMaxMs;
    this.sweep();
  }

  get wallMs(): number {
    return this.nowMs + this.wallOffMs;
  }

  pass(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; ) {
      this.nowMs += Math.min(minuteMs, end - this.nowMs);
      this.#observe();
      if (this.nowMs % (20 * minuteMs) < minuteMs) this.rows.push({ writtenMs: this.nowMs, at: this.wallMs });
    }
  }

  setClock(offMs: number): void {
    this.wallOffMs = offMs;
    this.#observe();
  }

  /** Off for a while; the machine starts anew with another clock, and its server can only believe it. */
  reboot(pauseMs: number, offMs: number): void {
    const before = this.wallMs;
    this.nowMs += pauseMs;
    this.wallOffMs = offMs;
    this.steadyOffMs += Math.max(0, this.wallMs - before) - pauseMs;
    this.reboots++;
    this.#lowestAt = this.wallMs;
  }

  sweep(): void {
    const now = { wallMs: this.wallMs, steadyMs: this.nowMs + this.steadyOffMs, lowestAt: this.#lowestAt };
    this.spans = fewer([...this.spans, nextSpan(this.spans.at(-1), now)], this.keepMaxMs);
    this.#lowestAt = this.wallMs;
  }

  /** What is not removed. */
  left(keepMs: number): World["rows"] {
    const horizon = horizonOf(this.spans, keepMs);
    return this.rows.filter(({ at }) => at >= horizon);
  }

  #observe(): void {
    this.#lowestAt = earliestOf(this.#lowestAt, this.wallMs);
  }
}

describe("what is kept for a while", () => {
  it.each([dayMs, 14 * dayMs])("goes when its time has come, where nothing jumps (%i ms)", (keepMs) => {
    const world = new World(keepMs);
    for (let hour = 0; hour < (keepMs + 3 * dayMs) / hourMs; hour++) {
      world.pass(hourMs);
      world.sweep();
    }
    const left = world.left(keepMs);
    const oldest = world.nowMs - left[0]!.writtenMs;
    expect(oldest).toBeGreaterThanOrEqual(keepMs - 20 * minuteMs);
    // Days are exact to a day once they are a few days old.
    expect(oldest).toBeLessThanOrEqual(keepMs + 2 * hourMs + (keepMs > 2 * dayMs ? dayMs : 0));
  });

  it("is all there while the clock is a month ahead, and after it was set back, and goes then", () => {
    const world = new World(dayMs);
    const hours = (count: number): void => {
      for (let i = 0; i < count; i++) {
        world.pass(hourMs);
        world.sweep();
      }
    };
    const young = (): number => world.rows.filter(({ writtenMs }) => writtenMs > world.nowMs - dayMs).length;
    hours(30);
    world.setClock(30 * dayMs);
    world.sweep();
    expect(world.left(dayMs).length).toBeGreaterThanOrEqual(young());
    hours(12);
    expect(world.left(dayMs).length).toBeGreaterThanOrEqual(young());
    world.setClock(0);
    world.sweep();
    expect(world.left(dayMs).length).toBeGreaterThanOrEqual(young());
    hours(40);
    const ahead = world.rows.filter(({ at, writtenMs }) => at > writtenMs).length;
    expect(ahead).toBeGreaterThan(0);
    const tolerated = (2 * hourMs) / (20 * minuteMs);
    expect(world.left(dayMs).length, "what was written meanwhile is still in the future").toBeLessThanOrEqual(
      young() + ahead + tolerated,
    );
    hours(30 * 24);
    expect(world.left(dayMs).length, "and goes when that is past").toBeLessThanOrEqual(young() + tolerated);
  });

  it("goes as far as the server ran, when the machine was off", () => {
    const world = new World(2 * dayMs);
    for (let day = 0; day < 60; day++) {
      for (let hour = 0; hour < 8; hour++) {
        world.pass(hourMs);
        world.sweep();
      }
      world.reboot(16 * hourMs, 0);
    }
    const running = world.left(2 * dayMs).length * 20 * minuteMs;
    expect(running, "bounded by what it writes in so much time").toBeLessThanOrEqual(2 * dayMs + dayMs);
  });

  it("goes in its time at a machine that begins in 1970 every day, and is told the time a minute later", () => {
    const world = new World(2 * dayMs);
    for (let day = 0; day < 30; day++) {
      world.reboot(minuteMs, -world.nowMs);
      world.pass(minuteMs);
      world.setClock(0);
      for (let hour = 0; hour < 24; hour++) {
        world.pass(hourMs);
        world.sweep();
      }
    }
    const oldest = world.nowMs - world.left(2 * dayMs)[0]!.writtenMs;
    expect(oldest).toBeGreaterThan(2 * dayMs - hourMs);
    expect(oldest).toBeLessThan(3 * dayMs + 3 * hourMs);
    for (let day = 0; day < 3; day++) {
      world.reboot(minuteMs, -world.nowMs);
      for (let hour = 0; hour < 24; hour++) {
        world.pass(hourMs);
        world.sweep();
      }
    }
    const everything = world.rows.length;
    expect(world.left(2 * dayMs), "who is never told the time loses nothing by it").toHaveLength(everything);
  });

  it(`never goes before its time, whatever is done to the clock (seed ${seed})`, () => {
    const random = new Random(seed);
    for (let run = 0; run < 40; run++) {
      const keepMs = random.pick([6 * hourMs, dayMs, 5 * dayMs]);
      const world = new World(random.pick([keepMs, 10 * dayMs]));
      for (let step = 0; step < 60; step++) {
        const jump = (random.below(3) === 0 ? 0 : random.below(120) - 60) * dayMs + random.below(hourMs);
        const what = random.below(10);
        if (what === 0) world.setClock(jump);
        else if (what === 1) world.reboot(random.below(3 * dayMs), random.pick([jump, world.wallOffMs]));
        else if (what === 2) world.pass(random.below(9 * hourMs));
        else world.pass(hourMs);
        world.sweep();
        const left = new Set(world.left(keepMs));
        const early = world.rows.filter(
          (row) => world.nowMs - row.writtenMs < keepMs - world.reboots * countedMaxMs && !left.has(row),
        );
        expect(early, `seed ${seed}, run ${run}, step ${step}`).toEqual([]);
        // Those that went don't come back.
        world.rows = [...left];
      }
      expect(world.spans.length).toBeLessThan(130);
    }
  });
});
