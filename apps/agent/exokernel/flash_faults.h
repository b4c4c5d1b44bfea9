/* flash_faults.h: power cuts in the middle of flash operations, made by the driver itself, and a record of every operation.
 * In test builds only (-DFLASH_FAULTS, build/link.ts): a shipped build has neither its code nor its data.
 *
 * QEMU does each operation at once and whole; killing it never tears one. So the runner writes a plan into RAM that
 * survives resets (struct fault_plan, at RAM_FAULT_PLAN of machine.h), the driver counts its operations down, loader and
 * image alike, and at the chosen one leaves flash as the plan says and powers off (exit status EXIT_CUT).
 *
 * Every operation is a console line before it is done: `flash P 00012340 256 89abcdef`: P program or E erase, offset in
 * the bank in hex, bytes, CRC-32 (IEEE 802.3) of what a program writes in hex, 0 for an erase. */
#ifndef FLIPSIDE_FLASH_FAULTS_H
#define FLIPSIDE_FLASH_FAULTS_H

#include "kernel.h"

#ifdef FLASH_FAULTS

/* What a cut leaves of an operation. Numbers, meaning and sources: packages/machine/src/faults/torn-operation.ts, whose
 * list this is. */
enum fault_tear {
  TEAR_NOTHING,
  TEAR_EVERYTHING,
  TEAR_PREFIX,
  TEAR_SUBSET,
  TEAR_CLEARED,
  TEAR_NEIGHBOURS,
  TEAR_ZEROED,
};

#define FAULT_PLAN_MAGIC 0x43504c46u /* "FLPC" */
#define FAULT_MARGINAL_MAX 64u
#define EXIT_CUT 63u

/* Little-endian; packages/machine/qemu/fault-plan.ts writes and reads it. */
struct fault_plan {
  u32 magic;
  u32 operations_left;   /* the cut comes at the operation that makes this 0; 0: no cut */
  u32 tear;              /* TEAR_* */
  u32 seed;
  u32 leaves_marginal;   /* 1: one to three of the bits that the operation was to change read differently each time */
  u32 marginal_state;    /* of the generator that says how they read */
  u32 marginal_count;
  struct { u32 offset, mask; } marginal[FAULT_MARGINAL_MAX]; /* a byte of the bank, and its bits that are marginal */
};

/* Before each operation. Does not return from the one at which power goes. */
void flash_fault_point(u32 kind, u32 offset, u32 length, const u8 *source);

/* What is read of the bank at `offset`: marginal bits get another value each time. */
void flash_fault_disturb(u32 offset, u8 *bytes, u32 length);

/* flash_cfi.c: programs without a look at what is there: QEMU sets bits, too. Inside one page, multiples of 4. */
void flash_overwrite(u32 offset, const u8 *source, u32 length);

#else

static inline void flash_fault_point(u32 kind, u32 offset, u32 length, const u8 *source) { (void)kind, (void)offset, (void)length, (void)source; }
static inline void flash_fault_disturb(u32 offset, u8 *bytes, u32 length) { (void)offset, (void)bytes, (void)length; }

#endif
#endif
