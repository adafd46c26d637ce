/* SPDX-License-Identifier: BSD-2-Clause */
/* The decision on a Modbus request, by lookups in the service's tables (rules.h). */
#include "protocols/modbus/rules.h"

#include "policy/image.h"
#include "policy/state.h"
#include "sluice/audit.h"

#define SIGN_16 UINT32_C(0x8000)
#define SIGN_32 UINT32_C(0x80000000)

/* policy_service_body() without a call: this is on every message's path. */
static inline const struct modbus_rules *rules_of(const struct policy_service *service)
{
    return (const void *)((const uint8_t *)service - service->image + service->body);
}

static inline const void *at(const struct modbus_rules *rules, uint32_t offset)
{
    return (const uint8_t *)rules + offset;
}

const struct modbus_opaque *modbus_opaque_find(const struct policy_service *service,
                                               uint8_t function, enum sl_direction direction)
{
    if (service == NULL)
        return NULL;
    const struct modbus_rules *const rules = rules_of(service);
    const struct modbus_opaque *const entry = at(rules, rules->opaque);
    for (unsigned i = 0; i < rules->opaque_count; i++)
        if (entry[i].function == function && entry[i].direction == direction)
            return &entry[i];
    return NULL;
}

bool modbus_value_order(enum modbus_value_type type, uint32_t bits, uint32_t *order)
{
    switch (type) {
    case MODBUS_INT16:
        *order = (bits ^ SIGN_16) & 0xffff;
        return true;
    case MODBUS_INT32:
        *order = bits ^ SIGN_32;
        return true;
    case MODBUS_FLOAT32:
        if ((bits & ~SIGN_32) > UINT32_C(0x7f800000))
            return false;
        if (bits == SIGN_32)
            bits = 0;
        *order = bits & SIGN_32 ? ~bits : bits | SIGN_32;
        return true;
    case MODBUS_UINT16:
    case MODBUS_UINT32:
    case MODBUS_COIL:
        break;
    }
    *order = bits;
    return true;
}

static const struct modbus_client_class *client_class(const struct modbus_rules *rules,
                                                      uint32_t client)
{
    const struct modbus_client_class *const classes = at(rules, rules->classes);
    const struct modbus_exact_client *const exact = at(rules, rules->exact);
    const uint32_t mask = (UINT32_C(1) << rules->exact_bits) - 1;
    uint32_t slot = modbus_client_hash(client, rules->exact_bits);
    for (unsigned probe = 0; probe < rules->exact_probes; probe++, slot++) {
        const struct modbus_exact_client *const found = &exact[slot & mask];
        if (!found->used)
            break;
        if (found->address == client)
            return &classes[found->class];
    }

    const uint32_t *const start = at(rules, rules->range_starts);
    const uint16_t *const class = at(rules, rules->range_classes);
    unsigned low = 0, count = rules->range_count;
    while (count > 1) { /* the last start that is not above `client`; the first is 0 */
        const unsigned half = count / 2;
        if (start[low + half] <= client)
            low += half;
        count -= half;
    }
    return &classes[class[low]];
}

static inline unsigned segment_of(const struct modbus_rules *rules,
                                  const struct modbus_table *table, uint32_t address)
{
    const uint16_t *const start = at(rules, table->starts);
    const uint16_t *const index = at(rules, table->index);
    const uint32_t entry = address >> table->shift;
    if (entry >= table->index_count)
        return table->segment_count - 1u;
    unsigned low = index[entry];
    unsigned count = index[entry + 1] >= low ? index[entry + 1] - low + 1u : 1u;
    while (count > 1) {
        const unsigned half = count / 2;
        if (start[low + half] <= address)
            low += half;
        count -= half;
    }
    return low;
}

/* What a part writes: as many registers or coils as it has addresses; nothing for reads, and
 * for a mask write, whose result only the device knows. */
struct written {
    const uint16_t *registers;
    const uint8_t *coils;
};

struct part {
    enum modbus_access access;
    uint32_t file; /* functions 20 and 21 */
    uint32_t first, last;
    struct written written;
};

