/* test_config.c - evaluating Lua: what a setting reads as, functions of administrators, listeners, dumps without secrets. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "config/config.h"
#include "config/statements.h"
#include "lookup/lookup.h"

#define COMMON "bypass_virus_checks_maps = { true }\n"

static struct config *load(const char *source, unsigned errors)
{
	struct config_options options = { .embedded = source };
	GPtrArray *problems;
	struct config *c = config_load(&options, &problems);

	if (config_error_count(problems) != errors)
		config_print_problems(stderr, problems);
	assert_int_equal(config_error_count(problems), errors);
	g_ptr_array_free(problems, TRUE);
	return c;
}

static void defaults_are_good(void **state)
{
	struct config *c = load(COMMON, 0);
	size_t count;

	(void)state;
	assert_int_equal(config_value(c, SET_max_servers)->u.integer, 2);
	config_instances(c, &count);
	assert_int_equal(count, 0);
	talloc_free(c);
}

static void last_assignment_wins_and_reads_back(void **state)
{
	struct config *c = load(COMMON "log_level = 1\nlog_level = log_level + 1\nmydomain = \"a.example\"\nmydomain = \"b.\" .. mydomain\n", 0);

	(void)state;
	assert_int_equal(config_value(c, SET_log_level)->u.integer, 2);
	assert_string_equal(config_value(c, SET_mydomain)->u.string, "b.a.example");
	assert_int_equal(config_value(c, SET_mydomain)->line, 5);
	talloc_free(c);
}

static void later_defaults_use_settings(void **state)
{
	struct config *c = load(COMMON "MYHOME = \"/srv/postern\"\n", 0);

	(void)state;
	assert_string_equal(config_value(c, SET_control_socket)->u.string, "/srv/postern/postern.ctl");
	talloc_free(c);
}

static void lists_may_grow_in_place(void **state)
{
	struct config *c = load(COMMON "listen_sockets = { \"127.0.0.1:1\" }\ntable.insert(listen_sockets, \"127.0.0.1:2\")\n"
		"table.insert(local_domains_maps, { \"example.com\" })\n", 0);
	const char *const *list = config_listen_sockets(c, c);

	(void)state;
	assert_string_equal(list[0], "127.0.0.1:1");
	assert_string_equal(list[1], "127.0.0.1:2");
	assert_null(list[2]);
	assert_int_equal(config_value(c, SET_local_domains_maps)->u.list.count, 1);
	talloc_free(c);
}

static void old_names_of_listeners_count(void **state)
{
	struct config *c = load(COMMON "inet_socket_port = { 10024, 10026 }\ninet_socket_bind = { \"127.0.0.1\", \"::1\" }\n"
		"unix_socketname = \"/run/x.sock\"\nlisten_sockets = { \"127.0.0.1:10024\" }\n", 0);
	const char *const *list = config_listen_sockets(c, c);
	char *all = g_strjoinv(" ", (char **)(void *)list);

	(void)state;
	assert_string_equal(all, "127.0.0.1:10024 /run/x.sock [::1]:10024 127.0.0.1:10026 [::1]:10026");
	g_free(all);
	talloc_free(c);
}

static const char *ask(struct config *c, const char *key, struct error *failed)
{
	struct lookup_style style = { 0 };
	struct lookup_context context = { .deadline = deadline_in(500) };
	struct lookup_key *k = lookup_key_address(c, key, &style);
	const struct value *v = lookup_first(config_value(c, SET_virus_lovers_maps), k, &context, c, NULL, failed);

	return v ? value_text(v, c) : NULL;
}

static void functions_answer(void **state)
{
	struct config *c = load(COMMON "virus_lovers_maps = { function(key, mail)\n\tif key == \"a@example.com\" then return \"yes\" end\nend }\n", 0);
	struct error failed = { 0 };

	(void)state;
	assert_string_equal(ask(c, "a@example.com", &failed), "yes");
	assert_null(ask(c, "b@example.com", &failed));
	assert_int_equal(failed.class, ERROR_NONE);
	talloc_free(c);
}

static void functions_fail_with_their_place(void **state)
{
	struct config *c = load(COMMON "virus_lovers_maps = { function(key, mail)\n\treturn key.x.y\nend }\n", 0);
	struct error failed = { 0 };

	(void)state;
	assert_null(ask(c, "a@example.com", &failed));
	assert_non_null(strstr(failed.text, "(built-in configuration):3: "));
	talloc_free(c);
}

static void functions_end_at_the_deadline(void **state)
{
	struct config *c = load(COMMON "virus_lovers_maps = { function(key, mail)\n\twhile true do end\nend }\n", 0);
	struct error failed = { 0 };

	(void)state;
	assert_null(ask(c, "a@example.com", &failed));
	assert_int_not_equal(failed.class, ERROR_NONE);
	talloc_free(c);
}

static void see_mail(const void *mail, struct config_mail_view *view)
{
	static const char *const recipients[] = { "r1@example.com", "r2@example.com", NULL };

	view->log_id = "1-1";
	view->sender = mail;
	view->recipients = recipients;
}

static void functions_see_the_mail(void **state)
{
	struct config *c = load(COMMON "virus_lovers_maps = { function(key, mail) return mail.sender .. #mail.recipients .. mail.log_id end }\n", 0);
	struct lookup_style style = { 0 };
	struct lookup_context context = { .deadline = deadline_in(500), .mail = "s@example.com" };
	struct lookup_key *k = lookup_key_address(c, "a@example.com", &style);

	(void)state;
	config_set_mail_view(see_mail);
	assert_string_equal(lookup_first(config_value(c, SET_virus_lovers_maps), k, &context, c, NULL, NULL)->u.string, "s@example.com21-1");
	config_set_mail_view(NULL);
	talloc_free(c);
}

static void nothing_escapes(void **state)
{
	static const char *const attempts[] = {
		"io.open(\"/etc/passwd\")", "os.exit(1)", "require \"os\"", "dofile(\"/etc/passwd\")", "load(\"x=1\")()", "debug.sethook()",
		"collectgarbage(\"stop\")", "rawset(_ENV, \"x\", 1)", "setmetatable({}, { __gc = function() end })", "string.dump(print)",
		"coroutine.wrap(function() end)()", "pcall(function() end)", "_G.x = 1", "package.loadlib(\"x\", \"y\")"
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(attempts); i++) {
		char *source = g_strdup_printf(COMMON "%s\n", attempts[i]);
		struct config_options options = { .embedded = source };
		GPtrArray *problems;
		struct config *c = config_load(&options, &problems);

		assert_true(config_error_count(problems) > 0);
		g_ptr_array_free(problems, TRUE);
		talloc_free(c);
		g_free(source);
	}
}

static char *printed(const struct config *c, bool json)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	config_print_changed(f, c, json);
	fclose(f);
	return text;
}

static void dumps_hide_secrets(void **state)
{
	struct config *c = load(COMMON "lookup_sql_dsn = { \"mysql://user:topsecret@127.0.0.1/mail\" }\n"
		"storage_sql_dsn = { \"DBI:mysql:database=mail;host=127.0.0.1\", \"user\", \"topsecret\" }\n"
		"policy_bank.A = { amavis_auth_pass = \"topsecret\" }\n", 0);
	char *text = printed(c, false), *json = printed(c, true);

	(void)state;
	assert_null(strstr(text, "topsecret"));
	assert_null(strstr(json, "topsecret"));
	assert_non_null(strstr(text, "lookup_sql_dsn = \"********\""));
	assert_string_equal(config_value(c, SET_storage_sql_dsn)->u.list.items[0]->u.string, "mysql://user:topsecret@127.0.0.1/mail");
	free(text);
	free(json);
	talloc_free(c);
}

static void statements_begin_where_they_begin(void **state)
{
	const char *source = "a = {\n 1,\n}\nb = [[\n{{{\n]]\nc = 1 -- {\nd = f(\"{\",\n 2)\ne = 1";
	static const int expected[] = { 1, 1, 1, 4, 4, 4, 7, 8, 8, 10 };
	int count, *lines = statements_map(source, strlen(source), &count);

	(void)state;
	assert_int_equal(count, 10);
	for (int i = 0; i < count; i++)
		assert_int_equal(lines[i], expected[i]);
	g_free(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_good),
		cmocka_unit_test(last_assignment_wins_and_reads_back),
		cmocka_unit_test(later_defaults_use_settings),
		cmocka_unit_test(lists_may_grow_in_place),
		cmocka_unit_test(old_names_of_listeners_count),
		cmocka_unit_test(functions_answer),
		cmocka_unit_test(functions_fail_with_their_place),
		cmocka_unit_test(functions_end_at_the_deadline),
		cmocka_unit_test(functions_see_the_mail),
		cmocka_unit_test(nothing_escapes),
		cmocka_unit_test(dumps_hide_secrets),
		cmocka_unit_test(statements_begin_where_they_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
