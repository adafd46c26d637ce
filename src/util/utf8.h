/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SLUICE_UTF8_H
#define SLUICE_UTF8_H

#include <stddef.h>

/*
 * Bytes of the character that starts at `text`, 0 where none of UTF-8 does (RFC 3629). Of a text
 * that ends in a zero byte, UTF8_LONGEST is never too much for `length`.
 */
size_t utf8_length(const char *text, size_t length);

#define UTF8_LONGEST 4u

#endif
