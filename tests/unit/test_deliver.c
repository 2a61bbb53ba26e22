/* test_deliver.c - what the next-hop client reads and writes as text: methods, replies, XFORWARD, the memory of dead hops. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <talloc.h>

#include <cmocka.h>

#include <glib.h>

#include "deliver/envelope.h"
#include "deliver/method.h"
#include "deliver/next_hop.h"
#include "deliver/reply.h"
#include "deliver/xforward.h"

/* ---- methods ---- */

static void test_methods(void **state)
{
	static const struct { const char *method, *name; } table[] = {
		{ "smtp:[127.0.0.1]:10025", "smtp:[127.0.0.1]:10025" },
		{ "smtp:127.0.0.1:10025", "smtp:[127.0.0.1]:10025" },
		{ "SMTP:mx.example.com:25:opt=1:other", "smtp:[mx.example.com]:25" },
		{ "smtp:[::1]:25", "smtp:[::1]:25" },
		{ "lmtp:[localhost]:24", "lmtp:[localhost]:24" },
		{ "lmtp:/run/dovecot/lmtp", "lmtp:/run/dovecot/lmtp" },
		{ "smtp:/sock:opt", "smtp:/sock" },
		{ "smtp:*:*", "smtp:[192.0.2.7]:10025" },
		{ "smtp:[*]:*", "smtp:[192.0.2.7]:10025" },
		{ "lmtp:*:2003", "lmtp:[192.0.2.7]:2003" },
		{ "smtp:localhost:*", "smtp:[localhost]:10025" },
	};
	const struct envelope v = { .peer_address = "192.0.2.7", .socket_text = "[::1]:10024" };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct next_hop hop;
		struct error e = { 0 };

		assert_int_equal(method_parse(table[i].method, &v, &hop, &e), 0);
		assert_string_equal(hop.name, table[i].name);
		assert_int_equal(hop.lmtp, hop.name[0] == 'l');
		assert_int_equal(hop.endpoint.is_unix, strchr(hop.name, '/') != NULL);
	}
}

static void test_bad_methods(void **state)
{
	static const char *const bad[] = {
		"", "smtp", "smtp:", "smtp:host", "smtp:host:", "smtp::25", "smtp:[::1:25", "smtp:[::1]25", "smtp:[]:25", "local:x",
		"pipe:a", "smtp:host:123456789", "smtp:*:*",
		"lmtp:/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678",
	};
	const struct envelope by_unix = { .socket_text = "/run/x.sock" }, last_port = { .peer_address = "::1", .socket_text = "[::1]:65535" };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct next_hop hop;
		struct error e = { 0 };

		assert_int_equal(method_parse(bad[i], &by_unix, &hop, &e), -1);
		assert_true(e.text[0] != '\0');
		assert_int_equal(method_parse(bad[i], i == 12 ? &last_port : NULL, &hop, &e), -1);
	}
}

/* ---- replies ---- */

static void feed(struct reply *r, const char *const *lines)
{
	enum reply_step step = REPLY_MORE;

	for (; *lines; lines++) {
		assert_int_equal(step, REPLY_MORE);
		step = reply_add_line(r, *lines, strlen(*lines));
	}
	assert_int_equal(step, REPLY_DONE);
}

