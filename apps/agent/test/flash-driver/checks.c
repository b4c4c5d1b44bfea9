/* checks.c: the flash driver (flash_cfi.c), what modules see of it (flash_zones.c) and the set-up of the PMP (pmp.c), compiled
 * for the machine that tests, with chips (chips.h) and control registers of the test's own. Prints each check that fails. */
#include <stdio.h>

#include "kernel.h"

static u32 pmpaddr[16], pmpcfg[4];
#define WRITE_CSR(name, value) write_csr(#name, value)
#define SET_CSR(name, value) set_csr(#name, value)
static void write_csr(const char *name, u32 value) { pmpaddr[atoi(name + 7)] = value; }
static void set_csr(const char *name, u32 value) { pmpcfg[atoi(name + 6)] |= value; }

#include "chips.h"
#define FLASH_BUS_MODEL
#include "flash_cfi.c"
#include "flash_zones.c"
#include "pmp.c"

static u64 now_us;
static u32 us_a_look = 1;
u64 clock_microseconds(void) { return now_us += us_a_look; }

static u32 failures, checks;
static void check(int holds, const char *what) {
  checks++;
  if (holds) return;
  failures++;
  printf("FAIL: %s\n", what);
}

static u8 memory[65536];
static module agent = { .memory = memory, .memory_bytes = sizeof memory, .readable_zones = 0x7f, .writable_zones = 1u << EXO_ZONE_BOOT_CONTROL | 1u << EXO_ZONE_SLOT_A | 1u << EXO_ZONE_SLOT_B };

static s32 read_at(u32 zone, u32 offset, u32 ptr, u32 length) { return (s32)EXO_CALL(flash_read)(&agent, zone, offset, ptr, length); }
static s32 program(u32 zone, u32 offset, u32 ptr, u32 length, u32 durability) { return (s32)EXO_CALL(flash_program)(&agent, zone, offset, ptr, length, durability); }
static s32 erase(u32 zone, u32 offset) { return (s32)EXO_CALL(flash_erase)(&agent, zone, offset); }

static void begin(void) {
  chips_reset();
  now_us = 0;
  us_a_look = 1;
  operating = 0;
  running_slot_zone = EXO_ZONE_COUNT;
  for (u32 i = 0; i < sizeof memory; i++) memory[i] = (u8)(i * 7 + (i >> 8) * 31 + 3);
  check(flash_init() == 0, "the chips' own table is taken");
  ask.busy_reads = 3;
}

/* The app's slice may come between any two accesses: it must find the chips taken. */
static u32 unguarded;
static void must_be_guarded(void) {
  if (!flash_is_operating()) unguarded++;
}

static int in_array_mode(void) { return chip[0].mode == CHIP_ARRAY && chip[1].mode == CHIP_ARRAY && !flash_is_operating(); }

/* ---- the query table -------------------------------------------------------------------------------------------------- */

static s32 init_with(u32 at, u8 value) {
  chips_reset();
  query_table[at] = value;
  return flash_init();
}

static void table(void) {
  begin();
  check(flash_sector_bytes() == 0x40000 && flash_page_bytes() == 4096, "sector and page are both chips' together");
  check(in_array_mode() && odd_commands == 0, "after the query the chips give their content");
  static const struct { u32 at; u8 value; const char *what; } bad[] = {
    { 0x10, 'q', "a table without Q is refused" }, { 0x11, 0, "a table without R is refused" }, { 0x12, 'y', "a table without Y is refused" },
    { 0x13, 2, "another command set is refused" }, { 0x14, 1, "a command set of 16 bits is refused" }, { 0x2c, 2, "chips with two kinds of blocks are refused" }, { 0x2c, 0, "chips without blocks are refused" },
    { 0x2a, 4, "a write buffer of 16 bytes is refused" }, { 0x2a, 17, "a write buffer beyond any chip's is refused" }, { 0x2d, 126, "blocks that don't fill the bank are refused" },
    { 0x2e, 7, "more blocks than the bank has are refused" }, { 0x30, 0, "blocks of no size are refused" }, { 0x2f, 1, "blocks that don't divide the bank are refused" },
  };
  for (u32 i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    check(init_with(bad[i].at, bad[i].value) == EXO_E_IO, bad[i].what);
    check(chip[0].mode == CHIP_ARRAY, "chips that are refused give their content all the same");
  }
  check(init_with(0x2a, 5) == 0 && flash_page_bytes() == 64, "the smallest write buffer is one page");
  check(init_with(0x2a, 10) == 0 && flash_page_bytes() == 2048, "a smaller write buffer makes a smaller page");
  check(init_with(0x2a, 16) == 0 && flash_page_bytes() == 4096, "a larger write buffer makes no larger page");
  chips_reset();
  query_table[0x30] = 4; /* the table counts both chips already: QEMU's */
  check(flash_init() == 0 && flash_sector_bytes() == 0x40000, "a table that counts both chips gives the same sector");
  chips_reset();
  query_table[0x2d] = 255;
  query_table[0x2e] = 1; /* 512 blocks */
  query_table[0x30] = 1;
  check(flash_init() == 0 && flash_sector_bytes() == 0x10000, "smaller blocks make smaller sectors");
  chips_reset();
  query_table[0x2d] = 63;
  query_table[0x30] = 8;
  check(flash_init() == 0 && flash_sector_bytes() == 0x80000, "larger blocks make larger sectors");
}

