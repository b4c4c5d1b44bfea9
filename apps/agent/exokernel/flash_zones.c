/* flash_zones.c: flash as modules see it: zones that were granted, with every offset and length checked. */
#include "kernel.h"

static const struct { u32 offset, bytes; } zones[EXO_ZONE_COUNT] = FLASH_ZONE_TABLE;

u32 running_slot_zone = EXO_ZONE_COUNT;

s32 zone_address(u32 zone, u32 offset, u32 length, u32 *bank_offset) {
  if (zone >= EXO_ZONE_COUNT || length > zones[zone].bytes || offset > zones[zone].bytes - length) return EXO_E_ARGUMENT;
  *bank_offset = zones[zone].offset + offset;
  return 0;
}

static s32 readable(const module *caller, u32 zone) {
  if (zone >= EXO_ZONE_COUNT) return EXO_E_ARGUMENT;
  return (caller->readable_zones >> zone) & 1 ? 0 : EXO_E_DENIED;
}

static s32 writable(const module *caller, u32 zone) {
  if (zone >= EXO_ZONE_COUNT) return EXO_E_ARGUMENT;
  if (!((caller->writable_zones >> zone) & 1) || zone == running_slot_zone) return EXO_E_DENIED;
  return 0;
}

u32 EXO_CALL(flash_geometry)(module *caller, u32 zone, u32 out_ptr) {
  s32 result = readable(caller, zone);
  if (result < 0) return (u32)result;
  u32 *out = (u32 *)module_range(caller, out_ptr, 16);
  if (!out || (out_ptr & 3)) return (u32)EXO_E_ARGUMENT;
  out[0] = zones[zone].bytes;
  out[1] = flash_sector_bytes();
  out[2] = flash_page_bytes();
  out[3] = writable(caller, zone) == 0;
  return 0;
}

u32 EXO_CALL(flash_timing)(module *caller, u32 out_ptr) {
  if (!(caller->capabilities & CAN_FEED_WATCHDOG)) return (u32)EXO_E_DENIED;
  u32 *out = (u32 *)module_range(caller, out_ptr, 8);
  if (!out || (out_ptr & 3)) return (u32)EXO_E_ARGUMENT;
  out[0] = flash_erase_ms_max();
  out[1] = flash_program_ms_max();
  return 0;
}

u32 EXO_CALL(flash_read)(module *caller, u32 zone, u32 offset, u32 ptr, u32 length) {
  u32 bank_offset;
  s32 result = readable(caller, zone);
  if (result == 0) result = zone_address(zone, offset, length, &bank_offset);
  if (result < 0) return (u32)result;
  u8 *target = module_range(caller, ptr, length);
  if (!target) return (u32)EXO_E_ARGUMENT;
  if (flash_is_operating()) return (u32)EXO_E_AGAIN;
  flash_bank_read(bank_offset, target, length);
  return 0;
}

u32 EXO_CALL(flash_program)(module *caller, u32 zone, u32 offset, u32 ptr, u32 length, u32 durability) {
  u32 bank_offset;
  s32 result = writable(caller, zone);
  if (result == 0) result = zone_address(zone, offset, length, &bank_offset);
  if (result < 0) return (u32)result;
  const u8 *source = module_range(caller, ptr, length);
  u32 page = flash_page_bytes();
  if (!source || length == 0 || ((offset | length) & 3) || length > page || (offset & (page - 1)) > page - length ||
      durability > EXO_VERIFIED) {
    return (u32)EXO_E_ARGUMENT;
  }
  if (flash_is_operating()) return (u32)EXO_E_AGAIN;
  return (u32)flash_bank_program(bank_offset, source, length, durability);
}

u32 EXO_CALL(flash_erase)(module *caller, u32 zone, u32 offset) {
  u32 bank_offset;
  s32 result = writable(caller, zone);
  if (result == 0) result = zone_address(zone, offset, flash_sector_bytes(), &bank_offset);
  if (result < 0) return (u32)result;
  if (offset & (flash_sector_bytes() - 1)) return (u32)EXO_E_ARGUMENT;
  if (flash_is_operating()) return (u32)EXO_E_AGAIN;
  return (u32)flash_bank_erase(bank_offset);
}
