/* types.h - what a part's content is, whatever it was declared to be.
 *
 * First tables of our own (cheap, and they win), then "all bytes are text" with
 * the kinds of text that matter, and only for what is left open libmagic, whose
 * default on text would cost more than all the rest of the opener's work on a
 * mail.  What some formats carry at their end is looked for, too: a picture
 * with an archive behind it is both. */
#ifndef POSTERN_OPENER_TYPES_H
#define POSTERN_OPENER_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct type_guess {
	char shorts[64];		/* short types joined by ',': "exe,exe-ms" */
	char full[160];			/* one line of printable ASCII */
	bool embeds;			/* somewhere behind its beginning an archive may begin: a decoder should look */
};

#define TYPES_PREFIX_BYTES (64 * 1024)	/* no more of the beginning is looked at */

struct type_content {
	const uint8_t *data;		/* its beginning: TYPES_PREFIX_BYTES at least, or all */
	size_t n;
	uint64_t size;			/* of all; n where data is all */
	int fd;				/* the rest is read from here; -1 where data is all */
	unsigned *library_left;		/* how often libmagic may still be asked, counted down; NULL: as often as need be */
};

/* Load libmagic's database, before the jail. Without it types_guess works with its own tables only. */
int types_load(struct error *e);
void types_guess_content(const struct type_content *c, struct type_guess *out);
/* The same of a content that is all in memory. */
void types_guess(const uint8_t *data, size_t n, struct type_guess *out);
/* Short types for one of libmagic's descriptions; "dat" where it tells nothing. */
const char *types_short_of_full(const char *full);
/* A zip archive, or a PGP message, that nobody opens without a password. */
bool types_is_encrypted(const uint8_t *data, size_t n, const struct type_guess *guess);

#endif