static bool within(const struct modbus_rules *rules, const struct modbus_limit *limit,
                   uint32_t bits)
{
    uint32_t order;
    if (!modbus_value_order(limit->type, bits, &order))
        return false;
    const struct modbus_value_range *range = at(rules, limit->ranges);
    unsigned low = 0, count = limit->count;
    while (count > 1) {
        const unsigned half = count / 2;
        if (range[low + half].low <= order)
            low += half;
        count -= half;
    }
    return limit->count && range[low].low <= order && order <= range[low].high;
}

static uint32_t wide_value(const struct modbus_limit *limit, const uint16_t *registers)
{
    return limit->low_first ? (uint32_t)registers[1] << 16 | registers[0]
                            : (uint32_t)registers[0] << 16 | registers[1];
}

/* True when the one value at `offset` of the part is known and within the limit. */
static bool single_within(const struct modbus_rules *rules, const struct modbus_limit *limit,
                          const struct written *written, uint32_t offset)
{
    if (limit->type == MODBUS_COIL)
        return within(rules, limit, written->coils[offset / 8] >> offset % 8 & 1u);
    return within(rules, limit, written->registers[offset]);
}

static bool readable(const struct modbus_limit *limit, const struct written *written)
{
    return limit->type == MODBUS_COIL ? written->coils != NULL : written->registers != NULL;
}

/* What a client may do on a unit. */
struct row {
    const struct modbus_rules *rules;
    const uint16_t *tables; /* by access */
    const struct modbus_client_class *class;
    unsigned number;
    const struct policy_service *service;
    struct policy_state *state; /* NULL: nothing is known */
    uint8_t unit;
};

static enum sl_reason value_allowed(const struct row *row, const struct modbus_limit *limit,
                                    uint32_t address, uint32_t bits)
{
    if (!within(row->rules, limit, bits))
        return SL_REASON_NO_RULE_VALUE;
    if (limit->step &&
        !modbus_step_within(row->service, row->state, limit, row->unit, address, bits))
        return SL_REASON_NO_RULE_STEP;
    return SL_REASON_NONE;
}

/* An allow rule's limit: every value that the part writes must be known whole and within. */
static enum sl_reason limit_allows(const struct row *row, const struct modbus_limited *limited,
                                   const struct modbus_limit *limit, const struct part *part)
{
    if (!readable(limit, &part->written))
        return SL_REASON_NO_RULE_VALUE;
    const uint32_t count = part->last - part->first + 1;
    const bool wide = modbus_value_is_wide(limit->type);
    if (wide && ((part->first - limited->first) % 2 || count % 2))
        return SL_REASON_NO_RULE_VALUE;
    enum sl_reason reason = SL_REASON_NONE;
    for (uint32_t i = 0; i < count; i += wide ? 2 : 1) {
        const uint32_t bits = wide ? wide_value(limit, part->written.registers + i)
                              : limit->type == MODBUS_COIL
                                  ? part->written.coils[i / 8] >> i % 8 & 1u
                                  : part->written.registers[i];
        const enum sl_reason each = value_allowed(row, limit, part->first + i, bits);
        if (each == SL_REASON_NO_RULE_VALUE)
            return each;
        if (each != SL_REASON_NONE)
            reason = each;
    }
    return reason;
}

/* A deny rule's limit: one value within is enough, and so is one that cannot be known. */
static bool limit_denies(const struct modbus_rules *rules, const struct modbus_limited *limited,
                         const struct modbus_limit *limit, const struct part *part)
{
    if (!readable(limit, &part->written))
        return true;
    const uint32_t first = part->first > limited->first ? part->first : limited->first;
    const uint32_t last = part->last < limited->last ? part->last : limited->last;
    if (!modbus_value_is_wide(limit->type)) {
        for (uint32_t i = first; i <= last; i++)
            if (single_within(rules, limit, &part->written, i - part->first))
                return true;
        return false;
    }
    if ((first - limited->first) % 2 || (last - first) % 2 == 0)
        return true;
    for (uint32_t i = first; i < last; i += 2)
        if (within(rules, limit, wide_value(limit, part->written.registers + (i - part->first))))
            return true;
    return false;
}

