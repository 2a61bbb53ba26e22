/* constructors.c - what the configuration language can say beyond Lua: undef, re{}, rx(), cidr{}, const{}, sql_field, ldap_field, setting "x", and constants. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <netdb.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

static const struct value *argument(struct config *c, int index)
{
	const char *file = NULL;
	int line = 0;

	place_here(c, false, &file, &line);
	return convert(c, c, index, CONVERT_AS_WRITTEN, file, line);
}

static struct failure *failure_for(struct config *c, const struct value *v, const char *constructor)
{
	struct failure *f = failure_of(c, v);

	return f ? f : failure_new(c, v, constructor);
}

static struct pattern *compile(struct config *c, const struct value *v, const char *pattern, const char *flags,
	const char *constructor, const char *path)
{
	struct error e = { 0 };
	struct pattern *r = pattern_compile(c, pattern, flags, &e);

	if (!r)
		failure_add(failure_for(c, v, constructor), path, e.text);
	return r;
}

static int make_rx(lua_State *L)
{
	struct config *c = config_of(L);
	const char *pattern = luaL_checkstring(L, 1), *flags = luaL_optstring(L, 2, "");
	struct value *v = value_at_call(c, VALUE_REGEX);

	if (flags[strspn(flags, "ixmsun")])
		failure_add(failure_for(c, v, "rx"), "", talloc_asprintf(v, "flags \"%s\": expected some of i, x, m, s, u, n", flags));
	else
		v->u.regex = compile(c, v, pattern, flags, "rx", "");
	handle_push(L, v);
	return 1;
}

/* One rule's pattern: a string or what rx() made. */
static struct pattern *rule_regex(struct config *c, const struct value *v, const struct value *pattern, const char *path)
{
	struct failure *inner = failure_of(c, pattern);

	if (inner) {
		failure_take(failure_for(c, v, "re"), path, inner);
		return NULL;
	}
	if (pattern->kind == VALUE_REGEX)
		return pattern->u.regex;
	if (pattern->kind == VALUE_STRING)
		return compile(c, v, pattern->u.string, "", "re", path);
	failure_add(failure_for(c, v, "re"), path, talloc_asprintf(c, "%s is not a rule; expected a regular expression or { regular expression, result }",
		value_describe(pattern, c)));
	return NULL;
}

struct rules { struct pattern **regexes; const struct value **results; size_t count; };

static void add_rule(struct config *c, const struct value *v, const struct value *item, size_t position, struct rules *rules)
{
	char *path = talloc_asprintf(c, "[%zu]", position);
	const struct value *pattern = item, *result = &value_true;

	if (item->kind == VALUE_LIST && !failure_of(c, item) && item->u.list.count > 0) {
		pattern = item->u.list.items[0];
		result = item->u.list.count > 1 ? item->u.list.items[1] : &value_true;
		if (item->u.list.count > 2)
			failure_add(failure_for(c, v, "re"), path, "more than two items in a rule; expected { regular expression, result }");
	}
	if (pattern == &value_inert || pattern->kind == VALUE_UNDEF)
		return;
	rules->regexes[rules->count] = rule_regex(c, v, pattern, path);
	rules->results[rules->count++] = result;
	talloc_free(path);
}

static int make_re(lua_State *L)
{
	struct config *c = config_of(L);
	struct value *v = value_at_call(c, VALUE_TABLE);
	const struct value *list = argument(c, 1);
	struct rules rules = { 0 };

	if (list->kind != VALUE_LIST || failure_of(c, list)) {
		failure_add(failure_for(c, v, "re"), "", "expected a list of rules: re{ \"regular expression\", { \"regular expression\", result } }");
	} else {
		rules.regexes = talloc_array(v, struct pattern *, list->u.list.count + 1);
		rules.results = talloc_array(v, const struct value *, list->u.list.count + 1);
		for (size_t i = 0; i < list->u.list.count; i++)
			add_rule(c, v, list->u.list.items[i], i + 1, &rules);
		if (!failure_of(c, v))
			v->u.table = lookup_table_re(v, rules.regexes, rules.results, rules.count);
	}
	handle_push(L, v);
	return 1;
}

/* sql_field "virus_lover", ldap_field("mailAlternate", "string"): typed as the setting of that column is, else a string. */
static int make_field(lua_State *L, enum record_source_kind kind)
{
	struct config *c = config_of(L);
	const char *name = luaL_checkstring(L, 1), *word = luaL_optstring(L, 2, NULL);
	struct value *v = value_at_call(c, VALUE_TABLE);
	enum record_type type = RECORD_STRING;

	for (size_t i = 0; i < setting_field_count; i++)
		if (!g_ascii_strcasecmp(setting_fields[i].names[kind], name))
			type = setting_fields[i].type;
	if (word && !lookup_field_type(word, &type))
		failure_add(failure_for(c, v, kind == RECORD_SQL ? "sql_field" : "ldap_field"), "",
			talloc_asprintf(v, "type \"%s\": expected \"string\", \"number\" or \"boolean\"", word));
	v->u.table = lookup_table_field(v, kind, name, type);
	if (v->file)
		lookup_table_set_label(v->u.table, v->file, v->line);
	handle_push(L, v);
	return 1;
}

static int make_sql_field(lua_State *L)
{
	return make_field(L, RECORD_SQL);
}

