/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `sluice build --host microkit`: objects by make, one image a domain by the linker, the system
 * description, loader.img by the SDK's tool, and the report.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/build.h"
#include "cli/build_places.h"
#include "cli/cli.h"
#include "policy/image.h"
#include "sluice/protocol.h"
#include "topology/elf_image.h"
#include "topology/microkit.h"
#include "topology/microkit_flow.h"
#include "topology/microkit_memory.h"
#include "topology/sddf.h"

struct image_build {
    const struct build *build;
    struct places places;
    struct microkit_system system;
    struct elf_image image[MICROKIT_MAX_DOMAINS];
    uint8_t random[32];
};

/* With all above it. False: errno says why. */
static bool make_directories(const char *path)
{
    char part[PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return mkdir(part, 0777) == 0 || errno == EEXIST;
}

static const char *tool(const char *name, char *path, size_t size)
{
    build_path(path, size, "%s%s", build_cross(), name);
    return path;
}

static int make_objects(const struct places *places)
{
    char sdk[PATH_MAX], board[256], flavour[256];
    build_path(sdk, sizeof sdk, "MICROKIT_SDK=%s", places->sdk);
    build_path(board, sizeof board, "MICROKIT_BOARD=%s", places->board);
    build_path(flavour, sizeof flavour, "MICROKIT_CONFIG=%s", places->flavour);
    char log[PATH_MAX];
    build_path(log, sizeof log, "%s/make.log", places->output);
    char gcc[256];
    char *compiler[] = {(char *)(uintptr_t)tool("gcc", gcc, sizeof gcc), "--version", NULL};
    if (!build_run(compiler, log)) /* else everything would be compiled anew, with nothing */
        return build_fail("%s does not run: `tools/install-deps microkit` installs it", gcc);
    char *argv[] = {"make",  "-C", (char *)(uintptr_t)places->root, "microkit-objects", sdk, board,
                    flavour, NULL};
    if (build_run(argv, log))
        return CLI_OK;
    build_show(log);
    return build_fail("compiling for %s failed: see %s", places->board, log);
}

static bool tools_failed(const char *what)
{
    build_fail("%s failed; the tools are %sobjcopy and %sld (CROSS), of the packages that "
               "`tools/install-deps microkit` installs",
               what, build_cross(), build_cross());
    return false;
}

/* An object whose read-only data is the file `name`.bin in `directory`. */
static bool wrap(const char *directory, const char *name)
{
    char objcopy[256], from[PATH_MAX], to[PATH_MAX];
    build_path(from, sizeof from, "%s/%s.bin", directory, name);
    build_path(to, sizeof to, "%s/%s.o", directory, name);
    char *argv[] = {(char *)(uintptr_t)tool("objcopy", objcopy, sizeof objcopy),
                    "-I",
                    "binary",
                    "-O",
                    "elf64-littleaarch64",
                    "--rename-section",
                    ".data=.rodata,alloc,load,readonly,data,contents",
                    from,
                    to,
                    NULL};
    return build_run(argv, NULL) || tools_failed(to);
}

/* What the link must know of a program's object. */
struct program {
    uint64_t self_size; /* bytes of its state, as its struct sl_component says; 0: none */
    uint64_t link_size; /* likewise, more of it for sites with a link layer */
    bool protocols;     /* it looks at messages */
};

static struct program read_program(const char *path, const char *self)
{
    struct elf_image image;
    struct program program = {0};
    char symbol[64];
    if (elf_read(&image, path))
        return program;
    build_path(symbol, sizeof symbol, "%s_component", self ? self : "");
    const uint8_t *component = elf_symbol(&image, symbol, sizeof(struct sl_component));
    if (component)
        memcpy(&program.self_size, component + offsetof(struct sl_component, self_size),
               sizeof program.self_size);
    if (component)
        memcpy(&program.link_size, component + offsetof(struct sl_component, link_size),
               sizeof program.link_size);
    program.protocols = elf_wants(&image, "sluice_protocols");
    elf_free(&image);
    return program;
}

/* Fills .data_image, from which a restart renews .data. */
static const char *fill_data_image(struct elf_image *image)
{
    size_t data_size = 0, room = 0;
    const uint8_t *data = elf_section(image, ".data", &data_size);
    uint8_t *copy = elf_section(image, ".data_image", &room);
    if (data_size == 0)
        return NULL;
    if (!copy || room < data_size)
        return "has no room for the image of its data";
    memcpy(copy, data, data_size);
    return NULL;
}

static const char *check_segments(const struct elf_image *image)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segment[i];
        if (segment->write && segment->execute)
            return "has a segment that is writable and executable";
        if (segment->address + segment->memory_size > MICROKIT_FIRST_MAP)
            return "reaches into where its memory regions are mapped";
    }
    return image->segment_count ? NULL : "has no segments";
}