/* ---- what is programmed and erased -------------------------------------------------------------------------------------- */

static void honest(void) {
  begin();
  ask.at_access = must_be_guarded;
  ask.other_bits = 0x05;
  unguarded = 0;
  for (u32 durability = EXO_ACCEPTED; durability <= EXO_VERIFIED; durability++) {
    check(program(EXO_ZONE_SLOT_A, 4096 * durability, 0, 4096, durability) == 0, "a page is programmed");
    check(memcmp(chip_bytes + 0x400000 + 4096 * durability, memory, 4096) == 0, "what was programmed is in the flash");
    check(read_at(EXO_ZONE_SLOT_A, 4096 * durability, 0x8000, 4096) == 0 && memcmp(memory, memory + 0x8000, 4096) == 0, "what was programmed reads back");
  }
  check(program(EXO_ZONE_SLOT_A, 0x5000, 4, 4, EXO_VERIFIED) == 0 && memcmp(chip_bytes + 0x405000, memory + 4, 4) == 0 && chip_bytes[0x405004] == 0xff, "one word is one word");
  check(program(EXO_ZONE_SLOT_A, 0x6ffc, 8, 4, EXO_VERIFIED) == 0 && memcmp(chip_bytes + 0x406ffc, memory + 8, 4) == 0, "the page's last word");
  check(in_array_mode() && odd_commands == 0, "after it the chips give their content");
  /* Bits go to 0 only. */
  memset(memory, 0xf0, 64);
  check(program(EXO_ZONE_SLOT_B, 0, 0, 64, EXO_VERIFIED) == 0, "zeros are programmed");
  memset(memory, 0x30, 64);
  check(program(EXO_ZONE_SLOT_B, 0, 0, 64, EXO_VERIFIED) == 0 && chip_bytes[0x800000] == 0x30, "further bits are cleared");
  u32 before = operations_done;
  static const u32 places[] = { 0, 31, 63 };
  for (u32 i = 0; i < 3; i++) {
    memset(memory, 0x30, 64);
    memory[places[i]] = 0x31;
    check(program(EXO_ZONE_SLOT_B, 0, 0, 64, EXO_PROGRAMMED) == EXO_E_NOT_ERASED, "a bit that would have to go from 0 to 1 is refused");
  }
  check(operations_done == before && chip_bytes[0x800000 + 63] == 0x30, "and nothing was begun");
  /* An erase is of its sector and no other. */
  chip_bytes[0x400000 + 0x40000 - 1] = chip_bytes[0x400000 + 0x80000] = 0;
  chip_bytes[0x400000 + 0x40000] = chip_bytes[0x400000 + 0x80000 - 1] = 0;
  check(erase(EXO_ZONE_SLOT_A, 0x40000) == 0, "a sector is erased");
  check(chip_bytes[0x440000] == 0xff && chip_bytes[0x47ffff] == 0xff, "all of it");
  check(chip_bytes[0x43ffff] == 0 && chip_bytes[0x480000] == 0, "and nothing else");
  check(in_array_mode() && odd_commands == 0, "after an erase the chips give their content");
  check(unguarded == 0, "whoever interrupts finds the chips taken, from the first command to the last");
  /* What lies behind a program's words is none of its business. */
  begin();
  memset(chip_bytes + 0x800000 + 64, 0, 64);
  memset(memory, 0x55, 64);
  memset(memory + 64, 0xff, 64);
  check(program(EXO_ZONE_SLOT_B, 0, 0, 64, EXO_VERIFIED) == 0, "what lies behind is not looked at");
  check(memcmp(chip_bytes + 0x800000, memory, 64) == 0 && chip_bytes[0x800000 + 64] == 0 && odd_commands == 0, "nor touched");
}

