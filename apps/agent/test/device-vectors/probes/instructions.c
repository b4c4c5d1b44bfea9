/* instructions.c: an extra import of the vectors' image: the low half of the retired-instruction counter. With QEMU's
 * -icount it counts nanoseconds of virtual time, 8 an instruction: exact either way. */
#include "kernel.h"

u32 EXO_CALL(instructions)(module *caller) {
  u32 count;
  (void)caller;
  __asm__ volatile("csrr %0, minstret" : "=r"(count));
  return count;
}
