/* lua_function.c - administrators' functions as values: kept while the files are read, known by the place they were written at. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <talloc.h>

struct value_function *lua_function_new(struct config *c, int index)
{
	struct value_function *f = talloc_zero(c, struct value_function);
	lua_State *L = c->sandbox.L;
	lua_Debug ar;
	int number = 0;

	f->config = c;
	lua_pushvalue(L, index);
	lua_getinfo(L, ">S", &ar);
	if (ar.source[0] == '=' && ar.source[1] == '#')
		number = (int)g_ascii_strtoll(ar.source + 2, NULL, 10);
	if (number > 0 && (guint)number <= c->files->len)
		f->file = ((struct source_file *)g_ptr_array_index(c->files, number - 1))->name;
	f->line = ar.linedefined;
	lua_pushvalue(L, index);
	f->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	return f;
}

const char *lua_function_place(const struct value_function *f, int *line)
{
	*line = f->line;
	return f->file;
}
