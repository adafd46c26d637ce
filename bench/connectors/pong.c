/* SPDX-License-Identifier: BSD-2-Clause */
#include <camkes.h>
#include <sel4/sel4.h>

int run(void)
{
    for (;;) {
#ifdef ONE_WAIT
        seL4_Wait(asked_notification(), NULL);
#else
        asked_wait();
#endif
        answer_emit();
    }
}
