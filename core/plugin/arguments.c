/* arguments.c - makes an instance from what its constructor was given, or from the text pairs of a record.
 *
 * All mistakes of a constructor's argument are reported at once, each with the
 * path of its key.  What a type means is options.c's business. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/text.h"
#include "base/pattern.h"
#include "plugin/inside.h"
#include "plugin/options.h"

#define POSITIONAL_MAX 64

struct filling {
	struct plugin_instance *instance;
	struct common_options common;
	plugin_complain_fn complain;
	void *context;
	unsigned mistakes;
	GHashTable *seen;		/* const struct postern_option * */
};

static struct plugin_instance *instance_blank(void *owner, const struct postern_plugin *p)
{
	struct plugin_instance *i = talloc_zero(owner, struct plugin_instance);
	i->magic = INSTANCE_MAGIC;
	i->plugin = p;
	i->kept_fd = -1;
	i->options = talloc_zero_size(i, p->options_size ? p->options_size : 1);
	return i;
}

static void mistake(struct filling *f, const char *path, const char *text)
{
	f->mistakes++;
	f->complain(f->context, path, text);
}

static void set_defaults(struct filling *f, const struct postern_option *table, void *fields)
{
	struct error e;
	for (const struct postern_option *o = table; o && o->name; o++) {
		if (option_set_default(o, fields, f->instance, &e) != 0)
			mistake(f, o->name, e.text);
	}
}

static void *fields_of(struct filling *f, bool common)
{
	return common ? (void *)&f->common : f->instance->options;
}

static const char *kind_name(const struct value *v)
{
	switch (v->kind) {
	case VALUE_UNDEF: return "nothing";
	case VALUE_BOOL: return "a boolean";
	case VALUE_INT: case VALUE_FLOAT: return "a number";
	case VALUE_STRING: return "a string";
	case VALUE_LIST: case VALUE_HASH: return "a table";
	case VALUE_TABLE: return "a lookup table";
	case VALUE_REGEX: return "a regular expression";
	case VALUE_INSTANCE: return "a plugin";
	case VALUE_FUNCTION: return "a function";
	default: return "something else";
	}
}

/* A bare number where a string is wanted is a mistake (a file called 5?), as is a boolean anywhere but in a boolean's place. */
static bool kind_fits(const struct postern_option *o, enum value_kind kind)
{
	bool number = o->type == POSTERN_INT || o->type == POSTERN_SIZE || o->type == POSTERN_DURATION || o->type == POSTERN_INTS ||
		o->type == POSTERN_MATCH || o->type == POSTERN_BOOL;
	switch (kind) {
	case VALUE_BOOL: return o->type == POSTERN_BOOL;
	case VALUE_INT: return number;
	case VALUE_FLOAT: return o->type == POSTERN_DURATION;
	case VALUE_STRING: return o->type != POSTERN_INTS;
	case VALUE_REGEX: return o->type == POSTERN_REGEX || o->type == POSTERN_MATCH;
	default: return false;
	}
}

/* "0.5" seconds as a duration text. */
static const char *text_of_scalar(const struct postern_option *o, const struct value *v, void *owner)
{
	if (v->kind == VALUE_REGEX)
		return talloc_asprintf(owner, "%s%s", o->type == POSTERN_MATCH ? "/" : "", pattern_bare(v->u.regex));
	if (v->kind == VALUE_STRING && o->type == POSTERN_MATCH)
		return talloc_asprintf(owner, "/%s", v->u.string);
	if (v->kind == VALUE_BOOL)
		return v->u.boolean ? "1" : "0";
	if (v->kind == VALUE_FLOAT)
		return talloc_asprintf(owner, "%lldms", (long long)(v->u.number * 1000));
	return value_text(v, owner);
}

static bool add_text(const struct postern_option *o, const struct value *v, const char **texts, size_t at)
{
	if (!v || !kind_fits(o, v->kind))
		return false;
	texts[at] = text_of_scalar(o, v, texts);
	return texts[at] != NULL;
}

static void fill_texts(struct filling *f, const struct postern_option *o, bool common, const char *path, const char **texts, size_t count)
{
	struct error e;
	if (option_set(o, fields_of(f, common), f->instance, texts, count, &e) != 0)
		mistake(f, path, e.text);
}

static void wrong_kind(struct filling *f, const struct postern_option *o, const char *path, const struct value *v)
{
	char text[200];
	snprintf(text, sizeof text, "expected %s, got %s", option_expected(o->type), kind_name(v ? v : &value_undef));
	mistake(f, path, text);
}

