/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/ip_fragments.h"

#include <stdlib.h>
#include <string.h>

#define DATAGRAM_MAX   65536u /* bytes; RFC 791: the offset and length fields reach no further */
#define UNIT           8u     /* bytes; fragment offsets count these */
#define DATAGRAMS_HELD 64u

struct datagram {
    bool used;
    struct fragment_key key;
    uint64_t age;       /* number of the first fragment */
    uint64_t fragments; /* that it was made of so far */
    size_t total;       /* length, once the last fragment was seen */
    bool total_known;
    uint8_t protocol;
    bool have[DATAGRAM_MAX / UNIT];
    uint8_t bytes[DATAGRAM_MAX];
};

struct ip_fragments {
    uint64_t seen;
    uint64_t lost; /* fragments of datagrams that were given up */
    struct datagram *datagram[DATAGRAMS_HELD];
};

struct ip_fragments *ip_fragments_new(void)
{
    return calloc(1, sizeof(struct ip_fragments));
}

uint64_t ip_fragments_free(struct ip_fragments *fragments)
{
    if (!fragments)
        return 0;
    uint64_t lost = fragments->lost;
    for (size_t i = 0; i < DATAGRAMS_HELD; i++) {
        const struct datagram *datagram = fragments->datagram[i];
        if (datagram && datagram->used)
            lost += datagram->fragments;
        free(fragments->datagram[i]);
    }
    free(fragments);
    return lost;
}

/* The datagram of this key, or a place for it. NULL when there is no memory for one. */
static struct datagram *find(struct ip_fragments *fragments, const struct fragment_key *key)
{
    size_t place = 0;
    bool place_free = false;
    for (size_t i = 0; i < DATAGRAMS_HELD; i++) {
        struct datagram *datagram = fragments->datagram[i];
        if (!datagram || !datagram->used) {
            place = place_free ? place : i;
            place_free = true;
            continue;
        }
        if (memcmp(&datagram->key, key, sizeof *key) == 0)
            return datagram;
        if (!place_free && datagram->age < fragments->datagram[place]->age)
            place = i;
    }
    struct datagram *datagram = fragments->datagram[place];
    if (!datagram)
        datagram = fragments->datagram[place] = malloc(sizeof *datagram);
    else if (datagram->used)
        fragments->lost += datagram->fragments;
    if (!datagram)
        return NULL;
    memset(datagram, 0, offsetof(struct datagram, bytes));
    datagram->used = true;
    datagram->key = *key;
    datagram->age = fragments->seen;
    return datagram;
}

static bool complete(const struct datagram *datagram)
{
    if (!datagram->total_known)
        return false;
    for (size_t unit = 0; unit * UNIT < datagram->total; unit++)
        if (!datagram->have[unit])
            return false;
    return true;
}

const uint8_t *ip_fragments_add(struct ip_fragments *fragments, const struct fragment_key *key,
                                uint8_t protocol, size_t offset, bool more, const uint8_t *bytes,
                                size_t length, size_t *datagram_length, uint8_t *first_protocol)
{
    fragments->seen++;
    /* Every fragment but the last is whole units long, and none reaches past the largest. */
    if (offset % UNIT || offset > DATAGRAM_MAX || length > DATAGRAM_MAX - offset ||
        (more && (length % UNIT || !length))) {
        fragments->lost++;
        return NULL;
    }
    struct datagram *datagram = find(fragments, key);
    if (!datagram) {
        fragments->lost++;
        return NULL;
    }
    datagram->fragments++;
    if (offset == 0)
        datagram->protocol = protocol;
    if (!more && !datagram->total_known) {
        datagram->total_known = true;
        datagram->total = offset + length;
    }
    for (size_t at = 0; at < length; at += UNIT) {
        size_t unit = (offset + at) / UNIT;
        if (datagram->have[unit])
            continue;
        datagram->have[unit] = true;
        memcpy(datagram->bytes + offset + at, bytes + at, length - at < UNIT ? length - at : UNIT);
    }
    if (!complete(datagram))
        return NULL;
    datagram->used = false;
    *datagram_length = datagram->total;
    *first_protocol = datagram->protocol;
    return datagram->bytes;
}