static bool has_policy(const struct image_build *image, const struct microkit_domain *domain)
{
    return domain->kind == DOMAIN_COMPONENT &&
           image->build->topology.component[domain->component].has_policy;
}

static bool write_inputs(struct image_build *image, unsigned number, const char *directory)
{
    static uint8_t config[MICROKIT_CONFIG_MAX];
    const struct microkit_domain *domain = &image->system.domain[number];
    const struct policy_image *policy = image->build->policy;
    uint32_t size = microkit_config(&image->system, number, image->random, policy->hash, config);
    char path[PATH_MAX];
    mkdir(directory, 0777);
    build_path(path, sizeof path, "%s/domain_config.bin", directory);
    if (!build_write(path, config, size) || !wrap(directory, "domain_config"))
        return false;
    if (!has_policy(image, domain))
        return true;
    build_path(path, sizeof path, "%s/domain_policy.bin", directory);
    return build_write(path, image->build->policy, image->build->policy_size) &&
           wrap(directory, "domain_policy");
}

/* What domain.ld includes: the table of protocols by number for a program that looks at messages,
 * those that no service of the site speaks left out, and their names as what must be kept. */
static bool write_protocols(const struct image_build *image, bool wanted, const char *directory)
{
    char table[1024] = "", names[1024] = "", path[PATH_MAX];
    for (unsigned id = 0; wanted && id < SL_PROTOCOL_COUNT; id++) {
        char symbol[64];
        bool spoken = build_protocol(image->build->site, id, symbol);
        size_t in_table = strlen(table), in_names = strlen(names);
        build_path(table + in_table, sizeof table - in_table, "QUAD(%s)\n", spoken ? symbol : "0");
        if (spoken)
            build_path(names + in_names, sizeof names - in_names, "EXTERN(%s)\n", symbol);
    }
    build_path(path, sizeof path, "%s/protocol_table.ld", directory);
    if (!build_write(path, table, strlen(table)))
        return false;
    build_path(path, sizeof path, "%s/protocol_names.ld", directory);
    return build_write(path, names, strlen(names));
}

static bool link_image(const struct image_build *image, unsigned number, const char *directory,
                       const char *elf)
{
    const struct places *places = &image->places;
    const struct microkit_domain *domain = &image->system.domain[number];
    char linker[256], script[PATH_MAX], program[PATH_MAX], library[PATH_MAX], self[64];
    char config[PATH_MAX], policy[PATH_MAX];
    build_path(script, sizeof script, "%s/src/hosts/microkit/domain.ld", places->root);
    build_path(program, sizeof program, "%s/%s.program", places->objects, domain->program);
    build_path(library, sizeof library, "%s/board/%s/%s/lib/libmicrokit.a", places->sdk,
               places->board, places->flavour);
    struct program facts = read_program(program, domain->self);
    if (topology_has_link(image->build->site))
        facts.self_size += facts.link_size;
    build_path(self, sizeof self, "sluice_self_size=%llu", (unsigned long long)facts.self_size);
    build_path(config, sizeof config, "%s/domain_config.o", directory);
    build_path(policy, sizeof policy, "%s/domain_policy.o", directory);
    if (!write_protocols(image, facts.protocols, directory))
        return false;
    char *argv[] = {(char *)(uintptr_t)tool("ld", linker, sizeof linker),
                    "-L",
                    (char *)(uintptr_t)directory,
                    "-T",
                    script,
                    "-z",
                    "max-page-size=4096",
                    "-z",
                    "noexecstack",
                    "--gc-sections",
                    "--defsym",
                    self,
                    "-o",
                    (char *)(uintptr_t)elf,
                    program,
                    config,
                    library,
                    has_policy(image, domain) ? policy : NULL,
                    NULL};
    return build_run(argv, NULL) || tools_failed(elf);
}

