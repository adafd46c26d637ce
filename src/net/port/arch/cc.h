/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's view of compiler and platform: no stdio, no errno, no libc beyond mem*. */
#ifndef SLUICE_NET_PORT_CC_H
#define SLUICE_NET_PORT_CC_H

#include <stdint.h>
#include <sys/types.h> /* ssize_t, of which lwIP only declares a result */

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_UNISTD_H   1
#define LWIP_NO_CTYPE_H    1

#define X8_F  "x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "u"

/* src/net/stack.c */
_Noreturn void net_assertion_failed(const char *what, int line);
uint32_t net_random(void);

#define LWIP_PLATFORM_DIAG(arguments)                                                              \
    do {                                                                                           \
    } while (0)
#define LWIP_PLATFORM_ASSERT(what) net_assertion_failed((what), __LINE__)
#define LWIP_RAND()                net_random()

#endif
