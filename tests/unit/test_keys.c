/* Search keys: every rule of the order that administrators rely on, one row each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <talloc.h>

#include "lookup/lookup.h"
#include "lookup/table.h"

struct row {
	const char *why, *address, *delimiter;
	bool case_counts;
	const char *keys;	/* joined with a blank; "~" stands for the empty key */
};

static const struct row rows[] = {
	{ "the order", "User+Foo@sub.example.com", "+", false,
	  "User+Foo@sub.example.com user+foo@sub.example.com user@sub.example.com user+foo@ user@ sub.example.com .sub.example.com .example.com .com ." },
	{ "no extension", "user@example.com", "+", false, "user@example.com user@ example.com .example.com .com ." },
	{ "no delimiter set", "User+Foo@example.com", NULL, false,
	  "User+Foo@example.com user+foo@example.com user+foo@ example.com .example.com .com ." },
	{ "empty delimiter", "u+f@example.com", "", false, "u+f@example.com u+f@ example.com .example.com .com ." },
	{ "case of local part kept", "User+Foo@Sub.Example.Com", "+", true,
	  "User+Foo@Sub.Example.Com User+Foo@sub.example.com User@sub.example.com User+Foo@ User@ sub.example.com .sub.example.com .example.com .com ." },
	{ "no two equal keys", "user@x", "+", false, "user@x user@ x .x ." },
	{ "null sender", "", "+", false, "~ @ ." },
	{ "no domain", "postmaster", "+", false, "postmaster postmaster@ ~ ." },
	{ "only a domain", "@dom.org", "+", false, "@dom.org @ dom.org .dom.org .org ." },
	{ "only an at", "@", "+", false, "@ ~ ." },
	{ "address literal is not split", "x@[1.2.3.4]", "+", false, "x@[1.2.3.4] x@ [1.2.3.4] ." },
	{ "IPv6 literal", "x@[IPv6:::1]", "+", false, "x@[IPv6:::1] x@[ipv6:::1] x@ [ipv6:::1] ." },
	{ "trailing dots cut", "a-b+c@x.org.", "+-", false, "a-b+c@x.org. a-b+c@x.org a@x.org a-b+c@ a@ x.org .x.org .org ." },
	{ "last at counts", "a@b@c.d", "+", false, "a@b@c.d a@b@ c.d .c.d .d ." },
	{ "extension of one delimiter only", "a+@x.org", "+", false, "a+@x.org a@x.org a+@ a@ x.org .x.org .org ." },
	{ "first delimiter splits", "a+b+c@x", "+", false, "a+b+c@x a@x a+b+c@ a@ x .x ." },
	{ "nothing before the delimiter", "+foo@x.org", "+", false, "+foo@x.org +foo@ x.org .x.org .org ." },
	{ "owner- with -", "owner-a@x.org", "-", false, "owner-a@x.org owner-a@ x.org .x.org .org ." },
	{ "Owner- in any case", "Owner-a@x.org", "-", false, "Owner-a@x.org owner-a@x.org owner-a@ x.org .x.org .org ." },
	{ "-request with -", "list-request@x.org", "-", false, "list-request@x.org list-request@ x.org .x.org .org ." },
	{ "mailer-daemon with -", "mailer-daemon@x", "-", false, "mailer-daemon@x mailer-daemon@ x .x ." },
	{ "double-bounce with -", "double-bounce@x", "-", false, "double-bounce@x double-bounce@ x .x ." },
	{ "postmaster with extension", "postmaster-x@y", "-", false, "postmaster-x@y postmaster@y postmaster-x@ postmaster@ y .y ." },
	{ "- is ordinary without -", "owner-a+x@y", "+", false, "owner-a+x@y owner-a@y owner-a+x@ owner-a@ y .y ." },
	{ "IDN becomes ACE", "q@b\xc3\xbc" "cher.example", "+", false,
	  "q@b\xc3\xbc" "cher.example q@xn--bcher-kva.example q@ xn--bcher-kva.example .xn--bcher-kva.example .example ." },
	{ "empty label", "x@a..b", "+", false, "x@a..b x@ a..b .a..b ..b .b ." },
	{ "twenty dotted keys", "u@m1.m2.m3.m4.m5.m6.m7.m8.m9.m10.m11.m12.m13.m14.m15.m16.m17.m18.m19.m20.m21", "+", false,
	  "u@m1.m2.m3.m4.m5.m6.m7.m8.m9.m10.m11.m12.m13.m14.m15.m16.m17.m18.m19.m20.m21 u@ "
	  "m1.m2.m3.m4.m5.m6.m7.m8.m9.m10.m11.m12.m13.m14.m15.m16.m17.m18.m19.m20.m21 "
	  ".m3.m4.m5.m6.m7.m8.m9.m10.m11.m12.m13.m14.m15.m16.m17.m18.m19.m20.m21 .m4.m5.m6.m7.m8.m9.m10.m11.m12.m13.m14.m15.m16.m17.m18.m19.m20.m21 "
	  ".m5.m6.m7.m8.m9.m10.m11.m12.m13.m14.m15.m16.m17.m18.m19.m20.m21 .m6.m7.m8.m9.m10.m11.m12.m13.m14.m15.m16.m17.m18.m19.m20.m21 "
	  ".m7.m8.m9.m10.m11.m12.m13.m14.m15.m16.m17.m18.m19.m20.m21 .m8.m9.m10.m11.m12.m13.m14.m15.m16.m17.m18.m19.m20.m21 "
	  ".m9.m10.m11.m12.m13.m14.m15.m16.m17.m18.m19.m20.m21 .m10.m11.m12.m13.m14.m15.m16.m17.m18.m19.m20.m21 "
	  ".m11.m12.m13.m14.m15.m16.m17.m18.m19.m20.m21 .m12.m13.m14.m15.m16.m17.m18.m19.m20.m21 .m13.m14.m15.m16.m17.m18.m19.m20.m21 "
	  ".m14.m15.m16.m17.m18.m19.m20.m21 .m15.m16.m17.m18.m19.m20.m21 .m16.m17.m18.m19.m20.m21 .m17.m18.m19.m20.m21 .m18.m19.m20.m21 "
	  ".m19.m20.m21 .m20.m21 .m21 ." },
};

