/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy image: what the compiler (src/policy/compiler) makes of the configuration file
 * and every component uses in place, read-only. Flat, host byte order (all supported hosts are
 * little-endian), offsets from the image's start, no pointers.
 *
 * policy_image_check() is total; once it says yes, the accessors below stay inside the image.
 * What a service's rules look like is its protocol's own (e.g. protocols/modbus/rules.h).
 */
#ifndef SLUICE_POLICY_IMAGE_H
#define SLUICE_POLICY_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_MAGIC         UINT32_C(0x31504c53) /* "SLP1" */
#define POLICY_VERSION       2u
#define POLICY_LARGEST_IMAGE ((size_t)1 << 20) /* bytes */

struct policy_image {
    uint32_t magic;
    uint16_t version;
    uint16_t service_count;
    uint32_t size;     /* bytes of the whole image, a multiple of 8 */
    uint32_t services; /* offset of service_count struct policy_service */
    uint32_t rules;    /* offset of rule_count struct policy_rule_name */
    uint32_t hosts;    /* offset of host_count struct policy_host_name, sorted by address */
    uint16_t rule_count;
    uint16_t host_count;
    uint32_t strings;    /* offset of NUL-terminated strings; up to the image's end */
    uint32_t conditions; /* offset of struct policy_conditions (conditions.h); 0: none */
    uint32_t override;   /* offset of the name of the override in force; 0: none */
    uint8_t hash[32];    /* SHA-256 of the image with this field zero */
};
_Static_assert(sizeof(struct policy_image) == 72, "image header");

/* policy_service.flags */
#define POLICY_SERVICE_LEARNS  0x10u /* writes may pass: last values, selections are kept */
#define POLICY_SERVICE_MONITOR 0x20u /* what is denied is logged and let through */
#define POLICY_SERVICE_DROP    0x40u /* what is denied gets no answer */
#define POLICY_SERVICE_CLOSE   0x80u /* what is denied costs the client its connection */

#define POLICY_SERVICE_DATAGRAMS        0x100u /* UDP with clients, not TCP */
#define POLICY_SERVICE_DEVICE_DATAGRAMS 0x200u /* UDP with the device */

#define POLICY_SERVICE_BROADCAST      1u /* unit 0 is a serial line's broadcast: no reply */
#define POLICY_SERVICE_REPLY_UNIT_ANY 2u /* the device answers with a unit of its own */

struct policy_service {
    uint32_t name;           /* offset of its string, from the image's start */
    uint16_t protocol;       /* enum sl_protocol_id */
    uint16_t number;         /* own index */
    uint32_t listen_address; /* IPv4, host byte order */
    uint32_t device_address;
    uint16_t listen_port;
    uint16_t device_port;
    uint32_t image; /* offset from this struct BACK to the image's start */
    uint32_t body;  /* offset from the image's start of the protocol's own tables */
    uint32_t body_size;
    uint32_t flags; /* POLICY_SERVICE_* */
    uint16_t rate;  /* of the conditions' rates, for all that passes; POLICY_NONE: none */
    uint16_t reserved;
    uint64_t timeout; /* nanoseconds */
};
_Static_assert(sizeof(struct policy_service) == 48, "service entry");

struct policy_rule_name {
    uint32_t name; /* offset of the string: the rule's name, or "service/rule-3" */
    uint16_t service;
    uint16_t line; /* in the configuration file */
};

struct policy_host_name {
    uint32_t address;
    uint32_t name;
};

/* NULL when `image` is one and all it says lies within `size` (protocol bodies included);
 * otherwise what is wrong, in words. */
const char *policy_image_check(const void *image, size_t size);

/* NULL when there is no service `number`. */
const struct policy_service *policy_service(const void *image, unsigned number);
const char *policy_service_name(const struct policy_service *service);
/* NULL for SL_NO_RULE or a number that is none. */
const char *policy_rule_name(const void *image, unsigned rule);
/* NULL: no override is in force. The names of its rules begin with its own and a '/'. */
const char *policy_override_name(const void *image);
bool policy_rule_overrides(const void *image, unsigned rule);
/* NULL where the file names no host of this address. */
const char *policy_host_name(const void *image, uint32_t address);
/* The protocol's own tables of this service. */
const void *policy_service_body(const struct policy_service *service, size_t *size);

#endif
