/* unpackers.c - the programs among the default of `decoders`: those of lua/unpackers.lua that are installed.
 *
 * What is not installed leaves types shut; they are kept as one line for the
 * log, because nobody likes to be told at each check what he does not have. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/spawn.h"
#include "plugin/call.h"

#define LIBRARY "unpackers"

/* The program of this unpacker that is there; malloc'd, NULL: none. The library is at `library`. */
static char *find_program(lua_State *L, int library, const char *name, const char *path)
{
	char *found = NULL;

	lua_getfield(L, library, "programs");
	lua_getfield(L, -1, name);
	for (lua_Integer i = 1; !found && lua_rawgeti(L, -1, i) == LUA_TSTRING; i++) {
		found = spawn_find(lua_tostring(L, -1), path);
		lua_pop(L, 1);
	}
	lua_settop(L, library);
	return found;
}

static const char *next_word(const char *list)
{
	list += strcspn(list, "|");
	return *list ? list + 1 : list;
}

static bool list_has(const char *list, const char *word, size_t length)
{
	for (; *list; list = next_word(list))
		if (strcspn(list, "|") == length && strncmp(list, word, length) == 0)
			return true;
	return false;
}

static bool is_opened(const struct config *c, const char *type, size_t length)
{
	for (size_t i = 0; i < c->instance_count; i++)
		if (list_has(plugin_decoder_types(c->instances[i]), type, length))
			return true;
	return false;
}

static void note_type(struct config *c, const char *type, size_t length, const char *name)
{
	c->absent_programs = c->absent_programs ? talloc_asprintf_append(c->absent_programs, ", %.*s (%s)", (int)length, type, name)
		: talloc_asprintf(c, "%.*s (%s)", (int)length, type, name);
}

/* Types of this unpacker that nothing installed opens, each once: noted has them joined by '|'. */
static void note_absent(struct config *c, lua_State *L, int library, const char *name, GString *noted)
{
	lua_getfield(L, library, "types");
	lua_getfield(L, -1, name);
	for (const char *type = luaL_optstring(L, -1, ""); *type; type = next_word(type)) {
		size_t length = strcspn(type, "|");
		if (is_opened(c, type, length) || list_has(noted->str, type, length))
			continue;
		note_type(c, type, length, name);
		g_string_append_printf(noted, "%.*s|", (int)length, type);
	}
	lua_settop(L, library);
}

/* Calls the library's maker with the program's name and appends what it makes to the list. */
static void push_one(lua_State *L, int library, int list, const char *name, const char *program)
{
	lua_getfield(L, library, name);
	lua_pushstring(L, program);
	lua_call(L, 1, 1);
	lua_rawseti(L, list, (lua_Integer)lua_rawlen(L, list) + 1);
}

static const char *const *order_of(lua_State *L, int library, void *owner)
{
	lua_getfield(L, library, "order");
	size_t n = lua_istable(L, -1) ? lua_rawlen(L, -1) : 0;
	const char **names = talloc_zero_array(owner, const char *, n + 1);

	for (size_t i = 0; i < n; i++) {
		lua_rawgeti(L, -1, (lua_Integer)i + 1);
		names[i] = talloc_strdup(names, luaL_optstring(L, -1, ""));
		lua_pop(L, 1);
	}
	lua_settop(L, library);
	return names;
}

void unpackers_push(struct config *c, int list)
{
	lua_State *L = c->sandbox.L;
	struct error e = { 0 };

	if (!plugin_host_find(c->host, "unpack", &e))
		return;
	environment_push(c);
	lua_getfield(L, -1, "path");
	const char *path = talloc_strdup(c, lua_isstring(L, -1) ? lua_tostring(L, -1) : "");
	lua_getfield(L, list + 1, LIBRARY);
	int library = lua_gettop(L);
	const char *const *names = lua_istable(L, library) ? order_of(L, library, c) : NULL;

	for (size_t i = 0; names && names[i]; i++) {
		char *program = find_program(L, library, names[i], path);
		if (program)
			push_one(L, library, list, names[i], program);
		free(program);
	}
	GString *noted = g_string_new(NULL);
	for (size_t i = 0; names && names[i]; i++)
		note_absent(c, L, library, names[i], noted);
	g_string_free(noted, TRUE);
	lua_settop(L, list);
}

const char *config_absent_programs(const struct config *c)
{
	return c->absent_programs;
}
