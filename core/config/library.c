/* library.c - what is shipped in Lua for use in configurations: "av", the virus scanners by name, "unpackers", programs that open archives.
 *
 * Read when first named, from $(pkgdatadir)/lua or the build tree.  It runs as
 * chunk 0, which is nobody's file: what goes wrong in it is told at the line of
 * the administrator's who called it. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <string.h>
#include <talloc.h>

#include "base/text.h"

/* Upvalue 1: the library's name. Reached only by names that are not in it. */
static int unknown_member(lua_State *L)
{
	struct config *c = config_of(L);
	GPtrArray *all = g_ptr_array_new();
	const char *library = lua_tostring(L, lua_upvalueindex(1)), *name = luaL_tolstring(L, 2, NULL), *near;

	for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1))
		g_ptr_array_add(all, (gpointer)lua_tostring(L, -2));
	near = text_nearest(name, (const char *const *)(void *)all->pdata, all->len);
	problem_here(c, false, "%s.%s: no such %s%s%s%s%s%s", library, name, strcmp(library, "av") == 0 ? "scanner" : "program",
		near ? "; did you mean \"" : "", near ? library : "", near ? "." : "", near ? near : "", near ? "\"?" : "");
	g_ptr_array_free(all, TRUE);
	handle_push(L, &value_inert);
	return 1;
}

/* The library's table is on top of the stack. */
static void make_strict(lua_State *L, const char *name)
{
	lua_newtable(L);
	lua_pushstring(L, name);
	lua_pushcclosure(L, unknown_member, 1);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
}

static int run(struct config *c, const char *name, const char *path, const char *text, size_t size)
{
	struct sandbox_fault fault;
	int rc = sandbox_compile(&c->sandbox, text, size, 0, &fault);

	if (rc == 0) {
		environment_give(c);
		rc = sandbox_call(&c->sandbox, 0, 1, &fault);
	}
	if (rc != 0)
		problem_here(c, false, "%s: %s: %s", name, path, fault.text);
	else if (!lua_istable(c->sandbox.L, -1))
		problem_here(c, false, "%s: %s: returns no table", name, path);
	else
		return 0;
	lua_settop(c->sandbox.L, rc == 0 ? -2 : -1);
	return -1;
}

bool library_push(struct config *c, const char *name)
{
	lua_State *L = c->sandbox.L;
	char *path, *text, *why;
	size_t size = 0;

	if (strcmp(name, "av") != 0 && strcmp(name, "unpackers") != 0)
		return false;
	path = c->options.build_dir ? talloc_asprintf(c, "%s/lua/%s.lua", c->options.build_dir, name)
		: talloc_asprintf(c, PKGDATADIR "/lua/%s.lua", name);
	text = file_read_trusted(path, &size, &why);
	if (!text)
		problem_here(c, false, "%s: %s", name, why);
	g_free(why);
	if (text && run(c, name, path, text, size) == 0) {
		make_strict(L, name);
		lua_pushvalue(L, -1);
		environment_define(c, name);
	} else {
		handle_push(L, &value_inert);
	}
	g_free(text);
	return true;
}
