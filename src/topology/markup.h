/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SLUICE_MARKUP_H
#define SLUICE_MARKUP_H

#include <stdio.h>

/* Text into HTML or SVG, also into a quoted attribute. Names come from files: nothing in them
 * becomes markup; control characters show as '?'. */
void put_markup_text(FILE *out, const char *text);

#endif
