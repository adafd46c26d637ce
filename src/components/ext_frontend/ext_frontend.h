/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext_frontend: TCP towards the clients. Bytes become messages here and nothing else is made of
 * them; who may say what is decided behind it.
 *
 *   ext_frontend.c  start, one pass, what comes back from the core
 *   session.c       one client's connection: its bytes, its end
 *   datagram.c      UDP: who sends from one address and port is a session as well
 *   link.c          the same for protocols with a link layer: frames, answers of our own
 *   slots.c         reply slots, and who waits for one
 *   lines.c         the lines in which they wait
 *   clients.c       what all sessions of one client together may hold
 */
#ifndef SLUICE_EXT_FRONTEND_H
#define SLUICE_EXT_FRONTEND_H

#include <stdbool.h>
#include <stdint.h>

#include "net/limits.h"
#include "net/link_end.h"
#include "net/links.h"
#include "net/stack.h"
#include "sluice/protocol.h"

#define NO_SESSION UINT16_MAX

struct ext_frontend;
struct tcp_pcb;
struct udp_pcb;
struct pbuf;

enum session_state {
    SESSION_FREE,
    SESSION_OPEN,
    SESSION_CLOSED, /* the client is gone; SESSION_END not yet on its way */
    SESSION_ENDING, /* SESSION_END goes round */
    SESSION_ENDED,  /* SESSION_END is back; replies still owed */
};

/* Of sessions, by number; NO_SESSION: none. */
struct line {
    uint16_t first, last;
};

/* All sessions from one address. Not in use while `sessions` is 0. */
struct client {
    uint32_t address;     /* IPv4, host byte order */
    uint16_t sessions;    /* open, or not yet free again */
    uint16_t outstanding; /* reply slots held */
    uint16_t reserved;    /* lwIP's blocks for their replies */
    uint16_t fresh[2];    /* slots taken in `moment`, in the one before it */
    uint16_t ahead;       /* sessions in the line of all */
    struct line line;     /* those that wait for the client's own share */
    uint32_t moment;      /* of time (clients.c) */
};

struct session {
    struct ext_frontend *frontend;
    struct client *holder;
    struct tcp_pcb *pcb; /* SESSION_OPEN only; NULL: it comes in datagrams */
    uint64_t progress;   /* when the client last acknowledged, or had nothing to; last sent a
                          * datagram; ns */
    uint32_t generation;
    uint32_t client; /* IPv4, host byte order */
    uint16_t client_port;
    uint16_t outstanding;               /* reply slots held */
    uint16_t confirming;                /* of these, for what is answered by nothing */
    uint16_t owes_room;                 /* and after a part of the reply, with ROOM to be said */
    uint16_t queued;                    /* lwIP's blocks in its send queue, as last counted */
    uint16_t length;                    /* of `bytes` */
    uint16_t reason;                    /* why it is to be closed; NONE: the client finished */
    uint16_t before, behind;            /* it, in its line */
    uint16_t older, newer, same_bucket; /* of those that come in datagrams */
    uint8_t service;
    uint8_t state;
    uint8_t far;                   /* enum sl_link_far: the device */
    bool finished;                 /* the client sends no more: FIN */
    bool end_sent, end_back;       /* SESSION_END went ahead of the replies owed; came back */
    bool refused;                  /* framing lost, or denied with on-deny close: no more is read */
    bool broken;                   /* to be aborted */
    bool blocked;                  /* a whole message waits for this session's own replies */
    bool waiting;                  /* one waits in line, for a slot or for its client's share */
    bool in_clients_line;          /* for the latter */
    bool confirms;                 /* it is a confirmation */
    bool touched;                  /* in the list of those to settle */
    bool datagrams;                /* UDP */
    uint8_t bytes[NET_EXT_BUFFER]; /* received, not yet a message */
};

struct reply_slot {
    uint64_t time;   /* of the request, or of the last part of its reply, ns */
    uint32_t moment; /* in which it was taken (clients.c) */
    uint16_t session;
    uint8_t blocks; /* of lwIP's, that its reply may take */
    bool held;
    bool overdue;
    bool owes_room; /* a part of its reply was delivered, and ROOM was not said yet */
};

