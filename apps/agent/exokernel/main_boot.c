/* main_boot.c: the boot bank's program: devices up, then boot.wasm decides what runs; and recovery, if nothing does. */
#include "boot.h"
#include "kernel.h"

#define ALL_ZONES ((1u << EXO_ZONE_COUNT) - 1)

static module boot = { .id = MODULE_BOOT, .capabilities = CAN_START_IMAGES | CAN_FEED_WATCHDOG | CAN_READ_ROOT_KEYS | CAN_RECOVER | CAN_SAY_PHASE,
                       .readable_zones = ALL_ZONES & ~(1u << EXO_ZONE_APP), .writable_zones = 1u << EXO_ZONE_BOOT_CONTROL };
static Z_boot_instance_t instance;
_Static_assert(BOOT_MEMORY + BOOT_MEMORY_BYTES == RAM_END, "the loader's module's memory ends where the PMP denies RAM");

/* The loader takes no interrupts and runs no app. */
void app_slice_run_if_due(u64 now) { (void)now; }
u64 app_slice_next(void) { return ~(u64)0; }
void console_log_keep(u8 byte) { (void)byte; }
u32 nic_irq(void) { return 0; }
void nic_interrupt(void) {}

#define MIE_TIMER (1u << 7)
/* The receiver holds 16 bytes: 1.4 ms at 115200 baud. */
#define POLL_US 500u

/* After bytes there are more: for so long the line is watched without a sleep. */
#define ATTENTIVE_US 20000u

/* Sleeps until the receiver has to be looked at. With interrupts off a pending one still ends WFI. */
static void idle(u32 microseconds) {
  static u64 heard_us;
  if (microseconds == 0) heard_us = clock_microseconds();
  if (clock_microseconds() - heard_us < ATTENTIVE_US) return;
  if (microseconds > POLL_US) microseconds = POLL_US;
  clock_set_alarm(clock_ticks() + (u64)microseconds * (MTIME_HZ / 1000000u));
  __asm__ volatile("csrs mie, %0\n wfi\n csrc mie, %0" ::"r"(MIE_TIMER) : "memory");
}

/* Whoever presses reset in recovery wants what a power cycle gives: the image tried again. */
static _Noreturn void recover(void) {
  RETAINED->phase = EXO_PHASE_RECOVERY;
  RETAINED->reason = EXO_BOOT_POWER_ON;
  uart_open_receiver();
  for (;;) {
    u32 wait = Z_bootZ_recover(&instance);
    if (wait == EXO_RECOVERY_NONE) halt_in_recovery();
    idle(wait);
  }
}

void kernel_main(void) {
  retained_begin_boot();
  pmp_lock_boot_bank();
  clock_init();
  if (flash_init() < 0) crash(MODULE_EXOKERNEL, 0, 0, 0, "flash does not answer");
  boot.memory = (u8 *)BOOT_MEMORY;
  boot.memory_bytes = BOOT_MEMORY_BYTES;
  runtime_give_memory(boot.memory, BOOT_MEMORY_BYTES);
  current_module = MODULE_BOOT;
  Z_boot_init_module();
  Z_boot_instantiate(&instance, &boot);
  Z_bootZ_boot(&instance);
  recover();
}
