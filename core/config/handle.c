/* handle.c - values that Lua has no type for (undef, lookup tables, regexps, plugin instances) as opaque userdata.
 *
 * The inert handle stands for something that was wrong and has been reported:
 * it can be called, indexed, joined and passed on, so that evaluation goes on
 * and all errors come at once. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <string.h>
#include <talloc.h>

#define METATABLE "postern.value"
#define INERT_METATABLE "postern.inert"

const struct value value_inert = { .kind = VALUE_UNDEF };

struct config *config_of(lua_State *L)
{
	return (struct config *)(void *)((char *)sandbox_of(L) - offsetof(struct config, sandbox));
}

static int handle_text(lua_State *L)
{
	const struct value *v = handle_get(L, 1);
	struct config *c = config_of(L);

	lua_pushstring(L, v ? value_describe(v, c) : "?");
	return 1;
}

static int inert_self(lua_State *L)
{
	handle_push(L, &value_inert);
	return 1;
}

static int inert_nothing(lua_State *L)
{
	(void)L;
	return 0;
}

static int inert_false(lua_State *L)
{
	lua_pushboolean(L, 0);
	return 1;
}

static int inert_length(lua_State *L)
{
	lua_pushinteger(L, 0);
	return 1;
}

static int inert_pairs(lua_State *L)
{
	lua_pushcfunction(L, inert_nothing);
	return 1;
}

static int inert_text(lua_State *L)
{
	lua_pushliteral(L, "unknown");
	return 1;
}

static const struct luaL_Reg inert_methods[] = {
	{ "__index", inert_self }, { "__newindex", inert_nothing }, { "__call", inert_self }, { "__concat", inert_self },
	{ "__add", inert_self }, { "__sub", inert_self }, { "__mul", inert_self }, { "__div", inert_self }, { "__mod", inert_self },
	{ "__idiv", inert_self }, { "__pow", inert_self }, { "__unm", inert_self }, { "__lt", inert_false }, { "__le", inert_false },
	{ "__len", inert_length }, { "__tostring", inert_text }, { "__pairs", inert_pairs }, { NULL, NULL }
};

void handle_setup(lua_State *L)
{
	luaL_newmetatable(L, METATABLE);
	lua_pushcfunction(L, handle_text);
	lua_setfield(L, -2, "__tostring");
	luaL_newmetatable(L, INERT_METATABLE);
	luaL_setfuncs(L, inert_methods, 0);
	lua_pop(L, 2);
}

void handle_push(lua_State *L, const struct value *value)
{
	const struct value **box = lua_newuserdatauv(L, sizeof *box, 0);

	*box = value;
	luaL_setmetatable(L, value == &value_inert ? INERT_METATABLE : METATABLE);
}

const struct value *handle_get(lua_State *L, int index)
{
	const struct value **box = luaL_testudata(L, index, METATABLE);

	if (!box)
		box = luaL_testudata(L, index, INERT_METATABLE);
	return box ? *box : NULL;
}

void handle_remember(struct config *c, const struct value *v, char *source)
{
	g_hash_table_insert(c->origins, (gpointer)v, source);
}

struct value *value_at_call(struct config *c, enum value_kind kind)
{
	struct value *v;

	only_while_reading(c);
	v = talloc_zero(c, struct value);
	v->kind = kind;
	place_here(c, false, &v->file, &v->line);
	return v;
}
