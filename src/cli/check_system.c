/* SPDX-License-Identifier: BSD-2-Clause */
/* `sluice check --system`: the flow rules on what a Microkit image is made from. */
#include "cli/check_system.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "topology/microkit_flow.h"

int cli_check_system(const struct site *site, const char *path, const char *board,
                     const char *kernel_path, bool accept_open)
{
    static struct topology topology; /* too large for the stack */
    struct site limited = *site;     /* as `sluice build` does for this host */
    struct microkit_flow_input input = {
        .board = microkit_board(board ? board : "qemu_virt_aarch64"), .accept_open = accept_open};
    if (!input.board) {
        fprintf(stderr, "sluice check: board %s is not known\n", board);
        return CLI_UNABLE;
    }
    microkit_limit(&limited, stdout);
    topology_build(&limited, &topology);
    size_t length;
    char *system = site_read_file(path, &length, stderr);
    char *kernel = kernel_path ? site_read_file(kernel_path, &length, stderr) : NULL;
    int status = CLI_UNABLE;
    if (system && (kernel || !kernel_path)) {
        input.system = system;
        input.kernel = kernel;
        status = microkit_flow_check(&topology, &input, stdout) ? CLI_FAILED : CLI_OK;
    }
    free(system);
    free(kernel);
    return status;
}
