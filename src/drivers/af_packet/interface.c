/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/af_packet/interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool request_for(const char *name, struct ifreq *request)
{
    memset(request, 0, sizeof *request);
    if (strlen(name) >= sizeof request->ifr_name)
        return false;
    strcpy(request->ifr_name, name);
    return true;
}

static void say_missing(const char *name, char *error, size_t error_size)
{
    int length = snprintf(error, error_size, "interface '%s' not found; existing:", name);
    struct if_nameindex *all = if_nameindex();
    const char *separator = " ";
    for (struct if_nameindex *one = all; one && one->if_index; one++) {
        if (length > 0 && (size_t)length < error_size)
            length += snprintf(error + length, error_size - (size_t)length, "%s%s", separator,
                               one->if_name);
        separator = ", ";
    }
    if_freenameindex(all);
}

static bool examine(int fd, const char *name, struct interface *found, char *error,
                    size_t error_size)
{
    struct ifreq request;
    if (!request_for(name, &request) || ioctl(fd, SIOCGIFINDEX, &request) != 0) {
        say_missing(name, error, error_size);
        return false;
    }
    found->index = request.ifr_ifindex;
    if (ioctl(fd, SIOCGIFHWADDR, &request) != 0 || request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
        snprintf(error, error_size, "interface '%s' is not Ethernet: name one that is", name);
        return false;
    }
    memcpy(found->mac, request.ifr_hwaddr.sa_data, sizeof found->mac);
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0 || !(request.ifr_flags & IFF_UP)) {
        snprintf(error, error_size, "interface '%s' is down: 'ip link set %s up' first", name,
                 name);
        return false;
    }
    found->address = 0;
    if (ioctl(fd, SIOCGIFADDR, &request) == 0) {
        struct sockaddr_in address;
        memcpy(&address, &request.ifr_addr, sizeof address);
        found->address = ntohl(address.sin_addr.s_addr);
    }
    return true;
}

bool interface_find(const char *name, struct interface *found, char *error, size_t error_size)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        snprintf(error, error_size, "cannot ask for interface '%s': %s", name, strerror(errno));
        return false;
    }
    bool good = examine(fd, name, found, error, error_size);
    close(fd);
    return good;
}

void interface_disable_offloads(const char *name)
{
    static const uint32_t commands[] = {ETHTOOL_SGRO, ETHTOOL_STSO, ETHTOOL_SGSO};
    struct ifreq request;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !request_for(name, &request))
        return;
    for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct ethtool_value off = {.cmd = commands[i], .data = 0};
        request.ifr_data = (void *)&off;
        ioctl(fd, SIOCETHTOOL, &request);
    }
    close(fd);
}

bool interface_own_mac(int fd, uint8_t mac[6])
{
    struct sockaddr_ll address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return false;
    memcpy(mac, address.sll_addr, 6);
    return true;
}

bool interface_claim(const char *name, char *error, size_t error_size)
{
    /* An abstract name belongs to the network namespace, as the interface does, and is gone with
     * the process that bound it. */
    struct sockaddr_un claim = {.sun_family = AF_UNIX};
    const int length =
        snprintf(claim.sun_path + 1, sizeof claim.sun_path - 1, "sluice/interface/%s", name);
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        bind(fd, (const struct sockaddr *)&claim,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) + (socklen_t)length) == 0)
        return true; /* open until the process ends */
    if (errno == EADDRINUSE)
        snprintf(error, error_size,
                 "interface '%s' belongs to another gateway that is running: stop that one, or "
                 "name another interface",
                 name);
    else
        snprintf(error, error_size, "cannot claim interface '%s': %s", name, strerror(errno));
    if (fd >= 0)
        close(fd);
    return false;
}
