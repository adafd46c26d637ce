/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/microkit/device.h"

#include <stddef.h>

const char *device_start(const struct domain_config *config)
{
    (void)config;
    return NULL;
}

struct nic_driver *device_driver(void)
{
    return NULL;
}

void device_interrupt(void) {}

bool device_pending(void)
{
    return false;
}

bool device_polls(void)
{
    return false;
}

void device_flush(void) {}
