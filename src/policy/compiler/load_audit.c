/* SPDX-License-Identifier: BSD-2-Clause */
/* `audit` of the gateway: where its lines go, which there are, and how old files are kept. */
#include <stdlib.h>
#include <string.h>

#include "policy/compiler/load.h"
#include "policy/compiler/scalars.h"

#define SHORTEST_INTERVAL UINT64_C(1000000000)     /* 1 s */
#define LONGEST_INTERVAL  UINT64_C(86400000000000) /* a day */
#define SMALLEST_FILE     (UINT64_C(64) << 10)     /* a few dozen of the longest lines */
#define LARGEST_FILE      (UINT64_C(1) << 40)
#define SYSLOG_PORT       514u /* RFC 5426 3.3 */

static void load_file(struct loader *loader, const struct node *node, const struct field *field,
                      void *object)
{
    struct site *const site = object;
    if (node->kind == NODE_SCALAR && node->length > 0 && node->length < sizeof site->audit)
        memcpy(site->audit, node->text, node->length + 1);
    else
        unexpected(loader, node, "%s: the path of a file, up to %zu bytes, or -", field->key,
                   sizeof site->audit - 1);
}

static void load_size(struct loader *loader, const struct node *node, const struct field *field,
                      void *object)
{
    static const struct {
        const char *unit;
        unsigned shift;
    } units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
    struct site *const site = object;
    uint64_t number = 0;
    const char *text = node->kind == NODE_SCALAR ? node->text : "";
    const size_t digits = strspn(text, "0123456789");
    for (unsigned i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text + digits, units[i].unit) == 0 && parse_number(text, digits, &number) &&
            number <= LARGEST_FILE >> units[i].shift)
            site->audit_size = number << units[i].shift;
    if (site->audit_size >= SMALLEST_FILE && site->audit_size <= LARGEST_FILE)
        return;
    site->audit_size = 0;
    unexpected(loader, node,
               "%s: at which size a new file is begun, such as 50MiB; 64KiB to "
               "1024GiB",
               field->key);
}

static void load_lines(struct loader *loader, const struct node *node, const struct field *field,
                       void *object)
{
    static const char *const words[] = {"summary", "each"};
    unsigned word = 0;
    if (load_word(loader, node, field->key, words, 2, &word))
        ((struct site *)object)->audit_lines = word ? SL_AUDIT_EACH : SL_AUDIT_SUMMARY;
}

static void load_interval(struct loader *loader, const struct node *node, const struct field *field,
                          void *object)
{
    uint64_t found;
    if (node->kind == NODE_SCALAR && parse_duration(node->text, &found) &&
        found >= SHORTEST_INTERVAL && found <= LONGEST_INTERVAL)
        ((struct site *)object)->audit_interval = found;
    else
        unexpected(loader, node, "%s: a time of at least 1s, such as 10s or 1min", field->key);
}

static void load_receiver(struct loader *loader, const struct node *node, const struct field *field,
                          void *object)
{
    struct site_syslog *const syslog = object;
    const char *text = node->kind == NODE_SCALAR ? node->text : "";
    syslog->port = SYSLOG_PORT;
    if (text[0] == '/' && node->length < sizeof syslog->path) {
        memcpy(syslog->path, text, node->length + 1);
        syslog->kind = SITE_SYSLOG_UNIX;
    } else if (strncmp(text, "udp:", 4) == 0 &&
               parse_endpoint(text + 4, &syslog->address, &syslog->port)) {
        syslog->kind = SITE_SYSLOG_UDP;
    } else if (strncmp(text, "tcp:", 4) == 0 &&
               parse_endpoint(text + 4, &syslog->address, &syslog->port)) {
        syslog->kind = SITE_SYSLOG_TCP;
    } else {
        unexpected(loader, node,
                   "%s: the receiver's socket such as /dev/log, or udp:192.168.1.5, "
                   "udp:192.168.1.5:514 or tcp:192.168.1.5:601",
                   field->key);
    }
}

/* RFC 5424 6.2.1 table 1, by the names of syslog.conf(5); the local ones are 16 to 23. */
static void load_facility(struct loader *loader, const struct node *node, const struct field *field,
                          void *object)
{
    static const char *const words[] = {
        "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
        "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
        "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
    struct site_syslog *const syslog = object;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (node->kind == NODE_SCALAR && strcmp(node->text, words[i]) == 0) {
            syslog->facility = (uint16_t)i;
            return;
        }
    unexpected(loader, node, "%s: local0 to local7, auth, authpriv, daemon or another of syslog's",
               field->key);
}

static void load_own_name(struct loader *loader, const struct node *node, const struct field *field,
                          void *object)
{
    (void)field;
    struct site_syslog *const syslog = object;
    const char *name = load_name(loader, node, "host, the gateway's name in syslog");
    if (name)
        memcpy(syslog->host, name, strlen(name) + 1);
}

static void load_syslog(struct loader *loader, const struct node *node, const struct field *field,
                        void *object)
{
    static const struct field fields[] = {
        {.key = "to", .required = true, .load = load_receiver},
        {.key = "facility", .load = load_facility},
        {.key = "host", .load = load_own_name},
    };
    (void)field;
    struct site *const site = object;
    if (node->kind == NODE_SCALAR)
        load_receiver(loader, node, field, &site->syslog);
    else
        LOAD_MAP(loader, node, "syslog", fields, &site->syslog);
}

void load_audit(struct loader *loader, const struct node *node, const struct field *field,
                void *object)
{
    static const struct field fields[] = {
        {.key = "file", .load = load_file},
        {.key = "size", .load = load_size},
        {.key = "keep",
         .load = load_u16,
         .offset = offsetof(struct site, audit_keep),
         .low = 1,
         .high = 999},
        {.key = "lines", .load = load_lines},
        {.key = "interval", .load = load_interval},
        {.key = "syslog", .load = load_syslog},
    };
    struct site *const site = object;
    if (node->kind == NODE_SCALAR) {
        load_file(loader, node, field, site);
        return;
    }
    LOAD_MAP(loader, node, "audit", fields, site);
    const struct node *const sized =
        node->kind == NODE_MAP ? map_entry(node, site->audit_size ? "size" : "keep") : NULL;
    if (sized && (site->audit[0] == '\0' || strcmp(site->audit, "-") == 0))
        unexpected(loader, sized, "'%s' only beside a 'file' with a path", sized->key->text);
    else if (sized && site->audit_size == 0)
        unexpected(loader, sized, "'keep' only beside 'size'");
}
