/* test_subject.c - tags in front of Subject fields of all kinds, compared byte for byte. */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <cmocka.h>
#include <glib.h>

#include "mail/header_fix.h"
#include "mail/subject.h"

#define TAG "***UNCHECKED*** "

static void assert_tagged(const char *field, const char *tag, const char *wanted)
{
	void *owner = talloc_new(NULL);
	char *mail = talloc_asprintf(owner, "From: a\r\n%sTo: b\r\n\r\n", field);
	struct header h;
	size_t n;
	header_parse(mail, strlen(mail), true, owner, &h);
	char *made = subject_tagged(&h, header_find(&h, "subject"), tag, owner, &n);
	assert_string_equal(made, wanted);
	assert_int_equal(n, strlen(wanted));
	talloc_free(owner);
}

static void test_plain(void **state)
{
	assert_tagged("Subject: hello\r\n", TAG, "Subject: ***UNCHECKED*** hello\r\n");
	assert_tagged("SUBJECT:hello\r\n", TAG, "SUBJECT: ***UNCHECKED*** hello\r\n");
	assert_tagged("Subject: \t hello \r\n", TAG, "Subject: ***UNCHECKED*** hello \r\n");
	assert_tagged("subject: hello\n", TAG, "subject: ***UNCHECKED*** hello\n");
	assert_tagged("Subject : old\r\n", TAG, "Subject: ***UNCHECKED*** old\r\n");
	assert_tagged("Subject:\r\n", TAG, "Subject: ***UNCHECKED***\r\n");
	assert_tagged("Subject: 8-bit \xfc\r\n", TAG, "Subject: ***UNCHECKED*** 8-bit \xfc\r\n");
}

static void test_encoded(void **state)
{
	assert_tagged("Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?Q?_aus?=\r\n", TAG,
		"Subject: ***UNCHECKED*** =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?Q?_aus?=\r\n");
	assert_tagged("Subject: =?utf-8?Q?x?=\r\n", "[tag]", "Subject: [tag] =?utf-8?Q?x?=\r\n");
}

static void test_folded(void **state)
{
	assert_tagged("Subject:\r\n a long one\r\n\tgoes on\r\n", TAG, "Subject: ***UNCHECKED***\r\n a long one\r\n\tgoes on\r\n");
	assert_tagged("Subject: a\r\n b\r\n", TAG, "Subject: ***UNCHECKED*** a\r\n b\r\n");
}

static void test_not_twice(void **state)
{
	assert_tagged("Subject: ***UNCHECKED*** hello\r\n", TAG, "Subject: ***UNCHECKED*** hello\r\n");
	assert_tagged("Subject: !!hello\r\n", "!!", "Subject: !!!!hello\r\n");
	assert_tagged("Subject: Re: ***UNCHECKED*** hello\r\n", TAG, "Subject: ***UNCHECKED*** Re: hello\r\n");
	assert_tagged("Subject: ***UNCHECKED***\r\n long\r\n", TAG, "Subject: ***UNCHECKED***\r\n long\r\n");
	assert_tagged("Subject: ***UNCHECKED***\r\n", TAG, "Subject: ***UNCHECKED***\r\n");
	assert_tagged("Subject: SPAMSPAM =?utf-8?B?SPAM?= =?x?q?\r\n", "SPAM", "Subject: SPAM =?utf-8?B?SPAM?= =?x?q?\r\n");
	assert_tagged("Subject: =?UTF-8?B?w7zDvMO8IA==?= hello\r\n", "\xc3\xbc\xc3\xbc\xc3\xbc ", "Subject: =?UTF-8?B?w7zDvMO8IA==?= hello\r\n");
}

