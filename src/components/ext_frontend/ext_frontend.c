/* SPDX-License-Identifier: BSD-2-Clause */
#include "components/ext_frontend/ext_frontend.h"

#include "sluice/host.h"

/* With lwIP's pools (tests/unit/frontend/test_objects.py): each frontend below
 * 1.3 MiB with 1024 sessions, and untouched pages cost nothing on Linux. */
_Static_assert(offsetof(struct ext_frontend, link) <= 32u * 1024 + NET_MAX_SESSIONS * 980u,
               "memory budget");

/* Passes of one wake: a driver or a core that always has more must not keep a frontend from its
 * host, which has other components and other devices to look at. */
#define PASSES 16u
/* One-way: how long the core has to make room in its ring. */
#define RETRY_NS UINT64_C(1000000)

/* An outcome of a request, or a part of its reply: owed to the session that holds the slot. */
static bool handle_outcome(struct ext_frontend *frontend, struct session *session,
                           const struct sl_record *record, const uint8_t *payload)
{
    const bool owed = record->slot < frontend->slot_limit && frontend->slot[record->slot].held &&
                      frontend->slot[record->slot].session == record->session;
    const bool silent = record->type == SL_RECORD_SILENT && record->length == 0;
    if (!owed || (record->type != SL_RECORD_MESSAGE && !silent))
        return false;
    if (silent && record->flags & SL_FLAG_CLOSE)
        session_refuse(session, record->reason);
    if (!silent)
        session_deliver(session, payload, record->length);
    if (!silent && record->flags & SL_FLAG_MORE)
        slots_continue(frontend, record->slot);
    else
        slots_release(frontend, record->slot);
    return true;
}

/* What comes without a slot, where the protocol has a link layer. */
static bool handle_link(struct session *session, const struct sl_record *record,
                        const uint8_t *payload)
{
    if (record->type == SL_RECORD_DEVICE && record->length == 0) {
        link_device(session, record->reason);
        return true;
    }
    if (record->type != SL_RECORD_MESSAGE || record->slot != SL_NO_SLOT)
        return false;
    if (!link_unsolicited(session, payload, record->length))
        links_audit(&session->frontend->links, record, SL_AUDIT_DROPPED, SL_REASON_CAPACITY, 1,
                    session->frontend->stack.now);
    return true;
}

/* What comes from the core: outcomes of requests, and sessions' ends. Checked against what this
 * frontend knows to be owed; never trusted further. */
static void handle(void *self, const struct sl_record *record, const uint8_t *payload)
{
    struct ext_frontend *frontend = self;
    if (record->session < frontend->session_limit) {
        struct session *session = &frontend->session[record->session];
        const struct listener *listener = &frontend->listener[session->service];
        const bool message = record->type != SL_RECORD_MESSAGE ||
                             (record->length > 0 && record->length <= listener->reply_bytes);
        if (record->type == SL_RECORD_SESSION_END && record->length == 0 &&
            session_ended(session, record->generation))
            return;
        if (session->generation == record->generation && message &&
            (handle_outcome(frontend, session, record, payload) ||
             (listener->protocol && listener->protocol->link &&
              record->service == session->service && handle_link(session, record, payload))))
            return;
    }
    frontend->invalid_records++;
    links_audit(&frontend->links, record, SL_AUDIT_DROPPED, SL_REASON_RECORD_INVALID, 1,
                frontend->stack.now);
}

static void settle_touched(struct ext_frontend *frontend)
{
    while (frontend->touched_count > 0)
        session_settle(&frontend->session[frontend->touched[--frontend->touched_count]]);
}

static bool pass(struct ext_frontend *frontend)
{
    stack_begin(&frontend->stack);
    frontend->out_full = false;
    stack_receive(&frontend->stack);
    const bool drained = links_drain(&frontend->links, handle, frontend);
    clients_age(frontend);
    slots_serve(frontend);
    settle_touched(frontend);
    const bool served = !slots_servable(frontend); /* who ended has made room for others */
    if (frontend->closed_count > 0)
        session_send_ends(frontend);
    slots_check(frontend);
    datagram_check(frontend);
    links_notify(&frontend->links);
    frames_notify(&frontend->stack.frames);
    return stack_may_sleep(&frontend->stack) && drained && served;
}

static uint64_t earlier(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* What did not fit the ring to the core is tried again: nobody says when there is room. */
static uint64_t next_try(const struct ext_frontend *frontend)
{
    const uint64_t next = earlier(datagram_next(frontend), clients_next(frontend));
    if (!frontend->one_way || (frontend->line.first == NO_SESSION && !frontend->closed_count))
        return next;
    return earlier(next, frontend->stack.now + RETRY_NS);
}

static void wake(void *self, uint64_t badges)
{
    struct ext_frontend *frontend = self;
    (void)badges;
    for (unsigned passes = 0; passes < PASSES; passes++)
        if (pass(frontend)) {
            stack_sleep_until(&frontend->stack, next_try(frontend));
            return;
        }
    stack_sleep_until(&frontend->stack, frontend->stack.now);
}

/* Of lwIP's blocks a client may have as much as of reply slots: the longest reply at least. */
static uint16_t share_of_blocks(const struct ext_frontend *frontend)
{
    const unsigned all = NET_BLOCKS - NET_BLOCKS_RESERVED;
    const unsigned longest = SL_MAX_PAYLOAD / NET_WRITE_SIZE + 1;
    if (frontend->client_slots >= frontend->slot_limit)
        return (uint16_t)all;
    const unsigned share = all * frontend->client_slots / frontend->slot_limit;
    return (uint16_t)(share > longest ? share : longest);
}

static void init(void *self, const struct sl_environment *environment)
{
    struct ext_frontend *frontend = self;
    const struct sl_frontend_config *config = environment->config;
    if (!links_config_whole(environment))
        sl_fault(environment->host, "ext_frontend's configuration is not one",
                 environment->config_size, sizeof *config);
    frontend->one_way = config->mode == SL_ONE_WAY;
    links_init(&frontend->links, environment, config);
    stack_init(&frontend->stack, environment, config);
    frontend->session_limit =
        config->sessions < NET_MAX_SESSIONS ? config->sessions : (uint16_t)NET_MAX_SESSIONS;
    frontend->slot_limit = config->slots < SL_MAX_SLOTS ? config->slots : (uint16_t)SL_MAX_SLOTS;
    frontend->quota = config->quota;
    frontend->client_sessions = config->client_sessions ? config->client_sessions : UINT16_MAX;
    frontend->client_slots = config->client_slots ? config->client_slots : UINT16_MAX;
    frontend->client_blocks = share_of_blocks(frontend);
    slots_init(frontend);
    frontend->free_session_count = frontend->session_limit;
    for (uint16_t i = 0; i < frontend->session_limit; i++)
        frontend->free_session[i] = (uint16_t)(frontend->session_limit - 1 - i);
    datagram_init(frontend);
    for (unsigned i = 0; i < config->service_count; i++)
        session_listen(frontend, config, i);
    const struct sl_record nobody = {.slot = SL_NO_SLOT, .time = frontend->stack.now};
    links_audit(&frontend->links, &nobody, SL_AUDIT_START, SL_REASON_NONE, 0, frontend->stack.now);
}

const struct sl_component ext_frontend_component = {
    .name = "ext_frontend",
    .self_size = offsetof(struct ext_frontend, link),
    .link_size = sizeof(struct ext_frontend) - offsetof(struct ext_frontend, link),
    .init = init,
    .wake = wake,
};
