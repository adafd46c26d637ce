/* SPDX-License-Identifier: BSD-2-Clause */
/* `control` of the gateway: the local socket, the overrides' state, the metrics' file. */
#include <string.h>

#include "policy/compiler/load.h"

static void load_text(struct loader *loader, const struct node *node, const struct field *field,
                      void *object)
{
    const size_t size = (size_t)field->high;
    if (node->kind == NODE_SCALAR && node->length > 0 && node->length < size &&
        (node->text[0] == '/' || field->low == 0 || strcmp(node->text, "none") == 0))
        memcpy((uint8_t *)object + field->offset, node->text, node->length + 1);
    else
        unexpected(loader, node, "%s: %s, up to %zu bytes", field->key,
                   field->low ? "a path from the root, or none" : "a name", size - 1);
}

/* As chmod takes it. Nobody may be let in who is neither the owner nor of the group. */
static void load_mode(struct loader *loader, const struct node *node, const struct field *field,
                      void *object)
{
    uint16_t mode = 0;
    bool good = node->kind == NODE_SCALAR && node->length >= 3 && node->length <= 4;
    for (size_t i = 0; good && i < node->length; i++) {
        good = node->text[i] >= '0' && node->text[i] <= '7';
        mode = (uint16_t)(mode << 3 | (node->text[i] & 7));
    }
    if (!good || mode & ~0770u || !(mode & 0600u)) {
        unexpected(loader, node,
                   "mode: the rights of owner and group in octal, such as 0600 or 0660, none for "
                   "others");
        return;
    }
    memcpy((uint8_t *)object + field->offset, &mode, sizeof mode);
}

void load_control(struct loader *loader, const struct node *node, const struct field *field,
                  void *object)
{
    struct site *const site = object;
    static const struct field fields[] = {
        {.key = "socket",
         .load = load_text,
         .offset = offsetof(struct site_control, socket),
         .low = 1,
         .high = sizeof((struct site_control *)0)->socket},
        {.key = "mode", .load = load_mode, .offset = offsetof(struct site_control, mode)},
        {.key = "group",
         .load = load_text,
         .offset = offsetof(struct site_control, group),
         .high = sizeof((struct site_control *)0)->group},
        {.key = "state",
         .load = load_text,
         .offset = offsetof(struct site_control, state),
         .low = 1,
         .high = sizeof((struct site_control *)0)->state},
        {.key = "metrics",
         .load = load_text,
         .offset = offsetof(struct site_control, metrics),
         .low = 1,
         .high = sizeof((struct site_control *)0)->metrics},
    };
    (void)field;
    LOAD_MAP(loader, node, "control", fields, &site->control);
}