struct listener {
    struct ext_frontend *frontend;
    const struct sl_protocol *protocol;
    struct udp_pcb *socket; /* NULL: TCP */
    uint64_t timeout;
    struct sl_link_view stations; /* link layer */
    uint16_t reply_bytes;         /* of the longest reply */
    uint8_t reply_blocks;         /* of lwIP's, for it */
    uint8_t service;
    bool echo; /* one-way: writes are confirmed at once */
    bool skip_noise;
};

/* What sessions need more where the protocol has a link layer. */
struct ext_link {
    struct assemblies assemblies;
    struct link_end end[NET_MAX_SESSIONS];
};

/* Datagrams dropped for one kind of reason; told at once, and what comes soon after in one. */
enum datagram_drop { DROP_CONTENT, DROP_QUOTA, DROP_CAPACITY, DATAGRAM_DROPS };
struct datagram_drops {
    uint64_t next_report;
    uint64_t count;        /* not told yet */
    struct sl_record last; /* about the last of them: client, service, reason */
};

#define DATAGRAM_BUCKETS 512u
struct datagrams {
    uint16_t count, limit;   /* sessions */
    uint16_t oldest, newest; /* by their last datagram */
    uint16_t bucket[DATAGRAM_BUCKETS];
    struct datagram_drops dropped[DATAGRAM_DROPS];
};

struct ext_frontend {
    struct links links;
    struct stack stack;
    uint16_t session_limit, slot_limit, quota;
    uint16_t client_sessions, client_slots; /* of one client at most */
    uint16_t client_blocks;                 /* likewise, of lwIP's for its replies */
    uint16_t free_session_count, free_slot_count, touched_count;
    uint16_t queued;       /* lwIP's blocks in all send queues */
    uint16_t reserved;     /* and for the replies that slots are held for */
    uint16_t spare_slots;  /* of the slots, for confirmations alone */
    struct line line;      /* of those that wait for what all share */
    uint16_t closed_count; /* sessions in SESSION_CLOSED */
    bool out_full;         /* the ring to the core did, in this pass */
    bool one_way;          /* nothing comes from the core: no outcome, no end */
    uint64_t next_check;   /* for overdue slots */
    uint64_t others_until; /* more than one client sends requests */
    uint64_t last_sent;    /* a request */
    uint32_t last_sender;  /* by this address; 0: none yet */
    uint32_t moment;       /* of the last look at those who wait for older requests (clients.c) */
    bool fresh_waits;      /* there may be some */
    struct waits {
        uint64_t count; /* requests that had to, not told yet */
        uint64_t next_report;
    } waits[2]; /* for room that all share, for the client's own share of it */
    uint64_t invalid_records, overdue_slots, refused_clients; /* ever */
    struct datagrams datagrams;
    struct listener listener[SL_MAX_SERVICES];
    struct reply_slot slot[SL_MAX_SLOTS];
    uint16_t free_slot[SL_MAX_SLOTS];
    uint16_t free_session[NET_MAX_SESSIONS];
    uint16_t touched[NET_MAX_SESSIONS];
    struct client client[NET_MAX_SESSIONS];
    struct session session[NET_MAX_SESSIONS];
    struct ext_link link; /* behind the rest (sl_component.link_size) */
};

/* session.c */
void session_listen(struct ext_frontend *frontend, const struct sl_frontend_config *config,
                    unsigned service);
/* A new session of this client, not yet with a connection. NULL and `*reason`: there is no room
 * for it, or none for one more of this client. */
struct session *session_begin(struct listener *listener, uint32_t client, uint16_t client_port,
                              enum sl_reason *reason);
/* The number is free once the core has seen its end. */
void session_end(struct session *session);
/* One reply; the slot is released by the caller. */
void session_deliver(struct session *session, const uint8_t *bytes, uint16_t length);
/* One message to the core, a slot for it admitted; `replies`: one may come. False: it did not fit
 * the ring, and is to be tried again in a later pass. */
bool session_send(struct session *session, const uint8_t *bytes, size_t length, bool replies);
/* The first `taken` of the bytes are done with. */
void session_took(struct session *session, uint16_t taken);
/* lwIP's blocks that this session's replies hold, counted anew. */
void session_count_queued(struct session *session, uint16_t queued);
/* Turns buffered bytes into requests, one at least when it is this session's turn. */
void session_read(struct session *session, bool turn);
/* To be settled at the end of the pass. */
void session_touch(struct session *session);
void session_settle(struct session *session);
/* Nothing more is read; the connection is closed when the replies owed are delivered. */
void session_refuse(struct session *session, uint16_t reason);
/* A slot that it held is free again. */
void session_slot_released(struct session *session);
/* Sends what SESSION_END could not be sent before. */
void session_send_ends(struct ext_frontend *frontend);
/* SESSION_END came back. False: none was under way with this generation. */
bool session_ended(struct session *session, uint32_t generation);
/* A record about the session, for audit and as the head of what is sent. */
struct sl_record session_record(const struct session *session);
uint16_t session_number(const struct session *session);

