/* module_data.h: what a module's memory holds at its start, unpacked into memory that is all zero. build/pack-data.ts
 * packs it, and has checked that it fits: entries of a number of bytes to skip, a number of bytes that follow, and those.
 * With its top bit set in the second number, each of them stands for itself and a 0: ASCII in UTF-16. */
#ifndef FLIPSIDE_MODULE_DATA_H
#define FLIPSIDE_MODULE_DATA_H

static void unpack_data(u8 *memory, const u8 *packed, u32 bytes) {
  const u8 *end = packed + bytes;
  while (packed < end) {
    memory += *packed++;
    u32 step = *packed >> 7 ? 2 : 1;
    for (u32 count = *packed++ & 127; count > 0; count--) {
      *memory = *packed++;
      memory += step;
    }
  }
}

#endif
