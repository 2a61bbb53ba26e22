/* test_header.c - where fields lie, in tame mails and in hostile ones. Each case goes through memory and through a file. */
#include "config.h"
#include <errno.h>
#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <talloc.h>
#include <cmocka.h>

#include "base/deadline.h"
#include "mail/header.h"

static void *owner;
static struct header h;

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

static void assert_same(const struct header *a, const struct header *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->length, b->length);
	assert_int_equal(a->body_offset, b->body_offset);
	assert_int_equal(a->truncated, b->truncated);
	assert_memory_equal(a->text, b->text, a->length + 1);
	if (a->count > 0)
		assert_memory_equal(a->fields, b->fields, a->count * sizeof *a->fields);
}

/* Every byte of the header belongs to one field, in order. */
static void assert_covered(const struct header *a)
{
	uint64_t at = 0;
	for (unsigned i = 0; i < a->count; i++) {
		assert_int_equal(a->fields[i].offset, at);
		assert_true(a->fields[i].length > 0);
		at += a->fields[i].length;
	}
	assert_int_equal(at, a->length);
}

static void read_mail(const char *data, size_t n)
{
	struct header from_memory;
	FILE *f = tmpfile();
	assert_int_equal(fwrite(data, 1, n, f), n);
	fflush(f);
	assert_int_equal(header_read(fileno(f), n, owner, &h), 0);
	fclose(f);
	header_parse(data, n, true, owner, &from_memory);
	assert_same(&h, &from_memory);
	assert_covered(&h);
}

#define READ(literal) read_mail(literal, sizeof literal - 1)

static void assert_value(const char *name, const char *value)
{
	const struct header_field *f = header_find(&h, name);
	assert_non_null(f);
	assert_string_equal(header_value(&h, f, owner), value);
}

static void crlf_mail(void **state)
{
	READ("Received: from a\r\n\tby b;\r\n  now\r\nFROM : x@y\r\nSubject:\r\nSubject: 2\r\n\r\nbody\r\n\r\nmore");
	assert_int_equal(h.count, 4);
	assert_int_equal(h.length, 67);
	assert_int_equal(h.body_offset, 69);
	assert_false(h.truncated);
	assert_value("received", "from a\tby b;  now");
	assert_value("from", "x@y");
	assert_value("subject", "");
	assert_int_equal(header_count(&h, "subject"), 2);
	assert_int_equal(h.fields[1].name_length, 4);
	assert_null(header_find(&h, "to"));
	assert_null(header_find(&h, ""));
	assert_int_equal(header_count(&h, ""), 0);
}

static void lf_mail(void **state)
{
	READ("A: 1\n B\nC:2\n\nbody: no\n");
	assert_int_equal(h.count, 2);
	assert_int_equal(h.body_offset, 13);
	assert_value("a", "1 B");
	assert_value("c", "2");
}

static void odd_lines_are_kept(void **state)
{
	READ("From someone Sat Nov 21\r\nno colon here\r\n: empty\r\nbad name: x\r\nb\xc3\xa4" "d: y\r\nGood: z\r\n\r\n");
	assert_int_equal(h.count, 6);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(h.fields[i].name_length, 0);
		assert_string_equal(h.fields[i].name, "");
	}
	assert_value("good", "z");
	assert_string_equal(header_value(&h, &h.fields[1], owner), "no colon here");
	READ(" begins with a blank\r\nA: 1\r\n\r\n");
	assert_int_equal(h.count, 2);
	assert_int_equal(h.fields[0].name_length, 0);
	READ("A: 1\r\n \r\nB: 2\r\n\r\n");	/* a line of blanks continues, it ends nothing */
	assert_int_equal(h.count, 2);
	assert_value("a", "1");
	READ("A: 1\r\r\n\r\r\n\r\nbody");	/* nor does CR CR LF */
	assert_int_equal(h.count, 2);
	assert_int_equal(h.fields[1].name_length, 0);
}

static void nul_bytes(void **state)
{
	READ("A: x\0y\r\nB\0: z\r\n\0\r\nC: 3\r\n\r\n");
	assert_int_equal(h.count, 4);
	assert_value("a", "x y");
	assert_int_equal(h.fields[1].name_length, 0);
	assert_int_equal(h.fields[2].name_length, 0);
	assert_value("c", "3");
	assert_memory_equal(h.text, "A: x\0y\r\n", 8);
}

