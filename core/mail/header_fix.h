/* header_fix.h - repairs of header fields that break RFC 5322 in ways that next hops stumble over. */
#ifndef POSTERN_MAIL_HEADER_FIX_H
#define POSTERN_MAIL_HEADER_FIX_H

#include "mail/edit.h"
#include "mail/header.h"

enum header_fix {
	HEADER_FIX_CR = 1 << 0,		/* a CR that ends no line goes */
	HEADER_FIX_FOLDING = 1 << 1,	/* a folded line of blanks only goes */
	HEADER_FIX_LONG = 1 << 2	/* a line of more than 998 octets is cut to 995 and "..." */
};

/* Replacements for the fields that need one; all others keep their bytes.  How many.  l NULL: only count them.  Pure; usable in every process. */
unsigned header_fix(struct edit_list *l, const struct header *h, unsigned fixes);

#endif
