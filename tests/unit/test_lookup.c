/* Lookup lists: order of tables, undef, functions, plugins, failures, limits. tests/golden/lookup has the long list of cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <talloc.h>

#include "lookup/table.h"

static void *owner;

static const struct value *structured(enum value_kind kind, size_t count, const struct value **keys, const struct value **items)
{
	struct value *v = talloc_zero(owner, struct value);

	v->kind = kind;
	v->u.list.count = count;
	v->u.list.keys = count > 0 && keys != NULL ? talloc_memdup(v, keys, count * sizeof *keys) : NULL;
	v->u.list.items = count > 0 ? talloc_memdup(v, items, count * sizeof *items) : NULL;
	return v;
}

static const struct value *as_value(struct lookup_table *t)
{
	struct value *v = talloc_zero(owner, struct value);

	v->kind = VALUE_TABLE;
	v->u.table = t;
	return v;
}

static const struct value *hash1(const char *key, const struct value *item)
{
	const struct value *name = value_string(owner, key);

	return as_value(lookup_table_hash(owner, structured(VALUE_HASH, 1, &name, &item)));
}

static const struct value *acl1(const char *text)
{
	const struct value *item = value_string(owner, text);

	return as_value(lookup_table_acl(owner, structured(VALUE_LIST, 1, NULL, &item), NULL));
}

static const struct value *function(intptr_t number)
{
	struct value *v = talloc_zero(owner, struct value);

	v->kind = VALUE_FUNCTION;
	v->u.function = (struct value_function *)number;
	return v;
}

static const struct value *maps(const struct value *a, const struct value *b, const struct value *c)
{
	const struct value *items[] = { a, b, c };

	return structured(VALUE_LIST, a == NULL ? 0 : b == NULL ? 1 : c == NULL ? 2 : 3, NULL, items);
}

static struct lookup_key *key(const char *address)
{
	static const struct lookup_style style = { .recipient_delimiter = "+" };

	return lookup_key_address(owner, address, &style);
}

static const struct value *first(const struct value *list, const char *address)
{
	return lookup_first(list, key(address), NULL, owner, NULL, NULL);
}

static void test_empty_lists(void **state)
{
	assert_null(first(NULL, "u@x.org"));
	assert_null(first(&value_undef, "u@x.org"));
	assert_null(first(maps(NULL, NULL, NULL), "u@x.org"));
	assert_null(first(maps(&value_undef, &value_undef, NULL), "u@x.org"));
	assert_int_equal(lookup_all(NULL, key("u@x.org"), NULL, owner, NULL)->u.list.count, 0);
}

static void test_lone_table(void **state)
{
	assert_true(value_true_p(first(&value_true, "u@x.org")));
	assert_int_equal(value_to_int(first(hash1("x.org", value_int(owner, 3)), "u@x.org"), 0), 3);
	assert_true(lookup_true(acl1(".org"), key("u@x.org"), NULL, owner, NULL));
	assert_false(lookup_true(acl1("!.org"), key("u@x.org"), NULL, owner, NULL));
}

static void test_order_and_match(void **state)
{
	const struct value *list = maps(hash1("y.org", &value_true), hash1(".org", value_string(owner, "B")), value_string(owner, "C"));
	struct lookup_match match;

	assert_string_equal(lookup_first(list, key("u@x.org"), NULL, owner, &match, NULL)->u.string, "B");
	assert_int_equal(match.table_index, 2);
	assert_string_equal(match.key, ".org");
	assert_int_equal(lookup_table_kind(match.table), LOOKUP_HASH);
	assert_string_equal(lookup_first(list, key("u@x.com"), NULL, owner, &match, NULL)->u.string, "C");
	assert_int_equal(match.table_index, 3);
	assert_string_equal(match.key, "(constant)");
	assert_null(lookup_first(maps(hash1("y", &value_true), NULL, NULL), key("u@x"), NULL, owner, &match, NULL));
	assert_null(match.table);
	assert_int_equal(match.table_index, 0);
}

static void test_undef_stops_one_table(void **state)
{
	const struct value *names[] = { value_string(owner, "u@x.org"), value_string(owner, "x.org") };
	const struct value *items[] = { &value_undef, value_string(owner, "never") };
	const struct value *hash = as_value(lookup_table_hash(owner, structured(VALUE_HASH, 2, names, items)));

	assert_null(first(hash, "u@x.org"));
	assert_string_equal(first(maps(hash, value_string(owner, "next"), NULL), "u@x.org")->u.string, "next");
	assert_string_equal(first(hash, "other@x.org")->u.string, "never");
}

static void test_structured_constant(void **state)
{
	const struct value *items[] = { value_string(owner, "smtp:a"), value_string(owner, "smtp:b") };
	const struct value *methods = structured(VALUE_LIST, 2, NULL, items);
	const struct value *got = first(maps(as_value(lookup_table_constant(owner, methods)), NULL, NULL), "u@x.org");

	assert_ptr_equal(got, methods);
}

static void test_all(void **state)
{
	const struct value *list = maps(hash1("x.org", value_int(owner, 1)), &value_undef, value_int(owner, 2));
	const struct value *all = lookup_all(list, key("u@x.org"), NULL, owner, NULL);

	assert_int_equal(all->kind, VALUE_LIST);
	assert_int_equal(all->u.list.count, 2);
	assert_int_equal(value_to_int(all->u.list.items[1], 0), 2);
}

/* Number 1: a constant; 2: a list, so an ACL; 3: undef; 4: fails; 5: itself again; 6: echoes its key. */
static const struct value *call_function(struct value_function *f, const char *text, const struct lookup_context *context, void *memory, struct error *failed)
{
	const struct value *item = value_string(memory, ".x.org");

	switch ((intptr_t)f) {
	case 1:
		return value_string(memory, "called");
	case 2:
		return structured(VALUE_LIST, 1, NULL, &item);
	case 4:
		error_set(failed, ERROR_CONFIG, "50-user.lua:7: no such field");
		return NULL;
	case 5:
		return function(5);
	case 6:
		return value_string(memory, text);
	}
	return &value_undef;
}

