/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/xml_scan.h"

#include <ctype.h>
#include <string.h>

void xml_scan_init(struct xml_scan *scan, const char *text)
{
    memset(scan, 0, sizeof *scan);
    scan->text = text;
    scan->line = 1;
}

static void advance(struct xml_scan *scan, size_t count)
{
    for (; count && scan->text[scan->at]; count--, scan->at++)
        scan->line += scan->text[scan->at] == '\n';
}

static void skip_space(struct xml_scan *scan)
{
    while (isspace((unsigned char)scan->text[scan->at]))
        advance(scan, 1);
}

static bool starts(const struct xml_scan *scan, const char *with)
{
    return strncmp(scan->text + scan->at, with, strlen(with)) == 0;
}

/* Past `end`; false when it never comes. */
static bool skip_past(struct xml_scan *scan, const char *end)
{
    const char *found = strstr(scan->text + scan->at, end);
    if (!found)
        return false;
    advance(scan, (size_t)(found - (scan->text + scan->at)) + strlen(end));
    return true;
}

/* Characters that `stop` does not contain; false when there are none, or too many. */
static bool take(struct xml_scan *scan, const char *stop, char *to, size_t size)
{
    size_t length = strcspn(scan->text + scan->at, stop);
    if (length == 0 || length >= size || memchr(scan->text + scan->at, '&', length))
        return false;
    memcpy(to, scan->text + scan->at, length);
    to[length] = '\0';
    advance(scan, length);
    return true;
}

static bool take_attribute(struct xml_scan *scan)
{
    if (scan->attribute_count == XML_MAX_ATTRIBUTES)
        return false;
    char *name = scan->attribute[scan->attribute_count].name;
    char *value = scan->attribute[scan->attribute_count].value;
    if (!take(scan, " \t\r\n=<>/", name, sizeof scan->attribute[0].name) || !starts(scan, "=\""))
        return false;
    advance(scan, 2);
    value[0] = '\0';
    if (!starts(scan, "\"") && !take(scan, "\"<>", value, sizeof scan->attribute[0].value))
        return false;
    if (!starts(scan, "\""))
        return false;
    advance(scan, 1);
    scan->attribute_count++;
    return true;
}

static enum xml_event start_element(struct xml_scan *scan)
{
    scan->attribute_count = 0;
    if (!take(scan, " \t\r\n<>/", scan->name, sizeof scan->name))
        return XML_ERROR;
    for (;;) {
        skip_space(scan);
        if (starts(scan, "/>")) {
            advance(scan, 2);
            scan->closing = true;
            return XML_START;
        }
        if (starts(scan, ">")) {
            advance(scan, 1);
            return XML_START;
        }
        if (!take_attribute(scan))
            return XML_ERROR;
    }
}

static enum xml_event end_element(struct xml_scan *scan)
{
    if (!take(scan, " \t\r\n<>/", scan->name, sizeof scan->name))
        return XML_ERROR;
    skip_space(scan);
    if (!starts(scan, ">"))
        return XML_ERROR;
    advance(scan, 1);
    return XML_END;
}

enum xml_event xml_next(struct xml_scan *scan)
{
    if (scan->closing) {
        scan->closing = false;
        return XML_END;
    }
    for (;;) {
        skip_space(scan);
        if (!scan->text[scan->at])
            return XML_DONE;
        if (starts(scan, "<!--") ? !skip_past(scan, "-->")
                                 : starts(scan, "<?") && !skip_past(scan, "?>"))
            return XML_ERROR;
        if (isspace((unsigned char)scan->text[scan->at]) || starts(scan, "<!--") ||
            starts(scan, "<?") || !scan->text[scan->at])
            continue;
        if (starts(scan, "</")) {
            advance(scan, 2);
            return end_element(scan);
        }
        if (!starts(scan, "<"))
            return XML_ERROR;
        advance(scan, 1);
        return start_element(scan);
    }
}

const char *xml_attribute(const struct xml_scan *scan, const char *name, const char *otherwise)
{
    for (unsigned i = 0; i < scan->attribute_count; i++)
        if (!strcmp(scan->attribute[i].name, name))
            return scan->attribute[i].value;
    return otherwise;
}
