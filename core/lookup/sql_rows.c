/* sql_rows.c - keeps the rows of one statement, so many and no more. */
#include "lookup/sql_rows.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

#define KEY_COLUMN "email"	/* what the key was compared with, in amavisd-new's tables */

/* SELECT users.*, policy.*, users.id: of columns of one name the last counts. */
static void take_columns(void *context, const char *const *names, size_t count)
{
	struct sql_rows *r = context;
	GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);	/* name -> its column + 1 */

	r->names = talloc_zero_array(r->owner, const char *, count + 1);
	r->column_count = count;
	for (size_t i = 0; i < count; i++) {
		char *name = talloc_strdup(r->names, names[i]);
		gpointer before;

		for (char *p = name; *p; p++)
			*p = g_ascii_tolower(*p);
		before = g_hash_table_lookup(seen, name);
		if (before)
			r->names[GPOINTER_TO_SIZE(before) - 1] = NULL;
		r->names[i] = name;
		g_hash_table_replace(seen, name, GSIZE_TO_POINTER(i + 1));
	}
	g_hash_table_destroy(seen);
}

/* Bytes of a row's values, each with a NUL behind it. */
static size_t room_for(const char *const *values, const size_t *sizes, size_t count)
{
	size_t room = 0;

	for (size_t i = 0; i < count; i++)
		room += values[i] ? sizes[i] + 1 : 0;
	return room;
}

/* Copies the value to *to, which moves on. */
static void take_value(const struct sql_rows *r, const char *value, size_t size, char **to, struct record_field *out)
{
	if (value == NULL)
		return;
	while (r->trim && size > 0 && value[size - 1] == ' ')
		size--;
	out->value = *to;
	out->size = size;
	memcpy(*to, value, size);
	(*to)[size] = '\0';
	*to += size + 1;
}

static bool take_record(void *context, const char *const *values, const size_t *sizes, size_t count)
{
	struct sql_rows *r = context;
	size_t room = room_for(values, sizes, count);
	struct record_field *fields;
	struct record_row row = { .count = 0 };
	char *to;

	r->bytes += room + count * sizeof *fields;
	if (r->row_count >= SQL_ROWS_MAX || r->bytes > SQL_BYTES_MAX)
		return false;
	row.fields = fields = talloc_zero_array(r->owner, struct record_field, count + 1);
	to = talloc_array(r->owner, char, room + 1);
	for (size_t i = 0; i < count && i < r->column_count; i++) {
		struct record_field *field = &fields[row.count];

		if (!r->names[i])
			continue;
		field->name = r->names[i];
		take_value(r, values[i], sizes[i], &to, field);
		if (strcmp(field->name, KEY_COLUMN) == 0)
			row.key = field->value;
		row.count++;
	}
	r->rows = talloc_realloc(r->owner, r->rows, struct record_row, r->row_count + 1);
	r->rows[r->row_count++] = row;
	return true;
}

struct plugin_record_sink sql_rows_sink(struct sql_rows *r)
{
	return (struct plugin_record_sink){ .columns = take_columns, .record = take_record, .context = r };
}