static char *join_list(void *owner, const char *const *keys, size_t count)
{
	char *out = talloc_strdup(owner, "");

	for (size_t i = 0; i < count; i++)
		out = talloc_asprintf_append_buffer(out, "%s%s", i > 0 ? " " : "", *keys[i] == '\0' ? "~" : keys[i]);
	return out;
}

static char *join(void *owner, struct lookup_key *k)
{
	size_t count;
	const char *const *keys = lookup_key_list(k, &count);

	return join_list(owner, keys, count);
}

static void test_address_keys(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct lookup_style style = { .recipient_delimiter = r->delimiter, .localpart_is_case_sensitive = r->case_counts };
		void *owner = talloc_new(NULL);
		struct lookup_key *k = lookup_key_address(owner, r->address, &style);
		char *got = join(owner, k);

		if (strcmp(got, r->keys) != 0)
			print_message("# %s\n", r->why);
		assert_string_equal(got, r->keys);
		assert_string_equal(lookup_key_text(k), r->address);
		talloc_free(owner);
	}
}

/* Databases and directories: another order, and bare users only where the static tables call the address local. */
static const struct { const char *why, *address; bool bare_local, no_at_means_domain; const char *keys; } sql_rows[] = {
	{ "local", "User+Foo@sub.example.com", true, false,
	  "User+Foo@sub.example.com user+foo@sub.example.com user@sub.example.com user+foo user "
	  "@sub.example.com @.sub.example.com @.example.com @.com @." },
	{ "foreign: no bare users", "User+Foo@sub.example.com", false, false,
	  "User+Foo@sub.example.com user+foo@sub.example.com user@sub.example.com @sub.example.com @.sub.example.com @.example.com @.com @." },
	{ "no at means domain", "User+Foo@sub.example.com", true, true,
	  "User+Foo@sub.example.com user+foo@sub.example.com user@sub.example.com user+foo@ user@ sub.example.com .sub.example.com .example.com .com ." },
	{ "no at means domain, foreign", "User@sub.example.com", false, true,
	  "User@sub.example.com user@sub.example.com sub.example.com .sub.example.com .example.com .com ." },
	{ "null sender", "", false, false, "~ @ @." },
	{ "null sender, called local", "", true, false, "~ @ @." },
	{ "null sender, no at means domain", "", true, true, "~ @ ." },
	{ "no domain", "postmaster", true, false, "postmaster postmaster@ @ @." },
	{ "address literal is not split", "x@[1.2.3.4]", true, false, "x@[1.2.3.4] x @[1.2.3.4] @." },
	{ "IDN becomes ACE", "q@b\xc3\xbc" "cher.example", false, false,
	  "q@b\xc3\xbc" "cher.example q@xn--bcher-kva.example @xn--bcher-kva.example @.xn--bcher-kva.example @.example @." },
};

