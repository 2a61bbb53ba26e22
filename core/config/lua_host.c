/* lua_host.c - see lua_host.h.  Every helper blocks only as the call's deadline allows, and raises a Lua error where a C plugin
 * would get a failure. */
#include "config.h"

#include "config/inside.h"
#include "config/lua_host.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "plugin/call.h"

#define PART "postern.part"
#define CONNECTION "postern.connection"
#define READ_MAX (16 * 1024 * 1024)
#define OUTPUT_MAX (200 * 1024)
#define ARGUMENTS_MAX 64
#define CAPTURES_MAX 20

/* One call at a time per worker: what is not of this call is dead. */
static struct postern_call *current;
static struct { enum postern_result result; const char *text; } failure;
/* What part:read() has opened last: one descriptor, however often it reads. */
static struct { const struct postern_part *part; int fd; } reading;

struct part_box { struct postern_call *call; const struct postern_part *part; };
struct connection_box { struct postern_call *call; struct postern_conn *conn; };

static struct postern_call *living(lua_State *L)
{
	if (!current)
		luaL_error(L, "the scan is over");
	return current;
}

static const struct postern_part *check_part(lua_State *L, int index)
{
	struct part_box *box = luaL_checkudata(L, index, PART);

	if (box->call != living(L))
		luaL_error(L, "this part belongs to another mail");
	return box->part;
}

static struct postern_conn *check_connection(lua_State *L)
{
	struct connection_box *box = luaL_checkudata(L, 1, CONNECTION);

	if (box->call != living(L) || !box->conn)
		luaL_error(L, "the connection is closed");
	return box->conn;
}

/* --- the part --- */

/* How much is to be read. Without a count that is all of it; where either is too much, whoever got less would take the rest for looked at. */
static size_t wanted(lua_State *L, const struct postern_part *part, lua_Integer offset)
{
	lua_Integer size = postern_part_size(part), left = offset < size ? size - offset : 0;
	lua_Integer count = luaL_optinteger(L, 2, left);

	if (count < 0 || offset < 0)
		luaL_error(L, "count and offset are not negative");
	count = count < left ? count : left;
	if (count > READ_MAX) {
		failure.result = POSTERN_LIMIT;
		failure.text = postern_printf(current, "part p%03u: part:read() gives %d bytes at once, and it has %lld; read it in pieces",
			postern_part_number(part), READ_MAX, (long long)left);
		luaL_error(L, "%s", failure.text);
	}
	return (size_t)count;
}

static int part_read(lua_State *L)
{
	const struct postern_part *part = check_part(L, 1);
	lua_Integer offset = luaL_optinteger(L, 3, 0);
	size_t count = wanted(L, part, offset), got = 0;
	luaL_Buffer buffer;

	if (reading.part != part) {
		reading.fd = postern_part_fd(current, part);
		reading.part = reading.fd >= 0 ? part : NULL;
	}
	if (!reading.part)
		return luaL_error(L, "the part cannot be opened");
	char *room = luaL_buffinitsize(L, &buffer, count);
	while (got < count) {
		ssize_t n = pread(reading.fd, room + got, count - got, (off_t)(offset + (lua_Integer)got));
		if (n <= 0)
			return luaL_error(L, "reading the part: %s", n < 0 ? g_strerror(errno) : "it is shorter than it was");
		got += (size_t)n;
	}
	luaL_pushresultsize(&buffer, got);
	return 1;
}

static int part_index(lua_State *L)
{
	const struct postern_part *part = check_part(L, 1);
	const char *name = luaL_checkstring(L, 2);

	if (strcmp(name, "read") == 0)
		lua_pushcfunction(L, part_read);
	else if (strcmp(name, "number") == 0)
		lua_pushinteger(L, (lua_Integer)postern_part_number(part));
	else if (strcmp(name, "size") == 0)
		lua_pushinteger(L, postern_part_size(part));
	else if (strcmp(name, "type") == 0)
		lua_pushstring(L, postern_part_type(part));
	else if (strcmp(name, "mime_type") == 0)
		lua_pushstring(L, postern_part_mime_type(part));
	else if (strcmp(name, "name") == 0)
		lua_pushstring(L, postern_part_name(part));
	else if (strcmp(name, "placement") == 0)
		lua_pushstring(L, postern_part_placement(part));
	else if (strcmp(name, "path") == 0)
		lua_pushstring(L, postern_part_path(current, part));
	else
		return luaL_error(L, "a part has no \"%s\"; it has number, size, type, mime_type, name, placement, path and read()", name);
	return 1;
}

/* --- connections --- */

static int failed(lua_State *L, const char *what)
{
	const char *why = plugin_call_error(living(L));

	return why ? luaL_error(L, "%s", why) : luaL_error(L, "%s failed", what);
}

static int connection_write(lua_State *L)
{
	size_t n;
	struct postern_conn *conn = check_connection(L);
	const char *text = luaL_checklstring(L, 2, &n);

	return postern_conn_write(current, conn, text, n) == 0 ? 0 : failed(L, "write");
}

