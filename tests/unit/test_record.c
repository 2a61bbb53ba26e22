/* test_record.c - fields of SQL rows and LDAP entries: which row has them, what their text means; each source asked once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/types.h"
#include "fake_source.h"
#include "lookup/record_asker.h"
#include "lookup/record_field.h"

static const char *field(enum record_source_kind kind, const char *rows, const char *name, enum record_type type, void *owner, size_t *row, struct error *e)
{
	struct fake_source f = { .lines = (const char *const[]){ rows, NULL } };
	struct record_question q = { .key = lookup_key_address(owner, "a@b.org", NULL) };
	struct record *r = talloc_zero(owner, struct record);
	*e = (struct error){ 0 };
	assert_int_equal(fake_fetch(fake_source(&f, kind), &q, owner, r, e), 0);
	const struct value *v = record_field(r, name, type, owner, row, e);
	if (v && v->kind == VALUE_LIST)
		return talloc_asprintf(owner, "%zu values", v->u.list.count);
	return v ? value_text(v, owner) : NULL;
}

static void fields(void **state)
{
	static const struct { const char *rows, *name; enum record_type type; const char *expected; unsigned row; } table[] = {
		{ "a@b.org: x=one; x=two", "x", RECORD_STRING, "one", 0 },
		{ "a@b.org: x=NULL; x=two", "x", RECORD_STRING, "two", 1 },
		{ "a@b.org: x=NULL; y=1", "x", RECORD_STRING, NULL, 0 },
		{ "a@b.org: x=; x=two", "x", RECORD_STRING, "", 0 },
		{ "a@b.org: X=one", "x", RECORD_STRING, "one", 0 },
		{ "a@b.org: id=7, id=3, id=9", "id", RECORD_STRING, "9", 0 },
		{ "c@b.org: x=one", "x", RECORD_STRING, NULL, 0 },
		{ "a@b.org: x=6.5", "x", RECORD_NUMBER, "6.5", 0 },
		{ "a@b.org: x= -10 ", "x", RECORD_NUMBER, "-10", 0 },
		{ "a@b.org: x=1e3", "x", RECORD_NUMBER, "1000", 0 },
		{ "a@b.org: x=; x=4", "x", RECORD_NUMBER, "4", 1 },
		{ "a@b.org: x=Y", "x", RECORD_BOOLEAN, "1", 0 },
		{ "a@b.org: x=N", "x", RECORD_BOOLEAN, "", 0 },
		{ "a@b.org: x=n   ", "x", RECORD_BOOLEAN, "", 0 },
		{ "a@b.org: x=F", "x", RECORD_BOOLEAN, "", 0 },
		{ "a@b.org: x=f", "x", RECORD_BOOLEAN, "", 0 },
		{ "a@b.org: x= ", "x", RECORD_BOOLEAN, "", 0 },
		{ "a@b.org: x=", "x", RECORD_BOOLEAN, "", 0 },
		{ "a@b.org: x=000 ", "x", RECORD_BOOLEAN, "", 0 },
		{ "a@b.org: x=00x", "x", RECORD_BOOLEAN, "1", 0 },
		{ "a@b.org: x=no", "x", RECORD_BOOLEAN, "1", 0 },
		{ "a@b.org: x=NULL", "x", RECORD_BOOLEAN, NULL, 0 },
		{ "a@b.org: y=1", "x", RECORD_BOOLEAN, NULL, 0 },
		{ "a@b.org: y=1", "local", RECORD_BOOLEAN_TRUE, "1", 0 },
		{ "a@b.org: local=N", "local", RECORD_BOOLEAN_TRUE, "", 0 },
		{ "a@b.org: local=NULL", "local", RECORD_BOOLEAN_TRUE, NULL, 0 },
		{ "a@b.org: key=@., y=1", "local", RECORD_BOOLEAN_TRUE, NULL, 0 },
		{ "a@b.org: key=NULL, email=@.", "local", RECORD_BOOLEAN_TRUE, NULL, 0 },
		{ "a@b.org: key=@., local=Y", "local", RECORD_BOOLEAN_TRUE, "1", 0 },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		void *owner = talloc_new(NULL);
		struct error e;
		size_t row = 0;
		const char *got = field(RECORD_SQL, table[i].rows, table[i].name, table[i].type, owner, &row, &e);
		if (g_strcmp0(got, table[i].expected) != 0 || row != table[i].row || e.class != ERROR_NONE)
			fail_msg("%s of %s: %s from row %zu %s", table[i].name, table[i].rows, got ? got : "nothing", row, e.text);
		talloc_free(owner);
	}
}

static void nul_is_false(void **state)
{
	struct record_field f = { "x", "\0\0", 2 };
	struct record_row row = { .key = "a@b", .count = 1, .fields = &f };
	struct record r = { .kind = RECORD_SQL, .origin = "fake", .row_count = 1, .rows = &row };
	assert_ptr_equal(record_field(&r, "x", RECORD_BOOLEAN, NULL, NULL, NULL), &value_false);
}

static void ldap_fields(void **state)
{
	static const struct { const char *rows; enum record_type type; const char *expected; } table[] = {
		{ "a@b.org: x=TRUE", RECORD_BOOLEAN, "1" },
		{ "a@b.org: x=FALSE", RECORD_BOOLEAN, "" },
		{ "a@b.org: x=Y", RECORD_BOOLEAN, "" },
		{ "a@b.org: y=1", RECORD_BOOLEAN_TRUE, "1" },
		{ "a@b.org: x=smtp:one, x=smtp:two", RECORD_STRING, "2 values" },
		{ "a@b.org: x=smtp:one", RECORD_STRING, "smtp:one" },
		{ "a@b.org: X=2.5", RECORD_NUMBER, "2.5" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		void *owner = talloc_new(NULL);
		struct error e;
		const char *got = field(RECORD_LDAP, table[i].rows, "x", table[i].type, owner, NULL, &e);
		if (g_strcmp0(got, table[i].expected) != 0)
			fail_msg("%s: %s", table[i].rows, got ? got : "nothing");
		talloc_free(owner);
	}
}

/* A row that cannot be meant so is named, and the next one counts. */
static void bad_number(void **state)
{
	void *owner = talloc_new(NULL);
	struct error e;
	assert_string_equal(field(RECORD_SQL, "a@b.org: x=five; x=6", "x", RECORD_NUMBER, owner, NULL, &e), "6");
	assert_int_equal(e.class, ERROR_INPUT);
	assert_string_equal(e.text, "fake:sql: x \"five\" is not a number; it counts as not set");
	assert_null(field(RECORD_SQL, "a@b.org: x=inf", "x", RECORD_NUMBER, owner, NULL, &e));
	assert_null(field(RECORD_SQL, "a@b.org: x=5x", "x", RECORD_NUMBER, owner, NULL, &e));
	talloc_free(owner);
}

