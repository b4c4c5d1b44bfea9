/* slice_budget.c: see slice_budget.h. */
#include "slice_budget.h"

/* 10 µs: entering and leaving a tick takes less than 2. */
#define BUDGET_TICKS_MIN (MTIME_HZ / 100000u)

volatile struct slice_record slice_record;

s32 slice_admit(u64 period_ticks, u64 budget_ticks) {
  if (budget_ticks >= BUDGET_TICKS_MIN && budget_ticks <= period_ticks / 2) return 0;
  slice_record.stopped = SLICE_REFUSED;
  return EXO_E_ARGUMENT;
}
