/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a message was not simply accepted. The names are stable: they stand in audit lines, in
 * `decode` and `replay`, and in tests. Add at the end of a group; never rename.
 */
#ifndef SLUICE_REASON_H
#define SLUICE_REASON_H

/* clang-format off */
#define SL_REASONS(REASON)                                                   \
    REASON(NONE, "none")                                                     \
    /* framing: the stream cannot go on */                                   \
    REASON(PROTOCOL_IDENTIFIER, "protocol-identifier")                       \
    REASON(LENGTH_FIELD, "length-field")                                     \
    REASON(START_OCTETS, "start-octets")                                     \
    REASON(CRC, "crc")                                                       \
    /* content, intact framing */                                            \
    REASON(TRUNCATED, "truncated")                                           \
    REASON(TRAILING_BYTES, "trailing-bytes")                                 \
    REASON(FUNCTION_UNKNOWN, "function-unknown")                             \
    REASON(SUBFUNCTION_UNKNOWN, "subfunction-unknown")                       \
    REASON(QUANTITY_OUT_OF_RANGE, "quantity-out-of-range")                   \
    REASON(ADDRESS_OUT_OF_RANGE, "address-out-of-range")                     \
    REASON(BYTE_COUNT, "byte-count")                                         \
    REASON(VALUE_OUT_OF_RANGE, "value-out-of-range")                         \
    REASON(PADDING, "padding")                                               \
    REASON(REFERENCE_TYPE, "reference-type")                                 \
    REASON(FILE_NUMBER, "file-number")                                       \
    REASON(RECORD_NUMBER, "record-number")                                   \
    REASON(RECORD_LENGTH, "record-length")                                   \
    REASON(MEI_TYPE, "mei-type")                                             \
    REASON(READ_DEVICE_ID_CODE, "read-device-id-code")                       \
    REASON(OBJECT_ID, "object-id")                                           \
    REASON(CONFORMITY_LEVEL, "conformity-level")                             \
    REASON(MORE_FOLLOWS, "more-follows")                                     \
    REASON(EXCEPTION_CODE, "exception-code")                                 \
    REASON(OPAQUE_MISMATCH, "opaque-mismatch")                               \
    REASON(UNIT_IDENTIFIER, "unit-identifier")                               \
    REASON(LINK_CONTROL, "link-control")                                     \
    REASON(LINK_DIRECTION, "link-direction")                                 \
    REASON(STATION_ADDRESS, "station-address")                               \
    REASON(TRANSPORT_SEQUENCE, "transport-sequence")                         \
    REASON(TRANSPORT_INCOMPLETE, "transport-incomplete")                     \
    REASON(SEGMENT_EMPTY, "segment-empty")                                   \
    REASON(FRAGMENT_LENGTH, "fragment-length")                               \
    REASON(APPLICATION_CONTROL, "application-control")                       \
    REASON(OBJECT_UNKNOWN, "object-unknown")                                 \
    REASON(OBJECT_FUNCTION, "object-not-in-function")                        \
    REASON(QUALIFIER, "qualifier")                                           \
    REASON(RANGE, "range")                                                   \
    REASON(OBJECT_TRUNCATED, "object-truncated")                             \
    REASON(OBJECT_CONTENT, "object-content")                                 \
    REASON(OBJECT_ORDER, "object-order")                                     \
    REASON(OBJECTS_MISSING, "objects-missing")                               \
    REASON(RESERVED_BITS, "reserved-bits")                                   \
    /* policy */                                                             \
    REASON(NO_RULE, "no-rule")                                               \
    REASON(NO_RULE_CLIENT, "no-rule-for-client")                             \
    REASON(NO_RULE_UNIT, "no-rule-for-unit")                                 \
    REASON(NO_RULE_FUNCTION, "no-rule-for-function")                         \
    REASON(NO_RULE_ADDRESS, "no-rule-for-address")                           \
    REASON(NO_RULE_VALUE, "no-rule-for-value")                               \
    REASON(DENY_RULE, "deny-rule")                                           \
    REASON(DENY_RULE_ADDRESS, "deny-rule-for-address")                       \
    REASON(DENY_RULE_VALUE, "deny-rule-for-value")                           \
    REASON(NO_RULE_STEP, "no-rule-for-step")                                 \
    REASON(CLOCK_NOT_SET, "clock-not-set")                                   \
    REASON(RULE_EXPIRED, "rule-expired")                                     \
    REASON(OUTSIDE_HOURS, "outside-hours")                                   \
    REASON(RATE, "rate")                                                     \
    REASON(LINK_FRAME, "link-frame")                                         \
    REASON(NO_STATION, "no-station")                                         \
    REASON(NO_RULE_STATION, "no-rule-for-station")                           \
    REASON(NO_RULE_OBJECT, "no-rule-for-object")                             \
    REASON(DENY_RULE_OBJECT, "deny-rule-for-object")                         \
    REASON(NO_SELECT, "no-select")                                           \
    REASON(CONFIRM_UNMATCHED, "confirm-unmatched")                           \
    REASON(UNSOLICITED, "unsolicited-denied")                                \
    REASON(RESPONSE_LIMIT, "response-limit")                                 \
    /* replies */                                                            \
    REASON(REPLY_UNMATCHED, "reply-unmatched")                               \
    REASON(REPLY_TRANSACTION, "reply-transaction")                           \
    REASON(REPLY_UNIT, "reply-unit")                                         \
    REASON(REPLY_FUNCTION, "reply-function")                                 \
    REASON(REPLY_SHAPE, "reply-shape")                                       \
    REASON(REPLY_ECHO, "reply-echo")                                         \
    REASON(REPLY_STATION, "reply-station")                                   \
    /* operation */                                                          \
    REASON(DEVICE_UNREACHABLE, "device-unreachable")                         \
    REASON(DEVICE_TIMEOUT, "device-timeout")                                 \
    REASON(DEVICE_CLOSED, "device-closed")                                   \
    REASON(DEVICE_FRAMING_LOST, "device-framing-lost")                       \
    REASON(CLIENT_LEFT, "client-left")                                       \
    REASON(QUOTA, "quota")                                                   \
    REASON(CAPACITY, "capacity")                                             \
    REASON(CLIENT_STALLED, "client-stalled")                                 \
    REASON(SESSION_IDLE, "session-idle")                                     \
    REASON(OUTCOME_OVERDUE, "outcome-overdue")                               \
    REASON(QUEUE_TIMEOUT, "queue-timeout")                                   \
    REASON(ONE_WAY_LOST, "one-way-lost")                                     \
    /* a component's word was impossible */                                  \
    REASON(CANONICAL_INVALID, "canonical-invalid")                           \
    REASON(RECORD_INVALID, "record-invalid")                                 \
    REASON(RING_FULL, "ring-full")
/* clang-format on */

enum sl_reason {
#define SL_REASON_ENUM(name, text) SL_REASON_##name,
    SL_REASONS(SL_REASON_ENUM)
#undef SL_REASON_ENUM
        SL_REASON_COUNT
};

/* The stable identifier, "unknown" for a number that is none. */
static inline const char *sl_reason_name(unsigned reason)
{
#define SL_REASON_TEXT(name, text) text,
    static const char *const names[SL_REASON_COUNT] = {SL_REASONS(SL_REASON_TEXT)};
#undef SL_REASON_TEXT
    return reason < SL_REASON_COUNT ? names[reason] : "unknown";
}

#endif
