/* SPDX-License-Identifier: BSD-2-Clause */
/* Making the policy image. */
#ifndef SLUICE_POLICY_IMAGE_BUILD_H
#define SLUICE_POLICY_IMAGE_BUILD_H

#include "policy/compiler/load.h"
#include "policy/image.h"

/* Bytes that grow; offsets into them stay. */
struct buffer {
    struct arena *arena;
    uint8_t *bytes;
    size_t length, room;
};
/* Appends `size` bytes (zeros where `bytes` is NULL) at the next multiple of `alignment`, a power
 * of two up to 8; returns where. */
uint32_t buffer_add(struct buffer *buffer, const void *bytes, size_t size, size_t alignment);

/* The tables of a protocol's rules.h for the service that `loader` is at, in `arena`. What does not
 * fit is a mistake; the result is then NULL. */
const uint8_t *modbus_body(struct loader *loader, struct arena *arena, uint32_t *size);
const uint8_t *dnp3_body(struct loader *loader, struct arena *arena, uint32_t *size);

/* The whole image, in the site's arena; NULL after a mistake. */
uint8_t *image_build(struct loader *loader, size_t *size);

#endif
