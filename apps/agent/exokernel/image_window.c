/* image_window.c: where an image may lie in RAM. Boot loader and agent refuse the same load addresses. */
#include <string.h>

#include "kernel.h"

u32 EXO_CALL(image_window)(module *caller, u32 out_ptr) {
  u8 *out = module_range(caller, out_ptr, 8);
  const u32 window[2] = { IMAGE_WINDOW, IMAGE_WINDOW_BYTES };
  if (!out) return (u32)EXO_E_ARGUMENT;
  memcpy(out, window, 8);
  return 0;
}
