/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `sluice build --host camkes`: a folder that a CAmkES checkout takes as
 * projects/camkes/apps/sluice by a symbolic link and builds by its own init-build.sh. Sources of
 * ours and of lwIP are copied into it, so that it can be moved, kept and built without the tree
 * that it came from.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/build.h"
#include "cli/cli.h"
#include "cli/programs.h"
#include "policy/image.h"
#include "sluice/protocol.h"
#include "topology/camkes.h"

/* What the components are made from: folders with all below them, or *.c and *.h of one. */
struct sources {
    const char *from, *to; /* under the root, lwIP's excepted; in the folder */
    bool deep;
};
static const struct sources sources[] = {
    {"include/sluice", "sluice/include/sluice", false},
    {"src/components", "sluice/src/components", true},
    {"src/protocols", "sluice/src/protocols", true},
    {"src/policy", "sluice/src/policy", false},
    {"src/ring", "sluice/src/ring", false},
    {"src/util", "sluice/src/util", false},
    {"src/net", "sluice/src/net", true},
    {"src/drivers", "sluice/src/drivers", false},
    {"src/drivers/virtio_mmio", "sluice/src/drivers/virtio_mmio", false},
    {"src/drivers/synthetic", "sluice/src/drivers/synthetic", false},
    {"src/hosts/camkes", "sluice/src/hosts/camkes", false},
    {"src/hosts/camkes/templates", "templates", false},
    {"src/hosts/camkes/app", ".", false},
};
/* Of the other seL4 host: what is as true here. */
static const char *const shared[] = {"domain_time.h",
                                     "fault.c",
                                     "fault.h",
                                     "hung.h",
                                     "protocol_table.c",
                                     "random.c",
                                     "random.h",
                                     "supervisor_line.c",
                                     "supervisor_line.h",
                                     "uart.c",
                                     "uart.h",
                                     "wakes.c",
                                     "wakes.h"};
/* lwIP, as make/lwip.mk lists it. */
static const char *const lwip[] = {
    "core/init.c",     "core/def.c",           "core/inet_chksum.c",   "core/ip.c",
    "core/mem.c",      "core/memp.c",          "core/netif.c",         "core/pbuf.c",
    "core/tcp.c",      "core/tcp_in.c",        "core/tcp_out.c",       "core/timeouts.c",
    "core/udp.c",      "core/stats.c",         "core/ipv4/etharp.c",   "core/ipv4/icmp.c",
    "core/ipv4/ip4.c", "core/ipv4/ip4_addr.c", "core/ipv4/ip4_frag.c", "netif/ethernet.c",
};

struct folder {
    const struct build *build;
    struct camkes_system system;
    char root[PATH_MAX / 4], lwip[PATH_MAX / 4], output[PATH_MAX / 4];
    uint8_t random[32];
};

__attribute__((format(printf, 1, 2))) static bool fail(const char *format, ...)
{
    va_list arguments;
    fputs("sluice build: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return false;
}

__attribute__((format(printf, 2, 3))) static const char *path_of(char path[PATH_MAX],
                                                                 const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, PATH_MAX, format, arguments);
    va_end(arguments);
    return path;
}

/* Everything above the last part of `path`. */
static bool make_above(const char *path)
{
    char part[PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return fail("%s: %s", part, strerror(errno));
        *slash = '/';
    }
    return true;
}

/* What `path` holds; malloc'd, NULL when it cannot be read. */
static char *contents(const char *path, size_t *length)
{
    FILE *in = fopen(path, "rbe");
    char *text = NULL;
    FILE *held = in ? open_memstream(&text, length) : NULL;
    for (int c; held && (c = getc(in)) != EOF;)
        putc(c, held);
    bool whole = held && !ferror(in);
    if (held)
        whole &= fclose(held) == 0;
    if (in)
        fclose(in);
    if (whole)
        return text;
    free(text);
    return NULL;
}

/* A file that is already so stays untouched: who built from it need not build again. */
static bool put(const char *path, const char *text, size_t length)
{
    size_t old_length;
    char *old = contents(path, &old_length);
    bool same = old && old_length == length && memcmp(old, text, length) == 0;
    free(old);
    return same || (make_above(path) && build_write(path, text, length));
}

static bool copy(const char *from, const char *to)
{
    size_t length;
    char *text = contents(from, &length);
    bool good = text ? put(to, text, length) : fail("cannot read %s: %s", from, strerror(errno));
    free(text);
    return good;
}

static bool is_source(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (!strcmp(dot, ".c") || !strcmp(dot, ".h") || !strcmp(dot, ".cmake") ||
                   !strcmp(dot, ".lds") || !strcmp(name, "CMakeLists.txt"));
}