/* A decision in one register: the reason above, the rule below. Small structs returned by value
 * go through memory with gcc, which took longer than all the lookups together. */
typedef uint32_t outcome;

static inline outcome denied(enum sl_reason reason)
{
    return (uint32_t)reason << 16 | SL_NO_RULE;
}

/* `reason`: what the rule names, as the client's exception says it (refuse.c). */
static inline outcome denied_by(uint16_t rule, enum sl_reason reason)
{
    return (uint32_t)reason << 16 | rule;
}

static inline outcome allowed_by(uint16_t rule)
{
    return (uint32_t)SL_REASON_NONE << 16 | rule;
}

static inline enum sl_reason reason_of(outcome decision)
{
    return (enum sl_reason)(decision >> 16);
}

static inline bool by_deny_rule(outcome decision)
{
    return reason_of(decision) >= SL_REASON_DENY_RULE &&
           reason_of(decision) <= SL_REASON_DENY_RULE_VALUE;
}

static inline const void *image_of(const struct row *row)
{
    return (const uint8_t *)row->service - row->service->image;
}

/* A deny rule with a condition denies where the clock does not say otherwise. */
static bool may_deny(const struct row *row, const struct modbus_limited *limited)
{
    if (limited->condition == POLICY_NONE)
        return true;
    const enum sl_reason fails =
        policy_condition_fails(row->state, image_of(row), limited->condition);
    return fails == SL_REASON_NONE || fails == SL_REASON_CLOCK_NOT_SET;
}

static inline enum sl_reason why_denied(const struct modbus_limited *limited)
{
    if (limited->limit != POLICY_NONE)
        return SL_REASON_DENY_RULE_VALUE;
    return limited->addressed ? SL_REASON_DENY_RULE_ADDRESS : SL_REASON_DENY_RULE;
}

/* SL_NO_RULE by nothing, or denied by the deny rule with a limit that covers some of the part. A
 * rule is looked at once: where the part begins, or where the rule's addresses do. */
static outcome limited_deny(const struct row *row, const struct modbus_table *table,
                            unsigned number, const struct part *part)
{
    const struct modbus_rules *const rules = row->rules;
    const uint16_t *const start = at(rules, table->starts);
    const struct modbus_segment *const segments = at(rules, table->segments);
    const struct modbus_limited *const all = at(rules, rules->limited);
    const struct modbus_limit *const limits = at(rules, rules->limits);
    for (unsigned i = number; i < table->segment_count && start[i] <= part->last; i++) {
        const struct modbus_limited *limited =
            all + segments[i].limited + segments[i].limited_allows;
        for (unsigned k = 0; k < segments[i].limited_denies; k++, limited++)
            if ((i == number || limited->first == start[i]) && limited->first <= part->last &&
                limited->last >= part->first &&
                (limited->limit == POLICY_NONE ||
                 limit_denies(rules, limited, &limits[limited->limit], part)) &&
                may_deny(row, limited))
                return denied_by(limited->rule, why_denied(limited));
    }
    return allowed_by(SL_NO_RULE);
}

