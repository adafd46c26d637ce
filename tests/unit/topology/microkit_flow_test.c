/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow checker over a system description: what is generated passes, what is changed in it by
 * one map, right, notification, parent or page does not. */
// link: src/drivers/virtio_mmio/virtio_mmio.c
// link: src/drivers/virtio_mmio/virtio_net.c
// link: src/drivers/virtio_mmio/virtqueue.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "topology/microkit.h"
#include "topology/microkit_flow.h"

#define CLOSED "{\"EXPORT_PTMR_USER\": false}"
#define STOCK  "{\n    \"EXPORT_PCNT_USER\": true,\n    \"EXPORT_PTMR_USER\": true,\n}"

static struct site site;
static struct topology topology;
static char generated[65536], changed[65536], said[65536];

static void generate(enum sl_mode mode)
{
    static struct microkit_system system;
    site = (struct site){.mode = mode,
                         .outstanding = 16,
                         .sessions = 16,
                         .quota = 4,
                         .buffers = 16,
                         .service_count = 1,
                         .service = {{.name = "plant", .listen_port = 502, .device_port = 502}}};
    topology_build(&site, &topology);
    struct microkit_options options = {.board = microkit_board("qemu_virt_aarch64")};
    microkit_plan(&site, &topology, &options, &system);
    FILE *out = fmemopen(generated, sizeof generated, "w");
    microkit_write_system(&system, out);
    fclose(out);
}

static bool measured;

static int check(const char *text, const char *kernel, bool accept)
{
    FILE *out = fmemopen(said, sizeof said, "w");
    const struct microkit_flow_input input = {.system = text,
                                              .kernel = kernel,
                                              .board = microkit_board("qemu_virt_aarch64"),
                                              .accept_open = accept,
                                              .measured = measured};
    int violations = microkit_flow_check(&topology, &input, out);
    fclose(out);
    return violations;
}

/* `from`, where it first stands after `after`, becomes `to`. */
static void change(const char *after, const char *from, const char *to)
{
    const char *start = strstr(generated, after);
    assert_non_null(start);
    const char *found = strstr(start, from);
    assert_non_null(found);
    int length = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(found - generated), generated,
                          to, found + strlen(from));
    assert_true(length > 0 && (size_t)length < sizeof changed);
}

static void expect_violation(const char *words)
{
    assert_true(check(changed, CLOSED, false) > 0);
    if (!strstr(said, words))
        fail_msg("expected \"%s\" in:\n%s", words, said);
}

static int two_way(void **state)
{
    (void)state;
    generate(SL_TWO_WAY);
    return 0;
}

static void what_is_generated_passes(void **state)
{
    (void)state;
    assert_int_equal(check(generated, CLOSED, false), 0);
    assert_null(strstr(said, "flow: open"));
    generate(SL_ONE_WAY);
    assert_int_equal(check(generated, CLOSED, false), 0);
}

static void an_exported_timer_is_said(void **state)
{
    (void)state;
    assert_int_equal(check(generated, STOCK, false), 0); /* said, in two-way mode */
    assert_non_null(strstr(said, "cntp_cval_el0"));
    generate(SL_ONE_WAY);
    assert_true(check(generated, STOCK, false) > 0); /* refused, in one-way mode, with its paths */
    assert_non_null(strstr(said, "int_frontend -> [writes an exported register, read by] -> "
                                 "ext_frontend"));
    assert_non_null(strstr(said, "cntp_cval_el0"));
    assert_int_equal(check(generated, STOCK, true), 0);
}

static void a_right_too_many(void **state)
{
    (void)state;
    change("<protection_domain name=\"request_parser_norm\"",
           "mr=\"ext_frontend_to_request_parser_norm_producer\" vaddr=\"0x300000\" perms=\"r\"",
           "mr=\"ext_frontend_to_request_parser_norm_producer\" vaddr=\"0x300000\" perms=\"rw\"");
    expect_violation("a map or right that the topology does not give");
}

static void a_right_too_few(void **state)
{
    (void)state;
    change("<protection_domain name=\"ext_frontend\"",
           "<map mr=\"ext_frontend_to_request_parser_norm_producer\"", "<!-- \"");
    const char *end = strstr(changed, "<!-- \"");
    char *close = strstr((char *)(uintptr_t)end, "/>");
    memcpy(close - 2, " -->", 4);
    expect_violation("lacks a map: ext_frontend_to_request_parser_norm_producer");
}

