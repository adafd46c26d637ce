/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/bells.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool bells_create(struct bells *bells, const struct launch *launch, enum launch_part part)
{
    const struct topology *topology = launch->topology;
    memset(bells, 0xff, sizeof *bells);
    for (unsigned i = 0; i < topology->channel_count; i++) {
        const struct topology_channel *channel = &topology->channel[i];
        if (launch->component[channel->end[0]].process ==
            launch->component[channel->end[1]].process)
            continue;
        if (launch_part_of(launch, launch->component[channel->end[0]].process) != part)
            continue;
        for (unsigned end = 0; end < 2; end++) {
            if (!channel->notifies[end])
                continue;
            bells->fd[i][end] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
            if (bells->fd[i][end] < 0) {
                int saved = errno;
                bells_close(bells);
                errno = saved;
                return false;
            }
        }
    }
    return true;
}

void bells_close(struct bells *bells)
{
    for (unsigned i = 0; i < TOPOLOGY_MAX_CHANNELS; i++)
        for (unsigned end = 0; end < 2; end++)
            if (bells->fd[i][end] >= 0)
                close(bells->fd[i][end]);
    memset(bells, 0xff, sizeof *bells);
}
