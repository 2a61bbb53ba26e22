/* load.c - evaluating a configuration: run the files, settle every setting, look at the whole, tell all that is wrong at once. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <string.h>
#include <talloc.h>

static void failure_free(gpointer data)
{
	struct failure *f = data;

	g_free(f->constructor);
	g_ptr_array_free(f->paths, TRUE);
	g_ptr_array_free(f->texts, TRUE);
	g_free(f);
}

static int config_free(struct config *c)
{
	if (c->sandbox.L)
		lua_close(c->sandbox.L);
	g_ptr_array_free(c->files, TRUE);
	g_hash_table_destroy(c->names);
	g_hash_table_destroy(c->banks);
	g_hash_table_destroy(c->failures);
	g_hash_table_destroy(c->origins);
	return 0;
}

static struct config *config_new(const struct config_options *options)
{
	struct config *c = talloc_zero(NULL, struct config);

	c->magic = CONFIG_MAGIC;
	c->options = *options;
	c->files = g_ptr_array_new();
	c->problems = problems_new();
	c->names = names_new();
	c->banks = g_hash_table_new(g_str_hash, g_str_equal);
	c->failures = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, failure_free);
	c->origins = g_hash_table_new(g_direct_hash, g_direct_equal);
	talloc_set_destructor(c, config_free);
	return c;
}

static void prepare_language(struct config *c)
{
	handle_setup(c->sandbox.L);
	globals_setup(c);
	constructors_define(c);
	readers_define(c);
	plugins_define(c);
	lua_scanner_define(c);
	sql_constructor_define(c);
	schemes_define(c);
	lua_call_setup();
	sandbox_limit(&c->sandbox, SANDBOX_INSTRUCTION_LIMIT, deadline_in(SANDBOX_TIME_LIMIT_MS));
}

static void run_files(struct config *c)
{
	const char *text = c->options.embedded ? c->options.embedded : config_embedded_default;

	if (c->options.file)
		file_run(c, c->options.file, NULL, 0);
	else
		source_run(c, "(built-in configuration)", text, strlen(text));
}

/* ---- from Lua values to settings ---- */

static void settle_default(struct config *c, enum setting_id id)
{
	struct checker *k = checker_new(c, NULL, 0, setting_name(id));
	struct sandbox_fault fault;
	const struct value *v = NULL;

	k->of_default = true;
	if (default_push(c, id, &fault) != 0) {
		check_complain(k, NULL, "the default cannot be computed: %s", fault.text);
	} else {
		v = convert(c, c, -1, type_has_keys(definition(id)->type) ? CONVERT_KEYS : CONVERT_AS_WRITTEN, NULL, 0);
		lua_pop(c->sandbox.L, 1);
		v = v->kind == VALUE_UNDEF ? v : check_setting(k, id, v);
	}
	c->defaults[id] = v ? v : &value_undef;
	checker_free(k);
}

static const struct value *settle_plain(struct config *c, enum setting_id id)
{
	struct slot *slot = &c->slots[id];
	struct checker *k = checker_new(c, slot->file, slot->line, setting_name(id));
	const struct value *v;

	lua_rawgeti(c->sandbox.L, LUA_REGISTRYINDEX, slot->value_ref);
	v = convert(c, c, -1, CONVERT_AS_WRITTEN, slot->file, slot->line);
	lua_pop(c->sandbox.L, 1);
	if (slot->replaced)
		setting_status_check(k, id, v);
	v = check_setting(k, id, v);
	checker_free(k);
	return v;
}

static GPtrArray *entry_names(struct config *c, const struct slot *slot)
{
	lua_State *L = c->sandbox.L;
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	lua_rawgeti(L, LUA_REGISTRYINDEX, slot->value_ref);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		g_ptr_array_add(names, g_strdup(lua_tostring(L, -2)));
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	g_ptr_array_sort(names, (GCompareFunc)compare_texts);
	return names;
}

/* The checker at one entry: `policy_bank.X = ...` has a place of its own. Pushes the entry's value. */
static struct checker *entry_checker(struct config *c, enum setting_id id, const char *name, bool in_path)
{
	lua_State *L = c->sandbox.L;
	struct slot *slot = &c->slots[id];
	struct checker *k = checker_new(c, slot->file, slot->line, setting_name(id));

	if (in_path)
		check_enter_key(k, name);
	lua_rawgeti(L, LUA_REGISTRYINDEX, slot->places_ref);
	if (lua_getfield(L, -1, name) == LUA_TNUMBER)
		place_unpack(c, lua_tointeger(L, -1), &k->file, &k->line);
	lua_pop(L, 2);
	lua_rawgeti(L, LUA_REGISTRYINDEX, slot->value_ref);
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
	return k;
}

