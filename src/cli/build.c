/* SPDX-License-Identifier: BSD-2-Clause */
/* `sluice build`: the gateway as an image for a host without an operating system below it. */
#include "cli/build.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "sluice/protocol.h"
#include "topology/microkit.h"

struct host {
    const char *name;
    void (*limit)(struct site *site, FILE *out); /* NULL: none */
    int (*build)(const struct build *build);
};

static const struct host hosts[] = {
    {"microkit", microkit_limit, build_microkit},
    {"camkes", microkit_limit, build_camkes},
};
#define HOST_COUNT (sizeof hosts / sizeof hosts[0])

static const char help[] =
    "usage: sluice build CONFIG --host HOST [options]\n"
    "\n"
    "Builds the gateway that CONFIG describes for seL4: HOST is microkit (an image to boot) or\n"
    "camkes (an application that a CAmkES checkout builds). Checks the file and the flows first,\n"
    "of the topology and of what was built from it, and builds nothing that fails. The policy is\n"
    "part of the image: a changed CONFIG is a new image.\n"
    "\n"
    "  -o, --output DIR    where it goes; default build/microkit/image or build/camkes\n"
    "      --sdk DIR       Microkit SDK; default $MICROKIT_SDK, else /opt/microkit-sdk\n"
    "      --board BOARD   default $MICROKIT_BOARD, else qemu_virt_aarch64\n"
    "      --config NAME   debug, release or benchmark; default $MICROKIT_CONFIG, else release\n"
    "      --ext-nic NIC, --int-nic NIC\n"
    "                      what moves the frames of a side: virtio (our driver, the default), or\n"
    "                      sddf:DRIVER.elf,CONFIG.json for a stock sDDF driver and its "
    "description\n"
    "      --accept-open-timer\n"
    "                      one-way mode: build although the kernel's exported timer registers are\n"
    "                      a channel back\n"
    "\n"
    "Exit status: 0 built; 1 a check or the build failed; 2 CONFIG has a mistake, or the command\n"
    "line is wrong.\n";

bool build_run(char *const argv[], const char *log)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int out = log ? open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
        if (out >= 0) {
            dup2(out, STDOUT_FILENO);
            dup2(out, STDERR_FILENO);
        }
        /* A make above us is no business of one below. */
        unsetenv("MAKEFLAGS");
        unsetenv("MFLAGS");
        execvp(argv[0], argv);
        fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    int status;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

void build_show(const char *log)
{
    FILE *file = fopen(log, "re");
    if (!file)
        return;
    char line[4096];
    while (fgets(line, sizeof line, file))
        fputs(line, stderr);
    fclose(file);
}

bool build_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wbe");
    bool whole = file && fwrite(bytes, 1, size, file) == size;
    if (file)
        whole &= fclose(file) == 0;
    if (!whole)
        fprintf(stderr, "sluice build: %s: %s\n", path, strerror(errno));
    return whole;
}

char *build_read(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;
    if (!file || getdelim(&text, &size, '\0', file) < 0) {
        fprintf(stderr, "sluice build: %s: %s\n", path, strerror(errno));
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

bool build_protocol(const struct site *site, unsigned id, char name[64])
{
    bool spoken = false;
    for (unsigned i = 0; i < site->service_count; i++)
        spoken |= site->service[i].protocol == id;
    snprintf(name, 64, "%s_protocol", sl_protocol(id)->name);
    for (char *dash; (dash = strchr(name, '-'));)
        *dash = '_';
    return spoken;
}

/* A two-way Modbus gateway's. Other protocols' messages are longer, and their rings and slots with
 * them. */
#define MODBUS_BUDGET UINT64_C(0x400000)

uint64_t build_budget(const struct build *build)
{
    const struct site *site = build->site;
    for (unsigned i = 0; i < site->service_count; i++)
        if (site->service[i].protocol != SL_PROTOCOL_MODBUS_TCP)
            return 0;
    return build->topology.mode == SL_TWO_WAY ? MODBUS_BUDGET : 0;
}

bool build_root(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length < 0)
        return false;
    path[length] = '\0';
    for (unsigned up = 0; up < 2; up++) { /* build/sluice */
        char *slash = strrchr(path, '/');
        if (!slash || slash == path)
            return false;
        *slash = '\0';
    }
    char makefile[4096];
    snprintf(makefile, sizeof makefile, "%s/make/microkit.mk", path);
    return access(makefile, R_OK) == 0;
}

static int usage_error(const char *what)
{
    fprintf(stderr, "sluice build: %s; `sluice build --help` says how\n", what);
    return CLI_UNABLE;
}

static int parse_options(struct build *build, const struct host **host, int argc, char **argv)
{
    enum { HOST = 1, SDK, BOARD, FLAVOUR, EXT_NIC, INT_NIC, ACCEPT };
    static const struct option known[] = {{"host", required_argument, NULL, HOST},
                                          {"output", required_argument, NULL, 'o'},
                                          {"sdk", required_argument, NULL, SDK},
                                          {"board", required_argument, NULL, BOARD},
                                          {"config", required_argument, NULL, FLAVOUR},
                                          {"ext-nic", required_argument, NULL, EXT_NIC},
                                          {"int-nic", required_argument, NULL, INT_NIC},
                                          {"accept-open-timer", no_argument, NULL, ACCEPT},
                                          {NULL, 0, NULL, 0}};
    const char *name = NULL;
    int option;
    optind = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
        switch (option) {
        case HOST:
            name = optarg;
            break;
        case 'o':
            build->output = optarg;
            break;
        case SDK:
            build->sdk = optarg;
            break;
        case BOARD:
            build->board = optarg;
            break;
        case FLAVOUR:
            build->flavour = optarg;
            break;
        case EXT_NIC:
            build->nic[SL_SIDE_EXT] = optarg;
            break;
        case ACCEPT:
            build->accept_open = true;
            break;
        case INT_NIC:
            build->nic[SL_SIDE_INT] = optarg;
            break;
        default:
            return usage_error("an option that is not known, or one without its value");
        }
    }
    if (optind + 1 != argc)
        return usage_error("one CONFIG is expected");
    build->config = argv[optind];
    if (build->output && !*build->output)
        return usage_error("--output is empty");
    if (!name)
        return usage_error("--host is missing");
    for (size_t i = 0; i < HOST_COUNT; i++)
        if (!strcmp(hosts[i].name, name))
            *host = &hosts[i];
    return *host ? CLI_OK : usage_error("--host is none of those that can be built for");
}

int cli_build(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(help, stdout);
            return CLI_OK;
        }
    static struct build build; /* too large for the stack */
    memset(&build, 0, sizeof build);
    const struct host *host = NULL;
    int status = parse_options(&build, &host, argc, argv);
    if (status != CLI_OK)
        return status;
    build.site = site_load(build.config, stderr);
    if (!build.site)
        return CLI_UNABLE;
    if (host->limit)
        host->limit(build.site, stdout);
    topology_build(build.site, &build.topology);
    build.policy = site_compile(build.site, &build.policy_size, stderr);
    status = CLI_UNABLE;
    if (build.policy)
        status = topology_check_on(&build.topology, TOPOLOGY_SEL4, stdout) ? CLI_FAILED
                                                                           : host->build(&build);
    free(build.policy);
    site_free(build.site);
    return status;
}