static void fields_table(void **state)
{
	for (size_t i = 0; i < setting_field_count; i++) {
		assert_int_equal(setting_definitions[setting_fields[i].setting].type, SETTING_TYPE_MAPS);
		assert_ptr_equal(setting_field_of(setting_fields[i].setting), &setting_fields[i]);
		assert_memory_equal(setting_fields[i].names[RECORD_LDAP], "amavis", 6);
	}
	assert_int_equal(setting_field_count, 44);
	assert_null(setting_field_of(SET_max_servers));
}

static struct record_terms terms_of(const char *statement)
{
	return (struct record_terms){ .local_domains = &value_true, .statement = statement, .wanted = { true, true } };
}

static void asked_once(void **state)
{
	void *owner = talloc_new(NULL);
	struct fake_source sql = { .lines = (const char *const[]){ "a@b.org: x=1", NULL } }, ldap = { .fails = true };
	struct record_source *sources[] = { fake_source(&sql, RECORD_SQL), fake_source(&ldap, RECORD_LDAP) };
	struct record_asker *a = record_asker_new(owner, sources);
	struct record_terms terms = terms_of(NULL);
	struct lookup_key *key = lookup_key_address(owner, "a@b.org", NULL);
	const struct record *first, *second;
	struct error e = { 0 };

	record_asker_set_terms(a, &terms);
	assert_true(record_asker_is_wanted(a));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(record_asker_get(a, RECORD_SQL, key, NULL, i ? &second : &first, &e), 0);
		assert_int_equal(record_asker_get(a, RECORD_LDAP, key, NULL, &second, &e), -1);
		assert_string_equal(e.text, "fake:ldap: gone away");
	}
	assert_int_equal(first->row_count, 1);
	assert_int_equal(sql.fetches, 1);
	assert_int_equal(ldap.fetches, 1);
	assert_true(sql.local);
	/* A bank that says the same costs nothing; another statement asks anew. */
	record_asker_set_terms(a, &terms);
	record_asker_get(a, RECORD_SQL, key, NULL, &second, &e);
	assert_int_equal(sql.fetches, 1);
	terms = terms_of("SELECT 1");
	record_asker_set_terms(a, &terms);
	record_asker_get(a, RECORD_SQL, key, NULL, &second, &e);
	assert_int_equal(sql.fetches, 2);
	assert_string_equal(sql.statement, "SELECT 1");
	terms.wanted[RECORD_SQL] = terms.wanted[RECORD_LDAP] = false;
	record_asker_set_terms(a, &terms);
	assert_false(record_asker_is_wanted(a));
	assert_int_equal(record_asker_get(a, RECORD_LDAP, key, NULL, &second, &e), 0);
	assert_null(second);
	assert_int_equal(record_asker_get(NULL, RECORD_LDAP, key, NULL, &second, &e), 0);
	talloc_free(owner);
}

static void texts(void **state)
{
	void *owner = talloc_new(NULL);
	struct fake_source f = { .lines = (const char *const[]){ "a@b.org: w=NULL, id=3; w=x@y, w=NULL, w=z@y; w=more@y, id=4", NULL } };
	struct record_question q = { .key = lookup_key_address(owner, "a@b.org", NULL) };
	struct record r;
	fake_fetch(fake_source(&f, RECORD_LDAP), &q, owner, &r, NULL);
	const char *const *list = record_texts(&r, "W", owner);
	assert_string_equal(list[0], "x@y");
	assert_string_equal(list[1], "z@y");
	assert_null(list[2]);
	assert_string_equal(record_text(&r, "id"), "3");
	assert_null(record_text(&r, "none"));
	assert_null(record_texts(&r, "none", owner)[0]);
	talloc_free(owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields), cmocka_unit_test(nul_is_false), cmocka_unit_test(ldap_fields), cmocka_unit_test(bad_number),
		cmocka_unit_test(fields_table), cmocka_unit_test(asked_once), cmocka_unit_test(texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