static void ends_without_empty_line(void **state)
{
	READ("A: 1\r\nB: 2");
	assert_int_equal(h.count, 2);
	assert_int_equal(h.body_offset, 10);
	assert_false(h.truncated);
	assert_value("b", "2");
	READ("");
	assert_int_equal(h.count, 0);
	assert_string_equal(h.text, "");
	READ("\r\nbody");
	assert_int_equal(h.count, 0);
	assert_int_equal(h.body_offset, 2);
	READ("\nbody");
	assert_int_equal(h.body_offset, 1);
	READ("A: 1\r\n\r");
	assert_int_equal(h.count, 2);
}

/* The empty line at every place relative to the blocks in which the file is read. */
static void empty_line_across_blocks(void **state)
{
	enum { BLOCK = 65536, SPAN = 12 };
	char *data = g_strnfill(BLOCK + 100, 'x');
	for (int shift = -SPAN; shift < SPAN; shift++) {
		memset(data, 'x', BLOCK + 100);
		memcpy(data, "A:", 2);
		memcpy(data + BLOCK + shift, "\r\n\r\n", 4);
		read_mail(data, BLOCK + 100);
		assert_int_equal(h.count, 1);
		assert_int_equal(h.body_offset, BLOCK + shift + 4);
	}
	g_free(data);
}

static void long_names_are_cut(void **state)
{
	READ("X-A-Name-Much-Longer-Than-The-Forty-Bytes-Kept: v\r\n\r\n");
	assert_int_equal(h.fields[0].name_length, 46);
	assert_int_equal(strlen(h.fields[0].name), 39);
	assert_null(header_find(&h, h.fields[0].name));
	char *giant = g_strnfill(100000, 'n');
	giant[99999] = ':';
	read_mail(giant, 100000);
	assert_int_equal(h.fields[0].name_length, 0);
	g_free(giant);
}

static void a_million_fields(void **state)
{
	GString *mail = g_string_new(NULL);
	for (int i = 0; i < 1000000; i++)
		g_string_append(mail, "a:\n");
	g_string_append(mail, "\nbody");
	int64_t start_ms = clock_now_ms();
	read_mail(mail->str, mail->len);
	assert_true(clock_now_ms() - start_ms < 3000);
	assert_int_equal(h.count, HEADER_MAX_FIELDS);
	assert_true(h.truncated);
	assert_int_equal(h.body_offset, 3 * HEADER_MAX_FIELDS);
	g_string_free(mail, TRUE);
}

static void a_line_of_100_megabytes(void **state)
{
	size_t n = 100 * 1024 * 1024;
	char *data = g_strnfill(n, ' ');
	memcpy(data, "Subject: x", 10);
	int64_t start_ms = clock_now_ms();
	read_mail(data, n);
	assert_true(clock_now_ms() - start_ms < 5000);
	assert_true(h.truncated);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.length, HEADER_MAX_BYTES);
	assert_int_equal(h.body_offset, HEADER_MAX_BYTES);
	assert_value("subject", "x");
	memset(data + 10, '\n', n - 10);	/* and lines that continue without end */
	for (size_t i = 11; i < n; i += 2)
		data[i] = ' ';
	read_mail(data, n);
	assert_true(h.truncated);
	g_free(data);
}

static void errors_are_told(void **state)
{
	assert_int_equal(header_read(-1, 10, owner, &h), -1);
	assert_int_equal(errno, EBADF);
	/* A file shorter than was said is no error. */
	FILE *f = tmpfile();
	fputs("A: 1\r\n", f);
	fflush(f);
	assert_int_equal(header_read(fileno(f), 1000, owner, &h), 0);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.body_offset, 6);
	fclose(f);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(crlf_mail), EACH(lf_mail), EACH(odd_lines_are_kept), EACH(nul_bytes), EACH(ends_without_empty_line), EACH(empty_line_across_blocks),
		EACH(long_names_are_cut), EACH(a_million_fields), EACH(a_line_of_100_megabytes), EACH(errors_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
