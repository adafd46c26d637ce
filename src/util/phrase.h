/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for people put together piece by piece in a buffer; what does not fit is cut off. */
#ifndef SLUICE_UTIL_PHRASE_H
#define SLUICE_UTIL_PHRASE_H

#include <stddef.h>
#include <stdint.h>

struct phrase {
    char *text; /* always ended by NUL */
    size_t size, length;
};

struct phrase phrase_start(char *text, size_t size); /* size at least 1 */
void phrase_text(struct phrase *phrase, const char *text);
void phrase_number(struct phrase *phrase, uint64_t number);
void phrase_address(struct phrase *phrase, uint32_t ipv4); /* host byte order */

#endif
