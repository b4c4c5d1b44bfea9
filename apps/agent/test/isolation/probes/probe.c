/* probe.c: an extra import of the isolation images, exo.probe: plain loads, stores and jumps to any address, as a fault
 * in the exokernel's own C would make them. What stops these is the PMP alone. Never part of a product image. */
#include "kernel.h"

u32 hostile_device(u32 scenario);

enum { PROBE_LOAD, PROBE_STORE, PROBE_JUMP, PROBE_HOSTILE_DEVICE, PROBE_BIG_FRAME, PROBE_STOP_WATCHDOG };

/* What would switch the watchdog off, were it not locked: WDT_LOCK (68h) of the 6300ESB on the PCI bus, written with 0.
 * Returns what it then holds, bits 0 (locked) and 1 (enabled); Intel 6300ESB datasheet, 16.5. */
static u32 stop_watchdog(void) {
  for (u32 device = 0; device < 32; device++) {
    u32 config = PCIE_ECAM + (device << 15);
    if (mmio_read32(config) != 0x25ab8086u) continue;
    mmio_write8(config + 0x68, 0);
    return mmio_read8(config + 0x68) & 3;
  }
  return (u32)EXO_E_ABSENT;
}

u32 EXO_CALL(probe)(module *caller, u32 kind, u32 address) {
  (void)caller;
  switch (kind) {
    case PROBE_LOAD: return mmio_read32(address);
    case PROBE_STORE: mmio_write32(address, 0x00d000d0u); return 0;
    case PROBE_JUMP: __asm__ volatile("fence.i" ::: "memory"); ((void (*)(void))address)(); return 0;
    case PROBE_STOP_WATCHDOG: return stop_watchdog();
    case PROBE_HOSTILE_DEVICE: return hostile_device(address);
    default: return (u32)EXO_E_ARGUMENT;
  }
}
