/* root_keys.c: the first root keys, burnt into the last page of the boot bank. They anchor the trust record.
 *   0 u8[4] "FSRK"   4 u32 count (1..8)   8 u8[32] each */
#include <string.h>

#include "kernel.h"

#define ROOT_KEYS_PAGE (BOOT_BANK + FLASH_BANK_BYTES - 4096u)
#define ROOT_KEYS_MAGIC 0x4b525346u
#define ROOT_KEYS_MAX 8u

u32 EXO_CALL(root_keys)(module *caller, u32 ptr, u32 length) {
  if (!(caller->capabilities & CAN_READ_ROOT_KEYS)) return (u32)EXO_E_DENIED;
  const u32 *page = (const u32 *)ROOT_KEYS_PAGE;
  u32 count = page[1];
  if (page[0] != ROOT_KEYS_MAGIC || count < 1 || count > ROOT_KEYS_MAX) return (u32)EXO_E_IO;
  u8 *out = module_range(caller, ptr, length);
  if (!out || length < count * 32) return (u32)EXO_E_ARGUMENT;
  memcpy(out, page + 2, count * 32);
  return count;
}
