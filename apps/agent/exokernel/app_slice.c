/* app_slice.c: the app's reserved periodic slice. Its tick runs from the timer interrupt, whatever the agent is doing;
 * what it says of itself is kept here for the agent. */
#include <string.h>

#include "app.h"
#include "kernel.h"
#include "slice_budget.h"

#ifdef SLICE_PERIOD_US
#define PERIOD_TICKS ((u64)SLICE_PERIOD_US * (MTIME_HZ / 1000000u))
#define BUDGET_TICKS ((u64)SLICE_BUDGET_US * (MTIME_HZ / 1000000u))
#define APP_ZONES    0u
#else
#define PERIOD_TICKS ((u64)EXO_APP_SLICE_PERIOD_MS * (MTIME_HZ / 1000u))
#define APP_ZONES    (1u << EXO_ZONE_APP)
#endif

static module app = { .id = MODULE_APP, .capabilities = CAN_REPORT_AS_APP,
                      .readable_zones = APP_ZONES, .writable_zones = APP_ZONES };
static Z_app_instance_t instance;
/* image.ld reserves it, with a guard page directly behind it. */
extern u8 app_memory[APP_MEMORY_BYTES];
_Static_assert(APP_MEMORY_BYTES == 0x10000, "image.ld reserves as much for the app's memory");
static u64 next_tick = ~(u64)0;

/* Layout: exo_app_report. */
static struct { u32 ticks, health; s32 metric; u32 name_length; u8 name[16]; } report;

#ifdef SLICE_PERIOD_US
static void stop_app(void) {
  memset(&report.metric, 0, sizeof report - offsetof(typeof(report), metric));
  report.health = EXO_HEALTH_UNHEALTHY;
  next_tick = ~(u64)0;
}

static void tick_app(void *instance_of_app) { Z_appZ_tick(instance_of_app); }

/* Within its budget, which has begun. */
static void run_tick(u64 due, u64 now) {
  u32 late = (u32)(now - due);
  if (late > slice_record.late_max) slice_record.late_max = late;
  clock_set_alarm(now + BUDGET_TICKS);
  u32 is_over = slice_run(tick_app, &instance);
  u32 took = (u32)(clock_ticks() - now);
  if (took > slice_record.longest) slice_record.longest = took;
  slice_record.ticks++;
  if (!is_over) return;
  slice_record.stopped = SLICE_OVERRAN;
  stop_app();
}
#else
static void run_tick(u64 due, u64 now) {
  (void)due, (void)now;
  Z_appZ_tick(&instance);
}
#endif

void app_slice_init(void) {
  app.memory = app_memory;
  app.memory_bytes = sizeof app_memory;
  runtime_give_memory(app_memory, sizeof app_memory);
  current_module = MODULE_APP;
  Z_app_init_module();
#ifdef APP_IMPORTS_NOTHING
  Z_app_instantiate(&instance); /* wasm2c gives an instance to import from only to a module that imports */
#else
  Z_app_instantiate(&instance, &app);
#endif
  Z_appZ_start(&instance);
  current_module = MODULE_EXOKERNEL;
#ifdef SLICE_PERIOD_US
  if (slice_admit(PERIOD_TICKS, BUDGET_TICKS) < 0) return stop_app();
#endif
  next_tick = clock_ticks() + PERIOD_TICKS;
}

u64 app_slice_next(void) { return next_tick; }

void app_slice_run_if_due(u64 now) {
  if (now < next_tick) return;
  u64 due = next_tick;
  next_tick += PERIOD_TICKS;
  if (next_tick <= now) next_tick = now + PERIOD_TICKS; /* slices that were missed are not made up for */
  u32 interrupted = current_module;
  current_module = MODULE_APP;
  run_tick(due, now);
  current_module = interrupted;
  report.ticks++;
}

u32 EXO_CALL(app_metric)(module *caller, u32 name_ptr, u32 name_length, u32 value) {
  if (!(caller->capabilities & CAN_REPORT_AS_APP)) return (u32)EXO_E_DENIED;
  const u8 *name = module_range(caller, name_ptr, name_length);
  if (!name || name_length < 1 || name_length > 15) return (u32)EXO_E_ARGUMENT;
  for (u32 i = 0; i < name_length; i++) {
    u8 c = name[i];
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return (u32)EXO_E_ARGUMENT;
  }
  memset(report.name, 0, sizeof report.name);
  memcpy(report.name, name, name_length);
  report.name_length = name_length;
  report.metric = (s32)value;
  return 0;
}

u32 EXO_CALL(app_health)(module *caller, u32 health) {
  if (!(caller->capabilities & CAN_REPORT_AS_APP)) return (u32)EXO_E_DENIED;
  if (health > EXO_HEALTH_UNHEALTHY) return (u32)EXO_E_ARGUMENT;
  report.health = health;
  return 0;
}

u32 EXO_CALL(app_report)(module *caller, u32 out_ptr) {
  if (!(caller->capabilities & CAN_READ_APP)) return (u32)EXO_E_DENIED;
  u8 *out = module_range(caller, out_ptr, EXO_APP_REPORT_BYTES);
  if (!out) return (u32)EXO_E_ARGUMENT;
  memcpy(out, &report, EXO_APP_REPORT_BYTES);
  return 0;
}
