/* SPDX-License-Identifier: BSD-2-Clause */
/* `sluice decode`: the raw bytes of one direction of one stream, message by message. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/line.h"
#include "cli/policy_file.h"
#include "cli/stream.h"

static const char help[] =
    "usage: sluice decode PROTOCOL [--reply] [--config CONFIG --service SERVICE\n"
    "                     [--client ADDRESS]] FILE...\n"
    "\n"
    "Decodes each FILE, the raw bytes of one direction of one TCP stream (- is standard\n"
    "input), and prints one JSON object a line for each message, in order.\n"
    "\n"
    "  PROTOCOL           modbus-tcp or dnp3\n"
    "  --reply            the bytes run from the device to the client\n"
    "  --config CONFIG    decide requests by this configuration's policy\n"
    "  --service SERVICE  of this service\n"
    "  --client ADDRESS   as sent by this IPv4 address or host of CONFIG; without it by\n"
    "                     0.0.0.0, which is nobody's\n"
    "\n"
    "Exit status: 0 every input was read, whatever the verdicts; 2 one could not be, or the\n"
    "command line or CONFIG is wrong.\n";

struct decode {
    const char *config, *service_name, *client_name;
    const struct sl_protocol *protocol;
    enum sl_direction direction;
    void *image; /* NULL: no policy */
    const struct policy_service *service;
    uint32_t client;
    const char *path; /* of the input being read */
};

static void print_message(void *context, const struct stream_message *message)
{
    const struct decode *decode = context;
    const struct line_origin origin = {.source = decode->path};
    line_print(stdout, &origin, decode->protocol, decode->direction, decode->service, message);
}

static bool usage_error(const char *what, const char *word)
{
    fprintf(stderr, "sluice decode: %s%s; `sluice decode --help` says how\n", what, word);
    return false;
}

/* False after a message when the command line cannot be followed. */
static bool parse_options(struct decode *decode, int argc, char **argv, bool *help_wanted)
{
    static const struct option options[] = {
        {"reply", no_argument, NULL, 'r'},         {"config", required_argument, NULL, 'c'},
        {"service", required_argument, NULL, 's'}, {"client", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        switch (option) {
        case 'r':
            decode->direction = SL_REPLY;
            break;
        case 'c':
            decode->config = optarg;
            break;
        case 's':
            decode->service_name = optarg;
            break;
        case 'f':
            decode->client_name = optarg;
            break;
        case 'h':
            *help_wanted = true;
            return true;
        case ':':
            return usage_error("an argument is missing after ", argv[optind - 1]);
        default:
            return usage_error("no such option: ", argv[optind - 1]);
        }
    }
    if (argc - optind < 2)
        return usage_error("PROTOCOL and at least one FILE are needed", "");
    if (!decode->config != !decode->service_name)
        return usage_error("--config and --service go together", "");
    if (decode->client_name && !decode->config)
        return usage_error("--client needs --config", "");
    decode->protocol = sl_protocol_by_name(argv[optind]);
    if (!decode->protocol)
        return usage_error("no such protocol: ", argv[optind]);
    return true;
}

static bool load_policy(struct decode *decode)
{
    decode->image = policy_file_load(decode->config, stderr);
    if (!decode->image)
        return false;
    decode->service = policy_file_service(decode->image, decode->service_name);
    if (!decode->service) {
        fprintf(stderr, "sluice decode: %s has no service '%s'\n", decode->config,
                decode->service_name);
        return false;
    }
    if (sl_protocol(decode->service->protocol) != decode->protocol) {
        fprintf(stderr, "sluice decode: service '%s' of %s is %s, not %s\n", decode->service_name,
                decode->config, sl_protocol(decode->service->protocol)->name,
                decode->protocol->name);
        return false;
    }
    if (!decode->client_name) {
        if (decode->direction == SL_REQUEST)
            fputs("sluice decode: no --client: requests are decided as from 0.0.0.0\n", stderr);
        return true;
    }
    if (policy_file_client(decode->image, decode->client_name, &decode->client))
        return true;
    fprintf(stderr, "sluice decode: '%s' is neither an IPv4 address nor a host of %s\n",
            decode->client_name, decode->config);
    return false;
}

static bool unreadable(const char *path)
{
    fprintf(stderr, "sluice decode: %s: cannot be read: %s\n", path, strerror(errno));
    return false;
}

static bool push_file(struct stream *stream, FILE *file)
{
    static uint8_t bytes[64 * 1024];
    size_t length;
    while ((length = fread(bytes, 1, sizeof bytes, file)) > 0)
        stream_push(stream, bytes, length);
    return !ferror(file);
}

static bool decode_file(struct decode *decode, const char *path)
{
    bool standard_input = strcmp(path, "-") == 0;
    FILE *file = standard_input ? stdin : fopen(path, "rb");
    if (!file)
        return unreadable(path);
    decode->path = path;
    struct stream stream = {.protocol = decode->protocol,
                            .direction = decode->direction,
                            .service = decode->service,
                            .client = decode->client,
                            .sink = print_message,
                            .context = decode};
    bool whole = stream_open(&stream) && push_file(&stream, file);
    if (whole)
        stream_end(&stream);
    else
        unreadable(path);
    stream_free(&stream);
    if (!standard_input)
        fclose(file);
    return whole;
}

int cli_decode(int argc, char **argv)
{
    struct decode decode = {.direction = SL_REQUEST};
    bool help_wanted = false;
    if (!parse_options(&decode, argc, argv, &help_wanted))
        return CLI_UNABLE;
    if (help_wanted) {
        fputs(help, stdout);
        return CLI_OK;
    }
    bool able = !decode.config || load_policy(&decode);
    if (able) {
        for (int i = optind + 1; i < argc; i++)
            able = decode_file(&decode, argv[i]) && able;
        able = line_all_written(stdout, "decode") && able;
    }
    free(decode.image);
    return able ? CLI_OK : CLI_UNABLE;
}
