/* SPDX-License-Identifier: BSD-2-Clause */
/* `sluice topology`: the components of a site and what joins them, drawn or as text. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "policy/site.h"
#include "topology/topology.h"

static const char help[] =
    "usage: sluice topology CONFIG [-o FILE] [--text]\n"
    "\n"
    "Draws the components that CONFIG makes, on which side each is, and what joins them, as one\n"
    "self-contained SVG.\n"
    "\n"
    "  -o, --output FILE  write to FILE, not to standard output\n"
    "      --text         as text: every shared region with its rights, every channel, and what\n"
    "                     the flow checker says\n"
    "\n"
    "Exit status: 0 written; 1 (with --text) the flow checker found a violation; 2 CONFIG has a\n"
    "mistake, FILE could not be written, or the command line is wrong.\n";

struct options {
    const char *config, *output; /* output NULL: standard output */
    bool text;
};

static int usage_error(const char *what)
{
    fprintf(stderr, "sluice topology: %s; `sluice topology --help` says how\n", what);
    return CLI_UNABLE;
}

static int parse_options(struct options *options, int argc, char **argv, bool *done)
{
    static const struct option known[] = {{"output", required_argument, NULL, 'o'},
                                          {"text", no_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    optind = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "o:h", known, NULL)) != -1) {
        switch (option) {
        case 'o':
            options->output = optarg;
            break;
        case 't':
            options->text = true;
            break;
        case 'h':
            fputs(help, stdout);
            *done = true;
            return CLI_OK;
        default:
            return usage_error("an option that is not known, or one without its value");
        }
    }
    if (optind + 1 != argc)
        return usage_error("one CONFIG is expected");
    options->config = argv[optind];
    return CLI_OK;
}

static int write_topology(const struct options *options, const struct topology *topology)
{
    int status = CLI_OK;
    FILE *out = options->output ? fopen(options->output, "we") : stdout;
    if (out && options->text) {
        topology_print(topology, out);
        if (topology_check(topology, out) > 0)
            status = CLI_FAILED;
    } else if (out) {
        topology_draw(topology, out);
    }
    bool failed = !out || fflush(out) != 0 || ferror(out);
    if (out && options->output)
        failed |= fclose(out) != 0;
    if (!failed)
        return status;
    fprintf(stderr, "sluice topology: %s: %s\n",
            options->output ? options->output : "standard output", strerror(errno));
    return CLI_UNABLE;
}

int cli_topology(int argc, char **argv)
{
    struct options options = {0};
    bool done = false;
    int status = parse_options(&options, argc, argv, &done);
    if (status != CLI_OK || done)
        return status;
    struct site *site = site_load(options.config, stderr);
    if (!site)
        return CLI_UNABLE;
    struct topology topology;
    topology_build(site, &topology);
    status = write_topology(&options, &topology);
    site_free(site);
    return status;
}