static outcome decide_in_table(const struct row *row, const struct modbus_table *table,
                               const struct part *part)
{
    const struct modbus_rules *const rules = row->rules;
    const unsigned number = segment_of(rules, table, part->first);
    const struct modbus_segment *const segment =
        (const struct modbus_segment *)at(rules, table->segments) + number;

    if (segment->deny_rule != SL_NO_RULE && segment->deny_start <= part->last)
        return denied_by(segment->deny_rule, segment->deny_addressed ? SL_REASON_DENY_RULE_ADDRESS
                                                                     : SL_REASON_DENY_RULE);
    if (table->flags & MODBUS_TABLE_LIMITED_DENY) {
        const outcome decision = limited_deny(row, table, number, part);
        if (reason_of(decision) != SL_REASON_NONE)
            return decision;
    }

    if (segment->allow_rule != SL_NO_RULE && part->last <= segment->reach)
        return allowed_by(segment->allow_rule);
    const struct modbus_limited *limited =
        (const struct modbus_limited *)at(rules, rules->limited) + segment->limited;
    const struct modbus_limit *const limits = at(rules, rules->limits);
    enum sl_reason reason = SL_REASON_NO_RULE_ADDRESS;
    for (unsigned i = 0; i < segment->limited_allows; i++, limited++) {
        if (part->last > limited->last)
            continue;
        /* The rule that comes nearest says why: the reasons stand in the order of the questions. */
        enum sl_reason fails = SL_REASON_NONE;
        if (limited->limit != POLICY_NONE)
            fails = limit_allows(row, limited, &limits[limited->limit], part);
        if (fails == SL_REASON_NONE && limited->condition != POLICY_NONE)
            fails = policy_condition_fails(row->state, image_of(row), limited->condition);
        if (fails == SL_REASON_NONE)
            return allowed_by(limited->rule);
        if (fails > reason)
            reason = fails;
    }
    return denied(reason);
}

static inline struct row row_of(const struct policy_service *service, struct policy_state *state,
                                uint32_t client, uint8_t unit)
{
    const struct modbus_rules *const rules = rules_of(service);
    const struct modbus_client_class *const class = client_class(rules, client);
    const uint8_t *const map =
        (const uint8_t *)at(rules, rules->unit_maps) + 256u * class->unit_map;
    const uint16_t *const class_rows = at(rules, rules->class_rows);
    const unsigned number = class_rows[class->first_row + map[unit]];
    return (struct row){
        .rules = rules,
        .tables = (const uint16_t *)at(rules, rules->rows) + number * rules->access_count,
        .class = class,
        .number = number,
        .service = service,
        .state = state,
        .unit = unit,
    };
}

/* Why not, where an access has no allow rule. */
static enum sl_reason missing(const struct row *row)
{
    const uint8_t *const allows = at(row->rules, row->rules->row_allows);
    if (!row->class->allows)
        return SL_REASON_NO_RULE_CLIENT;
    return allows[row->number] ? SL_REASON_NO_RULE_FUNCTION : SL_REASON_NO_RULE_UNIT;
}

static outcome decide_part(const struct row *row, const struct part *part)
{
    const struct modbus_table *const tables = at(row->rules, row->rules->tables);
    const struct modbus_table *const own = &tables[row->tables[part->access]];
    const struct modbus_table *table = own;
    if (own->flags & MODBUS_TABLE_FILES) {
        const struct modbus_segment *segments = at(row->rules, own->segments);
        table = &tables[segments[segment_of(row->rules, own, part->file)].limited];
    }
    const outcome decision = decide_in_table(row, table, part);
    if (own->flags & MODBUS_TABLE_ALLOWS || by_deny_rule(decision))
        return decision;
    return denied(missing(row));
}

/* A later part's decision joined to what the earlier ones came to: a deny rule counts most,
 * then the first part that no rule covers. */
static outcome join(outcome before, outcome now)
{
    if (by_deny_rule(before))
        return before;
    if (by_deny_rule(now) || reason_of(before) == SL_REASON_NONE)
        return now;
    return before;
}

static outcome decide_files(const struct row *row, enum modbus_access access,
                            const struct modbus_message *message)
{
    if (message->parts == 0 || message->parts > MODBUS_MAX_PARTS)
        return denied(SL_REASON_CANONICAL_INVALID);
    outcome decision = allowed_by(SL_NO_RULE);
    for (unsigned i = 0; i < message->parts; i++) {
        const struct modbus_file_part *const file = &message->part[i];
        const uint32_t length = file->length ? file->length : 1;
        const struct part part = {.access = access,
                                  .file = file->file,
                                  .first = file->record,
                                  .last = file->record + length - 1};
        decision = join(decision, decide_part(row, &part));
    }
    return decision;
}

static inline void set_range(struct part *part, uint32_t address, uint32_t quantity)
{
    part->first = address;
    part->last = address + (quantity ? quantity - 1 : 0);
}