/* ---- chips that fail ----------------------------------------------------------------------------------------------------- */

static void failing(void) {
  static const u32 errors[] = { 0x02, 0x08, 0x10, 0x20, 0x3a };
  for (u32 i = 0; i < sizeof errors / sizeof errors[0]; i++) {
    for (u32 h = 0; h < 2; h++) {
      begin();
      ask.fails_with[h] = errors[i];
      check(program(EXO_ZONE_SLOT_A, 0, 0, 64, EXO_PROGRAMMED) == EXO_E_IO, "a program that one chip says failed has failed");
      check(in_array_mode(), "after a failed program the chips give their content");
      check(chip[0].status == 0 && chip[1].status == 0, "the error is cleared");
      ask.fails_with[h] = 0;
      check(program(EXO_ZONE_SLOT_A, 4096, 0, 64, EXO_VERIFIED) == 0, "the next program goes well");
      ask.fails_with[h] = errors[i];
      check(erase(EXO_ZONE_SLOT_A, 0) == EXO_E_IO, "an erase that one chip says failed has failed");
      check(in_array_mode() && chip[h].status == 0, "after a failed erase the chips give their content");
    }
  }
  for (u32 h = 0; h < 2; h++) {
    begin();
    us_a_look = 1000;
    ask.never_ready[h] = 1;
    check(erase(EXO_ZONE_SLOT_A, 0) == EXO_E_IO, "an erase of which one chip never comes to an end has failed");
    check(now_us > 4000000 && now_us < 6000000, "after five seconds: the longest typical erase takes four");
    check(!flash_is_operating(), "and the driver is free again");
    begin();
    us_a_look = 1000;
    ask.never_ready[h] = 1;
    check(program(EXO_ZONE_SLOT_A, 0, 0, 64, EXO_PROGRAMMED) == EXO_E_IO, "a program that never comes to an end has failed");
    check(now_us > 50000 && now_us < 300000, "after a tenth of a second: a write buffer takes a millisecond");
  }
  begin();
  ask.busy_reads = 3000;
  check(erase(EXO_ZONE_SLOT_A, 0) == 0 && program(EXO_ZONE_SLOT_A, 0, 0, 64, EXO_VERIFIED) == 0, "slow chips are waited for");
}

/* ---- chips that say done and lie ------------------------------------------------------------------------------------------ */

static void lying(void) {
  static const enum chip_lie lies[] = { LIE_NOTHING, LIE_FIRST_WORD_ONLY, LIE_ALL_BUT_ONE_BIT, LIE_ONE_BIT_MORE };
  for (u32 i = 0; i < sizeof lies / sizeof lies[0]; i++) {
    for (u32 h = 0; h < 2; h++) {
      for (u32 length = 4; length <= 4096; length *= 32) {
        begin();
        ask.lies[h] = lies[i];
        if (lies[i] == LIE_FIRST_WORD_ONLY && length == 4) continue;
        check(program(EXO_ZONE_SLOT_A, 4096 - length, 0x100, length, EXO_VERIFIED) == EXO_E_VERIFY, "VERIFIED notices a chip that says done and does not hold");
        check(in_array_mode(), "and the chips give their content");
        check(program(EXO_ZONE_SLOT_A, 8192 - length, 0x100, length, EXO_PROGRAMMED) == 0, "PROGRAMMED says what the chip says, and no more");
        check(program(EXO_ZONE_SLOT_A, 12288 - length, 0x100, length, EXO_ACCEPTED) == 0, "so does ACCEPTED");
      }
    }
  }
  for (u32 i = 0; i < 3; i++) {
    for (u32 h = 0; h < 2; h++) {
      begin();
      memset(chip_bytes + 0x400000, 0, CHIP_SECTOR_BYTES);
      ask.lies[h] = lies[i];
      check(erase(EXO_ZONE_SLOT_A, 0) == 0, "an erase says what the chip says");
      ask.lies[h] = LIE_NONE;
      memset(memory, 0xff, 4096);
      s32 first = program(EXO_ZONE_SLOT_A, 0, 0, 4096, EXO_VERIFIED), second = program(EXO_ZONE_SLOT_A, 4096, 0, 4096, EXO_VERIFIED);
      check(first == EXO_E_NOT_ERASED || second == EXO_E_NOT_ERASED, "what an erase left is refused when it is programmed");
    }
  }
}

