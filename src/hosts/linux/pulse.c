/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/pulse.h"

#include <string.h>
#include <sys/mman.h>

#include "sluice/barrier.h"

#define PULSE_SIZE 4096u

bool pulse_create(struct pulse *pulse)
{
    void *page = mmap(NULL, PULSE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return false;
    pulse->last = page;
    pulse_share(pulse, false);
    return true;
}

void pulse_share(const struct pulse *pulse, bool shared)
{
    madvise((void *)pulse->last, PULSE_SIZE, shared ? MADV_DOFORK : MADV_DONTFORK);
}

void pulse_destroy(struct pulse *pulse)
{
    if (pulse->last)
        munmap((void *)pulse->last, PULSE_SIZE);
    pulse->last = NULL;
}

void pulse_beat(const struct pulse *pulse, enum pulse_of who, uint64_t now)
{
    sl_store_relaxed(&pulse->last[who], now);
}

void pulse_watch_begin(struct pulse_watch *watch, uint64_t now)
{
    *watch = (struct pulse_watch){.looked = now, .from = now};
}

uint64_t pulse_silence(const struct pulse *pulse, enum pulse_of who, struct pulse_watch *watch,
                       uint64_t now)
{
    if (now - watch->looked >= UINT64_C(3) * PULSE_MS * UINT64_C(1000000))
        watch->from = now;
    watch->looked = now;
    const uint64_t last = sl_load_relaxed(&pulse->last[who]);
    const uint64_t from = last > watch->from ? last : watch->from;
    return now > from ? now - from : 0;
}
