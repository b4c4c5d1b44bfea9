/* plic.c: platform-level interrupt controller, context 0 (hart 0, machine mode). RISC-V PLIC specification 1.0. */
#include "kernel.h"

#define PRIORITY(irq) (PLIC + 4u * (irq))
#define ENABLE        (PLIC + 0x2000u)
#define THRESHOLD     (PLIC + 0x200000u)
#define CLAIM         (PLIC + 0x200004u)

void plic_enable(u32 irq) {
  mmio_write32(PRIORITY(irq), 1);
  mmio_write32(ENABLE, mmio_read32(ENABLE) | 1u << irq);
  mmio_write32(THRESHOLD, 0);
}

void plic_dispatch(void) {
  u32 irq = mmio_read32(CLAIM);
  if (irq == 0) return;
  if (irq == nic_irq()) nic_interrupt();
  mmio_write32(CLAIM, irq);
}
