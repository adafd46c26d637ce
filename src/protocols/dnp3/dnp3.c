/* SPDX-License-Identifier: BSD-2-Clause */
/* DNP3 as the pipeline sees it. */
#include "protocols/dnp3/dnp3.h"

const struct sl_protocol dnp3_protocol = {
    .name = "dnp3",
    .event_type = "dnp3",
    .default_port = DNP3_PORT,
    .max_message = DNP3_MAX_MESSAGE,
    .max_canonical = sizeof(struct dnp3_message),
    .datagrams = true,
    .offline = true,
    .frame = dnp3_frame,
    .runs = dnp3_runs,
    .frame_key = dnp3_frame_key,
    .decode = dnp3_decode,
    .validate = dnp3_validate,
    .validate_malformed = dnp3_validate_malformed,
    .decide = dnp3_decide,
    .expects_reply = dnp3_expects_reply,
    .match = dnp3_match,
    .normalise = dnp3_normalise,
    .notable = dnp3_notable,
    .encode = dnp3_encode,
    .refuse = dnp3_refuse,
    .key = dnp3_key,
    .describe = dnp3_describe,
    .words = dnp3_phrase,
};
