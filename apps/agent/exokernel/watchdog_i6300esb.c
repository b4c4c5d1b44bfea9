/* watchdog_i6300esb.c: Intel 6300ESB watchdog on the PCI bus: the one that a hang with interrupts off can't escape.
 * Intel 6300ESB I/O controller hub datasheet, chapter 16. Two stages run one after the other; both get half the time. */
#include "kernel.h"

#define VENDOR_DEVICE    0x25ab8086u
#define PCI_COMMAND      0x04u
#define PCI_BAR0         0x10u
#define PCI_COMMAND_MEMORY 2u
#define WDT_CONFIG       0x60u  /* 16 bit: 0x0003 = 1 kHz clock, no stage-1 interrupt, reset enabled */
#define WDT_LOCK         0x68u  /* 8 bit: enable, lock */
#define LOCK_ENABLE      2u
#define LOCK_LOCK        1u
#define TIMER1           0x00u
#define TIMER2           0x04u
#define RELOAD           0x0cu
#define RELOAD_BIT       0x100u
#define PRELOAD_MAX      0xfffffu

static u32 registers; /* 0: not found yet */

static u32 find_device(void) {
  for (u32 device = 0; device < 32; device++) {
    u32 config = PCIE_ECAM + (device << 15);
    if (mmio_read32(config) == VENDOR_DEVICE) return config;
  }
  return 0;
}

static void unlock(void) {
  *(volatile u16 *)(registers + RELOAD) = 0x80;
  *(volatile u16 *)(registers + RELOAD) = 0x86;
}

void watchdog_reload(void) {
  if (!registers) return;
  unlock();
  *(volatile u16 *)(registers + RELOAD) = RELOAD_BIT;
}

s32 watchdog_arm(u32 timeout_ms) {
  u32 config = find_device();
  if (!config) return EXO_E_ABSENT;
  mmio_write32(config + PCI_BAR0, PCIE_MMIO);
  *(volatile u16 *)(config + PCI_COMMAND) = PCI_COMMAND_MEMORY;
  registers = PCIE_MMIO;
  *(volatile u16 *)(config + WDT_CONFIG) = 0x0003;
  /* The 33 MHz PCI clock through a 15-bit prescaler: 1.007 ticks a millisecond. */
  u32 ticks = timeout_ms / 2;
  if (ticks > PRELOAD_MAX) ticks = PRELOAD_MAX;
  unlock();
  mmio_write32(registers + TIMER1, ticks);
  unlock();
  mmio_write32(registers + TIMER2, ticks);
  watchdog_reload();
  mmio_write8(config + WDT_LOCK, LOCK_ENABLE | LOCK_LOCK);
  return 0;
}

u32 EXO_CALL(watchdog_arm)(module *caller, u32 timeout_ms) {
  if (!(caller->capabilities & CAN_FEED_WATCHDOG)) return (u32)EXO_E_DENIED;
  if (timeout_ms < 100 || timeout_ms > 600000) return (u32)EXO_E_ARGUMENT;
  return (u32)watchdog_arm(timeout_ms);
}

u32 EXO_CALL(watchdog_pet)(module *caller) {
  if (!(caller->capabilities & CAN_FEED_WATCHDOG)) return (u32)EXO_E_DENIED;
  if (!registers) {
    /* The boot loader armed it; this image finds it where that one put it. */
    if (!find_device()) return (u32)EXO_E_ABSENT;
    registers = PCIE_MMIO;
  }
  watchdog_reload();
  return 0;
}
