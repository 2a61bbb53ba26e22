/* check_tables.c - lookup lists and their tables: which kind each element is, by its shape alone. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

static const struct value *wrap(struct checker *k, const struct value *like, struct lookup_table *table)
{
	struct value *v = value_like(k, like, VALUE_TABLE);

	v->u.table = table;
	if (v->file)
		lookup_table_set_label(table, v->file, v->line);
	return v;
}

static const struct value *check_acl(struct checker *k, const struct value *v)
{
	struct value *texts = value_like(k, v, VALUE_LIST);
	struct error e = { 0 };
	struct lookup_table *table;
	unsigned before = k->errors;

	texts->u.list.items = talloc_array(texts, const struct value *, v->u.list.count + 1);
	for (size_t i = 0; i < v->u.list.count; i++) {
		size_t mark = check_enter_index(k, i + 1);
		const struct value *item = v->u.list.items[i];

		if (check_is_dead(k, item) || item->kind == VALUE_UNDEF)
			;
		else if (item->kind != VALUE_STRING && item->kind != VALUE_INT)
			check_wrong(k, item, "a string: a list within a lookup list is an ACL of addresses or networks");
		else
			texts->u.list.items[texts->u.list.count++] = value_string(texts, value_text(item, texts));
		check_leave(k, mark);
	}
	table = k->errors == before ? lookup_table_acl(k->config, texts, &e) : NULL;
	if (k->errors == before && !table)
		check_complain(k, v, "%s", e.text);
	return table ? wrap(k, v, table) : NULL;
}

static const struct value *check_hash_table(struct checker *k, const struct value *v)
{
	unsigned before = k->errors;

	for (size_t i = 0; i < v->u.list.count; i++) {
		size_t mark = check_enter_key(k, v->u.list.keys[i]->u.string);

		check_is_dead(k, v->u.list.items[i]);
		check_leave(k, mark);
	}
	return k->errors == before ? wrap(k, v, lookup_table_hash(k->config, v)) : NULL;
}

static const struct value *check_regex_table(struct checker *k, const struct value *v)
{
	struct pattern *regex = v->u.regex;
	const struct value *result = &value_true;

	return wrap(k, v, lookup_table_re(k->config, &regex, &result, 1));
}

static const struct value *check_plugin_table(struct checker *k, const struct value *v)
{
	if (v->u.instance->plugin->roles & POSTERN_LOOKUP)
		return wrap(k, v, lookup_table_plugin(k->config, v->u.instance));
	check_complain(k, v, "the plugin %s cannot be a lookup table; expected a plugin with the role lookup", v->u.instance->plugin->name);
	return NULL;
}

const struct value *check_table(struct checker *k, const struct value *v)
{
	if (check_is_dead(k, v))
		return NULL;
	switch (v->kind) {
	case VALUE_TABLE: case VALUE_UNDEF: case VALUE_SETTING: return v;
	case VALUE_LIST: return v->u.list.count ? check_acl(k, v) : &value_undef;
	case VALUE_HASH: return check_hash_table(k, v);
	case VALUE_REGEX: return check_regex_table(k, v);
	case VALUE_INSTANCE: return check_plugin_table(k, v);
	case VALUE_FUNCTION: return wrap(k, v, lookup_table_function(k->config, v->u.function));
	default: return wrap(k, v, lookup_table_constant(k->config, v));
	}
}

const struct value *check_maps(struct checker *k, const struct value *v)
{
	struct value *list;

	if (v->kind == VALUE_HASH) {
		check_complain(k, v, "a table with keys where a list of tables was expected; write { { ... } } with two pairs of braces");
		return NULL;
	}
	if (v->kind != VALUE_LIST)
		return check_table(k, v);
	list = value_like(k, v, VALUE_LIST);
	list->u.list.items = talloc_array(list, const struct value *, v->u.list.count + 1);
	for (size_t i = 0; i < v->u.list.count; i++) {
		size_t mark = check_enter_index(k, i + 1);
		const struct value *table = check_table(k, v->u.list.items[i]);

		if (table && table->kind != VALUE_UNDEF)
			list->u.list.items[list->u.list.count++] = table;
		check_leave(k, mark);
	}
	return list;
}

static const struct value *check_pair(struct checker *k, const struct value *v)
{
	struct value *pair;
	const struct value *table, *names;
	size_t mark;

	if (check_is_dead(k, v))
		return NULL;
	if (v->kind != VALUE_LIST || v->u.list.count != 2)
		return check_wrong(k, v, "a pair { table, \"BANK\" }");
	mark = check_enter_index(k, 1);
	table = check_table(k, v->u.list.items[0]);
	check_leave(k, mark);
	mark = check_enter_index(k, 2);
	names = v->u.list.items[1];
	if (names->kind != VALUE_STRING && !check_is_dead(k, names))
		check_wrong(k, names, "the name of a policy bank, or several as \"A,B\"");
	check_leave(k, mark);
	if (!table || names->kind != VALUE_STRING)
		return NULL;
	pair = value_like(k, v, VALUE_LIST);
	pair->u.list.items = talloc_array(pair, const struct value *, 2);
	pair->u.list.items[0] = table;
	pair->u.list.items[1] = names;
	pair->u.list.count = 2;
	return pair;
}

const struct value *check_pairs(struct checker *k, const struct value *v)
{
	struct value *list;

	if (v->kind != VALUE_LIST)
		return check_wrong(k, v, setting_type_text(SETTING_TYPE_PAIRS));
	list = value_like(k, v, VALUE_LIST);
	list->u.list.items = talloc_array(list, const struct value *, v->u.list.count + 1);
	for (size_t i = 0; i < v->u.list.count; i++) {
		size_t mark = check_enter_index(k, i + 1);
		const struct value *pair = check_pair(k, v->u.list.items[i]);

		if (pair)
			list->u.list.items[list->u.list.count++] = pair;
		check_leave(k, mark);
	}
	return list;
}

/* ---- lists of plugin instances ---- */

