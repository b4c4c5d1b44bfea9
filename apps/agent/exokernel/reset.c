/* reset.c: how a run ends, and what RAM tells the next one about it.
 *
 * A reset goes through the test finisher: QEMU exits with a status and the runner starts it anew, since locked PMP
 * entries would survive a reset inside QEMU 7.2. What reset the machine is the hardware's word (RESET_CAUSE of machine.h);
 * only where that is software, or nobody knows, does it count what the last run left in RAM. */
#include <string.h>

#include "kernel.h"

#define RETAINED_MAGIC 0x4e494154u
#define FINISHER_FAIL  0x3333u
/* Exit statuses that the runner knows: 16 + EXO_BOOT_* of the next boot; 40 is recovery (63: a cut, flash_faults.h). */
#define EXIT_BASE      16u
#define EXIT_RECOVERY  40u

static _Noreturn void exit_with(u32 status) {
  mmio_write32(TEST_FINISHER, status << 16 | FINISHER_FAIL);
  for (;;) __asm__ volatile("wfi");
}

/* The ring in order, oldest first. RAM that was damaged gives other text, never an index outside. */
static void keep_last_console(volatile struct retained *r) {
  u32 written = r->console_bytes;
  u32 length = written < EXO_CRASH_LOG_BYTES ? written : EXO_CRASH_LOG_BYTES;
  for (u32 i = 0; i < length; i++) r->last_console[i] = r->console[(written - length + i) % EXO_CRASH_LOG_BYTES];
  r->last_console_bytes = length;
}

void retained_keep_console(u8 byte) { RETAINED->console[RETAINED->console_bytes++ % EXO_CRASH_LOG_BYTES] = byte; }

/* On another board: its reset-cause register, read and cleared. */
static u32 read_reset_cause(void) {
  if (mmio_read32(RESET_CAUSE) != RESET_CAUSE_MAGIC) return EXO_CAUSE_UNKNOWN;
  u32 cause = mmio_read32(RESET_CAUSE + 4);
  return cause <= EXO_CAUSE_SOFTWARE ? cause : EXO_CAUSE_UNKNOWN;
}

/* What the hardware says goes before what is left in RAM: a button, or a supply that dips, is no crash. */
static u32 reason_of(u32 cause, u32 said) {
  if (cause == EXO_CAUSE_WATCHDOG) return EXO_BOOT_WATCHDOG;
  if (cause == EXO_CAUSE_PIN) return EXO_BOOT_PIN;
  if (cause == EXO_CAUSE_POWER) return EXO_BOOT_POWER_ON;
  return said <= EXO_BOOT_TRAP ? said : EXO_BOOT_UNKNOWN;
}

/* Boot loader, first thing: why the last run ended; and, until this run says otherwise, it ended without a word. */
void retained_begin_boot(void) {
  volatile struct retained *r = RETAINED;
  if (r->magic != RETAINED_MAGIC || r->magic_inverted != ~RETAINED_MAGIC) memset((void *)r, 0, sizeof *r); /* power was off */
  r->reset_cause = read_reset_cause();
  r->boot_reason = reason_of(r->reset_cause, r->reason);
  r->has_last_crash = r->has_crash;
  keep_last_console(r);
  memcpy((u8 *)r->last_crash, (const u8 *)r->crash, EXO_CRASH_RECORD_BYTES);
  if (r->boot_reason == EXO_BOOT_WATCHDOG) {
    u32 *record = (u32 *)r->last_crash;
    memset(record, 0, EXO_CRASH_RECORD_BYTES);
    record[0] = EXO_CRASH_RECORD_MAGIC;
    record[1] = EXO_BOOT_WATCHDOG;
    record[7] = r->phase;
    strcpy((char *)record + 32, "hardware watchdog expired");
    r->has_last_crash = 1;
  }
  r->reason = EXO_BOOT_UNKNOWN;
  r->has_crash = 0;
  r->phase = EXO_PHASE_LOADER;
  r->console_bytes = 0;
  r->magic = RETAINED_MAGIC;
  r->magic_inverted = ~RETAINED_MAGIC;
}

