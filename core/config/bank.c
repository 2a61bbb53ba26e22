/* bank.c - policy banks: taken from policy_bank, laid over the base, and settings that follow other settings.
 *
 * raw[] holds what was written, with VALUE_SETTING in it; values[] the same with
 * every VALUE_SETTING replaced by what it stands for in this policy.  A bank
 * that sets final_virus_destiny so takes effect on final_destiny_maps_by_ccat. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <string.h>
#include <talloc.h>

/* ---- settings that follow others ---- */

bool follows_settings(const struct value *v)
{
	if (v->kind == VALUE_SETTING)
		return true;
	if (v->kind != VALUE_LIST && v->kind != VALUE_HASH)
		return false;
	for (size_t i = 0; i < v->u.list.count; i++)
		if (follows_settings(v->u.list.items[i]))
			return true;
	return false;
}

static struct value *container_like(const struct value *v, size_t room, void *owner)
{
	struct value *copy = talloc_zero(owner, struct value);

	copy->kind = v->kind;
	copy->file = v->file;
	copy->line = v->line;
	copy->secret = v->secret;
	copy->u.list.items = talloc_array(copy, const struct value *, room + 1);
	copy->u.list.keys = v->kind == VALUE_HASH ? talloc_array(copy, const struct value *, room + 1) : NULL;
	return copy;
}

static void append(struct value *list, const struct value *item)
{
	size_t room = talloc_array_length(list->u.list.items);

	if (list->u.list.count + 1 >= room)
		list->u.list.items = talloc_realloc(list, list->u.list.items, const struct value *, room * 2 + 4);
	list->u.list.items[list->u.list.count++] = item;
}

static const struct value *as_table(const struct value *v, void *owner)
{
	struct value *table;

	if (v->kind == VALUE_TABLE)
		return v;
	table = talloc_zero(owner, struct value);
	table->kind = VALUE_TABLE;
	table->file = v->file;
	table->line = v->line;
	table->u.table = lookup_table_constant(table, v);
	return table;
}

/* A lookup list: what a followed setting says joins the list as one table, or table by table where it is a list of tables itself. */
static const struct value *follow_maps(const struct config *c, const struct value *const *raw, const struct value *v, void *owner, int depth)
{
	struct value *list = container_like(v, v->u.list.count, owner);

	for (size_t i = 0; i < v->u.list.count; i++) {
		const struct value *item = v->u.list.items[i], *said;

		if (item->kind != VALUE_SETTING) {
			append(list, item);
			continue;
		}
		said = follow(c, raw, SETTING_TYPE_ANYTHING, item, owner, depth + 1);
		if (definition((enum setting_id)item->u.setting)->type == SETTING_TYPE_MAPS && said->kind == VALUE_LIST)
			for (size_t j = 0; j < said->u.list.count; j++)
				append(list, said->u.list.items[j]);
		else if (said->kind != VALUE_UNDEF)
			append(list, as_table(said, owner));
	}
	return list;
}

const struct value *follow(const struct config *c, const struct value *const *raw, enum setting_type type, const struct value *v, void *owner, int depth)
{
	struct value *copy;
	enum setting_type inner = type == SETTING_TYPE_CCAT_MAPS ? SETTING_TYPE_MAPS : SETTING_TYPE_ANYTHING;

	if (depth > CONFIG_DEPTH_MAX)
		return &value_undef;
	if (v->kind == VALUE_SETTING)
		return follow(c, raw, definition((enum setting_id)v->u.setting)->type, raw[v->u.setting], owner, depth + 1);
	if (!follows_settings(v))
		return v;
	if (v->kind == VALUE_LIST && type == SETTING_TYPE_MAPS)
		return follow_maps(c, raw, v, owner, depth);
	copy = container_like(v, v->u.list.count, owner);
	for (size_t i = 0; i < v->u.list.count; i++) {
		if (copy->u.list.keys)
			copy->u.list.keys[i] = v->u.list.keys[i];
		copy->u.list.items[i] = follow(c, raw, inner, v->u.list.items[i], owner, depth + 1);
	}
	copy->u.list.count = v->u.list.count;
	return copy;
}

/* ---- merging ---- */

static size_t key_position(const struct value *hash, const char *key)
{
	size_t i = 0;

	while (i < hash->u.list.count && strcmp(hash->u.list.keys[i]->u.string, key))
		i++;
	return i;
}

static void put(struct value *hash, const struct value *key, const struct value *item)
{
	size_t at = key_position(hash, key->u.string);

	hash->u.list.keys[at] = key;
	hash->u.list.items[at] = item;
	if (at == hash->u.list.count)
		hash->u.list.count++;
}

