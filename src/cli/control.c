/* SPDX-License-Identifier: BSD-2-Clause */
/* `sluice status`, `sluice reload`, `sluice override`: asked of a running gateway over its socket.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "control/control.h"

static const char status_help[] =
    "usage: sluice status [--json | --metrics] [--socket PATH]\n"
    "\n"
    "How the running gateway does: its policy, an override in force, what passed and what was\n"
    "refused, sessions, devices, latencies.\n"
    "\n"
    "  --json         as one JSON object\n"
    "  --metrics      in Prometheus' text format\n"
    "  --socket PATH  the gateway's socket; default the only one in " CONTROL_DIRECTORY "\n"
    "\n"
    "Exit status: 0; 2 no gateway answers, or the command line was not understood.\n";

static const char reload_help[] =
    "usage: sluice reload [--socket PATH]\n"
    "\n"
    "The running gateway reads its configuration file anew and takes its rules, at once and "
    "whole;\n"
    "sessions and requests under way go on. A file with a mistake, or one that changes more than\n"
    "rules, changes nothing, and each reason is printed as file:line:column. SIGHUP does the "
    "same,\n"
    "and opens the audit file anew.\n"
    "\n"
    "  --socket PATH  the gateway's socket; default the only one in " CONTROL_DIRECTORY "\n"
    "\n"
    "Exit status: 0 the rules are in force; 1 they are not, the old ones stay; 2 no gateway\n"
    "answers, or the command line was not understood.\n";

static const char override_help[] =
    "usage: sluice override RULESET --for TIME --who NAME --why TEXT [--socket PATH]\n"
    "       sluice override --end [--socket PATH]\n"
    "\n"
    "Puts the rules in force that the configuration names under 'overrides', beside its own, for "
    "a\n"
    "time. Every start, end and use of it is in the audit log.\n"
    "\n"
    "  --for TIME     how long, such as 30min or 2h, at most the override's 'max'; then it ends "
    "by\n"
    "                 itself, also over restarts. Given again for the same RULESET: from now on\n"
    "  --who NAME     who answers for it\n"
    "  --why TEXT     why\n"
    "  --end          ends the one in force\n"
    "  --socket PATH  the gateway's socket; default the only one in " CONTROL_DIRECTORY "\n"
    "\n"
    "Exit status: 0 done; 1 refused, with the reason; 2 no gateway answers, or the command line\n"
    "was not understood.\n";

struct options {
    const char *socket, *ruleset, *lasts, *who, *why;
    bool json, metrics, end;
};

static int usage_error(const char *verb, const char *what, const char *word)
{
    fprintf(stderr, "sluice %s: %s%s; `sluice %s --help` says how\n", verb, what, word, verb);
    return CLI_UNABLE;
}

/* `*done`: help was asked for, and printed. */
static int parse(struct options *given, const struct option *known, const char *help, int argc,
                 char **argv, bool *done)
{
    int option;
    optind = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
        switch (option) {
        case 's':
            given->socket = optarg;
            break;
        case 'j':
            given->json = true;
            break;
        case 'm':
            given->metrics = true;
            break;
        case 'f':
            given->lasts = optarg;
            break;
        case 'w':
            given->who = optarg;
            break;
        case 'y':
            given->why = optarg;
            break;
        case 'e':
            given->end = true;
            break;
        case 'h':
            fputs(help, stdout);
            *done = true;
            return CLI_OK;
        case ':':
            return usage_error(argv[0], "argument missing after ", argv[optind - 1]);
        default:
            return usage_error(argv[0], "unknown option ", argv[optind - 1]);
        }
    }
    if (optind < argc)
        given->ruleset = argv[optind++];
    if (optind < argc)
        return usage_error(argv[0], "one word too many: ", argv[optind]);
    return CLI_OK;
}

static int ask(const char *verb, const struct options *given, const char *request)
{
    char path[CONTROL_PATH_SIZE];
    return control_find(verb, given->socket, path) ? control_ask(verb, path, request) : CLI_UNABLE;
}

int cli_status(int argc, char **argv)
{
    static const struct option known[] = {{"json", no_argument, NULL, 'j'},
                                          {"metrics", no_argument, NULL, 'm'},
                                          {"socket", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct options given = {0};
    bool done = false;
    const int status = parse(&given, known, status_help, argc, argv, &done);
    if (status != CLI_OK || done)
        return status;
    if (given.ruleset || (given.json && given.metrics))
        return usage_error("status", given.ruleset ? "one word too many: " : "--json or --metrics",
                           given.ruleset ? given.ruleset : "");
    return ask("status", &given,
               given.json      ? "status\nformat json\n"
               : given.metrics ? "status\nformat metrics\n"
                               : "status\nformat human\n");
}

int cli_reload(int argc, char **argv)
{
    static const struct option known[] = {{"socket", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct options given = {0};
    bool done = false;
    const int status = parse(&given, known, reload_help, argc, argv, &done);
    if (status != CLI_OK || done)
        return status;
    if (given.ruleset)
        return usage_error("reload",
                           "the gateway knows its file; one word too many: ", given.ruleset);
    return ask("reload", &given, "reload\n");
}

/* What makes a line of the request must be on one line itself. */
static bool add_line(char *request, size_t size, const char *key, const char *value)
{
    const size_t used = strlen(request);
    const int added = snprintf(request + used, size - used, "%s %s\n", key, value);
    return added > 0 && (size_t)added < size - used && !strchr(value, '\n');
}

int cli_override(int argc, char **argv)
{
    static const struct option known[] = {{"for", required_argument, NULL, 'f'},
                                          {"who", required_argument, NULL, 'w'},
                                          {"why", required_argument, NULL, 'y'},
                                          {"end", no_argument, NULL, 'e'},
                                          {"socket", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct options given = {0};
    bool done = false;
    const int status = parse(&given, known, override_help, argc, argv, &done);
    if (status != CLI_OK || done)
        return status;
    if (given.end)
        return given.ruleset || given.lasts || given.who || given.why
                   ? usage_error("override", "--end stands alone", "")
                   : ask("override", &given, "override\nend now\n");
    const char *missing = !given.ruleset ? "RULESET"
                          : !given.lasts ? "--for"
                          : !given.who   ? "--who"
                          : !given.why   ? "--why"
                                         : NULL;
    if (missing)
        return usage_error("override", "found no ", missing);
    char request[CONTROL_REQUEST_SIZE - 1] = "override\n";
    if (!add_line(request, sizeof request, "ruleset", given.ruleset) ||
        !add_line(request, sizeof request, "for", given.lasts) ||
        !add_line(request, sizeof request, "who", given.who) ||
        !add_line(request, sizeof request, "why", given.why))
        return usage_error("override", "each word must be one line, all together shorter", "");
    return ask("override", &given, request);
}
