/* wasm_runtime.c: the hooks that wasm2c's C calls (wasm-rt.h, wabt 1.0.32). Nothing is allocated after start: memories
 * and tables come from static storage, and memory.grow always fails. */
#include <stdarg.h>
#include <string.h>

#include "kernel.h"
#include "wasm-rt.h"

#define TABLE_BYTES      4096u
#define SIGNATURES_MAX   48u
#define SIGNATURE_PARTS  14u
#define WASM_PAGE_BYTES  65536u

static u8 *next_memory;
static u32 next_memory_bytes;
static u8 tables[TABLE_BYTES] __attribute__((aligned(8)));
static u32 tables_used;
static u8 signatures[SIGNATURES_MAX][SIGNATURE_PARTS + 2];
static u32 signature_count;

/* The storage for the memory of the module that is instantiated next. */
void runtime_give_memory(u8 *memory, u32 bytes) {
  next_memory = memory;
  next_memory_bytes = bytes;
}

void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, u32 initial_pages, u32 max_pages) {
  (void)max_pages;
  if (initial_pages * WASM_PAGE_BYTES > next_memory_bytes) crash(MODULE_EXOKERNEL, 0, 0, initial_pages, "memory does not fit");
  memory->data = next_memory;
  memory->pages = memory->max_pages = initial_pages;
  memory->size = initial_pages * WASM_PAGE_BYTES;
}

u32 wasm_rt_grow_memory(wasm_rt_memory_t *memory, u32 pages) { return pages == 0 ? memory->pages : 0xffffffffu; }
void wasm_rt_free_memory(wasm_rt_memory_t *memory) { (void)memory; }

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table, u32 elements, u32 max_elements) {
  (void)max_elements;
  u32 bytes = elements * sizeof(wasm_rt_funcref_t);
  if (bytes > TABLE_BYTES - tables_used) crash(MODULE_EXOKERNEL, 0, 0, elements, "table does not fit");
  table->data = (wasm_rt_funcref_t *)(tables + tables_used);
  memset(table->data, 0, bytes);
  table->size = table->max_size = elements;
  tables_used += bytes;
}
void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table) { (void)table; }

/* Equal signatures get equal numbers (from 1), across modules. */
u32 wasm_rt_register_func_type(u32 parameters, u32 results, ...) {
  u8 signature[SIGNATURE_PARTS + 2] = { (u8)parameters, (u8)results };
  if (parameters + results > SIGNATURE_PARTS) crash(MODULE_EXOKERNEL, 0, 0, parameters, "signature too long");
  va_list list;
  va_start(list, results);
  for (u32 i = 0; i < parameters + results; i++) signature[2 + i] = (u8)va_arg(list, int);
  va_end(list);
  for (u32 i = 0; i < signature_count; i++) {
    if (memcmp(signatures[i], signature, sizeof signature) == 0) return i + 1;
  }
  if (signature_count == SIGNATURES_MAX) crash(MODULE_EXOKERNEL, 0, 0, signature_count, "too many signatures");
  memcpy(signatures[signature_count], signature, sizeof signature);
  return ++signature_count;
}

static const char *trap_name(wasm_rt_trap_t code) {
  switch (code) {
    case WASM_RT_TRAP_OOB: return "out of bounds";
    case WASM_RT_TRAP_INT_OVERFLOW: return "integer overflow";
    case WASM_RT_TRAP_DIV_BY_ZERO: return "division by zero";
    case WASM_RT_TRAP_UNREACHABLE: return "unreachable";
    case WASM_RT_TRAP_CALL_INDIRECT: return "invalid indirect call";
    case WASM_RT_TRAP_EXHAUSTION: return "stack exhausted";
    default: return "trap";
  }
}

void wasm_rt_trap(wasm_rt_trap_t code) { crash(current_module, code, 0, 0, trap_name(code)); }

/* picolibc's assert and abort end here too. */
_Noreturn void abort(void) { crash(current_module, 0, 0, 0, "abort"); }

bool wasm_rt_is_initialized(void) { return true; }
