/* parameters.h - every value that some mail program may read for a parameter of a MIME field (RFC 2045, 2231, 2047; and what is made of them).
 *
 * Programs disagree on quoting, comments, folding, continuations, percent
 * escapes and repeated parameters, so each reading is given.  Pure. */
#ifndef POSTERN_OPENER_PARAMETERS_H
#define POSTERN_OPENER_PARAMETERS_H

#include <stdbool.h>

#define PARAMETER_VALUE_MAX_BYTES (64 * 1024)	/* no more of a field is read */

/* Called with each reading, in no order that means anything, the same one more than once. The value lives as long as the call. */
typedef void (*parameter_fn)(void *context, const char *value);

enum { PARAMETERS_CUT = 1 /* not all of the field was read */, PARAMETERS_CONFLICT = 2 /* plainly given twice, with different values */ };
/* Readings of `attribute` (lower case) in an unparsed field value, wherever in it the attribute seems to stand. What was odd: flags. */
unsigned parameters_read(const char *raw, const char *attribute, parameter_fn add, void *context);
/* Is the attribute there at all? */
bool parameters_mention(const char *raw, const char *attribute);
/* Text without its comments (RFC 5322 section 3.2.2), quoted strings left alone: g_malloc'd. */
char *parameters_strip_comments(const char *text);

#endif