static int connection_write_part(lua_State *L)
{
	size_t n;
	struct postern_conn *conn = check_connection(L);
	const char *text = luaL_checklstring(L, 2, &n);
	int fd = postern_part_fd(current, check_part(L, 3));

	if (!postern_conn_is_local(conn))
		return luaL_error(L, "a part's descriptor can be passed over unix sockets only");
	return fd >= 0 && postern_conn_write_fd(current, conn, text, n, fd) == 0 ? 0 : failed(L, "write_part");
}

static int connection_read_until(lua_State *L)
{
	size_t n, length;
	struct postern_conn *conn = check_connection(L);
	const char *delimiter = luaL_optlstring(L, 2, "\n", &n);
	lua_Integer max = luaL_optinteger(L, 3, 4096);

	if (n != 1 || max <= 0 || max > READ_MAX)
		return luaL_error(L, "read_until wants one character and a length");
	char *line = postern_conn_read_until(current, conn, *delimiter, (size_t)max, &length);
	if (!line)
		return failed(L, "read_until");
	lua_pushlstring(L, line, length);
	talloc_free(line);	/* a daemon may say many before the call ends */
	return 1;
}

static int connection_read(lua_State *L)
{
	struct postern_conn *conn = check_connection(L);
	char buffer[8192];
	lua_Integer max = luaL_optinteger(L, 2, sizeof buffer);
	ssize_t n = postern_conn_read(current, conn, buffer, max > 0 && max < (lua_Integer)sizeof buffer ? (size_t)max : sizeof buffer);

	if (n < 0)
		return failed(L, "read");
	lua_pushlstring(L, buffer, (size_t)n);
	return 1;
}

static int connection_read_all(lua_State *L)
{
	size_t length;
	struct postern_conn *conn = check_connection(L);
	lua_Integer max = luaL_optinteger(L, 2, OUTPUT_MAX);
	char *text = postern_conn_read_all(current, conn, max > 0 && max < READ_MAX ? (size_t)max : READ_MAX, &length);

	if (!text)
		return failed(L, "read_all");
	lua_pushlstring(L, text, length);
	talloc_free(text);
	return 1;
}

static int connection_readable(lua_State *L)
{
	lua_pushboolean(L, postern_conn_readable(check_connection(L)));
	return 1;
}

static int connection_is_local(lua_State *L)
{
	lua_pushboolean(L, postern_conn_is_local(check_connection(L)));
	return 1;
}

/* For the next call of this scanner; here it is over. */
static int connection_keep(lua_State *L)
{
	struct connection_box *box = luaL_checkudata(L, 1, CONNECTION);

	postern_conn_keep(current, check_connection(L));
	box->conn = NULL;
	return 0;
}

static int connection_close(lua_State *L)
{
	struct connection_box *box = luaL_checkudata(L, 1, CONNECTION);

	postern_conn_close(current, check_connection(L));
	box->conn = NULL;
	return 0;
}

static const struct luaL_Reg connection_methods[] = {
	{ "write", connection_write }, { "write_part", connection_write_part }, { "read_until", connection_read_until },
	{ "read", connection_read }, { "read_all", connection_read_all }, { "readable", connection_readable },
	{ "is_local", connection_is_local }, { "keep", connection_keep }, { "close", connection_close }, { NULL, NULL }
};

/* --- the host --- */

static int push_connection(lua_State *L, struct postern_conn *conn)
{
	struct connection_box *box = lua_newuserdatauv(L, sizeof *box, 0);

	*box = (struct connection_box){ current, conn };
	luaL_setmetatable(L, CONNECTION);
	return 1;
}

static int host_connect(lua_State *L)
{
	const char *endpoint = luaL_checkstring(L, 1);
	struct postern_conn *conn = postern_conn_open(living(L), endpoint);

	return conn ? push_connection(L, conn) : failed(L, "connect");
}

static int host_kept(lua_State *L)
{
	struct postern_conn *conn = postern_conn_kept(living(L));

	if (conn)
		return push_connection(L, conn);
	lua_pushnil(L);
	return 1;
}

static int host_run(lua_State *L)
{
	const char *argv[ARGUMENTS_MAX + 1] = { NULL };
	struct postern_run_result result;
	int stdin_fd = -1;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
	if (count < 1 || count > ARGUMENTS_MAX)
		return luaL_error(L, "run wants { program, argument... }, at most %d of them", ARGUMENTS_MAX);
	luaL_checkstack(L, ARGUMENTS_MAX + 8, "arguments");
	for (lua_Integer i = 1; i <= count; i++) {
		lua_rawgeti(L, 1, i);	/* stays on the stack while the program runs */
		argv[i - 1] = luaL_checkstring(L, -1);
	}
	if (!lua_isnoneornil(L, 2))
		stdin_fd = postern_part_fd(living(L), check_part(L, 2));
	if (postern_run(living(L), argv, stdin_fd, NULL, OUTPUT_MAX, &result) != 0)
		return failed(L, "run");
	lua_newtable(L);
	lua_pushinteger(L, result.exit_code);
	lua_setfield(L, -2, "exit_code");
	lua_pushinteger(L, result.signal);
	lua_setfield(L, -2, "signal");
	lua_pushlstring(L, result.output ? result.output : "", result.output ? result.output_size : 0);
	lua_setfield(L, -2, "output");
	return 1;
}

