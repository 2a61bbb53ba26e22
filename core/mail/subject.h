/* subject.h - a tag in front of a mail's Subject; the rest of the field keeps its bytes, encoded and folded as it came. */
#ifndef POSTERN_MAIL_SUBJECT_H
#define POSTERN_MAIL_SUBJECT_H

#include "mail/edit.h"
#include "mail/header.h"

/* Put `tag` (UTF-8, macros expanded) in front of every Subject (of several some readers show the first, others the last), or make
 * one.  A tag beyond ASCII becomes RFC 2047 encoded-words of its own; one of three octets or more that stands in the text already
 * is taken out, encoded words left alone.  Pure; usable in every process. */
void subject_add_tag(struct edit_list *l, const struct header *h, const char *tag);
/* The field that subject_add_tag() would make of f, with its line end; talloc on owner, *n its bytes. */
char *subject_tagged(const struct header *h, const struct header_field *f, const char *tag, void *owner, size_t *n);
/* `text` as a header body may hold it (RFC 2047 5): ASCII as it is, else encoded-words joined by blanks. */
char *subject_encode(const char *text, void *owner);

#endif
