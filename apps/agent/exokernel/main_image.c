/* main_image.c: an image's program: devices up, memory locked, the app's slice running, then the agent's loop. */
#include <string.h>

#include "agent.h"
#include "kernel.h"

extern u8 __text_start[], __text_end[], __guard_a[], __guard_b[];
extern volatile u32 nic_event;

#define MSTATUS_MIE 8u
#define MIE_TIMER_AND_EXTERNAL (1u << 7 | 1u << 11)

/* The boot loader is the one that changes boot control before the jump; after it, the agent appends what it proved. */
#define AGENT_WRITES (1u << EXO_ZONE_BOOT_CONTROL | 1u << EXO_ZONE_SETTINGS | 1u << EXO_ZONE_TRUST | 1u << EXO_ZONE_SLOT_A | \
                      1u << EXO_ZONE_SLOT_B | 1u << EXO_ZONE_JOURNAL)
#define AGENT_READS  (AGENT_WRITES | 1u << EXO_ZONE_FACTORY)

static module agent = { .id = MODULE_AGENT, .capabilities = CAN_USE_NETWORK | CAN_RESET | CAN_READ_APP | CAN_FEED_WATCHDOG | CAN_READ_ROOT_KEYS | CAN_USE_ENTROPY | CAN_SAY_PHASE |
                                                        CAN_READ_CONSOLE | CAN_CONFIGURE_APP,
                        .readable_zones = AGENT_READS, .writable_zones = AGENT_WRITES };
static Z_agent_instance_t instance;
_Static_assert(AGENT_MEMORY + AGENT_MEMORY_BYTES == RAM_END, "the agent's memory ends where the PMP denies RAM");

#ifdef SLICE_PERIOD_US
/* Between the agent's wake-ups a reserved slice has its ticks, and nobody else is woken. Interrupts are off. */
static void sleep_beside_slice(u64 wake) {
  do {
    u64 slice = app_slice_next();
    clock_set_alarm(wake < slice ? wake : slice);
    __asm__ volatile("wfi\n csrs mstatus, %0\n csrc mstatus, %0" ::"r"(MSTATUS_MIE) : "memory");
  } while (!nic_event && clock_ticks() < wake);
}
#endif

/* Sleeps until an interrupt, at most `microseconds`. With interrupts off a pending one still ends WFI, so none is missed
 * between the look at nic_event and the sleep. */
static void idle(u32 microseconds) {
  __asm__ volatile("csrc mstatus, %0" ::"r"(MSTATUS_MIE) : "memory");
  if (!nic_event && microseconds > 0) {
    u64 wake = clock_ticks() + (u64)microseconds * (MTIME_HZ / 1000000u);
#ifdef SLICE_PERIOD_US
    sleep_beside_slice(wake);
#else
    u64 slice = app_slice_next();
    clock_set_alarm(wake < slice ? wake : slice);
    __asm__ volatile("wfi" ::: "memory");
#endif
  }
  nic_event = 0;
  __asm__ volatile("csrs mstatus, %0" ::"r"(MSTATUS_MIE) : "memory");
}

/* Only an image looks at the loader: the loader has no room for it. */
u32 EXO_CALL(loader_read)(module *caller, u32 offset, u32 ptr, u32 length) {
  if (!(caller->capabilities & CAN_READ_ROOT_KEYS)) return (u32)EXO_E_DENIED;
  u8 *out = module_range(caller, ptr, length);
  if (!out || offset > LOADER_BYTES) return (u32)EXO_E_ARGUMENT;
  if (length > LOADER_BYTES - offset) length = LOADER_BYTES - offset;
  memcpy(out, (const u8 *)BOOT_BANK + offset, length);
  return length;
}

void kernel_main(void) {
  RETAINED->phase = EXO_PHASE_IMAGE;
  console_log_begin();
  clock_init();
  if (flash_init() < 0) crash(MODULE_EXOKERNEL, 0, 0, 0, "flash does not answer");
  running_slot_zone = RETAINED->boot_info[6] == 0 ? EXO_ZONE_SLOT_A : EXO_ZONE_SLOT_B;
  pmp_lock_image((u32)__text_start, (u32)__text_end, (u32)__guard_a, (u32)__guard_b);
  entropy_init();
  nic_init();

  app_slice_init();
  clock_set_alarm(app_slice_next());
  __asm__ volatile("csrs mie, %0" ::"r"(MIE_TIMER_AND_EXTERNAL) : "memory");
  __asm__ volatile("csrs mstatus, %0" ::"r"(MSTATUS_MIE) : "memory");

  agent.memory = (u8 *)AGENT_MEMORY;
  agent.memory_bytes = AGENT_MEMORY_BYTES;
  runtime_give_memory(agent.memory, AGENT_MEMORY_BYTES);
  current_module = MODULE_AGENT;
  Z_agent_init_module();
  Z_agent_instantiate(&instance, &agent);
  Z_agentZ_start(&instance);
  for (;;) idle(Z_agentZ_step(&instance));
}
