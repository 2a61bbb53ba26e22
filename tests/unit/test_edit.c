/* test_edit.c - edit lists and edit streams: byte for byte, at every block boundary. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <talloc.h>
#include <unistd.h>

#include <cmocka.h>

#include <glib.h>

#include "mail/edit.h"

static int mail_fd(const char *data, size_t n)
{
	int fd = memfd_create("mail", MFD_CLOEXEC);

	assert_int_equal(write(fd, data, n), n);
	return fd;
}

/* The whole stream, read in pieces of `step` bytes. */
static GString *play(const char *data, size_t n, const struct edit_list *l, enum edit_eol eol, bool stuff, size_t step)
{
	void *owner = talloc_new(NULL);
	int fd = mail_fd(data, n);
	struct header h = { 0 };
	struct edit_stream *s;
	GString *out = g_string_new(NULL);
	char *piece = g_malloc(step);
	ssize_t got;

	assert_int_equal(header_read(fd, n, owner, &h), 0);
	s = edit_stream_open(owner, fd, n, &h, l, eol, stuff);
	while ((got = edit_stream_read(s, piece, step)) > 0)
		g_string_append_len(out, piece, got);
	assert_int_equal(got, 0);
	if (!stuff)
		assert_int_equal(edit_stream_size(s), out->len);
	g_free(piece);
	close(fd);
	talloc_free(owner);
	return out;
}

static void expect(const char *data, const struct edit_list *l, enum edit_eol eol, bool stuff, const char *wanted)
{
	static const size_t steps[] = { 1, 2, 3, 5, 7, 15, 16, 17, 18, 31, 32, 33, 64, 65, 100, 4096, 65536 };

	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		GString *out = play(data, strlen(data), l, eol, stuff, steps[i]);

		assert_string_equal(out->str, wanted);
		g_string_free(out, TRUE);
	}
}

#define MAIL "Received: from a\r\n\tby b\r\nX-Spam: one\r\n\ttwo\r\nSubject: s\r\nx-SPAM: three\r\n\r\nbody\r\n.\r\n..dots\r\nend\r\n"

static void test_nothing_to_do(void **state)
{
	struct edit_list *l = edit_list_new(NULL);

	(void)state;
	expect(MAIL, l, EDIT_CRLF, false, MAIL);
	expect(MAIL, NULL, EDIT_CRLF, false, MAIL);
	expect("", l, EDIT_CRLF, true, "");
	expect("\r\n", l, EDIT_CRLF, true, "\r\n");
	talloc_free(l);
}

static void replace(struct edit_list *l, const char *mail, const char *name, const char *field)
{
	struct header h;
	void *owner = talloc_new(NULL);

	header_parse(mail, strlen(mail), true, owner, &h);
	edit_replace(l, header_find(&h, name), field, strlen(field));
	talloc_free(owner);
}

static void test_replace(void **state)
{
	struct edit_list *l = edit_list_new(NULL), *other = edit_list_new(NULL);

	(void)state;
	replace(l, MAIL, "subject", "Subject: other\r\n");
	replace(l, MAIL, "received", "Received: x\n y\n");
	expect(MAIL, l, EDIT_CRLF, false, "Received: x\r\n y\r\nX-Spam: one\r\n\ttwo\r\nSubject: other\r\nx-SPAM: three\r\n\r\nbody\r\n.\r\n..dots\r\nend\r\n");
	expect(MAIL, l, EDIT_LF, false, "Received: x\n y\nX-Spam: one\n\ttwo\nSubject: other\nx-SPAM: three\n\nbody\n.\n..dots\nend\n");
	replace(l, MAIL, "subject", "Subject: again\r\n");
	edit_remove(l, "received");
	edit_prepend(l, "X-New", "1");
	expect(MAIL, l, EDIT_CRLF, false, "X-New: 1\r\nX-Spam: one\r\n\ttwo\r\nSubject: again\r\nx-SPAM: three\r\n\r\nbody\r\n.\r\n..dots\r\nend\r\n");
	edit_prepend(other, "X-New", "1");
	edit_remove(other, "received");
	replace(other, MAIL, "received", "Received: x\n y\n");
	assert_false(edit_list_equal(l, other));
	replace(other, MAIL, "subject", "Subject: again\r\n");
	assert_true(edit_list_equal(l, other));
	assert_false(edit_header_has_8bit(NULL, l));
	replace(l, MAIL, "subject", "Subject: \xc3\xbc\r\n");
	assert_true(edit_header_has_8bit(NULL, l));
	talloc_free(l);
	talloc_free(other);
}