/* ---- what modules may ------------------------------------------------------------------------------------------------------ */

static s32 seen_while_busy[3];
static void call_while_busy(void) {
  ask.while_busy = NULL;
  seen_while_busy[0] = read_at(EXO_ZONE_FACTORY, 0, 0x8000, 4);
  seen_while_busy[1] = program(EXO_ZONE_SLOT_B, 0, 0, 4, EXO_PROGRAMMED);
  seen_while_busy[2] = erase(EXO_ZONE_SLOT_B, 0);
}

static void zone_checks(void) {
  begin();
  u32 all = EXO_ZONE_COUNT;
  check(read_at(all, 0, 0, 4) == EXO_E_ARGUMENT && program(all, 0, 0, 4, 0) == EXO_E_ARGUMENT && erase(all, 0) == EXO_E_ARGUMENT, "there is no zone behind the last");
  check(read_at(EXO_ZONE_APP, 0, 0, 4) == EXO_E_DENIED, "a zone that was not granted can't be read");
  check(program(EXO_ZONE_FACTORY, 0, 0, 4, 0) == EXO_E_DENIED && erase(EXO_ZONE_FACTORY, 0) == EXO_E_DENIED, "a zone that was granted for reading can't be changed");
  running_slot_zone = EXO_ZONE_SLOT_A;
  check(program(EXO_ZONE_SLOT_A, 0, 0, 4, 0) == EXO_E_DENIED && erase(EXO_ZONE_SLOT_A, 0) == EXO_E_DENIED, "the running slot can't be changed");
  check(read_at(EXO_ZONE_SLOT_A, 0, 0, 4) == 0 && erase(EXO_ZONE_SLOT_B, 0) == 0, "it can be read, and the other one be changed");
  running_slot_zone = EXO_ZONE_COUNT;
  u32 size = 0x080000;
  check(read_at(EXO_ZONE_BOOT_CONTROL, size - 4, 0, 4) == 0, "a zone's last word can be read");
  check(read_at(EXO_ZONE_BOOT_CONTROL, size - 3, 0, 4) == EXO_E_ARGUMENT && read_at(EXO_ZONE_BOOT_CONTROL, 0, 0, size + 1) == EXO_E_ARGUMENT, "and nothing behind it");
  check(read_at(EXO_ZONE_BOOT_CONTROL, 0xfffffffc, 0, 8) == EXO_E_ARGUMENT, "no sum wraps");
  check(read_at(EXO_ZONE_BOOT_CONTROL, 0, sizeof memory - 4, 4) == 0 && read_at(EXO_ZONE_BOOT_CONTROL, 0, sizeof memory - 3, 4) == EXO_E_ARGUMENT, "nothing is read beyond the module's memory");
  check(program(EXO_ZONE_BOOT_CONTROL, 0, sizeof memory - 3, 4, 0) == EXO_E_ARGUMENT, "nor programmed from beyond it");
  check(program(EXO_ZONE_BOOT_CONTROL, size - 4, 0, 4, 0) == 0 && program(EXO_ZONE_BOOT_CONTROL, size, 0, 4, 0) == EXO_E_ARGUMENT, "a zone's last word can be programmed, and nothing behind it");
  check(program(EXO_ZONE_BOOT_CONTROL, 0, 0, 0, 0) == EXO_E_ARGUMENT, "nothing can't be programmed");
  check(program(EXO_ZONE_BOOT_CONTROL, 2, 0, 4, 0) == EXO_E_ARGUMENT && program(EXO_ZONE_BOOT_CONTROL, 4, 0, 6, 0) == EXO_E_ARGUMENT, "only whole words are programmed");
  check(program(EXO_ZONE_BOOT_CONTROL, 4096 - 4, 0, 8, 0) == EXO_E_ARGUMENT && program(EXO_ZONE_BOOT_CONTROL, 0, 0, 4100, 0) == EXO_E_ARGUMENT, "a program stays in its page");
  check(program(EXO_ZONE_BOOT_CONTROL, 4096 - 8, 0, 8, 0) == 0 && program(EXO_ZONE_BOOT_CONTROL, 4096, 0, 4096, 0) == 0, "up to its end");
  check(program(EXO_ZONE_BOOT_CONTROL, 8192, 0, 4, 3) == EXO_E_ARGUMENT, "there is no fourth durability");
  check(erase(EXO_ZONE_BOOT_CONTROL, 4096) == EXO_E_ARGUMENT && erase(EXO_ZONE_BOOT_CONTROL, size) == EXO_E_ARGUMENT, "only a zone's own sectors are erased");
  check(erase(EXO_ZONE_BOOT_CONTROL, size - 0x40000) == 0, "up to the last");
  u32 *out = (u32 *)(memory + 64);
  check(EXO_CALL(flash_geometry)(&agent, EXO_ZONE_SLOT_B, 64) == 0 && out[0] == 0x400000 && out[1] == 0x40000 && out[2] == 4096 && out[3] == 1, "the geometry is told");
  check(EXO_CALL(flash_geometry)(&agent, EXO_ZONE_FACTORY, 64) == 0 && out[0] == 0x40000 && out[3] == 0, "and that a zone can't be changed");
  check(EXO_CALL(flash_geometry)(&agent, EXO_ZONE_SLOT_B, sizeof memory - 16) == 0, "up to the end of a module's memory");
  for (u32 zone = 0; zone < EXO_ZONE_COUNT; zone++) {
    module one = agent;
    one.readable_zones = one.writable_zones = 1u << zone;
    for (u32 each = 0; each < EXO_ZONE_COUNT; each++) {
      check(((s32)EXO_CALL(flash_read)(&one, each, 0, 0, 4) == 0) == (each == zone), "a zone that is granted for reading is that one");
      check(((s32)EXO_CALL(flash_erase)(&one, each, 0) == 0) == (each == zone), "a zone that is granted for writing is that one");
    }
  }
  check(erase(EXO_ZONE_BOOT_CONTROL, 1) == EXO_E_ARGUMENT, "no odd byte is a sector's beginning");
  check((s32)EXO_CALL(flash_geometry)(&agent, EXO_ZONE_APP, 64) == EXO_E_DENIED && (s32)EXO_CALL(flash_geometry)(&agent, EXO_ZONE_COUNT, 64) == EXO_E_ARGUMENT, "but not of others");
  check((s32)EXO_CALL(flash_geometry)(&agent, EXO_ZONE_SLOT_B, 66) == EXO_E_ARGUMENT && (s32)EXO_CALL(flash_geometry)(&agent, EXO_ZONE_SLOT_B, sizeof memory - 12) == EXO_E_ARGUMENT, "nor to where it can't lie");

  /* What an image's watchdog is measured against. */
  module loader = agent;
  loader.capabilities = CAN_FEED_WATCHDOG;
  check((s32)EXO_CALL(flash_timing)(&agent, 64) == EXO_E_DENIED, "only who feeds the watchdog is told how long flash takes");
  check(EXO_CALL(flash_timing)(&loader, 64) == 0 && out[0] == 5000 && out[1] == 200, "an erase takes five seconds at most, a program two waits of a tenth");
  check((s32)EXO_CALL(flash_timing)(&loader, 66) == EXO_E_ARGUMENT && (s32)EXO_CALL(flash_timing)(&loader, sizeof memory - 4) == EXO_E_ARGUMENT, "nor to where it can't lie");
  check(EXO_CALL(flash_timing)(&loader, sizeof memory - 8) == 0, "up to the end of its memory");

  for (u32 isErase = 0; isErase < 2; isErase++) {
    begin();
    seen_while_busy[0] = seen_while_busy[1] = seen_while_busy[2] = 0;
    ask.while_busy = call_while_busy;
    check((isErase ? erase(EXO_ZONE_SLOT_A, 0) : program(EXO_ZONE_SLOT_A, 0, 0, 64, EXO_VERIFIED)) == 0, "an operation that is interrupted goes well");
    check(seen_while_busy[0] == EXO_E_AGAIN && seen_while_busy[1] == EXO_E_AGAIN && seen_while_busy[2] == EXO_E_AGAIN, "who interrupts an operation has to try again");
    check(odd_commands == 0 && in_array_mode(), "and mixes nothing into it");
  }
}

