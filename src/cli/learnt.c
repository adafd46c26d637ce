/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/learnt.h"

#include <stdlib.h>
#include <string.h>

/* Room for one more of `size` bytes in a growing array. */
static bool grow(void **array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t wanted = *room ? *room * 2 : 4;
    void *larger = realloc(*array, wanted * size);
    if (!larger)
        return false;
    *array = larger;
    *room = wanted;
    return true;
}

void learnt_time(struct learnt_times *times, uint64_t count, const struct timeval *first,
                 const struct timeval *last)
{
    if (!times->count || timercmp(first, &times->first, <))
        times->first = *first;
    if (!times->count || timercmp(last, &times->last, >))
        times->last = *last;
    times->count += count;
}

static size_t hash_key(const struct learnt_flow *key)
{
    uint64_t hash = (uint64_t)key->server << 32 | key->client;
    hash ^= (uint64_t)key->port << 48 ^ (uint64_t)key->file << 20 ^ (uint64_t)key->unit << 8 ^
            key->access;
    return (size_t)((hash * UINT64_C(0x9e3779b97f4a7c15)) >> 40) % LEARNT_BUCKETS;
}

static bool same_key(const struct learnt_flow *a, const struct learnt_flow *b)
{
    return a->server == b->server && a->client == b->client && a->port == b->port &&
           a->file == b->file && a->unit == b->unit && a->access == b->access;
}

static struct learnt_access *access_of(struct learnt *learnt, const struct learnt_flow *key)
{
    struct learnt_access **bucket = &learnt->bucket[hash_key(key)];
    for (struct learnt_access *known = *bucket; known; known = known->next_in_bucket)
        if (same_key(&known->key, key))
            return known;
    struct learnt_access *added = calloc(1, sizeof *added);
    void *list = learnt->access;
    bool fits = grow(&list, learnt->count, &learnt->room, sizeof *learnt->access);
    learnt->access = list;
    if (!added || !fits) {
        free(added);
        return NULL;
    }
    added->key = *key;
    added->next_in_bucket = *bucket;
    *bucket = added;
    learnt->access[learnt->count++] = added;
    return added;
}

/* Adds low..high, joining every span that it meets or touches. */
static bool add_span(struct learnt_access *access, uint32_t low, uint32_t high)
{
    size_t first = 0;
    while (first < access->span_count && access->span[first].high + 1 < low)
        first++;
    size_t after = first;
    for (; after < access->span_count && access->span[after].low <= high + 1; after++) {
        if (access->span[after].low < low)
            low = access->span[after].low;
        if (access->span[after].high > high)
            high = access->span[after].high;
    }
    if (after == first) {
        void *spans = access->span;
        bool fits = grow(&spans, access->span_count, &access->span_room, sizeof *access->span);
        access->span = spans;
        if (!fits)
            return false;
    }
    memmove(&access->span[first + 1], &access->span[after],
            (access->span_count - after) * sizeof *access->span);
    access->span_count = access->span_count - (after - first) + 1;
    access->span[first] = (struct span){low, high};
    return true;
}