/* Sources in `to` that `from` does not have any more: CMakeLists.txt takes all that is there. */
static void remove_gone(const char *from, const char *to, bool deep)
{
    DIR *directory = opendir(to);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        char source[PATH_MAX], target[PATH_MAX];
        struct stat status;
        path_of(source, "%s/%s", from, entry->d_name);
        path_of(target, "%s/%s", to, entry->d_name);
        if (entry->d_name[0] == '.' || lstat(target, &status) != 0)
            continue;
        if (S_ISDIR(status.st_mode) && deep)
            remove_gone(source, target, true);
        else if (S_ISREG(status.st_mode) && is_source(entry->d_name) && access(source, F_OK) != 0)
            unlink(target);
    }
    if (directory)
        closedir(directory);
}

static bool copy_folder(const char *from, const char *to, bool deep)
{
    DIR *directory = opendir(from);
    if (!directory)
        return fail("%s: %s", from, strerror(errno));
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(directory));) {
        char source[PATH_MAX], target[PATH_MAX];
        struct stat status;
        path_of(source, "%s/%s", from, entry->d_name);
        path_of(target, "%s/%s", to, entry->d_name);
        if (entry->d_name[0] == '.' || stat(source, &status) != 0)
            continue;
        if (S_ISDIR(status.st_mode) && deep)
            good = copy_folder(source, target, true);
        else if (S_ISREG(status.st_mode) && is_source(entry->d_name))
            good = copy(source, target);
    }
    closedir(directory);
    return good;
}

static bool copy_sources(const struct folder *folder)
{
    char from[PATH_MAX], to[PATH_MAX];
    bool good = true;
    for (size_t i = 0; good && i < sizeof sources / sizeof sources[0]; i++) {
        path_of(from, "%s/%s", folder->root, sources[i].from);
        path_of(to, "%s/%s", folder->output, sources[i].to);
        good = copy_folder(from, to, sources[i].deep);
        if (strcmp(sources[i].to, ".") != 0) /* there lies what is generated, too */
            remove_gone(from, to, sources[i].deep);
    }
    for (size_t i = 0; good && i < sizeof shared / sizeof shared[0]; i++)
        good = copy(path_of(from, "%s/src/hosts/microkit/%s", folder->root, shared[i]),
                    path_of(to, "%s/sluice/src/hosts/microkit/%s", folder->output, shared[i]));
    for (size_t i = 0; good && i < sizeof lwip / sizeof lwip[0]; i++)
        good = copy(path_of(from, "%s/src/%s", folder->lwip, lwip[i]),
                    path_of(to, "%s/lwip/src/%s", folder->output, lwip[i]));
    return good && copy_folder(path_of(from, "%s/src/include", folder->lwip),
                               path_of(to, "%s/lwip/src/include", folder->output), true);
}

/* A file of the folder in the making. */
struct draft {
    FILE *out;
    char *text;
    size_t length;
    char path[PATH_MAX];
};