static void a_path_past_the_policy(void **state)
{
    (void)state;
    change("<protection_domain name=\"int_frontend\"", "<map ",
           "<map mr=\"ext_frontend_to_request_parser_norm_producer\" vaddr=\"0x50000000\" "
           "perms=\"r\" />\n<map ");
    expect_violation("ext_frontend -> [writes ext_frontend_to_request_parser_norm_producer");
}

static void an_executable_map(void **state)
{
    (void)state;
    change("<protection_domain name=\"sluice_monitor\"", "perms=\"r\"", "perms=\"rx\"");
    expect_violation("maps as executable");
}

static void a_notification_past_the_policy(void **state)
{
    (void)state;
    change("</protection_domain>\n    <channel>", "<channel>",
           "<channel><end pd=\"ext_frontend\" id=\"30\" /><end pd=\"int_frontend\" id=\"30\" "
           "notify=\"false\" /></channel>\n<channel>");
    expect_violation("ext_frontend -> [notifies] -> int_frontend");
}

static void a_protected_call_past_the_policy(void **state)
{
    (void)state;
    change("</protection_domain>\n    <channel>", "<channel>",
           "<channel><end pd=\"int_frontend\" id=\"30\" notify=\"false\" pp=\"true\" />"
           "<end pd=\"ext_frontend\" id=\"30\" notify=\"false\" /></channel>\n<channel>");
    expect_violation("int_frontend -> [calls] -> ext_frontend");
}

static void a_shared_device_page(void **state)
{
    (void)state;
    change("int_nic_drv_registers", "phys_addr=\"0xa001000\"", "phys_addr=\"0xa000200\"");
    expect_violation("ext_nic_drv -> [shares the device page ext_nic_drv_registers with] -> "
                     "int_nic_drv");
}

static void a_device_page_inside_of_another_region(void **state)
{
    (void)state;
    change("name=\"rtc\"", "size=\"0x1000\"", "size=\"0x2000000\""); /* and the NICs' pages */
    expect_violation("has a device page that another domain has too");
}

static void a_component_that_sets_the_clock(void **state)
{
    (void)state;
    change("<protection_domain name=\"int_frontend\"", "<map ",
           "<map mr=\"status\" vaddr=\"0x50000000\" perms=\"rw\" />\n<map ");
    expect_violation("int_frontend: writes what only a trusted domain may: status");
    change("<protection_domain name=\"ext_frontend\"", "<map ",
           "<map mr=\"int_frontend_seed\" vaddr=\"0x50000000\" perms=\"rw\" />\n<map ");
    expect_violation("ext_frontend: writes what only a trusted domain may: int_frontend_seed");
    change("<protection_domain name=\"request_policy_emit\"", "<map ",
           "<map mr=\"rtc\" vaddr=\"0x50000000\" perms=\"rw\" />\n<map ");
    expect_violation("request_policy_emit: has a device page that another domain has too: rtc");
}

static void a_notification_within_a_side(void **state)
{
    (void)state;
    change("</protection_domain>\n    <channel>", "<channel>",
           "<channel><end pd=\"ext_nic_drv\" id=\"59\" notify=\"false\" />"
           "<end pd=\"ext_frontend\" id=\"59\" /></channel><channel>");
    expect_violation("ext_frontend: a notification that the topology does not give: ext_nic_drv");
    change("</protection_domain>\n    <channel>", "<channel>",
           "<channel><end pd=\"ext_nic_drv\" id=\"59\" />"
           "<end pd=\"supervisor\" id=\"59\" notify=\"false\" /></channel><channel>");
    expect_violation("ext_nic_drv: a notification that the topology does not give: supervisor");
    measured = true; /* what an image that is made to be measured has */
    assert_int_equal(check(changed, CLOSED, false), 0);
    measured = false;
    change("</protection_domain>\n    <channel>", "<channel>",
           "<channel><end pd=\"ext_nic_drv\" id=\"59\" notify=\"false\" pp=\"true\" />"
           "<end pd=\"ext_frontend\" id=\"59\" notify=\"false\" /></channel><channel>");
    expect_violation("ext_nic_drv: calls, which nobody needs: ext_frontend");
    change("<end pd=\"ext_nic_drv\" id=\"0\"", "notify=\"true\"", "notify=\"false\"");
    expect_violation("ext_nic_drv: lacks a notification: ext_frontend");
}

