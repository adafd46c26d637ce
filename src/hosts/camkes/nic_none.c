/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include "hosts/camkes/nic.h"

const char *nic_start(const struct instance *instance)
{
    (void)instance;
    return NULL;
}

struct nic_driver *nic_driver(void)
{
    return NULL;
}

void nic_interrupt(const struct instance *instance)
{
    (void)instance;
}

bool nic_pending(void)
{
    return false;
}

void nic_flush(const struct instance *instance)
{
    (void)instance;
}
