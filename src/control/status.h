/* SPDX-License-Identifier: BSD-2-Clause */
/* The running gateway, as text for people, as JSON, or in Prometheus' text format. */
#ifndef SLUICE_STATUS_H
#define SLUICE_STATUS_H

#include "control/look.h"
#include "control/operation.h"

/* malloc'd; NULL: no memory. `request`: its "format" is human, json or metrics. */
char *status_text(const struct operation *operation, const struct operation_view *view,
                  const char *request);

/* What a look at this view's epoch finds. */
void status_look(struct look *look, const struct operation_view *view);

void status_human(const struct operation *operation, const struct operation_view *view,
                  const struct look *look, FILE *out);
char *status_json(const struct operation *operation, const struct operation_view *view,
                  const struct look *look);
void status_metrics(const struct operation *operation, const struct operation_view *view,
                    const struct look *look, FILE *out);

/* "2026-11-27T16:00:00Z"; `moment` in Unix seconds. */
struct moment_text {
    char text[32];
};
struct moment_text moment_text(int64_t moment);

/* ns between a moment on sl_now's clock and the view. */
uint64_t since(const struct operation_view *view, uint64_t moment);

#endif
