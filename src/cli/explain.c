/* SPDX-License-Identifier: BSD-2-Clause */
/* `sluice explain`: one message, the rule that decides on it, and why. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/policy_file.h"
#include "policy/site.h"
#include "sluice/protocol.h"

static const char help[] =
    "usage: sluice explain CONFIG [--client ADDRESS] [--service SERVICE] -- MESSAGE\n"
    "\n"
    "Says which rule of CONFIG decides on one request, and why; where none allows it, also the\n"
    "nearest rule that would have. MESSAGE is words or hexadecimal (an ADU, or a PDU for unit 1):\n"
    "\n"
    "  read registers 0-9              read coils 0, inputs 3, input-registers 7, POINT\n"
    "  write register 2 = 900 unit 1   write coil 0 = on, write registers 4 = 1, 2, 3\n"
    "  write setpoint = 21.5           a point, in its own units\n"
    "  write 900 to register 2, unit 1 as the log's sentences say it\n"
    "  function 7                      function 8 00 01: a code, and the bytes after it\n"
    "\n"
    "and to a DNP3 service, the stations being the first ones but where they are given:\n"
    "\n"
    "  read class 1 2 3                read group 30 variation 5 index 0-9 outstation 10 master 1\n"
    "  select pulse-on close index 3   direct-operate latch-off index 3 count 1 on-time 100\n"
    "  operate index 4 value 21.5      write time, write indication 7, cold-restart\n"
    "  c0 01 3c 02 06                  a fragment in hexadecimal, or link frames from 05 64 on\n"
    "\n"
    "  --client ADDRESS   who sends it, an IPv4 address or a host of CONFIG; default 0.0.0.0,\n"
    "                     which is nobody's\n"
    "  --service SERVICE  to which service; not needed where CONFIG has one\n"
    "\n"
    "The time is now; rates are not used up; no last value is known.\n"
    "\n"
    "Exit status: 0 allowed or let through; 1 denied or malformed; 2 CONFIG is wrong, or the\n"
    "command line or MESSAGE was not understood.\n";

struct explain {
    const char *config, *client, *service;
    const char *const *words;
    size_t word_count;
};

static int unable(const char *what, const char *word)
{
    fprintf(stderr, "sluice explain: %s%s; `sluice explain --help` says how\n", what, word);
    return CLI_UNABLE;
}

static int explain_in(const struct explain *given, const struct site *site, const void *image)
{
    const struct policy_service *service = policy_service(image, 0);
    if (given->service)
        service = policy_file_service(image, given->service);
    else if (policy_service(image, 1))
        return unable("--service is needed: there are several in ", given->config);
    if (!service)
        return unable("no such service: ", given->service ? given->service : "");
    uint32_t client = 0;
    if (given->client && !policy_file_client(image, given->client, &client))
        return unable("neither an IPv4 address nor a host: ", given->client);
    const struct sl_protocol *protocol = sl_protocol(service->protocol);
    static uint8_t bytes[4096];
    static _Alignas(8) uint8_t canonical[4096];
    size_t length, canonical_length;
    if (protocol->max_message > sizeof bytes || protocol->max_canonical > sizeof canonical ||
        !site_message(site, service->number, given->words, given->word_count, bytes, &length,
                      stderr))
        return unable("the message was not understood", "");
    enum sl_reason reason =
        protocol->decode(SL_REQUEST, service, bytes, length, canonical, &canonical_length);
    if (reason == SL_REASON_NONE)
        reason = protocol->validate(SL_REQUEST, service, canonical, canonical_length);
    if (reason != SL_REASON_NONE) {
        printf("malformed: %s; no rule is asked\n", sl_reason_name(reason));
        return CLI_FAILED;
    }
    const bool passes = site_explain_message(site, service->number, client,
                                             (uint64_t)time(NULL) * UINT64_C(1000000000), canonical,
                                             canonical_length, stdout);
    return passes ? CLI_OK : CLI_FAILED;
}

static bool parse_options(struct explain *given, int argc, char **argv)
{
    static const struct option options[] = {
        {"client", required_argument, NULL, 'f'},
        {"service", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    /* what stands after -- is the message, whatever it looks like */
    int end = 1;
    while (end < argc && strcmp(argv[end], "--") != 0)
        end++;
    if (end + 1 >= argc)
        return false;
    given->words = (const char *const *)argv + end + 1;
    given->word_count = (size_t)(argc - end - 1);
    int option;
    opterr = 0;
    while ((option = getopt_long(end, argv, "", options, NULL)) != -1) {
        if (option == 'f')
            given->client = optarg;
        else if (option == 's')
            given->service = optarg;
        else
            return false;
    }
    given->config = end - optind == 1 ? argv[optind] : NULL;
    return given->config != NULL;
}

int cli_explain(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return CLI_OK;
    }
    struct explain given = {0};
    if (!parse_options(&given, argc, argv))
        return unable("CONFIG, -- and a message are needed", "");
    struct site *site = site_load(given.config, stderr);
    if (!site)
        return CLI_UNABLE;
    size_t size;
    void *image = site_compile(site, &size, stderr);
    const int status = image ? explain_in(&given, site, image) : CLI_UNABLE;
    free(image);
    site_free(site);
    return status;
}
