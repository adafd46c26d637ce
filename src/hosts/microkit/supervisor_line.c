/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/microkit/supervisor_line.h"

#include "hosts/microkit/fault.h"
#include "hosts/microkit/uart.h"
#include "util/timestamp.h"

#define HASH_SIZE 8u

void supervisor_line_start(struct sl_json *json, char *text, size_t size,
                           const struct supervisor_line *line, const char *event)
{
    sl_json_start(json, text, size);
    sl_json_open_object(json, NULL);
    if (line->wall_offset) {
        char timestamp[TIMESTAMP_SIZE];
        timestamp_format(line->wall_offset + line->now, timestamp);
        sl_json_string(json, "timestamp", timestamp);
    } else {
        sl_json_number(json, "uptime_us", line->now / 1000);
    }
    sl_json_string(json, "event_type", "gateway");
    sl_json_number(json, "supervisor_seq", line->sequence);
    sl_json_hex(json, "boot", line->boot, HASH_SIZE);
    sl_json_number(json, "epoch", line->epoch);
    sl_json_hex(json, "policy", line->policy_hash, HASH_SIZE);
    sl_json_string(json, "component", "supervisor");
    sl_json_string(json, "event", event);
}

void supervisor_line_send(struct sl_json *json, void *uart, bool fresh)
{
    sl_json_close_object(json);
    if (fresh)
        uart_write(uart, "\n", 1);
    uart_write(uart, json->text, json->length);
    uart_write(uart, "\n", 1);
}

/* The component's word: printable or replaced. */
static void add_fault_text(struct sl_json *json)
{
    char text[FAULT_TEXT_WORDS * 8 + 1];
    for (unsigned i = 0; i < sizeof text - 1; i++) {
        seL4_Word word = seL4_GetMR((int)(seL4_UnknownSyscall_X2 + i / 8));
        char c = (char)(word >> i % 8 * 8);
        text[i] = c == 0 || (c >= 0x20 && c < 0x7f) ? c : '?';
    }
    text[sizeof text - 1] = '\0';
    sl_json_string(json, "cause", "fault");
    sl_json_string(json, "fault", text);
    sl_json_number(json, "found", seL4_GetMR(seL4_UnknownSyscall_X0));
    sl_json_number(json, "expected", seL4_GetMR(seL4_UnknownSyscall_X1));
}

static void add_hex(struct sl_json *json, const char *key, uint64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    sl_json_hex(json, key, bytes, sizeof bytes);
}

void supervisor_line_cause(struct sl_json *json, seL4_MessageInfo_t message)
{
    switch (seL4_MessageInfo_get_label(message)) {
    case seL4_Fault_VMFault:
        sl_json_string(json, "cause", "memory-fault");
        add_hex(json, "address", seL4_GetMR(seL4_VMFault_Addr));
        add_hex(json, "instruction", seL4_GetMR(seL4_VMFault_IP));
        break;
    case seL4_Fault_UnknownSyscall:
        if (seL4_GetMR(seL4_UnknownSyscall_Syscall) == FAULT_SYSTEM_CALL) {
            add_fault_text(json);
            break;
        }
        sl_json_string(json, "cause", "forbidden-system-call");
        add_hex(json, "instruction", seL4_GetMR(seL4_UnknownSyscall_FaultIP));
        break;
    case seL4_Fault_UserException:
        sl_json_string(json, "cause", "exception");
        add_hex(json, "instruction", seL4_GetMR(seL4_UserException_FaultIP));
        break;
    case seL4_Fault_CapFault:
        sl_json_string(json, "cause", "forbidden-capability");
        break;
    default:
        sl_json_string(json, "cause", "unknown");
        sl_json_number(json, "label", seL4_MessageInfo_get_label(message));
    }
}
