/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/state.h"

#define ZONE_END    INT64_C(2840140800) /* 2060-01-01 */
#define LOOK_EVERY  INT64_C(21600)      /* s; no zone changes twice within six hours */
#define ZONE_FOLDER "/usr/share/zoneinfo"

/* The C library takes any name and means UTC where it finds no file. */
static bool is_zone(const char *name)
{
    char path[256], magic[4] = "";
    const size_t length = strlen(name);
    if (strcmp(name, "UTC") == 0)
        return true;
    if (length == 0 || length > 64 || !isalpha((unsigned char)name[0]) || strstr(name, ".."))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("_+-/", name[i]))
            return false;
    snprintf(path, sizeof path, ZONE_FOLDER "/%s", name);
    FILE *file = fopen(path, "rb");
    const bool good = file && fread(magic, 1, 4, file) == 4 && memcmp(magic, "TZif", 4) == 0;
    if (file)
        fclose(file);
    return good;
}

static int32_t offset_at(int64_t moment)
{
    const time_t when = (time_t)moment;
    struct tm local;
    return localtime_r(&when, &local) ? (int32_t)local.tm_gmtoff : 0;
}

static void add(struct arena *arena, struct arena_list *shifts, int64_t from, int32_t offset)
{
    *(struct policy_shift *)arena_append(arena, shifts, sizeof(struct policy_shift)) =
        (struct policy_shift){.from = from, .offset = offset};
}

static void find_shifts(struct arena *arena, struct arena_list *shifts)
{
    int32_t offset = offset_at(POLICY_CLOCK_SET);
    add(arena, shifts, POLICY_CLOCK_SET, offset);
    for (int64_t moment = POLICY_CLOCK_SET; moment < ZONE_END; moment += LOOK_EVERY) {
        const int32_t later = offset_at(moment + LOOK_EVERY);
        if (later == offset)
            continue;
        int64_t low = moment, high = moment + LOOK_EVERY; /* the change is within low..high */
        while (high - low > 1) {
            const int64_t middle = low + (high - low) / 2;
            if (offset_at(middle) == offset)
                low = middle;
            else
                high = middle;
        }
        add(arena, shifts, high, later);
        offset = later;
    }
}

bool zone_shifts(const char *name, struct arena *arena, struct arena_list *shifts)
{
    if (!is_zone(name))
        return false;
    if (strcmp(name, "UTC") == 0) {
        add(arena, shifts, POLICY_CLOCK_SET, 0);
        return true;
    }
    char setting[72];
    snprintf(setting, sizeof setting, ":%s", name);
    const char *before = getenv("TZ");
    char *kept = before ? strdup(before) : NULL;
    setenv("TZ", setting, 1);
    tzset();
    find_shifts(arena, shifts);
    if (kept)
        setenv("TZ", kept, 1);
    else
        unsetenv("TZ");
    tzset();
    free(kept);
    return true;
}
