/* policy.c - reading the settings that hold for a session or mail. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

#include "mail/mail.h"

const struct value *config_value(const struct config *c, enum setting_id id)
{
	return c->base[id];
}

struct plugin_instance *const *config_instances(const struct config *c, size_t *count)
{
	*count = c->instance_count;
	return c->instances;
}

const char *config_plugin_file(const struct config *c, const struct plugin_instance *i)
{
	return c->host ? plugin_host_file(c->host, i->plugin->name) : NULL;
}

bool policy_bool(const struct policy *p, enum setting_id id)
{
	return value_true_p(p->values[id]);
}

int64_t policy_int(const struct policy *p, enum setting_id id, int64_t otherwise)
{
	const struct value *v = p->values[id];

	return value_defined(v) ? value_to_int(v, otherwise) : otherwise;
}

int64_t policy_ms(const struct policy *p, enum setting_id id, int64_t otherwise_ms)
{
	const struct value *v = p->values[id];

	if (v->kind == VALUE_INT)
		return v->u.integer > INT64_MAX / 1000 ? INT64_MAX : v->u.integer * 1000;
	return v->kind == VALUE_FLOAT ? (int64_t)(v->u.number * 1000) : otherwise_ms;
}

/* Only texts: what is to be read as a text has a type whose values are texts. */
const char *policy_string(const struct policy *p, enum setting_id id)
{
	const struct value *v = p->values[id];

	return v->kind == VALUE_STRING ? v->u.string : NULL;
}

const char *const *policy_strings(const struct policy *p, enum setting_id id, void *owner)
{
	const struct value *v = p->values[id];
	size_t count = v->kind == VALUE_LIST ? v->u.list.count : 1, n = 0;
	const char **list = talloc_array(owner, const char *, count + 1);

	for (size_t i = 0; i < count; i++) {
		const struct value *item = v->kind == VALUE_LIST ? v->u.list.items[i] : v;
		const char *text = item->kind == VALUE_STRING ? item->u.string : value_text(item, list);

		if (text)
			list[n++] = text;
	}
	list[n] = NULL;
	return list;
}

const struct value *policy_ccat_entry(const struct policy *p, enum setting_id id, unsigned major, unsigned minor)
{
	const struct value *hash = p->values[id];
	char key[24];

	if (hash->kind != VALUE_HASH)
		return NULL;
	if (minor)
		g_snprintf(key, sizeof key, "%u,%u", major, minor);
	else
		g_snprintf(key, sizeof key, "%u", major);
	return value_hash_get(hash, key);
}

/* The set has (major, 0) beside each (major, minor), so walking it tries both keys. */
const struct value *policy_by_ccat(const struct policy *p, enum setting_id id, const struct categories *c, bool *found)
{
	const struct value *v = NULL;

	for (unsigned i = 0; i < c->count && !v; i++)
		v = policy_ccat_entry(p, id, c->at[i].major, c->at[i].minor);
	if (!v)
		v = policy_ccat_entry(p, id, CC_CATCHALL, 0);
	*found = v != NULL;
	return v;
}
