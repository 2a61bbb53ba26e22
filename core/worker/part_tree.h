/* part_tree.h - the tree of a mail's parts, told to people and programs. */
#ifndef POSTERN_WORKER_PART_TREE_H
#define POSTERN_WORKER_PART_TREE_H

#include <glib.h>

#include "mail/mail.h"

/* A line for each part, indented by its level, and one for each of its names. */
void part_tree_text(GString *out, const struct mail *m);
/* ,"tree":[...]: every part with all that is known of it. */
void part_tree_json(GString *out, const struct mail *m);

#endif