/* Two images that libmicrokit was linked into, one of them ours: the library differs from SDK to
 * SDK and from debug to release in the length of its loop at least. */
static bool same_library(const struct elf_image *one, const struct elf_image *ours)
{
    return elf_symbol_size(one, "main") == elf_symbol_size(ours, "main");
}

/* A stock driver is taken as it is, but for its two sections and the rights of its segments. */
static int take_driver(struct image_build *image, unsigned number)
{
    const struct microkit_domain *domain = &image->system.domain[number];
    const char *from = image->system.options.sddf[domain->side].elf;
    char to[PATH_MAX];
    build_path(to, sizeof to, "%s/%s.elf", image->places.output, domain->name);
    const char *wrong = elf_read(&image->image[number], from);
    if (!wrong)
        wrong = sddf_fill(&image->system, number, &image->image[number]);
    if (!wrong)
        wrong = check_segments(&image->image[number]);
    if (!wrong && !same_library(&image->image[number], &image->image[0]))
        return build_fail(
            "%s was linked with another SDK or configuration than %s, %s: link it anew", from,
            image->places.sdk, image->places.flavour);
    if (!wrong && !elf_write(&image->image[number], to))
        wrong = strerror(errno);
    return wrong ? build_fail("%s: %s", from, wrong) : CLI_OK;
}

static int build_domain(struct image_build *image, unsigned number)
{
    const struct microkit_domain *domain = &image->system.domain[number];
    char directory[PATH_MAX], elf[PATH_MAX];
    build_path(directory, sizeof directory, "%s/link/%s", image->places.output, domain->name);
    build_path(elf, sizeof elf, "%s/%s.elf", image->places.output, domain->name);
    if (!write_inputs(image, number, directory) || !link_image(image, number, directory, elf))
        return CLI_FAILED; /* and it was said why */
    const char *wrong = elf_read(&image->image[number], elf);
    if (!wrong)
        wrong = fill_data_image(&image->image[number]);
    if (!wrong)
        wrong = check_segments(&image->image[number]);
    if (!wrong && !elf_write(&image->image[number], elf))
        wrong = strerror(errno);
    return wrong ? build_fail("%s: %s", elf, wrong) : CLI_OK;
}

static int write_system(const struct image_build *image)
{
    char path[PATH_MAX];
    build_path(path, sizeof path, "%s/sluice.system", image->places.output);
    FILE *out = fopen(path, "we");
    if (!out)
        return build_fail("%s: %s", path, strerror(errno));
    microkit_write_system(&image->system, out);
    return fclose(out) == 0 ? CLI_OK : build_fail("%s: %s", path, strerror(errno));
}

static int check_flows(const struct image_build *image)
{
    const struct places *places = &image->places;
    char path[PATH_MAX];
    build_path(path, sizeof path, "%s/sluice.system", places->output);
    char *system = build_read(path);
    build_path(path, sizeof path, "%s/board/%s/%s/include/kernel/gen_config.json", places->sdk,
               places->board, places->flavour);
    char *kernel = build_read(path);
    int violations = 1;
    const struct microkit_flow_input input = {
        .system = system,
        .kernel = kernel,
        .board = image->system.options.board,
        .accept_open = image->build->accept_open,
        .measured = image->system.options.nic[SL_SIDE_EXT] == MICROKIT_NIC_SYNTHETIC,
    };
    if (system && kernel)
        violations = microkit_flow_check(image->system.topology, &input, stdout);
    free(system);
    free(kernel);
    return violations ? build_fail("the flow check of %s/sluice.system failed", places->output)
                      : CLI_OK;
}