static bool add_value(struct learnt_access *access, uint16_t address, uint16_t value)
{
    size_t low = 0, high = access->value_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (access->value[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == access->value_count || access->value[low].address != address) {
        void *values = access->value;
        bool fits = grow(&values, access->value_count, &access->value_room, sizeof *access->value);
        access->value = values;
        if (!fits)
            return false;
        memmove(&access->value[low + 1], &access->value[low],
                (access->value_count - low) * sizeof *access->value);
        access->value[low] = (struct learnt_value){.address = address, .low = value, .high = value};
        access->value_count++;
    }
    struct learnt_value *known = &access->value[low];
    known->low = value < known->low ? value : known->low;
    known->high = value > known->high ? value : known->high;
    known->count++;
    return true;
}

struct request {
    struct learnt *learnt;
    const struct modbus_message *message;
    const struct timeval *time;
    struct learnt_flow key;
};

static struct learnt_access *take(struct request *request, enum modbus_access access,
                                  uint32_t first, uint32_t count)
{
    request->key.access = (uint8_t)access;
    struct learnt_access *known = access_of(request->learnt, &request->key);
    if (!known || !add_span(known, first, first + (count ? count - 1 : 0))) {
        request->learnt->no_memory = true;
        return NULL;
    }
    learnt_time(&known->times, 1, request->time, request->time);
    return known;
}

static void take_registers(struct request *request, enum modbus_access access, uint16_t first)
{
    const struct modbus_message *message = request->message;
    struct learnt_access *known = take(request, access, first, message->count);
    for (unsigned i = 0; known && i < message->count; i++)
        if (!add_value(known, (uint16_t)(first + i), message->value.registers[i]))
            request->learnt->no_memory = true;
}

static void take_coils(struct request *request, enum modbus_access access)
{
    const struct modbus_message *message = request->message;
    struct learnt_access *known = take(request, access, message->address, message->count);
    for (unsigned i = 0; known && i < message->count; i++)
        if (!add_value(known, (uint16_t)(message->address + i),
                       message->value.coils[i / 8] >> i % 8 & 1))
            request->learnt->no_memory = true;
}

static void take_files(struct request *request, enum modbus_access access)
{
    for (unsigned i = 0; i < request->message->parts; i++) {
        const struct modbus_file_part *part = &request->message->part[i];
        request->key.file = part->file;
        take(request, access, part->record, part->length);
    }
}

/* The parts that policy decides on, as src/protocols/modbus/rules.c has them. */
static void take_parts(struct request *request)
{
    const struct modbus_message *message = request->message;
    switch (message->function) {
    case MODBUS_READ_COILS:
        take(request, MODBUS_ACCESS_READ_COILS, message->address, message->quantity);
        break;
    case MODBUS_READ_DISCRETE_INPUTS:
        take(request, MODBUS_ACCESS_READ_DISCRETE_INPUTS, message->address, message->quantity);
        break;
    case MODBUS_READ_HOLDING_REGISTERS:
        take(request, MODBUS_ACCESS_READ_HOLDING_REGISTERS, message->address, message->quantity);
        break;
    case MODBUS_READ_INPUT_REGISTERS:
        take(request, MODBUS_ACCESS_READ_INPUT_REGISTERS, message->address, message->quantity);
        break;
    case MODBUS_READ_FIFO_QUEUE:
        take(request, MODBUS_ACCESS_READ_FIFO_QUEUE, message->address, 1);
        break;
    case MODBUS_WRITE_SINGLE_COIL:
        take_coils(request, MODBUS_ACCESS_WRITE_SINGLE_COIL);
        break;
    case MODBUS_WRITE_MULTIPLE_COILS:
        take_coils(request, MODBUS_ACCESS_WRITE_MULTIPLE_COILS);
        break;
    case MODBUS_WRITE_SINGLE_REGISTER:
        take_registers(request, MODBUS_ACCESS_WRITE_SINGLE_REGISTER, message->address);
        break;
    case MODBUS_WRITE_MULTIPLE_REGISTERS:
        take_registers(request, MODBUS_ACCESS_WRITE_MULTIPLE_REGISTERS, message->address);
        break;
    case MODBUS_MASK_WRITE_REGISTER:
        take(request, MODBUS_ACCESS_MASK_WRITE_REGISTER, message->address, 1);
        break;
    case MODBUS_READ_WRITE_MULTIPLE_REGISTERS:
        take(request, MODBUS_ACCESS_READ_WRITE_READ, message->address, message->quantity);
        take_registers(request, MODBUS_ACCESS_READ_WRITE_WRITE, message->write_address);
        break;
    case MODBUS_READ_FILE_RECORD:
        take_files(request, MODBUS_ACCESS_READ_FILE_RECORD);
        break;
    case MODBUS_WRITE_FILE_RECORD:
        take_files(request, MODBUS_ACCESS_WRITE_FILE_RECORD);
        break;
    case MODBUS_DIAGNOSTICS:
        take(request, MODBUS_ACCESS_DIAGNOSTICS, message->subfunction, 1);
        break;
    case MODBUS_READ_EXCEPTION_STATUS:
        take(request, MODBUS_ACCESS_READ_EXCEPTION_STATUS, 0, 1);
        break;
    case MODBUS_GET_COMM_EVENT_COUNTER:
        take(request, MODBUS_ACCESS_GET_COMM_EVENT_COUNTER, 0, 1);
        break;
    case MODBUS_GET_COMM_EVENT_LOG:
        take(request, MODBUS_ACCESS_GET_COMM_EVENT_LOG, 0, 1);
        break;
    case MODBUS_REPORT_SERVER_ID:
        take(request, MODBUS_ACCESS_REPORT_SERVER_ID, 0, 1);
        break;
    case MODBUS_ENCAPSULATED_INTERFACE:
        take(request,
             message->mei == MODBUS_MEI_CANOPEN ? MODBUS_ACCESS_CANOPEN
                                                : MODBUS_ACCESS_DEVICE_IDENTIFICATION,
             0, 1);
        break;
    default: /* without a configuration no function is opaque */
        break;
    }
}

void learnt_request(struct learnt *learnt, const struct endpoint *client,
                    const struct endpoint *server, const struct timeval *time,
                    const struct modbus_message *request)
{
    struct request taken = {.learnt = learnt, .message = request, .time = time};
    taken.key.client = endpoint_ipv4(client);
    taken.key.server = endpoint_ipv4(server);
    taken.key.port = server->port;
    taken.key.unit = request->unit;
    if (!taken.key.client || !taken.key.server) {
        learnt->counts.not_ipv4++;
        return;
    }
    take_parts(&taken);
    learnt_time(&learnt->counts.requests, 1, time, time);
}

void learnt_free(struct learnt *learnt)
{
    for (size_t i = 0; i < learnt->count; i++) {
        free(learnt->access[i]->span);
        free(learnt->access[i]->value);
        free(learnt->access[i]);
    }
    free(learnt->access);
    memset(learnt, 0, sizeof *learnt);
}
