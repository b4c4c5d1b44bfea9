/* pmp.c: physical memory protection, locked until the next reset (so it binds machine mode too).
 * RISC-V privileged architecture, section 3.7. The lowest-numbered matching entry decides; regions are whole 4 KiB
 * pages, since QEMU is 76 times slower with smaller ones.
 *
 *   0     boot bank             read, execute
 *   1, 2  RAM beyond RAM_END    nothing (TOR: 1 is the lower bound)
 *   3     the running slot      read
 *   4, 5  guards below stacks   nothing (the first also behind the app's memory)
 *   6, 7  the image's code      read, execute (TOR)
 *   8     its data up to RAM_END  read, write (TOR from 7)
 *   9     RAM kept across resets  read, write
 *   10    the rest of bank 1    read, write */
#include "kernel.h"

#define PMP_R 1u
#define PMP_W 2u
#define PMP_X 4u
#define PMP_TOR 0x08u
#define PMP_NAPOT 0x18u
#define PMP_LOCK 0x80u

#ifndef WRITE_CSR /* a test has registers of its own */
#define WRITE_CSR(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"(value) : "memory")
#define SET_CSR(name, value)   __asm__ volatile("csrs " #name ", %0" ::"r"(value) : "memory")
#endif

static u32 napot(u32 base, u32 bytes) { return (base >> 2) | ((bytes >> 3) - 1); }

void pmp_lock_boot_bank(void) {
  WRITE_CSR(pmpaddr0, napot(BOOT_BANK, FLASH_BANK_BYTES));
  WRITE_CSR(pmpaddr1, RAM_END >> 2);
  WRITE_CSR(pmpaddr2, RAM_PMP_END >> 2);
  SET_CSR(pmpcfg0, (PMP_LOCK | PMP_NAPOT | PMP_R | PMP_X) | (PMP_LOCK | PMP_TOR) << 16);
}

void pmp_lock_running_slot(u32 zone) {
  u32 offset;
  if (zone_address(zone, 0, 0x400000u, &offset) < 0) return;
  WRITE_CSR(pmpaddr3, napot(FLASH_BANK + offset, 0x400000u));
  SET_CSR(pmpcfg0, (PMP_LOCK | PMP_NAPOT | PMP_R) << 24);
}

void pmp_lock_image(u32 text_start, u32 text_end, u32 guard_a, u32 guard_b) {
  WRITE_CSR(pmpaddr4, napot(guard_a, 4096));
  WRITE_CSR(pmpaddr5, napot(guard_b, 4096));
  WRITE_CSR(pmpaddr6, text_start >> 2);
  WRITE_CSR(pmpaddr7, text_end >> 2);
  WRITE_CSR(pmpaddr8, RAM_END >> 2);
  WRITE_CSR(pmpaddr9, napot(RAM_RETAINED, 4096));
  WRITE_CSR(pmpaddr10, napot(FLASH_BANK, FLASH_BANK_BYTES));
  SET_CSR(pmpcfg2, (PMP_LOCK | PMP_TOR | PMP_R | PMP_W) | (PMP_LOCK | PMP_NAPOT | PMP_R | PMP_W) << 8 | (PMP_LOCK | PMP_NAPOT | PMP_R | PMP_W) << 16);
  SET_CSR(pmpcfg1, (PMP_LOCK | PMP_NAPOT) | (PMP_LOCK | PMP_NAPOT) << 8 | (PMP_LOCK | PMP_TOR | PMP_R | PMP_X) << 24);
}
