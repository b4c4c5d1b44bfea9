/* kernel.h: what the exokernel's own files share. Modules never see this; their boundary is exokernel.h. */
#ifndef FLIPSIDE_KERNEL_H
#define FLIPSIDE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "exokernel.h"
#include "machine.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

static inline u32 mmio_read32(u32 address) { return *(volatile u32 *)address; }
static inline void mmio_write32(u32 address, u32 value) { *(volatile u32 *)address = value; }
static inline u8 mmio_read8(u32 address) { return *(volatile u8 *)address; }
static inline void mmio_write8(u32 address, u8 value) { *(volatile u8 *)address = value; }

/* A module as the exokernel sees it: its memory, and what the link granted to it. wasm2c hands this to every import. */
struct Z_exo_instance_t {
  u8 *memory;
  u32 memory_bytes;
  u32 id;               /* MODULE_*, for the crash record */
  u32 readable_zones;   /* one bit a zone */
  u32 writable_zones;
  u32 capabilities;     /* CAN_* */
};
typedef struct Z_exo_instance_t module;

enum { MODULE_EXOKERNEL, MODULE_BOOT, MODULE_AGENT, MODULE_APP };
enum {
  CAN_USE_NETWORK = 1,
  CAN_RESET = 2,
  CAN_START_IMAGES = 4,
  CAN_REPORT_AS_APP = 8,
  CAN_READ_APP = 16,
  CAN_FEED_WATCHDOG = 32,
  CAN_READ_ROOT_KEYS = 64,
  CAN_USE_ENTROPY = 128,
  CAN_RECOVER = 256,
  CAN_SAY_PHASE = 512,
  CAN_READ_CONSOLE = 1024,
  CAN_CONFIGURE_APP = 2048,
};

/* The memory of `caller` at [ptr, ptr+length), or NULL. Written so that no sum can wrap. */
static inline u8 *module_range(const module *caller, u32 ptr, u32 length) {
  if (length > caller->memory_bytes || ptr > caller->memory_bytes - length) return NULL;
  return caller->memory + ptr;
}

/* How an exported call is named by wasm2c: import module "exo", then the call. */
#define EXO_CALL(name) Z_exoZ_##name

/* uart.c */
void uart_open_receiver(void);
u32 uart_receive(u8 *target, u32 length);
void console_put(const char *text);
void console_put_bytes(const u8 *bytes, u32 length);
void console_put_hex(u32 value);
void console_put_decimal(u32 value);

/* clock.c */
u64 clock_ticks(void);
u64 clock_microseconds(void);
u64 divided(u64 value, u32 by);
void clock_init(void);
void clock_set_alarm(u64 ticks);

/* flash_cfi.c: bank 1 only. Offsets from FLASH_BANK. Results as in exokernel.h. */
s32 flash_init(void);
u32 flash_sector_bytes(void);
u32 flash_page_bytes(void);
u32 flash_erase_ms_max(void);
u32 flash_program_ms_max(void);
u32 flash_is_operating(void);
void flash_bank_read(u32 offset, u8 *target, u32 length);
s32 flash_bank_program(u32 offset, const u8 *source, u32 length, u32 durability);
s32 flash_bank_erase(u32 offset);

/* flash_zones.c */
extern u32 running_slot_zone;     /* a zone that nobody may change, or EXO_ZONE_COUNT */
s32 zone_address(u32 zone, u32 offset, u32 length, u32 *bank_offset);

/* pmp.c */
void pmp_lock_boot_bank(void);
void pmp_lock_running_slot(u32 zone);
void pmp_lock_image(u32 text_start, u32 text_end, u32 guard_a, u32 guard_b);

/* virtio_net.c, virtio_rng.c */
void nic_init(void);
void nic_interrupt(void);
u32 nic_irq(void);
void entropy_init(void);
s32 entropy_read(u8 *target, u32 length);

/* plic.c */
void plic_enable(u32 irq);
void plic_dispatch(void);

/* watchdog_i6300esb.c */
s32 watchdog_arm(u32 timeout_ms);
void watchdog_reload(void);

/* reset.c: what RAM keeps across a reset */
struct retained {
  u32 magic, magic_inverted;
  u32 reason;                          /* EXO_BOOT_* of the next boot; EXO_BOOT_UNKNOWN: nothing was said yet */
  u32 has_crash;
  u8 crash[EXO_CRASH_RECORD_BYTES];
  u8 last_crash[EXO_CRASH_RECORD_BYTES];
  u32 has_last_crash;
  u32 boot_reason;                     /* of this boot */
  u32 reset_cause;                     /* EXO_CAUSE_* of this boot */
  u8 boot_info[EXO_BOOT_INFO_BYTES];
  u32 phase;                           /* EXO_PHASE_* of this run */
  u32 console_bytes;                   /* written in this run; the newest are in console[], a ring */
  u32 last_console_bytes;              /* of the crashed run, in order */
  u8 console[EXO_CRASH_LOG_BYTES];
  u8 last_console[EXO_CRASH_LOG_BYTES];
};
#define RETAINED ((volatile struct retained *)RAM_RETAINED)
void retained_begin_boot(void);
void retained_keep_console(u8 byte);
_Noreturn void reset_now(u32 reason);
_Noreturn void crash(u32 module_id, u32 code, u32 mepc, u32 mtval, const char *message);
_Noreturn void halt_in_recovery(void);

/* console_log.c; the loader keeps no more than what RAM keeps across a reset */
void console_log_begin(void);
void console_log_keep(u8 byte);

/* trap.c */
extern volatile u32 current_module;

/* app_slice.c */
void app_slice_init(void);
void app_slice_run_if_due(u64 now_ticks);
u64 app_slice_next(void);

/* wasm_runtime.c */
void runtime_give_memory(u8 *memory, u32 bytes);

#endif
