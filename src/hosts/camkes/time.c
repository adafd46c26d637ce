/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/camkes/instance_time.h"
#include "hosts/microkit/domain_time.h"

uint64_t instance_counter(void)
{
    uint64_t count;
    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(count));
    return count;
}

uint64_t instance_now(void)
{
    uint64_t count = instance_counter(), frequency;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    /* In two parts: the product of the whole would overflow within minutes. */
    return count / frequency * UINT64_C(1000000000) +
           count % frequency * UINT64_C(1000000000) / frequency;
}

uint64_t domain_now(void)
{
    return instance_now();
}