static void test_prepend_and_remove(void **state)
{
	struct edit_list *l = edit_list_new(NULL);

	(void)state;
	edit_prepend(l, "X-Low", "first");
	edit_prepend(l, "X-High", "second,\n folded");
	edit_remove(l, "x-Spam");
	edit_remove(l, "X-Spam");
	expect(MAIL, l, EDIT_CRLF, false, "X-High: second,\r\n folded\r\nX-Low: first\r\n"
		"Received: from a\r\n\tby b\r\nSubject: s\r\n\r\nbody\r\n.\r\n..dots\r\nend\r\n");
	expect(MAIL, l, EDIT_LF, false, "X-High: second,\n folded\nX-Low: first\n"
		"Received: from a\n\tby b\nSubject: s\n\nbody\n.\n..dots\nend\n");
	edit_remove(l, "received");
	edit_remove(l, "subject");
	expect(MAIL, l, EDIT_CRLF, true, "X-High: second,\r\n folded\r\nX-Low: first\r\n\r\nbody\r\n..\r\n...dots\r\nend\r\n");
	talloc_free(l);
}

static void test_field_cannot_be_ended(void **state)
{
	struct edit_list *l = edit_list_new(NULL);

	(void)state;
	edit_prepend(l, "X-Alert: y\n", "virus\r\nX-Forged: z\n\tok\001\n\n");
	expect("", l, EDIT_CRLF, false, "X-Alert--y-: virus\r\n X-Forged: z\r\n\tok?\r\n");
	talloc_free(l);
}

static void test_long_names_are_compared_whole(void **state)
{
	struct edit_list *l = edit_list_new(NULL);

	(void)state;
	edit_remove(l, "X-A-Name-That-Is-Longer-Than-Forty-Characters-One");
	expect("X-A-Name-That-Is-Longer-Than-Forty-Characters-One: a\r\nX-A-Name-That-Is-Longer-Than-Forty-Characters-Two: b\r\n\r\n", l,
		EDIT_CRLF, false, "X-A-Name-That-Is-Longer-Than-Forty-Characters-Two: b\r\n\r\n");
	talloc_free(l);
}

static void test_line_ends(void **state)
{
	(void)state;
	expect("A: b\n\nx\n.\n.y\r\nz\r", NULL, EDIT_CRLF, true, "A: b\r\n\r\nx\r\n..\r\n..y\r\nz\r");
	expect("\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", NULL, EDIT_CRLF, false,
		"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n");
	expect("A: b\r\n\r\nx\r\r\ny\rz\r\n.\r", NULL, EDIT_LF, false, "A: b\n\nx\r\ny\rz\n.\r");
	expect("A: b\r\n\r\n.x\r\n.\r", NULL, EDIT_LF, true, "A: b\n\n..x\n..\r");
	expect(".", NULL, EDIT_CRLF, true, "..");
	expect(".\r\n.\r\n.\r\n", NULL, EDIT_CRLF, true, "..\r\n..\r\n..\r\n");
}

