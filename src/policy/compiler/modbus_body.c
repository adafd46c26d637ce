/* SPDX-License-Identifier: BSD-2-Clause */
/* A Modbus service's rules as the tables of protocols/modbus/rules.h. */
#include <string.h>

#include "policy/compiler/address_table.h"
#include "policy/compiler/division.h"
#include "policy/compiler/image_build.h"
#include "policy/compiler/modbus_words.h"

#define MOST_EXACT_BITS 16u

static void place_exact(struct arena *arena, struct buffer *body, const struct division *division,
                        struct modbus_rules *head)
{
    const struct exact_client *clients = division->exact.items;
    const size_t count = division->exact.count;
    unsigned bits = 0;
    while (count && (size_t)1 << bits < 2 * count && bits < MOST_EXACT_BITS)
        bits++;
    struct modbus_exact_client *slots = NULL;
    unsigned probes = 0;
    for (bool placed = false; !placed;) {
        const uint32_t mask = (UINT32_C(1) << bits) - 1;
        slots = arena_take(arena, sizeof *slots << bits);
        placed = true;
        probes = 0;
        for (size_t i = 0; i < count && placed; i++) {
            uint32_t slot = modbus_client_hash(clients[i].address, bits);
            unsigned probe = 1;
            while (slots[slot & mask].used && probe <= UINT8_MAX) {
                slot++;
                probe++;
            }
            placed = probe <= UINT8_MAX;
            if (!placed)
                break;
            slots[slot & mask] =
                (struct modbus_exact_client){clients[i].address, (uint16_t)clients[i].class, 1};
            probes = probe > probes ? probe : probes;
        }
        if (!placed && bits++ == MOST_EXACT_BITS) {
            head->exact_bits = UINT8_MAX; /* the caller reports it */
            return;
        }
    }
    head->exact = buffer_add(body, slots, sizeof *slots << bits, 8);
    head->exact_bits = (uint8_t)bits;
    head->exact_probes = (uint8_t)probes;
}

static void place_clients(struct buffer *body, const struct division *division,
                          struct modbus_rules *head)
{
    const struct client_range *ranges = division->ranges.items;
    head->range_count = (uint16_t)division->ranges.count;
    head->range_starts = buffer_add(body, NULL, division->ranges.count * sizeof(uint32_t), 8);
    head->range_classes = buffer_add(body, NULL, division->ranges.count * sizeof(uint16_t), 8);
    for (size_t i = 0; i < division->ranges.count; i++) {
        const uint16_t class = (uint16_t)ranges[i].class;
        memcpy(body->bytes + head->range_starts + i * 4, &ranges[i].start, 4);
        memcpy(body->bytes + head->range_classes + i * 2, &class, 2);
    }
    const struct client_class *classes = division->classes.items;
    head->class_count = (uint16_t)division->classes.count;
    for (size_t i = 0; i < division->classes.count; i++) {
        const struct modbus_client_class class = {
            .first_row = classes[i].first_row,
            .unit_map = (uint16_t)classes[i].unit_map,
            .unit_classes = (uint16_t)classes[i].unit_classes,
            .allows = classes[i].allows,
        };
        const uint32_t at = buffer_add(body, &class, sizeof class, i ? 4 : 8);
        if (i == 0)
            head->classes = at;
    }
    head->unit_map_count = (uint16_t)division->unit_maps.list.count;
    for (uint32_t i = 0; i < division->unit_maps.list.count; i++) {
        const uint32_t at = buffer_add(body, interned(&division->unit_maps, i)->bytes, 256, 8);
        if (i == 0)
            head->unit_maps = at;
    }
}

/* Numbers of 32 bits as an array of 16. */
static uint32_t place_u16(struct buffer *body, const struct arena_list *numbers)
{
    const uint32_t offset = buffer_add(body, NULL, numbers->count * sizeof(uint16_t), 8);
    for (size_t i = 0; i < numbers->count; i++) {
        const uint16_t number = (uint16_t)((const uint32_t *)numbers->items)[i];
        memcpy(body->bytes + offset + i * sizeof number, &number, sizeof number);
    }
    return offset;
}

