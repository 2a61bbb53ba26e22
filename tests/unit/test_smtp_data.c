/* test_smtp_data.c - the reader of mail bytes: only CRLF.CRLF ends, wherever packets are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reception/smtp_data.h"

struct piece { const char *name; const char *bytes; size_t n; };

static const struct piece pieces[] = {
	{ "LF", "\n", 1 }, { "CR", "\r", 1 }, { "CRLF", "\r\n", 2 }, { "CRCRLF", "\r\r\n", 3 }, { "NUL", "\0", 1 }, { "VT", "\v", 1 }, { "", "", 0 }
};
#define PIECES (sizeof pieces / sizeof *pieces)

struct output { uint8_t bytes[4096]; size_t n; };

static void collect(void *user, const uint8_t *data, size_t n)
{
	struct output *out = user;
	assert_true(out->n + n <= sizeof out->bytes);
	memcpy(out->bytes + out->n, data, n);
	out->n += n;
}

/* Feeds text in two parts cut at `cut`; returns where the data ended, or n + 1 where it did not. */
static size_t read_cut(const char *text, size_t n, size_t cut, struct data_reader *r, struct output *out)
{
	bool ended = false;
	out->n = 0;
	data_reader_start(r, true);
	size_t taken = data_reader_feed(r, (const uint8_t *)text, cut, &ended, collect, out);
	if (ended)
		return taken;
	taken = data_reader_feed(r, (const uint8_t *)text + cut, n - cut, &ended, collect, out);
	return ended ? cut + taken : n + 1;
}

static void assert_same(const struct output *a, const struct output *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->bytes, b->bytes, a->n);
}

static void assert_only_crlf(const struct output *out)
{
	for (size_t i = 0; i < out->n; i++) {
		if (out->bytes[i] == '\n')
			assert_true(i > 0 && out->bytes[i - 1] == '\r');
		if (out->bytes[i] == '\r')
			assert_true(i + 1 < out->n && out->bytes[i + 1] == '\n');
	}
}

/* "a <x> . <y> b CRLF . CRLF": ends at the first only when x ends in CRLF and y is CRLF. */
static void check_candidate(const struct piece *x, const struct piece *y)
{
	char text[64];
	size_t n = 0;
	struct output whole, parts;
	struct data_reader r;
	text[n++] = 'a';
	memcpy(text + n, x->bytes, x->n);
	n += x->n;
	text[n++] = '.';
	memcpy(text + n, y->bytes, y->n);
	n += y->n;
	size_t first_end = n;
	memcpy(text + n, "b\r\n.\r\n", 6);
	n += 6;
	bool is_end = x->n >= 2 && y->n == 2;
	size_t expected = is_end ? first_end : n;
	assert_int_equal(read_cut(text, n, n, &r, &whole), expected);
	assert_only_crlf(&whole);
	for (size_t cut = 0; cut <= n; cut++) {
		assert_int_equal(read_cut(text, n, cut, &r, &parts), expected);
		assert_same(&whole, &parts);
	}
}

static void test_matrix(void **state)
{
	(void)state;
	for (size_t x = 0; x < PIECES; x++)
		for (size_t y = 0; y < PIECES; y++)
			check_candidate(&pieces[x], &pieces[y]);
}

static void check_output(const char *in, const char *expected, bool bare_cr, bool bare_lf)
{
	struct output out;
	struct data_reader r;
	size_t n = strlen(in);
	for (size_t cut = 0; cut <= n; cut++) {
		assert_int_equal(read_cut(in, n, cut, &r, &out), n);
		assert_int_equal(out.n, strlen(expected));
		assert_memory_equal(out.bytes, expected, out.n);
		assert_int_equal(r.bare_cr, bare_cr);
		assert_int_equal(r.bare_lf, bare_lf);
	}
}

static void test_output(void **state)
{
	(void)state;
	check_output(".\r\n", "", false, false);
	check_output("a\r\n.\r\n", "a\r\n", false, false);
	check_output("..a\r\n..\r\n...\r\n.\r\n", ".a\r\n.\r\n..\r\n", false, false);
	check_output(".a\r\n.\r\n", "a\r\n", false, false);
	check_output("a\n.\n.b\r\n.\r\n", "a\r\n.\r\n.b\r\n", false, true);
	check_output("a\rb\r\n.\r\n", "a\r\nb\r\n", true, false);
	check_output("a\r\r\nb\r\n.\r\n", "a\r\nb\r\n", true, false);
	check_output("a\r\rb\r\n.\r\n", "a\r\n\r\nb\r\n", true, false);
	check_output("a\r\n.\rb\r\n.\r\n", "a\r\n\r\nb\r\n", true, false);
	check_output("a\r\n.\n\r\n.\r\n", "a\r\n\r\n\r\n", false, true);
	check_output("a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\nb\r\n", true, false);
}

static void test_bdat(void **state)
{
	static const char text[] = "a\r\n.\r\n..\r\nb\nc\r";
	static const char expected[] = "a\r\n.\r\n..\r\nb\r\nc\r\n";
	(void)state;
	for (size_t cut = 0; cut < sizeof text; cut++) {
		struct output out = { .n = 0 };
		struct data_reader r;
		bool ended;
		data_reader_start(&r, false);
		data_reader_feed(&r, (const uint8_t *)text, cut, &ended, collect, &out);
		data_reader_feed(&r, (const uint8_t *)text + cut, sizeof text - 1 - cut, &ended, collect, &out);
		data_reader_finish(&r, collect, &out);
		assert_false(ended);
		assert_int_equal(out.n, sizeof expected - 1);
		assert_memory_equal(out.bytes, expected, out.n);
	}
}

/* The fast paths against one byte at a time, over random mixes of the bytes that matter. */
static void test_random(void **state)
{
	static const char alphabet[] = "\r\n.a\r\nb";
	(void)state;
	srand(20240501);
	for (unsigned round = 0; round < 3000; round++) {
		char text[200];
		struct output fast, slow = { .n = 0 };
		struct data_reader r;
		size_t n = (size_t)rand() % sizeof text, end_fast, end_slow = n + 1;
		for (size_t i = 0; i < n; i++)
			text[i] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
		end_fast = read_cut(text, n, n, &r, &fast);
		bool ended = false;
		data_reader_start(&r, true);
		for (size_t i = 0; i < n && !ended; i++) {
			data_reader_feed(&r, (const uint8_t *)text + i, 1, &ended, collect, &slow);
			if (ended)
				end_slow = i + 1;
		}
		assert_int_equal(end_fast, end_slow);
		assert_same(&fast, &slow);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix), cmocka_unit_test(test_output), cmocka_unit_test(test_bdat), cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