static void test_replies(void **state)
{
	static const struct { const char *lines[4], *from, *queued_as; } table[] = {
		{ { "250 2.0.0 Ok: queued as 3F2A1" }, "250 2.0.0 from MTA(smtp:[h]:1): 250 2.0.0 Ok: queued as 3F2A1", "3F2A1" },
		{ { "250 Ok" }, "250 2.0.0 from MTA(smtp:[h]:1): 250 Ok", NULL },
		{ { "250" }, "250 2.0.0 from MTA(smtp:[h]:1): 250", NULL },
		{ { "550 5.1.1 <x>: unknown" }, "550 5.1.1 from MTA(smtp:[h]:1): 550 5.1.1 <x>: unknown", NULL },
		{ { "451 try later" }, "451 4.5.0 from MTA(smtp:[h]:1): 451 try later", NULL },
		{ { "550 2.1.1 mixed" }, "550 5.5.0 from MTA(smtp:[h]:1): 550 2.1.1 mixed", NULL },
		{ { "550-5.7.1 one", "550-5.7.1 two", "550 5.7.1 three" }, "550 5.7.1 from MTA(smtp:[h]:1): 550 5.7.1 one two three", NULL },
		{ { "250-queued", "250 as Z" }, "250 2.0.0 from MTA(smtp:[h]:1): 250 queued as Z", "Z" },
		{ { "250 2.0.0 Queued As 12-34." }, "250 2.0.0 from MTA(smtp:[h]:1): 250 2.0.0 Queued As 12-34.", "12-34" },
		{ { "450 4.2.1\ta\x01\xc3\xa4" "b" }, "450 4.2.1 from MTA(smtp:[h]:1): 450 4.2.1 a???b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		void *owner = talloc_new(NULL);
		struct reply r;
		const char *got;

		reply_init(&r);
		feed(&r, table[i].lines);
		got = reply_from_next_hop(&r, ".5.0", "smtp:[h]:1", owner);
		assert_string_equal(got, table[i].from);
		got = reply_queued_as(&r, owner);
		if (table[i].queued_as)
			assert_string_equal(got, table[i].queued_as);
		else
			assert_null(got);
		reply_clear(&r);
		talloc_free(owner);
	}
}

static void test_bad_replies(void **state)
{
	static const char *const bad[] = { "", "2", "25", "2x0 a", "250x", "150 a", "650 a", " 250", "HTTP/1.1 400 Bad Request" };
	struct reply r;

	(void)state;
	reply_init(&r);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		assert_int_equal(reply_add_line(&r, bad[i], strlen(bad[i])), REPLY_BAD);
	for (int i = 0; i < REPLY_LINES_MAX; i++)
		assert_int_equal(reply_add_line(&r, "250-x", 5), REPLY_MORE);
	assert_int_equal(reply_add_line(&r, "250 x", 5), REPLY_BAD);
	reply_clear(&r);
}

/* ---- XFORWARD and the envelope ---- */

static void test_xforward(void **state)
{
	struct envelope v = { .protocol = "ESMTP", .peer_address = "::1", .helo = "peer" };
	const struct mail m = { .envelope = &v };
	GString *out = g_string_new(NULL);
	unsigned all = xforward_offered(" NAME ADDR PORT PROTO HELO IDENT SOURCE");

	(void)state;
	assert_int_equal(all, 127);
	assert_int_equal(xforward_offered(" name  Unknown addr"), XFORWARD_NAME | XFORWARD_ADDR);
	assert_int_equal(xforward_append(out, &m, all), 1);
	assert_string_equal(out->str, "XFORWARD NAME=[UNAVAILABLE] ADDR=IPv6:::1 PORT=[UNAVAILABLE] PROTO=ESMTP HELO=peer"
		" IDENT=[UNAVAILABLE] SOURCE=[UNAVAILABLE]\r\n");
	v.client = (struct envelope_client){ .address = "192.0.2.1", .port = "4711", .name = "a=b+c d", .source = "REMOTE" };
	g_string_truncate(out, 0);
	xforward_append(out, &m, all & ~(unsigned)XFORWARD_IDENT);
	assert_string_equal(out->str, "XFORWARD NAME=a+3Db+2Bc+20d ADDR=192.0.2.1 PORT=4711 PROTO=[UNAVAILABLE] HELO=[UNAVAILABLE]"
		" SOURCE=REMOTE\r\n");
	g_string_free(out, TRUE);
}

static void test_xforward_lines_are_bounded(void **state)
{
	char *wide = g_strnfill(1000, '\n');
	struct envelope v = { .client = { .name = wide, .helo = wide, .ident = wide } };
	const struct mail m = { .envelope = &v };
	GString *out = g_string_new(NULL);
	char **lines;

	(void)state;
	assert_int_equal(xforward_append(out, &m, 127), 3);
	lines = g_strsplit(out->str, "\r\n", 0);
	for (char **line = lines; *line; line++)
		assert_true(strlen(*line) <= 510);
	g_strfreev(lines);
	g_string_free(out, TRUE);
	g_free(wide);
}

static void test_addresses(void **state)
{
	(void)state;
	assert_true(envelope_address_is_safe("a@b"));
	assert_true(envelope_address_is_safe(""));
	assert_true(envelope_address_is_safe("\"a b>\\\"\"@c"));
	assert_false(envelope_address_is_safe("a@b> SIZE=1"));
	assert_false(envelope_address_is_safe("a@b\r\nDATA"));
	assert_false(envelope_address_is_safe("\"a@b"));
	assert_false(envelope_address_is_safe("a b@c"));
	assert_false(envelope_address_is_ascii("\xc3\xa4@b"));
}

/* ---- dead hops ---- */

static void test_next_hops(void **state)
{
	struct shared *s = talloc_zero(NULL, struct shared);
	char name[400];

	(void)state;
	assert_false(next_hop_is_dead(s, "smtp:[a]:1"));
	next_hop_failed(s, "smtp:[a]:1", 60000);
	assert_true(next_hop_is_dead(s, "smtp:[a]:1"));
	assert_false(next_hop_is_dead(s, "smtp:[a]:11"));
	next_hop_works(s, "smtp:[a]:1");
	assert_false(next_hop_is_dead(s, "smtp:[a]:1"));
	for (int i = 0; i < 2 * SHARED_NEXT_HOPS; i++) {
		g_snprintf(name, sizeof name, "smtp:[host]:%d", i);
		next_hop_failed(s, name, 60000);
	}
	assert_true(next_hop_is_dead(s, "smtp:[host]:3"));
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	next_hop_failed(s, name, 60000);
	next_hop_failed(NULL, "smtp:[a]:1", 1);
	assert_false(next_hop_is_dead(NULL, "smtp:[a]:1"));
	talloc_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_methods), cmocka_unit_test(test_bad_methods), cmocka_unit_test(test_replies),
		cmocka_unit_test(test_bad_replies), cmocka_unit_test(test_xforward), cmocka_unit_test(test_xforward_lines_are_bounded),
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_next_hops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
