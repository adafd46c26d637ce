/* SPDX-License-Identifier: BSD-2-Clause */
/* `sluice replay`: every message of captured connections through the gateway's own code. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/capture.h"
#include "cli/cli.h"
#include "cli/flows.h"
#include "cli/line.h"
#include "cli/policy_file.h"
#include "cli/replay_report.h"

static const char help[] =
    "usage: sluice replay [--report FILE.html] CONFIG CAPTURE...\n"
    "       sluice replay --protocol PROTOCOL [--port PORT] CAPTURE...\n"
    "\n"
    "Runs every message of each CAPTURE (pcap or pcapng, - is standard input) through the\n"
    "gateway's own decoding and deciding, and prints one JSON object a line for each, in\n"
    "order. A connection goes to the service of CONFIG whose listen or device address and\n"
    "port it has, else to the one whose port it has. Requests are decided as sent by the\n"
    "connection's client at the capture's time; a reply passes when it answers a request that\n"
    "passed, an unsolicited one when its service lets it, and a DNP3 confirmation when it\n"
    "confirms a response that passed. DNP3 is read over UDP as well as TCP.\n"
    "\n"
    "  --report FILE        what would have been refused, by rule, client and time, as one\n"
    "                       HTML page with tables and plots\n"
    "  --protocol PROTOCOL  no policy: say only what is well-formed: modbus-tcp\n"
    "                       or dnp3\n"
    "  --port PORT          of the servers, with --protocol; default the protocol's own\n"
    "\n"
    "Connections of no service are not printed. A summary goes to standard error, with what\n"
    "would have been refused by rule, client and time.\n"
    "\n"
    "Exit status: 0 every input was read, whatever the verdicts; 2 one could not be, or the\n"
    "command line or CONFIG is wrong.\n";

struct options {
    const char *protocol, *port, *report;
    bool help;
};

static bool usage_error(const char *what, const char *word)
{
    fprintf(stderr, "sluice replay: %s%s; `sluice replay --help` says how\n", what, word);
    return false;
}

static bool parse_options(struct options *given, int argc, char **argv)
{
    static const struct option options[] = {
        {"protocol", required_argument, NULL, 'p'},
        {"port", required_argument, NULL, 'o'},
        {"report", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            given->protocol = optarg;
            break;
        case 'o':
            given->port = optarg;
            break;
        case 'r':
            given->report = optarg;
            break;
        case 'h':
            given->help = true;
            return true;
        case ':':
            return usage_error("an argument is missing after ", argv[optind - 1]);
        default:
            return usage_error("no such option: ", argv[optind - 1]);
        }
    }
    if (given->port && !given->protocol)
        return usage_error("--port needs --protocol", "");
    if (given->report && given->protocol)
        return usage_error("--report needs a CONFIG: without a policy nothing is refused", "");
    if (argc - optind < (given->protocol ? 1 : 2))
        return usage_error(given->protocol ? "at least one CAPTURE is needed"
                                           : "CONFIG and at least one CAPTURE are needed",
                           "");
    return true;
}

/* What the connections are judged by. `*image` is the caller's to free. */
static bool prepare(struct replay *replay, const struct options *given, const char *config,
                    void **image)
{
    *image = NULL;
    if (!given->protocol) {
        replay->image = *image = policy_file_load(config, stderr);
        return *image != NULL;
    }
    replay->protocol = sl_protocol_by_name(given->protocol);
    if (!replay->protocol)
        return usage_error("no such protocol: ", given->protocol);
    replay->port = replay->protocol->default_port;
    if (!given->port)
        return true;
    char *end;
    unsigned long port = strtoul(given->port, &end, 10);
    if (*end || port < 1 || port > UINT16_MAX)
        return usage_error("--port expects a number from 1 to 65535, not ", given->port);
    replay->port = (uint16_t)port;
    return true;
}

static bool replay_capture(struct replay *replay, const char *path, struct capture_counts *total)
{
    static struct flows flows;
    struct capture_counts counts = {0};
    replay->source = path;
    flows_init(&flows, replay);
    bool whole = capture_read(path, flows_segment, &flows, &counts, stderr);
    flows_free(&flows);
    total->packets += counts.packets;
    total->other += counts.other;
    total->damaged += counts.damaged;
    total->fragments += counts.fragments;
    return whole;
}

