/* SPDX-License-Identifier: BSD-2-Clause */
/* A site from its configuration file. */
#include "policy/site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/compiler/image_build.h"
#include "policy/compiler/load.h"

#define LONGEST_FILE ((size_t)16 << 20)

char *site_read_file(const char *path, size_t *length, FILE *errors)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, room = 0;
    while (file && size <= LONGEST_FILE) {
        if (size == room) {
            room = room ? room * 2 : 65536;
            char *grown = realloc(text, room);
            if (grown == NULL)
                break;
            text = grown;
        }
        const size_t got = fread(text + size, 1, room - size, file);
        size += got;
        if (got == 0)
            break;
    }
    if (file == NULL || ferror(file) || text == NULL) {
        fprintf(errors, "%s: cannot read: %s; expected a configuration file\n", path,
                strerror(errno));
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    *length = size;
    return text;
}

static void set_defaults(struct site *site)
{
    site->mode = SL_TWO_WAY;
    site->cpu = -1;
    site->side[SL_SIDE_EXT].cpu = site->side[SL_SIDE_INT].cpu = -1;
    site->outstanding = 192;
    site->sessions = 512;
    site->quota = 16;
    site->buffers = 128;
    site->audit_keep = 10;
    site->syslog.facility = 16; /* local0 */
    site->synthetic.messages = 5000;
    site->synthetic.pace = 1000;
}

void load_configuration(struct loader *loader, const char *text, size_t length)
{
    static const struct field fields[] = {
        {.key = "gateway", .required = true, .load = load_gateway},
        {.key = "hosts", .load = load_hosts},
        {.key = "points", .load = load_points},
        {.key = "profiles", .load = load_profiles},
        {.key = "overrides", .load = load_overrides},
        {.key = "services", .required = true, .load = load_services},
    };
    if (length > LONGEST_FILE) {
        mistake_at(loader->mistakes, 1, 1, "found a file of more than %zu MiB, expected a smaller",
                   LONGEST_FILE >> 20);
        return;
    }
    const struct node *root = tree_read(loader->arena, loader->mistakes, text, length);
    if (root == NULL)
        return;
    loader->policy->root = root;
    LOAD_MAP(loader, root, "a configuration", fields, loader->site);
}

/* `override`: with the rules of this one; NULL: as the file stands. */
static struct site *load_text(const char *name, const char *text, size_t length,
                              const char *override, FILE *errors)
{
    struct site *site = calloc(1, sizeof *site);
    struct site_policy *policy = calloc(1, sizeof *policy);
    if (site == NULL || policy == NULL) {
        fputs("sluice: out of memory while reading the configuration\n", errors);
        free(site);
        free(policy);
        return NULL;
    }
    set_defaults(site);
    site->policy = policy;
    site->path = arena_text(&policy->arena, name, strlen(name));
    policy->text = arena_text(&policy->arena, text, length);
    policy->text_length = length;
    policy->warnings.arena = &policy->arena;
    struct mistakes mistakes = {.arena = &policy->arena};
    struct loader loader = {.site = site,
                            .policy = policy,
                            .arena = &policy->arena,
                            .mistakes = &mistakes,
                            .now = (uint64_t)time(NULL)};
    policy->override = override ? arena_text(&policy->arena, override, strlen(override)) : NULL;
    loader.override = policy->override;
    load_configuration(&loader, text, length);
    check_overrides(&loader);
    find_void_rules(&loader);
    if (override)
        keep_override_mistakes(&loader);
    if (mistakes.list.count == 0)
        policy->image = image_build(&loader, &policy->image_size);
    if (mistakes.list.count == 0)
        return site;
    mistakes_print(&mistakes, site->path, errors);
    site_free(site);
    return NULL;
}

struct site *site_load_text(const char *name, const char *text, size_t length, FILE *errors)
{
    struct site *site = load_text(name, text, length, NULL, errors);
    bool good = site != NULL;
    for (size_t i = 0; site && i < site->policy->overrides.count; i++) {
        struct site *with = load_text(name, text, length, site_override_name(site, i), errors);
        good = good && with;
        site_free(with);
    }
    if (good)
        return site;
    site_free(site);
    return NULL;
}

struct site *site_with_override(const struct site *site, const char *name, FILE *errors)
{
    return load_text(site->path, site->policy->text, site->policy->text_length, name, errors);
}

struct site *site_load(const char *path, FILE *errors)
{
    size_t length;
    char *text = site_read_file(path, &length, errors);
    if (text == NULL)
        return NULL;
    struct site *site = site_load_text(path, text, length, errors);
    free(text);
    return site;
}

void site_free(struct site *site)
{
    if (site == NULL)
        return;
    arena_free(&site->policy->arena);
    free(site->policy);
    free(site);
}

void *site_compile(const struct site *site, size_t *size, FILE *errors)
{
    void *image = malloc(site->policy->image_size);
    if (image == NULL) {
        fputs("sluice: out of memory for the policy\n", errors);
        return NULL;
    }
    memcpy(image, site->policy->image, site->policy->image_size);
    *size = site->policy->image_size;
    return image;
}
