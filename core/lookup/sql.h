/* sql.h - the SQL source of records: databases tried in order, the settings' statements, a cache.
 *
 * Made by the worker template, asked by its workers (and by `posternd -tt`): each
 * has connections and a cache of its own. */
#ifndef POSTERN_LOOKUP_SQL_H
#define POSTERN_LOOKUP_SQL_H

#include <stdio.h>

#include "lookup/record.h"
#include "lookup/record_cache.h"
#include "plugin/host.h"

#define SQL_TIMEOUT_MS 10000	/* of one statement, where the database has no timeout of its own */

struct sql_settings {
	struct plugin_instance *const *databases;	/* tried in order; the one that answers stays until it does not. Must live as long as the source */
	size_t database_count;
	const char *sel_policy, *sel_wblist;		/* NULL: built in */
	bool octets;			/* sql_allow_8bit_address */
	bool no_at_means_domain;	/* sql_lookups_no_at_means_domain */
	bool trim;			/* trim_trailing_space_in_lookup_result_fields */
	struct record_cache_limits cache;
};

struct record_source *sql_source_new(void *owner, const struct sql_settings *settings);

/* Any statement put for any key, its rows as a record.  0 and *out on owner, or -1.  A key that is no address has the keys of hashes. */
int sql_source_query(struct record_source *s, const char *statement, struct lookup_key *key, const struct lookup_context *context,
	void *owner, struct record *out, struct error *e);

/* Try each database: is it there, does it know the tables, which of the `columns` (NULL-terminated) has it not got?  Tells people. False: one failed. */
bool sql_source_check(struct record_source *s, const char *const *columns, FILE *to);
/* The same for the statement of a table; label: how people are told which. */
bool sql_source_check_table(struct record_source *s, const char *label, const struct lookup_table *t, FILE *to);

/* A table of a lookup list: the first column of the rows that a statement yields for the key, the first row first.
 * *source is read when asked: it may be made after the table.  written: the constructor as the configuration has it, for dumps. */
struct lookup_table *lookup_table_sql(void *owner, struct record_source *const *source, const char *statement, const char *written);

#endif
