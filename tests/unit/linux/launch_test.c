/* SPDX-License-Identifier: BSD-2-Clause */
// link: src/hosts/linux/launch.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hosts/linux/launch.h"

static struct topology topology;
static struct launch launch;

/* driver, frontend, stage, frontend, driver; the drivers share frame queues with frontends */
static int make(void **state)
{
    (void)state;
    static const char *const names[] = {"drv_a", "front_a", "stage", "front_b", "drv_b"};
    memset(&topology, 0, sizeof topology);
    topology.component_count = 5;
    for (unsigned i = 0; i < 5; i++)
        strcpy(topology.component[i].name, names[i]);
    topology.link_count = 4;
    topology.link[0] = (struct topology_link){.kind = LINK_FRAME_QUEUE, .from = 0, .to = 1};
    topology.link[1] = (struct topology_link){.kind = LINK_MESSAGE_RING, .from = 1, .to = 2};
    topology.link[2] = (struct topology_link){.kind = LINK_MESSAGE_RING, .from = 2, .to = 3};
    topology.link[3] = (struct topology_link){.kind = LINK_FRAME_QUEUE, .from = 4, .to = 3};
    launch = (struct launch){.topology = &topology};
    return 0;
}

static void expect(enum launch_grouping grouping, unsigned count, const uint8_t process[5])
{
    launch_group(&launch, grouping);
    assert_int_equal(launch.process_count, count);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(launch.component[i].process, process[i]);
}

static void groupings(void **state)
{
    (void)state;
    expect(LAUNCH_ISOLATED, 5, (const uint8_t[]){0, 1, 2, 3, 4});
    expect(LAUNCH_MERGED, 3, (const uint8_t[]){0, 0, 1, 2, 2});
    expect(LAUNCH_FUSED, 1, (const uint8_t[]){0, 0, 0, 0, 0});
    expect(LAUNCH_ISOLATED, 5, (const uint8_t[]){0, 1, 2, 3, 4});
}

static void names(void **state)
{
    (void)state;
    char name[64], tiny[8];
    launch_group(&launch, LAUNCH_MERGED);
    launch_process_name(&launch, 0, name, sizeof name);
    assert_string_equal(name, "drv_a+front_a");
    launch_process_name(&launch, 1, name, sizeof name);
    assert_string_equal(name, "stage");
    launch_process_name(&launch, 2, name, sizeof name);
    assert_string_equal(name, "front_b+drv_b");
    launch_process_name(&launch, 2, tiny, sizeof tiny);
    assert_string_equal(tiny, "front_b");
}

static void cpus(void **state)
{
    (void)state;
    assert_true(launch_pin(launch_choose_cpu()));
    assert_false(launch_pin(-1));
    assert_false(launch_pin(1023)); /* nobody tests on so many */
    assert_false(launch_pin(100000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(groupings, make),
        cmocka_unit_test_setup(names, make),
        cmocka_unit_test(cpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
