/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "policy/compiler/edit_distance.h"

struct verb {
    const char *name;
    const char *arguments;
    const char *help;
    int (*run)(int argc, char **argv);
};

static const struct verb verbs[] = {
    {"check", "CONFIG", "validate, say in sentences what passes, check flows", cli_check},
    {"explain", "CONFIG -- MESSAGE", "which rule decides on one message, and why", cli_explain},
    {"run", "CONFIG", "run the gateway on Linux", cli_run},
    {"status", "[--json]", "how the running gateway does", cli_status},
    {"reload", "", "the running gateway takes its file's rules", cli_reload},
    {"override", "RULESET --for TIME", "other rules for a while, by name", cli_override},
    {"decode", "PROTOCOL FILE...", "decode the bytes of one direction of a stream", cli_decode},
    {"replay", "CONFIG CAPTURE...", "every message of a capture through the same code", cli_replay},
    {"learn", "CAPTURE... -o FILE", "draft a configuration from recorded traffic", cli_learn},
    {"build", "CONFIG --host H", "an image of the gateway for seL4", cli_build},
    {"topology", "CONFIG", "draw the components and what joins them, as SVG", cli_topology},
};
#define VERB_COUNT (sizeof verbs / sizeof verbs[0])

static void print_help(FILE *out)
{
    fputs("Sluice, a security gateway for industrial control protocols.\n\n"
          "usage: sluice VERB ARGUMENTS...\n\n",
          out);
    for (size_t i = 0; i < VERB_COUNT; i++)
        fprintf(out, "  %-9s %-18s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].help);
    fputs("\n`sluice VERB --help` says more, `man sluice` all; `sluice --version` which it is.\n",
          out);
}

static int unknown_verb(const char *word)
{
    const struct verb *nearest = NULL;
    size_t distance = 3; /* beyond two edits it is another word */
    for (size_t i = 0; i < VERB_COUNT; i++) {
        size_t d = edit_distance(word, verbs[i].name);
        if (d < distance) {
            distance = d;
            nearest = &verbs[i];
        }
    }
    fprintf(stderr, "sluice: there is no verb '%s'", word);
    if (nearest)
        fprintf(stderr, ": did you mean '%s'?", nearest->name);
    fputs(nearest ? "\n" : "; `sluice --help` lists them\n", stderr);
    return CLI_UNABLE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return CLI_UNABLE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help(stdout);
        return CLI_OK;
    }
    if (strcmp(word, "--version") == 0) {
        puts("sluice " SLUICE_VERSION);
        return CLI_OK;
    }
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (strcmp(word, verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    return unknown_verb(word);
}
