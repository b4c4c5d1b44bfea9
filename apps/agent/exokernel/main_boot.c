/* main_boot.c: the boot bank's program: devices up, then boot.wasm decides what runs. */
#include "boot.h"
#include "kernel.h"

#define ALL_ZONES ((1u << EXO_ZONE_COUNT) - 1)

static module boot = { .id = MODULE_BOOT, .capabilities = CAN_START_IMAGES | CAN_FEED_WATCHDOG | CAN_READ_ROOT_KEYS,
                       .readable_zones = ALL_ZONES & ~(1u << EXO_ZONE_APP), .writable_zones = 1u << EXO_ZONE_BOOT_CONTROL };
static Z_boot_instance_t instance;
u8 boot_memory[BOOT_MEMORY_BYTES] __attribute__((aligned(16)));

/* The loader takes no interrupts and runs no app. */
void app_slice_run_if_due(u64 now) { (void)now; }
u64 app_slice_next(void) { return ~(u64)0; }
u32 nic_irq(void) { return 0; }
void nic_interrupt(void) {}

void kernel_main(void) {
  retained_begin_boot();
  pmp_lock_boot_bank();
  clock_init();
  if (flash_init() < 0) crash(MODULE_EXOKERNEL, 0, 0, 0, "flash does not answer");
  boot.memory = boot_memory;
  boot.memory_bytes = sizeof boot_memory;
  runtime_give_memory(boot_memory, sizeof boot_memory);
  current_module = MODULE_BOOT;
  Z_boot_init_module();
  Z_boot_instantiate(&instance, &boot);
  Z_bootZ_boot(&instance);
  halt_in_recovery();
}
