/* source_ldap.c - the directory of enable_ldap and default_ldap: an instance of the plugin ldap, made where the setting says so, not a constructor. */
#include "config.h"

#include "config/inside.h"

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

static struct plugin_instance *ldap_instance(struct config *c, const struct value *v)
{
	struct slot *slot = &c->slots[SET_default_ldap];
	struct checker *k = checker_new(c, slot->file ? slot->file : c->options.file, slot->line, "default_ldap");
	struct plugin_instance *made = NULL;

	k->secret = true;
	if (!check_is_dead(k, v)) {
		if (v->kind == VALUE_UNDEF || v->kind == VALUE_HASH || (v->kind == VALUE_LIST && v->u.list.count == 0))
			made = plugin_instance_of_setting(k, "ldap", v);
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
