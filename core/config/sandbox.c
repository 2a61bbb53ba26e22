/* sandbox.c - see sandbox.h.
 *
 * pcall, coroutines, metatables and finalizers are left out on purpose: each of
 * them is a way to outlive the error that the count hook raises. */
#include "config.h"

#include "config/sandbox.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOOK_EVERY 1000

struct sandbox *sandbox_of(lua_State *L)
{
	struct sandbox *s;

	memcpy(&s, lua_getextraspace(L), sizeof s);
	return s;
}

static int chunk_number(const char *source)
{
	return source[0] == '=' && source[1] == '#' ? atoi(source + 2) : 0;
}

bool sandbox_where(lua_State *L, int level, int *chunk, int *line)
{
	lua_Debug ar;

	for (; lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sl", &ar);
		if (ar.currentline <= 0 || chunk_number(ar.source) == 0)
			continue;
		*chunk = chunk_number(ar.source);
		*line = ar.currentline;
		return true;
	}
	return false;
}

/* Lua raises its memory error without calling the message handler, so the place is kept when memory is refused. */
static void *refuse(struct sandbox *s)
{
	if (s->L)
		sandbox_where(s->L, 0, &s->last_chunk, &s->last_line);
	return NULL;
}

static void *allocate(void *context, void *block, size_t old_size, size_t new_size)
{
	struct sandbox *s = context;
	void *fresh;

	if (!block)
		old_size = 0;
	if (new_size == 0) {
		free(block);
		s->used_bytes -= old_size;
		return NULL;
	}
	if (new_size > old_size && new_size - old_size > s->limit_bytes - s->used_bytes)
		return refuse(s);
	fresh = realloc(block, new_size);
	if (!fresh)
		return refuse(s);
	s->used_bytes += new_size - old_size;
	return fresh;
}

static void watch(lua_State *L, lua_Debug *ar)
{
	struct sandbox *s = sandbox_of(L);

	(void)ar;
	s->instructions += HOOK_EVERY;
	if (s->instruction_limit && s->instructions > s->instruction_limit)
		luaL_error(L, "too many steps (more than %d million): an endless loop?", (int)(s->instruction_limit / 1000000));
	if (s->deadline.at_ms && clock_now_ms() > s->deadline.at_ms)
		luaL_error(L, "the time allowed is over: an endless loop?");
}

static const struct luaL_Reg libraries[] = {
	{ "string", luaopen_string }, { "table", luaopen_table }, { "math", luaopen_math }, { "utf8", luaopen_utf8 }, { NULL, NULL }
};

static const char *const base_functions[] = {
	"assert", "error", "ipairs", "next", "pairs", "rawequal", "rawlen", "select", "tonumber", "tostring", "type", NULL
};

/* Keep what is harmless of the base library: load, dofile, require, rawset, setmetatable, collectgarbage ... go. */
static void keep_base_functions(lua_State *L)
{
	luaL_requiref(L, "_G", luaopen_base, 0);
	lua_newtable(L);
	for (int i = 0; base_functions[i]; i++) {
		lua_getfield(L, -2, base_functions[i]);
		lua_setfield(L, -2, base_functions[i]);
	}
	for (int i = 0; libraries[i].name; i++) {
		luaL_requiref(L, libraries[i].name, libraries[i].func, 0);
		lua_setfield(L, -2, libraries[i].name);
	}
	lua_getfield(L, -1, "string");
	lua_pushnil(L);
	lua_setfield(L, -2, "dump");
	lua_pop(L, 1);
	lua_setfield(L, LUA_REGISTRYINDEX, "postern.base");
	lua_pop(L, 1);
}

static int open_libraries(lua_State *L)
{
	keep_base_functions(L);
	lua_newtable(L);
	lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	return 0;
}

lua_State *sandbox_new(struct sandbox *s)
{
	memset(s, 0, sizeof *s);
	s->limit_bytes = SANDBOX_MEMORY_LIMIT_BYTES;
	s->L = lua_newstate(allocate, s);
	if (!s->L)
		return NULL;
	memcpy(lua_getextraspace(s->L), &s, sizeof s);
	lua_pushcfunction(s->L, open_libraries);
	if (lua_pcall(s->L, 0, 0, 0) != LUA_OK) {
		lua_close(s->L);
		return s->L = NULL;
	}
	lua_sethook(s->L, watch, LUA_MASKCOUNT, HOOK_EVERY);
	return s->L;
}

void sandbox_limit(struct sandbox *s, int64_t instruction_limit, struct deadline d)
{
	s->instructions = 0;
	s->instruction_limit = instruction_limit;
	s->deadline = d;
}

/* "#3:12: text" at the head of a message; returns the text. */
static const char *take_position(const char *message, int *chunk, int *line)
{
	int c, l, used = 0;

	if (sscanf(message, "#%d:%d: %n", &c, &l, &used) != 2 || used == 0)
		return message;
	*chunk = c;
	*line = l;
	return message + used;
}

static void keep_message(struct sandbox_fault *fault, const char *message)
{
	const char *text = take_position(message, &fault->chunk, &fault->line);

	snprintf(fault->text, sizeof fault->text, "%s", text);
	for (char *p = fault->text; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
}

static int on_error(lua_State *L)
{
	struct sandbox_fault *fault = lua_touserdata(L, lua_upvalueindex(1));
	const char *message = lua_tostring(L, 1);

	fault->chunk = 0;
	fault->line = 0;
	sandbox_where(L, 1, &fault->chunk, &fault->line);
	keep_message(fault, message ? message : "an error without text");
	luaL_traceback(L, L, NULL, 1);
	snprintf(fault->traceback, sizeof fault->traceback, "%s", lua_tostring(L, -1));
	return 1;
}

int sandbox_call(struct sandbox *s, int arguments, int results, struct sandbox_fault *fault)
{
	int handler = lua_gettop(s->L) - arguments, status;

	memset(fault, 0, sizeof *fault);
	lua_pushlightuserdata(s->L, fault);
	lua_pushcclosure(s->L, on_error, 1);
	lua_insert(s->L, handler);
	s->last_chunk = s->last_line = 0;
	status = lua_pcall(s->L, arguments, results, handler);
	lua_remove(s->L, handler);
	if (status == LUA_OK)
		return 0;
	if (status == LUA_ERRMEM) {
		fault->chunk = s->last_chunk;
		fault->line = s->last_line;
		snprintf(fault->text, sizeof fault->text, "more than %zu MiB of memory wanted", s->limit_bytes >> 20);
	}
	lua_pop(s->L, 1);
	return -1;
}

int sandbox_compile(struct sandbox *s, const char *source, size_t size, int chunk, struct sandbox_fault *fault)
{
	char name[32];

	memset(fault, 0, sizeof *fault);
	snprintf(name, sizeof name, "=#%d", chunk);
	if (luaL_loadbufferx(s->L, source, size, name, "t") == LUA_OK)
		return 0;
	fault->chunk = chunk;
	fault->line = 1;
	keep_message(fault, lua_tostring(s->L, -1));
	lua_pop(s->L, 1);
	return -1;
}
