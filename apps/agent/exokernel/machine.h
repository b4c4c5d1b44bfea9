/* machine.h: where things are on QEMU virt (RV32), and how Flipside divides RAM and the second flash bank.
 * Addresses: QEMU 7.2 hw/riscv/virt.c, `virt_memmap`. */
#ifndef FLIPSIDE_MACHINE_H
#define FLIPSIDE_MACHINE_H

/* Devices */
#define TEST_FINISHER   0x00100000u
#define GOLDFISH_RTC    0x00101000u
#define CLINT           0x02000000u
#define PLIC            0x0c000000u
#define UART0           0x10000000u
#define VIRTIO_MMIO     0x10001000u
#define VIRTIO_STRIDE   0x1000u
#define VIRTIO_SLOTS    8u
#define PCIE_ECAM       0x30000000u
#define PCIE_MMIO       0x40000000u
#define MTIME_HZ        10000000u

/* Flash: bank 0 holds the boot loader and is executed in place; bank 1 holds everything that changes. */
#define BOOT_BANK       0x20000000u
#define LOADER_BYTES    0x9000u /* of bank 0: what a loader may have (build/size-goals.ts); behind it nothing but the root keys */
#define FLASH_BANK      0x22000000u
#define FLASH_BANK_BYTES 0x02000000u

/* RAM: 512 KiB are used, and the PMP denies the rest.
 *   RAM_RETAINED  4 KiB that nobody clears: reset reason, crash record, boot information
 *   RAM_FAULT_PLAN  its last KiB: the plan of a power cut in test builds (flash_faults.h); unused in shipped ones
 *   image window  where the boot loader may put a payload; the image's own data may go on up to RAM_END
 *   agent memory  its last 256 KiB, while an image runs: at an address that code has as a constant (`lui` alone), and with
 *                 the end that the PMP denies behind it (module_memory.h)
 *   loader RAM    the loader's data and stack, and, as its last 64 KiB, its module's memory: at an address and with an end
 *                 like the agent's. Free for the image once it runs */
#define RAM_BASE        0x80000000u
#define RAM_END         0x80080000u
#define RAM_PMP_END     0x90000000u
#define RAM_RETAINED    RAM_BASE
#define RAM_FAULT_PLAN  (RAM_RETAINED + 0xc00u)
#define IMAGE_WINDOW    0x80001000u
#define AGENT_MEMORY    0x80040000u
#define LOADER_RAM      0x80064000u
#define BOOT_MEMORY     0x80070000u
#define IMAGE_WINDOW_BYTES (LOADER_RAM - IMAGE_WINDOW)

/* Stands in for a chip's reset-cause register, which QEMU virt has none of: the runner
 * (packages/machine/qemu/unikernel.ts) writes it at every reset, in RAM that the PMP denies to everybody from the loader's
 * first lines on. Two words, little-endian: the magic, then EXO_CAUSE_*. Without the magic nobody has said anything. */
#define RESET_CAUSE       0x81fff000u
#define RESET_CAUSE_MAGIC 0x43525346u /* "FSRC" */

/* Zones of bank 1, by EXO_ZONE_*: offset and size. A slot is 4 MiB and 4 MiB aligned, so that one PMP entry covers it.
 * The sector at 0x1c0000 is not used: it was the journal's only one once. */
#define FLASH_ZONE_TABLE { \
    { 0x000000u, 0x080000u }, /* boot control */ \
    { 0x080000u, 0x040000u }, /* factory      */ \
    { 0x0c0000u, 0x080000u }, /* settings     */ \
    { 0x140000u, 0x080000u }, /* trust        */ \
    { 0x400000u, 0x400000u }, /* slot A       */ \
    { 0x800000u, 0x400000u }, /* slot B       */ \
    { 0x300000u, 0x100000u }, /* journal      */ \
    { 0x200000u, 0x100000u }, /* app          */ \
}

#endif