static void a_trusted_domain_that_reads_along(void **state)
{
    (void)state;
    change("<protection_domain name=\"entropy\"", "<map ",
           "<map mr=\"int_frontend_to_monitor_ring\" vaddr=\"0x50000000\" perms=\"r\" />\n<map ");
    expect_violation("entropy: a map or right that the topology does not give: int_frontend_to");
}

/* One more map of what is private to one domain, for another: a trusted one or a component. */
static void what_is_another_s(void **state)
{
    static const struct {
        const char *domain, *region, *rights;
    } more[] = {
        {"supervisor", "ext_nic_drv_dma", "r"},
        {"supervisor", "int_nic_drv_registers", "r"},
        {"supervisor", "entropy_dma", "r"},
        {"clock", "status", "r"},
        {"clock", "int_frontend_seed", "r"},
        {"clock", "sluice_monitor_life", "r"},
        {"entropy", "ext_nic_drv_dma", "rw"},
        {"entropy", "status", "r"},
        {"entropy", "sluice_monitor_life", "rw"},
        {"entropy", "uart", "rw"},
        {"ext_frontend", "ext_nic_drv_dma", "r"},
        {"ext_frontend", "int_frontend_seed", "r"},
        {"int_frontend", "status", "r"},
        {"sluice_monitor", "rtc", "r"},
        {"supervisor", "rtc", "rw"},
        {"supervisor", "supervisor_seed", "rw"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        char domain[64], map[128], words[128];
        snprintf(domain, sizeof domain, "<protection_domain name=\"%s\"", more[i].domain);
        snprintf(map, sizeof map, ".elf\" />\n<map mr=\"%s\" vaddr=\"0x50000000\" perms=\"%s\" />",
                 more[i].region, more[i].rights);
        snprintf(words, sizeof words, "%s: a map or right that the topology does not give: %s\n",
                 more[i].domain, more[i].region);
        change(domain, ".elf\" />", map);
        expect_violation(words);
    }
}

static void a_region_that_nobody_needs(void **state)
{
    (void)state;
    change("<memory_region", "<memory_region",
           "<memory_region name=\"store\" size=\"0x1000\" /><memory_region");
    assert_int_equal(check(changed, CLOSED, false), 0); /* and nobody maps */
    memcpy(generated, changed, sizeof generated);
    change("<protection_domain name=\"ext_nic_drv\"", "<map ",
           "<map mr=\"store\" vaddr=\"0x50000000\" perms=\"r\" />\n<map ");
    expect_violation("ext_nic_drv: a map or right that the topology does not give: store");
}

static void a_bus_address_of_another_s_memory(void **state)
{
    (void)state;
    change("<protection_domain name=\"ext_nic_drv\"", "region_paddr=\"ext_nic_drv_dma\"",
           "region_paddr=\"int_nic_drv_dma\"");
    expect_violation("ext_nic_drv: is told the bus address of what is not its own: "
                     "int_nic_drv_dma");
}

static void a_region_on_a_device(void **state)
{
    (void)state;
    change("<memory_region name=\"ext_frontend_to_request_parser_norm_producer\"",
           " page_size=", " phys_addr=\"0x0a003000\" page_size=");
    expect_violation("ext_frontend_to_request_parser_norm_producer: is at a physical address that "
                     "is not its own");
    change("<memory_region name=\"ext_nic_drv_registers\"", "phys_addr=\"0xa000000\"",
           "phys_addr=\"0xa003000\"");
    expect_violation("ext_nic_drv_registers: is at a physical address that is not its own");
}

static void another_device_s_interrupt(void **state)
{
    (void)state;
    change("<protection_domain name=\"ext_nic_drv\"", "<irq irq=\"48\"", "<irq irq=\"56\"");
    expect_violation("ext_nic_drv: has the interrupt of another device");
}

static void another_s_place_in_the_system(void **state)
{
    (void)state;
    change("<protection_domain name=\"ext_frontend\"", "priority=\"100\"", "priority=\"101\"");
    expect_violation("ext_frontend: has another priority than it should");
    change("<protection_domain name=\"ext_frontend\"", "budget=\"1000\"", "budget=\"1001\"");
    expect_violation("ext_frontend: has another budget or period than it should");
    change("<protection_domain name=\"supervisor\"", "period=\"10000\"", "period=\"9000\"");
    expect_violation("supervisor: has another budget or period than it should");
    change("<protection_domain name=\"sluice_monitor\"", "stack_size=\"0x2000\"",
           "stack_size=\"0x20000\"");
    expect_violation("sluice_monitor: has another stack than it should");
    change("name=\"ext_frontend_to_request_parser_norm_producer\"", "size=\"0x", "size=\"0x1");
    expect_violation(
        "ext_frontend_to_request_parser_norm_producer: has another size than it should");
    change("<protection_domain name=\"ext_frontend\"", "path=\"ext_frontend.elf\"",
           "path=\"int_frontend.elf\"");
    expect_violation("ext_frontend: has another's image: int_frontend.elf");
    change("    </protection_domain>\n    <channel>", "</protection_domain>",
           "</protection_domain><protection_domain name=\"clock\" />");
    expect_violation("clock: is not the supervisor's child");
}

static void an_interrupt_too_many(void **state)
{
    (void)state;
    change("<protection_domain name=\"int_nic_drv\"", "<irq ",
           "<irq irq=\"50\" id=\"61\" />\n<irq ");
    expect_violation("int_nic_drv: has an interrupt too many");
    change("<protection_domain name=\"ext_frontend\"", "<map ",
           "<irq irq=\"50\" id=\"61\" />\n<map ");
    expect_violation("ext_frontend: has an interrupt too many");
}

static void a_domain_that_calls_the_firmware(void **state)
{
    (void)state;
    change("<protection_domain name=\"ext_nic_drv\"", " id=", " smc=\"true\" id=");
    expect_violation("ext_nic_drv: may call the firmware");
}

static void a_domain_that_nobody_knows(void **state)
{
    (void)state;
    change("<protection_domain name=\"clock\"", "<protection_domain name=\"clock\"",
           "<protection_domain name=\"stranger\" id=\"60\"></protection_domain>"
           "<protection_domain name=\"clock\"");
    expect_violation("stranger");
}

static void a_parent_across_the_sides(void **state)
{
    (void)state;
    /* int_nic_drv becomes a child of ext_nic_drv. */
    change("<protection_domain name=\"ext_nic_drv\"", "</protection_domain>",
           "<protection_domain name=\"int_nic_drv\" id=\"70\"></protection_domain>"
           "</protection_domain>");
    expect_violation("ext_nic_drv -> [parent of] -> int_nic_drv");
}

static void what_is_not_understood(void **state)
{
    (void)state;
    change("<system>", "<system>", "<system><virtual_machine name=\"x\" />");
    expect_violation("does not know");
    change("<system>", "<system>", "<system");
    expect_violation("cannot be read");
    assert_true(check("", CLOSED, false) > 0);
    assert_true(check(generated, "{}", false) > 0);
    assert_int_equal(check(generated, NULL, false), 0);
    assert_non_null(strstr(said, "flow: not looked at: the kernel's configuration"));
    assert_true(check("<system>", CLOSED, false) > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, two_way)
    const struct CMUnitTest tests[] = {
        TEST(what_is_generated_passes),
        TEST(an_exported_timer_is_said),
        TEST(a_right_too_many),
        TEST(a_right_too_few),
        TEST(a_path_past_the_policy),
        TEST(an_executable_map),
        TEST(a_notification_past_the_policy),
        TEST(a_protected_call_past_the_policy),
        TEST(a_shared_device_page),
        TEST(a_device_page_inside_of_another_region),
        TEST(a_component_that_sets_the_clock),
        TEST(a_notification_within_a_side),
        TEST(a_trusted_domain_that_reads_along),
        TEST(what_is_another_s),
        TEST(a_region_that_nobody_needs),
        TEST(a_bus_address_of_another_s_memory),
        TEST(a_region_on_a_device),
        TEST(another_device_s_interrupt),
        TEST(another_s_place_in_the_system),
        TEST(an_interrupt_too_many),
        TEST(a_domain_that_calls_the_firmware),
        TEST(a_domain_that_nobody_knows),
        TEST(a_parent_across_the_sides),
        TEST(what_is_not_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
