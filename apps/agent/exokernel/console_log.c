/* console_log.c: what this run has said lately, for the agent. It lies in the image's own RAM: the RAM that is kept across a
 * reset is the loader's to lay out, and a loader never changes. */
#include "kernel.h"

static u8 ring[EXO_CONSOLE_LOG_BYTES];
static u32 written;

void console_log_keep(u8 byte) { ring[written++ % EXO_CONSOLE_LOG_BYTES] = byte; }

/* What the loader said in this run, as far as it was kept. RAM that was damaged gives other text, never an index outside. */
void console_log_begin(void) {
  u32 said = RETAINED->console_bytes;
  u32 length = said < EXO_CRASH_LOG_BYTES ? said : EXO_CRASH_LOG_BYTES;
  for (u32 i = 0; i < length; i++) console_log_keep(RETAINED->console[(said - length + i) % EXO_CRASH_LOG_BYTES]);
}

u32 EXO_CALL(console_log)(module *caller, u32 ptr, u32 length) {
  if (!(caller->capabilities & CAN_READ_CONSOLE)) return (u32)EXO_E_DENIED;
  u8 *out = module_range(caller, ptr, length);
  if (!out) return (u32)EXO_E_ARGUMENT;
  u32 kept = written < EXO_CONSOLE_LOG_BYTES ? written : EXO_CONSOLE_LOG_BYTES;
  if (length > kept) length = kept;
  for (u32 i = 0; i < length; i++) out[i] = ring[(written - length + i) % EXO_CONSOLE_LOG_BYTES];
  return length;
}
