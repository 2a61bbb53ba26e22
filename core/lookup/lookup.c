/* lookup.c - a lookup list asked table by table: the first defined result, or all of them. */
#include <glib.h>
#include <stdlib.h>
#include <talloc.h>

#include "lookup/table.h"

#define FUNCTION_DEPTH_MAX 8	/* a function may return a table, even one of functions */

lookup_function_call lookup_call_function;
lookup_plugin_call lookup_call_plugin = lookup_ask_instance;

struct question {
	struct lookup_key *key;
	const struct lookup_context *context;
	struct lookup_sink sink;
	const struct lookup_table *table;	/* that answered last */
	unsigned depth;
};

static int ask_value(struct question *q, const struct value *v);

static int ask_function(struct question *q, struct value_function *f)
{
	struct error failed = { .class = ERROR_NONE };
	const struct value *result;
	int rc;

	if (lookup_call_function == NULL)
		return error_set(q->sink.failed, ERROR_ENVIRONMENT, "functions cannot be asked in this process");
	if (q->depth >= FUNCTION_DEPTH_MAX)
		return error_set(q->sink.failed, ERROR_CONFIG, "a function's result is a function again, %d times over", FUNCTION_DEPTH_MAX);
	result = lookup_call_function(f, q->key->text, q->context, q->sink.owner, &failed);
	if (failed.class != ERROR_NONE)
		return error_set(q->sink.failed, failed.class, "%s", failed.text);
	q->depth++;
	rc = value_defined(result) ? ask_value(q, result) : 0;
	q->depth--;
	return rc;
}

static int ask_table(struct question *q, const struct lookup_table *t);

/* The keys that the plugin wants. */
static const char *const *plugin_keys(const struct plugin_instance *instance, struct lookup_key *k, size_t *count)
{
	if (instance->plugin->lookup == NULL || instance->plugin->lookup->keys != POSTERN_KEYS_ASKED)
		return lookup_key_list(k, count);
	*count = k->kind == KEY_STRINGS ? k->string_count : 1;
	return k->kind == KEY_STRINGS ? k->strings : &k->text;
}

static int ask_plugin(struct question *q, struct plugin_instance *instance)
{
	struct error failed = { .class = ERROR_NONE };
	const struct value *result;
	const char *matched = NULL, *const *keys;
	size_t count, parts;

	if (instance->table != NULL)
		return ask_table(q, instance->table);
	if (lookup_call_plugin == NULL)
		return error_set(q->sink.failed, ERROR_ENVIRONMENT, "plugins cannot be asked in this process");
	keys = plugin_keys(instance, q->key, &count);
	result = lookup_call_plugin(instance, keys, count, q->context, q->sink.owner, &matched, &failed);
	if (failed.class != ERROR_NONE)
		return error_set(q->sink.failed, failed.class, "%s", failed.text);
	if (result != NULL && lookup_key_parts(q->key, &parts) != NULL && instance->plugin->lookup->keys == POSTERN_KEYS_SEARCH)
		result = lookup_replace(q->sink.owner, result, q->key->parts, parts, false);
	lookup_sink_take(&q->sink, result, matched);
	return 0;
}

static int ask_table(struct question *q, const struct lookup_table *t)
{
	size_t before = q->sink.count;
	int rc = -1;

	switch (t->kind) {
	case LOOKUP_CONSTANT:
		lookup_sink_take(&q->sink, t->u.constant, "(constant)");
		rc = 0;
		break;
	case LOOKUP_FIELD:
		rc = lookup_ask_field(t, q->key, q->context, &q->sink);
		break;
	case LOOKUP_HASH:
		rc = lookup_ask_hash(t, q->key, &q->sink);
		break;
	case LOOKUP_ACL:
		rc = lookup_ask_acl(t, q->key, &q->sink);
		break;
	case LOOKUP_RE:
		rc = lookup_ask_re(t, q->key, &q->sink);
		break;
	case LOOKUP_CIDR:
		rc = lookup_ask_cidr(t, q->key, &q->sink);
		break;
	case LOOKUP_FUNCTION:
		rc = ask_function(q, t->u.function);
		break;
	case LOOKUP_PLUGIN:
		rc = ask_plugin(q, t->u.instance);
		break;
	case LOOKUP_SQL:
		rc = lookup_ask_sql(t, q->key, q->context, &q->sink);
		break;
	}
	if (rc == 0 && q->sink.count > before)
		q->table = t;	/* the outermost: a plugin's own table has no place in the configuration */
	if (rc != 0 && t->file != NULL && !g_str_has_prefix(q->sink.failed->text, t->label))	/* a function that stands where it fails says so itself */
		error_prefix(q->sink.failed, "%s:%d", t->file, t->line);
	return rc;
}

