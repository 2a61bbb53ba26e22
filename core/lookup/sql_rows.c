/* sql_rows.c - keeps the rows of one statement, so many and no more. */
#include "lookup/sql_rows.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

#define KEY_COLUMN "email"	/* what the key was compared with, in amavisd-new's tables */

static const char *lower(void *owner, const char *name)
{
	char *copy = talloc_strdup(owner, name);

	for (char *p = copy; *p; p++)
		*p = g_ascii_tolower(*p);
	return copy;
}

/* SELECT users.*, policy.*, users.id: of columns of one name the last counts. */
static void take_columns(void *context, const char *const *names, size_t count)
{
	struct sql_rows *r = context;

	r->names = talloc_zero_array(r->owner, const char *, count + 1);
	r->column_count = count;
	for (size_t i = 0; i < count; i++) {
		r->names[i] = lower(r->names, names[i]);
		for (size_t k = 0; k < i; k++)
			if (r->names[k] && strcmp(r->names[k], r->names[i]) == 0)
				r->names[k] = NULL;
	}
}

static void take_value(const struct sql_rows *r, void *owner, const char *value, size_t size, struct record_field *out)
{
	while (r->trim && value && size > 0 && value[size - 1] == ' ')
		size--;
	out->size = value ? size : 0;
	out->value = NULL;
	if (value) {
		char *copy = talloc_zero_size(owner, size + 1);

		memcpy(copy, value, size);
		out->value = copy;
	}
}

static bool take_record(void *context, const char *const *values, const size_t *sizes, size_t count)
{
	struct sql_rows *r = context;
	struct record_field *fields = talloc_zero_array(r->owner, struct record_field, count + 1);
	struct record_row row = { .fields = fields };

	if (r->row_count >= SQL_ROWS_MAX)
		return false;
	for (size_t i = 0; i < count && i < r->column_count; i++) {
		if (!r->names[i])
			continue;
		r->bytes += sizeof *fields + sizes[i];
		if (r->bytes > SQL_BYTES_MAX)
			return false;
		fields[row.count].name = r->names[i];
		take_value(r, fields, values[i], sizes[i], &fields[row.count]);
		if (strcmp(r->names[i], KEY_COLUMN) == 0)
			row.key = fields[row.count].value;
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
