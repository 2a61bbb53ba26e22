/* test_plugin_options.c - every option type from constructor values and from text pairs, and every way to get one wrong. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <talloc.h>

#include <cmocka.h>

#include "base/pattern.h"
#include "plugin/inside.h"

struct every {
	bool flag;
	int64_t number, size, wait;
	const char *word, *file, *peer, *choice, *password;
	struct postern_strings list, peers;
	struct postern_ints codes;
	struct postern_regex *regex;
	struct postern_match clean;
};

#define AT(field) .offset = offsetof(struct every, field)
static const struct postern_option table[] = {
	{ .name = "word", .type = POSTERN_STRING, AT(word), .flags = POSTERN_POSITIONAL },
	{ .name = "list", .type = POSTERN_STRINGS, AT(list), .flags = POSTERN_POSITIONAL, .value = "a,b" },
	{ .name = "flag", .type = POSTERN_BOOL, AT(flag), .value = "true" },
	{ .name = "number", .type = POSTERN_INT, AT(number), .value = "5", .min = 1, .max = 10 },
	{ .name = "size", .type = POSTERN_SIZE, AT(size), .value = "25M" },
	{ .name = "wait", .type = POSTERN_DURATION, AT(wait), .value = "30s" },
	{ .name = "file", .type = POSTERN_FILE, AT(file) },
	{ .name = "peer", .type = POSTERN_ENDPOINT, AT(peer) },
	{ .name = "peers", .type = POSTERN_ENDPOINTS, AT(peers) },
	{ .name = "choice", .type = POSTERN_ENUM, AT(choice), .choices = "red|green", .value = "red" },
	{ .name = "password", .type = POSTERN_STRING, AT(password), .flags = POSTERN_SECRET },
	{ .name = "codes", .type = POSTERN_INTS, AT(codes), .value = "0,1" },
	{ .name = "regex", .type = POSTERN_REGEX, AT(regex) },
	{ .name = "clean", .type = POSTERN_MATCH, AT(clean) },
	{ .name = NULL }
};
static const struct postern_option needy_table[] = {
	{ .name = "word", .type = POSTERN_STRING, AT(word), .flags = POSTERN_REQUIRED },
	{ .name = NULL }
};
static const struct postern_plugin plugin = { POSTERN_PLUGIN_HEAD, .name = "every", .options = table, .options_size = sizeof(struct every) };
static const struct postern_plugin needy = { POSTERN_PLUGIN_HEAD, .name = "needy", .options = needy_table, .options_size = sizeof(struct every) };

struct complaints { char text[4000]; unsigned count; };

static void complain(void *context, const char *path, const char *text)
{
	struct complaints *c = context;
	size_t n = strlen(c->text);
	snprintf(c->text + n, sizeof c->text - n, "%s: %s\n", path, text);
	c->count++;
}

static int setup(void **state)
{
	*state = talloc_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

static struct value *hash(void *owner)
{
	struct value *v = talloc_zero(owner, struct value);
	v->kind = VALUE_HASH;
	v->u.list.items = talloc_zero_array(v, const struct value *, 32);
	v->u.list.keys = talloc_zero_array(v, const struct value *, 32);
	return v;
}

static void put(struct value *h, const char *key, const struct value *item)
{
	h->u.list.keys[h->u.list.count] = value_string(h, key);
	h->u.list.items[h->u.list.count++] = item;
}

static const struct value *list_of(void *owner, const struct value *a, const struct value *b)
{
	struct value *v = talloc_zero(owner, struct value);
	v->kind = VALUE_LIST;
	v->u.list.items = talloc_zero_array(v, const struct value *, 2);
	v->u.list.items[0] = a;
	v->u.list.items[1] = b;
	v->u.list.count = b ? 2 : 1;
	return v;
}

static const struct every *fields(const struct plugin_instance *i)
{
	assert_non_null(i);
	return i->options;
}

static void test_defaults(void **state)
{
	struct complaints c = { "" };
	struct plugin_instance *i = plugin_instance_new(*state, &plugin, NULL, complain, &c);
	const struct every *f = fields(i);
	assert_string_equal(i->name, "every");
	assert_int_equal(i->on_error, ON_ERROR_IGNORE);
	assert_true(f->flag);
	assert_int_equal(f->number, 5);
	assert_int_equal(f->size, 25 * 1024 * 1024);
	assert_int_equal(f->wait, 30000);
	assert_int_equal(f->list.count, 2);
	assert_string_equal(f->list.v[1], "b");
	assert_int_equal(f->codes.v[1], 1);
	assert_null(f->word);
	assert_false(f->clean.given);
	assert_int_equal(c.count, 0);
}

static void test_values(void **state)
{
	void *o = *state;
	struct complaints c = { "" };
	struct value *h = hash(o);
	put(h, "1", value_string(h, "first"));
	put(h, "2", value_string(h, "x"));
	put(h, "3", value_string(h, "y"));
	put(h, "flag", &value_false);
	put(h, "number", value_int(h, 7));
	put(h, "size", value_string(h, "64k"));
	put(h, "wait", value_float(h, 1.5));
	put(h, "file", value_string(h, "/etc/passwd"));
	put(h, "peer", value_string(h, "[::1]:25"));
	put(h, "peers", list_of(h, value_string(h, "/run/a"), value_string(h, "127.0.0.1:1")));
	put(h, "choice", value_string(h, "green"));
	put(h, "codes", value_int(h, 3));
	put(h, "regex", value_string(h, "a(b)c"));
	put(h, "clean", list_of(h, value_int(h, 0), value_int(h, 4)));
	put(h, "name", value_string(h, "other"));
	put(h, "timeout", value_int(h, 3));
	put(h, "on_error", value_string(h, "tempfail"));
	put(h, "max_size", value_string(h, "1M"));
	put(h, "password", &value_undef);
	struct plugin_instance *i = plugin_instance_new(o, &plugin, h, complain, &c);
	assert_string_equal(c.text, "");
	const struct every *f = fields(i);
	assert_string_equal(f->word, "first");
	assert_int_equal(f->list.count, 2);
	assert_string_equal(f->list.v[0], "x");
	assert_false(f->flag);
	assert_int_equal(f->number, 7);
	assert_int_equal(f->size, 65536);
	assert_int_equal(f->wait, 1500);
	assert_int_equal(f->peers.count, 2);
	assert_int_equal(f->codes.v[0], 3);
	assert_true(postern_regex_match(f->regex, "xabcx", 5));
	assert_true(postern_match(&f->clean, 4, "", 0));
	assert_false(postern_match(&f->clean, 1, "", 0));
	assert_string_equal(i->name, "other");
	assert_int_equal(i->timeout_ms, 3000);
	assert_int_equal(i->on_error, ON_ERROR_TEMPFAIL);
	assert_int_equal(i->max_size_bytes, 1024 * 1024);
}

static void test_string_argument_and_match_regex(void **state)
{
	void *o = *state;
	struct complaints c = { "" };
	struct plugin_instance *i = plugin_instance_new(o, &plugin, value_string(o, "alone"), complain, &c);
	assert_string_equal(fields(i)->word, "alone");
	struct value *h = hash(o);
	put(h, "clean", value_string(h, "^OK$"));
	i = plugin_instance_new(o, &plugin, h, complain, &c);
	assert_true(postern_match(&fields(i)->clean, 9, "a\nOK\nb", 6));
	assert_false(postern_match(&fields(i)->clean, 0, "NOT OK", 6));
	assert_int_equal(c.count, 0);
}

static void test_rx_value(void **state)
{
	void *o = *state;
	struct complaints c = { "" };
	struct error e;
	struct value v = { .kind = VALUE_REGEX };
	v.u.regex = pattern_compile(o, "infected: ([a-z]+)", "iu", &e);
	assert_non_null(v.u.regex);
	struct value *h = hash(o);
	put(h, "regex", &v);
	struct plugin_instance *i = plugin_instance_new(o, &plugin, h, complain, &c);
	assert_string_equal(c.text, "");
	assert_true(postern_regex_match(fields(i)->regex, "INFECTED: x", 11));
}

static void test_all_errors_at_once(void **state)
{
	void *o = *state;
	struct complaints c = { "" };
	struct value *h = hash(o);
	put(h, "sise", value_string(h, "1"));
	put(h, "number", value_int(h, 11));
	put(h, "size", value_string(h, "much"));
	put(h, "wait", value_string(h, "soon"));
	put(h, "file", value_string(h, "relative"));
	put(h, "peer", value_string(h, "nonsense"));
	put(h, "choice", value_string(h, "blue"));
	put(h, "regex", value_string(h, "a(b"));
	put(h, "clean", value_int(h, 256));
	put(h, "flag", value_string(h, "perhaps"));
	put(h, "word", value_int(h, 5));
	put(h, "zzzzzz", value_int(h, 5));
	put(h, "timeout", value_string(h, "never"));
	assert_null(plugin_instance_new(o, &plugin, h, complain, &c));
	assert_int_equal(c.count, 13);
	assert_non_null(strstr(c.text, "sise: unknown option; did you mean \"size\"?\n"));
	assert_non_null(strstr(c.text, "number: 11 is out of bounds: 1 to 10\n"));
	assert_non_null(strstr(c.text, "size: \"much\" is wrong: expected a size like 25M\n"));
	assert_non_null(strstr(c.text, "file: \"relative\" is wrong: expected an absolute path\n"));
	assert_non_null(strstr(c.text, "expected one of red|green\n"));
	assert_non_null(strstr(c.text, "at offset 3 of \"a(b\"\n"));
	assert_non_null(strstr(c.text, "word: expected a string, got a number\n"));
	assert_non_null(strstr(c.text, "zzzzzz: unknown option; every takes: word, list, "));
	assert_non_null(strstr(c.text, "flag: \"perhaps\" is wrong"));
	assert_non_null(strstr(c.text, "clean: exit code: 256 is out of bounds"));
}

static void test_required_and_surplus(void **state)
{
	void *o = *state;
	struct complaints c = { "" };
	assert_null(plugin_instance_new(o, &needy, value_string(o, "x"), complain, &c));
	assert_non_null(strstr(c.text, "[1]: takes no unnamed value\n"));
	assert_non_null(strstr(c.text, "word: is required: a string\n"));
}

static void test_secret_is_not_shown_in_errors(void **state)
{
	struct complaints c = { "" };
	struct value *h = hash(*state);
	put(h, "password", list_of(h, value_string(h, "hunter2"), NULL));
	assert_null(plugin_instance_new(*state, &plugin, h, complain, &c));
	assert_null(strstr(c.text, "hunter2"));
}

static void test_pairs_round(void **state)
{
	void *o = *state;
	struct complaints c = { "" };
	struct value *h = hash(o);
	const char **names, **values;
	put(h, "1", value_string(h, "first"));
	put(h, "list", list_of(h, value_string(h, "p"), value_string(h, "q")));
	put(h, "wait", value_string(h, "250ms"));
	put(h, "clean", value_string(h, "OK$"));
	put(h, "regex", value_string(h, "x"));
	put(h, "password", value_string(h, "hunter2"));
	put(h, "name", value_string(h, "n"));
	put(h, "on_error", value_string(h, "unchecked"));
	struct plugin_instance *one = plugin_instance_new(o, &plugin, h, complain, &c);
	assert_non_null(one);
	size_t count = plugin_instance_pairs(one, o, &names, &values);
	for (size_t k = 0; k < count; k++)
		assert_string_not_equal(names[k], "password");
	struct error e;
	struct plugin_instance *two = plugin_instance_from_pairs(o, &plugin, (const char *const *)names, (const char *const *)values, count, &e);
	const struct every *f = fields(two);
	assert_string_equal(f->word, "first");
	assert_int_equal(f->list.count, 2);
	assert_string_equal(f->list.v[1], "q");
	assert_int_equal(f->wait, 250);
	assert_true(postern_match(&f->clean, 3, "is OK", 5));
	assert_null(f->password);
	assert_string_equal(two->name, "n");
	assert_int_equal(two->on_error, ON_ERROR_UNCHECKED);
}

static void test_pairs_errors(void **state)
{
	struct error e;
	const char *const names[] = { "number" }, *const values[] = { "99" }, *const unknown[] = { "nose" };
	assert_null(plugin_instance_from_pairs(*state, &plugin, names, values, 1, &e));
	assert_string_equal(e.text, "plugin \"every\": number: 99 is out of bounds: 1 to 10");
	assert_null(plugin_instance_from_pairs(*state, &plugin, unknown, values, 1, &e));
	assert_string_equal(e.text, "plugin \"every\": nose: unknown option");
}

static void test_manual(void **state)
{
	char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);
	plugin_print_options(to, &plugin);
	fclose(to);
	assert_non_null(strstr(text, ".It Ic word Pq also without its name\n"));
	assert_non_null(strstr(text, "default 25M"));
	assert_non_null(strstr(text, ".It Ic on_error\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_string_argument_and_match_regex, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rx_value, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_errors_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_required_and_surplus, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secret_is_not_shown_in_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pairs_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pairs_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_manual, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
