/* lua_scanner.c - scanners written in the configuration: scanner "name" { scan = function(part, host) ... end }.
 *
 * Made at reading time as an instance of a plugin that lives here; called in
 * workers, on their main thread, part by part, under the call's deadline; a second
 * function, version(host), says what answers.  What the first
 * function returns: false or {} - looked at, nothing found; a string or a list
 * of strings - names of malware; nil - it cannot say; an error or anything else - it failed. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <string.h>
#include <talloc.h>

#include "config/lua_host.h"
#include "postern/plugin.h"

#define SCAN_INSTRUCTION_LIMIT ((int64_t)1000 * 1000 * 1000)
#define NAMES_MAX 100

struct lua_scanner {
	struct config *config;
	int scan, version;		/* references to its functions; version LUA_NOREF: it has none */
	const char *file;
	int line;
	const struct postern_mail *mail;	/* in hand, from begin() to end() */
	struct postern_plugin plugin;	/* its own: what it can differs */
};

struct scanning {
	struct lua_scanner *scanner;
	struct postern_call *call;
	const struct postern_part *part;	/* NULL: the question for the version */
	enum postern_result result;
};

/* --- in the worker --- */

/* How many keys the table on top has, whatever they are. */
static lua_Integer key_count(lua_State *L)
{
	lua_Integer count = 0;

	for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1))
		count++;
	return count;
}

/* A table with names where a list has none, { virus = "X" }, says something, and not that nothing was found. */
static void take_names(lua_State *L, struct scanning *s)
{
	lua_Integer count = (lua_Integer)lua_rawlen(L, -1);

	s->result = key_count(L) == count ? POSTERN_OK
		: postern_fail(s->call, POSTERN_BROKEN, "its function returned a table that is no list of names");
	for (lua_Integer i = 1; i <= count && i <= NAMES_MAX; i++) {
		lua_rawgeti(L, -1, i);
		if (lua_type(L, -1) == LUA_TSTRING)
			postern_found(s->call, s->part, lua_tostring(L, -1));
		else
			s->result = postern_fail(s->call, POSTERN_BROKEN, "item %lld of what its function returned is no string", (long long)i);
		lua_pop(L, 1);
	}
}

static void take_answer(lua_State *L, struct scanning *s)
{
	switch (lua_type(L, -1)) {
	case LUA_TNIL:
		s->result = POSTERN_NOTHING;
		return;
	case LUA_TSTRING:
		postern_found(s->call, s->part, lua_tostring(L, -1));
		s->result = POSTERN_OK;
		return;
	case LUA_TTABLE:
		take_names(L, s);
		return;
	default:
		s->result = lua_isboolean(L, -1) && !lua_toboolean(L, -1) ? POSTERN_OK
			: postern_fail(s->call, POSTERN_BROKEN, "its function returned a %s; expected false, a name, a list of names or nil", luaL_typename(L, -1));
	}
}

/* nil: it answers, and does not say. */
static void take_version(lua_State *L, struct scanning *s)
{
	s->result = POSTERN_OK;
	if (lua_type(L, -1) == LUA_TSTRING)
		postern_set_version(s->call, lua_tostring(L, -1));
	else if (!lua_isnil(L, -1))
		s->result = postern_fail(s->call, POSTERN_BROKEN, "its version function returned a %s; expected a string or nil", luaL_typename(L, -1));
}

/* Under sandbox_call, so that memory that ends while arguments are made is an error like any other. */
static int run(lua_State *L)
{
	struct scanning *s = lua_touserdata(L, 1);

	lua_rawgeti(L, LUA_REGISTRYINDEX, s->part ? s->scanner->scan : s->scanner->version);
	if (s->part)
		lua_host_push_part(L, s->call, s->part);
	lua_host_push(L, s->call, s->scanner->mail);
	lua_call(L, s->part ? 2 : 1, 1);
	if (s->part)
		take_answer(L, s);
	else
		take_version(L, s);
	return 0;
}

static enum postern_result report_fault(const struct scanning *s, const struct sandbox_fault *fault)
{
	const struct config *c = s->scanner->config;
	const char *file = s->scanner->file, *text;
	enum postern_result told = lua_host_failure(&text);

	if (told != POSTERN_OK)
		return postern_fail(s->call, told, "%s", text);
	if (fault->chunk > 0 && (guint)fault->chunk <= c->files->len)
		file = ((const struct source_file *)g_ptr_array_index(c->files, fault->chunk - 1))->name;
	return postern_fail(s->call, POSTERN_TEMPFAIL, "%s:%d: %s", file ? file : AV_FILE, fault->line ? fault->line : s->scanner->line, fault->text);
}

static enum postern_result call_function(struct postern_call *call, const struct postern_part *part)
{
	struct lua_scanner *scanner = *postern_state(postern_call_instance(call));
	struct scanning s = { .scanner = scanner, .call = call, .part = part, .result = POSTERN_NOTHING };
	struct sandbox *box = &scanner->config->sandbox;
	struct sandbox_fault fault;

	sandbox_limit(box, SCAN_INSTRUCTION_LIMIT, deadline_in(postern_time_left_ms(call)));
	lua_pushcfunction(box->L, run);
	lua_pushlightuserdata(box->L, &s);
	int rc = sandbox_call(box, 1, 0, &fault);
	enum postern_result r = rc == 0 ? s.result : report_fault(&s, &fault);
	lua_host_forget(box->L);
	return r;
}

static enum postern_result scan_part(struct postern_call *call, const struct postern_part *part)
{
	return call_function(call, part);
}

