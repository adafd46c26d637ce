/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/datagram.h"

#include "net/limits.h"

bool datagram_is_whole(const struct sl_protocol *protocol, enum sl_direction direction,
                       const uint8_t *bytes, size_t length, enum sl_reason *reason)
{
    size_t taken = 0;
    *reason = SL_REASON_TRUNCATED;
    while (taken < length) {
        const struct sl_frame frame = protocol->frame(direction, bytes + taken, length - taken);
        if (frame.status == SL_FRAME_MORE)
            return frame.length == length - taken;
        if (frame.status == SL_FRAME_LOST) {
            *reason = frame.reason;
            return false;
        }
        taken += frame.length;
    }
    return length > 0;
}

bool datagram_send_to(struct udp_pcb *socket, uint32_t address, uint16_t port, const uint8_t *bytes,
                      uint16_t length)
{
    const ip_addr_t to = IPADDR4_INIT(lwip_htonl(address));
    struct netif *const netif = ip_route(&socket->local_ip, &to);
    struct pbuf *const packet = netif ? pbuf_alloc(PBUF_TRANSPORT, length, PBUF_RAM) : NULL;
    if (!packet)
        return false;
    (void)pbuf_take(packet, bytes, length);
    /* With the source given: the interface that lwIP finds may have another of our addresses. */
    const err_t result = udp_sendto_if_src(socket, packet, &to, port, netif, &socket->local_ip);
    pbuf_free(packet);
    return result == ERR_OK;
}

bool datagram_send_all(struct udp_pcb *socket, uint32_t address, uint16_t port,
                       const uint8_t *bytes, uint16_t length)
{
    while (length > NET_MAX_FRAME) {
        if (!datagram_send_to(socket, address, port, bytes, NET_MAX_FRAME))
            return false;
        bytes += NET_MAX_FRAME;
        length = (uint16_t)(length - NET_MAX_FRAME);
    }
    return datagram_send_to(socket, address, port, bytes, length);
}
