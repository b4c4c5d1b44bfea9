// A boot loader that reaches behind its memory: at its first boot by an offset, after that by an address.

import { endLine, say, sayNumber } from "../../../src/console";
import { BootReason, bootReason } from "../../../src/exokernel";

export { abort } from "../../../src/abort";

/** Of pages of 64 KiB: main_boot.c asserts it. */
const MEMORY_BYTES: usize = 65536;

function tell(word: u32): void {
  say("read ");
  sayNumber(word);
  endLine();
}

export function boot(): void {
  const reason = <u32>bootReason();
  // Nothing that a compiler could work out: it would make one constant of address and offset. A trap is reason 4.
  const behind: usize = reason << 14;
  const last: usize = MEMORY_BYTES - 4 + (reason >> 16);
  store<u32>(last, 4711);
  tell(load<u32>(last));
  tell(reason == BootReason.Trap ? load<u32>(behind) : load<u32>(last, 4000));
}

export function recover(): u32 {
  return 1_000_000;
}
