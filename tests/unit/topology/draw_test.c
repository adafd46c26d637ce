/* SPDX-License-Identifier: BSD-2-Clause */
/* The drawing and the text hold everything that is in the topology. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "topology/topology.h"
#include "topology/example_site.h"

static struct topology built(enum sl_mode mode)
{
    struct site site = example_site(mode);
    struct topology topology;
    topology_build(&site, &topology);
    return topology;
}

static char *written(const struct topology *topology,
                     void (*write)(const struct topology *topology, FILE *out))
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    write(topology, out);
    fclose(out);
    return text;
}

static unsigned count(const char *text, const char *word)
{
    unsigned found = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        found++;
    return found;
}

static void test_every_link_is_drawn(void **state)
{
    (void)state;
    for (int mode = SL_TWO_WAY; mode <= SL_ONE_WAY; mode++) {
        struct topology topology = built((enum sl_mode)mode);
        char *svg = written(&topology, topology_draw);
        for (unsigned i = 0; i < topology.link_count; i++) {
            char title[128];
            snprintf(title, sizeof(title), "<title>%s</title>", topology.link[i].name);
            assert_int_equal(count(svg, title), 1);
        }
        /* One dot for each direction that is notified, and one in the legend. */
        unsigned directions = 0;
        for (unsigned i = 0; i < topology.channel_count; i++)
            directions += topology.channel[i].notifies[0] + topology.channel[i].notifies[1];
        assert_int_equal(count(svg, "<circle"), directions + 1);
        assert_int_equal(count(svg, ">ext_nic_drv<"), 1);
        assert_int_equal(count(svg, ">policy_emit<"), mode == SL_TWO_WAY ? 2 : 1);
        assert_int_equal(count(svg, "http"), 1); /* the name space; nothing is fetched */
        free(svg);
    }
}

static void test_names_are_escaped(void **state)
{
    (void)state;
    struct topology topology = built(SL_TWO_WAY);
    strcpy(topology.component[0].name, "a<b>&\"\x01");
    strcpy(topology.link[0].name, "</title><script>");
    char *svg = written(&topology, topology_draw);
    assert_non_null(strstr(svg, ">a&lt;b&gt;&amp;&quot;?<"));
    assert_non_null(strstr(svg, "<title>&lt;/title&gt;&lt;script&gt;</title>"));
    assert_null(strstr(svg, "<script"));
    free(svg);
}

static void test_text(void **state)
{
    (void)state;
    struct topology topology = built(SL_TWO_WAY);
    char *text = written(&topology, topology_print);
    assert_int_equal(count(text, "\ncomponent "), topology.component_count);
    assert_int_equal(count(text, "\nlink "), topology.link_count);
    assert_int_equal(count(text, "\n  region "), topology.region_count);
    assert_int_equal(count(text, "\nchannel "), topology.channel_count);
    assert_non_null(strstr(text, "component request_policy_emit: side core, reads the policy, "
                                 "breaks the path\n"));
    assert_non_null(strstr(text, "_to_request_parser_norm_consumer 4096: ext_frontend r "
                                 "request_parser_norm rw\n"));
    assert_non_null(strstr(text, "channel ext_nic_drv 0 <> ext_frontend 0\n"));
    assert_non_null(strstr(text, " -> request_parser_norm 0\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_link_is_drawn),
        cmocka_unit_test(test_names_are_escaped),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
