/* sql_statement.h - statements with placeholders, as sql_clause holds them.
 *
 * A placeholder becomes a parameter that the database is handed beside the text: nothing of an address ever is SQL.
 * Pure: usable by every process that reads the configuration. */
#ifndef POSTERN_LOOKUP_SQL_STATEMENT_H
#define POSTERN_LOOKUP_SQL_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "postern/plugin.h"

extern const char sql_sel_policy[], sql_sel_wblist[];	/* the built-in ones */

struct sql_statement;
/* %k search keys, %a address, %l local part, %u user, %e extension, %d domain, %L whether it is local (1, 0), ? the statement's argument
 * (only where takes_argument); %% is "%", as is one before anything but a letter.  What is quoted or a comment stays as it is.
 * NULL and e: an unknown placeholder, a quote without end. On owner. */
struct sql_statement *sql_statement_compile(void *owner, const char *text, bool takes_argument, struct error *e);
/* Which of the settings' statements takes an argument? */
bool sql_clause_takes_argument(const char *clause);
/* A statement of lookups (others have placeholders of their own, and are not looked at here). */
bool sql_clause_is_lookup(const char *clause);

struct sql_arguments {
	const char *const *keys;	/* %k, most specific first */
	size_t key_count;		/* 0: %k is one NULL, which equals nothing */
	const char *const *parts;	/* of an address: address, local part, user, extension, domain; NULL: of something else, all parts are the address */
	const char *address;
	bool is_local;
	const char *argument;
	bool octets;			/* all but the argument are handed over as octets */
};
/* The text with "?" for every parameter, and the parameters, on owner. They point into `a`. */
const char *sql_statement_expand(const struct sql_statement *s, const struct sql_arguments *a, void *owner,
	struct postern_parameter **parameters, size_t *count);

#endif
