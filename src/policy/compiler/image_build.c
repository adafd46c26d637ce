/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/image_build.h"

#include "policy/compiler/conditions.h"
#include "policy/compiler/language.h"

#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_NAMED_SPAN 16u /* longer ones are networks */

uint32_t buffer_add(struct buffer *buffer, const void *bytes, size_t size, size_t alignment)
{
    const size_t offset = (buffer->length + alignment - 1) & ~(alignment - 1);
    if (offset + size > buffer->room) {
        size_t room = buffer->room ? buffer->room : 4096;
        while (room < offset + size)
            room *= 2;
        uint8_t *grown = arena_take(buffer->arena, room);
        if (buffer->length)
            memcpy(grown, buffer->bytes, buffer->length);
        buffer->bytes = grown;
        buffer->room = room;
    }
    if (bytes && size)
        memcpy(buffer->bytes + offset, bytes, size);
    buffer->length = offset + size;
    return (uint32_t)offset;
}

static uint32_t add_string(struct buffer *image, const char *text)
{
    return buffer_add(image, text, strlen(text) + 1, 1);
}

static int by_address(const void *left, const void *right)
{
    const struct policy_host_name *a = left, *b = right;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return a->name < b->name ? -1 : a->name > b->name;
}

/* Single addresses have names on audit lines; networks do not. Where two hosts have one address,
 * the first in the file names it. Sorted; `name` is the host's index for now. */
static struct policy_host_name *named_addresses(struct loader *loader, uint16_t *count)
{
    const struct policy_host *hosts = loader->policy->hosts.items;
    struct arena_list names = {0};
    for (size_t i = 0; i < loader->policy->hosts.count; i++)
        for (size_t k = 0; k < hosts[i].addresses.count; k++) {
            const struct span span = hosts[i].addresses.span[k];
            /* neighbours listed one by one are one span */
            const uint32_t length = span.high - span.low;
            for (uint32_t offset = 0; length < LONGEST_NAMED_SPAN && offset <= length; offset++)
                *(struct policy_host_name *)arena_append(loader->arena, &names,
                                                         sizeof(struct policy_host_name)) =
                    (struct policy_host_name){span.low + offset, (uint32_t)i};
        }
    struct policy_host_name *name = names.items;
    if (names.count)
        qsort(name, names.count, sizeof *name, by_address);
    size_t kept = 0;
    for (size_t i = 0; i < names.count && kept < UINT16_MAX; i++)
        if (kept == 0 || name[kept - 1].address != name[i].address)
            name[kept++] = name[i];
    *count = (uint16_t)kept;
    return name;
}

static void add_host_names(struct loader *loader, struct buffer *image,
                           const struct policy_image *head, struct policy_host_name *names)
{
    const struct policy_host *hosts = loader->policy->hosts.items;
    if (head->host_count == 0)
        return;
    uint32_t *strings = arena_take(loader->arena, loader->policy->hosts.count * sizeof *strings);
    for (size_t i = 0; i < loader->policy->hosts.count; i++)
        strings[i] = add_string(image, hosts[i].name);
    for (unsigned i = 0; i < head->host_count; i++)
        names[i].name = strings[names[i].name];
    memcpy(image->bytes + head->hosts, names, head->host_count * sizeof *names);
}

static void add_rule_names(struct loader *loader, struct buffer *image,
                           const struct policy_image *head)
{
    const struct rule_name *rules = loader->policy->rule_names.items;
    for (size_t i = 0; i < loader->policy->rule_names.count; i++) {
        const struct policy_rule_name name = {
            .name = add_string(image, rules[i].name),
            .service = rules[i].service,
            .line = (uint16_t)(rules[i].line < UINT16_MAX ? rules[i].line : UINT16_MAX),
        };
        memcpy(image->bytes + head->rules + i * sizeof name, &name, sizeof name);
    }
}

static struct policy_service service_entry(const struct site_service *from, unsigned number)
{
    return (struct policy_service){
        .protocol = from->protocol,
        .number = (uint16_t)number,
        .listen_address = from->listen_address,
        .device_address = from->device_address,
        .listen_port = from->listen_port,
        .device_port = from->device_port,
        .timeout = from->timeout,
        .flags = from->flags | (from->datagrams ? POLICY_SERVICE_DATAGRAMS : 0) |
                 (from->device_datagrams ? POLICY_SERVICE_DEVICE_DATAGRAMS : 0) |
                 (from->broadcast ? POLICY_SERVICE_BROADCAST : 0) |
                 (from->reply_unit_any ? POLICY_SERVICE_REPLY_UNIT_ANY : 0),
        .rate = from->rate,
    };
}

uint8_t *image_build(struct loader *loader, size_t *size)
{
    struct site *const site = loader->site;
    struct buffer image = {.arena = loader->arena};
    struct policy_service services[SL_MAX_SERVICES];
    struct policy_image head = {
        .magic = POLICY_MAGIC,
        .version = POLICY_VERSION,
        .service_count = site->service_count,
        .rule_count = (uint16_t)loader->policy->rule_names.count,
    };
    buffer_add(&image, NULL, sizeof head, 8);
    head.services = buffer_add(&image, NULL, site->service_count * sizeof *services, 8);
    head.rules = buffer_add(&image, NULL,
                            loader->policy->rule_names.count * sizeof(struct policy_rule_name), 8);
    struct policy_host_name *names = named_addresses(loader, &head.host_count);
    head.hosts = buffer_add(&image, NULL, head.host_count * sizeof *names, 8);
    bool whole = true;
    for (unsigned s = 0; s < site->service_count; s++) {
        struct arena scratch = {0};
        loader->service = s;
        services[s] = service_entry(&site->service[s], s);
        services[s].image = head.services + s * (uint32_t)sizeof *services;
        const uint8_t *body = policy_language(site->service[s].protocol)
                                  ->body(loader, &scratch, &services[s].body_size);
        if (body)
            services[s].body = buffer_add(&image, body, services[s].body_size, 8);
        whole = whole && body;
        arena_free(&scratch);
    }
    head.conditions = conditions_place(loader->policy, &image);
    head.strings = (uint32_t)image.length;
    if (loader->override)
        head.override = add_string(&image, loader->override);
    for (unsigned s = 0; s < site->service_count; s++)
        services[s].name = add_string(&image, site->service[s].name);
    add_rule_names(loader, &image, &head);
    add_host_names(loader, &image, &head, names);
    buffer_add(&image, "", 1, 1);
    buffer_add(&image, NULL, 0, 8);
    head.size = (uint32_t)image.length;
    if (whole && image.length > POLICY_LARGEST_IMAGE) {
        mistake_at(loader->mistakes, 1, 1,
                   "found a policy of %zu KiB, expected at most %zu: fewer hosts and rules",
                   image.length >> 10, POLICY_LARGEST_IMAGE >> 10);
        whole = false;
    }
    memcpy(image.bytes + head.services, services, site->service_count * sizeof *services);
    memcpy(image.bytes, &head, sizeof head);
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, image.length, image.bytes);
    sha256_digest(&context, sizeof head.hash, image.bytes + offsetof(struct policy_image, hash));
    *size = image.length;
    return whole ? image.bytes : NULL;
}
