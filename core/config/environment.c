/* environment.c - the table of globals that chunks run with, and what the language itself has put there: functions, constants, plugins.
 *
 * The table stays empty for ever, so that each read and each assignment goes
 * through globals.c, with its place. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <string.h>
#include <talloc.h>

#define BUILTINS "postern.base"	/* of sandbox.c */
#define ENVIRONMENT "postern.environment"

void only_while_reading(struct config *c)
{
	if (!c->problems)
		luaL_error(c->sandbox.L, "only possible while the configuration is read, not in a function that runs later");
}

void environment_push(struct config *c)
{
	lua_getfield(c->sandbox.L, LUA_REGISTRYINDEX, ENVIRONMENT);
}

void environment_give(struct config *c)
{
	environment_push(c);
	if (!lua_setupvalue(c->sandbox.L, -2, 1))
		lua_pop(c->sandbox.L, 1);
}

void environment_make(struct config *c, lua_CFunction read, lua_CFunction assign)
{
	lua_State *L = c->sandbox.L;

	lua_newtable(L);
	lua_newtable(L);
	lua_pushcfunction(L, read);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, assign);
	lua_setfield(L, -2, "__newindex");
	lua_setmetatable(L, -2);
	lua_setfield(L, LUA_REGISTRYINDEX, ENVIRONMENT);
}

void environment_define(struct config *c, const char *name)
{
	lua_State *L = c->sandbox.L;

	lua_getfield(L, LUA_REGISTRYINDEX, BUILTINS);
	lua_insert(L, -2);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
}

bool builtin_push(struct config *c, const char *name)
{
	lua_State *L = c->sandbox.L;

	lua_getfield(L, LUA_REGISTRYINDEX, BUILTINS);
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
	if (!lua_isnil(L, -1))
		return true;
	lua_pop(L, 1);
	return false;
}

int default_push(struct config *c, enum setting_id id, struct sandbox_fault *fault)
{
	char *source = talloc_asprintf(c, "return %s", definition(id)->default_source);
	int bad = c->default_depth >= CONFIG_DEPTH_MAX || sandbox_compile(&c->sandbox, source, strlen(source), 0, fault) != 0;

	talloc_free(source);
	if (bad)
		return -1;
	environment_give(c);
	c->default_depth++;
	bad = sandbox_call(&c->sandbox, 0, 1, fault);
	c->default_depth--;
	return bad;
}
