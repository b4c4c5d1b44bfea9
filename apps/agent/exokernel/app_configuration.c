/* app_configuration.c: what the agent wants of the app: a document to go by, which the app judges, and to make the device
 * known. The app's tick may interrupt the agent anywhere, never the other way round; so what waits for a verdict is whole
 * before it says that it waits, and a verdict stays until the agent hands over the next one. */
#include <string.h>

#include "kernel.h"

enum { NOTHING, WAITS, JUDGED };
static volatile u32 state = NOTHING;
static u32 document_bytes, document_number;
static u8 document[EXO_CONFIGURATION_BYTES_MAX];
static volatile u32 identifies;

/* Layout: exo_configuration_verdict. */
static struct { u32 number; s32 code; u32 text_length, zero; u8 text[EXO_CONFIGURATION_TEXT_BYTES_MAX]; } verdict;

u32 EXO_CALL(app_identify)(module *caller, u32 on) {
  if (!(caller->capabilities & CAN_CONFIGURE_APP)) return (u32)EXO_E_DENIED;
  if (on > 1) return (u32)EXO_E_ARGUMENT;
  identifies = on;
  return 0;
}

u32 EXO_CALL(app_identifying)(module *caller) {
  return caller->capabilities & CAN_REPORT_AS_APP ? identifies : (u32)EXO_E_DENIED;
}

u32 EXO_CALL(configuration_propose)(module *caller, u32 ptr, u32 length, u32 number) {
  if (!(caller->capabilities & CAN_CONFIGURE_APP)) return (u32)EXO_E_DENIED;
  const u8 *source = module_range(caller, ptr, length);
  if (!source || length > EXO_CONFIGURATION_BYTES_MAX) return (u32)EXO_E_ARGUMENT;
  state = NOTHING;
  __asm__ volatile("" ::: "memory");
  memcpy(document, source, length);
  document_bytes = length;
  document_number = number;
  __asm__ volatile("" ::: "memory");
  if (length > 0) state = WAITS;
  return 0;
}

u32 EXO_CALL(configuration_verdict)(module *caller, u32 out_ptr) {
  if (!(caller->capabilities & CAN_CONFIGURE_APP)) return (u32)EXO_E_DENIED;
  u8 *out = module_range(caller, out_ptr, EXO_CONFIGURATION_VERDICT_BYTES);
  if (!out) return (u32)EXO_E_ARGUMENT;
  if (state != JUDGED) return (u32)EXO_E_AGAIN;
  memcpy(out, &verdict, EXO_CONFIGURATION_VERDICT_BYTES);
  return 0;
}

u32 EXO_CALL(configuration_read)(module *caller, u32 ptr, u32 length) {
  if (!(caller->capabilities & CAN_REPORT_AS_APP)) return (u32)EXO_E_DENIED;
  u8 *out = module_range(caller, ptr, length);
  if (!out) return (u32)EXO_E_ARGUMENT;
  if (state != WAITS) return (u32)EXO_E_AGAIN;
  if (length < 4 + document_bytes) return (u32)EXO_E_ARGUMENT;
  memcpy(out, &document_number, 4);
  memcpy(out + 4, document, document_bytes);
  return document_bytes;
}

u32 EXO_CALL(configuration_judge)(module *caller, u32 number, u32 code, u32 text_ptr, u32 text_length) {
  if (!(caller->capabilities & CAN_REPORT_AS_APP)) return (u32)EXO_E_DENIED;
  const u8 *text = module_range(caller, text_ptr, text_length);
  if (!text || text_length > EXO_CONFIGURATION_TEXT_BYTES_MAX) return (u32)EXO_E_ARGUMENT;
  for (u32 i = 0; i < text_length; i++)
    if (text[i] < 0x20 || text[i] > 0x7e) return (u32)EXO_E_ARGUMENT;
  if (state != WAITS || number != document_number) return (u32)EXO_E_AGAIN;
  memset(&verdict, 0, sizeof verdict);
  verdict.number = number;
  verdict.code = (s32)code;
  verdict.text_length = text_length;
  memcpy(verdict.text, text, text_length);
  state = JUDGED;
  return 0;
}
