/* trap_entry.S: every trap of the image. Interrupts run on a stack of their own; an exception never returns, and takes
 * the emergency stack, since the one in use may be what overflowed. RISC-V privileged architecture, section 3.1. */
    .section .text.trap_entry
    .option norelax
    .globl trap_entry
    .balign 4
trap_entry:
    csrw mscratch, t0
    csrr t0, mcause
    bltz t0, 1f
    la sp, __emergency_stack_top
    csrr a0, mcause
    csrr a1, mepc
    csrr a2, mtval
    call trap_exception
1:  la t0, __interrupt_stack_top
    addi t0, t0, -80
    sw sp, 0(t0)
    mv sp, t0
    csrr t0, mscratch
    sw ra, 4(sp)
    sw t0, 8(sp)
    sw t1, 12(sp)
    sw t2, 16(sp)
    sw t3, 20(sp)
    sw t4, 24(sp)
    sw t5, 28(sp)
    sw t6, 32(sp)
    sw a0, 36(sp)
    sw a1, 40(sp)
    sw a2, 44(sp)
    sw a3, 48(sp)
    sw a4, 52(sp)
    sw a5, 56(sp)
    sw a6, 60(sp)
    sw a7, 64(sp)
    csrr a0, mcause
    call trap_interrupt
    lw ra, 4(sp)
    lw t0, 8(sp)
    lw t1, 12(sp)
    lw t2, 16(sp)
    lw t3, 20(sp)
    lw t4, 24(sp)
    lw t5, 28(sp)
    lw t6, 32(sp)
    lw a0, 36(sp)
    lw a1, 40(sp)
    lw a2, 44(sp)
    lw a3, 48(sp)
    lw a4, 52(sp)
    lw a5, 56(sp)
    lw a6, 60(sp)
    lw a7, 64(sp)
    lw sp, 0(sp)
    mret