const struct value *merge_hash(const struct value *under, const struct value *over, void *owner)
{
	const struct value *replace = value_hash_get(over, "REPLACE");
	bool alone = under->kind != VALUE_HASH || (replace && value_true_p(replace));
	struct value *hash = container_like(over, over->u.list.count + (alone ? 0 : under->u.list.count), owner);

	hash->u.list.count = alone ? 0 : under->u.list.count;
	for (size_t i = 0; i < hash->u.list.count; i++) {	/* its keys are there once: nothing to look for */
		hash->u.list.keys[i] = under->u.list.keys[i];
		hash->u.list.items[i] = under->u.list.items[i];
	}
	for (size_t i = 0; i < over->u.list.count; i++)
		if (strcmp(over->u.list.keys[i]->u.string, "REPLACE"))
			put(hash, over->u.list.keys[i], over->u.list.items[i]);
	return hash;
}

/* ---- building banks ---- */

static void bank_add(struct bank *b, enum setting_id id, const struct value *v)
{
	b->entries = talloc_realloc(b, b->entries, struct bank_entry, b->count + 1);
	b->entries[b->count++] = (struct bank_entry){ .id = id, .value = v };
}

static void bank_action(struct checker *k, struct bank *b, int index)
{
	const struct value *v = convert(k->config, k->config, index, CONVERT_AS_WRITTEN, k->file, k->line);

	if (check_is_dead(k, v) || v->kind == VALUE_UNDEF)
		return;
	if (v->kind != VALUE_FUNCTION)
		check_wrong(k, v, "a function of (mail, bank)");
	else
		b->action = v->u.function;
}

static void bank_setting(struct checker *k, struct bank *b, const char *name, int index)
{
	const struct value *v;
	enum setting_id id;

	if (!strcmp(name, "ACTION")) {
		bank_action(k, b, index);
		return;
	}
	if (!name_find(k->config, name, &id)) {
		check_complain(k, NULL, "unknown setting%s", nearest_setting(k->config, name, k->config));
	} else if (!(definition(id)->flags & SETTING_BANK)) {
		check_complain(k, NULL, "may be set globally only, not in a policy bank");
	} else {
		v = convert(k->config, k->config, index, type_has_keys(definition(id)->type) ? CONVERT_KEYS : CONVERT_AS_WRITTEN, k->file, k->line);
		setting_status_check(k, id, v);
		v = check_setting(k, id, v);
		if (v && id == SET_policy_bank_name && v->kind == VALUE_STRING && v->u.string[0])
			b->shown = v->u.string;
		if (v)
			bank_add(b, id, v);
	}
}

/* Settings of one bank in the order of their names: messages and merges do not depend on Lua's hashing. */
static void bank_settings(struct checker *k, struct bank *b, int index)
{
	lua_State *L = k->config->sandbox.L;
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	lua_pushnil(L);
	while (lua_next(L, index)) {
		if (lua_type(L, -2) == LUA_TSTRING)
			g_ptr_array_add(names, g_strdup(lua_tostring(L, -2)));
		else
			check_complain(k, NULL, "a list item in a policy bank; expected setting = value");
		lua_pop(L, 1);
	}
	g_ptr_array_sort(names, (GCompareFunc)compare_texts);
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		size_t mark = check_enter_key(k, name);

		lua_getfield(L, index, name);
		bank_setting(k, b, name, lua_gettop(L));
		lua_pop(L, 1);
		check_leave(k, mark);
	}
	g_ptr_array_free(names, TRUE);
}

void bank_build(struct checker *k, const char *name)
{
	struct config *c = k->config;
	lua_State *L = c->sandbox.L;
	struct bank *b;

	if (handle_get(L, -1))
		return;
	if (!lua_istable(L, -1) && !entries_push(c, -1)) {
		check_complain(k, NULL, "expected a table of settings: policy_bank.NAME = { setting = value }");
		return;
	}
	b = talloc_zero(c, struct bank);
	b->name = b->shown = talloc_strdup(b, name);
	b->file = k->file;
	b->line = k->line;
	bank_settings(k, b, lua_gettop(L));
	g_hash_table_insert(c->banks, (gpointer)b->name, b);
}

static const struct value *function_value(struct config *c, struct value_function *f)
{
	struct value *v = talloc_zero(c, struct value);

	v->kind = VALUE_FUNCTION;
	v->u.function = f;
	v->file = lua_function_place(f, &v->line);
	return v;
}

static const struct value *bank_value(struct config *c, const struct bank *b)
{
	struct value *v = talloc_zero(c, struct value);

	v->kind = VALUE_HASH;
	v->file = b->file;
	v->line = b->line;
	v->u.list.items = talloc_array(v, const struct value *, b->count + 1);
	v->u.list.keys = talloc_array(v, const struct value *, b->count + 1);
	for (size_t i = 0; i < b->count; i++) {
		v->u.list.keys[i] = value_string(v, setting_name(b->entries[i].id));
		v->u.list.items[i] = b->entries[i].value;
	}
	v->u.list.count = b->count;
	if (b->action) {
		v->u.list.keys[v->u.list.count] = value_string(v, "ACTION");
		v->u.list.items[v->u.list.count++] = function_value(c, b->action);
	}
	return v;
}

