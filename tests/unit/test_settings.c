/* The table of settings: that every line of it can be used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <glib.h>
#include <lauxlib.h>
#include <lua.h>

#include "config/config.h"
#include "config/types.h"

static const struct setting_definition *find(const char *name)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (strcmp(setting_definitions[i].name, name) == 0)
			return &setting_definitions[i];
	return NULL;
}

static void test_names_are_unique(void **state)
{
	GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (!g_hash_table_add(seen, (void *)setting_definitions[i].name))
			fail_msg("%s stands twice in the table", setting_definitions[i].name);
	for (size_t i = 0; i < setting_alias_count; i++) {
		assert_true(g_hash_table_add(seen, (void *)setting_aliases[i].name));
		assert_non_null(find(setting_aliases[i].setting));
	}
	g_hash_table_destroy(seen);
}

static void test_every_line_is_whole(void **state)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting_definition *d = &setting_definitions[i];
		bool bank = (d->flags & SETTING_BANK) != 0, global = (d->flags & SETTING_GLOBAL) != 0;

		if (bank == global)
			fail_msg("%s is neither or both of BANK and GLOBAL", d->name);
		if (strlen(d->doc) < 10 || strlen(d->doc) > 200 || strchr(d->doc, '\n') != NULL)
			fail_msg("%s: its meaning is not one line", d->name);
		if ((d->flags & SETTING_DEFINED) != 0 && strcmp(d->default_source, "undef") == 0)
			fail_msg("%s must be defined, and is not by default", d->name);
		assert_non_null(setting_type_text(d->type));
	}
}

static void test_defaults_are_lua(void **state)
{
	lua_State *lua = luaL_newstate();

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		char *chunk = g_strconcat("return ", setting_definitions[i].default_source, NULL);

		if (luaL_loadstring(lua, chunk) != LUA_OK)
			fail_msg("default of %s: %s", setting_definitions[i].name, lua_tostring(lua, -1));
		lua_pop(lua, 1);
		g_free(chunk);
	}
	lua_close(lua);
}

/* Words that a default uses: other settings only where it is evaluated after the files. */
static void test_defaults_name_settings(void **state)
{
	GRegex *word = g_regex_new("\"[^\"]*\"|[A-Za-z_][A-Za-z_0-9]*", 0, 0, NULL);
	GRegex *reference = g_regex_new("setting \"([^\"]*)\"", 0, 0, NULL);

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting_definition *d = &setting_definitions[i];
		GMatchInfo *m;

		for (g_regex_match(word, d->default_source, 0, &m); g_match_info_matches(m); g_match_info_next(m, NULL)) {
			char *text = g_match_info_fetch(m, 0);

			if (find(text) != NULL && (d->flags & SETTING_AFTER) == 0 && strstr(d->default_source, "true") == NULL)
				fail_msg("default of %s names %s, but is evaluated before the files", d->name, text);
			g_free(text);
		}
		g_match_info_free(m);
		for (g_regex_match(reference, d->default_source, 0, &m); g_match_info_matches(m); g_match_info_next(m, NULL)) {
			char *text = g_match_info_fetch(m, 1);

			if (find(text) == NULL || (d->flags & SETTING_AFTER) == 0)
				fail_msg("default of %s refers to %s", d->name, text);
			g_free(text);
		}
		g_match_info_free(m);
	}
	g_regex_unref(word);
	g_regex_unref(reference);
}

static void test_bounds_hold_the_default(void **state)
{
	unsigned bounded = 0;

	for (int i = 0; i < SETTING_COUNT; i++) {
		const struct setting_bounds *b = setting_bounds_of(i);
		char *end;
		long long n = strtoll(setting_definitions[i].default_source, &end, 10);

		if (b == NULL)
			continue;
		bounded++;
		assert_true(b->min <= b->max);
		if (end != setting_definitions[i].default_source && *end == '\0' && (n < b->min || n > b->max))
			fail_msg("default of %s is out of its bounds", setting_definitions[i].name);
	}
	assert_true(bounded > 30);
	assert_null(setting_bounds_of(SET_mydomain));
}

static void test_choices(void **state)
{
	assert_string_equal(setting_type_choices(SETTING_TYPE_ENUM_NEWLINE), "normalise|reject");
	assert_string_equal(setting_type_text(SETTING_TYPE_ENUM_NEWLINE), "one of normalise|reject");
	assert_null(setting_type_choices(SETTING_TYPE_BOOLEAN));
}

/* What amavisd-new keeps out of its policy banks stays out of ours. */
static void test_banks(void **state)
{
	static const char *const global[] = { "max_servers", "listen_sockets", "banned_rules", "keep_decoded_original_maps", "penpals_threshold_low",
		"MAXLEVELS", "lookup_sql_dsn", "interface_policy", "virus_quarantine_to" };
	static const char *const bank[] = { "inet_acl", "forward_method", "av_scanners", "child_timeout", "final_virus_destiny", "virus_lovers_maps",
		"quarantine_method_by_ccat", "client_ipaddr_policy", "originating", "virus_quarantine_to_maps", "sql_clause" };

	for (size_t i = 0; i < G_N_ELEMENTS(global); i++)
		assert_true((find(global[i])->flags & SETTING_GLOBAL) != 0);
	for (size_t i = 0; i < G_N_ELEMENTS(bank); i++)
		assert_true((find(bank[i])->flags & SETTING_BANK) != 0);
	assert_true((find("lookup_sql_dsn")->flags & SETTING_SECRET) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_unique), cmocka_unit_test(test_every_line_is_whole), cmocka_unit_test(test_defaults_are_lua),
		cmocka_unit_test(test_defaults_name_settings), cmocka_unit_test(test_bounds_hold_the_default), cmocka_unit_test(test_choices),
		cmocka_unit_test(test_banks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