/* datagram.c */
void datagram_init(struct ext_frontend *frontend);
/* False: no socket for one more. */
bool datagram_listen(struct listener *listener, const struct sl_service_endpoint *endpoint);
/* A reply to where the session's requests come from. */
void datagram_deliver(struct session *session, const uint8_t *bytes, uint16_t length);
/* The session ends: what comes from its address and port begins another. */
void datagram_forget(struct session *session);
/* Ends sessions that have long been silent, reports what was dropped. */
void datagram_check(struct ext_frontend *frontend);
/* When there is something of it to do; or SL_NEVER. */
uint64_t datagram_next(const struct ext_frontend *frontend);
/* link.c */
/* As session_read. */
void link_read(struct session *session, bool turn);
/* The session is new; its device's connection is to be made. */
void link_begin(struct session *session);
void link_closed(struct session *session);
/* Its device is there (NONE), or is not. */
void link_device(struct session *session, uint16_t reason);
/* A reply that nobody asked for; false: there is no room. */
bool link_unsolicited(struct session *session, const uint8_t *bytes, uint16_t length);

/* lines.c */
/* Nothing where it waits already. */
void line_wait(struct session *session);
void line_wait_for_share(struct session *session);
/* Nothing where it is in none. */
void line_leave(struct session *session);
/* NULL: none. */
struct session *line_first(struct ext_frontend *frontend, const struct line *line);

/* clients.c */
/* One more session of the client at `address`; NULL when it has its share. */
struct client *client_join(struct ext_frontend *frontend, uint32_t address);
void client_leave(struct client *client);
/* False: its client holds its share of reply slots and of lwIP's blocks for them; for a
 * confirmation, which takes no block, one slot more. */
bool client_room(const struct session *session, bool confirmation);
/* False: others send requests too, and have as many of its client's fresh ones before theirs as
 * they should. */
bool client_fresh_room(const struct session *session);
/* Moves those on to the line of all for whom there is room now. */
void client_go_on(struct ext_frontend *frontend, struct client *client);
/* Returns the moment, which its release tells. */
uint32_t client_slot_taken(struct ext_frontend *frontend, struct client *client, uint8_t blocks);
void client_slot_released(struct ext_frontend *frontend, struct client *client,
                          const struct reply_slot *slot);
/* Lets those go on whose client's requests have grown older. */
void clients_age(struct ext_frontend *frontend);
/* When there is something of it to do; or SL_NEVER. */
uint64_t clients_next(const struct ext_frontend *frontend);

/* slots.c */
void slots_init(struct ext_frontend *frontend);
/* Some are for confirmations alone. */
void slots_spare(struct ext_frontend *frontend);
/* False: the session must wait; it is then in line or blocked until one of its own is free. */
bool slots_admit(struct session *session, bool turn);
/* The same for a confirmation: no reply comes, and what it confirms may hold the other slots. */
bool slots_admit_confirmation(struct session *session);
/* Only after one of these. `replies`: room for a reply is kept. */
uint16_t slots_take(struct session *session, bool replies);
void slots_release(struct ext_frontend *frontend, uint16_t slot);
/* True while there is room for a reply of `length` bytes without a slot, beside those that slots
 * are held for. */
bool slots_room_beside(const struct session *session, uint16_t length);
/* A part of its reply was delivered; more is to come. */
void slots_continue(struct ext_frontend *frontend, uint16_t slot);
/* Says of each of the session's replies in parts that there is room for the next, once there is. */
void slots_tell_room(struct session *session);
/* True: one in line can go on. */
bool slots_servable(struct ext_frontend *frontend);
/* Lets those in line go on, one message each in turn. */
void slots_serve(struct ext_frontend *frontend);
/* Counts and reports slots that the core has not answered in time. */
void slots_check(struct ext_frontend *frontend);

#endif
