/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build/sluice-drill: `sluice run` with one component replaced by a hostile one.
 *
 *   sluice-drill run CONFIG --hostile NAME --seed N [options of sluice run]
 *
 *   sluice-drill build CONFIG --host microkit [options of sluice build]
 *
 * builds an image whose components can be made hostile one by one (tests/microkit/drill_domain.c).
 *
 * For the flow checker's tests it can also run the topology with one thing too many:
 *
 *   sluice-drill run CONFIG --extra-map REGION:COMPONENT:RIGHTS    (RIGHTS: 1 read, 3 write)
 *   sluice-drill run CONFIG --extra-bell COMPONENT:COMPONENT
 *
 * Everything else is the released program's own code; the linker puts this file between its
 * `run` and its launcher, and between its `build` and its plan (make/drill.mk).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "components/hostile/hostile.h"
#include "hosts/linux/epoch.h"
#include "hosts/linux/supervisor.h"
#include "topology/microkit.h"

#define UNUSED_PORT (SL_MAX_PORTS - 1)

static const char *name, *extra_map, *extra_bell;

static bool add_extra(struct topology *topology)
{
    char one[80], other[80];
    unsigned rights = 0;
    if (extra_map && sscanf(extra_map, "%79[^:]:%79[^:]:%u", one, other, &rights) == 3) {
        unsigned region = 0;
        while (region < topology->region_count && strcmp(topology->region[region].name, one) != 0)
            region++;
        const int component = topology_find(topology, other);
        if (region == topology->region_count || component < 0)
            return false;
        topology->map[topology->map_count++] =
            (struct topology_map){.region = (uint8_t)region,
                                  .component = (uint8_t)component,
                                  .rights = (uint8_t)rights,
                                  .port = UNUSED_PORT};
        return true;
    }
    if (extra_bell && sscanf(extra_bell, "%79[^:]:%79[^:]", one, other) == 2) {
        const int from = topology_find(topology, one), to = topology_find(topology, other);
        if (from < 0 || to < 0)
            return false;
        topology->channel[topology->channel_count++] =
            (struct topology_channel){.end = {(uint8_t)from, (uint8_t)to},
                                      .channel = {SL_MAX_CHANNELS - 1, SL_MAX_CHANNELS - 1},
                                      .port = {UNUSED_PORT, UNUSED_PORT},
                                      .notifies = {true, false}};
        return true;
    }
    return false;
}

bool __real_supervise(struct launch *launch);
bool __wrap_supervise(struct launch *launch);
bool __wrap_supervise(struct launch *launch)
{
    if (extra_map || extra_bell) /* run.c's own, which is not const */
        return add_extra((struct topology *)(uintptr_t)launch->topology) &&
               __real_supervise(launch);
    int place = topology_find(launch->topology, name);
    if (place < 0) {
        fprintf(stderr, "sluice-drill: no component '%s' in this topology\n", name);
        return false;
    }
    hostile_plan.real = launch->component[place].program;
    const enum topology_program program = launch->topology->component[place].program;
    hostile_plan.place = program == PROGRAM_MONITOR   ? HOSTILE_MONITOR
                         : program == PROGRAM_NIC_DRV ? HOSTILE_DRIVER
                                                      : HOSTILE_STAGE;
    hostile_prepare();
    launch->component[place].program = &hostile_component;
    fprintf(stderr, "sluice-drill: %s is hostile, seed %llu\n", name,
            (unsigned long long)hostile_plan.seed);
    return __real_supervise(launch);
}

bool __real_epoch_start(struct epoch *epoch, struct launch *launch, uint32_t number, char *error,
                        size_t error_size);
bool __wrap_epoch_start(struct epoch *epoch, struct launch *launch, uint32_t number, char *error,
                        size_t error_size);
bool __wrap_epoch_start(struct epoch *epoch, struct launch *launch, uint32_t number, char *error,
                        size_t error_size)
{
    hostile_plan.life = number;
    return __real_epoch_start(epoch, launch, number, error, error_size);
}

bool __real_epoch_start_part(struct epoch *epoch, struct launch *launch, enum launch_part part,
                             uint32_t number, uint32_t restarts, char *error, size_t error_size);
bool __wrap_epoch_start_part(struct epoch *epoch, struct launch *launch, enum launch_part part,
                             uint32_t number, uint32_t restarts, char *error, size_t error_size);
bool __wrap_epoch_start_part(struct epoch *epoch, struct launch *launch, enum launch_part part,
                             uint32_t number, uint32_t restarts, char *error, size_t error_size)
{
    hostile_plan.life = number;
    return __real_epoch_start_part(epoch, launch, part, number, restarts, error, error_size);
}

void __real_microkit_plan(const struct site *site, const struct topology *topology,
                          const struct microkit_options *options, struct microkit_system *system);
void __wrap_microkit_plan(const struct site *site, const struct topology *topology,
                          const struct microkit_options *options, struct microkit_system *system);
void __wrap_microkit_plan(const struct site *site, const struct topology *topology,
                          const struct microkit_options *options, struct microkit_system *system)
{
    static char program[MICROKIT_MAX_DOMAINS][SL_NAME_SIZE];
    __real_microkit_plan(site, topology, options, system);
    for (unsigned i = 0; i < system->domain_count; i++) {
        if (system->domain[i].kind != DOMAIN_COMPONENT)
            continue;
        snprintf(program[i], sizeof program[i], "drill_%.17s", system->domain[i].self);
        system->domain[i].program = program[i];
    }
}

int main(int argc, char **argv)
{
    int kept = 0;
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && strcmp(argv[i], "--hostile") == 0)
            name = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--extra-map") == 0)
            extra_map = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--extra-bell") == 0)
            extra_bell = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
            hostile_plan.seed = strtoull(argv[++i], NULL, 0);
        else
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    if (kept > 1 && strcmp(argv[0], "build") == 0)
        return cli_build(kept, argv);
    if ((!name && !extra_map && !extra_bell) || kept < 2 || strcmp(argv[0], "run") != 0) {
        fputs("usage: sluice-drill run CONFIG --hostile NAME --seed N\n", stderr);
        return CLI_UNABLE;
    }
    return cli_run(kept, argv);
}
