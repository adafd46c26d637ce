/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/build_places.h"

#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

int build_fail(const char *format, ...)
{
    va_list arguments;
    fputs("sluice build: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return CLI_FAILED;
}

void build_path(char *path, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, size, format, arguments);
    va_end(arguments);
}

static const char *given(const char *option, const char *variable, const char *otherwise)
{
    const char *value = option ? option : getenv(variable);
    return value && *value ? value : otherwise;
}

/* The folders of `path` that have `inside` in them, as one list of words. */
static void list_folders(const char *path, const char *inside, char *list, size_t size)
{
    struct dirent **entry;
    int count = scandir(path, &entry, NULL, alphasort);
    *list = '\0';
    for (int i = 0; i < count; i++) {
        char found[PATH_MAX];
        build_path(found, sizeof found, "%s/%s/%s", path, entry[i]->d_name, inside);
        size_t used = strlen(list);
        if (entry[i]->d_name[0] != '.' && access(found, R_OK) == 0)
            build_path(list + used, size - used, "%s%s", used ? ", " : "", entry[i]->d_name);
        free(entry[i]);
    }
    if (count >= 0)
        free(entry);
    if (!*list)
        build_path(list, size, "none");
}

/* True for a name that is a folder's and nothing more. */
static bool folder_name(const char *name)
{
    return *name != '.' && !strchr(name, '/');
}

static int find_board(const struct places *places)
{
    char path[PATH_MAX], list[1024];
    build_path(path, sizeof path, "%s/bin/microkit", places->sdk);
    if (access(path, X_OK) != 0)
        return build_fail(
            "%s is no Microkit SDK: it has no bin/microkit; give --sdk or MICROKIT_SDK",
            places->sdk);
    build_path(path, sizeof path, "%s/board/%s", places->sdk, places->board);
    if (!folder_name(places->board) || access(path, R_OK) != 0) {
        build_path(path, sizeof path, "%s/board", places->sdk);
        list_folders(path, "", list, sizeof list);
        return build_fail("the SDK %s has no board %s; it has %s: give --board or MICROKIT_BOARD",
                          places->sdk, places->board, list);
    }
    build_path(list, sizeof list, "%s/%s/lib/libmicrokit.a", path, places->flavour);
    if (folder_name(places->flavour) && access(list, R_OK) == 0)
        return CLI_OK;
    list_folders(path, "lib/libmicrokit.a", list, sizeof list);
    return build_fail("the SDK %s has no configuration %s for %s; it has %s: give --config or "
                      "MICROKIT_CONFIG",
                      places->sdk, places->flavour, places->board, list);
}

int build_places(const struct build *build, struct places *places)
{
    const char *sdk = given(build->sdk, "MICROKIT_SDK", "/opt/microkit-sdk");
    places->board = given(build->board, "MICROKIT_BOARD", "qemu_virt_aarch64");
    places->flavour = given(build->flavour, "MICROKIT_CONFIG", "release");
    snprintf(places->output, sizeof places->output, "%s",
             build->output ? build->output : "build/microkit/image");
    char found[PATH_MAX];
    if (!realpath(sdk, found) || strlen(found) >= sizeof places->sdk)
        return build_fail("no Microkit SDK at %s: give --sdk or MICROKIT_SDK", sdk);
    snprintf(places->sdk, sizeof places->sdk, "%s", found);
    int status = find_board(places);
    if (status != CLI_OK)
        return status;
    if (!build_root(places->root, sizeof places->root))
        return build_fail(
            "the sources are not beside this program: `sluice build` works from a build tree");
    char name[PATH_MAX / 4]; /* MICROKIT_NAME of make/microkit.mk */
    snprintf(name, sizeof name, "%s", strrchr(places->sdk, '/') + 1);
    for (char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("._-", *at))
            *at = '_';
    build_path(places->objects, sizeof places->objects, "%s/build/microkit/%s/%s/%s", places->root,
               name, places->board, places->flavour);
    return CLI_OK;
}

const char *build_cross(void)
{
    return given(NULL, "CROSS", "aarch64-linux-gnu-");
}
