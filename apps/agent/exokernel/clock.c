/* clock.c: CLINT machine timer (10 MHz) and the Goldfish real-time clock. */
#include "kernel.h"

#define MTIMECMP (CLINT + 0x4000u)
#define MTIME    (CLINT + 0xbff8u)

static u64 ticks_at_reset;

u64 clock_ticks(void) {
  u32 high, low;
  do {
    high = mmio_read32(MTIME + 4);
    low = mmio_read32(MTIME);
  } while (mmio_read32(MTIME + 4) != high);
  return ((u64)high << 32) | low;
}

void clock_init(void) {
  clock_set_alarm(~(u64)0);
  ticks_at_reset = 0; /* QEMU starts mtime at 0 with the machine, so boot loader and image share one clock */
}

/* Order: RISC-V privileged architecture 3.2.1, "Machine Timer Registers": no spurious interrupt in between. */
void clock_set_alarm(u64 ticks) {
  mmio_write32(MTIMECMP + 4, 0xffffffffu);
  mmio_write32(MTIMECMP, (u32)ticks);
  mmio_write32(MTIMECMP + 4, (u32)(ticks >> 32));
}

/* By less than 2^16, in steps of 16 bits: the C library's 64-bit division would be 900 bytes. */
__attribute__((noinline)) u64 divided(u64 value, u32 by) {
  u64 quotient = 0;
  u32 rest = 0;
  for (u32 step = 0; step < 4; step++) {
    rest = rest << 16 | (u32)(value >> 48);
    value <<= 16;
    quotient = quotient << 16 | rest / by;
    rest %= by;
  }
  return quotient;
}

/* By 10 gcc divides with multiplications, 100 bytes of them: once is enough. */
__attribute__((noinline)) u64 clock_microseconds(void) { return (clock_ticks() - ticks_at_reset) / (MTIME_HZ / 1000000u); }

u64 EXO_CALL(clock_us)(module *caller) {
  (void)caller;
  return clock_microseconds();
}

/* Reading TIME_LOW latches TIME_HIGH (Goldfish RTC); nanoseconds since the epoch. */
u64 EXO_CALL(wall_clock_s)(module *caller) {
  (void)caller;
  u32 low = mmio_read32(GOLDFISH_RTC);
  u32 high = mmio_read32(GOLDFISH_RTC + 4);
  return divided(divided(((u64)high << 32) | low, 50000u), 20000u);
}