static const struct { enum postern_role role; const char *name; } roles[] = {
	{ POSTERN_DECODER, "decoder" }, { POSTERN_SCANNER, "scanner" }, { POSTERN_SCORE, "score" }, { POSTERN_LOOKUP, "lookup" },
	{ POSTERN_DELIVERY, "delivery" }, { POSTERN_REPORT, "report" }, { POSTERN_DATABASE, "database" }
};

static const char *role_names(uint32_t set, void *owner)
{
	char *text = talloc_strdup(owner, "");

	for (size_t i = 0; i < G_N_ELEMENTS(roles); i++)
		if (set & roles[i].role)
			text = talloc_asprintf_append(text, "%s%s", *text ? ", " : "", roles[i].name);
	return text;
}

/* The setting chooses the role. */
static enum postern_role role_of_setting(enum setting_id id)
{
	const char *name = setting_name(id);

	if (!strncmp(name, "spam_scanners", 13))
		return POSTERN_SCORE;
	if (!strcmp(name, "decoders"))
		return POSTERN_DECODER;
	if (!strncmp(name, "report", 6))
		return POSTERN_REPORT;
	return POSTERN_SCANNER;
}

static const struct value *check_instance(struct checker *k, enum postern_role role, const struct value *v)
{
	const struct postern_plugin *p;

	if (v->kind == VALUE_UNDEF && v != &value_inert)
		return v;
	if (v->kind == VALUE_INSTANCE && v->u.instance && (v->u.instance->plugin->roles & role))
		return v;
	k->config->scanner_failed = true;
	if (check_is_dead(k, v))
		return NULL;
	if (v->kind != VALUE_INSTANCE)
		return check_wrong(k, v, talloc_asprintf(k->config, "a %s: a plugin's name and its options, clamd { ... }", role_names(role, k->config)));
	p = v->u.instance->plugin;
	check_complain(k, v, "the plugin %s has the role %s; expected a plugin with the role %s", p->name,
		role_names(p->roles, k->config), role_names(role, k->config));
	return NULL;
}

const struct value *check_scanners(struct checker *k, enum setting_id id, const struct value *v)
{
	enum postern_role role = role_of_setting(id);
	struct value *list = value_like(k, v, VALUE_LIST);
	const struct value *lone = v;
	bool many = v->kind == VALUE_LIST;
	size_t count = many ? v->u.list.count : 1;

	list->u.list.items = talloc_array(list, const struct value *, count + 1);
	if (v->kind == VALUE_HASH)
		return check_wrong(k, v, setting_type_text(SETTING_TYPE_SCANNERS));
	for (size_t i = 0; i < count; i++) {
		size_t mark = many ? check_enter_index(k, i + 1) : k->path->len;
		const struct value *item = check_instance(k, role, many ? v->u.list.items[i] : lone);

		if (item && item->kind != VALUE_UNDEF)
			list->u.list.items[list->u.list.count++] = item;
		check_leave(k, mark);
	}
	return list;
}
