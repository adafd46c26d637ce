/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `sluice` program: one file a verb, listed in main.c. A verb is called with argv[0] the
 * verb's own name and argv[1] the first argument after it, handles --help itself (usage on
 * standard output, status 0), and returns the exit status.
 */
#ifndef SLUICE_CLI_H
#define SLUICE_CLI_H

#define SLUICE_VERSION "0.1.0"

enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1, /* the answer is no: a check failed, the gateway stopped */
    CLI_UNABLE = 2, /* an input could not be read, or the command line not understood */
};

int cli_build(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_decode(int argc, char **argv);
int cli_learn(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_override(int argc, char **argv);
int cli_reload(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_topology(int argc, char **argv);

#endif
