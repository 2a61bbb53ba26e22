/* Values: truth, numbers, text, and how they are printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <glib.h>
#include <math.h>
#include <talloc.h>

#include "lookup/lookup.h"

static void *owner;

static const struct value *list_of(enum value_kind kind, size_t count, const struct value **keys, const struct value **items)
{
	struct value *v = talloc_zero(owner, struct value);

	v->kind = kind;
	v->u.list.count = count;
	v->u.list.keys = talloc_memdup(v, keys, sizeof *keys * (keys != NULL ? count : 0));
	v->u.list.items = talloc_memdup(v, items, sizeof *items * count);
	return v;
}

static void check_print(const struct value *v, const char *lua, const char *json)
{
	GString *text = g_string_new(NULL);

	value_print(text, v);
	assert_string_equal(text->str, lua);
	g_string_truncate(text, 0);
	value_print_json(text, v);
	assert_string_equal(text->str, json);
	g_string_free(text, TRUE);
}

static void test_truth(void **state)
{
	assert_false(value_true_p(NULL));
	assert_false(value_true_p(&value_undef));
	assert_false(value_true_p(&value_false));
	assert_true(value_true_p(&value_true));
	assert_false(value_true_p(value_int(owner, 0)));
	assert_true(value_true_p(value_int(owner, -1)));
	assert_false(value_true_p(value_float(owner, 0)));
	assert_true(value_true_p(value_float(owner, 0.5)));
	assert_false(value_true_p(value_string(owner, "")));
	assert_false(value_true_p(value_string(owner, "0")));
	assert_true(value_true_p(value_string(owner, "0.0")));
	assert_true(value_true_p(value_string(owner, "no")));
	assert_true(value_true_p(list_of(VALUE_LIST, 0, NULL, NULL)));
	assert_false(value_defined(NULL));
	assert_false(value_defined(&value_undef));
	assert_true(value_defined(&value_false));
}

static void test_numbers(void **state)
{
	assert_int_equal(value_to_int(value_string(owner, "42"), 7), 42);
	assert_int_equal(value_to_int(value_string(owner, "42x"), 7), 7);
	assert_int_equal(value_to_int(value_string(owner, ""), 7), 7);
	assert_int_equal(value_to_int(value_string(owner, "99999999999999999999"), 7), 7);
	assert_int_equal(value_to_int(value_float(owner, 3.9), 7), 3);
	assert_int_equal(value_to_int(value_float(owner, 1e300), 7), 7);
	assert_int_equal(value_to_int(value_float(owner, (double)NAN), 7), 7);
	assert_int_equal(value_to_int(&value_true, 7), 1);
	assert_int_equal(value_to_int(&value_undef, 7), 7);
	assert_int_equal(value_to_int(NULL, 7), 7);
	assert_true(value_to_float(value_string(owner, "6.31"), 0) == 6.31);
	assert_true(value_to_float(value_int(owner, 2), 0) == 2);
	assert_true(value_to_float(value_string(owner, "x"), 5) == 5);
}

static void test_text(void **state)
{
	assert_string_equal(value_text(&value_true, owner), "1");
	assert_string_equal(value_text(&value_false, owner), "");
	assert_string_equal(value_text(value_int(owner, -5), owner), "-5");
	assert_string_equal(value_text(value_float(owner, 0.5), owner), "0.5");
	assert_string_equal(value_text(value_string(owner, "x"), owner), "x");
	assert_null(value_text(&value_undef, owner));
	assert_null(value_text(NULL, owner));
	assert_null(value_text(list_of(VALUE_LIST, 0, NULL, NULL), owner));
}

static void test_print_scalars(void **state)
{
	check_print(NULL, "undef", "null");
	check_print(&value_undef, "undef", "null");
	check_print(&value_true, "true", "true");
	check_print(value_int(owner, INT64_MIN), "-9223372036854775808", "-9223372036854775808");
	check_print(value_float(owner, 2), "2.0", "2.0");
	check_print(value_float(owner, 6.31), "6.31", "6.31");
	check_print(value_float(owner, 0.1 + 0.2), "0.30000000000000004", "0.30000000000000004");
	check_print(value_string(owner, "a\"b\\c\nd\x01"), "\"a\\\"b\\\\c\\nd\\001\"", "\"a\\\"b\\\\c\\nd\\u0001\"");
}

static void test_print_structured(void **state)
{
	const struct value *keys[] = { value_string(owner, "a@b"), value_int(owner, 9) };
	const struct value *items[] = { &value_true, &value_undef };
	const struct value *hash = list_of(VALUE_HASH, 2, keys, items);

	check_print(list_of(VALUE_LIST, 0, NULL, NULL), "{}", "[]");
	check_print(list_of(VALUE_LIST, 2, NULL, items), "{ true, undef }", "[true, null]");
	check_print(hash, "{ [\"a@b\"] = true, [9] = undef }", "{\"a@b\": true, \"9\": null}");
	assert_ptr_equal(value_hash_get(hash, "a@b"), &value_true);
	assert_ptr_equal(value_hash_get(hash, "9"), &value_undef);
	assert_null(value_hash_get(hash, "x"));
	assert_null(value_hash_get(&value_true, "x"));
	assert_null(value_hash_get(NULL, "x"));
}

static void test_secret(void **state)
{
	struct value secret = *value_string(owner, "hunter2");

	secret.secret = true;
	check_print(&secret, "\"********\"", "\"********\"");
}

static void test_print_tables(void **state)
{
	const struct value *items[] = { value_string(owner, "!.b.org"), value_string(owner, ".org") };
	const struct value *list = list_of(VALUE_LIST, 2, NULL, items);
	struct value v = { .kind = VALUE_TABLE, .u.table = lookup_table_acl(owner, list, NULL) };
	struct pattern *regexes[2] = { pattern_compile(owner, "a\"\\.b$", "i", NULL), pattern_compile(owner, "x", "", NULL) };
	const struct value *results[2] = { &value_true, value_int(owner, 0) };
	static const char *const networks[] = { "!10.0.0.0/8", "::/0" };
	const struct value *marks[2] = { &value_true, value_string(owner, "X") };

	check_print(&v, "{ \"!.b.org\", \".org\" }", "\"{ \\\"!.b.org\\\", \\\".org\\\" }\"");
	v.u.table = lookup_table_constant(owner, list);
	check_print(&v, "const { \"!.b.org\", \".org\" }", "\"const { \\\"!.b.org\\\", \\\".org\\\" }\"");
	v.u.table = lookup_table_re(owner, regexes, results, 2);
	check_print(&v, "re { rx(\"a\\\"\\\\.b$\", \"i\"), { rx(\"x\"), 0 } }", "\"re { rx(\\\"a\\\\\\\"\\\\\\\\.b$\\\", \\\"i\\\"), { rx(\\\"x\\\"), 0 } }\"");
	v.u.table = lookup_table_cidr(owner, networks, marks, 2, NULL);
	check_print(&v, "cidr { \"!10.0.0.0/8\", { \"::/0\", \"X\" } }", "\"cidr { \\\"!10.0.0.0/8\\\", { \\\"::/0\\\", \\\"X\\\" } }\"");
	lookup_table_set_label(v.u.table, "50-user.lua", 12);
	assert_string_equal(lookup_table_label(v.u.table), "50-user.lua:12");
}

static int set_up(void **state)
{
	owner = talloc_new(NULL);
	return 0;
}

static int tear_down(void **state)
{
	return talloc_free(owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truth), cmocka_unit_test(test_numbers), cmocka_unit_test(test_text), cmocka_unit_test(test_print_scalars),
		cmocka_unit_test(test_print_structured), cmocka_unit_test(test_secret), cmocka_unit_test(test_print_tables),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
