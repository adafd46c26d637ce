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
 * `sluice-drill run` may have one thing too many instead of a hostile component (too_much.h).
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
#include "drill/too_much.h"
#include "hosts/linux/epoch.h"
#include "hosts/linux/supervisor.h"
#include "topology/microkit.h"

static const char *name;

bool __real_supervise(struct launch *launch);
bool __wrap_supervise(struct launch *launch);
bool __wrap_supervise(struct launch *launch)
{
    if (too_much_wanted()) /* the topology is run.c's own, which is not const */
        return too_much_prepare((struct topology *)(uintptr_t)launch->topology) &&
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
        else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
            hostile_plan.seed = strtoull(argv[++i], NULL, 0);
        else if (i + 1 < argc && too_much_take(argv[i], argv[i + 1]))
            i++;
        else
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    if (kept > 1 && strcmp(argv[0], "build") == 0)
        return cli_build(kept, argv);
    if ((!name && !too_much_wanted()) || kept < 2 || strcmp(argv[0], "run") != 0) {
        fputs("usage: sluice-drill run CONFIG --hostile NAME --seed N\n", stderr);
        return CLI_UNABLE;
    }
    return cli_run(kept, argv);
}
