/* trap.c: what interrupts and exceptions lead to (trap_entry.S has chosen a stack). */
#include "kernel.h"

#define CAUSE_MACHINE_TIMER    7u
#define CAUSE_MACHINE_EXTERNAL 11u

volatile u32 current_module = MODULE_EXOKERNEL;

void trap_interrupt(u32 cause) {
  cause &= 0x7fffffffu;
  if (cause == CAUSE_MACHINE_EXTERNAL) {
    plic_dispatch();
  } else if (cause == CAUSE_MACHINE_TIMER) {
    app_slice_run_if_due(clock_ticks());
    clock_set_alarm(app_slice_next());
  }
}

_Noreturn void trap_exception(u32 cause, u32 mepc, u32 mtval) {
  static const char *const names[] = { "instruction misaligned", "instruction access fault", "illegal instruction", "breakpoint",
                                       "load misaligned", "load access fault", "store misaligned", "store access fault" };
  crash(current_module, 0x100 + cause, mepc, mtval, cause < 8 ? names[cause] : "exception");
}
