/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests of one captured connection that await their reply, and the replies that await their
 * confirmation, as policy_emit keeps them: only requests that policy let through, each for one
 * reply. On a captured connection the transaction is the client's, which may use one for several
 * requests at once; of these the oldest that a reply fits is meant.
 */
#ifndef SLUICE_CLI_OUTSTANDING_H
#define SLUICE_CLI_OUTSTANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/protocol.h"

#define OUTSTANDING_CONFIRMATIONS 64u

struct outstanding_request;
struct outstanding {
    struct outstanding_request *first;
    struct outstanding_request **last; /* where the next one goes; NULL: none was ever there */
    /* A request has its outcome: the reply, NULL for none that is good. NULL: nobody asks. */
    void (*settled)(void *context, const void *request, size_t length, uint32_t order,
                    const void *reply, size_t reply_length);
    void *context;
    struct {
        uint32_t parties;
        uint16_t key;
        bool on;
    } awaited[OUTSTANDING_CONFIRMATIONS]; /* the oldest goes for one more */
    uint8_t awaited_next;
};

/* False when there is no memory. `order`: what settled() is to be told. */
bool outstanding_add(struct outstanding *outstanding, uint16_t key, const void *request,
                     size_t length, uint32_t order);

/* Settles the request that the valid canonical `reply` with transaction `key` answers. NONE, or
 * why the reply must not pass; it then costs the oldest request of this transaction. After a reply
 * that another one continues the request waits for that. */
enum sl_reason outstanding_match(struct outstanding *outstanding,
                                 const struct sl_protocol *protocol,
                                 const struct policy_service *service, uint16_t key,
                                 const void *reply, size_t length);

/* A malformed reply costs the oldest request of its transaction, if there is one. */
void outstanding_drop(struct outstanding *outstanding, uint16_t key);

/* A reply with this key that asks for a confirmation has passed. */
void outstanding_deliver(struct outstanding *outstanding, uint32_t parties, uint16_t key);
/* True for the confirmation of one, each once. */
bool outstanding_confirm(struct outstanding *outstanding, uint32_t parties, uint16_t key);

void outstanding_free(struct outstanding *outstanding);

#endif