_Noreturn void reset_now(u32 boot_reason) {
  RETAINED->reason = boot_reason;
  exit_with(EXIT_BASE + boot_reason);
}

_Noreturn void halt_in_recovery(void) {
  console_put("recovery: no image on this device can be started; it needs a service technician\n");
  exit_with(EXIT_RECOVERY);
}

_Noreturn void crash(u32 module_id, u32 code, u32 mepc, u32 mtval, const char *message) {
  u32 record[EXO_CRASH_RECORD_BYTES / 4] = { EXO_CRASH_RECORD_MAGIC, EXO_BOOT_TRAP, module_id, code, mepc, mtval,
                                             (u32)divided(clock_microseconds(), 1000), RETAINED->phase };
  strncpy((char *)record + 32, message, 31);
  memcpy((void *)RETAINED->crash, record, sizeof record);
  RETAINED->has_crash = 1;
  console_put("crash: ");
  console_put(message);
  console_put(" module ");
  console_put_decimal(module_id);
  console_put(" code ");
  console_put_decimal(code);
  console_put(" mepc ");
  console_put_hex(mepc);
  console_put(" mtval ");
  console_put_hex(mtval);
  console_put("\n");
  reset_now(EXO_BOOT_TRAP);
}

u32 EXO_CALL(reset)(module *caller, u32 reason) {
  if (!(caller->capabilities & CAN_RESET)) return (u32)EXO_E_DENIED;
  if (reason < EXO_RESET_REQUESTED || reason > EXO_RESET_ROLL_BACK) return (u32)EXO_E_ARGUMENT;
  reset_now(reason); /* EXO_RESET_x and the EXO_BOOT_x that it causes have one number */
}

u32 EXO_CALL(boot_reason)(module *caller) {
  (void)caller;
  return RETAINED->boot_reason;
}

u32 EXO_CALL(reset_cause)(module *caller) {
  (void)caller;
  return RETAINED->reset_cause;
}

u32 EXO_CALL(boot_info)(module *caller, u32 ptr, u32 length) {
  u8 *out = module_range(caller, ptr, length);
  if (!out || length != EXO_BOOT_INFO_BYTES) return (u32)EXO_E_ARGUMENT;
  memcpy(out, (const u8 *)RETAINED->boot_info, length);
  return 0;
}

u32 EXO_CALL(crash_record)(module *caller, u32 ptr, u32 length) {
  u8 *out = module_range(caller, ptr, length);
  if (!out || length != EXO_CRASH_RECORD_BYTES) return (u32)EXO_E_ARGUMENT;
  if (!RETAINED->has_last_crash) return (u32)EXO_E_ABSENT;
  memcpy(out, (const u8 *)RETAINED->last_crash, length);
  return 0;
}

u32 EXO_CALL(crash_log)(module *caller, u32 ptr, u32 length) {
  u8 *out = module_range(caller, ptr, length);
  if (!out) return (u32)EXO_E_ARGUMENT;
  if (!RETAINED->has_last_crash) return (u32)EXO_E_ABSENT;
  u32 kept = RETAINED->last_console_bytes;
  if (kept > EXO_CRASH_LOG_BYTES) kept = EXO_CRASH_LOG_BYTES;
  if (length > kept) length = kept;
  memcpy(out, (const u8 *)RETAINED->last_console + (kept - length), length);
  return length;
}

u32 EXO_CALL(boot_phase)(module *caller, u32 phase) {
  if (!(caller->capabilities & CAN_SAY_PHASE)) return (u32)EXO_E_DENIED;
  if (phase < EXO_PHASE_LOADER || phase > EXO_PHASE_RECOVERY) return (u32)EXO_E_ARGUMENT;
  RETAINED->phase = phase;
  return 0;
}
