/* test_address.c - paths, quotes, domains and extensions, as tables. */
#include "config.h"
#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <talloc.h>
#include <cmocka.h>

#include "mail/address.h"

static void paths(void **state)
{
	static const struct { const char *in; bool utf8; const char *out, *rest; } table[] = {
		{ "<a@b>", false, "a@b", "" }, { "<>", false, "", "" }, { "<> SIZE=1", false, "", " SIZE=1" }, { "<a@b.c> BODY=8BITMIME", false, "a@b.c", " BODY=8BITMIME" },
		{ "<@relay:a@b>", false, "a@b", "" }, { "<@r1.x,@r2.x:a@b>", false, "a@b", "" }, { "<\"q q\"@b>", false, "\"q q\"@b", "" },
		{ "<\"a\\\"b@c>d\"@b>", false, "\"a\\\"b@c>d\"@b", "" }, { "<\"\"@b>", false, "\"\"@b", "" }, { "a@b SIZE=5", false, "a@b", " SIZE=5" },
		{ "<user+foo=x/y!z@b>", false, "user+foo=x/y!z@b", "" }, { "<a..b.@c>", false, "a..b.@c", "" }, { "<postmaster>", false, "postmaster", "" },
		{ "<a@[1.2.3.4]>", false, "a@[1.2.3.4]", "" }, { "<a@[IPv6:::1]>", false, "a@[IPv6:::1]", "" }, { "<a@under_score.x>", false, "a@under_score.x", "" },
		{ "<gr\xc3\xbc\xc3\x9f@m\xc3\xbcller.de>", true, "gr\xc3\xbc\xc3\x9f@m\xc3\xbcller.de", "" },
		{ "<gr\xc3\xbc\xc3\x9f@b>", false, NULL, NULL }, { "<gr\xfc@b>", true, NULL, NULL }, { "<\"\xc3\"@b>", true, NULL, NULL },
		{ "", false, NULL, NULL }, { "<", false, NULL, NULL }, { "<a@b", false, NULL, NULL }, { "<a b@c>", false, NULL, NULL }, { "<a@>", false, NULL, NULL },
		{ "<@b>", false, NULL, NULL }, { "<@b:>", false, NULL, NULL }, { "<@b,a@c>", false, NULL, NULL }, { "<\"a@b>", false, NULL, NULL },
		{ "<\"a\\", false, NULL, NULL }, { "<\"a\nb\"@c>", false, NULL, NULL }, { "<a@b@c>", false, NULL, NULL }, { "<a@b..c>", false, NULL, NULL },
		{ "<a@[1.2.3]>", false, NULL, NULL }, { "<a@[IPv6:x]>", false, NULL, NULL }, { "<a@[1.2.3.4>", false, NULL, NULL }, { "<a\x01@b>", false, NULL, NULL },
		{ "<a@b>>", false, "a@b", ">" }, { "a@b>", false, NULL, NULL }, { "<a,b@c>", false, NULL, NULL }, { "<\"a\"b@c>", false, NULL, NULL }, { "<@:a@b>", false, NULL, NULL },
	};
	void *owner = talloc_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		const char *end = NULL, *why = NULL;
		char *got = address_parse_path(owner, table[i].in, table[i].utf8, &end, &why);
		if (!table[i].out) {
			assert_null(got);
			assert_non_null(why);
			continue;
		}
		assert_non_null(got);
		assert_string_equal(got, table[i].out);
		assert_string_equal(end, table[i].rest);
	}
	char *giant = g_strdup_printf("<%05000d@b>", 0);
	assert_null(address_parse_path(owner, giant, false, NULL, NULL));
	g_free(giant);
	talloc_free(owner);
}

static void quotes(void **state)
{
	static const struct { const char *quoted, *plain; } table[] = {
		{ "a@b", "a@b" }, { "\"a b\"@c", "a b@c" }, { "\"a@b\"@c", "a@b@c" }, { "\"a\\\"b\\\\c\"@d", "a\"b\\c@d" }, { "\"\"@b", "@b" },
		{ "a.b@c", "a.b@c" }, { "\"a..b\"@c", "a..b@c" }, { "\".a\"@c", ".a@c" }, { "\"a.\"@c", "a.@c" }, { "", "" }, { "local", "local" },
		{ "gr\xc3\xbc@c", "gr\xc3\xbc@c" }, { "a@[1.2.3.4]", "a@[1.2.3.4]" },
	};
	void *owner = talloc_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		assert_string_equal(address_unquote(owner, table[i].quoted), table[i].plain);
		assert_string_equal(address_quote(owner, table[i].plain), table[i].quoted);
	}
	assert_string_equal(address_unquote(owner, "\"abc"), "abc");
	assert_string_equal(address_unquote(owner, "\"abc\\"), "abc\\");
	assert_string_equal(address_unquote(owner, "a\\@b@c"), "a@b@c");
	talloc_free(owner);
}

