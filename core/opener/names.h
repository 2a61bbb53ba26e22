/* names.h - the file names of a part as each kind of reader may see them.
 *
 * Mail programs disagree on quoting, RFC 2231, RFC 2047 and repeated parameters,
 * so every reading counts (parameters.h), and what each decodes to.  No I/O. */
#ifndef POSTERN_OPENER_NAMES_H
#define POSTERN_OPENER_NAMES_H

#include <gmime/gmime.h>
#include <stdbool.h>
#include <stddef.h>

#define NAMES_MAX 32			/* readings kept per part */
#define NAME_BYTES_MAX 4096		/* longer ones lose their middle: the end (".exe") matters as much as the start */

/* Readings of filename= and name=, without repetitions: appended to `names` as g_malloc'd strings. false: there were more than
 * NAMES_MAX, one was too long to be kept whole, or a field gives two of them, so that readers differ on which one counts. */
bool names_of_library(GMimeObject *entity, GPtrArray *names);	/* as GMime has them */
bool names_of_fields(GMimeObject *entity, GPtrArray *names);	/* of its fields, unparsed */
bool names_of_field(const char *raw, GPtrArray *names);		/* of a Content-Type or Content-Disposition value */
/* One name as it is, not a second time. false: it was cut or left out. */
bool names_add(GPtrArray *names, const char *name);

#endif
