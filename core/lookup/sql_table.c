/* sql_table.c - a statement as a table of a lookup list. */
#include "lookup/sql.h"

#include <talloc.h>

#include "lookup/table.h"

struct lookup_table *lookup_table_sql(void *owner, struct record_source *const *source, const char *statement, const char *written)
{
	struct lookup_table *t = lookup_table_new(owner, LOOKUP_SQL);

	t->u.sql = talloc_zero(t, struct sql_table);
	*t->u.sql = (struct sql_table){ source, talloc_strdup(t, statement), talloc_strdup(t, written) };
	return t;
}

int lookup_ask_sql(const struct lookup_table *t, struct lookup_key *k, const struct lookup_context *context, struct lookup_sink *s)
{
	struct record_source *source = *t->u.sql->source;
	struct record record;

	if (!source)
		return error_set(s->failed, ERROR_CONFIG, "sql: no database is configured");
	if (sql_source_query(source, t->u.sql->statement, k, context, s->owner, &record, s->failed) != 0)
		return error_prefix(s->failed, "sql");
	for (size_t i = 0; i < record.row_count; i++) {
		const struct record_row *row = &record.rows[i];

		if (row->count > 0 && row->fields[0].value && !lookup_sink_take(s, value_string(s->owner, row->fields[0].value), row->key ? row->key : k->text))
			break;
	}
	return 0;
}
