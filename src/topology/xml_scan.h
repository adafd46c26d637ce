/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the elements of an XML document, as far as system descriptions use it: elements with
 * attributes, comments, one declaration; no text, no entities, no namespaces. Anything else is an
 * error, never skipped.
 */
#ifndef SLUICE_XML_SCAN_H
#define SLUICE_XML_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define XML_MAX_ATTRIBUTES 16u
#define XML_TEXT           512u

enum xml_event { XML_START, XML_END, XML_DONE, XML_ERROR };

struct xml_scan {
    const char *text; /* NUL-terminated; the caller's */
    size_t at;
    unsigned line;
    bool closing; /* the element just started was empty: its end comes next */
    char name[XML_TEXT];
    unsigned attribute_count;
    struct {
        char name[64];
        char value[XML_TEXT];
    } attribute[XML_MAX_ATTRIBUTES];
};

void xml_scan_init(struct xml_scan *scan, const char *text);

/* The next start or end of an element; its name is scan->name. */
enum xml_event xml_next(struct xml_scan *scan);

/* Of the element just started; `otherwise` where it is absent. */
const char *xml_attribute(const struct xml_scan *scan, const char *name, const char *otherwise);

#endif
