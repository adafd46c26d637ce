/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/stack.h"

#include <string.h>

#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"
#include "net/port/hooks.h"
#include "sluice/host.h"

#define NANOSECONDS_PER_MILLISECOND UINT64_C(1000000)
#define MIN_FRAME                   60u /* IEEE 802.3, without the checksum */
#define MAX_FRAME                   1514u
#define ETHERTYPE_OFFSET            12u
#define VLAN_TAG                    4u
#define IP_PROTOCOL_OFFSET          23u
#define IP_DESTINATION_OFFSET       30u /* in an Ethernet frame */
#define ARP_TARGET_OFFSET           38u

/* What lwIP's own checks would say, were its window a macro. */
_Static_assert(NET_EXT_WINDOW >= NET_MSS && NET_INT_WINDOW >= NET_MSS, "a window holds a segment");
_Static_assert(NET_EXT_WINDOW >= 2 * NET_MAX_MESSAGE, "a window holds two messages");
_Static_assert(NET_INT_WINDOW <= NET_FRAME_PBUFS * (NET_FRAME_PBUF_SIZE - 54), "pool and window");
_Static_assert(MEMP_NUM_TCP_SEG >= TCP_SND_QUEUELEN, "segments for one full queue");
_Static_assert(TCP_SND_QUEUELEN >= 2 * TCP_SND_BUF / TCP_MSS, "queue and buffer");
_Static_assert(NET_BLOCK_SIZE >= 24 + 56 + NET_WRITE_SIZE, "what is written fits a block");
_Static_assert(NET_WRITE_SIZE >= NET_MAX_MESSAGE, "a message is written at once");

/* lwIP's callbacks carry no context: this is part of its global state. */
static struct stack *the_stack;

void net_assertion_failed(const char *what, int line)
{
    sl_fault(the_stack->host, what, (uint64_t)line, 0);
}

uint32_t net_random(void)
{
    uint32_t value;
    sl_random(the_stack->host, &value, sizeof value);
    return value;
}

u32_t sys_now(void)
{
    return (u32_t)(the_stack->now / NANOSECONDS_PER_MILLISECOND);
}

u32_t net_initial_sequence_number(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                                  u16_t remote_port)
{
    return isn(the_stack->isn_key, the_stack->now, local->addr, local_port, remote->addr,
               remote_port);
}

static err_t transmit(struct netif *netif, struct pbuf *packet)
{
    struct stack *stack = netif->state;
    if (packet->tot_len > MAX_FRAME)
        return ERR_BUF;
    uint8_t *frame = frames_claim(&stack->frames);
    if (!frame) {
        stack->short_of_transmit = true;
        return ERR_MEM;
    }
    u16_t length = pbuf_copy_partial(packet, frame, packet->tot_len, 0);
    if (stack->vlan != 0) { /* IEEE 802.1Q 9.6: priority 0 */
        memmove(frame + ETHERTYPE_OFFSET + VLAN_TAG, frame + ETHERTYPE_OFFSET,
                (size_t)length - ETHERTYPE_OFFSET);
        frame[ETHERTYPE_OFFSET] = 0x81;
        frame[ETHERTYPE_OFFSET + 1] = 0x00;
        frame[ETHERTYPE_OFFSET + 2] = (uint8_t)(stack->vlan >> 8);
        frame[ETHERTYPE_OFFSET + 3] = (uint8_t)stack->vlan;
        length = (u16_t)(length + VLAN_TAG);
    }
    if (length < MIN_FRAME) { /* padded here, so that no earlier frame's bytes go out */
        memset(frame + length, 0, MIN_FRAME - length);
        length = MIN_FRAME;
    }
    frames_send(&stack->frames, frame, length);
    return ERR_OK;
}

static err_t set_up_netif(struct netif *netif)
{
    const struct stack *stack = netif->state;
    memcpy(netif->hwaddr, stack->mac, sizeof stack->mac);
    netif->hwaddr_len = sizeof stack->mac;
    netif->mtu = 1500;
    netif->name[0] = 's';
    netif->name[1] = 'l';
    netif->output = etharp_output;
    netif->linkoutput = transmit;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    return ERR_OK;
}

