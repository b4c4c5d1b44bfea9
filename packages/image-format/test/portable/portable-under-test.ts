// AssemblyScript: the entry of the build of operations.ts that devices' compiler makes.

import { perform } from "./operations";

const input = new Uint8Array(32768);
const output = new Uint8Array(8192);

export function inputAddress(): usize {
  return input.dataStart;
}
export function outputAddress(): usize {
  return output.dataStart;
}
export function run(operation: i32, offset: i32, available: i32): i32 {
  return perform(operation, input, offset, available, output);
}

export function trap(_message: usize, _file: usize, _line: u32, _column: u32): void {
  unreachable();
}