/* ---- physical memory protection ---------------------------------------------------------------------------------------------- */

#define R 1u
#define W 2u
#define X 4u
#define NOBODY 8u /* no locked entry: machine mode may do all */

/* RISC-V privileged architecture, 3.7.1: the lowest-numbered entry that matches decides; what is locked binds machine mode. */
static u32 rights_at(u32 address) {
  for (u32 i = 0; i < 16; i++) {
    u32 cfg = (pmpcfg[i / 4] >> (8 * (i % 4))) & 0xff, mode = (cfg >> 3) & 3;
    u64 first = 0, end = 0;
    if (mode == 1) {
      first = i ? (u64)pmpaddr[i - 1] << 2 : 0;
      end = (u64)pmpaddr[i] << 2;
    } else if (mode == 2) {
      first = (u64)pmpaddr[i] << 2;
      end = first + 4;
    } else if (mode == 3) {
      u32 ones = 0;
      while ((pmpaddr[i] >> ones) & 1) ones++;
      end = first = ((u64)(pmpaddr[i] & ~((1u << ones) - 1)) << 2);
      end += (u64)8 << ones;
    }
    if (address < first || address >= end) continue;
    return cfg & 0x80 ? cfg & 7 : NOBODY;
  }
  return NOBODY;
}

static void rights(u32 first, u32 last, u32 wanted, const char *what) {
  u32 middle = first + (last - first) / 2;
  check(rights_at(first) == wanted && rights_at(middle) == wanted && rights_at(last) == wanted, what);
}