static void test_sql_keys(void **state)
{
	struct lookup_style style = { .recipient_delimiter = "+" };

	for (size_t i = 0; i < sizeof sql_rows / sizeof sql_rows[0]; i++) {
		struct lookup_key *k = lookup_key_address(NULL, sql_rows[i].address, &style);
		size_t count;
		const char *const *keys = lookup_key_list_sql(k, k, sql_rows[i].bare_local, sql_rows[i].no_at_means_domain, &count);
		char *got = join_list(k, keys, count);

		if (strcmp(got, sql_rows[i].keys) != 0)
			print_message("# %s\n", sql_rows[i].why);
		assert_string_equal(got, sql_rows[i].keys);
		talloc_free(k);
	}
}

/* A local part may hold a blank: what was quoted is plain text in a key. */
static void test_sql_keys_of_a_quoted_address(void **state)
{
	struct lookup_key *k = lookup_key_address(NULL, "O'Neil; DROP@x.org", NULL);
	size_t count;
	const char *const *keys = lookup_key_list_sql(k, k, true, false, &count);

	assert_int_equal(count, 7);
	assert_string_equal(keys[1], "o'neil; drop@x.org");
	assert_string_equal(keys[2], "o'neil; drop");
	talloc_free(k);
}

static void test_keys_that_are_no_address(void **state)
{
	struct lookup_key *k = lookup_key_ip(NULL, "192.0.2.1");
	size_t count = 1;

	assert_null(lookup_key_list_sql(k, k, true, false, &count));
	assert_int_equal(count, 0);
	assert_null(lookup_key_parts(k, &count));
	talloc_free(k);
}

static void test_printable(void **state)
{
	char *got = (char *)(uintptr_t)lookup_key_printable(NULL, "j\xc3\xbcr\x01" "g ~@x.org\x7f");

	assert_string_equal(got, "j??r?g ~@x.org?");
	talloc_free(got);
}

static void test_parts(void **state)
{
	static const char *const expected[] = { "User+Foo@Sub.Example.com", "User+Foo", "user", "+foo", "sub.example.com" };
	struct lookup_style style = { .recipient_delimiter = "+" };
	struct lookup_key *k = lookup_key_address(NULL, expected[0], &style);
	size_t count;
	const char *const *parts = lookup_key_parts(k, &count);

	assert_int_equal(count, 5);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(parts[i], expected[i]);
	talloc_free(k);
}

static void test_no_style(void **state)
{
	struct lookup_key *k = lookup_key_address(NULL, "A+b@X.org", NULL);
	char *got = join(k, k);

	assert_string_equal(got, "A+b@X.org a+b@x.org a+b@ x.org .x.org .org .");
	talloc_free(k);
}

