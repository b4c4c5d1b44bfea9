/* uart.c: NS16550 console, polled, 8N1 as the machine starts it. */
#include "kernel.h"

#define THR 0u
#define RBR 0u
#define FCR 2u
#define LSR 5u
#define FCR_ENABLE_AND_CLEAR 0xc7u /* trigger at 14 bytes: QEMU hands over no more than that at a time */
#define LSR_DATA_READY 0x01u
#define LSR_THR_EMPTY 0x20u

static void put(u8 byte) {
  retained_keep_console(byte);
  console_log_keep(byte);
  /* Bounded: a console that is stuck must not stop the device. */
  for (u32 spins = 0; spins < 100000 && !(mmio_read8(UART0 + LSR) & LSR_THR_EMPTY); spins++) {}
  mmio_write8(UART0 + THR, byte);
}

/* Recovery only: nothing else reads, and what arrived before it was not meant for anyone. */
void uart_open_receiver(void) { mmio_write8(UART0 + FCR, FCR_ENABLE_AND_CLEAR); }

u32 uart_receive(u8 *target, u32 length) {
  u32 count = 0;
  while (count < length && (mmio_read8(UART0 + LSR) & LSR_DATA_READY)) target[count++] = mmio_read8(UART0 + RBR);
  return count;
}

void console_put_bytes(const u8 *bytes, u32 length) {
  while (length--) put(*bytes++);
}

void console_put(const char *text) {
  while (*text) put((u8)*text++);
}

void console_put_hex(u32 value) {
  for (int shift = 28; shift >= 0; shift -= 4) put((u8)"0123456789abcdef"[(value >> shift) & 15]);
}

void console_put_decimal(u32 value) {
  u8 digits[10];
  u32 n = 0;
  do digits[n++] = (u8)('0' + value % 10); while ((value /= 10));
  while (n) put(digits[--n]);
}

u32 EXO_CALL(console_write)(module *caller, u32 ptr, u32 length) {
  const u8 *bytes = module_range(caller, ptr, length);
  if (!bytes || length > 1024) return (u32)EXO_E_ARGUMENT;
  console_put_bytes(bytes, length);
  return 0;
}
