/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/mistakes.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compiler/edit_distance.h"

#define MOST_PRINTED 1000u /* a file with more needs another kind of help */

struct mistake {
    unsigned line, column;
    size_t order;
    const char *text;
};

void mistake_at(struct mistakes *mistakes, unsigned line, unsigned column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    struct mistake *mistake = arena_append(mistakes->arena, &mistakes->list, sizeof *mistake);
    mistake->line = line;
    mistake->column = column;
    mistake->order = mistakes->list.count;
    mistake->text = length < 0 ? "" : arena_text(mistakes->arena, text, (size_t)length);
    free(text);
}

static int by_position(const void *left, const void *right)
{
    const struct mistake *a = left, *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* What a profile has wrong is found again for each service that uses it. */
static bool said_before(const struct mistake *all, size_t index)
{
    for (size_t i = index;
         i-- > 0 && all[i].line == all[index].line && all[i].column == all[index].column;)
        if (strcmp(all[i].text, all[index].text) == 0)
            return true;
    return false;
}

void mistakes_print(const struct mistakes *mistakes, const char *path, FILE *out)
{
    struct mistake *all = mistakes->list.items;
    const size_t count = mistakes->list.count;
    if (count == 0)
        return;
    qsort(all, count, sizeof *all, by_position);
    for (size_t i = 0; i < count && i < MOST_PRINTED; i++)
        if (!said_before(all, i))
            fprintf(out, "%s:%u:%u: %s\n", path, all[i].line, all[i].column, all[i].text);
    if (count > MOST_PRINTED)
        fprintf(out, "%s: and %zu more\n", path, count - MOST_PRINTED);
}

void mistakes_within(struct mistakes *mistakes, unsigned first, unsigned last)
{
    struct mistake *all = mistakes->list.items;
    size_t kept = 0;
    for (size_t i = 0; i < mistakes->list.count; i++)
        if (all[i].line >= first && all[i].line <= last)
            all[kept++] = all[i];
    mistakes->list.count = kept;
}

const char *quoted(struct arena *arena, const char *text, size_t length)
{
    enum { LONGEST = 60 };
    char out[4 * LONGEST + 8];
    size_t n = 0;
    out[n++] = '\'';
    size_t i = 0;
    for (; i < length && i < LONGEST; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f)
            n += (size_t)snprintf(out + n, 5, "\\x%02x", c);
        else
            out[n++] = (char)c;
    }
    /* not in the middle of a character of several bytes */
    if (i < length) {
        while (n > 1 && ((unsigned char)text[i] & 0xc0) == 0x80) {
            n--;
            i--;
        }
        memcpy(out + n, "...", 3);
        n += 3;
    }
    out[n++] = '\'';
    return arena_text(arena, out, n);
}

const char *did_you_mean(struct arena *arena, const char *text, const char *const *words,
                         size_t count)
{
    const char *nearest = NULL;
    size_t least = strlen(text) / 3 + 2; /* further off is another word */
    for (size_t i = 0; i < count; i++) {
        const size_t d = edit_distance(text, words[i]);
        if (d < least) {
            least = d;
            nearest = words[i];
        }
    }
    return nearest ? arena_printf(arena, "; did you mean '%s'?", nearest) : "";
}
