/* slice_budget.h: a slice that is reserved: a period, and a budget in it that no tick exceeds.
 *
 * Only where the build asks for one (build/link.ts, `slice`: -DSLICE_PERIOD_US, -DSLICE_BUDGET_US); else the app's tick takes as long as
 * it takes, and the watchdog ends a device whose app does not come back.
 *
 * Admission: a slice may have half of its period at most, and must have enough for a tick that does nothing. One that is
 * not admitted never runs, and its app is unhealthy.
 *
 * Overrun: the tick is interrupted when its budget is over, and abandoned where it is. What it had in hand is lost, its
 * module is in no state to go on from: it runs no more until the next reset, its health is EXO_HEALTH_UNHEALTHY, its metric
 * is taken back, since it may be half written. A reserved slice has no flash: an operation of the chip can't be abandoned.
 * Everybody else goes on as after any other tick. */
#ifndef FLIPSIDE_SLICE_BUDGET_H
#define FLIPSIDE_SLICE_BUDGET_H

#include "kernel.h"

#ifdef SLICE_PERIOD_US

/* Of the slice so far, in ticks of mtime (100 ns), for whoever watches the machine from outside. */
struct slice_record {
  u32 ticks;       /* that were run */
  u32 late_max;    /* from when one was due to when its interrupt was served */
  u32 longest;     /* that one took */
  u32 stopped;     /* 1: by its budget; 2: it was not admitted */
};
extern volatile struct slice_record slice_record;
enum { SLICE_RUNS, SLICE_OVERRAN, SLICE_REFUSED };

s32 slice_admit(u64 period_ticks, u64 budget_ticks);

/* slice_entry.S: calls tick(instance) with the timer's interrupt alone open. 0, or 1 where that came first. Call with
 * interrupts off, in an interrupt, the alarm set. */
u32 slice_run(void (*tick)(void *), void *instance);

#endif
#endif
