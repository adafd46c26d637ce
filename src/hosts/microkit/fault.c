/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/microkit/fault.h"

static _Noreturn void fault(uint64_t number, const char *what, uint64_t found, uint64_t expected)
{
    uint64_t text[FAULT_TEXT_WORDS] = {0};
    for (unsigned i = 0; i < sizeof text && what[i]; i++)
        text[i / 8] |= (uint64_t)(uint8_t)what[i] << i % 8 * 8;

    register uint64_t x0 __asm__("x0") = found;
    register uint64_t x1 __asm__("x1") = expected;
    register uint64_t x2 __asm__("x2") = text[0];
    register uint64_t x3 __asm__("x3") = text[1];
    register uint64_t x4 __asm__("x4") = text[2];
    register uint64_t x5 __asm__("x5") = text[3];
    register uint64_t x6 __asm__("x6") = text[4];
    register uint64_t x7 __asm__("x7") = number;
    for (;;)
        __asm__ volatile("svc #0"
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6),
                           "+r"(x7)
                         :
                         : "memory");
}

_Noreturn void domain_fault(const char *what, uint64_t found, uint64_t expected)
{
    fault(FAULT_SYSTEM_CALL, what, found, expected);
}

_Noreturn void domain_no_ticks(void)
{
    fault(FAULT_NO_TICKS, "", 0, 0);
}
