import { beforeAll, expect, test } from "vitest";
import { compileModule, Guest } from "../text/assembly-module.ts";
import { Random } from "../text/random.ts";

type Names = "allocated" | "create" | "add" | "carry" | "wake" | "step";

const PASSED_OVER_MAX = 8;
const AGAIN = -4;
const NEVER = 2n ** 63n - 1n;

let module: WebAssembly.Module;
let random: Random;
beforeAll(() => {
  module = compileModule("scheduler", "scheduler");
  random = new Random("scheduler");
});

interface HostTask {
  remaining: number;
  run: (nowUs: bigint) => bigint;
}

/** A scheduler with tasks that the test plays; `ran` is the order in which they ran. */
class Machine {
  readonly guest: Guest<Names>;
  readonly tasks: HostTask[] = [];
  readonly ran: number[] = [];

  constructor(capacity = 8, runsMax = 100) {
    this.guest = new Guest<Names>(module, {
      test: {
        run: (index: number, nowUs: bigint) => {
          this.ran.push(index);
          return this.tasks[index]!.run(nowUs);
        },
        remaining: (index: number) => this.tasks[index]!.remaining,
      },
    });
    this.guest.call.create(capacity, runsMax);
  }

  add(remaining: number, run: (nowUs: bigint) => bigint = () => NEVER): number {
    this.tasks.push({ remaining, run });
    return this.guest.call.add(this.tasks.length - 1);
  }

  step(nowUs: bigint): number {
    return this.guest.call.step(nowUs) >>> 0;
  }
}

test("among the tasks that are due, the one with the least remaining work runs first", () => {
  const machine = new Machine();
  for (const remaining of [500, 20, 4_000_000_000, 0]) machine.add(remaining);
  machine.step(0n);
  expect(machine.ran).toEqual([3, 1, 0, 2]);
});

test("a command that is woken by a step of a bulk transfer overtakes it", () => {
  const machine = new Machine(8, 4);
  machine.add(10);
  machine.step(0n);
  machine.add(1000, (nowUs) => {
    if (machine.ran.length === 2) machine.guest.call.wake(0);
    return nowUs;
  });
  machine.step(1n);
  expect(machine.ran).toEqual([0, 1, 0, 1, 1]);
});

test("a task that wakes itself during its run is due again, whatever it returns", () => {
  const machine = new Machine(8, 10);
  let woken = false;
  machine.add(1, () => {
    if (!woken) machine.guest.call.wake(0);
    woken = true;
    return NEVER;
  });
  machine.step(0n);
  expect(machine.ran).toEqual([0, 0]);
});

test("no task that stays due waits for more than the bound, however little the others have left", () => {
  for (let round = 0; round < 50; round++) {
    const count = 2 + random.below(7);
    const machine = new Machine(8, 1);
    for (let i = 0; i < count; i++) machine.add(random.below(1000), (nowUs) => nowUs);
    machine.tasks[random.below(count)]!.remaining = 4_294_967_295;
    for (let now = 0n; now < 500n; now++) {
      machine.step(now);
      for (const task of machine.tasks) if (random.chance(0.3)) task.remaining = random.below(1000);
      machine.tasks[0]!.remaining = 4_294_967_295;
    }
    for (let index = 0; index < count; index++) {
      let waited = 0;
      for (const ran of machine.ran) {
        waited = ran === index ? 0 : waited + 1;
        expect(waited).toBeLessThanOrEqual(PASSED_OVER_MAX + count);
      }
    }
  }
});

test("short work still comes first for as long as the bound allows", () => {
  const machine = new Machine(8, 1 + PASSED_OVER_MAX);
  machine.add(1000, (nowUs) => nowUs);
  machine.add(1, (nowUs) => nowUs);
  machine.step(0n);
  expect(machine.ran).toEqual([...Array<number>(PASSED_OVER_MAX).fill(1), 0]);
});

test("a task isn't run before its time, and step says how long until then", () => {
  const machine = new Machine();
  machine.add(1, (nowUs) => nowUs + 700n);
  machine.add(1, (nowUs) => nowUs + 300n);
  expect(machine.step(1000n)).toBe(300);
  expect(machine.step(1299n)).toBe(1);
  expect(machine.ran).toEqual([0, 1]);
  expect(machine.step(1300n)).toBe(300);
  expect(machine.ran).toEqual([0, 1, 1]);
});

test("step does a bounded number of runs and says 0 while something is still due", () => {
  const machine = new Machine(8, 5);
  machine.add(1, (nowUs) => nowUs);
  expect(machine.step(0n)).toBe(0);
  expect(machine.ran).toHaveLength(5);
});

test("a wait longer than u32 is told as the longest u32, before and after the clock's zero", () => {
  const machine = new Machine();
  expect(machine.step(0n)).toBe(4294967295);
  machine.add(1);
  machine.add(1, () => 2n ** 40n);
  for (const now of [0n, -5n, -(2n ** 62n)]) expect(machine.step(now)).toBe(4294967295);
});

test("a full table refuses another task and keeps running those it has", () => {
  const machine = new Machine(2);
  expect(machine.add(1)).toBe(0);
  expect(machine.add(1)).toBe(0);
  expect(machine.add(1)).toBe(AGAIN);
  machine.step(0n);
  expect(machine.ran).toEqual([0, 1]);
});

test("thousands of steps allocate nothing", () => {
  const machine = new Machine(8, 10);
  for (let i = 0; i < 8; i++) machine.add(i, (nowUs) => nowUs + BigInt(random.below(5)));
  const before = machine.guest.call.allocated();
  for (let now = 0n; now < 2000n; now++) machine.step(now);
  expect(machine.ran.length).toBeGreaterThan(2000);
  expect(machine.guest.call.allocated()).toBe(before);
});

test("the carrier is due after every run of another, once, and not after its own", () => {
  const machine = new Machine();
  for (const remaining of [5, 7, 0]) machine.add(remaining);
  machine.guest.call.carry(2);
  machine.step(0n);
  expect(machine.ran).toEqual([2, 0, 2, 1, 2]);
  machine.step(1n);
  expect(machine.ran).toHaveLength(5);
});

test("a step that ends before the carrier's turn says that there is more to do at once", () => {
  const machine = new Machine(8, 1);
  machine.add(9);
  machine.add(0);
  machine.step(0n);
  machine.guest.call.carry(1);
  expect(machine.step(1n)).toBe(0);
  expect(machine.ran).toEqual([1, 0]);
});
