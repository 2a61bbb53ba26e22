/* test_logline.c - the golden lines of tests/golden/logline/lines, and the JSON event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "report/logline.h"

#define RECIPIENTS 8

struct golden {
	struct logline line;
	const char *recipients[RECIPIENTS + 1];
	unsigned recipient_count;
};

static void set_text(struct logline *l, const char *key, const char *value)
{
	const struct { const char *key; const char **to; } texts[] = {
		{ "category", &l->category }, { "actions", &l->actions }, { "banks", &l->policy_banks }, { "client_ip", &l->client_ip },
		{ "client_port", &l->client_port }, { "origin", &l->origin_ip }, { "sender", &l->sender }, { "quarantine", &l->quarantine },
		{ "queue_id", &l->queue_id }, { "message_id", &l->message_id }, { "resent", &l->resent_message_id },
		{ "mail_id", &l->mail_id }, { "hits", &l->hits }, { "queued_as", &l->queued_as },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
		if (strcmp(texts[i].key, key) == 0) {
			*texts[i].to = value;
			return;
		}
	fail_msg("unknown key %s", key);
}

static void set_field(struct golden *g, const char *key, const char *value)
{
	if (strcmp(key, "fate") == 0)
		g->line.passed = strcmp(value, "passed") == 0;
	else if (strcmp(key, "originating") == 0)
		g->line.originating = true;
	else if (strcmp(key, "size") == 0)
		g->line.size = g_ascii_strtoull(value, NULL, 10);
	else if (strcmp(key, "ms") == 0)
		g->line.elapsed_ms = g_ascii_strtoull(value, NULL, 10);
	else if (strcmp(key, "rcpt") == 0)
		g->recipients[g->recipient_count++ % RECIPIENTS] = value;
	else
		set_text(&g->line, key, value);
}

static void check_block(struct golden *g, const char *expected)
{
	GString *out = g_string_new("before ");
	g->line.recipients = g->recipients;
	logline_format(out, &g->line);
	assert_string_equal(out->str + strlen("before "), expected);
	g_string_free(out, TRUE);
	memset(g, 0, sizeof *g);
}

static void test_golden_lines(void **state)
{
	(void)state;
	char *path = g_build_filename(getenv("POSTERN_SOURCE"), "tests/golden/logline/lines", NULL), *text;
	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	char **lines = g_strsplit(text, "\n", -1);
	struct golden g = { .recipient_count = 0 };
	unsigned checked = 0;
	for (char **l = lines; *l; l++) {
		char *value = strchr(*l, ' ');
		if (!value || **l == '#')
			continue;
		*value++ = '\0';
		if (strcmp(*l, "=") == 0) {
			check_block(&g, value);
			checked++;
		} else {
			set_field(&g, *l, value);
		}
	}
	assert_true(checked >= 25);
	g_strfreev(lines);
	g_free(text);
	g_free(path);
}

static void check_json(const struct logline *l, const char *expected)
{
	GString *out = g_string_new(NULL);
	logline_json(out, l);
	assert_string_equal(out->str, expected);
	g_string_free(out, TRUE);
}

static void test_json_of_little(void **state)
{
	(void)state;
	const char *recipients[] = { "b@example.org", NULL };
	struct logline l = { .passed = true, .sender = "", .recipients = recipients, .log_id = "12345-01", .client_port = "x",
		.reply = "250 2.0.0 Ok", .queued_as = "A/B" };
	check_json(&l, "{\"type\":\"amavis\",\"log_id\":\"12345-01\",\"mail_from\":\"<>\",\"rcpt_to\":[\"<b@example.org>\"],\"rcpt_num\":1,"
		"\"dsn_sent\":false,\"originating\":false,\"smtp_code\":[\"250\"],\"queued_as\":[\"A\",\"B\"],\"action\":[\"PASS\"],"
		"\"message\":\"12345-01 PASS  <> -> <b@example.org>\",\"time_unix\":0.000,\"@timestamp\":\"1970-01-01T00:00:00.000Z\","
		"\"time_iso_week_date\":\"1970-W01-4\",\"elapsed\":{\"Total\":0.000}}");
}

static void test_json_of_much(void **state)
{
	(void)state;
	const char *viruses[] = { "V1", "V2", "V1", NULL }, *scanners[] = { "clamd", "clamd", "clamav", NULL }, *files[] = { "a\"b.exe", NULL };
	const struct logline_recipient details[] = {
		{ .address = "b@Example.org", .original = "rfc822;b@x", .is_local = true, .action = "DISCARD", .reply = "250 2.7.0 Ok, discarded",
			.ccat_blocking = "Virus" },
		{ .address = "c@example.org", .action = "PASS", .reply = "250 2.0.0 Ok: queued as Q", .queued_as = "Q",
			.bypass_virus_checks = true, .bypass_banned_checks = true, .bypass_spam_checks = true, .blacklisted = true, .whitelisted = true,
			.sql_policy_id = "7", .ccat_main = "Virus", .banning_reason = "x" },
	};
	struct logline l = { .actions = "DiscardedInbound,RelayedInbound,Quarantined", .policy_banks = "A/B", .originating = true,
		.client_ip = "192.0.2.1", .client_port = "25", .sender = "a@EXAMPLE.com", .quarantine = "virus-1, virus-2", .quarantine_type = "F",
		.queue_id = "4Q", .message_id = "<m@x>", .mail_id = "xyz", .size = 77, .elapsed_ms = 1234, .log_id = "1-1", .host = "mx",
		.protocol = "ESMTP", .subject = "Tab\there \xff", .from = "a@example.com", .virus_names = viruses, .scanners = scanners,
		.time_wall_us = 1000000LL * 1000000000 + 7000, .source_ip = "127.0.0.1", .listener_ip = "::1", .listener_port = "10024",
		.content_type = "Virus", .checks = "V B", .attached_file_names = files, .detail_count = 2, .details = details, .type = "postern" };
	check_json(&l, "{\"type\":\"postern\",\"host\":\"mx\",\"log_id\":\"1-1\",\"mail_id\":\"xyz\",\"src_ip\":\"127.0.0.1\",\"dst_ip\":\"::1\","
		"\"dst_port\":10024,\"client_ip\":\"192.0.2.1\",\"client_port\":25,\"queue_id\":\"4Q\",\"protocol\":\"ESMTP\","
		"\"attached_file_names\":[\"a\\\"b.exe\"],\"mail_from\":\"<a@example.com>\",\"rcpt_to\":[\"<b@example.org>\",\"<c@example.org>\"],"
		"\"rcpt_num\":2,\"recipients\":[{\"rcpt_to\":\"<b@example.org>\",\"rcpt_to_orig\":\"rfc822;b@x\",\"rcpt_is_local\":true,"
		"\"action\":\"DISCARD\",\"smtp_response\":\"250 2.7.0 Ok, discarded\",\"smtp_code\":\"250\",\"ccat_blocking\":\"Virus\"},"
		"{\"rcpt_to\":\"<c@example.org>\",\"rcpt_is_local\":false,\"sql_user_policy_id\":\"7\",\"action\":\"PASS\",\"smtp_response\":\"250 2.0.0 Ok: queued as Q\","
		"\"smtp_code\":\"250\",\"queued_as\":\"Q\",\"blacklisted\":true,\"whitelisted\":true,\"bypass_virus_checks\":true,\"bypass_banned_checks\":true,\"bypass_spam_checks\":true,\"ccat_main\":\"Virus\","
		"\"banning_reason\":\"x\"}],\"author\":[\"a@example.com\"],\"subject\":\"Tab\\there \xef\xbf\xbd\",\"subject_rot13\":\"Gno\\turer \xef\xbf\xbd\","
		"\"message_id\":\"<m@x>\",\"policy_banks\":[\"A\",\"B\"],\"size\":77,\"content_type\":\"Virus\",\"quarantine\":\"virus-1\","
		"\"quar_type\":\"F\",\"dsn_sent\":false,\"originating\":true,\"actions_performed\":\"DiscardedInbound RelayedInbound Quarantined\","
		"\"checks_performed\":\"V B\",\"virusnames\":[\"V1\",\"V2\"],\"av_scan\":{\"clamd\":[\"V1\",\"V2\"],\"clamav\":[\"V1\"]},"
		"\"smtp_code\":[\"250\"],\"queued_as\":[\"Q\"],\"action\":[\"DISCARD\",\"PASS\"],"
		"\"message\":\"1-1 DISCARD,PASS Virus <a@example.com> -> <b@example.org>,<c@example.org>\",\"time_unix\":1000000000.007,"
		"\"@timestamp\":\"2001-09-09T01:46:40.007Z\",\"time_iso_week_date\":\"2001-W36-7\",\"elapsed\":{\"Total\":1.234}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_lines), cmocka_unit_test(test_json_of_little), cmocka_unit_test(test_json_of_much),
	};
	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
