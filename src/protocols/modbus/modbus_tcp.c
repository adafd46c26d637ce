/* SPDX-License-Identifier: BSD-2-Clause */
/* Modbus/TCP as the pipeline sees it. */
#include "protocols/modbus/modbus.h"
#include "protocols/modbus/rules.h"

const struct sl_protocol modbus_tcp_protocol = {
    .name = "modbus-tcp",
    .event_type = "modbus",
    .default_port = 502, /* MG 3.1.1 */
    .max_message = MODBUS_MAX_ADU,
    .max_canonical = sizeof(struct modbus_message),
    .max_emitted = MODBUS_MAX_ADU,
    .check_rules = modbus_rules_check,
    .datagrams = true, /* an ADU or several in each */
    .frame = modbus_frame,
    .frame_key = modbus_frame_key,
    .frame_unit = modbus_frame_unit,
    .decode = modbus_decode,
    .validate = modbus_validate,
    .validate_malformed = modbus_validate_malformed,
    .decide = modbus_decide,
    .decide_in = modbus_decide_in,
    .note_sent = modbus_note_sent,
    .note_outcome = modbus_note_outcome,
    .old_values = modbus_old_values,
    .expects_reply = modbus_expects_reply,
    .match = modbus_match,
    .normalise = modbus_normalise,
    .notable = modbus_notable,
    .encode = modbus_encode,
    .refuse = modbus_refuse,
    .confirm = modbus_confirm,
    .key = modbus_key,
    .describe = modbus_describe,
    .reads = modbus_reads,
    .written = modbus_written,
    .old_value = modbus_old_value,
    .untie = modbus_untie,
    .describe_extent = modbus_describe_extent,
    .extent_words = modbus_extent_words,
    .words = modbus_phrase,
};
