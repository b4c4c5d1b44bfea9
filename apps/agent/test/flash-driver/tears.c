/* tears.c: the power cuts of test builds (flash_faults.c), compiled for the machine that tests, over a bank in memory.
 * Reads cases from standard input and writes to standard output what each of them leaves; layouts: tears.test.ts. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLASH_FAULTS
#include "kernel.h"

#define BANK_BYTES 16384u
static u8 bank[BANK_BYTES], plan_bytes[1024] __attribute__((aligned(8)));
static jmp_buf power_off;

/* The driver's own, on this machine: RAM and flash are arrays, the finisher ends the case. There are no interrupts. */
#undef RAM_FAULT_PLAN
#define RAM_FAULT_PLAN plan_bytes
#undef FLASH_BANK
#define FLASH_BANK bank
#define mmio_write32(address, value) longjmp(power_off, 1)
#define _Static_assert(...)
#define __asm__
#define volatile(...) ((void)0)
#include "flash_faults.c"
#undef volatile
#undef __asm__

void console_put(const char *text) { (void)text; }
void console_put_hex(u32 value) { (void)value; }
void console_put_decimal(u32 value) { (void)value; }
void flash_overwrite(u32 offset, const u8 *source, u32 length) { memcpy(bank + offset, source, length); }

static u32 get(void) {
  u32 value;
  if (fread(&value, 4, 1, stdin) != 1) exit(1);
  return value;
}

static void put(u32 value) { fwrite(&value, 4, 1, stdout); }

int main(void) {
  static u8 data[4096];
  const u32 names[] = {
    TEAR_NOTHING, TEAR_EVERYTHING, TEAR_PREFIX, TEAR_SUBSET, TEAR_CLEARED, TEAR_NEIGHBOURS, TEAR_ZEROED,
  };
  put(sizeof names / sizeof names[0]);
  for (u32 i = 0; i < sizeof names / sizeof names[0]; i++) put(names[i]);
  for (u32 cases = get(); cases > 0; cases--) {
    struct fault_plan *plan = PLAN;
    memset(plan_bytes, 0, sizeof plan_bytes);
    plan->magic = FAULT_PLAN_MAGIC;
    plan->operations_left = 1;
    plan->tear = get();
    plan->seed = get();
    plan->leaves_marginal = get();
    plan->marginal_count = get();
    for (u32 n = 0; n < plan->marginal_count; n++) {
      plan->marginal[n].offset = get();
      plan->marginal[n].mask = get();
    }
    u32 kind = get(), offset = get(), length = get();
    if (length > 4096 || offset > BANK_BYTES - length || fread(bank, 1, BANK_BYTES, stdin) != BANK_BYTES) return 1;
    if (kind == 'P' && fread(data, 1, length, stdin) != length) return 1;
    if (setjmp(power_off) == 0) {
      flash_fault_point(kind, offset, length, kind == 'P' ? data : NULL);
      return 2; /* power should have gone */
    }
    fwrite(bank, 1, BANK_BYTES, stdout);
    put(PLAN->marginal_count);
    for (u32 n = 0; n < PLAN->marginal_count; n++) {
      put(PLAN->marginal[n].offset);
      put(PLAN->marginal[n].mask);
    }
  }
  return 0;
}
