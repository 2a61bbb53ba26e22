/* source_ldap.c - the directory of enable_ldap and default_ldap: an instance of the plugin ldap, made where the setting says so, not a constructor. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

#include "lookup/record_ldap.h"

/* In the base or in any bank. */
static bool enabled_somewhere(const struct config *c, enum setting_id id)
{
	GHashTableIter at;
	gpointer name, data;

	if (value_true_p(c->base[id]))
		return true;
	g_hash_table_iter_init(&at, c->banks);
	while (g_hash_table_iter_next(&at, &name, &data)) {
		const struct bank *b = data;

		for (size_t i = 0; i < b->count; i++)
			if (b->entries[i].id == id && value_true_p(b->entries[i].value))
				return true;
	}
	return false;
}

void ldap_attribute_wanted(struct config *c, const char *name)
{
	size_t count = talloc_array_length(c->ldap_attributes);

	c->ldap_attributes = talloc_realloc(c, c->ldap_attributes, const char *, count + 1);
	c->ldap_attributes[count] = talloc_strdup(c->ldap_attributes, name);
}

static void add_item(struct value *list, const struct value *item)
{
	list->u.list.items = talloc_realloc(list, list->u.list.items, const struct value *, list->u.list.count + 1);
	list->u.list.items[list->u.list.count++] = item;
}

/* What the plugin reads where the option is not given. */
static void add_default_attributes(struct config *c, struct value *list)
{
	const struct postern_plugin *plugin = plugin_host_find(c->host, "ldap", NULL);

	for (const struct postern_option *o = plugin ? plugin->options : NULL; o && o->name; o++) {
		char **names = strcmp(o->name, "attributes") == 0 ? g_strsplit(o->value, ",", -1) : NULL;

		for (char **name = names; name && *name; name++)
			add_item(list, value_string(list, *name));
		g_strfreev(names);
	}
}

/* default_ldap with what ldap_field names among its attributes. */
static const struct value *with_fields(struct config *c, const struct value *v)
{
	size_t count = talloc_array_length(c->ldap_attributes);
	const struct value *given = v->kind == VALUE_HASH ? value_hash_get(v, "attributes") : NULL;
	struct value *over = talloc_zero(c, struct value), *list = talloc_zero(over, struct value);
	const struct value *key = value_string(over, "attributes"), *item = list;

	if (count == 0)
		return v;
	*list = (struct value){ .kind = VALUE_LIST };
	if (!given)
		add_default_attributes(c, list);
	else if (given->kind != VALUE_LIST)
		add_item(list, given);
	for (size_t i = 0; given && given->kind == VALUE_LIST && i < given->u.list.count; i++)
		add_item(list, given->u.list.items[i]);
	for (size_t i = 0; i < count; i++)
		add_item(list, value_string(list, c->ldap_attributes[i]));
	*over = (struct value){ .kind = VALUE_HASH, .file = v->file, .line = v->line };
	over->u.list.items = &item;
	over->u.list.keys = &key;
	over->u.list.count = 1;
	return merge_hash(v, over, c);
}

static struct plugin_instance *ldap_instance(struct config *c, const struct value *v)
{
	struct slot *slot = &c->slots[SET_default_ldap];
	struct checker *k = checker_new(c, slot->file ? slot->file : c->options.file, slot->line, "default_ldap");
	struct plugin_instance *made = NULL;

	k->secret = true;
	if (!check_is_dead(k, v)) {
		if (v->kind == VALUE_UNDEF || v->kind == VALUE_HASH || (v->kind == VALUE_LIST && v->u.list.count == 0))
			made = plugin_instance_of_setting(k, "ldap", with_fields(c, v));
		else
			check_wrong(k, v, "a table of options: default_ldap = { hostname = \"ldap.example.com\", base = \"dc=example,dc=com\" }");
	}
	checker_free(k);
	return made;
}

void ldap_source_make(struct config *c, const struct record_cache_limits *limits)
{
	bool enabled = enabled_somewhere(c, SET_enable_ldap);
	const struct value *v = c->base[SET_default_ldap];
	struct plugin_instance *instance = enabled || v->kind != VALUE_UNDEF ? ldap_instance(c, v) : NULL;
	struct record_ldap_settings settings = { .no_at_means_domain = value_true_p(c->base[SET_ldap_lookups_no_at_means_domain]), .cache = *limits };

	if (instance && enabled)
		c->sources[RECORD_LDAP] = record_ldap_new(c, instance, &settings);
}