static void test_client_keys(void **state)
{
	static const struct { const char *ip, *keys; } clients[] = {
		{ "192.0.2.3", "192.0.2.3 192.0.2 192.0 192 0000:0000:0000:0000:0000:ffff:c000:0203" },
		{ "::ffff:192.0.2.3", "192.0.2.3 192.0.2 192.0 192 0000:0000:0000:0000:0000:ffff:c000:0203" },
		{ "2001:DB8::1", "2001:0db8:0000:0000:0000:0000:0000:0001" },
		{ "IPv6:fe80::1%eth0", "fe80:0000:0000:0000:0000:0000:0000:0001" },
		{ NULL, "0.0.0.0 0.0.0 0.0 0 0000:0000:0000:0000:0000:ffff:0000:0000" },
		{ "unknown", "" },
	};

	for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
		struct lookup_key *k = lookup_key_ip(NULL, clients[i].ip);
		char *got = join(k, k);

		assert_string_equal(got, clients[i].keys);
		talloc_free(k);
	}
}

static void test_string_keys(void **state)
{
	static const char *const names[] = { "Eicar-Test", "x" };
	struct lookup_key *k = lookup_key_strings(NULL, names, 2);
	char *got = join(k, k);

	assert_string_equal(got, "Eicar-Test x .");
	assert_string_equal(lookup_key_text(k), "Eicar-Test");
	talloc_free(k);
	k = lookup_key_strings(NULL, NULL, 0);
	assert_string_equal(lookup_key_text(k), "");
	talloc_free(k);
}

static void check_within(const char *address, const char *network, bool expected)
{
	struct ip_network a, n;

	assert_int_equal(ip_parse(address, false, &a, NULL), 0);
	assert_int_equal(ip_parse(network, true, &n, NULL), 0);
	assert_int_equal(ip_within(&a, &n), expected);
}

static void test_networks(void **state)
{
	check_within("10.1.2.3", "10/8", true);
	check_within("10.1.2.3", "10.1/16", true);
	check_within("10.2.2.3", "10.1/16", false);
	check_within("10.1.2.3", "10.0.0.0/255.0.0.0", true);
	check_within("10.1.2.3", " 10.1.2.3 ", true);
	check_within("10.1.2.3", "10.1.2.2/31", true);
	check_within("10.1.2.4", "10.1.2.2/31", false);
	check_within("10.1.2.3", "0.0.0.0/0", true);
	check_within("::1", "0.0.0.0/0", false);
	check_within("::1", "::/0", true);
	check_within("10.1.2.3", "::/0", true);
	check_within("::ffff:10.1.2.3", "10/8", true);
	check_within("[fe80::1%eth0]", "[fe80::]/10", true);
	check_within("febf::1", "fe80::/10", true);
	check_within("fec0::1", "fe80::/10", false);
	check_within("IPv6:2001:db8::1", "2001:db8::/32", true);
}

static void test_bad_networks(void **state)
{
	static const char *const bad[] = { "", "10", "10.1.2", "10.1.2.256", "1.2.3.4/33", "1.2.3.4/255.0.255.0", "1.2.3.4/", "1.2.3.4/x", "::1/129",
		"1:2:3", "example.com", "1.2.3.4.5", "[1.2.3.4", "/8", "1.2.3.4/8/9", ".1.2.3/8", "1000.1.1.1",
		"11111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111" };
	struct ip_network n;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (ip_parse(bad[i], true, &n, NULL) == 0)
			fail_msg("\"%s\" was taken for a network", bad[i]);
	assert_int_equal(ip_parse("10.0.0.0/8", false, &n, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_keys), cmocka_unit_test(test_sql_keys), cmocka_unit_test(test_sql_keys_of_a_quoted_address),
		cmocka_unit_test(test_keys_that_are_no_address), cmocka_unit_test(test_printable), cmocka_unit_test(test_parts), cmocka_unit_test(test_no_style), cmocka_unit_test(test_client_keys),
		cmocka_unit_test(test_string_keys), cmocka_unit_test(test_networks), cmocka_unit_test(test_bad_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
