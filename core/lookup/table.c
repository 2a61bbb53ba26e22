/* table.c - make tables of the simple kinds, name them, and take what one of any kind has found. */
#include <glib.h>
#include <stdlib.h>
#include <talloc.h>

#include "lookup/table.h"

struct lookup_table *lookup_table_new(void *owner, enum lookup_kind kind)
{
	struct lookup_table *t = talloc_zero(owner, struct lookup_table);

	if (t == NULL)
		abort();
	t->kind = kind;
	return t;
}

struct lookup_table *lookup_table_constant(void *owner, const struct value *v)
{
	struct lookup_table *t = lookup_table_new(owner, LOOKUP_CONSTANT);

	t->u.constant = v;
	return t;
}

struct lookup_table *lookup_table_function(void *owner, struct value_function *f)
{
	struct lookup_table *t = lookup_table_new(owner, LOOKUP_FUNCTION);

	t->u.function = f;
	return t;
}

struct lookup_table *lookup_table_plugin(void *owner, struct plugin_instance *instance)
{
	struct lookup_table *t = lookup_table_new(owner, LOOKUP_PLUGIN);

	t->u.instance = instance;
	return t;
}

enum lookup_kind lookup_table_kind(const struct lookup_table *t)
{
	return t->kind;
}

void lookup_table_set_label(struct lookup_table *t, const char *file, int line)
{
	t->file = talloc_strdup(t, file);
	t->line = line;
	t->label = talloc_asprintf(t, "%s:%d", file, line);
}

const char *lookup_table_label(const struct lookup_table *t)
{
	return t->label != NULL ? t->label : "";
}

const struct value **lookup_table_results(const struct lookup_table *t, void *owner, size_t *count)
{
	const struct value *hash = t->kind == LOOKUP_HASH ? t->u.hash.source : NULL;
	const struct value **results;

	*count = t->kind == LOOKUP_CONSTANT ? 1 : hash != NULL ? hash->u.list.count : t->kind == LOOKUP_RE || t->kind == LOOKUP_CIDR ? t->count : 0;
	results = talloc_array(owner, const struct value *, *count + 1);
	for (size_t i = 0; i < *count; i++)
		results[i] = t->kind == LOOKUP_CONSTANT ? t->u.constant : hash != NULL ? hash->u.list.items[i]
			: t->kind == LOOKUP_RE ? t->u.re[i].result : t->u.cidr[i].result;
	return results;
}

/* A const{} as a result stands for what is in it. */
static const struct value *bare(const struct value *result)
{
	bool wrapped = result != NULL && result->kind == VALUE_TABLE && result->u.table->kind == LOOKUP_CONSTANT;

	return wrapped ? result->u.table->u.constant : result;
}

bool lookup_sink_take(struct lookup_sink *s, const struct value *result, const char *key)
{
	result = bare(result);
	if (value_defined(result)) {
		s->results = talloc_realloc(s->owner, s->results, const struct value *, s->count + 1);
		if (s->results == NULL)
			abort();
		s->results[s->count++] = result;
		s->key = key;
	}
	return s->want_all;
}
