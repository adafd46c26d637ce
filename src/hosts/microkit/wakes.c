/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/microkit/wakes.h"

#include <stddef.h>

void wakes_report(const char *name, const struct wake_count counts[WAKES_BADGES],
                  struct sl_json *json)
{
    sl_json_string(json, "of", name);
    sl_json_open_array(json, "counts");
    for (unsigned badge = 0; badge < WAKES_BADGES; badge++) {
        if (!counts[badge].wakes)
            continue;
        sl_json_number(json, NULL, badge);
        sl_json_number(json, NULL, counts[badge].wakes);
        sl_json_number(json, NULL, counts[badge].ticks);
        sl_json_number(json, NULL, counts[badge].early);
    }
    sl_json_close_array(json);
}