/* What stands where a table may stand, and is none yet: the rules for telling apart are those of the configuration. */
static int ask_value(struct question *q, const struct value *v)
{
	struct lookup_table *t;

	switch (v->kind) {
	case VALUE_UNDEF:
	case VALUE_SETTING:
		return 0;
	case VALUE_TABLE:
		return ask_table(q, v->u.table);
	case VALUE_FUNCTION:
		return ask_function(q, v->u.function);
	case VALUE_INSTANCE:
		return ask_plugin(q, v->u.instance);
	case VALUE_HASH:
		return ask_table(q, lookup_table_hash(q->sink.owner, v));
	case VALUE_LIST:
		t = lookup_table_acl(q->sink.owner, v, q->sink.failed);
		return t != NULL ? ask_table(q, t) : -1;
	default:
		lookup_sink_take(&q->sink, v, "(constant)");
		return 0;
	}
}

/* Ask until the first result (or to the end); *index is the place of the table that answered last, from 1. */
static int ask_list(struct question *q, const struct value *maps, unsigned *index)
{
	size_t count = maps->kind == VALUE_LIST ? maps->u.list.count : 1;
	const struct value *const *items = maps->kind == VALUE_LIST ? maps->u.list.items : &maps;

	for (size_t i = 0; i < count; i++) {
		size_t before = q->sink.count;

		if (ask_value(q, items[i]) != 0)
			return error_prefix(q->sink.failed, "table %zu", i + 1);
		if (q->sink.count > before)
			*index = (unsigned)i + 1;
		if (q->sink.count > 0 && !q->sink.want_all)
			break;
	}
	return 0;
}

static int ask(const struct value *maps, struct lookup_key *key, const struct lookup_context *context, bool want_all, void *owner,
	struct lookup_match *match, struct error *failed, struct question *q)
{
	unsigned index = 0;

	*q = (struct question){ .key = key, .context = context, .sink = { .owner = owner, .want_all = want_all, .failed = failed } };
	if (failed != NULL)
		*failed = (struct error){ .class = ERROR_NONE };
	if (match != NULL)
		*match = (struct lookup_match){ .table = NULL };
	if (!value_defined(maps))
		return 0;
	if (ask_list(q, maps, &index) != 0)
		return -1;
	if (match != NULL && q->sink.count > 0)
		*match = (struct lookup_match){ .table = q->table, .key = q->sink.key, .table_index = index };
	return 0;
}

const struct value *lookup_first(const struct value *maps, struct lookup_key *key, const struct lookup_context *context,
	void *owner, struct lookup_match *match, struct error *failed)
{
	struct error ignored;
	struct question q;

	if (ask(maps, key, context, false, owner, match, failed != NULL ? failed : &ignored, &q) != 0)
		return NULL;
	return q.sink.count > 0 ? q.sink.results[0] : NULL;
}

const struct value *lookup_all(const struct value *maps, struct lookup_key *key, const struct lookup_context *context,
	void *owner, struct error *failed)
{
	struct value *all = talloc_zero(owner, struct value);
	struct error ignored;
	struct question q;

	if (all == NULL)
		abort();
	all->kind = VALUE_LIST;
	if (ask(maps, key, context, true, all, NULL, failed != NULL ? failed : &ignored, &q) == 0) {
		all->u.list.items = q.sink.results;
		all->u.list.count = q.sink.count;
	}
	return all;
}

bool lookup_true(const struct value *maps, struct lookup_key *key, const struct lookup_context *context, void *owner, struct error *failed)
{
	return value_true_p(lookup_first(maps, key, context, owner, NULL, failed));
}
