/* test_header_check.c - each bad-header test by mails that it is for and mails that it is not for. */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <cmocka.h>

#include "mail/header_check.h"

#define ALL (~0u & ~(unsigned)HEADER_TEST_UTF8)
#define GOOD "Date: Thu, 26 Nov 2026 10:00:00 +0000\r\nFrom: a@example.org\r\n"
#define MAIL(text) (text), sizeof(text) - 1

static void *owner;
static struct header_flaws flaws;

static int set_up(void **state)
{
	owner = talloc_new(NULL);
	return 0;
}

static int tear_down(void **state)
{
	talloc_free(owner);
	return 0;
}

static void check_with(unsigned tests, bool smtputf8, const char *mime_error, const char *mail, size_t n)
{
	struct header h;
	header_parse(mail, n, true, owner, &h);
	header_check(&h, tests, smtputf8, mime_error, owner, &flaws);
}

static void check(const char *mail, size_t n)
{
	check_with(ALL, false, NULL, mail, n);
}

static void assert_one(unsigned kind, const char *text)
{
	assert_int_equal(flaws.count, 1);
	assert_int_equal(flaws.worst, kind);
	assert_string_equal(flaws.flaws[0].text, text);
}

static void assert_good(void)
{
	if (flaws.count > 0)
		fail_msg("%s", flaws.flaws[0].text);
	assert_int_equal(flaws.worst, 0);
}

static void test_good(void **state)
{
	check(MAIL(GOOD "Subject: folded\r\n as it may be\r\nTo : old@example.org\r\nX-Any: 1\r\nX-Any: 2\r\n\r\n8-bit body \xe9\r\n"));
	assert_good();
}

static void test_missing(void **state)
{
	check(MAIL("From: a@example.org\r\n\r\n"));
	assert_one(FLAW_MISSING, "Missing required header field: \"Date\"");
	check(MAIL("\r\nDate: in the body\r\n"));
	assert_int_equal(flaws.count, 2);
	assert_string_equal(flaws.flaws[1].text, "Missing required header field: \"From\"");
}

static void test_multiple(void **state)
{
	check(MAIL(GOOD "subject: a\r\nSUBJECT: b\r\nSubject: c\r\n\r\n"));
	assert_one(FLAW_MULTIPLE, "Duplicate header field: \"Subject\"");
}

static void test_8bit(void **state)
{
	check(MAIL(GOOD "Subject: Gr\xfc\xdf" "e\r\n\r\n"));
	assert_one(FLAW_8BIT, "Non-encoded non-ASCII data (and not UTF-8) (char FC hex): Subject: Gr\\374\\337e");
	check(MAIL(GOOD "Subject: Gr\xc3\xbc\xc3\x9f" "e\r\n\r\n"));
	assert_good();
	check(MAIL(GOOD "Subject: \xc2\x85 \xc3\xbc\r\n\r\n"));
	assert_int_equal(flaws.worst, FLAW_8BIT);
	check(MAIL(GOOD "Subject: cut \xc3\r\n\r\n"));
	assert_int_equal(flaws.worst, FLAW_8BIT);
}

static void test_utf8(void **state)
{
	check_with(~0u, false, NULL, MAIL(GOOD "Subject: \xc3\xbc\r\n\r\n"));
	assert_one(FLAW_8BIT, "Non-encoded non-ASCII data (UTF-8, but not announced) (char C3 hex): Subject: \\303\\274");
	check_with(~0u, true, NULL, MAIL(GOOD "Subject: \xc3\xbc\r\n\r\n"));
	assert_good();
}

static void test_control(void **state)
{
	check(MAIL(GOOD "Subject: a\0b\r\n\r\n"));
	assert_one(FLAW_CONTROL, "Improper use of control character (char 00 hex): Subject: a\\000b");
	check(MAIL(GOOD "Subject: a\rb\r\n\r\n"));
	assert_int_equal(flaws.worst, FLAW_CONTROL);
	check(MAIL("Date: x\nFrom: y\nSubject: LF only\n\n"));
	assert_good();
}

static void test_empty(void **state)
{
	check(MAIL(GOOD "Subject: a\r\n \t\r\n b\r\n\r\n"));
	assert_one(FLAW_EMPTY, "Improper folded header field made up entirely of whitespace (char 20 hex): Subject: a \\011 b");
	check(MAIL(GOOD "Subject:\r\n \r\n\r\n"));
	assert_int_equal(flaws.worst, FLAW_EMPTY);
	check(MAIL(GOOD "Subject: \r\n\r\n"));
	assert_good();
}

static void long_subject(size_t line_bytes)
{
	char *x = talloc_zero_size(owner, line_bytes);
	memset(x, 'x', line_bytes - strlen("Subject: "));
	char *mail = talloc_asprintf(owner, GOOD "Subject: %s\r\n\r\n", x);
	check(mail, strlen(mail));
}

static void test_long(void **state)
{
	long_subject(998);
	assert_good();
	long_subject(999);
	assert_one(FLAW_LONG, "Header line longer than 998 characters: Subject: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...");
}

static void test_syntax(void **state)
{
	check(MAIL(GOOD "no field at all\r\n\r\n"));
	assert_one(FLAW_SYNTAX, "Invalid header field: no field at all");
	check(MAIL(GOOD "--boundary: x\r\n\r\n"));
	assert_int_equal(flaws.worst, FLAW_SYNTAX);
	check_with(HEADER_TEST_SYNTAX, false, NULL, MAIL(GOOD "S\xfc" "bject: x\r\n\r\n"));
	assert_one(FLAW_SYNTAX, "Non-ASCII character in a header field name (char FC hex): S\\374bject: x");
}

static void test_mime(void **state)
{
	check_with(ALL, false, "multipart without boundary", MAIL(GOOD "\r\n"));
	assert_one(FLAW_MIME, "MIME error: multipart without boundary");
}

static void test_worst_wins_and_only_wanted(void **state)
{
	static const char mail[] = GOOD "Subject: \xfc\r\nSubject: 2\r\nnonsense\r\n\r\n";
	check(MAIL(mail));
	assert_int_equal(flaws.count, 3);
	assert_int_equal(flaws.worst, FLAW_MULTIPLE);
	check_with(ALL & ~(unsigned)HEADER_TEST_MULTIPLE, false, NULL, MAIL(mail));
	assert_int_equal(flaws.worst, FLAW_SYNTAX);
	check_with(0, false, "x", MAIL(mail));
	assert_good();
	assert_int_equal(header_test_named("8bit"), HEADER_TEST_8BIT);
	assert_int_equal(header_test_named("8bits"), 0);
}

static void test_bounded(void **state)
{
	char *mail = talloc_strdup(owner, "");
	for (unsigned i = 0; i < 300; i++)
		mail = talloc_asprintf_append_buffer(mail, "nonsense %u\r\n", i);
	check(mail, strlen(mail));
	assert_int_equal(flaws.count, HEADER_FLAWS_MAX);
	assert_int_equal(flaws.worst, FLAW_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_missing), cmocka_unit_test(test_multiple), cmocka_unit_test(test_8bit),
		cmocka_unit_test(test_utf8), cmocka_unit_test(test_control), cmocka_unit_test(test_empty), cmocka_unit_test(test_long),
		cmocka_unit_test(test_syntax), cmocka_unit_test(test_mime), cmocka_unit_test(test_worst_wins_and_only_wanted),
		cmocka_unit_test(test_bounded),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
