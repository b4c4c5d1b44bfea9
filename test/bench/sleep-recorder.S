/* Takes the place of a running image's only wfi: sleeps, and notes when that began and ended (mtime, low words).
 * Interrupts are off here, so the stack below sp is free. The number of sleeps is kept in the page of RAM that nobody
 * clears, clear of what the exokernel keeps there; pairs (from, to) lie behind the exokernel's variables. The linker is
 * given sleep_log, sleep_log_entries and after_sleep. */
    .equ COUNT, 0x80000800
    .equ MTIME, 0x0200bff8
    .option norelax
    .globl _start
_start:
    addi sp, sp, -16
    sw t0, 0(sp)
    sw t1, 4(sp)
    sw t2, 8(sp)
    li t0, COUNT
    lw t1, 0(t0)
    addi t2, t1, 1
    sw t2, 0(t0)
    lui t2, %hi(sleep_log_entries)
    addi t2, t2, %lo(sleep_log_entries)
    bgeu t1, t2, 1f
    slli t1, t1, 3
    lui t2, %hi(sleep_log)
    addi t2, t2, %lo(sleep_log)
    add t2, t2, t1
    li t0, MTIME
    lw t1, 0(t0)
    sw t1, 0(t2)
    wfi
    lw t1, 0(t0)
    sw t1, 4(t2)
    j 2f
1:  wfi
2:  lw t0, 0(sp)
    lw t1, 4(sp)
    lw t2, 8(sp)
    addi sp, sp, 16
    j after_sleep
