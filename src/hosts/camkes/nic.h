/* SPDX-License-Identifier: BSD-2-Clause */
/* The NIC of a driver's component: nic_virtio.c, or nic_synthetic.c to measure; components without
 * one get nic_none.c. */
#ifndef SLUICE_CAMKES_NIC_H
#define SLUICE_CAMKES_NIC_H

#include "hosts/camkes/instance.h"

struct nic_driver;

/* Before the component's init. Returns NULL, or what is wrong. */
const char *nic_start(const struct instance *instance);

/* NULL: none. */
struct nic_driver *nic_driver(void);

/* Its interrupt fired; before the component is woken. */
void nic_interrupt(const struct instance *instance);

/* True when a frame waits that no interrupt will tell of. */
bool nic_pending(void);

/* After the component was woken. */
void nic_flush(const struct instance *instance);

#endif
