/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process of the gateway gives up before a component's code runs in it: descriptors,
 * users and capabilities, limits, the file system (Landlock), and every system call but the
 * few it lives by (seccomp; any other kills the process).
 */
#ifndef SLUICE_LINUX_SANDBOX_H
#define SLUICE_LINUX_SANDBOX_H

#include <stdbool.h>

/* Where descriptors lie in every process of the gateway. Any write is allowed up to FD_AUDIT
 * and within the FD_BELLS from FD_BELL on; these hold nothing but what is for writing. */
enum {
    FD_LOG = 2,    /* standard error: sl_log; closed, except in tests */
    FD_REPORT = 3, /* to the launcher: report.h */
    FD_AUDIT = 4,  /* the audit stream; open in the monitor's process only */
    FD_EPOLL = 5,
    FD_DEVICE = 6, /* packet sockets, LAUNCH_MAX_DEVICES of them */
    FD_BELL = 64,  /* eventfds that this process may ring */
    FD_BELLS = 64, /* at most; a power of two that FD_BELL is a multiple of */
};

/* Each returns NULL, or what could not be done; errno says why. */
const char *sandbox_drop_capabilities(void);          /* and never any again; user and files stay */
const char *sandbox_drop_rights(void);                /* user, groups, capabilities, limits */
const char *sandbox_follow_parent(int parent);        /* die with it, at once */
const char *sandbox_close_files(void);                /* Landlock: no path can be opened */
const char *sandbox_restrict_calls(unsigned devices); /* seccomp; the last one */

/* The filter of sandbox_restrict_calls as BPF instructions (struct sock_filter), to a file. */
bool sandbox_write_filter(unsigned devices, int fd);

/* Landlock's version in this kernel; 0: none. */
int sandbox_landlock_version(void);

#endif
