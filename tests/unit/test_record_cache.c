/* The cache of records: age, size, absence, what stands in for a failure. The clock is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <glib.h>
#include <talloc.h>

#include "lookup/record_cache.h"

struct source { unsigned asked; bool fails, cancelled, empty; size_t size; };

static int ask(void *context, void *owner, struct record *out, struct error *e)
{
	struct source *s = context;
	struct record_field *f = talloc_zero_array(owner, struct record_field, 2);
	struct record_row *row = talloc_zero(owner, struct record_row);

	s->asked++;
	if (s->fails)
		return error_set(e, s->cancelled ? ERROR_CANCELLED : ERROR_ENVIRONMENT, "it is down");
	f[0] = (struct record_field){ "virus_lover", talloc_asprintf(owner, "%u", s->asked), 1 };
	f[1] = (struct record_field){ "bytes", s->size ? talloc_zero_size(owner, s->size + 1) : NULL, s->size };
	*row = (struct record_row){ .key = "a@b", .count = 2, .fields = f };
	*out = (struct record){ .kind = RECORD_LDAP, .origin = "here", .row_count = s->empty ? 0 : 1, .rows = row };
	return 0;
}

static const struct record_cache_limits limits = { .ttl_ms = 30, .entries_max = 2, .stale_age_ms = 1000 };

static int fetch(struct record_cache *c, struct source *s, const char *question, int64_t now_ms, struct record *out)
{
	struct error e = { 0 };
	int rc = record_cache_fetch(c, question, now_ms, ask, s, c, out, &e);

	assert_int_equal(rc != 0, e.class != ERROR_NONE);
	return rc;
}

static void an_answer_is_kept_for_its_age(void **state)
{
	struct record_cache *c = record_cache_new(NULL, &limits);
	struct source s = { .size = 3 };
	struct record r;

	(void)state;
	assert_int_equal(fetch(c, &s, "q", 100, &r), 0);
	assert_int_equal(fetch(c, &s, "q", 129, &r), 0);
	assert_int_equal(s.asked, 1);
	assert_string_equal(r.origin, "here");
	assert_string_equal(r.rows[0].key, "a@b");
	assert_string_equal(r.rows[0].fields[0].value, "1");
	assert_int_equal(r.rows[0].fields[1].size, 3);
	assert_memory_equal(r.rows[0].fields[1].value, "\0\0\0", 4);
	assert_int_equal(fetch(c, &s, "q", 130, &r), 0);
	assert_int_equal(s.asked, 2);
	assert_string_equal(r.rows[0].fields[0].value, "2");
	talloc_free(c);
}

static void absence_and_null_are_kept_too(void **state)
{
	struct record_cache *c = record_cache_new(NULL, &limits);
	struct source s = { .empty = true };
	struct record r;

	(void)state;
	fetch(c, &s, "q", 0, &r);
	fetch(c, &s, "q", 1, &r);
	assert_int_equal(s.asked, 1);
	assert_int_equal(r.row_count, 0);
	s.empty = false;
	fetch(c, &s, "p", 1, &r);
	fetch(c, &s, "p", 1, &r);
	assert_int_equal(s.asked, 2);
	assert_null(r.rows[0].fields[1].value);
	talloc_free(c);
}

static void the_least_recently_used_goes(void **state)
{
	struct record_cache *c = record_cache_new(NULL, &limits);
	struct source s = { 0 };
	struct record r;

	(void)state;
	fetch(c, &s, "a", 0, &r);
	fetch(c, &s, "b", 0, &r);
	fetch(c, &s, "a", 0, &r);
	fetch(c, &s, "c", 0, &r);	/* b goes */
	assert_int_equal(s.asked, 3);
	fetch(c, &s, "a", 0, &r);
	assert_int_equal(s.asked, 3);
	fetch(c, &s, "b", 0, &r);
	assert_int_equal(s.asked, 4);
	talloc_free(c);
}

static void what_is_too_large_is_not_kept(void **state)
{
	struct record_cache *c = record_cache_new(NULL, &limits);
	struct source s = { .size = RECORD_CACHE_ENTRY_BYTES_MAX };
	struct record r;

	(void)state;
	fetch(c, &s, "q", 0, &r);
	fetch(c, &s, "q", 0, &r);
	assert_int_equal(s.asked, 2);
	assert_int_equal(r.rows[0].fields[1].size, RECORD_CACHE_ENTRY_BYTES_MAX);
	talloc_free(c);
}

