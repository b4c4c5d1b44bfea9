/* flash_cfi.c: CFI NOR flash with the Intel/Sharp extended command set (CFI primary algorithm 0x0001), bank 1.
 *
 * Two 16-bit chips side by side form the 32-bit bus: every command and every status is in both halves, a sector is
 * twice a chip's, and the write buffer too. QEMU is kinder than NOR (a program overwrites), so this driver is not: a
 * program that needs a bit to go from 0 to 1 is refused before anything is written.
 *
 * Every operation that changes flash goes through flash_operation(), which does nothing but mark the place: fault
 * injection from outside stops the machine there. Test builds cut power themselves (flash_faults.h). */
#include <string.h>

#include "flash_faults.h"
#include "kernel.h"

#define BOTH(command)      ((u32)(command) * 0x00010001u)
#define CMD_ERASE          BOTH(0x20)
#define CMD_CONFIRM        BOTH(0xd0)
#define CMD_BUFFER_PROGRAM BOTH(0xe8)
#define CMD_CLEAR_STATUS   BOTH(0x50)
#define CMD_QUERY          BOTH(0x98)
#define CMD_READ_ARRAY     BOTH(0xff)
#define STATUS_READY       BOTH(0x80)
#define STATUS_ERRORS      BOTH(0x3a)   /* erase, program, Vpp, block locked */

/* The longest block erase of such parts is 4 s, the longest buffered program some milliseconds (JS28F256 datasheet); QEMU
 * answers at once. A program waits twice: for the buffer, and for the end. */
#define ERASE_TIMEOUT_MS   5000u
#define PROGRAM_TIMEOUT_MS 100u

static u32 sector_bytes, page_bytes;

/* Between an operation's first command and its last the chips answer reads with their status. The app's slice may run in
 * between (it must be on time, and an erase of real NOR takes seconds): its own calls are then refused, not mixed in. */
static volatile u32 operating;

u32 flash_is_operating(void) { return operating; }

#ifndef FLASH_BUS_MODEL /* a test has chips of its own in place of the bus (test/flash-driver) */
static inline u32 bus_read(u32 offset) { return *(volatile u32 *)(FLASH_BANK + offset); }
static inline void bus_write(u32 offset, u32 word) { *(volatile u32 *)(FLASH_BANK + offset) = word; }
static inline void bus_copy(u32 offset, u8 *target, u32 length) { memcpy(target, (const u8 *)(FLASH_BANK + offset), length); }
#endif

/* kind: 'E' erase, 'P' program. Kept out of line, with its arguments in a0..a3, for the fault injector. */
__attribute__((noinline, noipa, used, section(".text.flash_operation"))) void flash_operation(u32 kind, u32 offset, u32 length, const u8 *source) {
  __asm__ volatile("" ::"r"(kind), "r"(offset), "r"(length), "r"(source) : "memory");
}

static u8 query_byte(u32 index) { return (u8)bus_read(index * 4); }

/* Reads what the chips say of themselves: CFI (JESD68), tables at 0x10, 0x2a and 0x2d. */
s32 flash_init(void) {
  bus_write(0x55 * 4, CMD_QUERY);
  u32 signature = (u32)query_byte(0x10) | (u32)query_byte(0x11) << 8 | (u32)query_byte(0x12) << 16;
  u32 algorithm = (u32)query_byte(0x13) | (u32)query_byte(0x14) << 8;
  u32 buffer_log2 = query_byte(0x2a);
  u32 regions = query_byte(0x2c);
  u32 blocks = ((u32)query_byte(0x2d) | (u32)query_byte(0x2e) << 8) + 1;
  u32 block_bytes = ((u32)query_byte(0x2f) | (u32)query_byte(0x30) << 8) * 256u;
  bus_write(0, CMD_READ_ARRAY);
  if (signature != 0x595251u /* "QRY" */ || algorithm != 1 || regions != 1 || buffer_log2 < 5 || buffer_log2 > 16) return EXO_E_IO;
  /* Bytes a block counts both chips in QEMU's table already when the device width is not told; take what fits the bank. */
  sector_bytes = block_bytes;
  while (sector_bytes && sector_bytes * blocks < FLASH_BANK_BYTES) sector_bytes *= 2;
  if (sector_bytes * blocks != FLASH_BANK_BYTES) return EXO_E_IO;
  page_bytes = 2u << buffer_log2;
  if (page_bytes > 4096) page_bytes = 4096;
  return 0;
}

