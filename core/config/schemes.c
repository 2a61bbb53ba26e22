/* schemes.c - lookup "scheme:rest": the plugin of that name, as main.cf names tables; or a statement, or a directory. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <string.h>

static int make_lookup(lua_State *L)
{
	struct config *c = config_of(L);
	const char *text = luaL_checkstring(L, 1), *colon = strchr(text, ':'), *scheme;

	only_while_reading(c);
	if (g_str_has_prefix(text, "sql:")) {
		sql_constructor_push(c);
		lua_pushstring(L, colon + 1);
		lua_call(L, 1, 1);
		return 1;
	}
	if (ldap_url_has_scheme(text) && c->host && c->options.load_plugins) {
		handle_push(L, ldap_url_table(c, text));
		return 1;
	}
	if (!colon || colon == text) {
		problem_here(c, false, "lookup \"%s\": expected \"scheme:rest\", such as \"hash:/etc/postfix/virtual\"", text);
		handle_push(L, &value_inert);
		return 1;
	}
	scheme = lua_pushlstring(L, text, (size_t)(colon - text));
	if (colon[1])
		lua_pushstring(L, colon + 1);
	else
		lua_newtable(L);
	plugin_construct(c, scheme);
	return 1;
}

void schemes_define(struct config *c)
{
	lua_pushcfunction(c->sandbox.L, make_lookup);
	environment_define(c, "lookup");
}
