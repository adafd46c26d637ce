/* SPDX-License-Identifier: BSD-2-Clause */
/* The checker's core, on graphs that no topology of ours would make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "topology/flow_graph.h"

static struct flow_graph graph;
static char *text;

static int set_up(void **state)
{
    (void)state;
    flow_graph_init(&graph);
    text = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    flow_graph_free(&graph);
    free(text);
    return 0;
}

static int check(enum sl_mode mode)
{
    size_t size;
    free(text);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    int violations = flow_check(&graph, mode, out);
    fclose(out);
    return violations;
}

static void test_only_through_a_breaker(void **state)
{
    (void)state;
    unsigned ext = flow_add_node(&graph, "ext", SL_SIDE_EXT);
    unsigned emit = flow_add_breaker(&graph, "emit", SL_SIDE_CORE);
    unsigned inner = flow_add_node(&graph, "int", SL_SIDE_INT);
    flow_add_edge(&graph, ext, emit, "a");
    flow_add_edge(&graph, emit, inner, "b");
    assert_int_equal(check(SL_TWO_WAY), 0);
    assert_int_equal(check(SL_ONE_WAY), 0);
    flow_add_edge(&graph, inner, emit, "c");
    flow_add_edge(&graph, emit, ext, "d");
    assert_int_equal(check(SL_TWO_WAY), 0);
    assert_int_equal(check(SL_ONE_WAY), 1);
    assert_string_equal(text, "flow: VIOLATION: int reaches ext against the one-way direction: "
                              "int -> [c] -> emit -> [d] -> ext\n");
}

static void test_edges_are_directed(void **state)
{
    (void)state;
    unsigned ext = flow_add_node(&graph, "ext", SL_SIDE_EXT);
    unsigned log = flow_add_sink(&graph, "log", SL_SIDE_CORE);
    unsigned inner = flow_add_node(&graph, "int", SL_SIDE_INT);
    flow_add_edge(&graph, ext, log, "a");
    flow_add_edge(&graph, inner, log, "b");
    assert_int_equal(check(SL_TWO_WAY), 0);
    flow_add_edge(&graph, log, ext, "c");
    assert_int_equal(check(SL_TWO_WAY), 2);
    assert_non_null(strstr(text, "log reaches ext, and nothing inside may: log -> [c] -> ext\n"));
    assert_non_null(strstr(text, "int reaches ext without policy_emit: int -> [b] -> log -> [c] "
                                 "-> ext\n"));
}

static void test_direct_edges_are_all_shown(void **state)
{
    (void)state;
    unsigned ext = flow_add_node(&graph, "ext", SL_SIDE_EXT);
    unsigned inner = flow_add_node(&graph, "int", SL_SIDE_INT);
    flow_add_edge(&graph, ext, inner, "a %d", 1);
    flow_add_edge(&graph, ext, inner, "b");
    flow_add_edge(&graph, inner, ext, "c");
    assert_int_equal(check(SL_TWO_WAY), 3);
    assert_non_null(strstr(text, "ext -> [a 1] -> int\n"));
    assert_non_null(strstr(text, "ext -> [b] -> int\n"));
    assert_non_null(strstr(text, "int -> [c] -> ext\n"));
}

static void test_longer_paths_shown_once(void **state)
{
    (void)state;
    unsigned outer = flow_add_node(&graph, "outer", SL_SIDE_EXT);
    unsigned ext = flow_add_node(&graph, "ext", SL_SIDE_EXT);
    unsigned one = flow_add_node(&graph, "one", SL_SIDE_CORE);
    unsigned two = flow_add_node(&graph, "two", SL_SIDE_CORE);
    unsigned inner = flow_add_node(&graph, "int", SL_SIDE_INT);
    unsigned innermost = flow_add_node(&graph, "innermost", SL_SIDE_INT);
    flow_add_edge(&graph, outer, ext, "a");
    flow_add_edge(&graph, ext, one, "b");
    flow_add_edge(&graph, one, two, "c");
    flow_add_edge(&graph, two, one, "back");
    flow_add_edge(&graph, two, inner, "d");
    flow_add_edge(&graph, inner, innermost, "e");
    assert_int_equal(check(SL_TWO_WAY), 1);
    assert_string_equal(text, "flow: VIOLATION: ext reaches int without policy_emit: ext -> [b] "
                              "-> one -> [c] -> two -> [d] -> int\n");
}

static void test_trusted_are_printed(void **state)
{
    (void)state;
    unsigned ext = flow_add_node(&graph, "ext", SL_SIDE_EXT);
    unsigned inner = flow_add_node(&graph, "int", SL_SIDE_INT);
    unsigned launcher = flow_add_trusted(&graph, "launcher", "writes everything");
    flow_add_edge(&graph, ext, launcher, "a");
    flow_add_edge(&graph, launcher, inner, "b");
    assert_int_equal(check(SL_TWO_WAY), 0);
    assert_string_equal(
        text, "flow: trusted, not followed: launcher: writes everything; joined with ext, int\n");
}

static void test_every_node_has_a_side(void **state)
{
    (void)state;
    flow_add_node(&graph, "stray", FLOW_NO_SIDE);
    assert_int_equal(check(SL_TWO_WAY), 1);
    assert_string_equal(text, "flow: VIOLATION: stray has no side\n");
}

/* A node without a side is no wall. */
static void test_no_side_is_followed(void **state)
{
    (void)state;
    unsigned ext = flow_add_node(&graph, "ext", SL_SIDE_EXT);
    unsigned stray = flow_add_node(&graph, "stray", 77);
    unsigned inner = flow_add_node(&graph, "int", SL_SIDE_INT);
    flow_add_edge(&graph, ext, stray, "a");
    flow_add_edge(&graph, stray, inner, "b");
    assert_int_equal(check(SL_TWO_WAY), 2);
}

static void test_an_edge_to_nowhere_fails(void **state)
{
    (void)state;
    unsigned ext = flow_add_node(&graph, "ext", SL_SIDE_EXT);
    flow_add_edge(&graph, ext, 7, "a");
    assert_int_equal(check(SL_TWO_WAY), 1);
    assert_non_null(strstr(text, "the graph is not whole"));
}

static void test_many_nodes(void **state)
{
    (void)state;
    unsigned before = flow_add_node(&graph, "ext", SL_SIDE_EXT);
    for (unsigned i = 0; i < 500; i++) {
        unsigned next = flow_add_node(&graph, "core", SL_SIDE_CORE);
        flow_add_edge(&graph, before, next, "a");
        before = next;
    }
    unsigned inner = flow_add_node(&graph, "int", SL_SIDE_INT);
    assert_int_equal(check(SL_TWO_WAY), 0);
    flow_add_edge(&graph, before, inner, "b");
    assert_int_equal(check(SL_TWO_WAY), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_only_through_a_breaker),
        TEST(test_edges_are_directed),
        TEST(test_direct_edges_are_all_shown),
        TEST(test_longer_paths_shown_once),
        TEST(test_trusted_are_printed),
        TEST(test_every_node_has_a_side),
        TEST(test_no_side_is_followed),
        TEST(test_an_edge_to_nowhere_fails),
        TEST(test_many_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
