/* entries.c - settings with keys as the Lua program sees them: policy_bank.X = ..., read, assigned one by one or as a whole.
 *
 * What it reads are the default's entries under those that files assigned; only
 * the latter are kept, each with its place. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <string.h>

#define ENTRIES_METATABLE "postern.entries"

void default_or_nil_push(struct config *c, enum setting_id id)
{
	struct sandbox_fault fault;

	if (default_push(c, id, &fault) != 0)
		lua_pushnil(c->sandbox.L);
	if (handle_get(c->sandbox.L, -1) == &value_undef) {
		lua_pop(c->sandbox.L, 1);
		lua_pushnil(c->sandbox.L);
	}
}

/* Replace the key on top of the stack by its text form. False: it cannot be a key. */
static bool key_to_text(struct config *c, enum setting_id id)
{
	lua_State *L = c->sandbox.L;
	enum setting_type type = definition(id)->type;
	const char *text, *category;

	if (!lua_isstring(L, -1))
		return false;
	lua_pushvalue(L, -1);
	text = lua_tostring(L, -1);
	if (type == SETTING_TYPE_CCAT || type == SETTING_TYPE_CCAT_MAPS) {
		category = category_key(text, c);
		lua_pushstring(L, category ? category : text);
		lua_remove(L, -2);
	}
	lua_remove(L, -2);
	return true;
}

static void new_tables(struct config *c, struct slot *slot)
{
	lua_State *L = c->sandbox.L;

	lua_newtable(L);
	slot->value_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_newtable(L);
	slot->places_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Copy the pairs of the plain table at `from` into the table at `to`, keys as text. */
static void copy_pairs(struct config *c, enum setting_id id, int from, int to)
{
	lua_State *L = c->sandbox.L;

	lua_pushnil(L);
	while (lua_next(L, from)) {
		lua_pushvalue(L, -2);
		if (key_to_text(c, id)) {
			lua_insert(L, -2);
			lua_rawset(L, to);
		} else {
			lua_pop(L, 2);
		}
	}
}

void slot_forget(lua_State *L, struct slot *slot)
{
	luaL_unref(L, LUA_REGISTRYINDEX, slot->value_ref);
	luaL_unref(L, LUA_REGISTRYINDEX, slot->places_ref);
	slot->value_ref = slot->places_ref = LUA_NOREF;
}

void entries_assign(struct config *c, enum setting_id id)
{
	lua_State *L = c->sandbox.L;
	struct slot *slot = &c->slots[id];

	if (entries_push(c, -1))
		lua_remove(L, -2);
	slot_forget(L, slot);
	if (!lua_istable(L, -1)) {
		slot->value_ref = luaL_ref(L, LUA_REGISTRYINDEX);
		return;
	}
	new_tables(c, slot);
	lua_rawgeti(L, LUA_REGISTRYINDEX, slot->value_ref);
	copy_pairs(c, id, lua_gettop(L) - 1, lua_gettop(L));
	lua_pop(L, 2);
}

static enum setting_id entries_id(lua_State *L, int index)
{
	return *(enum setting_id *)luaL_checkudata(L, index, ENTRIES_METATABLE);
}

static bool slot_has_entries(const struct slot *slot)
{
	return slot->value_ref != LUA_NOREF && slot->places_ref != LUA_NOREF;
}

bool entries_push(struct config *c, int index)
{
	lua_State *L = c->sandbox.L;
	enum setting_id *id = luaL_testudata(L, index, ENTRIES_METATABLE);
	int merged;

	if (!id)
		return false;
	lua_newtable(L);
	merged = lua_gettop(L);
	if (!c->slots[*id].replaced) {
		default_or_nil_push(c, *id);
		if (lua_istable(L, -1))
			copy_pairs(c, *id, merged + 1, merged);
		lua_pop(L, 1);
	}
	if (slot_has_entries(&c->slots[*id])) {
		lua_rawgeti(L, LUA_REGISTRYINDEX, c->slots[*id].value_ref);
		copy_pairs(c, *id, merged + 1, merged);
		lua_pop(L, 1);
	}
	return true;
}

static int entries_index(lua_State *L)
{
	struct config *c = config_of(L);
	enum setting_id id = entries_id(L, 1);

	lua_settop(L, 2);
	if (!key_to_text(c, id))
		return 0;
	if (slot_has_entries(&c->slots[id])) {
		lua_rawgeti(L, LUA_REGISTRYINDEX, c->slots[id].value_ref);
		lua_pushvalue(L, 2);
		if (lua_rawget(L, -2) != LUA_TNIL)
			return 1;
		lua_pop(L, 2);
	}
	entries_push(c, 1);
	lua_pushvalue(L, 2);
	lua_rawget(L, -2);
	return 1;
}

static int entries_newindex(lua_State *L)
{
	struct config *c = config_of(L);
	enum setting_id id = entries_id(L, 1);
	struct slot *slot = &c->slots[id];

	only_while_reading(c);
	lua_settop(L, 3);
	lua_pushvalue(L, 2);
	if (!key_to_text(c, id)) {
		problem_here(c, false, "%s: a key must be a text", setting_name(id));
		return 0;
	}
	if (!slot_has_entries(slot)) {
		slot_forget(L, slot);
		new_tables(c, slot);
	}
	slot->touched = true;
	place_here(c, true, &slot->file, &slot->line);
	lua_rawgeti(L, LUA_REGISTRYINDEX, slot->value_ref);
	lua_pushvalue(L, 4);
	if (lua_isnil(L, 3))
		handle_push(L, &value_undef);
	else
		lua_pushvalue(L, 3);
	lua_rawset(L, -3);
	lua_rawgeti(L, LUA_REGISTRYINDEX, slot->places_ref);
	lua_pushvalue(L, 4);
	lua_pushinteger(L, place_pack_here(c));
	lua_rawset(L, -3);
	return 0;
}

static int entries_next(lua_State *L)
{
	lua_settop(L, 2);
	return lua_next(L, 1) ? 2 : 0;
}

static int entries_pairs(lua_State *L)
{
	lua_pushcfunction(L, entries_next);
	entries_push(config_of(L), 1);
	return 2;
}

static const struct luaL_Reg entries_methods[] = {
	{ "__index", entries_index }, { "__newindex", entries_newindex }, { "__pairs", entries_pairs }, { NULL, NULL }
};

void entries_handle_push(lua_State *L, enum setting_id id)
{
	enum setting_id *box = lua_newuserdatauv(L, sizeof *box, 0);

	*box = id;
	luaL_setmetatable(L, ENTRIES_METATABLE);
}

void entries_setup(lua_State *L)
{
	luaL_newmetatable(L, ENTRIES_METATABLE);
	luaL_setfuncs(L, entries_methods, 0);
	lua_pop(L, 1);
}
