/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy image: a check that trusts nothing in it, and the accessors that rely on it. */
#include "policy/image.h"

#include "policy/conditions.h"
#include "sluice/audit.h"
#include "sluice/config.h"
#include "sluice/protocol.h"

/* True when `count` entries of `entry` bytes at `offset` lie within the image and are aligned
 * for 8-byte loads where an entry is that wide. */
static bool array_within(const struct policy_image *image, uint32_t offset, uint32_t count,
                         uint32_t entry, uint32_t alignment)
{
    return offset % alignment == 0 && offset <= image->size &&
           (uint64_t)count * entry <= image->size - offset;
}

/* A string starts in the string area; the area's last byte is NUL, so each one ends in it. */
static bool string_within(const struct policy_image *image, uint32_t offset)
{
    return offset >= image->strings && offset < image->size;
}

/* NULL: none. */
static const struct policy_conditions *section_of(const struct policy_image *image)
{
    return image->conditions ? (const void *)((const uint8_t *)image + image->conditions) : NULL;
}

static const char *service_check(const uint8_t *bytes, const struct policy_image *image,
                                 const struct policy_service *service, unsigned number)
{
    const struct policy_conditions *const conditions = section_of(image);
    const uint32_t own_offset = (uint32_t)((const uint8_t *)service - bytes);
    if (service->image != own_offset)
        return "a service does not know where the image starts";
    if (service->number != number)
        return "a service's number is not its index";
    if (!string_within(image, service->name))
        return "a service's name is outside the strings";
    if (!array_within(image, service->body, 1, service->body_size, 8))
        return "a service's tables are outside the image";
    if (service->rate != POLICY_NONE && (!conditions || service->rate >= conditions->rate_count))
        return "a service of a rate that is none";
    const struct sl_protocol *const protocol = sl_protocol(service->protocol);
    if (protocol == NULL || protocol->check_rules == NULL)
        return "a service of a protocol that is none";
    return protocol->check_rules(bytes + service->body, service->body_size, image->rule_count,
                                 conditions ? conditions->condition_count : 0);
}

const char *policy_image_check(const void *start, size_t size)
{
    const uint8_t *const bytes = start;
    const struct policy_image *const image = start;
    if (start == NULL || size < sizeof *image)
        return "shorter than a policy image's header";
    if ((uintptr_t)start % 8 != 0)
        return "not aligned to 8 bytes";
    if (image->magic != POLICY_MAGIC)
        return "not a policy image";
    if (image->version != POLICY_VERSION)
        return "a policy image of another version";
    if (image->size > size || image->size < sizeof *image || image->size % 8 != 0)
        return "the image's size is impossible";
    if (image->service_count > SL_MAX_SERVICES)
        return "too many services";
    if (!array_within(image, image->services, image->service_count, sizeof(struct policy_service),
                      8))
        return "the services are outside the image";
    if (image->rule_count == SL_NO_RULE ||
        !array_within(image, image->rules, image->rule_count, sizeof(struct policy_rule_name), 4))
        return "the rules are outside the image";
    if (!array_within(image, image->hosts, image->host_count, sizeof(struct policy_host_name), 4))
        return "the hosts are outside the image";
    if (image->strings >= image->size || bytes[image->size - 1] != 0)
        return "the strings do not end within the image";
    if (image->override && !string_within(image, image->override))
        return "the override's name is outside the strings";

    const struct policy_rule_name *rules = (const void *)(bytes + image->rules);
    for (unsigned i = 0; i < image->rule_count; i++)
        if (!string_within(image, rules[i].name) || rules[i].service >= image->service_count)
            return "a rule names something outside the image";
    const struct policy_host_name *hosts = (const void *)(bytes + image->hosts);
    for (unsigned i = 0; i < image->host_count; i++)
        if (!string_within(image, hosts[i].name))
            return "a host's name is outside the strings";
    if (image->conditions) {
        if (!array_within(image, image->conditions, 1, sizeof(struct policy_conditions), 8))
            return "the conditions are outside the image";
        const char *wrong = policy_conditions_check(
            bytes + image->conditions, image->size - image->conditions, image->service_count);
        if (wrong)
            return wrong;
    }
    const struct policy_service *services = (const void *)(bytes + image->services);
    for (unsigned i = 0; i < image->service_count; i++) {
        const char *wrong = service_check(bytes, image, &services[i], i);
        if (wrong)
            return wrong;
    }
    return NULL;
}

const struct policy_service *policy_service(const void *start, unsigned number)
{
    const struct policy_image *const image = start;
    if (number >= image->service_count)
        return NULL;
    return (const struct policy_service *)(const void *)((const uint8_t *)start + image->services) +
           number;
}

const char *policy_service_name(const struct policy_service *service)
{
    return (const char *)service - service->image + service->name;
}

const char *policy_rule_name(const void *start, unsigned rule)
{
    const struct policy_image *const image = start;
    if (rule >= image->rule_count)
        return NULL;
    const struct policy_rule_name *rules = (const void *)((const uint8_t *)start + image->rules);
    return (const char *)start + rules[rule].name;
}

const char *policy_override_name(const void *start)
{
    const struct policy_image *const image = start;
    return image->override ? (const char *)start + image->override : NULL;
}

bool policy_rule_overrides(const void *start, unsigned rule)
{
    const char *override = policy_override_name(start), *name = policy_rule_name(start, rule);
    while (override && name && *override && *override == *name) {
        override++;
        name++;
    }
    return override && name && *override == '\0' && *name == '/';
}

const char *policy_host_name(const void *start, uint32_t address)
{
    const struct policy_image *const image = start;
    const struct policy_host_name *hosts = (const void *)((const uint8_t *)start + image->hosts);
    unsigned low = 0, high = image->host_count;
    while (low < high) {
        const unsigned middle = (low + high) / 2;
        if (hosts[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == image->host_count || hosts[low].address != address)
        return NULL;
    return (const char *)start + hosts[low].name;
}

const void *policy_service_body(const struct policy_service *service, size_t *size)
{
    if (size)
        *size = service->body_size;
    return (const uint8_t *)service - service->image + service->body;
}
