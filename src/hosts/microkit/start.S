/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry of every protection domain, at boot and at every restart: writable data anew from its
 * read-only image, the rest zero, then libmicrokit. What libmicrokit and the tool keep (.kept)
 * is not touched: the tool has written there. What the supervisor says in the first two registers goes
 * to domain_told, the stack pointer to domain_stack behind it.
 */
    .section .bss.domain_told, "aw", @nobits
    .global domain_told
    .balign 16
domain_told:
    .skip 16
    .global domain_stack
domain_stack:
    .skip 8

    .section .text.start, "ax"
    .global _start
    .type _start, %function
_start:
    mov x19, x0
    mov x20, x1
    ldr x0, =sluice_data
    ldr x1, =sluice_data_end
    ldr x2, =sluice_data_image
1:  cmp x0, x1
    b.hs 2f
    ldr x3, [x2], #8
    str x3, [x0], #8
    b 1b
2:  ldr x0, =sluice_bss
    ldr x1, =sluice_bss_end
3:  cmp x0, x1
    b.hs 4f
    stp xzr, xzr, [x0], #16
    b 3b
4:  ldr x2, =domain_told
    stp x19, x20, [x2]
    mov x3, sp
    str x3, [x2, #16]
    mov x29, xzr
    mov x30, xzr
    b main