static struct netif *add_netif(struct stack *stack, uint32_t address, uint32_t netmask,
                               uint32_t gateway)
{
    struct netif *netif = &stack->netif[stack->address_count];
    const ip4_addr_t ip = {lwip_htonl(address)};
    const ip4_addr_t mask = {lwip_htonl(netmask)};
    const ip4_addr_t router = {lwip_htonl(gateway)};
    if (!netif_add(netif, &ip, &mask, &router, stack, set_up_netif, ethernet_input))
        sl_fault(stack->host, "lwIP refused an address", address, 0);
    stack->address_count++;
    netif_set_link_up(netif);
    netif_set_up(netif); /* sends the gratuitous ARP */
    return netif;
}

void stack_add_address(struct stack *stack, uint32_t address)
{
    for (unsigned i = 0; i < stack->address_count; i++)
        if (netif_ip4_addr(&stack->netif[i])->addr == lwip_htonl(address))
            return;
    const struct netif *own = &stack->netif[0];
    (void)add_netif(stack, address, lwip_ntohl(netif_ip4_netmask(own)->addr),
                    lwip_ntohl(netif_ip4_gw(own)->addr));
}

void stack_init(struct stack *stack, const struct sl_environment *environment,
                const struct sl_frontend_config *config)
{
    the_stack = stack;
    stack->host = environment->host;
    stack->armed = SL_NEVER;
    memcpy(stack->mac, config->mac, sizeof stack->mac);
    stack->vlan = config->vlan;
    stack->no_ping = config->no_ping != 0;
    for (; stack->route_count < config->route_count && stack->route_count < SL_MAX_ROUTES;
         stack->route_count++) {
        const struct sl_route *route = &config->route[stack->route_count];
        stack->route[stack->route_count].destination.addr = lwip_htonl(route->destination);
        stack->route[stack->route_count].netmask.addr = lwip_htonl(route->netmask);
        stack->route[stack->route_count].via.addr = lwip_htonl(route->via);
    }
    sl_random(stack->host, stack->isn_key, sizeof stack->isn_key);
    stack_begin(stack);
    frames_init(&stack->frames, environment);
    lwip_init();
    netif_set_default(add_netif(stack, config->address, config->netmask, config->gateway));
}

void stack_begin(struct stack *stack)
{
    stack->now = sl_now(stack->host);
}

/* The interface, of those that share the NIC, that a frame is for: lwIP answers ARP only for
 * the address of the interface that it came in by. */
static struct netif *netif_for(struct stack *stack, const struct pbuf *packet)
{
    const uint8_t *frame = packet->payload;
    if (stack->address_count == 1 || packet->len < ARP_TARGET_OFFSET + 4)
        return &stack->netif[0];
    const bool arp = frame[ETHERTYPE_OFFSET] == 0x08 && frame[ETHERTYPE_OFFSET + 1] == 0x06;
    uint32_t target;
    memcpy(&target, frame + (arp ? ARP_TARGET_OFFSET : IP_DESTINATION_OFFSET), sizeof target);
    for (unsigned i = 1; i < stack->address_count; i++)
        if (netif_ip4_addr(&stack->netif[i])->addr == target)
            return &stack->netif[i];
    return &stack->netif[0];
}

const ip4_addr_t *net_router(const struct netif *netif, const ip4_addr_t *destination)
{
    const struct stack *stack = netif->state;
    const ip4_addr_t *via = NULL;
    uint32_t longest = 0;
    for (unsigned i = 0; i < stack->route_count; i++) {
        const uint32_t netmask = lwip_ntohl(stack->route[i].netmask.addr);
        if (netmask >= longest &&
            ip4_addr_netcmp(destination, &stack->route[i].destination, &stack->route[i].netmask)) {
            longest = netmask;
            via = &stack->route[i].via;
        }
    }
    return via;
}

