/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/spans.h"

#include <stdlib.h>
#include <string.h>

static int by_low(const void *left, const void *right)
{
    const struct span *a = left, *b = right;
    return a->low < b->low ? -1 : a->low > b->low;
}

struct spans spans_of(struct arena_list *list)
{
    struct span *span = list->items;
    if (list->count == 0)
        return (struct spans){0};
    qsort(span, list->count, sizeof *span, by_low);
    size_t last = 0;
    for (size_t i = 1; i < list->count; i++) {
        if (span[i].low <= span[last].high || span[i].low - 1 == span[last].high) {
            if (span[i].high > span[last].high)
                span[last].high = span[i].high;
        } else {
            span[++last] = span[i];
        }
    }
    return (struct spans){.count = last + 1, .span = span};
}

struct spans spans_range(struct arena *arena, uint32_t low, uint32_t high)
{
    struct span *span = arena_take(arena, sizeof *span);
    *span = (struct span){low, high};
    return (struct spans){.count = 1, .span = span};
}

/* The first span that does not end before `number`; count where there is none. */
static size_t first_from(const struct spans *spans, uint32_t number)
{
    size_t low = 0, high = spans->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (spans->span[middle].high < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool spans_hold(const struct spans *spans, uint32_t low, uint32_t high)
{
    const size_t i = first_from(spans, low);
    return i < spans->count && spans->span[i].low <= low && spans->span[i].high >= high;
}

bool spans_include(const struct spans *outer, const struct spans *inner)
{
    for (size_t i = 0; i < inner->count; i++)
        if (!spans_hold(outer, inner->span[i].low, inner->span[i].high))
            return false;
    return true;
}

bool spans_meet(const struct spans *spans, uint32_t low, uint32_t high)
{
    const size_t i = first_from(spans, low);
    return i < spans->count && spans->span[i].low <= high;
}

const char *spans_text(struct arena *arena, const struct spans *spans)
{
    const char *text = "";
    for (size_t i = 0; i < spans->count; i++) {
        const struct span s = spans->span[i];
        const char *comma = i ? ", " : "";
        text = s.low == s.high ? arena_printf(arena, "%s%s%u", text, comma, s.low)
                               : arena_printf(arena, "%s%s%u-%u", text, comma, s.low, s.high);
        if (i == 19 && spans->count > 21)
            return arena_printf(arena, "%s and %zu more", text, spans->count - 20);
    }
    return words_joined(arena, text, "and");
}

bool spans_single(const struct spans *spans)
{
    return spans->count == 1 && spans->span[0].low == spans->span[0].high;
}

const char *words_joined(struct arena *arena, const char *list, const char *word)
{
    const char *last = NULL;
    for (const char *comma = list; (comma = strstr(comma, ", ")) != NULL; comma++)
        last = comma;
    return last ? arena_printf(arena, "%.*s %s %s", (int)(last - list), list, word, last + 2)
                : list;
}