const struct value *banks_value(struct config *c)
{
	struct value *v = talloc_zero(c, struct value);
	GList *names = g_list_sort(g_hash_table_get_keys(c->banks), (GCompareFunc)strcmp);
	size_t room = g_hash_table_size(c->banks) + 1;

	v->kind = VALUE_HASH;
	v->u.list.items = talloc_array(v, const struct value *, room);
	v->u.list.keys = talloc_array(v, const struct value *, room);
	for (GList *at = names; at; at = at->next) {
		v->u.list.keys[v->u.list.count] = value_string(v, at->data);
		v->u.list.items[v->u.list.count++] = bank_value(c, g_hash_table_lookup(c->banks, at->data));
	}
	g_list_free(names);
	return v;
}

/* ---- laying banks over a policy ---- */

void policy_init(struct policy *p, const struct config *c)
{
	p->config = c;
	memcpy(p->values, c->base, sizeof p->values);
	p->raw = c->raw;
	p->last = NULL;
	p->path[0] = '\0';
}

bool config_has_bank(const struct config *c, const char *name)
{
	return g_hash_table_contains(c->banks, name);
}

static bool says_something(const struct value *v)
{
	return v->kind == VALUE_LIST || v->kind == VALUE_HASH ? v->u.list.count > 0 : v->kind != VALUE_UNDEF;
}

bool config_sets_list(const struct config *c, enum setting_id id)
{
	GHashTableIter at;
	gpointer name, data;
	bool found = says_something(c->base[id]);

	g_hash_table_iter_init(&at, c->banks);
	while (!found && g_hash_table_iter_next(&at, &name, &data)) {
		const struct bank *b = data;

		for (size_t i = 0; i < b->count; i++)
			found |= b->entries[i].id == id && says_something(b->entries[i].value);
	}
	return found;
}

struct value_function *config_bank_action(const struct config *c, const char *name)
{
	const struct bank *b = g_hash_table_lookup(c->banks, name);

	return b ? b->action : NULL;
}

static bool lay(const struct value **raw, const struct bank *b, bool *touched, void *owner)
{
	bool originating_set = false;

	for (size_t i = 0; i < b->count; i++) {
		const struct bank_entry *e = &b->entries[i];
		bool merges = type_has_keys(definition(e->id)->type) && e->value->kind == VALUE_HASH;

		raw[e->id] = merges ? merge_hash(raw[e->id], e->value, owner) : e->value;
		touched[e->id] = true;
		originating_set |= e->id == SET_originating;
	}
	return originating_set;
}

static void follow_all(struct policy *p, const bool *touched, void *owner)
{
	for (int i = 0; i < SETTING_COUNT; i++)
		if (touched[i] || p->config->follows[i])
			p->values[i] = follow(p->config, p->raw, definition((enum setting_id)i)->type, p->raw[i], owner, 0);
}

/* follow() keeps the order of entries. */
bool policy_ccat_follows(const struct policy *p, enum setting_id id, size_t index, enum setting_id *followed)
{
	const struct value *hash = p->raw[id];

	if (hash->kind != VALUE_HASH || index >= hash->u.list.count || hash->u.list.items[index]->kind != VALUE_SETTING)
		return false;
	*followed = (enum setting_id)hash->u.list.items[index]->u.setting;
	return true;
}

static void extend_path(struct policy *p, const char *name)
{
	if (p->path[0])
		g_strlcat(p->path, "/", sizeof p->path);
	g_strlcat(p->path, name, sizeof p->path);
}

bool policy_load_bank(struct policy *p, const char *name, void *owner)
{
	const struct bank *b = g_hash_table_lookup(p->config->banks, name);
	bool touched[SETTING_COUNT] = { false };
	const struct value **raw;

	if (!b || b == p->last)
		return false;
	raw = talloc_memdup(owner, p->raw, sizeof(*raw) * SETTING_COUNT);
	if (!lay(raw, b, touched, owner) && !strcmp(name, "MYNETS")) {
		raw[SET_originating] = &value_true;
		touched[SET_originating] = true;
	}
	p->raw = raw;
	follow_all(p, touched, owner);
	extend_path(p, b->shown);
	p->last = b;
	return true;
}

const char *const *policy_bank_names(const char *names, void *owner)
{
	char **list = g_strsplit_set(names, ", \t", -1);
	const char **copy = talloc_zero_array(owner, const char *, g_strv_length(list) + 1);
	size_t n = 0;

	for (int i = 0; list[i]; i++)
		if (list[i][0])
			copy[n++] = talloc_strdup(copy, list[i]);
	g_strfreev(list);
	return copy;
}

void policy_load_banks(struct policy *p, const char *names, void *owner)
{
	const char *const *list = policy_bank_names(names, owner);

	for (int i = 0; list[i]; i++)
		policy_load_bank(p, list[i], owner);
}
