/* image_loader.c: the calls that only the boot loader is granted: fill the image window, look at it, and jump; and what
 * recovery may do in place of the jump. */
#include <string.h>

#include "kernel.h"

static s32 in_window(u32 address, u32 length) {
  return address >= IMAGE_WINDOW && length <= IMAGE_WINDOW_BYTES && address - IMAGE_WINDOW <= IMAGE_WINDOW_BYTES - length;
}

static s32 allowed(const module *caller) { return (caller->capabilities & CAN_START_IMAGES) ? 0 : EXO_E_DENIED; }

u32 EXO_CALL(image_type)(module *caller) {
  return allowed(caller) < 0 ? (u32)EXO_E_DENIED : EXO_IMAGE_UNIKERNEL;
}

u32 EXO_CALL(image_load)(module *caller, u32 zone, u32 offset, u32 address, u32 length) {
  u32 bank_offset;
  if (allowed(caller) < 0) return (u32)EXO_E_DENIED;
  if ((zone != EXO_ZONE_SLOT_A && zone != EXO_ZONE_SLOT_B) || !in_window(address, length)) return (u32)EXO_E_ARGUMENT;
  s32 result = zone_address(zone, offset, length, &bank_offset);
  if (result < 0) return (u32)result;
  flash_bank_read(bank_offset, (u8 *)address, length);
  return 0;
}

u32 EXO_CALL(image_read)(module *caller, u32 address, u32 ptr, u32 length) {
  u8 *out = module_range(caller, ptr, length);
  if (allowed(caller) < 0) return (u32)EXO_E_DENIED;
  if (!out || !in_window(address, length)) return (u32)EXO_E_ARGUMENT;
  memcpy(out, (const u8 *)address, length);
  return 0;
}

u32 EXO_CALL(image_start)(module *caller, u32 entry, u32 info_ptr) {
  const u8 *info = module_range(caller, info_ptr, EXO_BOOT_INFO_BYTES);
  if (allowed(caller) < 0) return (u32)EXO_E_DENIED;
  if (!info || !in_window(entry, 4) || (entry & 3) || info[6] > 1) return (u32)EXO_E_ARGUMENT;
  memcpy((u8 *)RETAINED->boot_info, info, EXO_BOOT_INFO_BYTES);
  RETAINED->phase = EXO_PHASE_HANDED_OVER;
  RETAINED->reason = EXO_BOOT_UNKNOWN; /* recovery, which may have started this, says something else */
  pmp_lock_running_slot(info[6] == 0 ? EXO_ZONE_SLOT_A : EXO_ZONE_SLOT_B);
  __asm__ volatile("fence.i" ::: "memory");
  ((void (*)(void))entry)();
  __builtin_unreachable();
}

u32 EXO_CALL(serial_read)(module *caller, u32 ptr, u32 length) {
  if (!(caller->capabilities & CAN_RECOVER)) return (u32)EXO_E_DENIED;
  u8 *out = module_range(caller, ptr, length);
  if (!out || length > 1024) return (u32)EXO_E_ARGUMENT;
  u32 count = uart_receive(out, length);
  return count ? count : (u32)EXO_E_AGAIN;
}

u32 EXO_CALL(recovery_begin)(module *caller, u32 zone) {
  const u32 slots = 1u << EXO_ZONE_SLOT_A | 1u << EXO_ZONE_SLOT_B;
  if (!(caller->capabilities & CAN_RECOVER)) return (u32)EXO_E_DENIED;
  if (zone != EXO_ZONE_SLOT_A && zone != EXO_ZONE_SLOT_B) return (u32)EXO_E_ARGUMENT;
  if (caller->writable_zones & slots & ~(1u << zone)) return (u32)EXO_E_DENIED;
  caller->capabilities = (caller->capabilities & ~(u32)CAN_START_IMAGES) | CAN_RESET;
  caller->writable_zones |= 1u << zone;
  return 0;
}
