/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/capdl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum section { SECTION_NONE, SECTION_OBJECTS, SECTION_CAPS, SECTION_INTERRUPTS };

struct reader {
    struct capdl *capdl;
    const char *name;
    FILE *errors;
    unsigned line, object_room, cap_room;
    enum section section;
    int container; /* SECTION_CAPS: whose slots follow; -1: none */
};

struct type_name {
    const char *name;
    enum capdl_type type;
};
static const struct type_name type_names[] = {
    {"tcb", CAPDL_TCB},
    {"cnode", CAPDL_CNODE},
    {"frame", CAPDL_FRAME},
    {"pgd", CAPDL_TABLE},
    {"pud", CAPDL_TABLE},
    {"pd", CAPDL_TABLE},
    {"pt", CAPDL_TABLE},
    {"ep", CAPDL_ENDPOINT},
    {"sc", CAPDL_SCHEDULING_CONTEXT},
    {"notification", CAPDL_NOTIFICATION},
    {"reply", CAPDL_REPLY},
    {"rtreply", CAPDL_REPLY},
    {"irq", CAPDL_INTERRUPT},
    {"arm_irq", CAPDL_INTERRUPT},
};

static bool wrong(const struct reader *reader, const char *what, const char *text)
{
    fprintf(reader->errors, "%s:%u: %s: %s\n", reader->name, reader->line, what, text);
    return false;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

/* Room for one more of `size` bytes each in an array of `count`; NULL when memory ran out. */
static void *grow(void *array, unsigned count, unsigned *room, size_t size)
{
    if (count < *room)
        return array;
    unsigned wanted = *room ? *room * 2 : 1024;
    void *grown = realloc(array, wanted * size);
    if (grown)
        *room = wanted;
    return grown;
}

/* "name: number" among a thread's parameters, which commas part; 0: not there. */
static uint32_t number_of(const char *parameters, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = parameters; at; at = strchr(at, ',')) {
        at += strspn(at, ", ");
        if (!strncmp(at, name, length) && at[length] == ':')
            return (uint32_t)strtoul(at + length + 1, NULL, 0);
    }
    return 0;
}

/* "name = type (parameters)" */
static bool read_object(struct reader *reader, char *text)
{
    struct capdl *capdl = reader->capdl;
    char *type = strstr(text, " = ");
    if (!type)
        return wrong(reader, "no object", text);
    *type = '\0';
    type += strlen(" = ");
    char *parameters = strchr(type, '(');
    if (parameters)
        *parameters++ = '\0';
    struct capdl_object object = {.type = CAPDL_OTHER};
    for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++)
        if (!strcmp(trim(type), type_names[i].name))
            object.type = type_names[i].type;
    if (object.type == CAPDL_FRAME) {
        if (!parameters)
            return wrong(reader, "a frame without a size", text);
        char *unit;
        object.size = strtoull(parameters, &unit, 10);
        object.size *= *unit == 'k' ? 1024u : *unit == 'M' ? 1024u * 1024u : 0u;
        if (object.size == 0)
            return wrong(reader, "a frame of a size that is none", parameters);
        const char *address = strstr(parameters, "paddr: ");
        object.has_address = address != NULL;
        if (address)
            object.address = strtoull(address + strlen("paddr: "), NULL, 0);
    }
    if (object.type == CAPDL_TCB && parameters) {
        object.priority = number_of(parameters, "prio");
        object.max_priority = number_of(parameters, "max_prio");
    }
    if (object.type == CAPDL_SCHEDULING_CONTEXT && parameters) {
        object.budget = number_of(parameters, "budget");
        object.period = number_of(parameters, "period");
    }
    object.name = strdup(trim(text));
    struct capdl_object *grown =
        grow(capdl->object, capdl->object_count, &reader->object_room, sizeof object);
    if (!grown || !object.name) {
        free(object.name);
        return wrong(reader, "out of memory", "");
    }
    capdl->object = grown;
    capdl->object[capdl->object_count++] = object;
    return true;
}

static bool read_parameter(struct reader *reader, struct capdl_cap *cap, char *text)
{
    text = trim(text);
    if (!strncmp(text, "badge: ", 7)) {
        char *end;
        cap->badge = strtoull(text + 7, &end, 0);
        return *end == '\0' || wrong(reader, "no badge", text);
    }
    static const char *const harmless[] = {"guard: ", "guard_size: ", "uncached", "cached"};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (!strncmp(text, harmless[i], strlen(harmless[i])))
            return true;
    for (; *text; text++)
        switch (*text) {
        case 'R':
            cap->rights |= CAPDL_READ;
            break;
        case 'W':
            cap->rights |= CAPDL_WRITE;
            break;
        case 'X':
        case 'G':
        case 'P':
            cap->rights |= CAPDL_EXECUTE;
            break;
        default:
            return wrong(reader, "a capability's parameter that is not known", text);
        }
    return true;
}