static int make_ldap_field(lua_State *L)
{
	return make_field(L, RECORD_LDAP);
}

struct networks { const char **texts; const struct value **results; size_t count; };

/* cidr{ "10.0.0.0/8", { "192.0.2.0/24", "x" } } or cidr{ ["10.0.0.0/8"] = "x" }; each is tried alone first, for the error's place. */
static void add_network(struct config *c, const struct value *v, const struct value *item, const struct value *key, size_t position,
	struct networks *n)
{
	const struct value *network = key ? key : item, *result = key ? item : &value_true;
	struct error e = { 0 };

	if (!key && item->kind == VALUE_LIST && item->u.list.count == 2) {
		network = item->u.list.items[0];
		result = item->u.list.items[1];
	}
	if (network == &value_inert)
		return;
	if (network->kind != VALUE_STRING)
		error_set(&e, ERROR_CONFIG, "%s is not a network; expected \"192.0.2.0/24\" or { \"192.0.2.0/24\", result }", value_describe(network, c));
	else if (!lookup_table_cidr(c, &network->u.string, &result, 1, &e) && !e.text[0])
		error_set(&e, ERROR_CONFIG, "%s: not a network", network->u.string);
	if (e.text[0])
		failure_add(failure_for(c, v, "cidr"), key ? talloc_asprintf(c, "[\"%s\"]", key->u.string) : talloc_asprintf(c, "[%zu]", position), e.text);
	n->texts[n->count] = network->u.string;
	n->results[n->count++] = result;
}

static void collect_networks(struct config *c, const struct value *v, const struct value *list, struct networks *n)
{
	n->texts = talloc_array(c, const char *, list->u.list.count + 1);
	n->results = talloc_array(c, const struct value *, list->u.list.count + 1);
	for (size_t i = 0; i < list->u.list.count; i++)
		add_network(c, v, list->u.list.items[i], list->kind == VALUE_HASH ? list->u.list.keys[i] : NULL, i + 1, n);
}

static int make_cidr(lua_State *L)
{
	struct config *c = config_of(L);
	struct value *v = value_at_call(c, VALUE_TABLE);
	const struct value *list = argument(c, 1);
	struct networks n = { 0 };
	struct error e = { 0 };

	if ((list->kind != VALUE_LIST && list->kind != VALUE_HASH) || failure_of(c, list)) {
		failure_add(failure_for(c, v, "cidr"), "", "expected networks: cidr{ \"192.0.2.0/24\", { \"198.51.100.0/24\", result } }");
	} else {
		collect_networks(c, v, list, &n);
		if (!failure_of(c, v) && !(v->u.table = lookup_table_cidr(v, n.texts, n.results, n.count, &e)))
			failure_add(failure_for(c, v, "cidr"), "", e.text);
	}
	handle_push(L, v);
	return 1;
}

static int make_const(lua_State *L)
{
	struct config *c = config_of(L);
	struct value *v = value_at_call(c, VALUE_TABLE);
	const struct value *content = argument(c, 1);
	struct failure *inner = failure_of(c, content);

	if (inner)
		failure_take(failure_for(c, v, "const"), "", inner);
	else
		v->u.table = lookup_table_constant(v, content);
	handle_push(L, v);
	return 1;
}

static int make_setting(lua_State *L)
{
	struct config *c = config_of(L);
	const char *name = luaL_checkstring(L, 1);
	enum setting_id id;
	struct value *v;

	if (!name_find(c, name, &id)) {
		problem_here(c, false, "setting: \"%s\" is not a setting%s", name, nearest_setting(c, name, c));
		handle_push(L, &value_inert);
		return 1;
	}
	v = value_at_call(c, VALUE_SETTING);
	v->u.setting = id;
	handle_push(L, v);
	return 1;
}

/* each(list, x): a list of pairs { item, x }. */
static int make_each(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	lua_newtable(L);
	for (lua_Integer i = 1; lua_geti(L, 1, i) != LUA_TNIL; i++) {
		lua_createtable(L, 2, 0);
		lua_insert(L, -2);
		lua_seti(L, -2, 1);
		lua_pushvalue(L, 2);
		lua_seti(L, -2, 2);
		lua_seti(L, 3, i);
	}
	lua_settop(L, 3);
	return 1;
}

/* The name of this host; no resolver is asked: what the kernel says, which an installer makes a full name. */
static int host_name(lua_State *L)
{
	char name[256] = "";

	if (gethostname(name, sizeof name - 1) != 0 || !name[0])
		strcpy(name, "localhost");
	lua_pushstring(L, name);
	return 1;
}

static const struct luaL_Reg functions[] = {
	{ "rx", make_rx }, { "re", make_re }, { "cidr", make_cidr }, { "const", make_const }, { "sql_field", make_sql_field }, { "ldap_field", make_ldap_field },
	{ "setting", make_setting },
	{ "each", make_each }, { "hostname", host_name }, { NULL, NULL }
};

void constructors_define(struct config *c)
{
	lua_State *L = c->sandbox.L;

	for (const struct luaL_Reg *f = functions; f->name; f++) {
		lua_pushcfunction(L, f->func);
		environment_define(c, f->name);
	}
	for (const struct constant *k = constants; k->name; k++) {
		lua_pushinteger(L, k->number);
		environment_define(c, k->name);
	}
	handle_push(L, &value_undef);
	environment_define(c, "undef");
}