static enum postern_result version(struct postern_call *call)
{
	return call_function(call, NULL);
}

static enum postern_result begin(struct postern_call *call, const struct postern_mail *mail)
{
	struct lua_scanner *scanner = *postern_state(postern_call_instance(call));
	scanner->mail = mail;
	return POSTERN_OK;
}

static enum postern_result end(struct postern_call *call, const struct postern_mail *mail)
{
	struct lua_scanner *scanner = *postern_state(postern_call_instance(call));
	(void)mail;
	scanner->mail = NULL;
	return POSTERN_OK;
}

static const struct postern_scanner_ops ops = { .size = sizeof ops, .scan_part = scan_part, .begin = begin, .end = end };
static const struct postern_scanner_ops ops_with_version = {
	.size = sizeof ops_with_version, .scan_part = scan_part, .version = version, .begin = begin, .end = end
};

static const struct postern_option no_options[] = { { 0 } };

static const struct postern_plugin lua_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "scanner",
	.version = VERSION_TEXT,
	.doc = "a scanner written in the configuration",
	.roles = POSTERN_SCANNER,
	.capabilities = POSTERN_CAP_PER_PART | POSTERN_CAP_MAIN_THREAD | POSTERN_CAP_NETWORK | POSTERN_CAP_EXEC,
	.options = no_options,
	.scanner = &ops,
};

/* --- while the files are read --- */

static bool is_own_key(lua_State *L, int index)
{
	static const char *const own[] = { "scan", "version", "paths", NULL };

	return lua_type(L, index) == LUA_TSTRING && g_strv_contains(own, lua_tostring(L, index));
}

static void take_abilities(lua_State *L, struct lua_scanner *s)
{
	s->plugin = lua_plugin;
	s->version = LUA_NOREF;
	if (lua_getfield(L, 1, "version") == LUA_TFUNCTION) {
		s->version = luaL_ref(L, LUA_REGISTRYINDEX);
		s->plugin.scanner = &ops_with_version;
	} else {
		lua_pop(L, 1);
	}
	lua_getfield(L, 1, "paths");
	s->plugin.capabilities |= lua_toboolean(L, -1) ? POSTERN_CAP_PATH : 0;
	lua_pop(L, 1);
}

/* Keep the functions, and leave a table without them, with the name, for the common options. */
static struct lua_scanner *take_function(lua_State *L, const char *name)
{
	struct config *c = config_of(L);
	struct lua_scanner *s = talloc_zero(c, struct lua_scanner);
	struct value_function *f;

	s->config = c;
	lua_getfield(L, 1, "scan");
	f = lua_function_new(c, -1);
	s->file = lua_function_place(f, &s->line);
	s->scan = luaL_ref(L, LUA_REGISTRYINDEX);
	take_abilities(L, s);
	lua_newtable(L);
	for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
		if (is_own_key(L, -2))
			continue;
		lua_pushvalue(L, -2);
		lua_pushvalue(L, -2);
		lua_settable(L, -5);
	}
	lua_pushstring(L, name);
	lua_setfield(L, -2, "name");
	return s;
}

static int complain(struct config *c, const char *text)
{
	c->scanner_failed = true;
	problem_here(c, false, "%s", text);
	handle_push(c->sandbox.L, &value_inert);
	return 1;
}

/* scanner "name" gives this; upvalue 1: the name. */
static int construct(lua_State *L)
{
	struct config *c = config_of(L);
	const char *name = lua_tostring(L, lua_upvalueindex(1));
	const struct value *v;
	struct lua_scanner *s;

	only_while_reading(c);
	if (!lua_istable(L, 1))
		return complain(c, "scanner: expected a table: scanner \"name\" { scan = function(part, host) ... end }");
	lua_settop(L, 1);
	if (lua_getfield(L, 1, "scan") != LUA_TFUNCTION || lua_iscfunction(L, -1))
		return complain(c, "scanner: scan: missing; expected function(part, host) ... end");
	lua_pop(L, 1);
	if (lua_getfield(L, 1, "version") != LUA_TNIL && (lua_type(L, -1) != LUA_TFUNCTION || lua_iscfunction(L, -1)))
		return complain(c, "scanner: version: expected function(host) ... end");
	if (lua_getfield(L, 1, "paths") != LUA_TNIL && lua_type(L, -1) != LUA_TBOOLEAN)
		return complain(c, "scanner: paths: expected true or false");
	lua_pop(L, 2);
	s = take_function(L, name);
	plugin_constructor_make(c, &s->plugin);
	lua_insert(L, -2);
	lua_call(L, 1, 1);
	v = handle_get(L, -1);
	if (v && v->kind == VALUE_INSTANCE && v->u.instance)
		v->u.instance->state = s;
	if (v && v != &value_inert)
		handle_remember(c, v, talloc_asprintf(c, "scanner \"%s\" { scan = function --[[ %s:%d ]] }", name, s->file ? s->file : AV_FILE, s->line));
	return 1;
}

static int name_scanner(lua_State *L)
{
	only_while_reading(config_of(L));
	if (lua_type(L, 1) != LUA_TSTRING)
		return complain(config_of(L), "scanner: expected a name: scanner \"name\" { scan = function(part, host) ... end }");
	lua_settop(L, 1);
	lua_pushcclosure(L, construct, 1);
	return 1;
}

void lua_scanner_define(struct config *c)
{
	lua_host_setup(c->sandbox.L);
	lua_pushcfunction(c->sandbox.L, name_scanner);
	environment_define(c, "scanner");
}
