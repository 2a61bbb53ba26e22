/* test_wire_codec.c - the codec: every kind of field, every way for a record to end too early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <talloc.h>

#include "wire/codec.h"

static const char blob[] = { 'a', 0, 'b' };

static void write_one_of_each(struct wire_writer *w)
{
	wire_begin(w, 77);
	wire_put_u8(w, 0xFE);
	wire_put_u32(w, 0xDEADBEEFu);
	wire_put_u64(w, UINT64_MAX - 1);
	wire_put_i64(w, INT64_MIN);
	wire_put_double(w, -0.125);
	wire_put_blob(w, blob, sizeof blob);
	wire_put_str(w, "text");
	wire_put_str(w, NULL);
	wire_put_str(w, "");
	wire_put_u32(w, 2);
	wire_put_u8(w, 1);
	wire_put_u8(w, 2);
}

/* Reads all fields; they are only right when the reader says so at the end. */
static bool read_one_of_each(struct wire_reader *r, void *owner)
{
	size_t n;
	bool same = wire_get_u8(r) == 0xFE;
	same &= wire_get_u32(r) == 0xDEADBEEFu;
	same &= wire_get_u64(r) == UINT64_MAX - 1;
	same &= wire_get_i64(r) == INT64_MIN;
	double d = wire_get_double(r);
	same &= d > -0.126 && d < -0.124;
	const void *b = wire_get_blob(r, &n);
	same &= b && n == sizeof blob && memcmp(b, blob, n) == 0;
	const char *text = wire_get_str(r, owner, 4), *none = wire_get_str(r, owner, 0), *empty = wire_get_str(r, owner, 0);
	same &= text && strcmp(text, "text") == 0 && !none && empty && *empty == '\0';
	same &= wire_get_count(r, 1) == 2;
	same &= wire_get_u8(r) == 1;
	same &= wire_get_u8(r) == 2;
	return same;
}

static void test_round_trip(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	struct wire_reader r;
	size_t n;
	void *owner = talloc_new(NULL);
	for (int again = 0; again < 2; again++) {
		write_one_of_each(&w);
		const void *data = wire_end(&w, &n);
		assert_true(wire_open(&r, data, n));
		assert_int_equal(r.kind, 77);
		assert_true(read_one_of_each(&r, owner));
		assert_true(wire_reader_ok(&r));
	}
	wire_free(&w);
	wire_free(&w);
	talloc_free(owner);
}

/* Cut at each byte, with a head that tells the cut length: every get past the end must give zero or empty. */
static void test_truncated_at_each_byte(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	size_t n;
	void *owner = talloc_new(NULL);
	write_one_of_each(&w);
	const uint8_t *data = wire_end(&w, &n);
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *copy = talloc_memdup(owner, data, cut ? cut : 1);
		struct wire_reader r;
		assert_false(wire_open(&r, copy, cut));
		assert_true(r.bad);
		if (cut >= 8) {
			copy[4] = (uint8_t)(cut - 8);
			assert_true(wire_open(&r, copy, cut));
		}
		read_one_of_each(&r, owner);
		assert_false(wire_reader_ok(&r));
		talloc_free(copy);
	}
	wire_free(&w);
	talloc_free(owner);
}

static void test_everything_is_empty_after_bad(void **state)
{
	(void)state;
	struct wire_reader r;
	size_t n = 5;
	assert_false(wire_open(&r, "", 0));
	assert_int_equal(wire_get_u8(&r), 0);
	assert_int_equal(wire_get_u32(&r), 0);
	assert_true(wire_get_u64(&r) == 0);
	assert_true(wire_get_i64(&r) == 0);
	assert_true(wire_get_double(&r) >= 0 && wire_get_double(&r) <= 0);
	assert_null(wire_get_blob(&r, &n));
	assert_int_equal(n, 0);
	assert_null(wire_get_str(&r, NULL, 100));
	assert_int_equal(wire_get_count(&r, 0), 0);
	assert_false(wire_reader_ok(&r));
}

static void test_wrong_head(void **state)
{
	(void)state;
	struct wire_reader r;
	uint8_t head[9] = { 1, 0, WIRE_VERSION, 0, 0, 0, 0, 0, 0 };
	assert_true(wire_open(&r, head, 8));
	assert_true(wire_reader_ok(&r));
	assert_false(wire_open(&r, head, 9));
	head[2] = WIRE_VERSION + 1;
	assert_false(wire_open(&r, head, 8));
}

/* One string field; 0 when it was read well. */
static int read_string(const void *bytes, size_t n, size_t max)
{
	struct wire_writer w = { 0 };
	struct wire_reader r;
	size_t size;
	void *owner = talloc_new(NULL);
	wire_begin(&w, 1);
	wire_put_blob(&w, bytes, n);
	const void *data = wire_end(&w, &size);
	assert_true(wire_open(&r, data, size));
	char *text = wire_get_str(&r, owner, max);
	int rc = wire_reader_ok(&r) && text ? 0 : -1;
	assert_true((rc == 0) == !r.bad);
	wire_free(&w);
	talloc_free(owner);
	return rc;
}

static void test_strings_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(read_string("abc", 3, 3), 0);
	assert_int_equal(read_string("abcd", 4, 3), -1);
	assert_int_equal(read_string("a\0c", 3, 3), -1);
}

static void test_huge_lengths_and_counts(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	struct wire_reader r;
	size_t n;
	wire_begin(&w, 1);
	wire_put_u32(&w, 0xFFFFFFFEu);
	wire_put_u32(&w, 0);
	const void *data = wire_end(&w, &n);
	assert_true(wire_open(&r, data, n));
	assert_null(wire_get_str(&r, NULL, SIZE_MAX));
	assert_true(r.bad);
	assert_true(wire_open(&r, data, n));
	assert_null(wire_get_blob(&r, &n));
	assert_true(r.bad);
	data = wire_end(&w, &n);
	assert_true(wire_open(&r, data, n));
	assert_int_equal(wire_get_count(&r, 4), 0);
	assert_true(r.bad);
	wire_free(&w);
}

static void check_cut(const char *text, size_t max, const char *expected)
{
	struct wire_writer w = { 0 };
	struct wire_reader r;
	size_t n;
	wire_begin(&w, 1);
	wire_put_str_cut(&w, text, max);
	const void *data = wire_end(&w, &n);
	assert_true(wire_open(&r, data, n));
	char *got = wire_get_str(&r, NULL, max);
	if (expected)
		assert_string_equal(got, expected);
	else
		assert_null(got);
	assert_true(wire_reader_ok(&r));
	talloc_free(got);
	wire_free(&w);
}

static void test_cut_strings(void **state)
{
	(void)state;
	check_cut(NULL, 3, NULL);
	check_cut("", 3, "");
	check_cut("abc", 3, "abc");
	check_cut("abcd", 3, "abc");
	check_cut("ab\xC3\xA4", 3, "ab");
	check_cut("a\xE2\x82\xAC", 3, "a");
	check_cut("a\xE2\x82\xAC", 0, "");
	check_cut("\x80\x80\x80\x80\x80\x80", 5, "\x80\x80");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_truncated_at_each_byte),
		cmocka_unit_test(test_everything_is_empty_after_bad),
		cmocka_unit_test(test_wrong_head),
		cmocka_unit_test(test_strings_are_bounded),
		cmocka_unit_test(test_huge_lengths_and_counts),
		cmocka_unit_test(test_cut_strings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
