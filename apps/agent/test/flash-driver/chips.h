/* chips.h: two 16-bit NOR chips with the Intel/Sharp extended command set side by side, as flash_cfi.c drives them: what
 * JESD68 and the datasheets (28F320J5; Numonyx J3-65nm; JS28F256P30) say of commands, status and the query table. Unlike
 * QEMU's they take their time, clear bits and never set one, and on request fail, say nothing, or say done and lie.
 *
 * Included by the test that is compiled with the driver in one piece; nothing of it ships. */
#include <stdlib.h>
#include <string.h>

enum chip_mode { CHIP_ARRAY, CHIP_STATUS, CHIP_QUERY, CHIP_ERASE_SETUP, CHIP_BUFFER_SETUP, CHIP_BUFFER_DATA, CHIP_BUFFER_FULL };
enum chip_lie { LIE_NONE, LIE_NOTHING, LIE_FIRST_WORD_ONLY, LIE_ALL_BUT_ONE_BIT, LIE_ONE_BIT_MORE };

#define CHIP_SECTOR_BYTES 0x40000u /* of both chips */
#define CHIP_BUFFER_WORDS 1024u
#define STATUS_BIT_READY 0x80u

static u8 chip_bytes[FLASH_BANK_BYTES];

static struct {
  enum chip_mode mode;
  u32 status;      /* error bits, until cleared */
  u32 busy;        /* status reads until it is ready */
  u32 block;       /* offset that the operation was begun at */
  u32 words, got;
  struct { u32 offset; u16 half; } buffer[CHIP_BUFFER_WORDS];
} chip[2];

/* What the test asks for. Each is for the next operation of one chip, but the query table's. */
static struct {
  u32 busy_reads;           /* status reads until an operation is done */
  u32 never_ready[2];
  u32 fails_with[2];        /* error bits of the status */
  enum chip_lie lies[2];
  u32 other_bits;           /* of the status, that say of no error */
  void (*while_busy)(void); /* called at a status read of a busy chip */
  void (*at_access)(void);  /* at each access that is no read of content */
} ask;
static u8 query_table[0x31];
static u32 odd_commands, operations_done;

static void chips_reset(void) {
  memset(chip_bytes, 0xff, sizeof chip_bytes);
  memset(chip, 0, sizeof chip);
  memset(&ask, 0, sizeof ask);
  memset(query_table, 0, sizeof query_table);
  memcpy(query_table + 0x10, "QRY", 3);
  query_table[0x13] = 1;    /* Intel/Sharp extended */
  query_table[0x2a] = 11;   /* a write buffer of 2048 bytes a chip */
  query_table[0x2c] = 1;    /* one region */
  query_table[0x2d] = 127;  /* 128 blocks */
  query_table[0x2f] = 0x00; /* of 128 KiB a chip, in units of 256 bytes */
  query_table[0x30] = 0x02;
  odd_commands = operations_done = 0;
}

static u16 half_at(u32 offset, u32 h) { return (u16)(chip_bytes[offset + 2 * h] | chip_bytes[offset + 2 * h + 1] << 8); }

static void put_half(u32 offset, u32 h, u16 value) {
  chip_bytes[offset + 2 * h] = (u8)value;
  chip_bytes[offset + 2 * h + 1] = (u8)(value >> 8);
}

static void begin_operation(u32 h) {
  chip[h].mode = CHIP_STATUS;
  chip[h].busy = ask.never_ready[h] ? ~0u : ask.busy_reads;
  chip[h].status |= ask.fails_with[h];
  operations_done++;
}

static void erase_half(u32 h) {
  begin_operation(h);
  if (chip[h].status || ask.never_ready[h]) return;
  u32 first = chip[h].block & ~(CHIP_SECTOR_BYTES - 1);
  u32 end = first + CHIP_SECTOR_BYTES;
  if (ask.lies[h] == LIE_NOTHING) return;
  if (ask.lies[h] == LIE_FIRST_WORD_ONLY) end = first + 4;
  for (u32 at = first; at < end; at += 4) put_half(at, h, 0xffff);
  if (ask.lies[h] == LIE_ALL_BUT_ONE_BIT) put_half(first + 4096, h, 0xfffe);
}

