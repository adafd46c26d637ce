/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a component's sl_fault reaches the supervisor on seL4, on CAmkES too: by a system call that
 * the kernel does not know. The kernel hands whoever handles the caller's faults its registers
 * x0..x6: the two numbers and the first 40 bytes of the text. No memory is shared for it.
 */
#ifndef SLUICE_MICROKIT_FAULT_H
#define SLUICE_MICROKIT_FAULT_H

#include <stdint.h>

#define FAULT_SYSTEM_CALL 0x5351u /* in x7; seL4's own are negative */
#define FAULT_NO_TICKS    0x5352u /* likewise, and nothing besides */
#define FAULT_TEXT_WORDS  5u      /* x2..x6 */

/* Ends the caller's thread with a fault that tells the supervisor why. */
_Noreturn void domain_fault(const char *what, uint64_t found, uint64_t expected);

/* Likewise, with the word that the clock wakes nobody any more. */
_Noreturn void domain_no_ticks(void);

#endif
