/* memory.S: memcpy and memset by words. Picolibc's copy byte by byte, which was a seventh of all instructions of a boot
 * (the payload's way to RAM). C's contract (C11 7.24.2.1, 7.24.6.1): any alignment, regions don't overlap, returns the
 * target. Words may lie unaligned: the machine loads them (docs/decisions/0009), as it does for all other code here
 * (-mno-strict-align in build/link.ts). In assembly because gcc turns such loops in C back into calls of themselves. */
#undef memcpy /* test builds count what others copy (path_probe.h) */
    .section .text.memcpy, "ax"
    .globl memcpy
    .type memcpy, @function
memcpy:                         /* a0 target, a1 source, a2 bytes */
    mv a3, a0
    andi a4, a2, -16
    beqz a4, 2f
    add a4, a4, a1
1:  lw t0, 0(a1)
    lw t1, 4(a1)
    lw t2, 8(a1)
    lw t3, 12(a1)
    sw t0, 0(a3)
    sw t1, 4(a3)
    sw t2, 8(a3)
    sw t3, 12(a3)
    addi a1, a1, 16
    addi a3, a3, 16
    bne a1, a4, 1b
2:  andi a2, a2, 15
    add a2, a2, a1
3:  beq a1, a2, 4f
    lbu t0, 0(a1)
    sb t0, 0(a3)
    addi a1, a1, 1
    addi a3, a3, 1
    j 3b
4:  ret
    .size memcpy, . - memcpy

    .section .text.memset, "ax"
    .globl memset
    .type memset, @function
memset:                         /* a0 target, a1 byte, a2 bytes */
    mv a3, a0
    zext.b a1, a1
    slli t0, a1, 8
    or t0, t0, a1
    slli t1, t0, 16
    or t0, t0, t1
    andi a4, a2, -16
    beqz a4, 2f
    add a4, a4, a3
1:  sw t0, 0(a3)
    sw t0, 4(a3)
    sw t0, 8(a3)
    sw t0, 12(a3)
    addi a3, a3, 16
    bne a3, a4, 1b
2:  andi a2, a2, 15
    add a2, a2, a3
3:  beq a3, a2, 4f
    sb t0, 0(a3)
    addi a3, a3, 1
    j 3b
4:  ret
    .size memset, . - memset
