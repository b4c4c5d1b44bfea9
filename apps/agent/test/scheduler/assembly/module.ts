// Test module: tasks whose behaviour the host decides, so that the tests see every choice the scheduler makes.
import { Scheduler, Task } from "../../../src/scheduler/scheduler";

@external("test", "run")
declare function hostRun(task: i32, nowUs: i64): i64;
@external("test", "remaining")
declare function hostRemaining(task: i32): u32;

class HostTask extends Task {
  constructor(private index: i32) {
    super();
  }
  run(nowUs: i64): i64 {
    return hostRun(this.index, nowUs);
  }
  remainingWork(): u32 {
    return hostRemaining(this.index);
  }
}

let scheduler: Scheduler = changetype<Scheduler>(0);
const tasks = new StaticArray<HostTask | null>(16);

export function trap(message: usize, file: usize, line: u32, column: u32): void {
  unreachable();
}

export function allocated(): usize {
  const ptr = heap.alloc(16);
  heap.free(ptr);
  return ptr;
}

export function create(capacity: i32, runsMax: u32): void {
  scheduler = new Scheduler(capacity, runsMax);
}
export function add(index: i32): i32 {
  const task = new HostTask(index);
  tasks[index] = task;
  return scheduler.add(task);
}
export function carry(index: i32): void {
  scheduler.carrier = tasks[index];
}
export function wake(index: i32): void {
  const task = tasks[index];
  if (task) task.wake();
}
export function step(nowUs: i64): u32 {
  return scheduler.step(nowUs);
}
