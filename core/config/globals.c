/* globals.c - what a global name means to the Lua program when it is read or assigned: a setting, a word of the language, a plugin.
 *
 * Nothing can be invented: a name that is none of these is an error, told with
 * the nearest that there is. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>

static void setting_push(struct config *c, enum setting_id id)
{
	lua_State *L = c->sandbox.L;
	struct slot *slot = &c->slots[id];

	if (type_has_keys(definition(id)->type)) {
		entries_handle_push(L, id);
		return;
	}
	if (slot->value_ref != LUA_NOREF) {
		lua_rawgeti(L, LUA_REGISTRYINDEX, slot->value_ref);
		if (handle_get(L, -1) == &value_undef) {
			lua_pop(L, 1);
			lua_pushnil(L);
		}
		return;
	}
	default_or_nil_push(c, id);
	if (!lua_istable(L, -1) || c->default_depth > 0)
		return;
	/* It may be changed in place (table.insert), so it is kept. */
	lua_pushvalue(L, -1);
	slot->value_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	slot->touched = true;
	place_here(c, true, &slot->file, &slot->line);
}

static void unknown_name(struct config *c, const char *name)
{
	lua_State *L = c->sandbox.L;
	char *why = NULL;

	if (!c->problems)
		luaL_error(L, "unknown name %s", name);
	if (library_push(c, name) || plugin_constructor_push(c, name, &why))
		return;
	if (why)
		problem_here(c, false, "%s", why);
	g_free(why);
	handle_push(L, &value_inert);
}

static int global_read(lua_State *L)
{
	struct config *c = config_of(L);
	enum setting_id id;
	const char *name;

	if (lua_type(L, 2) != LUA_TSTRING)
		return 0;
	name = lua_tostring(L, 2);
	if (builtin_push(c, name))
		return 1;
	if (name_find(c, name, &id))
		setting_push(c, id);
	else
		unknown_name(c, name);
	return 1;
}

static void assign(struct config *c, enum setting_id id)
{
	lua_State *L = c->sandbox.L;
	struct slot *slot = &c->slots[id];

	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		handle_push(L, &value_undef);
	}
	slot->replaced = true;
	slot->touched = true;
	place_here(c, true, &slot->file, &slot->line);
	if (type_has_keys(definition(id)->type)) {
		entries_assign(c, id);
		return;
	}
	slot_forget(L, slot);
	slot->value_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

static int global_assign(lua_State *L)
{
	struct config *c = config_of(L);
	enum setting_id id;
	const char *name, *file = NULL, *near;
	int line = 0;

	only_while_reading(c);
	if (lua_type(L, 2) != LUA_TSTRING)
		return 0;
	name = lua_tostring(L, 2);
	lua_settop(L, 3);
	if (name_find(c, name, &id)) {
		assign(c, id);
		return 0;
	}
	place_here(c, true, &file, &line);
	if (builtin_push(c, name)) {
		problem_add(c, file, line, false, "%s: is a %s of the configuration language and cannot be assigned", name,
			lua_isnumber(L, -1) ? "constant" : lua_isfunction(L, -1) ? "function" : "word");
		return 0;
	}
	near = nearest_setting(c, name, c);
	problem_add(c, file, line, false, "%s: unknown setting%s", name, *near ? near : "; write \"local\" in front of a variable of your own");
	return 0;
}

void globals_setup(struct config *c)
{
	for (int i = 0; i < SETTING_COUNT; i++)
		c->slots[i].value_ref = c->slots[i].places_ref = LUA_NOREF;
	entries_setup(c->sandbox.L);
	environment_make(c, global_read, global_assign);
}
