/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the tree to the model. The language is in tables: a map's keys, each with the function
 * that reads its value; a new key is a new line there. Whatever is wrong becomes a mistake at
 * the value that is wrong, and reading goes on.
 */
#ifndef SLUICE_POLICY_LOAD_H
#define SLUICE_POLICY_LOAD_H

#include "policy/compiler/model.h"
#include "policy/compiler/tree.h"

struct loader {
    struct site *site;
    struct site_policy *policy;
    struct arena *arena;
    struct mistakes *mistakes;
    unsigned service; /* number of the one that is being read */
    /* Points (struct policy_point) that a rule may name, the nearest first; NULL: none there. */
    const struct arena_list *points[3];
    uint64_t now;         /* Unix seconds when the file is read */
    const char *override; /* the one that is in force; NULL: none */
    bool override_rules;  /* its rules are being read */
    const char *profile;  /* whose rules are being read; NULL: the service's own */
};

struct field {
    const char *key;
    bool required;
    /* Reads `node` into `object`, the struct that the map describes. */
    void (*load)(struct loader *loader, const struct node *node, const struct field *field,
                 void *object);
    size_t offset;      /* of the member in the object, for the loaders that want it */
    uint64_t low, high; /* bounds, likewise */
};

/* Reads a map by its table; `what` is it in messages, e.g. "a service". */
void load_map(struct loader *loader, const struct node *node, const char *what,
              const struct field *fields, size_t count, void *object);
#define LOAD_MAP(loader, node, what, fields, object)                                               \
    load_map(loader, node, what, fields, sizeof(fields) / sizeof((fields)[0]), object)

/* The value of `key` in a map, NULL where it has none or is no map. */
const struct node *map_entry(const struct node *map, const char *key);

