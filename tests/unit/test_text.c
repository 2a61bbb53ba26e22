/* test_text.c - escaping, units, nearest words; errors and deadlines, which are as small. */
#include "config.h"
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/deadline.h"
#include "base/error.h"
#include "base/text.h"

struct pair { const char *in; size_t n; const char *out; };

static void escapes(void **state)
{
	static const struct pair table[] = {
		{ "plain", 5, "plain" }, { "", 0, "" }, { "a\nb\tc\\d", 7, "a\\nb\\tc\\\\d" }, { "a\0b", 3, "a\\000b" }, { "\r\x1b[2J\x7f", 6, "\\015\\033[2J\\177" },
		{ "gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f" }, { "\xfc", 1, "\\374" }, { "\xc3", 1, "\\303" }, { "\xc2\x9b", 2, "\\302\\233" },
		{ "\xe2\x82", 2, "\\342\\202" }, { "\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		GString *out = g_string_new(NULL);
		text_append_escaped(out, table[i].in, table[i].n);
		assert_string_equal(out->str, table[i].out);
		g_string_free(out, TRUE);
	}
}

static void json_strings(void **state)
{
	static const struct pair table[] = {
		{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"" }, { "\n\r\t\1", 4, "\"\\n\\r\\t\\u0001\"" }, { "\0", 1, "\"\\u0000\"" },
		{ "\xfc!", 2, "\"\xef\xbf\xbd!\"" }, { "\xc3\xbc", 2, "\"\xc3\xbc\"" }, { "", 0, "\"\"" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		GString *out = g_string_new(NULL);
		text_append_json(out, table[i].in, table[i].n);
		assert_string_equal(out->str, table[i].out);
		g_string_free(out, TRUE);
	}
}

static void durations(void **state)
{
	static const struct { const char *text; int64_t ms; } good[] = {
		{ "30", 30000 }, { "30s", 30000 }, { "5m", 300000 }, { "2h", 7200000 }, { "1d", 86400000 }, { "250ms", 250 }, { "0", 0 }, { "1w", 604800000 },
	};
	static const char *const bad[] = { "", "s", "-1", "1.5s", "1 s", "9x", "5mm", " 5", "99999999999999999999", "9223372036854775807s" };
	int64_t ms;
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		assert_true(text_parse_duration(good[i].text, 1000, &ms));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		assert_false(text_parse_duration(bad[i], 1000, &ms));
	assert_true(text_parse_duration("30", 60000, &ms));
	assert_int_equal(ms, 1800000);
}

static void sizes(void **state)
{
	static const struct { const char *text; int64_t bytes; } good[] = {
		{ "1000", 1000 }, { "64k", 65536 }, { "64K", 65536 }, { "10M", 10485760 }, { "2G", 2147483648 }, { "0", 0 },
	};
	static const char *const bad[] = { "", "k", "1kb", "-5", "1.5M", "9223372036854775807k", "5x" };
	int64_t bytes;
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		assert_true(text_parse_size(good[i].text, &bytes));
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		assert_false(text_parse_size(bad[i], &bytes));
}

static void base64url(void **state)
{
	static const struct pair table[] = {
		{ "", 0, "" }, { "f", 1, "Zg" }, { "fo", 2, "Zm8" }, { "foo", 3, "Zm9v" }, { "\xfb\xff\xbf", 3, "-_-_" }, { "\xff\xff\xff", 3, "____" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		char *text = text_base64url((const unsigned char *)table[i].in, table[i].n);
		assert_string_equal(text, table[i].out);
		g_free(text);
	}
}

static void nearest(void **state)
{
	static const char *const names[] = { "socket", "timeout", "max_size", "on_error", "name" };
	assert_string_equal(text_nearest("sockett", names, 5), "socket");
	assert_string_equal(text_nearest("scoket", names, 5), "socket");
	assert_string_equal(text_nearest("time_out", names, 5), "timeout");
	assert_string_equal(text_nearest("maxsize", names, 5), "max_size");
	assert_string_equal(text_nearest("nam", names, 5), "name");
	assert_null(text_nearest("banana", names, 5));
	assert_null(text_nearest("", names, 5));
	char *giant = g_strnfill(5000, 'a');
	assert_null(text_nearest(giant, names, 5));
	g_free(giant);
}

static void errors_are_prefixed_and_cut(void **state)
{
	struct error e = { 0 };
	assert_int_equal(error_set(&e, ERROR_INPUT, "line %d", 7), -1);
	error_prefix(&e, "scan");
	error_prefix(&e, "worker %d", 3);
	assert_string_equal(e.text, "worker 3: scan: line 7");
	assert_int_equal(e.class, ERROR_INPUT);
	errno = EACCES;
	error_set_errno(&e, "open %s", "/x");
	assert_string_equal(e.text, "open /x: Permission denied");
	assert_int_equal(e.errnum, EACCES);
	for (int i = 0; i < 300; i++)
		error_prefix(&e, "again and again");
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
	error_set(&e, ERROR_CONFIG, "%s", e.text + 500);
	assert_int_equal(strlen(e.text), sizeof e.text - 1 - 500);
	assert_int_equal(error_set(NULL, ERROR_INPUT, "x"), -1);
	assert_int_equal(error_prefix(NULL, "x"), -1);
}

static void deadlines_only_shorten(void **state)
{
	assert_int_equal(deadline_left_ms(deadline_none()), -1);
	assert_int_equal(deadline_left_ms(deadline_in(-5)), 0);
	struct deadline d = deadline_in(10000);
	d.cancel_fd = 7;
	assert_int_equal(deadline_sooner(d, 0).at_ms, d.at_ms);
	assert_int_equal(deadline_sooner(d, 99999).at_ms, d.at_ms);
	assert_true(deadline_left_ms(deadline_sooner(d, 50)) <= 50);
	assert_int_equal(deadline_sooner(d, 50).cancel_fd, 7);
	assert_true(deadline_left_ms(deadline_sooner(deadline_none(), 50)) > 0);
	assert_int_equal(deadline_left_ms(deadline_in(INT64_MAX)), INT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes), cmocka_unit_test(json_strings), cmocka_unit_test(durations), cmocka_unit_test(sizes), cmocka_unit_test(base64url),
		cmocka_unit_test(nearest), cmocka_unit_test(errors_are_prefixed_and_cut), cmocka_unit_test(deadlines_only_shorten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
