/* SPDX-License-Identifier: BSD-2-Clause */
/* `sluice check --capdl`: the flow rules on what a CAmkES build made. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/check_capdl.h"
#include "cli/cli.h"
#include "topology/camkes_check.h"

static FILE *open_file(const char *path)
{
    FILE *in = fopen(path, "re");
    if (!in)
        fprintf(stderr, "sluice check: %s: %s\n", path, strerror(errno));
    return in;
}

static bool read_kernel(struct camkes_kernel *kernel, const char *path)
{
    *kernel = (struct camkes_kernel){0};
    if (!path)
        return true;
    FILE *in = open_file(path);
    bool good = in && camkes_read_kernel(kernel, in, path, stderr);
    if (in)
        fclose(in);
    return good;
}

int cli_check_capdl(const struct site *site, const char *path, const char *kernel_path)
{
    static struct camkes_system system; /* both too large for the stack */
    static struct topology topology;
    struct camkes_kernel kernel;
    struct capdl capdl;
    struct site limited = *site; /* as `sluice build` does for this host */
    microkit_limit(&limited, stdout);
    topology_build(&limited, &topology);
    camkes_plan(&limited, &topology, microkit_board("qemu_virt_aarch64"), false, &system);
    FILE *in = open_file(path);
    if (!in || !read_kernel(&kernel, kernel_path)) {
        if (in)
            fclose(in);
        return CLI_UNABLE;
    }
    int status = CLI_UNABLE;
    if (capdl_read(&capdl, in, path, stderr))
        status = camkes_check(&system, &capdl, &kernel, stdout) ? CLI_FAILED : CLI_OK;
    capdl_free(&capdl);
    fclose(in);
    return status;
}
