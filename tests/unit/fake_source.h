/* fake_source.h - a source of records whose rows a test writes down: "address: column=value, column=NULL; next row". */
#ifndef POSTERN_TESTS_FAKE_SOURCE_H
#define POSTERN_TESTS_FAKE_SOURCE_H

#include <glib.h>
#include <string.h>
#include <talloc.h>

#include "lookup/record.h"

struct fake_source {
	struct record_source source;
	const char *const *lines;	/* "a@b: x=1, y=NULL; x=2", NULL-terminated; rows' keys are the addresses unless key=... says another */
	const char *wb;			/* what wblist says */
	const char *const *wblist;	/* the same by users.id and sender: "7 a@b W", NULL-terminated */
	bool fails;
	unsigned fetches, wblists;
	bool local, sender_is_local;	/* of the latest question */
	const char *statement, *users_id, *sender;
};

static inline void fake_row(void *owner, const char *text, const char *key, struct record_row *row)
{
	char **pairs = g_strsplit(text, ", ", -1);
	struct record_field *fields = talloc_zero_array(owner, struct record_field, g_strv_length(pairs) + 1);
	row->key = key;
	row->fields = fields;
	for (char **p = pairs; *p; p++) {
		char *equals = strchr(*p, '=');
		if (!equals)
			continue;
		const char *value = strcmp(equals + 1, "NULL") == 0 ? NULL : talloc_strdup(owner, equals + 1);
		*equals = '\0';
		if (strcmp(*p, "key") == 0)
			row->key = value;
		else
			fields[row->count++] = (struct record_field){ talloc_strdup(owner, g_strstrip(*p)), value, value ? strlen(value) : 0 };
	}
	g_strfreev(pairs);
}

static inline int fake_fetch(struct record_source *s, const struct record_question *q, void *owner, struct record *out, struct error *e)
{
	struct fake_source *f = s->state;
	const char *address = lookup_key_text(q->key);
	*out = (struct record){ .kind = s->kind, .origin = s->kind == RECORD_SQL ? "fake:sql" : "fake:ldap" };
	f->fetches++;
	f->local = q->local_by_tables;
	f->statement = q->statement;
	if (f->fails)
		return error_set(e, ERROR_ENVIRONMENT, "%s: gone away", out->origin);
	for (const char *const *line = f->lines; line && *line; line++) {
		size_t n = strlen(address);
		if (strncmp(*line, address, n) != 0 || strncmp(*line + n, ": ", 2) != 0)
			continue;
		char **rows = g_strsplit(*line + n + 2, "; ", -1);
		struct record_row *list = talloc_zero_array(owner, struct record_row, g_strv_length(rows) + 1);
		for (char **row = rows; *row; row++)
			fake_row(owner, *row, address, &list[out->row_count++]);
		out->rows = list;
		g_strfreev(rows);
	}
	return 0;
}

static inline int fake_wblist(struct record_source *s, const char *users_id, const struct record_question *sender, void *owner, const char **wb,
	struct error *e)
{
	struct fake_source *f = s->state;
	f->wblists++;
	f->statement = sender->statement;
	f->users_id = users_id;
	f->sender = talloc_strdup(owner, lookup_key_text(sender->key));
	f->sender_is_local = sender->local_by_tables;
	*wb = f->wb;
	for (const char *const *line = f->wblist; line && *line; line++) {
		char *start = talloc_asprintf(owner, "%s %s ", users_id, f->sender);
		if (strncmp(*line, start, strlen(start)) == 0)
			*wb = *line + strlen(start);
	}
	return f->fails ? error_set(e, ERROR_ENVIRONMENT, "fake:sql: gone away") : 0;
}

static inline struct record_source *fake_source(struct fake_source *f, enum record_source_kind kind)
{
	f->source = (struct record_source){ .kind = kind, .fetch = fake_fetch, .wblist = kind == RECORD_SQL ? fake_wblist : NULL, .state = f };
	return &f->source;
}

#endif