__attribute__((format(printf, 3, 4))) static FILE *
create(struct draft *draft, const struct folder *folder, const char *format, ...)
{
    char name[PATH_MAX / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    path_of(draft->path, "%s/%s", folder->output, name);
    draft->out = open_memstream(&draft->text, &draft->length);
    if (!draft->out)
        fail("%s: %s", draft->path, strerror(errno));
    return draft->out;
}

static bool finish(struct draft *draft)
{
    bool good = fclose(draft->out) == 0 && put(draft->path, draft->text, draft->length);
    free(draft->text);
    return good;
}

static bool write_component(const struct folder *folder, unsigned instance)
{
    const char *type = folder->system.instance[instance].type;
    /* Both are 64-bit with the same alignments; the component checks it at its start. */
    size_t self_size[PROGRAM_COUNT];
    for (size_t i = 0; i < PROGRAM_COUNT; i++)
        self_size[i] = programs[i]->self_size +
                       (topology_has_link(folder->build->site) ? programs[i]->link_size : 0);
    struct draft draft;
    if (!create(&draft, folder, "components/%s/%s.camkes", type, type))
        return false;
    camkes_write_component(&folder->system, instance, draft.out);
    if (!finish(&draft) || !create(&draft, folder, "components/%s/instance.c", type))
        return false;
    const struct policy_image *policy = folder->build->policy;
    camkes_write_instance(&folder->system, instance, self_size, folder->random, policy->hash,
                          draft.out);
    return finish(&draft);
}

/* For whoever builds or boots the image: what it may take, what the machine must look like. */
static void write_machine(const struct folder *folder, FILE *out)
{
    fputs("{\"board\":\"camkes_qemu_arm_virt\"", out);
    for (unsigned side = 0; side < 2; side++) {
        uint8_t mac[6];
        microkit_mac(folder->build->site, side, mac);
        fprintf(out, ",\"%s_mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\"",
                side == SL_SIDE_EXT ? "ext" : "int", mac[0], mac[1], mac[2], mac[3], mac[4],
                mac[5]);
    }
    uint64_t budget = build_budget(folder->build);
    if (budget)
        fprintf(out, ",\"memory_limit_kib\":%llu", (unsigned long long)budget / 1024);
    fputs("}\n", out);
}

/* The site's protocols by number: an image has no code of one that its policy does not name. */
static void write_protocols(const struct folder *folder, FILE *out)
{
    fputs("/* Generated by `sluice build`. */\n#include \"sluice/protocol.h\"\n\n"
          "extern const struct sl_protocol *const sluice_protocols[SL_PROTOCOL_COUNT];\n"
          "const struct sl_protocol *const sluice_protocols[SL_PROTOCOL_COUNT] = {\n",
          out);
    for (unsigned id = 0; id < SL_PROTOCOL_COUNT; id++) {
        char symbol[64];
        if (build_protocol(folder->build->site, id, symbol))
            fprintf(out, "    [%u] = &%s,\n", id, symbol);
    }
    fputs("};\n", out);
}

static bool write_generated(const struct folder *folder)
{
    struct draft draft;
    for (unsigned i = 0; i < folder->system.instance_count; i++)
        if (!write_component(folder, i))
            return false;
    if (!create(&draft, folder, "sluice.camkes"))
        return false;
    camkes_write_assembly(&folder->system, draft.out);
    if (!finish(&draft) || !create(&draft, folder, "components.cmake"))
        return false;
    camkes_write_cmake(&folder->system, draft.out);
    if (!finish(&draft) || !create(&draft, folder, "sluice_policy.c"))
        return false;
    camkes_write_policy(folder->build->policy, folder->build->policy_size, draft.out);
    if (!finish(&draft) || !create(&draft, folder, "sluice_protocols.c"))
        return false;
    write_protocols(folder, draft.out);
    if (!finish(&draft) || !create(&draft, folder, "machine.json"))
        return false;
    write_machine(folder, draft.out);
    return finish(&draft);
}

static bool find_places(struct folder *folder)
{
    const char *board = folder->build->board ? folder->build->board : "qemu_virt_aarch64";
    const char *given = getenv("LWIP_DIR");
    const struct microkit_board *found = microkit_board(board);
    const char *const *nic = folder->build->nic;
    bool synthetic =
        nic[0] && nic[1] && !strcmp(nic[0], "synthetic") && !strcmp(nic[1], "synthetic");
    char header[PATH_MAX];
    for (unsigned side = 0; side < 2; side++)
        if (nic[side] && !synthetic && strcmp(nic[side], "virtio") != 0)
            return fail("--%s-nic %s: on this host a NIC is virtio (the default), or both are "
                        "synthetic, to measure",
                        side == SL_SIDE_EXT ? "ext" : "int", nic[side]);
    if (!found)
        return fail("board %s is not known to `sluice build`", board);
    if (!build_root(folder->root, sizeof folder->root))
        return fail("the sources are not beside this program: `sluice build` works from a build "
                    "tree");
    snprintf(folder->output, sizeof folder->output, "%s",
             folder->build->output ? folder->build->output : "build/camkes");
    if (given && *given)
        snprintf(folder->lwip, sizeof folder->lwip, "%s", given);
    else
        snprintf(folder->lwip, sizeof folder->lwip, "%.1000s/build/lwip", folder->root);
    if (access(path_of(header, "%s/src/include/lwip/init.h", folder->lwip), R_OK) != 0)
        return fail("no lwIP in %s: set LWIP_DIR, or `make` once", folder->lwip);
    camkes_plan(folder->build->site, &folder->build->topology, found, synthetic, &folder->system);
    return true;
}

int build_camkes(const struct build *build)
{
    static struct folder folder; /* too large for the stack */
    memset(&folder, 0, sizeof folder);
    folder.build = build;
    if (!find_places(&folder))
        return CLI_FAILED;
    if (getrandom(folder.random, sizeof folder.random, 0) != sizeof folder.random) {
        fail("getrandom: %s", strerror(errno));
        return CLI_FAILED;
    }
    if (!copy_sources(&folder) || !write_generated(&folder))
        return CLI_FAILED;
    printf("%s: a CAmkES application. Next:\n"
           "  ln -s $(realpath %s) CHECKOUT/projects/camkes/apps/sluice\n"
           "  mkdir BUILD && cd BUILD && CHECKOUT/init-build.sh -DPLATFORM=qemu-arm-virt "
           "-DAARCH64=1 -DCAMKES_APP=sluice -DRELEASE=1 && ninja\n",
           folder.output, folder.output);
    return CLI_OK;
}