static void fill_value(struct filling *f, const struct postern_option *o, bool common, const char *path, const struct value *v)
{
	if (!value_defined(v))
		return;
	g_hash_table_add(f->seen, (void *)(uintptr_t)o);
	bool list = v->kind == VALUE_LIST && option_is_list(o->type);
	size_t count = list ? v->u.list.count : 1;
	const char **texts = talloc_zero_array(NULL, const char *, count + 1);
	bool good = true;
	for (size_t k = 0; k < count && good; k++) {
		const struct value *item = list ? v->u.list.items[k] : v;
		/* In a list a string is an exit code that somebody quoted; alone it is a pattern. */
		bool quoted_code = list && count > 1 && o->type == POSTERN_MATCH && item && item->kind == VALUE_STRING;
		good = !quoted_code && add_text(o, item, texts, k);
		if (!good)
			wrong_kind(f, o, path, item);
	}
	if (good)
		fill_texts(f, o, common, path, texts, count);
	talloc_free(texts);
}

static void fill_named(struct filling *f, const char *key, const struct value *v)
{
	bool common;
	const struct postern_option *o = option_find(f->instance->plugin, key, &common);
	if (o) {
		fill_value(f, o, common, key, v);
		return;
	}
	size_t count;
	const char **names = option_names(f->instance->plugin, NULL, &count);
	const char *nearest = text_nearest(key, names, count);
	char *text = nearest ? talloc_asprintf(names, "unknown option; did you mean \"%s\"?", nearest) :
		talloc_asprintf(names, "unknown option; %s takes: %s", f->instance->plugin->name, "");
	for (size_t k = 0; !nearest && k < count; k++)
		text = talloc_asprintf_append(text, "%s%s", k ? ", " : "", names[k]);
	mistake(f, key, text);
	talloc_free(names);
}

/* Unnamed items go to the positional options in the table's order; the last of them takes all that are left when it is a list. */
static void fill_positional(struct filling *f, const struct value *const *items, size_t count)
{
	size_t at = 0;
	for (const struct postern_option *o = f->instance->plugin->options; o && o->name && at < count; o++) {
		if (!(o->flags & POSTERN_POSITIONAL))
			continue;
		char path[24];
		snprintf(path, sizeof path, "[%zu]", at + 1);
		bool lone = !option_is_list(o->type) || count - at == 1;
		const struct value rest = { .kind = VALUE_LIST, .u.list = { count - at, (const struct value **)(uintptr_t)(items + at), NULL } };
		fill_value(f, o, false, path, lone ? items[at] : &rest);
		at = lone ? at + 1 : count;
	}
	if (at < count) {
		char path[24];
		snprintf(path, sizeof path, "[%zu]", at + 1);
		mistake(f, path, at == 0 ? "takes no unnamed value" : "one unnamed value too many");
	}
}

static bool key_is_position(const char *key)
{
	return !key || (key[0] >= '1' && key[0] <= '9' && strspn(key, "0123456789") == strlen(key));
}

static void fill_table(struct filling *f, const struct value *v)
{
	const struct value *positional[POSITIONAL_MAX];
	size_t count = 0;
	for (size_t k = 0; k < v->u.list.count; k++) {
		const struct value *named = v->kind == VALUE_HASH && v->u.list.keys ? v->u.list.keys[k] : NULL;
		const char *key = named && named->kind == VALUE_STRING ? named->u.string : NULL;
		if (!key_is_position(key))
			fill_named(f, key, v->u.list.items[k]);
		else if (count < POSITIONAL_MAX)
			positional[count++] = v->u.list.items[k];
		else
			mistake(f, "", "too many unnamed values");
	}
	fill_positional(f, positional, count);
}

static void fill_argument(struct filling *f, const struct value *v)
{
	if (!value_defined(v))
		return;
	if (v->kind == VALUE_LIST || v->kind == VALUE_HASH)
		fill_table(f, v);
	else
		fill_positional(f, &v, 1);
}

static void check_required(struct filling *f)
{
	for (const struct postern_option *o = f->instance->plugin->options; o && o->name; o++) {
		if (!(o->flags & POSTERN_REQUIRED) || g_hash_table_contains(f->seen, o))
			continue;
		char text[200];
		snprintf(text, sizeof text, "is required: %s", option_expected(o->type));
		mistake(f, o->name, text);
	}
}

static void take_common(struct plugin_instance *i, const struct common_options *c)
{
	i->name = talloc_strdup(i, c->name && c->name[0] ? c->name : i->plugin->name);
	i->timeout_ms = c->timeout_ms;
	i->max_size_bytes = c->max_size_bytes;
	i->probe_interval_ms = c->probe_interval_ms;
	i->on_error = strcmp(c->on_error, "tempfail") == 0 ? ON_ERROR_TEMPFAIL :
		strcmp(c->on_error, "unchecked") == 0 ? ON_ERROR_UNCHECKED : ON_ERROR_IGNORE;
}

