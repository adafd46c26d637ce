/* SPDX-License-Identifier: BSD-2-Clause */
/* What an operator changed, in the audit stream and on standard error. */
#ifndef SLUICE_CHANGE_LOG_H
#define SLUICE_CHANGE_LOG_H

#include "control/operation.h"

struct change_words {
    char text[1024];
};

/* operation->change as one sentence for people. */
struct change_words change_words(const struct operation *operation);

/* It is in force. */
void log_change(const struct operation *operation, const struct operation_view *view);
/* An override goes on. */
void log_reminder(const struct operation *operation, const struct operation_view *view);
/* The file is not one that can be taken: `text` says why, a line each. */
void log_refused_reload(const struct operation *operation, const struct operation_view *view,
                        uint32_t uid, const char *text);

#endif