static void splitting(void **state)
{
	void *owner = talloc_new(NULL);
	char *local, *domain;
	address_split(owner, "a@b@c", &local, &domain);
	assert_string_equal(local, "a@b");
	assert_string_equal(domain, "c");
	address_split(owner, "local", &local, &domain);
	assert_string_equal(local, "local");
	assert_null(domain);
	address_split(owner, "", &local, &domain);
	assert_string_equal(local, "");
	talloc_free(owner);
}

static void domains(void **state)
{
	static const struct { const char *in, *out; } table[] = {
		{ "Sub.Example.COM", "sub.example.com" }, { "example.com..", "example.com" }, { ".", "" }, { "", "" }, { "m\xc3\xbcller.de", "xn--mller-kva.de" },
		{ "M\xc3\x9cLLER.de.", "xn--mller-kva.de" }, { "\xff\xfe.De", "\xff\xfe.de" }, { "[1.2.3.4]", "[1.2.3.4]" }, { "_X.y", "_x.y" },
	};
	void *owner = talloc_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		assert_string_equal(address_domain_normalise(owner, table[i].in), table[i].out);
	talloc_free(owner);
}

static void extensions(void **state)
{
	static const struct { const char *local, *delimiters, *user, *extension; } table[] = {
		{ "User+Foo", "+", "User", "+Foo" }, { "user+a+b", "+", "user", "+a+b" }, { "user", "+", "user", NULL }, { "user+", "+", "user", "+" },
		{ "+foo", "+", "+foo", NULL }, { "++foo", "+", "+", "+foo" }, { "user-a+b", "+-", "user", "-a+b" }, { "user+foo", "", "user+foo", NULL },
		{ "user+foo", NULL, "user+foo", NULL }, { "", "+", "", NULL }, { "Mailer-Daemon", "-", "Mailer-Daemon", NULL }, { "double-bounce", "-", "double-bounce", NULL },
		{ "postmaster", "m", "postmaster", NULL }, { "owner-list", "-", "owner-list", NULL }, { "list-request", "-", "list-request", NULL },
		{ "owner-list", "r", "owne", "r-list" }, { "owner-", "-", "owner", "-" }, { "owner-a+b", "+-", "owner-a+b", NULL }, { "owner-a+b", "+", "owner-a", "+b" },
		{ "list-Request", "+-", "list-Request", NULL }, { "my-list", "-", "my", "-list" },
	};
	void *owner = talloc_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		char *user, *extension;
		address_split_extension(owner, table[i].local, table[i].delimiters, &user, &extension);
		assert_string_equal(user, table[i].user);
		if (table[i].extension)
			assert_string_equal(extension, table[i].extension);
		else
			assert_null(extension);
	}
	talloc_free(owner);
}

/* What lookup keys are made of: "User+Foo@sub.example.com" with delimiter "+". */
static void pieces_of_lookup_keys(void **state)
{
	void *owner = talloc_new(NULL);
	char *local, *domain, *user, *extension;
	const char *end;
	char *path = address_parse_path(owner, "<User+Foo@sub.EXAMPLE.com>", false, &end, NULL);
	address_split(owner, address_unquote(owner, path), &local, &domain);
	address_split_extension(owner, local, "+", &user, &extension);
	assert_string_equal(local, "User+Foo");
	assert_string_equal(user, "User");
	assert_string_equal(extension, "+Foo");
	assert_string_equal(address_domain_normalise(owner, domain), "sub.example.com");
	talloc_free(owner);
}

static void lists(void **state)
{
	static const struct { const char *text, *expected; } table[] = {
		{ "a@b.c", "a@b.c" },
		{ "Joe <a@b.c>", "a@b.c" },
		{ "\"Doe, Joe\" <a@b.c>, x@y.z", "a@b.c|x@y.z" },
		{ "Joe (a <comment@x.y>) <a@b.c> (more)", "a@b.c" },
		{ "Group: a@b.c, Joe <x@y.z>;, q@r.s", "a@b.c|x@y.z|q@r.s" },
		{ "undisclosed-recipients:;", "" },
		{ "<@relay.x,@other.y:a@b.c>", "a@b.c" },
		{ "\"a b\"@b.c", "a b@b.c" },
		{ "<\"a\\\"b\"@b.c>", "a\"b@b.c" },
		{ "Joe a@b.c", "a@b.c" },
		{ "a@b.c>, <x@y.z", "a@b.c>|x@y.z" },
		{ "nobody", "" },
		{ "", "" },
		{ "(unfinished a@b.c", "" },
		{ "\"unfinished a@b.c", "unfinished a@b.c" },
		{ "a@b.c,,; x@y.z", "a@b.c|x@y.z" },
		{ "< a@b.c >", "a@b.c" },
		{ "1@x, 2@x, 3@x, 4@x, 5@x", "1@x|2@x|3@x" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char **list = address_list_parse(NULL, table[i].text, 3), *all = g_strjoinv("|", list);
		if (strcmp(all, table[i].expected) != 0)
			fail_msg("%s: %s", table[i].text, all);
		g_free(all);
		talloc_free(list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths), cmocka_unit_test(quotes), cmocka_unit_test(splitting), cmocka_unit_test(domains),
		cmocka_unit_test(extensions), cmocka_unit_test(pieces_of_lookup_keys), cmocka_unit_test(lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
