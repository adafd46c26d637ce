/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy in force where it can change while components run: one region that the launcher
 * alone writes and every component that decides or names maps read-only. It holds this head, then
 * two images. A new one goes into the place that is not in use; then the generation says that it
 * is in force. The launcher writes into a place again only when nobody uses it any more.
 */
#ifndef SLUICE_POLICY_BOARD_H
#define SLUICE_POLICY_BOARD_H

#include <stdint.h>

#include "policy/image.h"
#include "sluice/barrier.h"

#define POLICY_BOARD_HEAD   4096u
#define POLICY_BOARD_REGION (POLICY_BOARD_HEAD + 2u * (uint32_t)POLICY_LARGEST_IMAGE)

struct policy_board {
    _Atomic uint32_t generation; /* from 1; its image is in place generation % 2 */
    _Atomic uint32_t retired;    /* the image before this generation's is used no more */
    uint32_t size[2];            /* bytes of the images */
};
_Static_assert(sizeof(struct policy_board) <= POLICY_BOARD_HEAD, "the head has a page");

static inline void *policy_board_image(const struct policy_board *board, uint32_t generation)
{
    return (uint8_t *)(uintptr_t)board + POLICY_BOARD_HEAD +
           (generation % 2) * (uint32_t)POLICY_LARGEST_IMAGE;
}

/* How audit records name it: 1..255, so that neighbours differ and 0 is none. */
static inline uint8_t policy_tag(uint32_t generation)
{
    return (uint8_t)(generation % 255u + 1u);
}

#endif
