/* record_field.c - fields of rows: which row has it, and what its text means. */
#include "lookup/record_field.h"

#include <glib.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>

/* --- rows --- */

static bool has_name(const struct record_field *f, const char *name)
{
	return strcasecmp(f->name, name) == 0;
}

/* The last field of that name that is not NULL; *known: there is one of that name at all. */
static const struct record_field *find(const struct record_row *row, const char *name, bool *known)
{
	const struct record_field *found = NULL;
	*known = false;
	for (size_t i = 0; i < row->count; i++) {
		if (!has_name(&row->fields[i], name))
			continue;
		*known = true;
		if (row->fields[i].value)
			found = &row->fields[i];
	}
	return found;
}

static const char *key_of(const struct record_row *row)
{
	bool known;
	if (row->key)
		return row->key;
	const struct record_field *email = find(row, "email", &known);
	return email ? email->value : "";
}

/* --- what a text means --- */

static bool all_of(const char *text, size_t n, char c)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] != c)
			return false;
	return n > 0;
}

static bool sql_false(const struct record_field *f)
{
	size_t n = f->size;
	while (n > 1 && f->value[n - 1] == ' ')
		n--;
	return n == 0 || (n == 1 && strchr("NnFf ", f->value[0])) || all_of(f->value, n, '0') || all_of(f->value, n, '\0');
}

static const struct value *boolean(const struct record *r, const struct record_field *f)
{
	bool yes = r->kind == RECORD_LDAP ? strcasecmp(f->value, "TRUE") == 0 : !sql_false(f);
	return yes ? &value_true : &value_false;
}

static const struct value *number(const struct record *r, const struct record_field *f, void *owner, struct error *e)
{
	const char *text = f->value + strspn(f->value, " ");
	char *end;
	if (!*text)
		return NULL;
	double n = g_ascii_strtod(text, &end);
	if (end == text || end[strspn(end, " ")] != '\0' || !isfinite(n)) {
		error_set(e, ERROR_INPUT, "%s: %s \"%.60s\" is not a number; it counts as not set", r->origin, f->name, f->value);
		return NULL;
	}
	if (n == floor(n) && fabs(n) < 9e15)
		return value_int(owner, (int64_t)n);
	return value_float(owner, n);
}

static const struct value *texts_of_row(const struct record_row *row, const char *name, void *owner)
{
	struct value *list = talloc_zero(owner, struct value);
	list->kind = VALUE_LIST;
	list->u.list.items = talloc_array(list, const struct value *, row->count);
	for (size_t i = 0; i < row->count; i++)
		if (has_name(&row->fields[i], name) && row->fields[i].value)
			list->u.list.items[list->u.list.count++] = value_string(list, row->fields[i].value);
	return list->u.list.count == 1 ? list->u.list.items[0] : list;
}

static const struct value *meaning(const struct record *r, const struct record_row *row, const struct record_field *f, enum record_type type,
	void *owner, struct error *e)
{
	switch (type) {
	case RECORD_NUMBER:
		return number(r, f, owner, e);
	case RECORD_BOOLEAN:
	case RECORD_BOOLEAN_TRUE:
		return boolean(r, f);
	case RECORD_STRING:
		break;
	}
	return r->kind == RECORD_LDAP ? texts_of_row(row, f->name, owner) : value_string(owner, f->value);
}

const struct value *record_field(const struct record *r, const char *name, enum record_type type, void *owner, size_t *row, struct error *e)
{
	for (size_t i = 0; i < r->row_count; i++) {
		bool known;
		const struct record_field *f = find(&r->rows[i], name, &known);
		const struct value *v = f ? meaning(r, &r->rows[i], f, type, owner, e) : NULL;
		if (!known && type == RECORD_BOOLEAN_TRUE && strcmp(key_of(&r->rows[i]), "@.") != 0)
			v = &value_true;
		if (!v)
			continue;
		if (row)
			*row = i;
		return v;
	}
	return NULL;
}

const char *record_text(const struct record *r, const char *name)
{
	for (size_t i = 0; i < r->row_count; i++) {
		bool known;
		const struct record_field *f = find(&r->rows[i], name, &known);
		if (f)
			return f->value;
	}
	return NULL;
}

const char *const *record_texts(const struct record *r, const char *name, void *owner)
{
	const char **list = talloc_zero_array(owner, const char *, 1);
	size_t n = 0;
	for (size_t i = 0; i < r->row_count && n == 0; i++) {
		const struct record_row *row = &r->rows[i];
		list = talloc_realloc(owner, list, const char *, row->count + 1);
		for (size_t k = 0; k < row->count; k++)
			if (has_name(&row->fields[k], name) && row->fields[k].value)
				list[n++] = row->fields[k].value;
		list[n] = NULL;
	}
	return list;
}
