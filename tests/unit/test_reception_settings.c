/* test_reception_settings.c - the settings record: defaults, values, what is refused and how it is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>
#include <talloc.h>

#include "reception/settings.h"

static struct reception_options *read_pairs(struct setting_pair *pairs, uint32_t count, struct error *e)
{
	struct settings_record s = { .count = count, .pairs = pairs };
	return reception_options_read(NULL, &s, 2, e);
}

static bool allows(const struct acl *a, const char *address)
{
	struct sockaddr_in peer = { .sin_family = AF_INET };
	assert_int_equal(inet_pton(AF_INET, address, &peer.sin_addr), 1);
	return acl_allows(a, (struct sockaddr *)&peer);
}

static void test_defaults(void **state)
{
	struct error e = { 0 };
	(void)state;
	struct reception_options *o = read_pairs(NULL, 0, &e);
	assert_non_null(o);
	assert_int_equal(o->recipient_limit, 1100);
	assert_int_equal(o->bare_newline, BARE_NEWLINE_NORMALISE);
	assert_true(o->chunking);
	assert_int_equal(o->listener_count, 2);
	assert_int_equal(o->listeners[1].protocol, PROTOCOL_AUTO);
	assert_int_equal(o->listeners[1].timeout_ms, 480000);
	assert_true(allows(o->listeners[0].inet_acl, "127.0.0.1"));
	assert_false(allows(o->listeners[0].inet_acl, "127.0.0.2"));
	assert_false(allows(o->xforward_hosts, "127.0.0.1"));
	talloc_free(o);
}

static void test_values(void **state)
{
	struct error e = { 0 };
	struct setting_pair pairs[] = {
		{ "smtpd_recipient_limit", "999999999" }, { "smtpd_bare_newline", "reject" }, { "smtpd_chunking", "no" }, { "work_area_limit", "2G" }, { "queue_limit_bytes", "x" },
		{ "xforward_hosts", "!10.0.0.1" }, { "xforward_hosts", "10/8" },
		{ "listener.1.smtpd_message_size_limit", "100" }, { "enforce_smtpd_message_size_limit_64kb_min", "1" },
		{ "listener.1.protocol", "LMTP" }, { "listener.1.smtpd_discard_ehlo_keywords", "dsn" },
		{ "listener.1.smtpd_discard_ehlo_keywords", "UNKNOWN" }, { "listener.0.inet_acl", NULL },
	};
	(void)state;
	struct reception_options *o = read_pairs(pairs, sizeof pairs / sizeof *pairs, &e);
	assert_non_null(o);
	assert_int_equal(o->recipient_limit, WIRE_RECIPIENTS_MAX);
	assert_int_equal(o->bare_newline, BARE_NEWLINE_REJECT);
	assert_false(o->chunking);
	assert_int_equal(o->work_area_limit, 2LL << 30);
	assert_int_equal(o->queue_bytes, 256 << 20);
	assert_true(allows(o->xforward_hosts, "10.0.0.2"));
	assert_false(allows(o->xforward_hosts, "10.0.0.1"));
	assert_int_equal(o->listeners[0].protocol, PROTOCOL_AUTO);
	assert_int_equal(o->listeners[1].protocol, PROTOCOL_LMTP);
	assert_int_equal(o->listeners[0].message_size_limit, 0);
	assert_int_equal(o->listeners[1].message_size_limit, 65536);
	assert_int_equal(o->listeners[1].discarded, 1u << EXTENSION_DSN);
	assert_false(allows(o->listeners[0].inet_acl, "127.0.0.1"));
	talloc_free(o);
}

/* Behind one listener an address of its own: what it does not say is as for the others, named without a value is nothing. */
static void test_locals(void **state)
{
	struct error e = { 0 };
	struct setting_pair pairs[] = {
		{ "listener.0.smtpd_timeout_ms", "7000" }, { "listener.0.inet_acl", "10/8" }, { "listener.0.smtpd_discard_ehlo_keywords", "DSN" },
		{ "listener.0.protocol", "LMTP" }, { "listener.0.smtpd_message_size_limit", "100000" },
		{ "listener.0.local.0.inet_acl", "192.0.2.0/24" }, { "listener.0.local.0.protocol", NULL },
		{ "listener.0.local", "192.0.2.1:10024" }, { "listener.0.local.1.inet_acl", NULL }, { "listener.0.local.1.smtpd_discard_ehlo_keywords", NULL },
		{ "listener.0.local", "[2001:db8::1]:10024" },
	};
	(void)state;
	struct reception_options *o = read_pairs(pairs, sizeof pairs / sizeof *pairs, &e);
	assert_non_null(o);
	const struct listener_options *l = &o->listeners[0], *one = &l->locals[0], *two = &l->locals[1];
	assert_int_equal(l->local_count, 2);
	assert_int_equal(o->listeners[1].local_count, 0);
	assert_string_equal(one->local_text, "192.0.2.1:10024");
	assert_string_equal(two->local_text, "[2001:db8::1]:10024");
	assert_true(allows(one->inet_acl, "192.0.2.9") && !allows(one->inet_acl, "10.0.0.1"));
	assert_false(allows(two->inet_acl, "10.0.0.1"));
	assert_int_equal(one->protocol, PROTOCOL_AUTO);
	assert_int_equal(two->protocol, PROTOCOL_LMTP);
	assert_int_equal(one->timeout_ms, 7000);
	assert_int_equal(two->message_size_limit, 100000);
	assert_int_equal(one->discarded, 1u << EXTENSION_DSN);
	assert_int_equal(two->discarded, 0);
	talloc_free(o);
}

static void check_refused(const char *name, const char *value, const char *text)
{
	struct error e = { 0 };
	struct setting_pair pair = { name, value };
	assert_null(read_pairs(&pair, 1, &e));
	assert_non_null(strstr(e.text, name));
	assert_non_null(strstr(e.text, text));
}

static void test_refused(void **state)
{
	(void)state;
	check_refused("listener.0.protocol", "QMQP", "expected SMTP, LMTP");
	check_refused("listener.1.inet_acl", "localhost", "not an IP address");
	check_refused("xforward_hosts", "10.0.0.0/40", "not an IP address");
	check_refused("smtpd_bare_newline", "maybe", "neither");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_defaults), cmocka_unit_test(test_values), cmocka_unit_test(test_locals), cmocka_unit_test(test_refused) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