static int host_log(lua_State *L)
{
	lua_Integer level = luaL_checkinteger(L, 1);

	postern_log(living(L), level < -1 ? -1 : level > 5 ? 5 : (int)level, "%s", luaL_checkstring(L, 2));
	return 0;
}

static int host_output(lua_State *L)
{
	size_t n;
	const char *text = luaL_checklstring(L, 1, &n);

	postern_set_output(living(L), text, n);
	return 0;
}

static int host_fail(lua_State *L)
{
	static const char *const kinds[] = { "tempfail", "limit", "broken", NULL };
	static const enum postern_result results[] = { POSTERN_TEMPFAIL, POSTERN_LIMIT, POSTERN_BROKEN };
	int kind = luaL_checkoption(L, 1, NULL, kinds);
	const char *text = luaL_checkstring(L, 2);

	failure.text = postern_printf(living(L), "%s", text);
	failure.result = results[kind];
	return luaL_error(L, "%s", text);
}

/* What rx() made, or a string, compiled anew then. */
static const struct pattern *check_pattern(lua_State *L, void *owner)
{
	struct error e = { 0 };
	const struct value *v = lua_type(L, 1) == LUA_TSTRING ? NULL : handle_get(L, 1);
	const struct pattern *p = v && v->kind == VALUE_REGEX ? v->u.regex : NULL;

	if (p)
		return p;
	p = pattern_compile(owner, luaL_checkstring(L, 1), "", &e);
	if (!p)
		luaL_error(L, "match: %s", postern_printf(current, "%s", e.text));
	return p;
}

static int host_match(lua_State *L)
{
	char *captures[CAPTURES_MAX] = { NULL };
	size_t n;
	const char *text = luaL_checklstring(L, 2, &n);
	void *owner = postern_alloc(living(L), 1);	/* goes with the call */
	int count = pattern_captures(check_pattern(L, owner), text, n, owner, captures, CAPTURES_MAX);

	if (count < 0)
		return luaL_error(L, "match: the pattern takes too much time over this text");
	if (count == 0) {
		talloc_free(owner);
		lua_pushnil(L);
		return 1;
	}
	for (int k = count > 1 ? 1 : 0; k < count; k++)
		lua_pushstring(L, captures[k]);
	talloc_free(owner);	/* texts may be many */
	return count > 1 ? count - 1 : 1;
}

static int host_time_left(lua_State *L)
{
	lua_pushinteger(L, postern_time_left_ms(living(L)));
	return 1;
}

static const struct luaL_Reg host_functions[] = {
	{ "connect", host_connect }, { "run", host_run }, { "log", host_log }, { "time_left_ms", host_time_left },
	{ "kept", host_kept }, { "output", host_output }, { "fail", host_fail }, { "match", host_match }, { NULL, NULL }
};

void lua_host_setup(lua_State *L)
{
	luaL_newmetatable(L, PART);
	lua_pushcfunction(L, part_index);
	lua_setfield(L, -2, "__index");
	luaL_newmetatable(L, CONNECTION);
	luaL_newlib(L, connection_methods);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 2);
}

void lua_host_push_part(lua_State *L, struct postern_call *call, const struct postern_part *part)
{
	struct part_box *box = lua_newuserdatauv(L, sizeof *box, 0);

	current = call;
	*box = (struct part_box){ call, part };
	luaL_setmetatable(L, PART);
}

static void push_mail(lua_State *L, const struct postern_mail *mail)
{
	size_t count = postern_mail_recipient_count(mail);

	lua_newtable(L);
	lua_pushstring(L, postern_mail_log_id(mail));
	lua_setfield(L, -2, "log_id");
	lua_pushstring(L, postern_mail_sender(mail));
	lua_setfield(L, -2, "sender");
	lua_pushinteger(L, postern_mail_size(mail));
	lua_setfield(L, -2, "size");
	lua_newtable(L);
	for (size_t k = 0; k < count; k++) {
		lua_pushstring(L, postern_mail_recipient(mail, k));
		lua_rawseti(L, -2, (lua_Integer)k + 1);
	}
	lua_setfield(L, -2, "recipients");
}

void lua_host_push(lua_State *L, struct postern_call *call, const struct postern_mail *mail)
{
	current = call;
	reading.part = NULL;
	failure.result = POSTERN_OK;
	failure.text = NULL;
	luaL_newlib(L, host_functions);
	if (!mail)
		return;
	push_mail(L, mail);
	lua_setfield(L, -2, "mail");
}

enum postern_result lua_host_failure(const char **text)
{
	*text = failure.text;
	return failure.result;
}

void lua_host_forget(lua_State *L)
{
	(void)L;
	current = NULL;
}
