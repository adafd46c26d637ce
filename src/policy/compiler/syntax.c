/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/syntax.h"

#include <stdbool.h>
#include <string.h>

#include "util/utf8.h"

/* libyaml's problem and context (""; any), by their beginnings; what it found, and what to write
 * instead. NULL: found what stands there. */
static const struct {
    const char *problem, *context, *found, *expected;
    bool says_where; /* what it was reading began on an earlier line */
} problems[] = {
    {"found a tab", "", "a tab", "spaces: YAML does not indent with tabs", false},
    {"could not find expected ':'", "", "a line without ':'",
     "a key, ':' and a space, such as 'unit: 1'", true},
    {"found unexpected ':'", "", "':' right after a word",
     "a space after the ':' of a key, or quotes around a value that has one", false},
    {"mapping values are not allowed", "", "another ':'",
     "one key a line, indented as the others; a space after its ':'; quotes around a value with ': "
     "'",
     false},
    {"block sequence entries are not allowed", "", "'- ' here",
     "each entry of a list on a line of its own, below its key", false},
    {"did not find expected ',' or '}'", "", NULL, "',' or the '}' of a '{'", true},
    {"did not find expected ',' or ']'", "", NULL, "',' or the ']' of a '['", true},
    {"did not find expected key", "", NULL,
     "a key, indented as the others of its map: check indentation, quotes and brackets", true},
    {"did not find expected '-' indicator", "", NULL,
     "'- ', indented as the other entries of its list", true},
    {"did not find expected node content", "", NULL, "a value", false},
    {"found unexpected end of stream", "while scanning a quoted", "the file's end",
     "the closing quote of a text", true},
    {"found unknown escape character", "", "'\\' and a letter that it does not go with",
     "'\\\\' for a backslash, or single quotes around the text", false},
};

/* What stands at a place of the text, and how much of it is one thing to name. */
static const char *thing_at(struct mistakes *mistakes, const char *text, size_t length,
                            const struct syntax_problem *problem)
{
    const char *at = text, *end = text + length;
    for (size_t line = 0; line < problem->line && at < end; line++) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        at = next ? next + 1 : end;
    }
    for (size_t column = 0; column < problem->column && at < end && *at != '\n'; column++)
        at += utf8_length(at, (size_t)(end - at));
    if (at == end)
        return "the file's end";
    if (*at == '\t')
        return "a tab";
    if (*at == '\n' || *at == '\r')
        return "the line's end";
    size_t word = 0;
    while (word < (size_t)(end - at) && !strchr(" \t\r\n", at[word]))
        word++;
    return quoted(mistakes->arena, at, word);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text ? text : "", with, strlen(with)) == 0;
}

void syntax_mistake(struct mistakes *mistakes, const char *text, size_t length,
                    const struct syntax_problem *problem)
{
    const unsigned line = (unsigned)problem->line + 1, column = (unsigned)problem->column + 1;
    const char *there = thing_at(mistakes, text, length, problem);
    if (begins(problem->problem, "found character that cannot start")) {
        mistake_at(mistakes, line, column, "found %s, expected %s", there,
                   strcmp(there, "a tab") == 0 ? problems[0].expected
                                               : "quotes around a value that begins so");
        return;
    }
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        if (!begins(problem->problem, problems[i].problem) ||
            !begins(problem->context, problems[i].context))
            continue;
        const char *found = problems[i].found ? problems[i].found : there;
        if (problems[i].says_where && problem->begun < problem->line)
            mistake_at(mistakes, line, column, "found %s, expected %s (begun on line %zu)", found,
                       problems[i].expected, problem->begun + 1);
        else
            mistake_at(mistakes, line, column, "found %s, expected %s", found,
                       problems[i].expected);
        return;
    }
    mistake_at(mistakes, line, column, "found %s, expected YAML: %s%s%s", there,
               problem->problem ? problem->problem : "not readable", problem->context ? " " : "",
               problem->context ? problem->context : "");
}