static void say_count(uint64_t count, const char *what)
{
    if (count)
        fprintf(stderr, "sluice replay: %llu %s\n", (unsigned long long)count, what);
}

static void summarise(const struct replay *replay, const struct capture_counts *counts)
{
    static const struct {
        enum sl_verdict verdict;
        const char *name;
    } verdicts[] = {{SL_VERDICT_ACCEPT, "accept"},
                    {SL_VERDICT_ALLOW, "allow"},
                    {SL_VERDICT_DENY, "deny"},
                    {SL_VERDICT_MALFORMED, "malformed"},
                    {SL_VERDICT_INCOMPLETE, "incomplete"}};
    uint64_t all = 0;
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
        all += replay->messages[verdicts[i].verdict];
    fprintf(stderr, "sluice replay: %llu messages in %llu connections of %llu packets",
            (unsigned long long)all, (unsigned long long)replay->flows,
            (unsigned long long)counts->packets);
    const char *separator = ": ";
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        uint64_t count = replay->messages[verdicts[i].verdict];
        if (!count)
            continue;
        fprintf(stderr, "%s%llu %s", separator, (unsigned long long)count, verdicts[i].name);
        separator = ", ";
    }
    putc('\n', stderr);
    say_count(replay->skipped, "connections of no service skipped");
    say_count(replay->datagrams, "UDP datagrams of no service skipped");
    say_count(replay->gaps, "directions cut short where the capture lacks bytes");
    say_count(replay->after_lost, "bytes after lost framing not looked at");
    say_count(replay->conflicts, "overlapping segments with different bytes");
    say_count(counts->other, "packets that are neither TCP nor UDP over IP");
    say_count(counts->damaged, "packets with damaged or cut-off headers");
    say_count(counts->fragments, "IP fragments that never made a whole datagram");
}

static bool write_page(const struct replay_report *report, const char *path,
                       const struct report_source *source)
{
    FILE *page = fopen(path, "w");
    if (page)
        replay_report_html(report, source, page);
    bool written = page && fflush(page) == 0 && !ferror(page);
    const int why = errno;
    if (page && fclose(page) != 0)
        written = false;
    if (!written)
        fprintf(stderr, "sluice replay: %s cannot be written: %s\n", path, strerror(why));
    return written;
}

int cli_replay(int argc, char **argv)
{
    struct options given = {0};
    struct replay replay = {.out = stdout, .notes = stderr, .verb = "replay"};
    struct capture_counts counts = {0};
    struct replay_report report = {0};
    void *image;
    if (!parse_options(&given, argc, argv))
        return CLI_UNABLE;
    if (given.help) {
        fputs(help, stdout);
        return CLI_OK;
    }
    if (!prepare(&replay, &given, argv[optind], &image))
        return CLI_UNABLE;
    report.image = image;
    static struct policy_state state; /* zero, and too large for the stack */
    if (image) {
        replay.state = &state;
        replay.seen = replay_report_take;
        replay.seen_context = &report;
    }
    bool able = true;
    for (int i = optind + (given.protocol ? 0 : 1); i < argc; i++) {
        if (image) { /* each capture has its own time */
            memset(&state, 0, sizeof state);
            policy_state_init(&state, image);
        }
        able = replay_capture(&replay, argv[i], &counts) && able;
    }
    able = line_all_written(stdout, "replay") && able;
    summarise(&replay, &counts);
    replay_report_finish(&report);
    replay_report_text(&report, stderr);
    const struct report_source source = {.config = argv[optind],
                                         .captures = argv + optind + 1,
                                         .capture_count = (size_t)(argc - optind) - 1};
    if (given.report)
        able = write_page(&report, given.report, &source) && able;
    if (replay.no_memory || report.no_memory) {
        fputs("sluice replay: memory ran out: what was printed is not all\n", stderr);
        able = false;
    }
    replay_report_free(&report);
    free(image);
    return able ? CLI_OK : CLI_UNABLE;
}
