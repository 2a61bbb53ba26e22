/* statements.h - the prepared statements of one connection, found again by their text; what database plugins share. */
#ifndef POSTERN_DATABASE_STATEMENTS_H
#define POSTERN_DATABASE_STATEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATEMENTS_MAX 64	/* a list of search keys makes a statement for each length of it */

struct statement {
	char *text;		/* NULL: free */
	void *handle;		/* the plugin's */
	uint64_t used;
};
struct statements {
	struct statement slots[STATEMENTS_MAX];
	uint64_t clock;
};

void *statements_find(struct statements *s, const char *text);	/* NULL: not prepared */
/* The handle that has to go before another can be kept (out of the list already), NULL: there is room. */
void *statements_make_room(struct statements *s);
void statements_keep(struct statements *s, const char *text, void *handle);
void *statements_forget(struct statements *s, const char *text);	/* its handle, NULL */
void *statements_forget_any(struct statements *s);			/* until NULL: all gone */

/* Its first word or parenthesis, behind white space and comments. */
const char *statement_begins(const char *text);
/* Does it only read?  Whatever it is, such a statement may be asked a second time. */
bool statement_only_reads(const char *text);

#endif