static void test_functions(void **state)
{
	struct error e;

	lookup_call_function = NULL;
	assert_null(lookup_first(function(1), key("u@x.org"), NULL, owner, NULL, &e));
	assert_int_equal(e.class, ERROR_ENVIRONMENT);
	lookup_call_function = call_function;
	assert_string_equal(first(function(1), "u@x.org")->u.string, "called");
	assert_string_equal(first(function(6), "U+v@x.org")->u.string, "U+v@x.org");
	assert_true(value_true_p(first(function(2), "u@sub.x.org")));
	assert_null(first(function(2), "u@y.org"));
	assert_string_equal(first(maps(function(3), value_string(owner, "next"), NULL), "u@y.org")->u.string, "next");
	assert_string_equal(first(as_value(lookup_table_function(owner, (struct value_function *)1)), "u@x.org")->u.string, "called");
}

static void test_failures(void **state)
{
	struct error e;
	struct lookup_table *t = lookup_table_function(owner, (struct value_function *)4);

	lookup_call_function = call_function;
	assert_null(lookup_first(maps(function(3), function(4), &value_true), key("u@x.org"), NULL, owner, NULL, &e));
	assert_int_equal(e.class, ERROR_CONFIG);
	assert_string_equal(e.text, "table 2: 50-user.lua:7: no such field");
	assert_null(first(maps(function(4), &value_true, NULL), "u@x.org"));
	assert_int_equal(lookup_all(function(4), key("u@x.org"), NULL, owner, &e)->u.list.count, 0);
	assert_int_equal(e.class, ERROR_CONFIG);
	assert_null(lookup_first(function(5), key("u@x.org"), NULL, owner, NULL, &e));
	assert_int_equal(e.class, ERROR_CONFIG);
	lookup_table_set_label(t, "40-x.lua", 3);
	assert_null(lookup_first(as_value(t), key("u@x.org"), NULL, owner, NULL, &e));
	assert_string_equal(e.text, "table 1: 40-x.lua:3: 50-user.lua:7: no such field");
	lookup_table_set_label(t, "50-user.lua", 7);
	assert_null(lookup_first(as_value(t), key("u@x.org"), NULL, owner, NULL, &e));
	assert_string_equal(e.text, "table 1: 50-user.lua:7: no such field");
	assert_non_null(lookup_first(&value_true, key("u@x.org"), NULL, owner, NULL, &e));
	assert_int_equal(e.class, ERROR_NONE);
}

