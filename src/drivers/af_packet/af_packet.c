/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/af_packet/af_packet.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/af_packet/checksum.h"
#include "drivers/af_packet/interface.h"

#define BLOCK_SIZE       65536u
#define RING_FRAME_SIZE  2048u /* header, sockaddr_ll and an untagged frame fit */
#define RING_FRAME_COUNT 256u
#define RING_SIZE        (RING_FRAME_SIZE * RING_FRAME_COUNT)
/* Frames that wait in the interface's own queue; above it sends are refused. */
#define SEND_BUFFER (1024 * 1024)
#define SEND_BATCH  16u

static int configure(int fd)
{
    const int version = TPACKET_V2, on = 1, send_buffer = SEND_BUFFER;
    const struct tpacket_req request = {
        .tp_block_size = BLOCK_SIZE,
        .tp_block_nr = RING_SIZE / BLOCK_SIZE,
        .tp_frame_size = RING_FRAME_SIZE,
        .tp_frame_nr = RING_FRAME_COUNT,
    };
    /* The system's limit may be lower; then more sends are refused and tried again. */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0)
        return -1;
    if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0)
        return -1;
    return setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request);
}

static int join(int fd, int index, const uint8_t *mac)
{
    const struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return -1;
    if (!mac)
        return 0;
    struct packet_mreq unicast = {
        .mr_ifindex = index, .mr_type = PACKET_MR_UNICAST, .mr_alen = ETH_ALEN};
    memcpy(unicast.mr_address, mac, ETH_ALEN);
    return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &unicast, sizeof unicast);
}