static int run_tool(const struct image_build *image)
{
    const struct places *places = &image->places;
    char microkit[PATH_MAX], system[PATH_MAX], loader[PATH_MAX], report[PATH_MAX], log[PATH_MAX];
    build_path(microkit, sizeof microkit, "%s/bin/microkit", places->sdk);
    build_path(system, sizeof system, "%s/sluice.system", places->output);
    build_path(loader, sizeof loader, "%s/loader.img", places->output);
    build_path(report, sizeof report, "%s/report.txt", places->output);
    build_path(log, sizeof log, "%s/microkit.log", places->output);
    char *argv[] = {microkit,
                    system,
                    "--search-path",
                    (char *)(uintptr_t)places->output,
                    "--board",
                    (char *)(uintptr_t)places->board,
                    "--config",
                    (char *)(uintptr_t)places->flavour,
                    "-o",
                    loader,
                    "-r",
                    report,
                    NULL};
    if (build_run(argv, log))
        return CLI_OK;
    build_show(log);
    return build_fail("%s failed: see %s", microkit, log);
}

static void print_sdk_part(const struct image_build *image, const char *name, FILE *out)
{
    char path[PATH_MAX];
    struct elf_image elf;
    build_path(path, sizeof path, "%s/board/%s/%s/elf/%s.elf", image->places.sdk,
               image->places.board, image->places.flavour, name);
    if (elf_read(&elf, path))
        return; /* an older SDK has no initialiser */
    fprintf(out, "%-52s %8.1f\n", name, (double)microkit_image_size(&elf) / 1024);
    elf_free(&elf);
}

