/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A YAML text as a tree in which every node knows where it stands. Of YAML: maps, lists and
 * scalars in one document. Anchors, aliases, merge keys and tags are refused where they stand:
 * what a rule says should be read where the rule is.
 */
#ifndef SLUICE_POLICY_TREE_H
#define SLUICE_POLICY_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/compiler/mistakes.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    bool quoted;           /* a scalar in quotes or a block scalar */
    bool refused;          /* an alias: a mistake already, nothing more to say of it */
    unsigned line, column; /* from 1 */
    const char *text;      /* scalar; ended by NUL, holds none */
    size_t length;
    const struct node *key;           /* of a map's entry: the scalar before the colon */
    struct node *first, *last, *next; /* list's items and map's values, in order */
};

/* NULL when the text is not one YAML document of this kind; the reasons are mistakes. A tree may
 * come with mistakes too (a key that stands twice). */
struct node *tree_read(struct arena *arena, struct mistakes *mistakes, const char *text,
                       size_t length);

/* What a node is, for messages: its text in quotes, "a list", "a map", "nothing". */
const char *node_shown(struct arena *arena, const struct node *node);

#endif
