/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How `sluice status` and the like talk to a running gateway: a unix stream socket of the
 * launcher's, whose file's permissions say who may. One request a connection: a verb on a line,
 * then "KEY VALUE" lines, then an empty line. The answer is a digit on a line, the exit status for
 * whoever asked, then text up to the connection's end.
 */
#ifndef SLUICE_CONTROL_H
#define SLUICE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CONTROL_DIRECTORY    "/run/sluice"
#define CONTROL_STATES       "/var/lib/sluice"
#define CONTROL_PATH_SIZE    108u /* sun_path */
#define CONTROL_REQUEST_SIZE 4096u
#define CONTROL_MODE         0600u /* of the socket's file where the configuration says nothing */
#define CONTROL_MODE_GROUP   0660u /* where it names a group */

/* The value of `key` in a request's lines, copied to `value`; false: not there, or too long. */
bool control_value(const char *request, const char *key, char *value, size_t size);

/* ---- the side that asks ---- */

/* Where the gateway listens: `given`, else the only socket in CONTROL_DIRECTORY. False: said on
 * standard error, as by `sluice VERB`. */
bool control_find(const char *verb, const char *given, char path[CONTROL_PATH_SIZE]);

/* Asks, prints the answer (to standard error where its status is not 0) and returns its status;
 * CLI_UNABLE when there is no answer. `request` without the empty line. */
int control_ask(const char *verb, const char *path, const char *request);

#endif
