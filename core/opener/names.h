/* names.h - the parameters of MIME fields as each kind of reader may see them, and the file names among them.
 *
 * Mail programs disagree on quoting, RFC 2231, RFC 2047 and repeated parameters,
 * so every reading counts.  Works on raw field text; no I/O. */
#ifndef POSTERN_OPENER_NAMES_H
#define POSTERN_OPENER_NAMES_H

#include <gmime/gmime.h>
#include <stdbool.h>
#include <stddef.h>

#define NAMES_MAX 32			/* readings kept per part */
#define NAME_BYTES_MAX 4096		/* longer ones lose their middle: the end (".exe") matters as much as the start */

/* Call back for each parameter of a raw field value in order: attribute in lower case, value with quotes and escapes undone. */
typedef void (*parameter_fn)(void *context, const char *attribute, const char *value);
void parameters_each(const char *raw_value, parameter_fn each, void *context);
/* How many parameters of this name, RFC 2231 forms counted as well. */
unsigned parameters_count(const char *raw_value, const char *attribute);

/* All readings of filename= and name= of an entity, without repetitions: appended to `names` as g_malloc'd strings.
 * false: there were more than NAMES_MAX, or one was too long to be kept whole. */
bool names_collect(GMimeObject *entity, GPtrArray *names);
/* One name, not a second time. false: it was cut or left out. */
bool names_add(GPtrArray *names, const char *name);

#endif
