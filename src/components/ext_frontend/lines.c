/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of sessions in which a whole message waits: one of all, for what all share, and one of each
 * client, for its share of it. A confirmation goes to the front, as the others may wait for what it
 * confirms. A session is in one line at most, and in none once its connection has ended.
 */
#include "components/ext_frontend/ext_frontend.h"

static struct line *line_of(const struct session *session)
{
    return session->in_clients_line ? &session->holder->line : &session->frontend->line;
}

static void join(struct session *session, bool clients)
{
    struct ext_frontend *frontend = session->frontend;
    if (session->waiting)
        return;
    session->waiting = true;
    session->in_clients_line = clients;
    session->holder->ahead = (uint16_t)(session->holder->ahead + !clients);
    struct line *line = line_of(session);
    const uint16_t number = session_number(session);
    session->before = session->confirms ? NO_SESSION : line->last;
    session->behind = session->confirms ? line->first : NO_SESSION;
    *(session->before == NO_SESSION ? &line->first : &frontend->session[session->before].behind) =
        number;
    *(session->behind == NO_SESSION ? &line->last : &frontend->session[session->behind].before) =
        number;
}

void line_wait(struct session *session)
{
    join(session, false);
}

void line_wait_for_share(struct session *session)
{
    join(session, true);
}

void line_leave(struct session *session)
{
    struct ext_frontend *frontend = session->frontend;
    if (!session->waiting)
        return;
    struct line *line = line_of(session);
    *(session->before == NO_SESSION ? &line->first : &frontend->session[session->before].behind) =
        session->behind;
    *(session->behind == NO_SESSION ? &line->last : &frontend->session[session->behind].before) =
        session->before;
    session->waiting = false;
    session->holder->ahead = (uint16_t)(session->holder->ahead - !session->in_clients_line);
}

struct session *line_first(struct ext_frontend *frontend, const struct line *line)
{
    return line->first == NO_SESSION ? NULL : &frontend->session[line->first];
}