static void test_beyond_ascii(void **state)
{
	assert_tagged("Subject: hello\r\n", "gepr\xc3\xbc" "ft: ", "Subject: =?UTF-8?B?Z2VwcsO8ZnQ6IA==?= hello\r\n");
	assert_tagged("Subject: =?utf-8?Q?x?=\r\n", "\xc3\xbc", "Subject: =?UTF-8?B?w7w=?= =?utf-8?Q?x?=\r\n");
	assert_tagged("Subject: a\r\n", "\xfc", "Subject: =?UTF-8?B?77+9?= a\r\n");
}

static void test_long_words(void **state)
{
	char *tag = talloc_strdup(NULL, ""), *coded;
	for (int i = 0; i < 60; i++)
		tag = talloc_strdup_append(tag, "\xe2\x82\xac");
	coded = subject_encode(tag, tag);
	gchar **words = g_strsplit(coded, " ", -1);
	assert_int_equal(g_strv_length(words), 4);
	for (gchar **w = words; *w; w++)
		assert_true(strlen(*w) <= 75);
	g_strfreev(words);
	talloc_free(tag);
}

/* A line that grew over RFC 5322's limit is folded where the tag's blank stood. */
static void test_long_line(void **state)
{
	char *x = talloc_zero_size(NULL, 990 + 1);
	memset(x, 'x', 990);
	char *field = talloc_asprintf(x, "Subject: %s\r\n", x), *wanted = talloc_asprintf(x, "Subject: ***UNCHECKED***\r\n %s\r\n", x);
	assert_tagged(field, TAG, wanted);
	talloc_free(x);
}

static char *streamed(const char *mail, const struct header *h, struct edit_list *l)
{
	FILE *file = tmpfile();
	char *out = talloc_zero_size(l, 1000);
	assert_int_equal(fwrite(mail, 1, strlen(mail), file), strlen(mail));
	assert_int_equal(fflush(file), 0);
	assert_true(edit_stream_read(edit_stream_open(l, fileno(file), strlen(mail), h, l, EDIT_CRLF, false), out, 999) > 0);
	fclose(file);
	return out;
}

/* A repair of the header and the tag meet in one field: both count. */
static void test_repaired_field(void **state)
{
	static const char mail[] = "Subject: a\r\n \t\r\n b\r\nTo: b\r\n\r\nbody\r\n";
	struct header h;
	struct edit_list *l = edit_list_new(NULL);
	header_parse(mail, strlen(mail), true, l, &h);
	assert_int_equal(header_fix(l, &h, HEADER_FIX_CR | HEADER_FIX_FOLDING | HEADER_FIX_LONG), 1);
	subject_add_tag(l, &h, TAG);
	assert_string_equal(streamed(mail, &h, l), "Subject: ***UNCHECKED*** a\r\n b\r\nTo: b\r\n\r\nbody\r\n");
	talloc_free(l);
}

/* Of several all: which one is shown differs from reader to reader; where there is none, one is made. */
static void test_which_subject(void **state)
{
	static const char two[] = "Subject: a\r\nTo: b\r\nSUBJECT:b\r\n c\r\n\r\n", none[] = "To: b\r\n\r\n";
	struct header h;
	struct edit_list *l = edit_list_new(NULL);
	header_parse(two, strlen(two), true, l, &h);
	subject_add_tag(l, &h, TAG);
	assert_string_equal(streamed(two, &h, l), "Subject: ***UNCHECKED*** a\r\nTo: b\r\nSUBJECT: ***UNCHECKED*** b\r\n c\r\n\r\n");
	talloc_free(l);
	l = edit_list_new(NULL);
	header_parse(none, strlen(none), true, l, &h);
	subject_add_tag(l, &h, TAG);
	assert_string_equal(streamed(none, &h, l), "Subject: ***UNCHECKED***\r\nTo: b\r\n\r\n");
	talloc_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_encoded), cmocka_unit_test(test_folded), cmocka_unit_test(test_not_twice),
		cmocka_unit_test(test_beyond_ascii), cmocka_unit_test(test_long_words), cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_repaired_field), cmocka_unit_test(test_which_subject),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
