/* SPDX-License-Identifier: BSD-2-Clause */
/* `sluice learn`: a first configuration from recorded traffic. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/flows.h"
#include "cli/learnt.h"
#include "cli/learnt_dnp3.h"

#define DEFAULT_GAP 8u

static const char help[] =
    "usage: sluice learn [-o DRAFT] [--protocol PROTOCOL] [--port PORT] [--gap N] CAPTURE...\n"
    "\n"
    "Drafts a configuration that allows what each CAPTURE (pcap or pcapng, - is standard\n"
    "input) has of one protocol: hosts, services and rules, with the values written, the count\n"
    "and the first and last time as comments. What was recorded may hold attacks: the draft\n"
    "is to be read, not to be used as it is.\n"
    "\n"
    "  -o DRAFT             write to this file; without it to standard output\n"
    "  --protocol PROTOCOL  modbus-tcp, which is the default, or dnp3\n"
    "  --port PORT          the servers' port; default the protocol's own\n"
    "  --gap N              where up to N addresses (DNP3: indexes) between two ranges were not\n"
    "                       read, the rule covers them too; default 8. Writes are never widened\n"
    "\n"
    "Exit status: 0 the draft is whole; 1 there is nothing to learn or too much for one\n"
    "gateway; 2 an input could not be read, or the command line is wrong.\n";

struct learn {
    struct learnt learnt;
    struct learnt_dnp3 dnp3;
    struct learn_source source;
    const char *output, *port;
    bool help;
};

static bool usage_error(const char *what, const char *word)
{
    fprintf(stderr, "sluice learn: %s%s; `sluice learn --help` says how\n", what, word);
    return false;
}

static bool number_within(const char *text, unsigned long low, unsigned long high,
                          unsigned long *number)
{
    char *end;
    errno = 0;
    *number = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno && *number >= low && *number <= high;
}

static bool parse_options(struct learn *learn, struct replay *replay, int argc, char **argv)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'}, {"protocol", required_argument, NULL, 'l'},
        {"port", required_argument, NULL, 'p'},   {"gap", required_argument, NULL, 'g'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int option;
    unsigned long number;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":ho:", options, NULL)) != -1) {
        switch (option) {
        case 'o':
            learn->output = optarg;
            break;
        case 'l':
            replay->protocol = sl_protocol_by_name(optarg);
            if (!replay->protocol)
                return usage_error("--protocol expects modbus-tcp or dnp3, not ", optarg);
            break;
        case 'p':
            if (!number_within(optarg, 1, UINT16_MAX, &number))
                return usage_error("--port expects a number from 1 to 65535, not ", optarg);
            replay->port = (uint16_t)number;
            break;
        case 'g':
            if (!number_within(optarg, 0, UINT16_MAX, &number))
                return usage_error("--gap expects a number from 0 to 65535, not ", optarg);
            learn->source.gap = (unsigned)number;
            break;
        case 'h':
            learn->help = true;
            return true;
        case ':':
            return usage_error("an argument is missing after ", argv[optind - 1]);
        default:
            return usage_error("no such option: ", argv[optind - 1]);
        }
    }
    if (!replay->port)
        replay->port = replay->protocol->default_port;
    if (optind == argc)
        return usage_error("at least one CAPTURE is needed", "");
    learn->source.captures = argv + optind;
    learn->source.capture_count = (size_t)(argc - optind);
    return true;
}

static void take_modbus(struct learnt *learnt, const struct flow *flow,
                        const struct stream_message *message, const struct timeval *time)
{
    const struct modbus_message *request = message->canonical;
    if (message->verdict == SL_VERDICT_ACCEPT) {
        learnt_request(learnt, &flow->client, &flow->server, time, request);
        return;
    }
    if (message->verdict != SL_VERDICT_MALFORMED)
        return;
    learnt->counts.malformed++;
    if (message->reason == SL_REASON_FUNCTION_UNKNOWN && request && request->function < 128)
        learnt->unknown[request->function]++;
}

static void take_dnp3(struct learnt_dnp3 *learnt, const struct flow *flow,
                      enum sl_direction direction, const struct stream_message *message,
                      const struct timeval *time)
{
    if (message->verdict == SL_VERDICT_MALFORMED && direction == SL_REQUEST)
        learnt->counts.malformed++;
    if (message->verdict != SL_VERDICT_ACCEPT)
        return;
    if (direction == SL_REQUEST)
        learnt_dnp3_request(learnt, &flow->client, &flow->server, flow->datagram, time,
                            message->canonical);
    else
        learnt_dnp3_reply(learnt, &flow->server, message->canonical);
}

static void take_message(void *context, const struct flow *flow, enum sl_direction direction,
                         const struct stream_message *message, const struct timeval *time)
{
    struct learn *learn = context;
    if (flow->protocol == &dnp3_protocol)
        take_dnp3(&learn->dnp3, flow, direction, message, time);
    else if (direction == SL_REQUEST)
        take_modbus(&learn->learnt, flow, message, time);
}

static bool read_capture(struct replay *replay, const char *path)
{
    static struct flows flows;
    struct capture_counts counts = {0};
    replay->source = path;
    flows_init(&flows, replay);
    bool whole = capture_read(path, flows_segment, &flows, &counts, stderr);
    flows_free(&flows);
    return whole;
}

static int write_draft(struct learn *learn, const struct replay *replay)
{
    FILE *out = learn->output ? fopen(learn->output, "w") : stdout;
    if (!out) {
        fprintf(stderr, "sluice learn: %s cannot be written: %s\n", learn->output, strerror(errno));
        return CLI_UNABLE;
    }
    const bool whole = replay->protocol == &dnp3_protocol
                           ? learn_dnp3_draft(&learn->dnp3, &learn->source, out, stderr)
                           : learn_draft(&learn->learnt, &learn->source, out, stderr);
    bool written = fflush(out) == 0 && !ferror(out);
    if (learn->output)
        written = fclose(out) == 0 && written;
    if (!written) {
        fprintf(stderr, "sluice learn: the draft could not be written: %s\n", strerror(errno));
        return CLI_UNABLE;
    }
    return whole ? CLI_OK : CLI_FAILED;
}

static int learn_all(struct learn *learn, struct replay *replay)
{
    bool able = true;
    for (size_t i = 0; i < learn->source.capture_count; i++)
        able = read_capture(replay, learn->source.captures[i]) && able;
    if (replay->no_memory || learn->learnt.no_memory) {
        fputs("sluice learn: memory ran out\n", stderr);
        able = false;
    }
    if (!able)
        return CLI_UNABLE;
    if (!learn->learnt.count && !learn->dnp3.kinds.count) {
        fprintf(stderr,
                "sluice learn: no well-formed %s request over IPv4 to port %u in what was "
                "read; --port names another, --protocol another protocol\n",
                replay->protocol->name, replay->port);
        return CLI_FAILED;
    }
    return write_draft(learn, replay);
}

int cli_learn(int argc, char **argv)
{
    static struct learn learn;
    learn.source.gap = DEFAULT_GAP;
    struct replay replay = {.protocol = &modbus_tcp_protocol,
                            .notes = stderr,
                            .verb = "learn",
                            .seen = take_message,
                            .seen_context = &learn};
    if (!parse_options(&learn, &replay, argc, argv))
        return CLI_UNABLE;
    if (learn.help) {
        fputs(help, stdout);
        return CLI_OK;
    }
    replay.connections_only = replay.protocol == &modbus_tcp_protocol;
    int status = learn_all(&learn, &replay);
    learnt_free(&learn.learnt);
    arena_free(&learn.dnp3.arena);
    return status;
}
