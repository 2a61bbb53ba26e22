/* edit_private.h - what edit.c collects and edit_stream.c plays back; for these two files and subject.c only. */
#ifndef POSTERN_MAIL_EDIT_PRIVATE_H
#define POSTERN_MAIL_EDIT_PRIVATE_H

#include "mail/edit.h"

struct edit_replacement {
	uint64_t offset;	/* of the field in the mail */
	char *field;		/* talloc */
	size_t n;
};

struct edit_list {
	char *prepended;	/* all new fields, topmost first, each line ended by LF; talloc, never NULL */
	unsigned remove_count;
	char **removes;		/* lower case, sorted, each once */
	unsigned replacement_count;
	struct edit_replacement *replacements;	/* sorted by offset */
};

/* Is this field of `h` one that the list removes? */
bool edit_list_removes(const struct edit_list *l, const struct header *h, const struct header_field *f);
/* What stands in the place of this field; NULL: it keeps its bytes. */
const struct edit_replacement *edit_list_replacement(const struct edit_list *l, const struct header_field *f);

#endif
