/* types.h - what a part's content is, whatever it was declared to be.
 *
 * First a table of prefixes of our own (cheap, and it wins), then "all bytes are
 * text", and only for what is left open libmagic, whose default on text would
 * cost more than all the rest of the opener's work on a mail. */
#ifndef POSTERN_OPENER_TYPES_H
#define POSTERN_OPENER_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct type_guess {
	const char *shorts;		/* amavisd-new's short types joined by ',': "exe,exe-ms"; static */
	char full[160];			/* one line of printable ASCII */
};

#define TYPES_PREFIX_BYTES (64 * 1024)	/* no more of the content is looked at */

/* Load libmagic's database, before the jail. Without it types_guess works with its own tables only. */
int types_load(struct error *e);
/* Types of a content; n may be the whole of it. */
void types_guess(const uint8_t *data, size_t n, struct type_guess *out);
/* Short types for one of libmagic's descriptions; "dat" where it tells nothing. */
const char *types_short_of_full(const char *full);
/* A zip archive, or a PGP message, that nobody opens without a password. */
bool types_is_encrypted(const uint8_t *data, size_t n, const struct type_guess *guess);

#endif
