/* tree.h - the parts of the mail in hand, in the order of their numbers: parts[i].number == i + 1.
 *
 * The walkers and decoders add parts, and may change until the end what is said
 * of one; only then the worker is told and scanners are asked.  Everything
 * hangs on the tree's talloc owner. */
#ifndef POSTERN_OPENER_TREE_H
#define POSTERN_OPENER_TREE_H

#include "mail/mail.h"

struct opener_tree {
	void *owner;
	struct part *parts;
	unsigned count, size;
};

/* Copy a record (its strings live only as long as the call). record->number must be the next one. */
struct part *tree_add(struct opener_tree *t, const struct part_record *record);
/* The part of a number that was added; valid until the next tree_add(). */
struct part *tree_part(const struct opener_tree *t, uint32_t number);
/* As the worker is told: pointers into the tree. */
struct part_record tree_record(const struct part *p);
/* Does a list of short types joined by `separator` name this one? */
bool tree_type_in(const char *list, char separator, const char *type, size_t length);
/* Is the part of this short type? */
bool tree_is_of_type(const struct part *p, const char *type);

#endif
