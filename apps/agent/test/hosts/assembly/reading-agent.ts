// An agent that connects to the server of its factory record, waits a second before it reads anything, then reads all
// and says how many bytes and what sum they had.

import { endLine, say, sayNumber, sayText } from "../../../src/console";
import { clockUs, Errno, flashRead, streamOpen, streamRead, watchdogPet, Zone } from "../../../src/exokernel";
import { FACTORY_PORT_OFFSET } from "../../../src/format";

export { abort } from "../../../src/abort";

const HOST: usize = memory.data<u8>([0x31, 0x32, 0x37, 0x2e, 0x30, 0x2e, 0x30, 0x2e, 0x31]); // 127.0.0.1
const buffer: usize = memory.data(4096, 8);
const WAIT_US: i64 = 1_000_000;
let handle: i32 = -1;
let total: u32 = 0;
let sum: u32 = 0;
let done: bool = false;

export function start(): void {
  flashRead(Zone.Factory, FACTORY_PORT_OFFSET & ~3, buffer, 4);
  handle = streamOpen(HOST, 9, load<u16>(buffer + (FACTORY_PORT_OFFSET & 3)));
}

export function step(): u32 {
  watchdogPet();
  if (done || clockUs() < WAIT_US) return 100_000;
  for (;;) {
    const got = streamRead(handle, buffer, 4096);
    if (got == Errno.Again) return 1_000_000;
    if (got < 0) break;
    for (let i = 0; i < got; i++) sum = sum * 31 + load<u8>(buffer + i);
    total += got;
  }
  done = true;
  say("read ");
  sayNumber(total);
  sayText(" sum ");
  sayNumber(sum);
  endLine();
  return 1_000_000;
}
