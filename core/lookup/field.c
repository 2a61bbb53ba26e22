/* field.c - a field of the address's record in SQL or LDAP as a table of a lookup list: sql_field, ldap_field.
 * The record is the one that is asked for anyway, once for each mail and address. */
#include <stdlib.h>
#include <strings.h>
#include <talloc.h>

#include "base/log.h"
#include "lookup/record_asker.h"
#include "lookup/table.h"

struct lookup_table *lookup_table_field(void *owner, enum record_source_kind kind, const char *name, enum record_type type)
{
	struct lookup_table *t = lookup_table_new(owner, LOOKUP_FIELD);
	struct table_field *f = talloc(t, struct table_field);

	if (f == NULL)
		abort();
	*f = (struct table_field){ .kind = kind, .name = talloc_strdup(f, name), .type = type };
	t->u.field = f;
	return t;
}

int lookup_ask_field(const struct lookup_table *t, struct lookup_key *k, const struct lookup_context *context, struct lookup_sink *s)
{
	const struct table_field *f = t->u.field;
	const struct record *record;
	const struct value *v;
	struct error bad = { .class = ERROR_NONE };
	size_t row = 0;

	if (k->kind != KEY_ADDRESS || context == NULL)
		return 0;
	if (record_asker_get(context->records, f->kind, k, context, &record, s->failed) != 0)
		return -1;
	v = record != NULL ? record_field(record, f->name, f->type, s->owner, &row, &bad) : NULL;
	if (bad.class != ERROR_NONE)	/* the row is wrong, the lookup is not: nobody above would hear of it */
		log_write(LOG_LEVEL_WARNING, "<%s>: %s", k->text, bad.text);
	if (v != NULL)
		lookup_sink_take(s, v, record->rows[row].key);
	return 0;
}

static const char *const type_names[] = {
	[RECORD_STRING] = "string", [RECORD_NUMBER] = "number", [RECORD_BOOLEAN] = "boolean", [RECORD_BOOLEAN_TRUE] = "boolean"
};

bool lookup_field_type(const char *name, enum record_type *type)
{
	for (int i = RECORD_STRING; i <= RECORD_BOOLEAN; i++) {
		if (strcasecmp(name, type_names[i]) != 0)
			continue;
		*type = (enum record_type)i;
		return true;
	}
	return false;
}

void lookup_print_field(GString *out, const struct lookup_table *t)
{
	const struct table_field *f = t->u.field;
	struct value name = { .kind = VALUE_STRING, .u.string = f->name };

	g_string_append(out, f->kind == RECORD_SQL ? "sql_field(" : "ldap_field(");
	value_print(out, &name);
	g_string_append_printf(out, ", \"%s\")", type_names[f->type]);
}