static uint32_t place_interned(struct buffer *body, const struct intern *table, size_t size)
{
    const uint32_t offset = buffer_add(body, NULL, table->list.count * size, 8);
    for (uint32_t i = 0; i < table->list.count; i++)
        memcpy(body->bytes + offset + i * size, interned(table, i)->bytes, size);
    return offset;
}

static void place_functions(const struct modbus_service_rules *service, struct modbus_rules *head)
{
    for (unsigned function = 0; function < sizeof head->access; function++) {
        const struct modbus_word *word = modbus_word_by_function(function);
        if (word)
            head->access[function] = (uint8_t)__builtin_ctzll(word->accesses);
    }
    for (unsigned i = 0; i < service->opaque_function_count; i++)
        head->access[service->opaque_functions[i]] = (uint8_t)(MODBUS_ACCESS_OPAQUE + i);
}

/* The rows name cells; the image's name tables. */
static void place_rows(struct arena *arena, struct buffer *body, const struct division *division,
                       struct tables *tables, struct modbus_rules *head)
{
    const struct cell *cells = division->cells.items;
    uint32_t *table = arena_take(arena, division->cells.count * sizeof *table);
    for (size_t i = 0; i < division->cells.count; i++)
        table[i] = table_of_cell(tables, &cells[i]);
    uint32_t *rows = division->row_cells.items;
    for (size_t i = 0; i < division->row_cells.count; i++)
        rows[i] = table[rows[i]];
    head->class_rows = place_u16(body, &division->class_rows);
    head->class_row_count = (uint32_t)division->class_rows.count;
    head->rows = place_u16(body, &division->row_cells);
    head->row_count = (uint16_t)division->rows.list.count;
    head->row_allows = buffer_add(body, division->row_allows.items, division->row_allows.count, 8);
    head->tables = place_interned(body, &tables->tables, sizeof(struct modbus_table));
    head->table_count = (uint16_t)tables->tables.list.count;
    head->limits = place_interned(body, &tables->limits, sizeof(struct modbus_limit));
    head->limit_count = (uint16_t)tables->limits.list.count;
    head->limited = buffer_add(body, tables->limited.items,
                               tables->limited.count * sizeof(struct modbus_limited), 8);
    head->limited_count = (uint32_t)tables->limited.count;
}

const uint8_t *modbus_body(struct loader *loader, struct arena *arena, uint32_t *size)
{
    const struct service_policy *place = &loader->policy->service[loader->service];
    const struct modbus_service_rules *service = &place->modbus;
    const size_t mistakes_before = loader->mistakes->list.count;
    const struct division *division = divide(arena, service);
    struct buffer body = {.arena = arena};
    struct modbus_rules head = {.access_count = (uint16_t)division->access_count};
    struct tables tables = {.arena = arena, .mistakes = loader->mistakes, .body = &body};
    buffer_add(&body, NULL, sizeof head, 8);
    bool fits = !division->too_large && division->ranges.count <= UINT16_MAX;
    if (fits) {
        place_exact(arena, &body, division, &head);
        place_clients(&body, division, &head);
        place_rows(arena, &body, division, &tables, &head);
        fits = head.exact_bits <= MOST_EXACT_BITS && tables.tables.list.count <= UINT16_MAX &&
               tables.limits.list.count <= UINT16_MAX && body.length <= POLICY_LARGEST_IMAGE;
    }
    if (!fits)
        mistake_at(loader->mistakes, place->line, place->column,
                   "found a service whose rules make more than %zu KiB of tables, expected fewer "
                   "different hosts, units and addresses",
                   POLICY_LARGEST_IMAGE >> 10);
    if (loader->mistakes->list.count != mistakes_before)
        return NULL;
    place_functions(service, &head);
    head.opaque = buffer_add(&body, service->opaque.items,
                             service->opaque.count * sizeof(struct modbus_opaque), 8);
    head.opaque_count = (uint16_t)service->opaque.count;
    buffer_add(&body, NULL, 0, 8);
    head.size = (uint32_t)body.length;
    memcpy(body.bytes, &head, sizeof head);
    *size = head.size;
    return body.bytes;
}