/* "slot: object (rights, badge: n, ..)" */
static bool read_cap(struct reader *reader, char *text)
{
    struct capdl *capdl = reader->capdl;
    struct capdl_cap cap = {.container = (unsigned)reader->container, .line = reader->line};
    char *colon = strchr(text, ':');
    if (reader->container < 0 || !colon || colon - text >= (long)sizeof cap.slot)
        return wrong(reader, "no slot of a container", text);
    *colon = '\0';
    snprintf(cap.slot, sizeof cap.slot, "%s", trim(text));
    char *name = trim(colon + 1), *parameters = strchr(name, '(');
    if (parameters) {
        *parameters++ = '\0';
        char *mapping = strstr(parameters, ", mapping: "); /* where it is mapped: we look there */
        char *end = mapping ? mapping : strrchr(parameters, ')');
        if (!end)
            return wrong(reader, "an open bracket", parameters);
        *end = '\0';
        for (char *save, *part = strtok_r(parameters, ",", &save); part;
             part = strtok_r(NULL, ",", &save))
            if (!read_parameter(reader, &cap, part))
                return false;
    }
    int object = capdl_find(capdl, trim(name));
    if (object < 0)
        return wrong(reader, "an object that is none", name);
    cap.object = (unsigned)object;
    struct capdl_cap *grown = grow(capdl->cap, capdl->cap_count, &reader->cap_room, sizeof cap);
    if (!grown)
        return wrong(reader, "out of memory", "");
    capdl->cap = grown;
    capdl->cap[capdl->cap_count++] = cap;
    return true;
}

/* "48: name" */
static bool read_interrupt(struct reader *reader, char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 0);
    int object = *end == ':' ? capdl_find(reader->capdl, trim(end + 1)) : -1;
    if (object < 0 || reader->capdl->object[object].type != CAPDL_INTERRUPT)
        return wrong(reader, "no interrupt", text);
    reader->capdl->object[object].interrupt = (uint32_t)number;
    return true;
}

static int by_name(const void *left, const void *right)
{
    const struct capdl_object *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static bool open_block(struct reader *reader, char *title)
{
    title = trim(title);
    if (reader->section == SECTION_CAPS) {
        reader->container = capdl_find(reader->capdl, title);
        return reader->container >= 0 || wrong(reader, "a container that is none", title);
    }
    reader->section = !strcmp(title, "objects")    ? SECTION_OBJECTS
                      : !strcmp(title, "caps")     ? SECTION_CAPS
                      : !strcmp(title, "irq maps") ? SECTION_INTERRUPTS
                                                   : SECTION_NONE;
    return reader->section != SECTION_NONE || wrong(reader, "a section that is not known", title);
}

static void close_block(struct reader *reader)
{
    if (reader->container >= 0) {
        reader->container = -1;
        return;
    }
    if (reader->section == SECTION_OBJECTS && reader->capdl->object_count)
        qsort(reader->capdl->object, reader->capdl->object_count, sizeof *reader->capdl->object,
              by_name);
    reader->section = SECTION_NONE;
}

static bool read_line(struct reader *reader, char *text)
{
    size_t length = strlen(text);
    if (length == 0 || !strncmp(text, "arch ", 5) || !strncmp(text, "--", 2))
        return true;
    if (!strcmp(text, "}")) {
        close_block(reader);
        return true;
    }
    /* An empty container: "name {" and "}" on one line or two. */
    if (text[length - 1] == '{') {
        text[length - 1] = '\0';
        return open_block(reader, text);
    }
    switch (reader->section) {
    case SECTION_OBJECTS:
        return read_object(reader, text);
    case SECTION_CAPS:
        return read_cap(reader, text);
    case SECTION_INTERRUPTS:
        return read_interrupt(reader, text);
    case SECTION_NONE:
        break;
    }
    return wrong(reader, "a line outside of all sections", text);
}

bool capdl_read(struct capdl *capdl, FILE *in, const char *name, FILE *errors)
{
    memset(capdl, 0, sizeof *capdl);
    struct reader reader = {.capdl = capdl, .name = name, .errors = errors, .container = -1};
    char *line = NULL;
    size_t room = 0;
    bool good = true;
    while (good && getline(&line, &room, in) >= 0) {
        reader.line++;
        good = read_line(&reader, trim(line));
    }
    free(line);
    if (good && (ferror(in) || reader.section != SECTION_NONE))
        good = wrong(&reader, "the file ends too early", "");
    if (good && capdl->object_count == 0)
        good = wrong(&reader, "no objects", "");
    return good;
}

void capdl_free(struct capdl *capdl)
{
    for (unsigned i = 0; i < capdl->object_count; i++)
        free(capdl->object[i].name);
    free(capdl->object);
    free(capdl->cap);
    memset(capdl, 0, sizeof *capdl);
}

int capdl_find(const struct capdl *capdl, const char *name)
{
    if (capdl->object_count == 0)
        return -1;
    const struct capdl_object key = {.name = (char *)(uintptr_t)name};
    const struct capdl_object *found =
        bsearch(&key, capdl->object, capdl->object_count, sizeof key, by_name);
    return found ? (int)(found - capdl->object) : -1;
}