static void protection(void) {
  memset(pmpaddr, 0, sizeof pmpaddr);
  memset(pmpcfg, 0, sizeof pmpcfg);
  pmp_lock_boot_bank();
  rights(0x20000000, 0x21ffffff, R | X, "the boot bank can be read and executed, and no more, before the loader's first decision");
  rights(0x80080000, 0x8fffffff, 0, "RAM beyond 512 KiB is nobody's");
  rights(0x80000000, 0x8007ffff, NOBODY, "the loader has its RAM");
  rights(0x22000000, 0x23ffffff, NOBODY, "and the bank");
  rights(0x1ffffffc, 0x1fffffff, NOBODY, "and what lies before the boot bank");
  for (u32 slot = 0; slot < 2; slot++) {
    memset(pmpaddr, 0, sizeof pmpaddr);
    memset(pmpcfg, 0, sizeof pmpcfg);
    u32 running = 0x22000000 + (slot ? 0x800000 : 0x400000), other = 0x22000000 + (slot ? 0x400000 : 0x800000);
    pmp_lock_boot_bank();
    pmp_lock_running_slot(slot ? EXO_ZONE_SLOT_B : EXO_ZONE_SLOT_A);
    rights(running, running + 0x3fffff, R, "the running slot can only be read");
    rights(other, other + 0x3fffff, NOBODY, "the other one is free");
    u32 text = 0x80001000, text_end = 0x80019000, guard_a = 0x80020000, guard_b = 0x80023000;
    pmp_lock_image(text, text_end, guard_a, guard_b);
    rights(running, running + 0x3fffff, R, "the running slot can still only be read");
    rights(other, other + 0x3fffff, R | W, "the other one can be written, and not be executed");
    rights(0x22000000, 0x223fffff, R | W, "what lies before the slots too");
    rights(0x22c00000, 0x23ffffff, R | W, "and behind them");
    rights(text, text_end - 1, R | X, "code can't be written");
    rights(text_end, guard_a - 1, R | W, "data can't be executed");
    rights(guard_a, guard_a + 4095, 0, "nothing reaches the guard below the interrupt stack");
    rights(guard_a + 4096, guard_b - 1, R | W, "the interrupt stack can be used");
    rights(guard_b, guard_b + 4095, 0, "nothing reaches the guard below the stack");
    rights(guard_b + 4096, 0x8007ffff, R | W, "all RAM up to its end can be used, and not be executed");
    rights(0x80000000, 0x80000fff, R | W, "what is kept across resets can't be executed");
    rights(0x80080000, 0x8fffffff, 0, "RAM beyond 512 KiB is still nobody's");
    rights(0x20000000, 0x21ffffff, R | X, "the boot bank can still only be read and executed");
  }
  u32 before = pmpaddr[3];
  pmp_lock_running_slot(EXO_ZONE_COUNT);
  check(pmpaddr[3] == before, "no zone, no entry");
}

int main(void) {
  table();
  honest();
  failing();
  lying();
  zone_checks();
  protection();
  printf("%u checks, %u failed\n", checks, failures);
  return failures ? 1 : 0;
}