u32 flash_sector_bytes(void) { return sector_bytes; }
u32 flash_page_bytes(void) { return page_bytes; }
u32 flash_erase_ms_max(void) { return ERASE_TIMEOUT_MS; }
u32 flash_program_ms_max(void) { return 2 * PROGRAM_TIMEOUT_MS; }

static s32 wait_ready(u32 offset, u32 timeout_ms) {
  u64 deadline = clock_microseconds() + timeout_ms * 1000u;
  u32 status;
  while (((status = bus_read(offset)) & STATUS_READY) != STATUS_READY) {
    if (clock_microseconds() > deadline) return EXO_E_IO;
  }
  return (status & STATUS_ERRORS) ? EXO_E_IO : 0;
}

static s32 finish(u32 offset, s32 result) {
  if (result < 0) bus_write(offset, CMD_CLEAR_STATUS);
  bus_write(offset, CMD_READ_ARRAY);
  operating = 0;
  return result;
}

void flash_bank_read(u32 offset, u8 *target, u32 length) {
  bus_copy(offset, target, length);
  flash_fault_disturb(offset, target, length);
}

static u32 read_word(u32 offset) {
  u32 word = bus_read(offset);
  flash_fault_disturb(offset, (u8 *)&word, 4);
  return word;
}

s32 flash_bank_erase(u32 offset) {
  flash_operation('E', offset, sector_bytes, NULL);
  flash_fault_point('E', offset, sector_bytes, NULL);
  operating = 1;
  bus_write(offset, CMD_ERASE);
  bus_write(offset, CMD_CONFIRM);
  return finish(offset, wait_ready(offset, ERASE_TIMEOUT_MS));
}

static u32 source_word(const u8 *source, u32 at) {
  u32 word;
  memcpy(&word, source + at, 4);
  return word;
}

/* Offset and length are multiples of 4 inside one page (flash_zones.c has checked). */
static s32 program_buffer(u32 offset, const u8 *source, u32 length) {
  operating = 1;
  bus_write(offset, CMD_BUFFER_PROGRAM);
  s32 result = wait_ready(offset, PROGRAM_TIMEOUT_MS);
  if (result == 0) {
    bus_write(offset, BOTH(length / 4 - 1));
    for (u32 at = 0; at < length; at += 4) bus_write(offset + at, source_word(source, at));
    bus_write(offset, CMD_CONFIRM);
    result = wait_ready(offset, PROGRAM_TIMEOUT_MS);
  }
  return finish(offset, result);
}

s32 flash_bank_program(u32 offset, const u8 *source, u32 length, u32 durability) {
  for (u32 at = 0; at < length; at += 4) {
    if (source_word(source, at) & ~read_word(offset + at)) return EXO_E_NOT_ERASED;
  }
  flash_operation('P', offset, length, source);
  flash_fault_point('P', offset, length, source);
  s32 result = program_buffer(offset, source, length);
  if (result == 0 && durability == EXO_VERIFIED) {
    for (u32 at = 0; at < length; at += 4) {
      if (read_word(offset + at) != source_word(source, at)) return EXO_E_VERIFY;
    }
  }
  return result;
}

#ifdef FLASH_FAULTS
void flash_overwrite(u32 offset, const u8 *source, u32 length) { (void)program_buffer(offset, source, length); }
#endif
