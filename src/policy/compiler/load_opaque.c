/* SPDX-License-Identifier: BSD-2-Clause */
/* A Modbus service's opaque functions. */
#include <string.h>

#include "policy/compiler/load.h"
#include "policy/compiler/modbus_words.h"
#include "policy/compiler/scalars.h"

struct opaque_nodes {
    const struct node *function, *direction, *length, *bytes;
};

int modbus_opaque_access(const struct modbus_service_rules *service, uint64_t function)
{
    for (unsigned i = 0; i < service->opaque_function_count; i++)
        if (service->opaque_functions[i] == function)
            return (int)(MODBUS_ACCESS_OPAQUE + i);
    return -1;
}

static bool load_opaque_function(struct loader *loader, const struct node *node,
                                 struct modbus_opaque *opaque)
{
    struct modbus_service_rules *const service = &loader->policy->service[loader->service].modbus;
    uint64_t number;
    if (node->kind != NODE_SCALAR || !parse_number(node->text, node->length, &number) ||
        number < 1 || number > 127) {
        unexpected(loader, node, "function: a number from 1 to 127");
        return false;
    }
    const struct modbus_word *word = modbus_word_by_function((unsigned)number);
    if (word) {
        unexpected(loader, node,
                   "a function that the gateway does not understand itself: this is "
                   "%s",
                   word->name);
        return false;
    }
    opaque->function = (uint8_t)number;
    if (modbus_opaque_access(service, number) >= 0)
        return true;
    if (service->opaque_function_count == MODBUS_MAX_OPAQUE_FUNCTIONS) {
        unexpected(loader, node, "at most %u opaque functions", MODBUS_MAX_OPAQUE_FUNCTIONS);
        return false;
    }
    service->opaque_functions[service->opaque_function_count++] = (uint8_t)number;
    return true;
}

/* Bit SL_REQUEST, bit SL_REPLY; both where nothing is said. */
static unsigned load_directions(struct loader *loader, const struct node *node)
{
    const unsigned both = 1u << SL_REQUEST | 1u << SL_REPLY;
    if (node == NULL)
        return both;
    const char *text = node->kind == NODE_SCALAR ? node->text : "";
    if (strcmp(text, "request") == 0)
        return 1u << SL_REQUEST;
    if (strcmp(text, "reply") == 0)
        return 1u << SL_REPLY;
    if (strcmp(text, "both") != 0)
        unexpected(loader, node, "direction: request, reply or both");
    return both;
}

static void load_one_opaque(struct loader *loader, const struct node *node)
{
    static const struct field fields[] = {
        {"function", true, load_node, offsetof(struct opaque_nodes, function), 0, 0},
        {"direction", false, load_node, offsetof(struct opaque_nodes, direction), 0, 0},
        {"length", true, load_node, offsetof(struct opaque_nodes, length), 0, 0},
        {"bytes", false, load_node, offsetof(struct opaque_nodes, bytes), 0, 0},
    };
    struct modbus_service_rules *const service = &loader->policy->service[loader->service].modbus;
    struct opaque_nodes nodes = {0};
    LOAD_MAP(loader, node, "an opaque function", fields, &nodes);
    struct modbus_opaque opaque = {0};
    bool good = nodes.function && load_opaque_function(loader, nodes.function, &opaque);
    const unsigned directions = load_directions(loader, nodes.direction);
    uint64_t low = 0, high = 0;
    if (nodes.length &&
        (nodes.length->kind != NODE_SCALAR || !parse_range(nodes.length->text, &low, &high) ||
         low > high || high > MODBUS_MAX_PDU - 1)) {
        unexpected(loader, nodes.length,
                   "length: bytes after the function code, 0 to %u, a number or a range",
                   MODBUS_MAX_PDU - 1);
        good = false;
    }
    opaque.min_length = (uint16_t)low;
    opaque.max_length = (uint16_t)high;
    size_t prefix = 0;
    if (nodes.bytes) {
        if (!want_text(loader, nodes.bytes, "bytes: hexadecimal, such as \"0e 01\"")) {
            good = false;
        } else if (!parse_hex(nodes.bytes->text, opaque.prefix, sizeof opaque.prefix, &prefix)) {
            unexpected(loader, nodes.bytes, "bytes: hexadecimal, at most %u bytes",
                       MODBUS_OPAQUE_PREFIX);
            good = false;
        } else if (good && prefix > low) {
            unexpected(loader, nodes.bytes, "no more bytes than the shortest length, %u",
                       (unsigned)low);
            good = false;
        }
    }
    opaque.prefix_length = (uint8_t)prefix;
    for (unsigned direction = SL_REQUEST; good && direction <= SL_REPLY; direction++) {
        if (!(directions & 1u << direction))
            continue;
        const struct modbus_opaque *before = service->opaque.items;
        for (size_t i = 0; i < service->opaque.count; i++)
            if (before[i].function == opaque.function && before[i].direction == direction) {
                unexpected(loader, nodes.function, "one entry for each function and direction");
                return;
            }
        opaque.direction = (uint8_t)direction;
        memcpy(arena_append(loader->arena, &service->opaque, sizeof opaque), &opaque,
               sizeof opaque);
    }
}

void load_modbus_opaque(struct loader *loader, const struct node *node)
{
    if (node->kind != NODE_LIST) {
        unexpected(loader, node, "opaque: a list of functions");
        return;
    }
    for (const struct node *entry = node->first; entry; entry = entry->next)
        load_one_opaque(loader, entry);
}