static const struct value *one_entry(struct config *c, enum setting_id id, const char *name)
{
	struct checker *k = entry_checker(c, id, name, false);
	struct value *hash = value_like(k, NULL, VALUE_HASH);
	const struct value *v = convert(c, hash, -1, CONVERT_AS_WRITTEN, k->file, k->line);

	lua_pop(c->sandbox.L, 1);
	hash->u.list.items = talloc_array(hash, const struct value *, 1);
	hash->u.list.keys = talloc_array(hash, const struct value *, 1);
	hash->u.list.items[0] = v;
	hash->u.list.keys[0] = value_string(hash, name);
	hash->u.list.count = 1;
	v = check_setting(k, id, hash);
	checker_free(k);
	return v;
}

static const struct value *settle_entries(struct config *c, enum setting_id id)
{
	struct slot *slot = &c->slots[id];
	GPtrArray *names = entry_names(c, slot);
	struct checker *k = checker_new(c, slot->file, slot->line, setting_name(id));
	struct value *whole = value_like(k, NULL, VALUE_HASH);
	const struct value *v = !slot->replaced && c->defaults[id]->kind == VALUE_HASH ? c->defaults[id] : whole;

	whole->u.list.items = talloc_array(whole, const struct value *, 1);
	whole->u.list.keys = talloc_array(whole, const struct value *, 1);
	for (guint i = 0; i < names->len; i++) {
		const struct value *entry = one_entry(c, id, g_ptr_array_index(names, i)), *before = v;

		if (!entry || entry->kind != VALUE_HASH)
			continue;
		v = merge_hash(before, entry, c);
		if (before != whole && before != c->defaults[id])
			talloc_free((void *)(uintptr_t)before);	/* its entries are not its own */
	}
	if (v != whole && v->kind == VALUE_HASH && v != c->defaults[id]) {
		((struct value *)v)->file = slot->file;
		((struct value *)v)->line = slot->line;
	}
	setting_status_check(k, id, v);
	checker_free(k);
	g_ptr_array_free(names, TRUE);
	return v;
}

static const struct value *settle_banks(struct config *c)
{
	struct slot *slot = &c->slots[SET_policy_bank];
	GPtrArray *names = entry_names(c, slot);

	for (guint i = 0; i < names->len; i++) {
		struct checker *k = entry_checker(c, SET_policy_bank, g_ptr_array_index(names, i), true);
		int top = lua_gettop(c->sandbox.L);

		bank_build(k, g_ptr_array_index(names, i));
		lua_settop(c->sandbox.L, top - 1);
		checker_free(k);
	}
	g_ptr_array_free(names, TRUE);
	return banks_value(c);
}

static void settle(struct config *c, enum setting_id id)
{
	struct slot *slot = &c->slots[id];
	const struct value *v;

	c->changed[id] = slot->touched;
	if (slot->value_ref == LUA_NOREF)
		v = c->defaults[id];
	else if (slot->places_ref == LUA_NOREF)
		v = settle_plain(c, id);
	else
		v = definition(id)->type == SETTING_TYPE_BANKS ? settle_banks(c) : settle_entries(c, id);
	c->raw[id] = v ? v : c->defaults[id];
}

static int settle_all(lua_State *L)
{
	struct config *c = config_of(L);

	for (int i = 0; i < SETTING_COUNT; i++)
		settle_default(c, (enum setting_id)i);
	settle(c, SET_default_ldap);
	ldap_urls_finish(c);
	for (int i = 0; i < SETTING_COUNT; i++)
		if (i != SET_default_ldap)
			settle(c, (enum setting_id)i);
	return 0;
}

static void make_base(struct config *c)
{
	for (int i = 0; i < SETTING_COUNT; i++) {
		if (!c->raw[i])	/* memory ended on the way: reported */
			c->raw[i] = &value_undef;
		if (!c->defaults[i])
			c->defaults[i] = &value_undef;
	}
	circles_break(c);
	for (int i = 0; i < SETTING_COUNT; i++) {
		c->follows[i] = follows_settings(c->raw[i]);
		c->base[i] = follow(c, c->raw, definition((enum setting_id)i)->type, c->raw[i], c, 0);
	}
}

static void evaluate(struct config *c)
{
	struct sandbox_fault fault;

	prepare_language(c);
	run_files(c);
	sandbox_limit(&c->sandbox, SANDBOX_INSTRUCTION_LIMIT, deadline_in(SANDBOX_TIME_LIMIT_MS));
	lua_pushcfunction(c->sandbox.L, settle_all);
	if (sandbox_call(&c->sandbox, 0, 0, &fault) != 0)
		problem_fault(c, &fault, "configuration");
	make_base(c);
	sources_make(c);
	consistency_check(c);
	failures_tell_rest(c);
	problems_drop_defaults(c->problems);
}

struct config *config_load(const struct config_options *options, GPtrArray **problems)
{
	struct config *c = config_new(options);

	if (options->load_plugins || options->plugin_dir || options->build_dir)
		c->host = plugin_host_new(c, options->plugin_dir, options->build_dir);
	if (sandbox_new(&c->sandbox)) {
		evaluate(c);
	} else {
		problem_add(c, options->file, 0, false, "no memory for a Lua state");
		make_base(c);
	}
	problems_sort(c->problems);
	*problems = c->problems;
	c->problems = NULL;
	return c;
}
