/* SPDX-License-Identifier: BSD-2-Clause */
/* What `sluice build` hands to the builder of one host. */
#ifndef SLUICE_CLI_BUILD_H
#define SLUICE_CLI_BUILD_H

#include <stdint.h>

#include "policy/site.h"
#include "topology/topology.h"

struct build {
    const char *config;  /* path of the site */
    const char *output;  /* directory; NULL: the host's default */
    const char *sdk;     /* likewise */
    const char *board;   /* likewise */
    const char *flavour; /* debug, release, benchmark; likewise */
    bool accept_open;    /* one-way although the kernel leaves a channel open */
    const char *nic[2];  /* what moves the frames of a side; NULL: the host's default */
    struct site *site;
    struct topology topology;
    void *policy; /* image */
    size_t policy_size;
};

/* Each returns the exit status, having said on standard error what is wrong. */
int build_microkit(const struct build *build);
int build_camkes(const struct build *build);

/* Runs argv[0] with its arguments, output to `log` (NULL: ours). True when it ended with 0. */
bool build_run(char *const argv[], const char *log);

/* Copies `log` to standard error. */
void build_show(const char *log);

/* The whole file as text; malloc'd. NULL, having said why, when it cannot be read. */
char *build_read(const char *path);

bool build_write(const char *path, const void *bytes, size_t size);

/* Writes the C name of protocol `id` to `name`; false when no service of the site speaks it. */
bool build_protocol(const struct site *site, unsigned id, char name[64]);

/* Bytes that the image of this gateway may take on seL4; 0: as many as it takes. */
uint64_t build_budget(const struct build *build);

/* The directory that holds the Makefile of this program's sources; false: there is none. */
bool build_root(char *path, size_t size);

#endif