static void program_half(u32 h) {
  begin_operation(h);
  if (chip[h].status || ask.never_ready[h] || ask.lies[h] == LIE_NOTHING) return;
  for (u32 i = 0; i < chip[h].got; i++) {
    u32 at = chip[h].buffer[i].offset;
    u16 value = chip[h].buffer[i].half;
    if (ask.lies[h] == LIE_FIRST_WORD_ONLY && i > 0) break;
    /* The last bit that was to be cleared stays, or one goes that was to stay. */
    if (ask.lies[h] == LIE_ALL_BUT_ONE_BIT && i == chip[h].got - 1) value |= (u16)(~value & -(u16)~value);
    if (ask.lies[h] == LIE_ONE_BIT_MORE && i == chip[h].got - 1) value &= (u16)(value - 1);
    put_half(at, h, half_at(at, h) & value);
  }
}

static void write_half(u32 h, u32 offset, u16 word) {
  switch (chip[h].mode) {
  case CHIP_ERASE_SETUP:
    if (word == 0xd0 && (offset & ~(CHIP_SECTOR_BYTES - 1)) == (chip[h].block & ~(CHIP_SECTOR_BYTES - 1))) return erase_half(h);
    chip[h].status |= 0x30; /* command sequence error */
    chip[h].mode = CHIP_STATUS;
    return;
  case CHIP_BUFFER_SETUP:
    chip[h].words = (u32)word + 1;
    chip[h].got = 0;
    chip[h].mode = CHIP_BUFFER_DATA;
    if (chip[h].words > CHIP_BUFFER_WORDS) {
      chip[h].status |= 0x30;
      chip[h].mode = CHIP_STATUS;
    }
    return;
  case CHIP_BUFFER_DATA:
    chip[h].buffer[chip[h].got].offset = offset;
    chip[h].buffer[chip[h].got].half = word;
    /* All words of a buffer lie in one block. */
    if ((offset & ~(CHIP_SECTOR_BYTES - 1)) != (chip[h].block & ~(CHIP_SECTOR_BYTES - 1))) chip[h].status |= 0x30;
    if (++chip[h].got == chip[h].words) chip[h].mode = CHIP_BUFFER_FULL;
    return;
  case CHIP_BUFFER_FULL:
    if (word == 0xd0) return program_half(h);
    chip[h].status |= 0x30;
    chip[h].mode = CHIP_STATUS;
    return;
  default:
    break;
  }
  switch (word) {
  case 0xff: chip[h].mode = CHIP_ARRAY; return;
  case 0x50: chip[h].status = 0; return;
  case 0x98:
    if (offset == 0x55 * 4) { chip[h].mode = CHIP_QUERY; return; }
    break;
  case 0x20: chip[h].mode = CHIP_ERASE_SETUP; chip[h].block = offset; return;
  case 0xe8: chip[h].mode = CHIP_BUFFER_SETUP; chip[h].block = offset; return;
  }
  odd_commands++;
}

static u16 read_half(u32 h, u32 offset) {
  switch (chip[h].mode) {
  case CHIP_ARRAY: return half_at(offset, h);
  case CHIP_QUERY: return offset / 4 < sizeof query_table ? query_table[offset / 4] : 0;
  case CHIP_BUFFER_SETUP: return STATUS_BIT_READY | chip[h].status;
  default:
    if (chip[h].busy == 0) return STATUS_BIT_READY | (u16)chip[h].status | (u16)ask.other_bits;
    if (chip[h].busy != ~0u) chip[h].busy--;
    if (ask.while_busy) ask.while_busy();
    return 0;
  }
}

static u32 bus_read(u32 offset) {
  if (offset & 3) odd_commands++;
  if (ask.at_access && chip[0].mode != CHIP_ARRAY) ask.at_access();
  return (u32)read_half(0, offset) | (u32)read_half(1, offset) << 16;
}

static void bus_write(u32 offset, u32 word) {
  if (offset & 3) odd_commands++;
  if (ask.at_access) ask.at_access();
  write_half(0, offset, (u16)word);
  write_half(1, offset, (u16)(word >> 16));
}

static void bus_copy(u32 offset, u8 *target, u32 length) {
  for (u32 at = 0; at < length; at++) {
    u32 word = bus_read((offset + at) & ~3u);
    target[at] = (u8)(word >> (8 * ((offset + at) & 3)));
  }
}
