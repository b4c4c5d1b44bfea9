// The portable parsers in the devices' build, with an input that ends where memory does. AssemblyScript.

import { perform } from "../../../packages/image-format/test/portable/operations";

const output = new Uint8Array(8192);
/** A view whose buffer is set for each run. */
const input = changetype<Uint8Array>(heap.alloc(offsetof<Uint8Array>()));

export function outputAddress(): usize {
  return output.dataStart;
}

/** `offset` bytes lie before what is parsed. */
export function run(operation: i32, ptr: usize, offset: i32, available: i32): i32 {
  store<usize>(changetype<usize>(input), ptr, offsetof<Uint8Array>("dataStart"));
  store<i32>(changetype<usize>(input), offset + available, offsetof<Uint8Array>("byteLength"));
  return perform(operation, input, offset, available, output);
}
