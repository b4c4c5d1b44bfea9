/* module_memory.h: loads and stores of a translated module, specialised to where its memory is and how large.
 *
 * wasm2c's own take the address as 64 bits and look both pointer and size up in the instance. A module's memory here is
 * a static array of fixed size, so the check is one comparison of the 32-bit base with a constant:
 *
 *   base + offset + sizeof(t) <= MEMORY_BYTES   <=>   base <= MEMORY_BYTES - sizeof(t) - offset
 *
 * where the right side is a constant that can't wrap, since the offset (a constant of the instruction) is compared
 * first. build/specialise-memory.ts rewrites the call sites; a test on the device proves that the check still traps.
 *
 * Where MODULE_GUARD_BYTES behind the memory are denied to everybody by the PMP, an access that ends at most so far behind
 * its base is checked by its base alone, with the one limit MEMORY_BYTES for all of them: what of it is outside is in the
 * guard, and traps there.
 *
 * The including file defines MODULE_MEMORY, MODULE_MEMORY_BYTES and MODULE_GUARD_BYTES (0: there is none). */
#ifndef FLIPSIDE_MODULE_MEMORY_H
#define FLIPSIDE_MODULE_MEMORY_H

__attribute__((noinline, cold, noreturn)) static void out_of_bounds(void) { wasm_rt_trap(WASM_RT_TRAP_OOB); }

static inline __attribute__((always_inline)) u8 *checked(u32 base, u32 offset, u32 bytes) {
  if (MODULE_GUARD_BYTES >= bytes && offset <= MODULE_GUARD_BYTES - bytes) {
    if (__builtin_expect(base >= MODULE_MEMORY_BYTES, 0)) out_of_bounds();
  } else if (offset > MODULE_MEMORY_BYTES - bytes || __builtin_expect(base > MODULE_MEMORY_BYTES - bytes - offset, 0)) out_of_bounds();
  return MODULE_MEMORY + offset + base;
}

#define DEFINE_LOAD(name, t1, t2, t3)                                            \
  static inline __attribute__((always_inline)) t3 name(u32 base, u32 offset) {   \
    t1 result;                                                                   \
    __builtin_memcpy(&result, checked(base, offset, sizeof(t1)), sizeof(t1));    \
    __asm__ volatile("" ::"r"(result)); /* a load that may trap is never dropped */ \
    return (t3)(t2)result;                                                       \
  }

#define DEFINE_STORE(name, t1, t2)                                                        \
  static inline __attribute__((always_inline)) void name(u32 base, u32 offset, t2 value) { \
    t1 wrapped = (t1)value;                                                               \
    __builtin_memcpy(checked(base, offset, sizeof(t1)), &wrapped, sizeof(t1));            \
  }

#endif
