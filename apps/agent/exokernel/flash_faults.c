/* flash_faults.c: see flash_faults.h. The same algorithm as torn-operation.ts and marginal-bits.ts (packages/machine/src/
 * faults), draw by draw, so that both leave the same bytes for the same tear, seed, operation and content. */
#include <string.h>

#include "flash_faults.h"

#define PLAN ((struct fault_plan *)RAM_FAULT_PLAN)
#define FINISHER_FAIL 0x3333u
#define MSTATUS_MIE 8u
/* The other generator of a cut (packages/machine/src/faults/marginal-bits.ts). */
#define MARGINAL_SEED 0xb175u
#define MARGINAL_BITS_MAX 3u
#define HURT_BITS 8u
#define PIECE_BYTES 512u

_Static_assert(RAM_FAULT_PLAN + sizeof(struct fault_plan) <= RAM_RETAINED + 4096, "the plan leaves the page that is kept");
_Static_assert(RAM_RETAINED + sizeof(struct retained) <= RAM_FAULT_PLAN, "the plan lies in what else is kept");

/* packages/machine/src/faults/seeded-random.ts (mulberry32). */
static u32 random_next(u32 *state) {
  *state += 0x6d2b79f5u;
  u32 t = *state;
  t = (t ^ (t >> 15)) * (t | 1);
  t ^= t + (t ^ (t >> 7)) * (t | 61);
  return t ^ (t >> 14);
}

static u32 random_below(u32 *state, u32 bound) { return (u32)((u64)random_next(state) * bound >> 32); }

static u32 crc32_of(const u8 *bytes, u32 length) {
  u32 crc = ~0u;
  for (u32 i = 0; i < length; i++) {
    crc ^= bytes[i];
    for (u32 bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
  }
  return ~crc;
}

static void record(u32 kind, u32 offset, u32 length, const u8 *source) {
  console_put(kind == 'E' ? "flash E " : "flash P ");
  console_put_hex(offset);
  console_put(" ");
  console_put_decimal(length);
  console_put(" ");
  console_put_hex(source ? crc32_of(source, length) : 0);
  console_put("\n");
}

static const u8 *cell(u32 offset) { return (const u8 *)(FLASH_BANK + offset); }

/* What the operation makes of its byte `i`, which holds `before`. */
static u8 goal(const u8 *source, u32 i, u8 before) { return source ? before & source[i] : 0xff; }

/* Both have the flash in read-array mode before and after. */
static void leave_torn(u32 offset, u32 length, const u8 *source) {
  static u8 piece[PIECE_BYTES];
  u32 tear = PLAN->tear;
  u32 state = PLAN->seed;
  if (tear == TEAR_NOTHING) return;
  u32 done = tear == TEAR_PREFIX ? random_below(&state, length + 1) : length;
  for (u32 at = 0; at < length; at += PIECE_BYTES) {
    u32 bytes = length - at < PIECE_BYTES ? length - at : PIECE_BYTES;
    for (u32 n = 0; n < bytes; n++) {
      u32 i = at + n;
      u8 before = *cell(offset + i);
      u8 after = goal(source, i, before);
      if (tear == TEAR_SUBSET) {
        u8 mask = (u8)random_next(&state);
        piece[n] = (before & ~mask) | (after & mask);
      } else if (tear == TEAR_CLEARED) {
        u8 kept = (u8)random_next(&state);
        piece[n] = before & (source ? source[i] | kept : kept);
      } else if (tear == TEAR_ZEROED) {
        piece[n] = source ? after : 0;
      } else {
        piece[n] = i < done ? after : before;
      }
    }
    flash_overwrite(offset + at, piece, bytes);
  }
  if (tear == TEAR_NEIGHBOURS) {
    u32 start = offset & ~4095u;
    u32 reach = source ? 4096 : length;
    for (u32 n = 0; n < HURT_BITS; n++) {
      u32 at = start + random_below(&state, reach);
      u32 word_at = at & ~3u;
      memcpy(piece, cell(word_at), 4);
      piece[at & 3] &= (u8)~(1u << random_below(&state, 8));
      flash_overwrite(word_at, piece, 4);
    }
  }
}

static u32 changed_bits(u32 offset, u32 i, const u8 *source) {
  u8 before = *cell(offset + i);
  return before ^ goal(source, i, before);
}

static void add_marginal(u32 offset, u32 mask) {
  struct fault_plan *plan = PLAN;
  for (u32 n = 0; n < plan->marginal_count; n++) {
    if (plan->marginal[n].offset == offset) {
      plan->marginal[n].mask |= mask;
      return;
    }
  }
  if (plan->marginal_count == FAULT_MARGINAL_MAX) return;
  plan->marginal[plan->marginal_count].offset = offset;
  plan->marginal[plan->marginal_count].mask = mask;
  plan->marginal_count++;
}

/* Before leave_torn, while the flash still holds what the operation found. */
static void leave_marginal(u32 offset, u32 length, const u8 *source) {
  u32 state = PLAN->seed ^ MARGINAL_SEED;
  u32 count = 0;
  for (u32 i = 0; i < length; i++) count += (u32)__builtin_popcount(changed_bits(offset, i, source));
  if (count == 0) return;
  for (u32 n = 1 + random_below(&state, MARGINAL_BITS_MAX); n > 0; n--) {
    u32 chosen = random_below(&state, count);
    for (u32 i = 0; i < length; i++) {
      u32 bits = changed_bits(offset, i, source);
      u32 here = (u32)__builtin_popcount(bits);
      if (chosen >= here) {
        chosen -= here;
        continue;
      }
      while (chosen-- > 0) bits &= bits - 1;
      add_marginal(offset + i, bits & (0u - bits));
      break;
    }
  }
}

/* An erase makes bits stable, and a program those that it clears; a bit that it leaves alone stays as it is. */
static void stabilise(u32 offset, u32 length, const u8 *source) {
  struct fault_plan *plan = PLAN;
  u32 kept = 0;
  for (u32 n = 0; n < plan->marginal_count; n++) {
    u32 at = plan->marginal[n].offset, mask = plan->marginal[n].mask;
    if (at >= offset && at - offset < length) mask = source ? mask & source[at - offset] : 0;
    if (mask == 0) continue;
    plan->marginal[kept].offset = at;
    plan->marginal[kept].mask = mask;
    kept++;
  }
  plan->marginal_count = kept;
}

void flash_fault_disturb(u32 offset, u8 *bytes, u32 length) {
  struct fault_plan *plan = PLAN;
  if (plan->magic != FAULT_PLAN_MAGIC) return;
  for (u32 n = 0; n < plan->marginal_count; n++) {
    u32 at = plan->marginal[n].offset;
    if (at >= offset && at - offset < length) bytes[at - offset] ^= (u8)(random_next(&plan->marginal_state) & plan->marginal[n].mask);
  }
}

void flash_fault_point(u32 kind, u32 offset, u32 length, const u8 *source) {
  struct fault_plan *plan = PLAN;
  record(kind, offset, length, source);
  if (plan->magic != FAULT_PLAN_MAGIC) return;
  stabilise(offset, length, source);
  if (plan->operations_left == 0 || --plan->operations_left > 0) return;
  __asm__ volatile("csrc mstatus, %0" ::"r"(MSTATUS_MIE) : "memory");
  if (plan->leaves_marginal) leave_marginal(offset, length, source);
  leave_torn(offset, length, source);
  mmio_write32(TEST_FINISHER, EXIT_CUT << 16 | FINISHER_FAIL);
  for (;;) __asm__ volatile("wfi");
}
