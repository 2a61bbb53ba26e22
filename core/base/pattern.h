/* pattern.h - regular expressions: PCRE2 with JIT and with limits, so that no pattern can eat a worker's time.
 *
 * Any process; matching is thread-safe.  Memory: talloc on the owner given. */
#ifndef POSTERN_BASE_PATTERN_H
#define POSTERN_BASE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct pattern;

/* PCRE2 with JIT and match limits. flags: subset of "ixmsun", and "ADU" (anchored, $ at the very end only, ungreedy: pattern_bare() does not
 * tell of these). On error NULL, text with "at offset N". */
struct pattern *pattern_compile(void *owner, const char *pattern, const char *flags, struct error *e);
bool pattern_match(const struct pattern *r, const char *subject, size_t n);
/* captures[0..max-1] get talloc strings on owner (NULL: not set); returns count, 0 no match, -1 limit hit. */
int pattern_captures(const struct pattern *r, const char *subject, size_t n, void *owner, char **captures, int max);
const char *pattern_source(const struct pattern *r);		/* as Lua */
const char *pattern_bare(const struct pattern *r);		/* for PCRE2 elsewhere: "(?i)...", the flags in front */

#endif