/* As etharp_output does. */
static ip4_addr_t next_hop(const struct netif *netif, uint32_t address)
{
    const ip4_addr_t destination = {lwip_htonl(address)};
    if (ip4_addr_netcmp(&destination, netif_ip4_addr(netif), netif_ip4_netmask(netif)))
        return destination;
    const ip4_addr_t *const router = net_router(netif, &destination);
    return router ? *router : *netif_ip4_gw(netif);
}

bool stack_reaches(struct stack *stack, uint32_t address)
{
    const ip4_addr_t hop = next_hop(&stack->netif[0], address);
    const ip4_addr_t *found_address;
    struct eth_addr *found;
    return etharp_find_addr(&stack->netif[0], &hop, &found, &found_address) >= 0;
}

void stack_seek(struct stack *stack, uint32_t address)
{
    const ip4_addr_t hop = next_hop(&stack->netif[0], address);
    (void)etharp_query(&stack->netif[0], &hop, NULL);
}

/* Where there is a VLAN, only frames with its tag are for us. */
static bool tagged_for_us(const struct stack *stack, const uint8_t *frame, uint16_t length)
{
    const uint8_t *tag = frame + ETHERTYPE_OFFSET;
    return length >= ETHERTYPE_OFFSET + VLAN_TAG + 2 && tag[0] == 0x81 && tag[1] == 0x00 &&
           ((tag[2] & 15u) << 8 | tag[3]) == stack->vlan;
}

static bool unanswered_ping(const struct stack *stack, const struct pbuf *packet)
{
    const uint8_t *frame = packet->payload;
    return stack->no_ping && packet->len > IP_PROTOCOL_OFFSET && frame[ETHERTYPE_OFFSET] == 0x08 &&
           frame[ETHERTYPE_OFFSET + 1] == 0x00 && frame[IP_PROTOCOL_OFFSET] == IP_PROTO_ICMP;
}

/* Without its tag. */
static struct pbuf *copy_frame(struct stack *stack, const uint8_t *frame, uint16_t length)
{
    const uint16_t tag = stack->vlan != 0 ? VLAN_TAG : 0;
    if (tag && !tagged_for_us(stack, frame, length))
        return NULL;
    length = (uint16_t)(length - tag);
    struct pbuf *packet = pbuf_alloc(PBUF_RAW, length, PBUF_POOL);
    if (!packet) { /* what is kept out of order is the first to go */
        PBUF_CHECK_FREE_OOSEQ();
        packet = pbuf_alloc(PBUF_RAW, length, PBUF_POOL);
    }
    if (!packet) {
        stack->frames_dropped++;
        return NULL;
    }
    (void)pbuf_take(packet, frame + tag, length);
    if (tag) /* the addresses stand before it */
        (void)pbuf_take(packet, frame, ETHERTYPE_OFFSET);
    return packet;
}

void stack_receive(struct stack *stack)
{
    if (stack->short_of_transmit) {
        stack->short_of_transmit = false;
        tcp_txnow();
    }
    sys_check_timeouts();
    for (unsigned i = 0; i < stack->frames.receive_active.capacity; i++) {
        uint16_t length = 0;
        const uint8_t *frame = frames_receive(&stack->frames, &length);
        if (!frame)
            return;
        struct pbuf *packet = length > 0 ? copy_frame(stack, frame, length) : NULL;
        frames_return(&stack->frames, frame);
        if (!packet)
            continue;
        struct netif *netif = netif_for(stack, packet);
        if (unanswered_ping(stack, packet) || netif->input(packet, netif) != ERR_OK)
            pbuf_free(packet);
    }
}

bool stack_may_sleep(struct stack *stack)
{
    return frames_may_sleep(&stack->frames, stack->short_of_transmit);
}

void stack_sleep_until(struct stack *stack, uint64_t when)
{
    const u32_t wait = sys_timeouts_sleeptime();
    if (wait != SYS_TIMEOUTS_SLEEPTIME_INFINITE) {
        const uint64_t due =
            (stack->now / NANOSECONDS_PER_MILLISECOND + wait) * NANOSECONDS_PER_MILLISECOND;
        when = due < when ? due : when;
    }
    if (when >= stack->armed && stack->armed > stack->now)
        return;
    stack->armed = when;
    sl_deadline(stack->host, when);
}