/* "found X, expected ..." at the node. */
void unexpected(struct loader *loader, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* True for a scalar with text; otherwise a mistake that says that `expected` was. */
bool want_text(struct loader *loader, const struct node *node, const char *expected);

/* Calls `item` for the scalar, or for each scalar of the list. A map, an empty list or a list
 * in a list is a mistake that says that `expected` was. */
void for_each(struct loader *loader, const struct node *node, const char *expected,
              void (*item)(struct loader *loader, const struct node *node, void *context),
              void *context);

/* "5", "0-99" or a list of these, within low..high. */
struct spans load_spans(struct loader *loader, const struct node *node, const char *what,
                        uint32_t low, uint32_t high);

/* Ready for the tables: keep the node / read a number, a word. */
void load_node(struct loader *loader, const struct node *node, const struct field *field,
               void *object);
void load_u16(struct loader *loader, const struct node *node, const struct field *field,
              void *object);

/* 1..64 letters, digits, '-', '_', '.'; otherwise a mistake and NULL. */
const char *load_name(struct loader *loader, const struct node *node, const char *what);

/* The whole text into the loader's site; void rules stay. */
void load_configuration(struct loader *loader, const char *text, size_t length);

void load_gateway(struct loader *loader, const struct node *node, const struct field *field,
                  void *object);
/* A side's `routes` and `ping`. */
void load_routes(struct loader *loader, const struct node *node, const struct field *field,
                 void *object);
/* load_audit.c */
void load_audit(struct loader *loader, const struct node *node, const struct field *field,
                void *object);
void load_ping(struct loader *loader, const struct node *node, const struct field *field,
               void *object);
bool side_routes(const struct site_side *side, uint32_t address);
void load_hosts(struct loader *loader, const struct node *node, const struct field *field,
                void *object);
void load_services(struct loader *loader, const struct node *node, const struct field *field,
                   void *object);

void load_points(struct loader *loader, const struct node *node, const struct field *field,
                 void *object);
void load_profiles(struct loader *loader, const struct node *node, const struct field *field,
                   void *object);
void load_control(struct loader *loader, const struct node *node, const struct field *field,
                  void *object);
void load_overrides(struct loader *loader, const struct node *node, const struct field *field,
                    void *object);
/* The list of rules that the override in force adds to the service at hand; NULL: none. */
const struct node *override_rules(const struct loader *loader);
/* Overrides of services that are none. */
void check_overrides(struct loader *loader);
/* Of the mistakes, those of the override in force stay. */
void keep_override_mistakes(struct loader *loader);
/* The rules of the profiles that a service names, before its own. */
void load_service_profiles(struct loader *loader, const struct node *node);

struct condition_nodes {
    const struct node *owner, *expires, *when, *rate;
};
/* The keys that rules of every protocol have, in the struct that a rule's map is read into. */
struct rule_head_nodes {
    const struct node *name, *allow, *deny, *from;
    struct condition_nodes conditions;
};
#define RULE_HEAD_FIELD(key, type, member)                                                         \
    {                                                                                              \
        key, false, load_node, offsetof(type, member), 0, 0                                        \
    }
#define RULE_HEAD_FIELDS(type, head)                                                               \
    RULE_HEAD_FIELD("name", type, head.name), RULE_HEAD_FIELD("allow", type, head.allow),          \
        RULE_HEAD_FIELD("deny", type, head.deny), RULE_HEAD_FIELD("from", type, head.from),        \
        RULE_HEAD_FIELD("owner", type, head.conditions.owner),                                     \
        RULE_HEAD_FIELD("expires", type, head.conditions.expires),                                 \
        RULE_HEAD_FIELD("when", type, head.conditions.when),                                       \
        RULE_HEAD_FIELD("rate", type, head.conditions.rate)
/* Fills `head` but for its number; returns what is allowed or denied, NULL after a mistake. */
const struct node *load_rule_head(struct loader *loader, const struct node *node,
                                  const struct rule_head_nodes *nodes, unsigned ordinal,
                                  struct rule_head *head);
/* The rule is whole: its number. */
uint16_t add_rule_name(struct loader *loader, const struct rule_head *head);
void load_rule_list(struct loader *loader, const struct node *node,
                    void (*load)(struct loader *loader, const struct node *node, unsigned ordinal));
/* The rules of the loader's service, in its protocol's language. */
void load_rules(struct loader *loader, const struct node *node);
/* A warning where no client of the rule can come. */
void warn_of_clients(struct loader *loader, const struct rule_head *head);

/* A service's keys that say how its requests go to the device. */
struct session_nodes {
    const struct node *timeout, *queue_timeout, *pipeline, *queue, *connections, *max_connections,
        *unit_0, *reply_unit;
};
/* Over what it is spoken, with clients and with the device. */
struct transport_nodes {
    const struct node *transport, *device_transport, *source_port;
};
void load_transport(struct loader *loader, const struct transport_nodes *nodes,
                    struct site_service *service);
/* After load_device() and load_session_keys(). */
void load_source_port(struct loader *loader, const struct node *node, struct site_service *service);

void load_session_keys(struct loader *loader, const struct session_nodes *nodes,
                       struct site_service *service);

/* A service's keys. */
struct service_nodes {
    const struct node *name, *protocol, *clients, *listen, *device, *one_way_reply, *profile,
        *rules, *rate, *on_deny, *mode;
    struct session_nodes session;
    struct transport_nodes transport;
    const struct node *opaque, *points; /* Modbus */
    const struct node *stations, *noise, *unsolicited, *response_fragments,
        *response_size; /* DNP3 */
};

/* True: `node` is one of `count` words, `*index` which. Otherwise a mistake. */
bool load_word(struct loader *loader, const struct node *node, const char *key,
               const char *const *words, unsigned count, unsigned *index);

void load_modbus_opaque(struct loader *loader, const struct node *node);
/* `type` and `word-order`, of a rule or a point; `*type` MODBUS_COIL has neither. */
void load_value_type(struct loader *loader, const struct node *node, enum modbus_value_type *type);
void load_word_order(struct loader *loader, const struct node *node, enum modbus_value_type type,
                     bool *low_first);
/* The access of an opaque function that the service lists, -1 for any other. */
int modbus_opaque_access(const struct modbus_service_rules *service, uint64_t function);

/* `text`, and what the rule asks beside the message: ", at most 5/s, owner me". */
const char *rule_conditions_text(struct arena *arena, const struct rule_head *rule,
                                 const char *text);

/* A rule's sentence, and a value as its rule says it. */
void modbus_explain_rule(struct arena *arena, const struct modbus_service_rules *service,
                         const struct modbus_rule *rule, FILE *out);
const char *modbus_value_text(struct arena *arena, const struct modbus_rule *rule, uint32_t order);

/* Rules that others make void: mistakes, and warnings where only in part. */
void find_void_rules(struct loader *loader);

#endif
