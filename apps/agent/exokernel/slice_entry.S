/* slice_entry.S: a tick with a budget (slice_budget.h). While it runs, an interrupt is the end of its budget: all that the
 * tick has in registers and on the stack is dropped, and slice_run returns as if it had. RISC-V privileged architecture,
 * section 3.1: a trap changes mepc and mstatus, which are the interrupted agent's, so they are kept. */
    .section .text.slice_run, "ax"
    .option norelax
    .globl slice_run
    .type slice_run, @function
slice_run:                      /* a0 tick, a1 instance */
    addi sp, sp, -80
    sw ra, 0(sp)
    sw s0, 4(sp)
    sw s1, 8(sp)
    sw s2, 12(sp)
    sw s3, 16(sp)
    sw s4, 20(sp)
    sw s5, 24(sp)
    sw s6, 28(sp)
    sw s7, 32(sp)
    sw s8, 36(sp)
    sw s9, 40(sp)
    sw s10, 44(sp)
    sw s11, 48(sp)
    csrr t0, mepc
    sw t0, 52(sp)
    csrr t0, mstatus
    sw t0, 56(sp)
    csrr t0, mie
    sw t0, 60(sp)
    csrr t0, mtvec
    sw t0, 64(sp)
    la t0, slice_stack
    sw sp, 0(t0)
    la t0, budget_is_over
    csrw mtvec, t0
    li t0, 0x80                 /* MTIE alone */
    csrw mie, t0
    mv t0, a0
    mv a0, a1
    csrsi mstatus, 8            /* MIE */
    jalr t0
    csrci mstatus, 8
    li a0, 0
leave:
    lw t0, 64(sp)
    csrw mtvec, t0
    lw t0, 60(sp)
    csrw mie, t0
    lw t0, 56(sp)
    csrw mstatus, t0
    lw t0, 52(sp)
    csrw mepc, t0
    lw ra, 0(sp)
    lw s0, 4(sp)
    lw s1, 8(sp)
    lw s2, 12(sp)
    lw s3, 16(sp)
    lw s4, 20(sp)
    lw s5, 24(sp)
    lw s6, 28(sp)
    lw s7, 32(sp)
    lw s8, 36(sp)
    lw s9, 40(sp)
    lw s10, 44(sp)
    lw s11, 48(sp)
    addi sp, sp, 80
    ret
    .size slice_run, . - slice_run

    .balign 4
budget_is_over:
    csrw mscratch, t0
    csrr t0, mcause
    bltz t0, 1f
    csrr t0, mscratch
    j trap_entry                /* what the tick did wrong, as everywhere */
1:  la t0, slice_stack
    lw sp, 0(t0)
    li a0, 1
    j leave

    .section .bss.slice_stack, "aw", @nobits
    .balign 4
slice_stack:
    .zero 4
