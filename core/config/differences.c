/* differences.c - the settings that hold for one mail and differ from their defaults, and where each was written. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

/* The last of these banks that sets it. */
static const struct bank *bank_that_sets(const struct config *c, const char *const *banks, enum setting_id id, const struct value **v)
{
	const struct bank *found = NULL;

	for (size_t k = 0; banks && banks[k]; k++) {
		const struct bank *b = g_hash_table_lookup(c->banks, banks[k]);

		for (size_t i = 0; b && i < b->count; i++) {
			if (b->entries[i].id != id)
				continue;
			found = b;
			*v = b->entries[i].value;
		}
	}
	return found;
}

static bool says_the_same(const struct config *c, enum setting_id id, const struct value *a, const struct value *b)
{
	GString *one = g_string_new(NULL), *other = g_string_new(NULL);
	bool same;

	setting_print(c, one, id, a);
	setting_print(c, other, id, b);
	same = g_string_equal(one, other) && !(definition(id)->flags & SETTING_SECRET);
	g_string_free(one, TRUE);
	g_string_free(other, TRUE);
	return same;
}

static void tell_one(const struct policy *p, const char *const *banks, enum setting_id id, policy_difference_fn tell, void *context)
{
	const struct config *c = p->config;
	const struct value *v = p->raw[id];
	const struct bank *b = bank_that_sets(c, banks, id, &v);
	struct policy_difference d = { .setting = id, .bank = b ? b->name : NULL, .file = c->slots[id].file, .line = c->slots[id].line };
	GString *lua = g_string_new(NULL);

	if (!b && p->raw[id] != c->raw[id]) {	/* no bank has it: MYNETS implies originating */
		d.bank = "MYNETS";
		d.file = NULL;
	}
	if (b) {
		d.file = v->file ? v->file : b->file;
		d.line = v->file ? v->line : b->line;
	}
	setting_print(c, lua, id, p->raw[id]);
	d.lua = lua->str;
	tell(context, &d);
	g_string_free(lua, TRUE);
}

void policy_tell_differences(const struct policy *p, const char *const *banks, policy_difference_fn tell, void *context)
{
	const struct config *c = p->config;

	for (int i = 0; i < SETTING_COUNT; i++) {
		enum setting_id id = (enum setting_id)i;

		if (id == SET_policy_bank || (!c->changed[i] && p->raw[i] == c->raw[i]))
			continue;
		if (!says_the_same(c, id, p->raw[i], c->defaults[i]))
			tell_one(p, banks, id, tell, context);
	}
}

void config_print_value(const struct config *c, GString *out, enum setting_id like, const struct value *v)
{
	setting_print(c, out, like, v);
}

const char *config_category_name(const char *key, void *owner)
{
	return category_name(key, owner);
}
