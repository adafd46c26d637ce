/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an operator may ask of a running gateway, in the launcher: other rules, an override, how it
 * does. It decides which policy is to be in force; the supervisor sees to it that it is
 * (src/hosts/linux/supervisor.c).
 */
#ifndef SLUICE_OPERATION_H
#define SLUICE_OPERATION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/override_state.h"
#include "control/server.h"
#include "hosts/linux/epoch.h"
#include "hosts/linux/launch.h"
#include "hosts/linux/service_manager.h"
#include "policy/site.h"

#define OPERATION_POLLS (CONTROL_CLIENTS + 1u)

/* What the supervisor knows. Times on CLOCK_MONOTONIC, ns. */
struct operation_view {
    const struct epoch *epoch;
    uint32_t number;  /* of the epoch */
    bool running;     /* all its processes are up */
    bool busy;        /* it starts, or takes the last policy: no other may follow yet */
    uint64_t now, up; /* up: since when it runs */
};

enum operation_change {
    CHANGE_NONE,
    CHANGE_RELOAD,
    CHANGE_OVERRIDE_START,
    CHANGE_OVERRIDE_RENEWED,
    CHANGE_OVERRIDE_RESUMED, /* at the gateway's start, from the state file */
    CHANGE_OVERRIDE_ENDED,   /* somebody asked */
    CHANGE_OVERRIDE_EXPIRED,
};

struct operation {
    struct launch *launch;
    struct service_manager *manager;
    struct site *site; /* the file as last loaded, without overrides */
    void *image;       /* what launch->policy is */
    char state[sizeof((struct site_control *)0)->state]; /* path; "": none */
    struct control_server server;
    struct override_state override, ended; /* in force; the one that just ended */
    uint64_t override_end;                 /* CLOCK_MONOTONIC, ns */
    uint64_t reminder;                     /* likewise: when the log is to be reminded of it */
    enum operation_change change;          /* on its way */
    char before[17];                       /* policy hash before it */
    struct control_client *asked;          /* by whom; NULL: nobody waits for it */
    uint32_t uid;                          /* of whoever asked; UINT32_MAX: nobody did */
    uint64_t metrics_due;                  /* when the file is to be written; 0: at once */
    bool metrics_failed;                   /* the last time */
    bool hang_up;                          /* SIGHUP: a reload is due */
    uint64_t started;                      /* Unix time of the gateway's start, s */
};

/* Takes `site` over (operation_stop frees it) and puts its policy in force for the first start,
 * with the override that the state file keeps. `socket`: path, NULL: as the site says. False, said
 * on standard error: what was asked for cannot be had. */
bool operation_start(struct operation *operation, struct launch *launch, struct site *site,
                     const char *socket);
void operation_stop(struct operation *operation);

/* Fills in what to poll for, at most OPERATION_POLLS, and until when. */
nfds_t operation_poll_set(const struct operation *operation, struct pollfd *set);
uint64_t operation_deadline(const struct operation *operation, bool busy);

/* Does what is due. Afterwards launch->policy may be another (launch->policy_generation). */
void operation_serve(struct operation *operation, const struct operation_view *view);

/* launch->policy is in force in all components. */
void operation_in_force(struct operation *operation, const struct operation_view *view);

#endif