/* A slow and simple second opinion. */
static GString *reference(const char *p, size_t n, bool crlf, bool stuff)
{
	GString *out = g_string_new(NULL);
	bool start = true;

	for (size_t i = 0; i < n; i++) {
		if (!crlf && p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')
			continue;
		if (stuff && start && p[i] == '.')
			g_string_append_c(out, '.');
		if (crlf && p[i] == '\n' && (i == 0 || p[i - 1] != '\r'))
			g_string_append_c(out, '\r');
		g_string_append_c(out, p[i]);
		start = p[i] == '\n';
	}
	return out;
}

static void test_random_bytes_agree(void **state)
{
	static const char alphabet[] = "\r\n..a\nb";
	GRand *random = g_rand_new_with_seed(7);

	(void)state;
	for (int round = 0; round < 400; round++) {
		char data[300];
		size_t n = (size_t)g_rand_int_range(random, 0, sizeof data), step = (size_t)g_rand_int_range(random, 1, 90);
		bool crlf = round & 1, stuff = round & 2;
		GString *wanted, *got;

		for (size_t i = 0; i < n; i++)
			data[i] = alphabet[g_rand_int_range(random, 0, sizeof alphabet - 1)];
		wanted = reference(data, n, crlf, stuff);
		got = play(data, n, NULL, crlf ? EDIT_CRLF : EDIT_LF, stuff, step);
		assert_int_equal(got->len, wanted->len);
		assert_memory_equal(got->str, wanted->str, got->len);
		g_string_free(wanted, TRUE);
		g_string_free(got, TRUE);
	}
	g_rand_free(random);
}

/* "\r\n.\r\n" around the end of each 64 KiB block. */
static void test_dot_at_block_boundary(void **state)
{
	(void)state;
	for (size_t at = 65536 - 8; at < 65536 + 8; at++) {
		GString *mail = g_string_new("A: b\r\n\r\n"), *wanted, *got;

		while (mail->len < at)
			g_string_append_c(mail, 'x');
		g_string_append(mail, "\r\n.\r\n.\r\n..end\r\n");
		while (mail->len < 3 * 65536)
			g_string_append(mail, "0123456789\r\n");
		wanted = reference(mail->str, mail->len, true, true);
		got = play(mail->str, mail->len, NULL, EDIT_CRLF, true, 65536);
		assert_true(g_string_equal(wanted, got));
		g_string_free(mail, TRUE);
		g_string_free(wanted, TRUE);
		g_string_free(got, TRUE);
	}
}

static void test_equal(void **state)
{
	struct edit_list *a = edit_list_new(NULL), *b = edit_list_new(NULL);

	(void)state;
	edit_remove(a, "X");
	edit_remove(a, "Y");
	edit_remove(b, "y");
	assert_false(edit_list_equal(a, b));
	edit_remove(b, "x");
	assert_true(edit_list_equal(a, b));
	edit_prepend(a, "Z", "1");
	assert_false(edit_list_equal(a, b));
	edit_prepend(b, "Z", "1");
	assert_true(edit_list_equal(a, b));
	talloc_free(a);
	talloc_free(b);
}

static void test_eight_bit(void **state)
{
	static const char plain[] = "A: b\r\n\r\nc\r\n", body[] = "A: b\r\n\r\n\xc3\xa4\r\n", head[] = "A: \xc3\xa4\r\n\r\n";
	static const struct { const char *data; bool all, header; } table[] = {
		{ plain, false, false }, { body, true, false }, { head, true, true }
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		void *owner = talloc_new(NULL);
		size_t n = strlen(table[i].data);
		int fd = mail_fd(table[i].data, n);
		struct header h;

		assert_int_equal(header_read(fd, n, owner, &h), 0);
		assert_int_equal(edit_stream_has_8bit(edit_stream_open(owner, fd, n, &h, NULL, EDIT_CRLF, true)), table[i].all);
		assert_int_equal(edit_header_has_8bit(&h, NULL), table[i].header);
		close(fd);
		talloc_free(owner);
	}
}

static void test_file_shorter_than_said(void **state)
{
	void *owner = talloc_new(NULL);
	int fd = mail_fd("abc", 3);
	struct edit_stream *s = edit_stream_open(owner, fd, 10, NULL, NULL, EDIT_CRLF, true);
	char out[100];

	(void)state;
	assert_int_equal(edit_stream_read(s, out, sizeof out), -1);
	close(fd);
	talloc_free(owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_do), cmocka_unit_test(test_replace),
		cmocka_unit_test(test_prepend_and_remove),
		cmocka_unit_test(test_field_cannot_be_ended), cmocka_unit_test(test_long_names_are_compared_whole),
		cmocka_unit_test(test_line_ends), cmocka_unit_test(test_random_bytes_agree),
		cmocka_unit_test(test_dot_at_block_boundary), cmocka_unit_test(test_equal),
		cmocka_unit_test(test_eight_bit), cmocka_unit_test(test_file_shorter_than_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