int af_packet_prepare(char *error, size_t error_size)
{
    /* Protocol 0: nothing is received before bind. */
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && configure(fd) == 0)
        return fd;
    if (errno == EPERM)
        snprintf(error, error_size,
                 "raw frames need CAP_NET_RAW: run as root, or give the program the right with "
                 "'setcap cap_net_raw+ep'");
    else
        snprintf(error, error_size, "cannot open a socket for raw frames: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

bool af_packet_bind(int fd, const char *interface, const uint8_t *mac, char *error,
                    size_t error_size)
{
    struct interface found;
    if (!interface_find(interface, &found, error, error_size))
        return false;
    interface_disable_offloads(interface);
    if (join(fd, found.index, mac) == 0)
        return true;
    snprintf(error, error_size, "cannot receive raw frames on interface '%s': %s", interface,
             strerror(errno));
    return false;
}

static struct af_packet *from_driver(struct nic_driver *driver)
{
    return (struct af_packet *)driver;
}

static struct tpacket2_hdr *ring_frame(const struct af_packet *packet)
{
    return (struct tpacket2_hdr *)(void *)(packet->ring + packet->next * RING_FRAME_SIZE);
}

static uint32_t frame_status(struct tpacket2_hdr *header)
{
    return atomic_load_explicit((_Atomic uint32_t *)&header->tp_status, memory_order_acquire);
}

static void give_back(struct af_packet *packet, struct tpacket2_hdr *header)
{
    atomic_store_explicit((_Atomic uint32_t *)&header->tp_status, TP_STATUS_KERNEL,
                          memory_order_release);
    packet->next = (packet->next + 1) % RING_FRAME_COUNT;
}

/* The kernel flags every frame until it has been asked how many it dropped. */
static void count_losses(struct af_packet *packet)
{
    struct tpacket_stats stats;
    socklen_t size = sizeof stats;
    if (getsockopt(packet->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
        packet->driver.counters.receive_dropped += stats.tp_drops;
}

/* The kernel takes a frame's tag off; here it goes back to where it was. Returns its size. */
static uint32_t restore_tag(const struct tpacket2_hdr *header, uint32_t status, uint8_t *buffer)
{
    if (!(status & TP_STATUS_VLAN_VALID))
        return 0;
    const uint16_t protocol =
        status & TP_STATUS_VLAN_TPID_VALID ? header->tp_vlan_tpid : (uint16_t)ETH_P_8021Q;
    buffer[0] = (uint8_t)(protocol >> 8);
    buffer[1] = (uint8_t)protocol;
    buffer[2] = (uint8_t)(header->tp_vlan_tci >> 8);
    buffer[3] = (uint8_t)header->tp_vlan_tci;
    return NIC_VLAN_TAG;
}

static uint16_t receive(struct nic_driver *driver, uint8_t *buffer)
{
    struct af_packet *packet = from_driver(driver);
    for (;;) {
        struct tpacket2_hdr *header = ring_frame(packet);
        uint32_t status = frame_status(header);
        if (!(status & TP_STATUS_USER))
            return 0;
        if (status & TP_STATUS_LOSING)
            count_losses(packet);
        uint32_t length = header->tp_len;
        bool fits = length == header->tp_snaplen && length >= NIC_MIN_FRAME &&
                    length <= NIC_MAX_FRAME - NIC_VLAN_TAG;
        if (fits) {
            const uint8_t *frame = (const uint8_t *)header + header->tp_mac;
            memcpy(buffer, frame, 2 * ETH_ALEN);
            const uint32_t tag = restore_tag(header, status, buffer + 2 * ETH_ALEN);
            memcpy(buffer + 2 * ETH_ALEN + tag, frame + 2 * ETH_ALEN, length - 2 * ETH_ALEN);
            if (status & TP_STATUS_CSUMNOTREADY)
                checksum_complete(buffer + tag, length); /* looks at no MAC address */
            length += tag;
        }
        give_back(packet, header);
        if (fits) {
            driver->counters.received++;
            return (uint16_t)length;
        }
        driver->counters.receive_dropped++;
    }
}

/* What the send of a frame came to: true when it is dealt with. */
static bool settled(struct nic_driver *driver, ssize_t sent)
{
    if (sent >= 0) {
        driver->counters.transmitted++;
        return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return false;
    driver->counters.transmit_dropped++; /* interface down, its queue full */
    return true;
}

static unsigned transmit(struct nic_driver *driver, const struct nic_frame *frames, unsigned count)
{
    struct af_packet *packet = from_driver(driver);
    unsigned done = 0;
    while (count - done > 1) {
        struct iovec part[SEND_BATCH];
        struct mmsghdr message[SEND_BATCH];
        unsigned batch = count - done < SEND_BATCH ? count - done : SEND_BATCH;
        memset(message, 0, batch * sizeof *message);
        for (unsigned i = 0; i < batch; i++) {
            /* iovec has no const; a send only reads. */
            part[i].iov_base = (void *)(uintptr_t)frames[done + i].bytes;
            part[i].iov_len = frames[done + i].length;
            message[i].msg_hdr.msg_iov = &part[i];
            message[i].msg_hdr.msg_iovlen = 1;
        }
        int sent = sendmmsg(packet->fd, message, batch, MSG_DONTWAIT);
        if (sent > 0) {
            driver->counters.transmitted += (unsigned)sent;
            done += (unsigned)sent;
        } else if (settled(driver, -1)) {
            done++;
        } else {
            return done;
        }
    }
    if (done < count &&
        settled(driver, send(packet->fd, frames[done].bytes, frames[done].length, MSG_DONTWAIT)))
        done++;
    return done;
}

/* An edge-triggered wait fires anew for each frame that comes after the last look. */
static bool may_sleep(struct nic_driver *driver)
{
    struct af_packet *packet = from_driver(driver);
    return !(frame_status(ring_frame(packet)) & TP_STATUS_USER);
}

static const struct nic_operations operations = {receive, transmit, may_sleep};

bool af_packet_attach(struct af_packet *packet, int fd)
{
    *packet = (struct af_packet){.driver.operations = &operations, .fd = fd};
    if (!interface_own_mac(fd, packet->driver.mac))
        return false;
    packet->ring = mmap(NULL, RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    return packet->ring != MAP_FAILED;
}
