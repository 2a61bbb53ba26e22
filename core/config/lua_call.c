/* lua_call.c - administrators' functions as workers call them: in lookups, and as hooks of policy banks.
 *
 * A call has the mail's deadline and a bound on its steps; an error is the
 * caller's TEMPFAIL, with file:line. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <time.h>
#include <talloc.h>

#define CALL_INSTRUCTION_LIMIT ((int64_t)100 * 1000 * 1000)
#define CALL_TIME_LIMIT_MS 30000

static config_mail_view_fn mail_view;

void config_set_mail_view(config_mail_view_fn view)
{
	mail_view = view;
}

static void set_text(lua_State *L, const char *name, const char *text)
{
	if (!text)
		return;
	lua_pushstring(L, text);
	lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, int64_t number)
{
	lua_pushinteger(L, number);
	lua_setfield(L, -2, name);
}

/* As os.date("*t") has it: wday 1 is Sunday. */
static void push_time(lua_State *L, int64_t wall_us)
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	lua_newtable(L);
	set_number(L, "year", tm.tm_year + 1900);
	set_number(L, "month", tm.tm_mon + 1);
	set_number(L, "day", tm.tm_mday);
	set_number(L, "hour", tm.tm_hour);
	set_number(L, "min", tm.tm_min);
	set_number(L, "sec", tm.tm_sec);
	set_number(L, "wday", tm.tm_wday + 1);
	set_number(L, "yday", tm.tm_yday + 1);
	lua_pushboolean(L, tm.tm_isdst > 0);
	lua_setfield(L, -2, "isdst");
}

static void push_mail(lua_State *L, const void *mail)
{
	struct config_mail_view view = { .size_bytes = -1 };

	lua_newtable(L);
	if (!mail || !mail_view)
		return;
	mail_view(mail, &view);
	set_text(L, "log_id", view.log_id);
	set_text(L, "sender", view.sender);
	set_text(L, "client_address", view.client_address);
	set_text(L, "client_name", view.client_name);
	set_text(L, "helo", view.helo);
	set_text(L, "protocol", view.protocol);
	set_text(L, "interface", view.interface);
	set_text(L, "policy_banks", view.policy_banks);
	if (view.size_bytes >= 0)
		set_number(L, "size", view.size_bytes);
	lua_pushboolean(L, view.originating);
	lua_setfield(L, -2, "originating");
	if (view.received_wall_us > 0) {
		push_time(L, view.received_wall_us);
		lua_setfield(L, -2, "time");
	}
	lua_newtable(L);
	for (int i = 0; view.recipients && view.recipients[i]; i++) {
		lua_pushstring(L, view.recipients[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "recipients");
}

struct call { struct value_function *f; const char *key; const void *mail; bool is_hook; void *owner; const struct value *result; };

/* f(key, mail) of lookups, f(mail [, key]) of hooks; returns how many. */
static int push_arguments(lua_State *L, const struct call *k)
{
	if (!k->is_hook)
		lua_pushstring(L, k->key);
	push_mail(L, k->mail);
	if (k->is_hook && k->key)
		lua_pushstring(L, k->key);
	return k->is_hook && !k->key ? 1 : 2;
}

/* Runs under lua_pcall, so that memory that ends while arguments are made is an error like any other. */
static int run(lua_State *L)
{
	struct call *k = lua_touserdata(L, 1);

	lua_rawgeti(L, LUA_REGISTRYINDEX, k->f->ref);
	lua_call(L, push_arguments(L, k), 1);
	if (lua_isfunction(L, -1))
		return luaL_error(L, "the function's result is a function");
	k->result = lua_isnil(L, -1) ? NULL : convert(k->f->config, k->owner, -1, CONVERT_AS_WRITTEN, k->f->file, k->f->line);
	return 0;
}

static const struct value *failed_call(const struct value_function *f, const struct sandbox_fault *fault, struct error *failed)
{
	const struct config *c = f->config;
	const char *file = f->file;
	int line = fault->line ? fault->line : f->line;

	if (fault->chunk > 0 && (guint)fault->chunk <= c->files->len)
		file = ((const struct source_file *)g_ptr_array_index(c->files, fault->chunk - 1))->name;
	error_set(failed, ERROR_ENVIRONMENT, "%s:%d: %s", file ? file : "function", line, fault->text);
	return NULL;
}

static const struct value *bounded(struct call *k, struct deadline d, struct error *failed)
{
	struct sandbox *sandbox = &k->f->config->sandbox;
	struct sandbox_fault fault;

	sandbox_limit(sandbox, CALL_INSTRUCTION_LIMIT, deadline_sooner(d, CALL_TIME_LIMIT_MS));
	lua_pushcfunction(sandbox->L, run);
	lua_pushlightuserdata(sandbox->L, k);
	if (sandbox_call(sandbox, 1, 0, &fault) != 0)
		return failed_call(k->f, &fault, failed);
	return k->result && k->result->kind == VALUE_UNDEF ? NULL : k->result;
}

static const struct value *call(struct value_function *f, const char *key, const struct lookup_context *context, void *owner, struct error *failed)
{
	struct call k = { .f = f, .key = key, .mail = context ? context->mail : NULL, .owner = owner };

	return bounded(&k, context ? context->deadline : deadline_none(), failed);
}

int config_call_hook(struct value_function *f, const void *mail, const char *text, struct deadline d, void *owner,
	const struct value **out, struct error *e)
{
	struct call k = { .f = f, .key = text, .mail = mail, .is_hook = true, .owner = owner };
	struct error failed = { .class = ERROR_NONE };

	*out = bounded(&k, d, &failed);
	if (failed.class == ERROR_NONE)
		return 0;
	return error_set(e, failed.class, "%s", failed.text);
}

void lua_call_setup(void)
{
	lookup_call_function = call;
}
