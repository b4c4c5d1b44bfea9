/* start.S: first instructions of boot loader and image alike. The linker script says where data comes from: for the
 * loader from flash, for an image it is already in place (__data_load == __data_start). */
    .section .text.start, "ax"
    .option norelax
    .globl _start
_start:
    csrw mie, zero
    csrci mstatus, 8
    la gp, __global_pointer$
    la sp, __stack_top
    la t0, trap_entry
    csrw mtvec, t0
    la t0, __data_load
    la t1, __data_start
    la t2, __data_end
    beq t0, t1, 2f
1:  bgeu t1, t2, 2f
    lw t3, 0(t0)
    sw t3, 0(t1)
    addi t0, t0, 4
    addi t1, t1, 4
    j 1b
2:  la t0, __bss_start
    la t1, __bss_end
3:  sw zero, 0(t0)              /* both are multiples of 16: the linker scripts see to it */
    sw zero, 4(t0)
    sw zero, 8(t0)
    sw zero, 12(t0)
    addi t0, t0, 16
    bltu t0, t1, 3b
    call kernel_main
5:  wfi
    j 5b
