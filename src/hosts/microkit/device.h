/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which NIC a driver's domain has: one of device_virtio.c, device_sddf.c or device_synthetic.c is
 * linked with it; domains without a NIC get device_none.c.
 */
#ifndef SLUICE_MICROKIT_DEVICE_H
#define SLUICE_MICROKIT_DEVICE_H

#include <stdbool.h>

#include "hosts/microkit/domain_config.h"

struct nic_driver;

/* Before the component's init. Returns NULL, or what is wrong. */
const char *device_start(const struct domain_config *config);

struct nic_driver *device_driver(void);

/* The device's channel was notified; before the component is woken. */
void device_interrupt(void);

/* True when the device must be looked at once in a while without being told to. */
bool device_polls(void);

/* True when the device has more at once, without telling. */
bool device_pending(void);

/* After the component was woken: what the device must be told once for many frames. */
void device_flush(void);

#endif
