/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a register or coil held when it was last read or written through here, for the audit line
 * of the next write. Nothing is decided by it (steps.c has what decides).
 *
 * One entry a register, one for sixteen coils (policy/last_values.c).
 */
#include "policy/image.h"
#include "policy/state.h"
#include "protocols/modbus/rules.h"
#include "sluice/audit.h"

enum table { HOLDING, COILS };

static uint32_t key_of(const struct policy_service *service, unsigned unit, enum table table,
                       uint32_t address)
{
    /* 1 + 6 (SL_MAX_SERVICES) + 8 + 1 + 16 bits: never 0 */
    return UINT32_C(1) << 31 | (uint32_t)(service->number & 63u) << 25 | (uint32_t)unit << 17 |
           (uint32_t)table << 16 | address;
}

static void set(struct policy_state *state, uint32_t key, uint16_t value, uint16_t known)
{
    struct policy_last_value *const last = policy_last_take(state, key);
    last->value = (last->value & (uint32_t)~known) | (value & known);
    last->known |= known;
}

static void forget(struct policy_state *state, uint32_t key, uint16_t bits)
{
    if (policy_last_find(state, key))
        policy_last_take(state, key)->known &= (uint16_t)~bits;
}

/* Which of the sixteen coils of `group` are within first .. first + count - 1. */
static uint16_t coil_bits(uint32_t group, uint32_t first, uint32_t count)
{
    const uint32_t low = group * 16, end = first + count;
    uint32_t bits = 0xffff;
    if (first > low)
        bits &= 0xffffu << (first - low);
    if (end < low + 16)
        bits &= 0xffffu >> (low + 16 - end);
    return (uint16_t)bits;
}

/* A run of registers or coils that a message writes or a reply tells. */
struct run {
    enum table table;
    uint32_t first, count;
    const void *values; /* of the message; NULL: not known */
};

static void note(struct policy_state *state, const struct policy_service *service, unsigned unit,
                 const struct run *run)
{
    const uint16_t *const registers = run->values;
    const uint8_t *const coils = run->values;
    if (run->count == 0)
        return;
    if (run->table == HOLDING) {
        for (uint32_t i = 0; i < run->count; i++) {
            const uint32_t key = key_of(service, unit, HOLDING, (run->first + i) & 0xffff);
            if (registers)
                set(state, key, registers[i], 0xffff);
            else
                forget(state, key, 0xffff);
        }
        return;
    }
    for (uint32_t group = run->first / 16; group <= (run->first + run->count - 1) / 16; group++) {
        const uint16_t bits = coil_bits(group, run->first, run->count);
        const uint32_t key = key_of(service, unit, COILS, group & 0xffff);
        uint32_t value = 0;
        for (uint32_t bit = 0; coils && bit < 16; bit++) {
            const uint32_t i = group * 16 + bit - run->first;
            if (bits >> bit & 1)
                value |= (uint32_t)(coils[i / 8] >> i % 8 & 1) << bit;
        }
        if (coils)
            set(state, key, (uint16_t)value, bits);
        else
            forget(state, key, bits);
    }
}

static bool run_written(const struct modbus_message *request, struct run *run)
{
    switch (request->function) {
    case MODBUS_WRITE_SINGLE_COIL:
    case MODBUS_WRITE_MULTIPLE_COILS:
        *run = (struct run){COILS, request->address, request->count, request->value.coils};
        return true;
    case MODBUS_WRITE_SINGLE_REGISTER:
    case MODBUS_WRITE_MULTIPLE_REGISTERS:
        *run = (struct run){HOLDING, request->address, request->count, request->value.registers};
        return true;
    case MODBUS_READ_WRITE_MULTIPLE_REGISTERS:
        *run =
            (struct run){HOLDING, request->write_address, request->count, request->value.registers};
        return true;
    case MODBUS_MASK_WRITE_REGISTER:
        *run = (struct run){HOLDING, request->address, 1, NULL};
        return true;
    default:
        return false;
    }
}

static bool run_read(const struct modbus_message *request, const struct modbus_message *reply,
                     struct run *run)
{
    /* Of coils the wire tells whole bytes. */
    if (reply->count < request->quantity)
        return false;
    switch (request->function) {
    case MODBUS_READ_COILS:
        *run = (struct run){COILS, request->address, request->quantity, reply->value.coils};
        return true;
    case MODBUS_READ_HOLDING_REGISTERS:
    case MODBUS_READ_WRITE_MULTIPLE_REGISTERS:
        *run = (struct run){HOLDING, request->address, request->quantity, reply->value.registers};
        return true;
    default:
        return false;
    }
}

void modbus_last_sent(const struct policy_service *service, struct policy_state *state,
                      const struct modbus_message *request)
{
    struct run run;
    if (!run_written(request, &run))
        return;
    run.values = NULL; /* until the device has confirmed it */
    if (request->unit == 0 && service->flags & POLICY_SERVICE_BROADCAST)
        policy_last_forget_all(state);
    else
        note(state, service, request->unit, &run);
}

void modbus_last_outcome(const struct policy_service *service, struct policy_state *state,
                         const struct modbus_message *request, const struct modbus_message *reply)
{
    struct run run;
    if (reply == NULL || reply->kind != MODBUS_REPLY)
        return;
    /* Function 23 writes before it reads (AP 6.17): what it read is the later. */
    if (run_written(request, &run))
        note(state, service, request->unit, &run);
    if (run_read(request, reply, &run))
        note(state, service, request->unit, &run);
}

void modbus_old_values(const struct policy_service *service, const struct policy_state *state,
                       const void *request, size_t length, struct sl_audit *record)
{
    const struct modbus_message *const message = request;
    struct run run;
    if (length < MODBUS_HEAD_SIZE || message->kind != MODBUS_REQUEST || !run_written(message, &run))
        return;
    for (unsigned i = 0; i < run.count && i < SL_AUDIT_OLD; i++) {
        const uint32_t address = (run.first + i) & 0xffff;
        const uint32_t key = run.table == HOLDING
                                 ? key_of(service, message->unit, HOLDING, address)
                                 : key_of(service, message->unit, COILS, address / 16);
        const struct policy_last_value *const last = policy_last_find(state, key);
        const unsigned bit = run.table == HOLDING ? 0 : address % 16;
        if (last == NULL || (last->known >> bit & 1) == 0)
            continue;
        record->old[i] = (uint16_t)(run.table == HOLDING ? last->value : last->value >> bit & 1);
        record->old_known |= (uint8_t)(1u << i);
    }
}