static int report_memory(struct image_build *image, FILE *out)
{
    struct microkit_totals sum = microkit_print_memory(&image->system, image->image, out);
    uint64_t total = sum.image + sum.stack + sum.region + sum.table;
    const uint64_t budget = build_budget(image->build);
    fprintf(out, "\n%-52s %8.1f\n%-52s %8.1f\n%-52s %8.1f\n%-52s %8.1f\n%-52s %8.1f", "images",
            (double)sum.image / 1024, "stacks and IPC buffers", (double)sum.stack / 1024, "regions",
            (double)sum.region / 1024, "page tables", (double)sum.table / 1024, "total",
            (double)total / 1024);
    if (budget)
        fprintf(out, "  of %.0f allowed", (double)budget / 1024);
    fputc('\n', out);
    fputs("\nbeside it, of the SDK (KiB)\n", out);
    static const char *const parts[] = {"sel4", "loader", "initialiser", "monitor"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        print_sdk_part(image, parts[i], out);
    char loader[PATH_MAX];
    struct stat status;
    build_path(loader, sizeof loader, "%s/loader.img", image->places.output);
    if (stat(loader, &status) == 0)
        fprintf(out, "%-52s %8.1f\n", "loader.img, the file", (double)status.st_size / 1024);
    fprintf(out, "%-52s %8.1f\n", "a Linux guest as asked for by the VM route", 256.0 * 1024);
    if (total <= budget || !budget)
        return CLI_OK;
    return build_fail(
        "the gateway takes %llu bytes, more than its budget of %llu: lower buffers (16 at "
        "least), outstanding or sessions in the configuration; each service and rule takes some "
        "too",
        (unsigned long long)total, (unsigned long long)budget);
}

/* For whoever boots the image: what the machine must look like. */
static bool write_machine(const struct image_build *image)
{
    char path[PATH_MAX], text[1024];
    uint8_t mac[2][6];
    for (unsigned side = 0; side < 2; side++)
        microkit_mac(image->build->site, side, mac[side]);
    int length = snprintf(text, sizeof text,
                          "{\"board\":\"%s\",\"config\":\"%s\",\"sdk\":\"%s\","
                          "\"ext_mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\","
                          "\"int_mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\"}\n",
                          image->places.board, image->places.flavour, image->places.sdk, mac[0][0],
                          mac[0][1], mac[0][2], mac[0][3], mac[0][4], mac[0][5], mac[1][0],
                          mac[1][1], mac[1][2], mac[1][3], mac[1][4], mac[1][5]);
    build_path(path, sizeof path, "%s/machine.json", image->places.output);
    return build_write(path, text, (size_t)length);
}

static int build_all(struct image_build *image)
{
    int status = make_objects(&image->places);
    for (unsigned i = 0; status == CLI_OK && i < image->system.domain_count; i++)
        status = image->system.domain[i].kind == DOMAIN_SDDF_DRIVER ? take_driver(image, i)
                                                                    : build_domain(image, i);
    if (status == CLI_OK)
        status = write_system(image);
    if (status == CLI_OK)
        status = check_flows(image);
    if (status == CLI_OK)
        status = run_tool(image);
    if (status != CLI_OK || !write_machine(image))
        return status == CLI_OK ? CLI_FAILED : status;

    char path[PATH_MAX];
    build_path(path, sizeof path, "%s/memory.txt", image->places.output);
    FILE *out = fopen(path, "we");
    if (!out)
        return build_fail("%s: %s", path, strerror(errno));
    status = report_memory(image, out);
    fclose(out);
    FILE *in = fopen(path, "re");
    for (int c; in && (c = fgetc(in)) != EOF;)
        putchar(c);
    if (in)
        fclose(in);
    return status;
}

/* "virtio", "synthetic", or "sddf:DRIVER.elf,CONFIG.json". */
static int choose_nic(const char *word, unsigned side, struct microkit_options *options)
{
    if (!word || !strcmp(word, "virtio"))
        return CLI_OK;
    options->nic[side] = MICROKIT_NIC_SYNTHETIC;
    if (!strcmp(word, "synthetic"))
        return CLI_OK;
    const char *comma = strchr(word, ',');
    struct microkit_sddf *sddf = &options->sddf[side];
    if (strncmp(word, "sddf:", 5) || !comma || (size_t)(comma - word) >= sizeof sddf->elf)
        return build_fail("%s: expected virtio, or sddf:DRIVER.elf,CONFIG.json", word);
    options->nic[side] = MICROKIT_NIC_SDDF;
    snprintf(sddf->elf, sizeof sddf->elf, "%.*s", (int)(comma - word - 5), word + 5);
    char *text = build_read(comma + 1);
    if (!text)
        return CLI_FAILED;
    const char *wrong = sddf_describe(text, sddf);
    free(text);
    if (!wrong && !options->board->dma_top)
        wrong = "needs DMA memory at a known address, and none is known of this board";
    return wrong ? build_fail("%s: %s", comma + 1, wrong) : CLI_OK;
}

int build_microkit(const struct build *build)
{
    static struct image_build image; /* too large for the stack */
    memset(&image, 0, sizeof image);
    image.build = build;
    int status = build_places(build, &image.places);
    if (status != CLI_OK)
        return status;
    struct microkit_options options = {.board = microkit_board(image.places.board)};
    if (!options.board)
        return build_fail(
            "board %s is not known to `sluice build`: docs/microkit.md says how to add one",
            image.places.board);
    for (unsigned side = 0; side < 2; side++)
        if (choose_nic(build->nic[side], side, &options) != CLI_OK)
            return CLI_FAILED;
    if (getrandom(image.random, sizeof image.random, 0) != sizeof image.random)
        return build_fail("getrandom: %s", strerror(errno));
    microkit_plan(build->site, &build->topology, &options, &image.system);
    char link[PATH_MAX];
    build_path(link, sizeof link, "%s/link", image.places.output);
    if (!make_directories(link))
        return build_fail("cannot make %s: %s; give --output", link, strerror(errno));
    char loader[PATH_MAX];
    build_path(loader, sizeof loader, "%s/loader.img", image.places.output);
    unlink(loader); /* nobody boots an older one by mistake */
    status = build_all(&image);
    if (status != CLI_OK)
        unlink(loader);
    for (unsigned i = 0; i < image.system.domain_count; i++)
        elf_free(&image.image[i]);
    if (status == CLI_OK)
        printf("\n%s/loader.img: %s, %s, %s\n", image.places.output, image.places.board,
               image.places.flavour, image.places.sdk);
    return status;
}
