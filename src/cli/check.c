/* SPDX-License-Identifier: BSD-2-Clause */
/* `sluice check`: is the configuration right, what does it let through, does anything flow where
 * it should not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check_capdl.h"
#include "cli/check_system.h"
#include "cli/cli.h"
#include "policy/image.h"
#include "policy/site.h"
#include "topology/linux_check.h"
#include "topology/topology.h"

static const char help[] =
    "usage: sluice check CONFIG [--capdl FILE | --system FILE] [--kernel-config FILE]\n"
    "                           [--running PID]\n"
    "\n"
    "Reads the configuration file CONFIG. Prints every mistake in it as file:line:column, or, "
    "when\n"
    "there is none, what each service lets through, what deserves a look, and whether the\n"
    "components and what joins them keep to the flow rules.\n"
    "\n"
    "  --capdl FILE          the capDL that a CAmkES build made of CONFIG (sluice.cdl): does each\n"
    "                        component have what the topology says, no more and no less\n"
    "  --system FILE         likewise the system description of a Microkit build (sluice.system),\n"
    "                        also when it was edited or something was added to it\n"
    "  --board BOARD         that system's, whose devices it has; default qemu_virt_aarch64\n"
    "  --kernel-config FILE  that build's kernel/gen_config/kernel/gen_config.h (CAmkES), or the\n"
    "                        SDK's board/BOARD/CONFIG/include/kernel/gen_config.json (Microkit):\n"
    "                        what its kernel lets all user code read and write\n"
    "  --accept-open-timer   with --system, as `sluice build` has it\n"
    "  --running PID         the `sluice run CONFIG` of this number: do its processes have what "
    "the\n"
    "                        topology says mapped and open, no more and no less; needs root\n"
    "\n"
    "Exit status: 0 all is well; 1 a mistake, or a flow rule is broken; 2 a file cannot be read.\n";

static void print_policy(const struct site *site, const void *image, size_t size)
{
    const struct policy_image *const head = image;
    site_explain(site, stdout);
    printf("policy: %u rules, %zu bytes, sha256 ", head->rule_count, size);
    for (size_t i = 0; i < sizeof head->hash; i++)
        printf("%02x", head->hash[i]);
    putchar('\n');
}

static char *explained(const struct site *site)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    site_explain(site, out);
    fclose(out);
    return text;
}

/* True when `line`, `length` bytes with its newline, is one of `text`'s. */
static bool has_line(const char *text, const char *line, size_t length)
{
    for (; text; text = strchr(text, '\n')) {
        text += *text == '\n';
        if (strncmp(text, line, length) == 0)
            return true;
    }
    return false;
}

/* What is said of the site with an override in force and not without. */
static void print_override(const struct site *site, const char *name)
{
    uint64_t longest = 0;
    struct site *with = site_with_override(site, name, stderr);
    char *plain = explained(site), *text = with ? explained(with) : NULL;
    site_override(site, name, &longest);
    printf("override %s, at most %g h, when an operator starts it:\n", name,
           (double)longest / 3600e9);
    for (const char *line = text; plain && line && *line;) {
        const size_t length = strcspn(line, "\n") + 1;
        if (!has_line(plain, line, length))
            printf("%.*s", (int)length, line);
        line += strlen(line) < length ? strlen(line) : length;
    }
    free(plain);
    free(text);
    site_free(with);
}

/* NULL where not given. */
struct options {
    const char *config, *capdl, *system, *board, *kernel, *running;
    bool accept_open;
};

static int check_running(const struct site *site, const struct topology *topology, const char *text)
{
    char *end;
    const long pid = strtol(text, &end, 10);
    if (*end || end == text || pid < 1 || pid > INT32_MAX) {
        fprintf(stderr, "sluice check: --running wants the number of a process, not '%s'\n", text);
        return CLI_UNABLE;
    }
    const char *const interface[] = {site->side[SL_SIDE_EXT].nic, site->side[SL_SIDE_INT].nic};
    const int violations = linux_check(topology, interface, (pid_t)pid, stdout);
    return violations < 0 ? CLI_UNABLE : violations > 0 ? CLI_FAILED : CLI_OK;
}

static int check_built(const struct site *site, const struct options *options)
{
    if (options->capdl)
        return cli_check_capdl(site, options->capdl, options->kernel);
    if (!options->system)
        return CLI_OK;
    return cli_check_system(site, options->system, options->board, options->kernel,
                            options->accept_open);
}

static int check_text(const struct options *options, const char *text, size_t length)
{
    const char *path = options->config;
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
        for (size_t i = 0; site_override_name(site, i); i++)
            print_override(site, site_override_name(site, i));
        static struct topology topology;
        topology_build(site, &topology);
        if (topology_check(&topology, stdout) == 0)
            status = check_built(site, options);
        if (status == CLI_OK && options->running)
            status = check_running(site, &topology, options->running);
    }
    free(image);
    site_free(site);
    return status;
}

/* Where the value of `option` goes; NULL: there is no such option. */
static const char **option_value(struct options *options, const char *option)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {{"--capdl", &options->capdl},
                 {"--system", &options->system},
                 {"--board", &options->board},
                 {"--kernel-config", &options->kernel},
                 {"--running", &options->running}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(option, known[i].name) == 0)
            return known[i].value;
    return NULL;
}

static bool parse_options(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char **value = option_value(options, argv[i]);
        if (strcmp(argv[i], "--accept-open-timer") == 0) {
            options->accept_open = true;
            continue;
        }
        if (value)
            i++;
        else if (argv[i][0] != '-' || !argv[i][1])
            value = &options->config;
        if (!value || i == argc || *value)
            return false;
        *value = argv[i];
    }
    return options->config && !(options->capdl && options->system) &&
           (options->capdl || options->system || !options->kernel) &&
           (options->system || (!options->board && !options->accept_open));
}

int cli_check(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return CLI_OK;
    }
    struct options options = {0};
    if (!parse_options(&options, argc, argv)) {
        fprintf(stderr, "sluice check: expected one configuration file\n%s", help);
        return CLI_UNABLE;
    }
    size_t length;
    char *text = site_read_file(options.config, &length, stderr);
    if (text == NULL)
        return CLI_UNABLE;
    const int status = check_text(&options, text, length);
    free(text);
    return status;
}
