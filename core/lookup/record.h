/* record.h - what SQL or LDAP says about one address: rows of named fields, most specific first.
 *
 * A source is asked once for each mail and address; every setting then reads its
 * own field of the answer: the first row in which that field is not NULL.
 * Settings are not known here.  Workers only: nobody else has the credentials. */
#ifndef POSTERN_LOOKUP_RECORD_H
#define POSTERN_LOOKUP_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "lookup/lookup.h"

enum record_source_kind { RECORD_SQL, RECORD_LDAP, RECORD_SOURCE_COUNT };

struct record_field {
	const char *name;		/* column or attribute, as the source spells it */
	const char *value;		/* NUL-terminated; NULL: SQL's NULL */
	size_t size;			/* bytes of value without the NUL */
};
struct record_row {
	const char *key;		/* the search key that matched, NULL: the source does not say */
	size_t count;
	const struct record_field *fields;	/* an attribute of several values is several fields of one name */
};
struct record {
	enum record_source_kind kind;
	const char *origin;		/* for people: "mysql:mail@127.0.0.1", never with a password */
	size_t row_count;
	const struct record_row *rows;
};

struct record_question {
	struct lookup_key *key;		/* an address */
	bool local_by_tables;		/* the static tables call it local: bare user names are keys then (reference: search keys) */
	const char *statement;		/* SQL: sel_policy as it holds for this mail; NULL: the source's own; "": nothing is asked */
	const struct lookup_context *context;
};

/* One configured database list or directory.  Made by the worker template, used by its workers; its connections are each worker's own. */
struct record_source {
	enum record_source_kind kind;
	/* 0 and *out on owner (no rows: no such address), or -1: it could not answer (TEMPFAIL). */
	int (*fetch)(struct record_source *s, const struct record_question *q, void *owner, struct record *out, struct error *e);
	/* SQL's wblist for the recipient whose users.id is given; the question is about the sender, its statement sel_wblist: *wb is the value
	 * of the first row, NULL where none matched.  NULL: the source keeps white and black lists within its records. */
	int (*wblist)(struct record_source *s, const char *users_id, const struct record_question *sender, void *owner, const char **wb,
		struct error *e);
	void *state;
};

#endif
