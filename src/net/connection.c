/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/connection.h"

#include "lwip/priv/tcp_priv.h"
#include "net/limits.h"
#include "net/port/hooks.h"

#define FIRST_RETRANSMISSION_MS 1000
#define LINGER_MS               10000u

void connection_tune(struct tcp_pcb *pcb)
{
    tcp_nagle_disable(pcb);
    ip_set_option(pcb, SOF_KEEPALIVE);
    pcb->rto = FIRST_RETRANSMISSION_MS / TCP_SLOW_INTERVAL;
    pcb->sv = pcb->rto;
}

static void detach(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
}

static err_t linger_expired(void *arg, struct tcp_pcb *pcb)
{
    (void)arg;
    tcp_abort(pcb);
    return ERR_ABRT;
}

void connection_close(struct tcp_pcb *pcb, uint16_t unread)
{
    detach(pcb);
    if (unread)
        tcp_recved(pcb, unread); /* or lwIP would send RST and forget what is queued */
    tcp_poll(pcb, linger_expired, LINGER_MS / CONNECTION_POLL_MS);
    if (tcp_close(pcb) != ERR_OK)
        tcp_abort(pcb);
}

void connection_abort(struct tcp_pcb *pcb)
{
    detach(pcb);
    tcp_abort(pcb);
}

bool connection_unacknowledged(const struct tcp_pcb *pcb)
{
    return pcb->unsent || pcb->unacked;
}

bool connection_takes(const struct tcp_pcb *pcb, uint16_t length)
{
    const uint32_t under_way = pcb->snd_lbb - pcb->lastack;
    const uint32_t window = LWIP_MIN(pcb->snd_wnd, pcb->cwnd);
    return under_way == 0 || under_way + length <= window;
}

enum connection_put connection_write(struct tcp_pcb *pcb, const uint8_t *bytes, uint16_t length)
{
    const unsigned pieces = (length + NET_WRITE_SIZE - 1) / NET_WRITE_SIZE;
    if (tcp_sndbuf(pcb) < length || tcp_sndqueuelen(pcb) + 2 * pieces > TCP_SND_QUEUELEN)
        return CONNECTION_NONE;
    for (uint16_t put = 0; put < length;) {
        const uint16_t left = (uint16_t)(length - put);
        const uint16_t piece = left < NET_WRITE_SIZE ? left : (uint16_t)NET_WRITE_SIZE;
        if (tcp_write(pcb, bytes + put, piece, TCP_WRITE_FLAG_COPY) != ERR_OK)
            return put > 0 ? CONNECTION_BROKEN : CONNECTION_NONE;
        put = (uint16_t)(put + piece);
    }
    return CONNECTION_ALL;
}

/* Called for every segment that belongs to a connection or a listener. A flood of SYNs takes
 * neither the control blocks nor the memory of those that are connected. */
void connection_begins(const struct tcp_pcb *listener, const struct tcp_hdr *header)
{
    if (listener->state != LISTEN || !(TCPH_FLAGS(header) & TCP_SYN))
        return;
    struct tcp_pcb *oldest = NULL;
    unsigned count = 0;
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        if (pcb->state != SYN_RCVD)
            continue;
        count++;
        /* newer ones stand before older ones */
        if (!oldest || tcp_ticks - pcb->tmr >= tcp_ticks - oldest->tmr)
            oldest = pcb;
    }
    if (count >= NET_HALF_OPEN)
        tcp_abandon(oldest, 0);
}