/* Knows one key, whatever it is asked with; of it and of every question it remembers how many keys there were. */
static size_t keys_asked;
static enum postern_result look_up(struct postern_call *c, const char *const *keys, size_t count)
{
	keys_asked = count;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(keys[i], ".broken.org") == 0)
			return postern_fail(c, POSTERN_TEMPFAIL, "connect: refused");
		if (strcmp(keys[i], ".x.org") == 0 || strcmp(keys[i], "Asked@as.written") == 0) {
			postern_lookup_answer(c, keys[i], "row of $3 at $5");
			return POSTERN_OK;
		}
	}
	return POSTERN_NOTHING;
}

static struct plugin_instance *plugin_of(const struct postern_lookup_ops *ops)
{
	struct plugin_instance *i = talloc_zero(owner, struct plugin_instance);
	struct postern_plugin *p = talloc_zero(i, struct postern_plugin);

	p->name = "sql";
	p->roles = POSTERN_LOOKUP;
	p->lookup = ops;
	i->plugin = p;
	i->name = talloc_strdup(i, "sql");
	i->kept_fd = -1;
	return i;
}

static void test_plugins(void **state)
{
	static const struct postern_lookup_ops ops = { .size = sizeof ops, .lookup = look_up };
	const struct value *table = as_value(lookup_table_plugin(owner, plugin_of(&ops)));
	struct lookup_match match;
	struct error e;

	assert_string_equal(lookup_first(maps(&value_undef, table, NULL), key("u@sub.x.org"), NULL, owner, &match, &e)->u.string, "row of u at sub.x.org");
	assert_string_equal(match.key, ".x.org");
	assert_int_equal(match.table_index, 2);
	assert_null(lookup_first(table, key("u@y.org"), NULL, owner, NULL, &e));
	assert_int_equal(e.class, ERROR_NONE);
	assert_null(lookup_first(maps(table, &value_true, NULL), key("u@broken.org"), NULL, owner, NULL, &e));
	assert_string_equal(e.text, "table 1: sql: connect: refused");
	lookup_call_plugin = NULL;
	assert_null(lookup_first(table, key("u@x.org"), NULL, owner, NULL, &e));
	assert_int_equal(e.class, ERROR_ENVIRONMENT);
}

/* A plugin may want the question itself and not its keys; then what it answers is its own, dollars and all. */
static void test_plugin_keys(void **state)
{
	static const struct postern_lookup_ops ops = { .size = sizeof ops, .lookup = look_up, .keys = POSTERN_KEYS_ASKED };
	const struct value *table = as_value(lookup_table_plugin(owner, plugin_of(&ops)));
	static const char *const names[] = { "a", "b", "c" };
	struct error e;

	lookup_call_plugin = lookup_ask_instance;
	assert_null(lookup_first(table, key("u@x.org"), NULL, owner, NULL, &e));
	assert_int_equal(keys_asked, 1);
	assert_string_equal(lookup_first(table, key("Asked@as.written"), NULL, owner, NULL, &e)->u.string, "row of $3 at $5");
	lookup_first(table, lookup_key_strings(owner, names, 3), NULL, owner, NULL, &e);
	assert_int_equal(keys_asked, 3);
	lookup_first(table, lookup_key_ip(owner, "192.0.2.1"), NULL, owner, NULL, &e);
	assert_int_equal(keys_asked, 1);
}

static void test_regex_errors(void **state)
{
	struct error e;

	assert_null(pattern_compile(owner, "a(b", "", &e));
	assert_non_null(strstr(e.text, "at offset 3"));
	assert_null(pattern_compile(owner, "a", "q", &e));
	assert_non_null(strstr(e.text, "\"q\""));
	assert_null(pattern_compile(owner, "a(b", "", NULL));
}

