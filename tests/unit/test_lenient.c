/* test_lenient.c - what the lenient reader of MIME takes for a header, a boundary, an encoding, a leaf. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "opener/lenient.h"

static struct slice slice_of(const char *text)
{
	return (struct slice){ .data = (const uint8_t *)text, .n = strlen(text) };
}

/* --- where a header ends --- */

static void assert_ends(const char *text, unsigned count, const char *const bodies[])
{
	struct lenient_header h[LENIENT_HEADERS];
	size_t lines;
	assert_int_equal(lenient_header_ends(slice_of(text), h, &lines), count);
	for (unsigned i = 0; i < count; i++)
		assert_string_equal(text + h[i].body, bodies[i]);
}
#define ENDS(text, ...) do { \
		static const char *const bodies[] = { __VA_ARGS__ }; \
		assert_ends(text, sizeof bodies / sizeof bodies[0], bodies); \
	} while (0)

static void test_header_ends(void **state)
{
	ENDS("A: b\r\n\r\nbody", "body");
	ENDS("A: b\n\nbody", "body");
	ENDS("\r\nbody", "body");
	ENDS("A: b\r\n", "");
	ENDS("A: b\r\n c\r\n\td\r\n\r\nbody", "body");
	ENDS("From a@b today\r\nA: b\r\n\r\nbody", "body");
	ENDS("A: b\r\n \r\nC: d\r\n\r\nbody", "body", "C: d\r\n\r\nbody");
	ENDS("A: b\r\nno field\r\nC: d\r\n\r\nbody", "body", "no field\r\nC: d\r\n\r\nbody");
	ENDS("A: b\r\rC: d\r\n\r\nbody", "body", "C: d\r\n\r\nbody");
}

/* --- fields --- */

static void assert_type_in(const char *header, const char *wanted)
{
	struct lenient_fields f;
	lenient_fields_read(slice_of(header), &f);
	bool found = false;
	for (guint i = 0; f.types && i < f.types->len; i++) {
		char *type = lenient_type(g_ptr_array_index(f.types, i));
		found |= type && strcmp(type, wanted) == 0;
		g_free(type);
	}
	lenient_fields_clear(&f);
	if (!found)
		fail_msg("%s in %s", wanted, header);
}

static void test_types(void **state)
{
	assert_type_in("Content-Type: A/B; c=d\r\n", "a/b");
	assert_type_in("Content-Type : a/b\r\n", "a/b");
	assert_type_in("CONTENT-TYPE:a/b\r\n", "a/b");
	assert_type_in("Content-\r\n Type: a/b\r\n", "a/b");
	assert_type_in("X: y\rContent-Type: a/b\rZ: y\r\n", "a/b");
	assert_type_in("X: y\r\n Content-Type: a/b\r\n", "a/b");
	assert_type_in("Content-Type: c/d\r\nContent-Type: a/b\r\n", "a/b");
	assert_type_in("Content-Type: a(x)/(y)b\r\n", "a/b");
	assert_type_in("Content-Type: \"a/b\"\r\n", "a/b");
	assert_type_in("Content-Type: a / b\r\n", "a/b");
	assert_type_in("Content-Type: a/b name=c\r\n", "a/b");
}

static void assert_encodings(const char *value, unsigned wanted)
{
	struct lenient_fields f;
	char *header = g_strdup_printf("Content-Transfer-Encoding: %s\r\n", value);
	lenient_fields_read(slice_of(header), &f);
	assert_int_equal(lenient_encodings(&f), wanted);
	lenient_fields_clear(&f);
	g_free(header);
}

static void test_encodings(void **state)
{
	unsigned identity = 1u << TRANSFER_IDENTITY, base64 = 1u << TRANSFER_BASE64;
	assert_encodings("base64", base64);
	assert_encodings("BASE64 (x) ", base64);
	assert_encodings("8bit", identity);
	assert_encodings("x-unknown", identity);
	assert_encodings("base64;", identity | base64);
	assert_encodings("7bit (base64)", identity | base64);
	assert_encodings("base64\r\nContent-Transfer-Encoding: 7bit", identity | base64);
	struct lenient_fields none = { 0 };
	assert_int_equal(lenient_encodings(&none), identity);
}

/* --- leaves --- */

static void assert_leaves(const char *mail, const char *wanted)
{
	static const char kinds[] = "LAQ";	/* leaf, around, quoted */
	struct lenient l;
	GString *got = g_string_new(NULL);
	lenient_read(&l, slice_of(mail));
	for (guint i = 0; i < l.leaves->len; i++) {
		const struct lenient_leaf *leaf = &g_array_index(l.leaves, struct lenient_leaf, i);
		char *body = g_strstrip(g_strndup((const char *)leaf->body.data, leaf->body.n));
		if (*body)
			g_string_append_printf(got, "%c[%s]", kinds[leaf->kind], body);
		g_free(body);
	}
	assert_string_equal(got->str, wanted);
	assert_false(l.unsure || l.limit || l.too_deep);
	g_string_free(got, TRUE);
	lenient_clear(&l);
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\n"

static void test_leaves(void **state)
{
	assert_leaves("", "");
	assert_leaves("A: b\n\nbody", "L[body]");
	assert_leaves(MIXED "\npre\n--b\n\none\n--b\n\ntwo\n--b--\npost", "A[pre]L[one]L[two]A[post]");
	assert_leaves(MIXED "\n--b\n\none", "L[one]");
	assert_leaves(MIXED "\nnothing", "A[nothing]");
	assert_leaves(MIXED "\n--b\nContent-Type: message/rfc822\n\nA: b\n\nin\n--b--", "L[in]");
	assert_leaves(MIXED "\n--b--\nx\n--b\n\nlate", "A[x\n--b\n\nlate]L[late]");
	assert_leaves(MIXED "\n--bb\n\none\n--bb--", "L[one]");
	assert_leaves("Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--a\n\none\n--a--\n--b\n\ntwo\n--b--",
		"L[one]A[--b\n\ntwo\n--b--]A[--a\n\none\n--a--]L[two]");
}

static void test_quoted_leaves(void **state)
{
	assert_leaves("A: b\n\nlook:\n--x\nContent-Type: text/plain\n\none\n--x--\n", "L[look:\n--x\nContent-Type: text/plain\n\none\n--x--]Q[one]");
	assert_leaves("A: b\n\n--x\nno part\n--x\n", "L[--x\nno part\n--x]");
	assert_leaves("Content-Type: text/plain; boundary=x\n\n--x\nContent-Type: text/plain\n\none\n--x--\n",
		"L[one]L[--x\nContent-Type: text/plain\n\none\n--x--]");
}

static void test_limits(void **state)
{
	struct lenient l;
	GString *mail = g_string_new(NULL);
	for (unsigned i = 0; i <= LENIENT_FIELDS_MAX; i++)
		g_string_append(mail, "A: b\n");
	lenient_read(&l, slice_of(mail->str));
	assert_non_null(l.limit);
	lenient_clear(&l);
	g_string_truncate(mail, 0);
	for (unsigned i = 0; i < 300; i++)
		g_string_append(mail, "Content-Type: message/rfc822\n\n");
	lenient_read(&l, slice_of(mail->str));
	assert_true(l.too_deep);
	lenient_clear(&l);
	g_string_free(mail, TRUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_ends), cmocka_unit_test(test_types), cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_leaves), cmocka_unit_test(test_quoted_leaves), cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
