/* edit_private.h - what edit.c collects and edit_stream.c plays back; for these two files only. */
#ifndef POSTERN_MAIL_EDIT_PRIVATE_H
#define POSTERN_MAIL_EDIT_PRIVATE_H

#include "mail/edit.h"

struct edit_list {
	char *prepended;	/* all new fields, topmost first, each line ended by LF; talloc, never NULL */
	unsigned remove_count;
	char **removes;		/* lower case, sorted, each once */
};

/* Is this field of `h` one that the list removes? */
bool edit_list_removes(const struct edit_list *l, const struct header *h, const struct header_field *f);

#endif