static void test_regex_flags(void **state)
{
	struct pattern *r = pattern_compile(owner, "^ b (.) $ # comment", "ixms", NULL);
	char *captures[3];

	assert_true(pattern_match(r, "a\nB\n\n", 5));
	assert_int_equal(pattern_captures(r, "xx\nBy", 5, owner, captures, 3), 2);
	assert_string_equal(captures[0], "By");
	assert_string_equal(captures[1], "y");
	assert_null(captures[2]);
	assert_int_equal(pattern_captures(r, "xx", 2, owner, captures, 3), 0);
	r = pattern_compile(owner, "^.$", "u", NULL);
	assert_true(pattern_match(r, "\xc3\xbc", 2));
	assert_false(pattern_match(r, "\xc3\xff", 2));
}

/* A pattern that would run for ages ends at the match limit, and the table says that it could not answer. */
static void test_regex_limit(void **state)
{
	struct pattern *r = pattern_compile(owner, "^(a+)+$", "", NULL);
	const struct value *result = &value_true;
	const struct value *table = as_value(lookup_table_re(owner, &r, &result, 1));
	char *captures[1];
	char text[61];
	struct error e;

	memset(text, 'a', 59);
	strcpy(text + 59, "b");
	assert_int_equal(pattern_captures(r, text, 60, owner, captures, 1), -1);
	assert_null(captures[0]);
	assert_false(pattern_match(r, text, 60));
	assert_null(lookup_first(maps(table, &value_true, NULL), key(text), NULL, owner, NULL, &e));
	assert_int_equal(e.class, ERROR_INPUT);
}

static void test_long_subject(void **state)
{
	struct pattern *r = pattern_compile(owner, "^(?:a|b)*c$", "", NULL);
	char *text = talloc_array(owner, char, 100001);

	memset(text, 'a', 100000);
	text[99999] = 'c';
	text[100000] = '\0';
	pattern_match(r, text, 100000);	/* match or limit: it must only come back */
}

static void test_bad_tables(void **state)
{
	static const char *const networks[] = { "10.0.0.0/8", "10.0.0.0/40" }, *const negated[] = { "!10.0.0.0/8" };
	const struct value *results[] = { &value_true, &value_true }, *text = value_string(owner, "X");
	const struct value *item = structured(VALUE_LIST, 0, NULL, NULL);
	struct lookup_table *t;
	struct error e;

	assert_null(lookup_table_cidr(owner, networks, results, 2, &e));
	assert_non_null(strstr(e.text, "10.0.0.0/40"));
	assert_null(lookup_table_cidr(owner, negated, &text, 1, &e));
	assert_null(lookup_table_acl(owner, structured(VALUE_LIST, 1, NULL, &item), &e));
	assert_non_null(strstr(e.text, "item 1"));
	item = value_string(owner, "!exmaple.com");
	t = lookup_table_acl(owner, structured(VALUE_LIST, 1, NULL, &item), &e);
	assert_non_null(t);
	assert_int_equal(lookup_table_check_networks(t, &e), -1);
	assert_non_null(strstr(e.text, "exmaple.com"));
	item = value_string(owner, "![::1]");
	assert_int_equal(lookup_table_check_networks(lookup_table_acl(owner, structured(VALUE_LIST, 1, NULL, &item), &e), &e), 0);
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
		cmocka_unit_test(test_empty_lists), cmocka_unit_test(test_lone_table), cmocka_unit_test(test_order_and_match),
		cmocka_unit_test(test_undef_stops_one_table), cmocka_unit_test(test_structured_constant), cmocka_unit_test(test_all),
		cmocka_unit_test(test_functions), cmocka_unit_test(test_failures), cmocka_unit_test(test_plugins), cmocka_unit_test(test_plugin_keys),
		cmocka_unit_test(test_regex_errors),
		cmocka_unit_test(test_regex_flags), cmocka_unit_test(test_regex_limit), cmocka_unit_test(test_long_subject), cmocka_unit_test(test_bad_tables),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
