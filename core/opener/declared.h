/* declared.h - what a reader takes a part for by its name or its declared type, whatever its content begins with.
 *
 * A mail program shows what is declared to be a page as one, though a NUL or the
 * mark of a picture stands in front; viewers look for a PDF file's objects, and
 * calendars for their lines, wherever they begin.  Such a part is offered to the
 * decoders of that type too; its own type stays what its content says. */
#ifndef POSTERN_OPENER_DECLARED_H
#define POSTERN_OPENER_DECLARED_H

#include <stddef.h>

/* A set of kinds by these names and MIME types (in lower case). */
unsigned declared_kinds(const char *const *names, size_t name_count, const char *const *mime_types, size_t mime_type_count);
/* The short type of one kind of the set, which is taken out of it; NULL: none is left. */
const char *declared_next(unsigned *kinds);

#endif
