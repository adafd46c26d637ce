/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/policy_file.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "policy/site.h"
#include "sluice/protocol.h"

void *policy_file_load(const char *path, FILE *errors)
{
    struct site *site = site_load(path, errors);
    if (!site)
        return NULL;
    size_t size;
    void *image = site_compile(site, &size, errors);
    site_free(site);
    const char *wrong = image ? policy_image_check(image, size) : NULL;
    if (!wrong)
        return image;
    fprintf(errors, "%s: the policy compiled from it is not valid (%s); please report this\n", path,
            wrong);
    free(image);
    return NULL;
}

const struct policy_service *policy_file_service(const void *image, const char *name)
{
    const struct policy_service *service;
    for (unsigned number = 0; (service = policy_service(image, number)) != NULL; number++)
        if (strcmp(policy_service_name(service), name) == 0)
            return service;
    return NULL;
}

bool policy_file_client(const void *image, const char *text, uint32_t *address)
{
    struct in_addr given;
    if (inet_pton(AF_INET, text, &given) == 1) {
        *address = ntohl(given.s_addr);
        return true;
    }
    const struct policy_image *head = image;
    const struct policy_host_name *hosts = (const void *)((const uint8_t *)image + head->hosts);
    for (unsigned i = 0; i < head->host_count; i++) {
        if (strcmp((const char *)image + hosts[i].name, text) != 0)
            continue;
        *address = hosts[i].address;
        return true;
    }
    return false;
}
