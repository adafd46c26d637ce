/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/programs.h"

const struct sl_component *const programs[PROGRAM_COUNT] = {
    [PROGRAM_NIC_DRV] = &nic_drv_component,
    [PROGRAM_EXT_FRONTEND] = &ext_frontend_component,
    [PROGRAM_INT_FRONTEND] = &int_frontend_component,
    [PROGRAM_PARSER_NORM] = &parser_norm_component,
    [PROGRAM_POLICY_EMIT] = &policy_emit_component,
    [PROGRAM_MONITOR] = &monitor_component,
    [PROGRAM_SOURCE] = &source_component,
    [PROGRAM_STREAM_FRONTEND] = &stream_frontend_component,
    [PROGRAM_SINK] = &sink_component,
};
