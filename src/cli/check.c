/* SPDX-License-Identifier: BSD-2-Clause */
/* `sluice check`: is the configuration right, what does it let through, does anything flow where
 * it should not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "policy/image.h"
#include "policy/site.h"
#include "topology/topology.h"

static const char help[] =
    "usage: sluice check CONFIG\n"
    "\n"
    "Reads the configuration file CONFIG. Prints every mistake in it as file:line:column, or, "
    "when\n"
    "there is none, what each service lets through, what deserves a look, and whether the\n"
    "components and what joins them keep to the flow rules.\n"
    "\n"
    "Exit status: 0 all is well; 1 a mistake, or a flow rule is broken; 2 CONFIG cannot be read.\n";

static void print_policy(const struct site *site, const void *image, size_t size)
{
    const struct policy_image *const head = image;
    site_explain(site, stdout);
    printf("policy: %u rules, %zu bytes, sha256 ", head->rule_count, size);
    for (size_t i = 0; i < sizeof head->hash; i++)
        printf("%02x", head->hash[i]);
    putchar('\n');
}

static int check_text(const char *path, const char *text, size_t length)
{
    struct site *site = site_load_text(path, text, length, stderr);
    if (site == NULL)
        return CLI_FAILED;
    size_t size;
    void *image = site_compile(site, &size, stderr);
    int status = CLI_FAILED;
    const char *wrong = image ? policy_image_check(image, size) : "not made";
    if (wrong) {
        fprintf(stderr, "%s: the policy image is wrong: %s; please report this\n", path, wrong);
    } else {
        print_policy(site, image, size);
        static struct topology topology;
        topology_build(site, &topology);
        if (topology_check(&topology, stdout) == 0)
            status = CLI_OK;
    }
    free(image);
    site_free(site);
    return status;
}

int cli_check(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return CLI_OK;
    }
    if (argc != 2 || (argv[1][0] == '-' && argv[1][1])) {
        fprintf(stderr, "sluice check: expected one configuration file\n%s", help);
        return CLI_UNABLE;
    }
    size_t length;
    char *text = site_read_file(argv[1], &length, stderr);
    if (text == NULL)
        return CLI_UNABLE;
    const int status = check_text(argv[1], text, length);
    free(text);
    return status;
}