static void without_age_it_is_asked_each_time(void **state)
{
	struct record_cache *c = record_cache_new(NULL, &(struct record_cache_limits){ .entries_max = 2, .stale_age_ms = 1000 });
	struct source s = { 0 };
	struct record r;

	(void)state;
	fetch(c, &s, "q", 0, &r);
	fetch(c, &s, "q", 0, &r);
	assert_int_equal(s.asked, 2);
	s.fails = true;
	assert_int_equal(fetch(c, &s, "q", 0, &r), -1);
	talloc_free(c);
}

/* Who wants every change at once may still want the last answer while the source is down. */
static void without_age_the_last_answer_stands_in(void **state)
{
	struct record_cache *c = record_cache_new(NULL, &(struct record_cache_limits){ .entries_max = 2, .serve_stale = true, .stale_age_ms = 1000 });
	struct source s = { 0 };
	struct record r;

	(void)state;
	fetch(c, &s, "q", 0, &r);
	fetch(c, &s, "q", 0, &r);
	assert_int_equal(s.asked, 2);
	s.fails = true;
	assert_int_equal(fetch(c, &s, "q", 999, &r), 0);
	assert_string_equal(r.rows[0].fields[0].value, "2");
	assert_int_equal(s.asked, 3);
	assert_int_equal(fetch(c, &s, "q", 1000, &r), -1);
	talloc_free(c);
}

static void without_room_nothing_stands_in(void **state)
{
	struct record_cache *c = record_cache_new(NULL, &(struct record_cache_limits){ .ttl_ms = 30, .serve_stale = true, .stale_age_ms = 1000 });
	struct source s = { 0 };
	struct record r;

	(void)state;
	fetch(c, &s, "q", 0, &r);
	s.fails = true;
	assert_int_equal(fetch(c, &s, "q", 0, &r), -1);
	talloc_free(c);
}

static void a_failure_is_a_failure(void **state)
{
	struct record_cache *c = record_cache_new(NULL, &limits);
	struct source s = { 0 };
	struct record r;

	(void)state;
	fetch(c, &s, "q", 0, &r);
	s.fails = true;
	assert_int_equal(fetch(c, &s, "q", 10, &r), 0);		/* within its age: nobody was asked */
	assert_int_equal(fetch(c, &s, "q", 40, &r), -1);
	assert_int_equal(fetch(c, &s, "q", 40, &r), -1);	/* a failure is not kept */
	assert_int_equal(s.asked, 3);
	talloc_free(c);
}

static void the_last_answer_stands_in_within_its_age(void **state)
{
	struct record_cache_limits l = limits;
	struct record_cache *c;
	struct source s = { 0 };
	struct record r;

	(void)state;
	l.serve_stale = true;
	c = record_cache_new(NULL, &l);
	fetch(c, &s, "q", 0, &r);
	s.fails = true;
	assert_int_equal(fetch(c, &s, "q", 999, &r), 0);
	assert_string_equal(r.rows[0].fields[0].value, "1");
	assert_int_equal(fetch(c, &s, "other", 999, &r), -1);
	assert_int_equal(fetch(c, &s, "q", 1000, &r), -1);
	s.cancelled = true;
	assert_int_equal(fetch(c, &s, "q", 500, &r), -1);
	talloc_free(c);
}

static void questions_are_not_mixed_up(void **state)
{
	const char *const one[] = { "a", "bc" }, *const two[] = { "ab", "c" }, *const three[] = { "1:a2:bc" };
	char *a = record_cache_question(NULL, "s", one, 2), *b = record_cache_question(NULL, "s", two, 2);
	char *c = record_cache_question(NULL, "s", three, 1), *d = record_cache_question(NULL, "s1:a", one + 1, 1);

	(void)state;
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, c);
	assert_string_not_equal(a, d);
	talloc_free(a);
	talloc_free(b);
	talloc_free(c);
	talloc_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_kept_for_its_age),
		cmocka_unit_test(absence_and_null_are_kept_too),
		cmocka_unit_test(the_least_recently_used_goes),
		cmocka_unit_test(what_is_too_large_is_not_kept),
		cmocka_unit_test(without_age_it_is_asked_each_time),
		cmocka_unit_test(without_age_the_last_answer_stands_in),
		cmocka_unit_test(without_room_nothing_stands_in),
		cmocka_unit_test(a_failure_is_a_failure),
		cmocka_unit_test(the_last_answer_stands_in_within_its_age),
		cmocka_unit_test(questions_are_not_mixed_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
