/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/control.h"

#include <string.h>

bool control_value(const char *request, const char *key, char *value, size_t size)
{
    const size_t length = strlen(key);
    for (const char *line = strchr(request, '\n'); line; line = strchr(line, '\n')) {
        line++;
        if (strncmp(line, key, length) != 0 || line[length] != ' ')
            continue;
        const char *text = line + length + 1;
        const size_t text_length = strcspn(text, "\n");
        if (text_length >= size)
            return false;
        memcpy(value, text, text_length);
        value[text_length] = '\0';
        return true;
    }
    return false;
}