static void filling_begin(struct filling *f, void *owner, const struct postern_plugin *p, plugin_complain_fn complain, void *context)
{
	*f = (struct filling){ .instance = instance_blank(owner, p), .complain = complain, .context = context,
		.seen = g_hash_table_new(NULL, NULL) };
	set_defaults(f, p->options, f->instance->options);
	set_defaults(f, common_option_table, &f->common);
}

static struct plugin_instance *filling_end(struct filling *f)
{
	check_required(f);
	g_hash_table_destroy(f->seen);
	if (f->mistakes > 0) {
		talloc_free(f->instance);
		return NULL;
	}
	take_common(f->instance, &f->common);
	return f->instance;
}

struct plugin_instance *plugin_instance_new(void *owner, const struct postern_plugin *p, const struct value *argument,
	plugin_complain_fn complain, void *context)
{
	struct filling f;
	filling_begin(&f, owner, p, complain, context);
	fill_argument(&f, argument);
	f.instance->argument = argument;
	if (argument) {
		f.instance->file = argument->file;
		f.instance->line = argument->line;
	}
	return filling_end(&f);
}

static void keep_first(void *context, const char *path, const char *text)
{
	struct error *e = context;
	if (e && e->class == ERROR_NONE)
		error_set(e, ERROR_CONFIG, "%s: %s", path, text);
}

struct plugin_instance *plugin_instance_from_pairs(void *owner, const struct postern_plugin *p, const char *const *names,
	const char *const *values, size_t count, struct error *e)
{
	struct filling f;
	if (e)
		*e = (struct error){ 0 };
	filling_begin(&f, owner, p, keep_first, e);
	for (size_t k = 0; k < count;) {
		size_t same = 1;
		while (k + same < count && strcmp(names[k], names[k + same]) == 0)
			same++;
		bool common;
		const struct postern_option *o = option_find(p, names[k], &common);
		const char **texts = (const char **)(uintptr_t)(values + k);
		if (o) {
			g_hash_table_add(f.seen, (void *)(uintptr_t)o);
			fill_texts(&f, o, common, names[k], texts, same);
		} else {
			mistake(&f, names[k], "unknown option");
		}
		k += same;
	}
	struct plugin_instance *i = filling_end(&f);
	if (!i)
		error_prefix(e, "plugin \"%s\"", p->name);
	return i;
}

struct pairs { void *owner; GPtrArray *names, *values; };

/* A number without default that is still 0: its bounds need not allow it. */
static bool was_not_given(const struct postern_option *o, const void *fields)
{
	bool number = o->type == POSTERN_INT || o->type == POSTERN_SIZE || o->type == POSTERN_DURATION;
	return number && !o->value && *(const int64_t *)(const void *)((const char *)fields + o->offset) == 0;
}

static void put_option(struct pairs *out, const struct postern_option *o, const void *fields)
{
	const char **texts = NULL;
	if (o->flags & POSTERN_SECRET || was_not_given(o, fields))
		return;
	size_t count = option_get(o, fields, out->owner, &texts);
	for (size_t k = 0; k < count; k++) {
		g_ptr_array_add(out->names, (void *)(uintptr_t)o->name);
		g_ptr_array_add(out->values, (void *)(uintptr_t)texts[k]);
	}
}

static const char **pairs_list(GPtrArray *array, void *owner)
{
	const char **list = talloc_zero_array(owner, const char *, array->len + 1);
	for (guint k = 0; k < array->len; k++)
		list[k] = array->pdata[k];
	g_ptr_array_free(array, TRUE);
	return list;
}

size_t plugin_instance_pairs(const struct plugin_instance *i, void *owner, const char ***names, const char ***values)
{
	static const char *const on_error[] = { "ignore", "tempfail", "unchecked" };
	const struct common_options common = { .name = i->name, .timeout_ms = i->timeout_ms, .on_error = on_error[i->on_error],
		.max_size_bytes = i->max_size_bytes, .probe_interval_ms = i->probe_interval_ms };
	struct pairs out = { owner, g_ptr_array_new(), g_ptr_array_new() };
	for (const struct postern_option *o = i->plugin->options; o && o->name; o++)
		put_option(&out, o, i->options);
	for (const struct postern_option *o = common_option_table; o->name; o++)
		put_option(&out, o, &common);
	size_t count = out.names->len;
	*names = pairs_list(out.names, owner);
	*values = pairs_list(out.values, owner);
	return count;
}
