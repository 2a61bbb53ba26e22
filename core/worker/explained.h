/* explained.h - what explain.c has found out and explain_print.c prints. */
#ifndef POSTERN_WORKER_EXPLAINED_H
#define POSTERN_WORKER_EXPLAINED_H

#include <glib.h>

#include "config/config.h"
#include "mail/mail.h"

/* A setting as it was settled by something other than the defaults. */
struct explained {
	int recipient;			/* -1: the same for all, by the sender */
	const char *setting, *category;	/* category "CC_VIRUS" or NULL */
	const char *lua;
	const char *source;		/* "sql", "ldap", "table" */
	const char *origin, *row, *field;	/* of SQL or LDAP; row may be NULL */
	const char *list;		/* the lookup list of the table */
	unsigned table;			/* its number there, 0: no list of tables */
	const char *key, *place;	/* what matched; "file:line"; either may be NULL */
};

struct explanation {
	const struct mail *mail;
	const struct policy *policy;
	GPtrArray *settings;		/* struct explained * */
	GPtrArray *differences;		/* struct policy_difference * */
	const char *failure;		/* NULL: all is known */
};

void explain_print_text(GString *out, const struct explanation *x);
void explain_print_json(GString *out, const struct explanation *x);

#endif
