/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a component's sl_fault reaches the supervisor on seL4: by a system call that the kernel
 * does not know. The kernel hands the parent the caller's registers x0..x6 with the fault: the
 * two numbers and the first 40 bytes of the text. No memory is shared for it.
 */
#ifndef SLUICE_MICROKIT_FAULT_H
#define SLUICE_MICROKIT_FAULT_H

#define FAULT_SYSTEM_CALL 0x5351u /* in x7; seL4's own are negative */
#define FAULT_TEXT_WORDS  5u      /* x2..x6 */

#endif
