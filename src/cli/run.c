/* SPDX-License-Identifier: BSD-2-Clause */
/* `sluice run`: the gateway on Linux. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cli/cli.h"
#include "cli/programs.h"
#include "control/operation.h"
#include "drivers/af_packet/interface.h"
#include "hosts/linux/audit_writer.h"
#include "hosts/linux/launch.h"
#include "hosts/linux/sandbox.h"
#include "hosts/linux/supervisor.h"
#include "policy/site.h"
#include "sluice/protocol.h"
#include "topology/topology.h"

static const char help[] =
    "usage: sluice run [--fused] [--cpu N] [--audit FILE] [--socket PATH] CONFIG\n"
    "\n"
    "Runs the gateway that CONFIG describes, until SIGTERM or an interrupt. Checks the file\n"
    "and the flows between components first, and does not start with a mistake in either.\n"
    "\n"
    "  --fused       all components in one process instead of one process each: fewer\n"
    "                switches, no walls between components\n"
    "  --cpu N       run on CPU N; default CONFIG's cpu, else the last one allowed\n"
    "  --audit FILE  where audit lines are appended (JSON, one object a line; - is standard\n"
    "                output); default CONFIG's audit\n"
    "  --socket PATH where `sluice status`, `reload` and `override` find it, or none; default\n"
    "                CONFIG's, else /run/sluice/NAME.sock with CONFIG's NAME\n"
    "\n"
    "Needs CAP_NET_RAW for raw frames, as root or in a user namespace. The two interfaces are\n"
    "the gateway's own: up, without addresses in the kernel.\n"
    "\n"
    "Exit status: 0 stopped when asked to; 1 could not start; 2 CONFIG has mistakes, or the\n"
    "command line was not understood.\n";

struct options {
    const char *config, *audit, *socket;
    int cpu; /* -1: not given */
    bool fused, help;
};

static bool usage_error(const char *what, const char *word)
{
    fprintf(stderr, "sluice run: %s%s; `sluice run --help` says how\n", what, word);
    return false;
}

static bool parse_cpu(const char *text, int *cpu)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno || *end || end == text || number < 0 || number > 4095)
        return usage_error("--cpu wants the number of a CPU, not ", text);
    *cpu = (int)number;
    return true;
}

