/* uudecode.h - files that were put into plain text by uuencode ("begin 644 name" ... "end"), base64 kind included.  Pure. */
#ifndef POSTERN_OPENER_UUDECODE_H
#define POSTERN_OPENER_UUDECODE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uu_block {
	char *name;			/* bytes as given; the caller frees with g_free */
	GByteArray *content;		/* the caller unrefs */
	bool broken;			/* no end, or lines that say more than they hold */
	size_t begin, end;		/* offsets of its first line and behind it */
};

/* The first block at or behind offset `from`. false: there is none (nothing to free). */
bool uu_find(const uint8_t *text, size_t n, size_t from, struct uu_block *out);
void uu_clear(struct uu_block *b);

#endif
