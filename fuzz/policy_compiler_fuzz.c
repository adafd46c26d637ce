/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy compiler on any text: mistakes or an image that its own check accepts. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/image.h"
#include "policy/site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    struct site *site = site_load_text("fuzz", (const char *)data, size, nowhere);
    if (site == NULL)
        return 0;
    site_explain(site, nowhere);
    size_t length;
    void *image = site_compile(site, &length, nowhere);
    if (image == NULL || policy_image_check(image, length))
        abort();
    free(image);
    site_free(site);
    return 0;
}