static outcome decide_parts(const struct row *row, enum modbus_access access,
                            const struct modbus_message *message)
{
    struct part part = {.access = access};
    switch (access) {
    case MODBUS_ACCESS_READ_COILS:
    case MODBUS_ACCESS_READ_DISCRETE_INPUTS:
    case MODBUS_ACCESS_READ_HOLDING_REGISTERS:
    case MODBUS_ACCESS_READ_INPUT_REGISTERS:
        set_range(&part, message->address, message->quantity);
        break;
    case MODBUS_ACCESS_READ_FIFO_QUEUE:
    case MODBUS_ACCESS_MASK_WRITE_REGISTER:
        set_range(&part, message->address, 1);
        break;
    case MODBUS_ACCESS_WRITE_SINGLE_COIL:
        set_range(&part, message->address, 1);
        part.written.coils = message->value.coils;
        break;
    case MODBUS_ACCESS_WRITE_SINGLE_REGISTER:
        set_range(&part, message->address, 1);
        part.written.registers = message->value.registers;
        break;
    case MODBUS_ACCESS_WRITE_MULTIPLE_COILS:
        if (message->count > 8 * sizeof message->value.coils)
            return denied(SL_REASON_CANONICAL_INVALID);
        set_range(&part, message->address, message->count);
        part.written.coils = message->value.coils;
        break;
    case MODBUS_ACCESS_WRITE_MULTIPLE_REGISTERS:
        if (message->count > MODBUS_MAX_REGISTERS)
            return denied(SL_REASON_CANONICAL_INVALID);
        set_range(&part, message->address, message->count);
        part.written.registers = message->value.registers;
        break;
    case MODBUS_ACCESS_READ_WRITE_READ: {
        if (message->count > MODBUS_MAX_REGISTERS)
            return denied(SL_REASON_CANONICAL_INVALID);
        set_range(&part, message->address, message->quantity);
        const outcome read = decide_part(row, &part);
        part.access = MODBUS_ACCESS_READ_WRITE_WRITE;
        set_range(&part, message->write_address, message->count);
        part.written.registers = message->value.registers;
        return join(read, decide_part(row, &part));
    }
    case MODBUS_ACCESS_READ_FILE_RECORD:
    case MODBUS_ACCESS_WRITE_FILE_RECORD:
        return decide_files(row, access, message);
    case MODBUS_ACCESS_DIAGNOSTICS:
        set_range(&part, message->subfunction, 1);
        break;
    case MODBUS_ACCESS_CANOPEN:
        if (message->mei == MODBUS_MEI_DEVICE_IDENTIFICATION)
            part.access = MODBUS_ACCESS_DEVICE_IDENTIFICATION;
        break;
    default: /* no addresses: the tables have all or none */
        break;
    }
    return decide_part(row, &part);
}

static outcome decide_message(const struct policy_service *service, struct policy_state *state,
                              uint32_t client, const struct modbus_message *message)
{
    const enum modbus_access access = rules_of(service)->access[message->function & 0x7f];
    const struct row row = row_of(service, state, client, message->unit);
    const bool opaque = access >= MODBUS_ACCESS_OPAQUE;
    if (access == MODBUS_ACCESS_NONE || opaque != (message->kind == MODBUS_OPAQUE))
        return denied(missing(&row));
    return decide_parts(&row, access, message);
}

struct sl_decision modbus_decide_in(const struct policy_service *service,
                                    struct policy_state *state, uint32_t client,
                                    const void *request, size_t length)
{
    const outcome decision = length < offsetof(struct modbus_message, value)
                                 ? denied(SL_REASON_CANONICAL_INVALID)
                                 : decide_message(service, state, client, request);
    return (struct sl_decision){
        .allowed = reason_of(decision) == SL_REASON_NONE,
        .reason = reason_of(decision),
        .rule = (uint16_t)decision,
    };
}

struct sl_decision modbus_decide(const struct policy_service *service, uint32_t client,
                                 const void *request, size_t length)
{
    return modbus_decide_in(service, NULL, client, request, length);
}