static bool parse_options(struct options *given, int argc, char **argv)
{
    static const struct option options[] = {
        {"fused", no_argument, NULL, 'f'},       {"cpu", required_argument, NULL, 'c'},
        {"audit", required_argument, NULL, 'a'}, {"socket", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        switch (option) {
        case 'f':
            given->fused = true;
            break;
        case 'c':
            if (!parse_cpu(optarg, &given->cpu))
                return false;
            break;
        case 'a':
            given->audit = optarg;
            break;
        case 's':
            given->socket = optarg;
            break;
        case 'h':
            given->help = true;
            return true;
        case ':':
            return usage_error("argument missing after ", argv[optind - 1]);
        default:
            return usage_error("unknown option ", argv[optind - 1]);
        }
    }
    if (argc - optind != 1)
        return usage_error("wants one CONFIG", "");
    given->config = argv[optind];
    return true;
}

/* Looks at both interfaces, so that a mistake in either is told before anything starts, and
 * takes their MAC addresses where the file gives none. */
static bool find_interfaces(struct site *site)
{
    bool good = true;
    for (unsigned i = 0; i < 2; i++) {
        struct site_side *side = &site->side[i];
        struct interface found;
        char error[512];
        if (!interface_find(side->nic, &found, error, sizeof error)) {
            fprintf(stderr, "%s: %s %s\n", site->path, site_side_name(site, i), error);
            good = false;
            continue;
        }
        if (found.address)
            fprintf(stderr,
                    "%s: warning: the kernel has an address of its own on '%s' and answers there "
                    "beside the gateway: 'ip address flush dev %s'\n",
                    site->path, side->nic, side->nic);
        if (!side->mac_given) {
            memcpy(side->mac, found.mac, sizeof side->mac);
            side->mac_given = true;
        }
    }
    if (good && strcmp(site->side[0].nic, site->side[1].nic) == 0) {
        fprintf(stderr, "%s: '%s' is named for both sides: each needs an interface of its own\n",
                site->path, site->side[0].nic);
        return false;
    }
    for (unsigned i = 0; good && i < 2; i++) {
        char error[512];
        if (!interface_claim(site->side[i].nic, error, sizeof error)) {
            fprintf(stderr, "%s: %s %s\n", site->path, site_side_name(site, i), error);
            good = false;
        }
    }
    return good;
}

static void configure(struct launch *launch, const struct site *site,
                      const struct topology *topology)
{
    launch->topology = topology;
    for (unsigned i = 0; i < topology->component_count; i++) {
        struct launch_component *component = &launch->component[i];
        component->program = programs[topology->component[i].program];
        if (topology->component[i].side != SL_SIDE_CORE)
            component->own_cpu = (uint16_t)(site->side[topology->component[i].side].cpu + 1);
        component->config_size = topology_config(site, topology, i, component->config);
        if (topology->component[i].device)
            memcpy(component->interface, site->side[topology->component[i].side].nic,
                   sizeof component->interface);
    }
}

struct address_text {
    char text[16];
};

static struct address_text dotted(uint32_t address)
{
    struct address_text dotted;
    snprintf(dotted.text, sizeof dotted.text, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
             address >> 8 & 255, address & 255);
    return dotted;
}

static void print_summary(const struct site *site, const struct launch *launch, const char *audit)
{
    static const char *const groupings[] = {"one component each", "drivers with their frontends",
                                            "all components fused"};
    for (unsigned i = 0; i < 2; i++) {
        const struct site_side *side = &site->side[i];
        const uint8_t *mac = side->mac;
        fprintf(stderr, "sluice: %s: %s, %s/%u, %02x:%02x:%02x:%02x:%02x:%02x\n",
                site_side_name(site, i), side->nic, dotted(side->address).text, side->prefix,
                mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    }
    for (unsigned i = 0; i < site->service_count; i++) {
        const struct site_service *service = &site->service[i];
        fprintf(stderr, "sluice: service %s: %s on %s:%u%s to %s:%u%s\n", service->name,
                sl_protocol(service->protocol)->name, dotted(service->listen_address).text,
                service->listen_port, service->datagrams ? " (UDP)" : "",
                dotted(service->device_address).text, service->device_port,
                service->device_datagrams ? " (UDP)" : "");
    }
    fprintf(stderr, "sluice: %s, %u process%s (%s) on CPU %d; policy %s; audit to %s\n",
            site->mode == SL_ONE_WAY ? "one-way" : "two-way", launch->process_count,
            launch->process_count == 1 ? "" : "es", groupings[launch->grouping], launch->cpu,
            launch->policy_hash, strcmp(audit, "-") == 0 ? "standard output" : audit);
    if (sandbox_landlock_version() == 0)
        fputs("sluice: this kernel has no Landlock: seccomp alone keeps processes from files\n",
              stderr);
}

static bool check_flows(const struct topology *topology)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    int violations = out ? topology_check(topology, out) : -1;
    if (out)
        fclose(out);
    if (violations != 0)
        fprintf(stderr, "%ssluice: the flow rules are violated: not started\n", text ? text : "");
    free(text);
    return violations == 0;
}

/* The site is its own from here on. */
static int run(struct site *site, const struct options *given)
{
    static struct topology topology; /* both too large for the stack */
    static struct launch launch;
    static struct operation operation;
    topology_build(site, &topology);
    if (!check_flows(&topology) || (!site->synthetic.given && !find_interfaces(site))) {
        site_free(site);
        return CLI_FAILED;
    }
    configure(&launch, site, &topology);
    launch_group(&launch, given->fused          ? LAUNCH_FUSED
                          : site->merge_drivers ? LAUNCH_MERGED
                                                : LAUNCH_ISOLATED);
    launch.cpu = given->cpu >= 0 ? given->cpu : site->cpu >= 0 ? site->cpu : launch_choose_cpu();
    char named[sizeof site->audit]; /* outlives `site`, whose place a reloaded file takes */
    memcpy(named, site->audit, sizeof named);
    const char *audit = given->audit ? given->audit : named[0] ? named : "-";
    int status = CLI_FAILED;
    char error[512];
    struct audit_writer writer;
    if (getrandom(launch.boot, sizeof launch.boot, 0) != (ssize_t)sizeof launch.boot) {
        fprintf(stderr, "sluice: no random bytes from the kernel: %s\n", strerror(errno));
    } else if (!audit_writer_start(&writer, site, audit, launch.boot, error, sizeof error)) {
        fprintf(stderr, "sluice: %s\n", error);
    } else {
        launch.writer = &writer;
        launch.audit_fd = writer.monitor[1];
        launch.launcher_fd = writer.launcher[1];
        launch.operation = &operation;
        if (operation_start(&operation, &launch, site, given->socket)) {
            print_summary(site, &launch, audit);
            status = supervise(&launch) ? CLI_OK : CLI_FAILED;
        }
        audit_writer_finish(&writer);
        operation_stop(&operation);
        return status;
    }
    site_free(site);
    return status;
}

int cli_run(int argc, char **argv)
{
    struct options given = {.cpu = -1};
    if (!parse_options(&given, argc, argv))
        return CLI_UNABLE;
    if (given.help) {
        fputs(help, stdout);
        return CLI_OK;
    }
    struct site *site = site_load(given.config, stderr);
    if (!site)
        return CLI_UNABLE;
    return run(site, &given);
}
