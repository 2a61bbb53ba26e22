/* test_breaker.c - when a scanner or a directory is asked and when not: states and turns of the breaker, seen with a scanner whose answers the test gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <talloc.h>

#include "plugin/call.h"
#include "plugin/host.h"

static struct { enum postern_result scan, question; bool refused; unsigned scans, questions; } peer;

static enum postern_result fake_scan(struct postern_call *c, const struct postern_mail *mail)
{
	(void)mail;
	peer.scans++;
	if (peer.refused)
		return postern_conn_open(c, "/nonexistent/socket") ? POSTERN_BROKEN : POSTERN_TEMPFAIL;
	return peer.scan == POSTERN_OK ? POSTERN_OK : postern_fail(c, peer.scan, "as told");
}

static enum postern_result fake_part(struct postern_call *c, const struct postern_part *part)
{
	(void)part;
	return fake_scan(c, NULL);
}

static enum postern_result fake_version(struct postern_call *c)
{
	peer.questions++;
	return peer.question == POSTERN_OK ? POSTERN_OK : postern_fail(c, peer.question, "no answer");
}

static const struct postern_scanner_ops with_question = { .size = sizeof with_question, .scan = fake_scan, .version = fake_version };
static const struct postern_scanner_ops without_question = { .size = sizeof without_question, .scan = fake_scan };
static const struct postern_option no_options[] = { { 0 } };
struct place { const char *socket; };
static const struct postern_option place_options[] = {
	{ .name = "socket", .type = POSTERN_ENDPOINT, .offset = offsetof(struct place, socket), .value = "/nonexistent/socket" }, { 0 }
};
static const struct postern_plugin asked = { POSTERN_PLUGIN_HEAD, .name = "asked", .version = "1", .roles = POSTERN_SCANNER,
	.capabilities = POSTERN_CAP_NETWORK, .options = no_options, .scanner = &with_question };
static const struct postern_plugin unasked = { POSTERN_PLUGIN_HEAD, .name = "unasked", .version = "1", .roles = POSTERN_SCANNER,
	.capabilities = POSTERN_CAP_NETWORK, .options = no_options, .scanner = &without_question };

static const struct postern_plugin placed = { POSTERN_PLUGIN_HEAD, .name = "placed", .version = "1", .roles = POSTERN_SCANNER,
	.capabilities = POSTERN_CAP_NETWORK, .options = place_options, .options_size = sizeof(struct place), .scanner = &without_question };
static const struct postern_plugin program = { POSTERN_PLUGIN_HEAD, .name = "program", .version = "1", .roles = POSTERN_SCANNER,
	.capabilities = POSTERN_CAP_EXEC, .options = no_options, .scanner = &with_question };

static enum postern_result fake_lookup(struct postern_call *c, const char *const *keys, size_t count)
{
	(void)keys;
	(void)count;
	return fake_scan(c, NULL);
}

/* Finds something and says so, as if it had been asked for. */
static enum postern_result fake_ping(struct postern_call *c)
{
	static const char *const names[] = { "name" }, *const values[] = { "value" };
	postern_lookup_answer(c, "root", "of the directory");
	postern_row(c, names, values, 1);
	return fake_version(c);
}

static const struct postern_lookup_ops lookup_with_question = { .size = sizeof lookup_with_question, .lookup = fake_lookup, .rows = fake_lookup,
	.ping = fake_ping };
static const struct postern_plugin directory = { POSTERN_PLUGIN_HEAD, .name = "directory", .version = "1", .roles = POSTERN_LOOKUP,
	.capabilities = POSTERN_CAP_NETWORK, .options = no_options, .lookup = &lookup_with_question };
static const struct postern_plugin file = { POSTERN_PLUGIN_HEAD, .name = "file", .version = "1", .roles = POSTERN_LOOKUP,
	.options = no_options, .lookup = &lookup_with_question };

static const struct postern_scanner_ops of_parts = { .size = sizeof of_parts, .version = fake_version, .scan_part = fake_part };
static const struct postern_plugin parted = { POSTERN_PLUGIN_HEAD, .name = "parted", .version = "1", .roles = POSTERN_SCANNER,
	.capabilities = POSTERN_CAP_NETWORK | POSTERN_CAP_PER_PART, .options = no_options, .scanner = &of_parts };

static struct shared *shared;
static void *owner;

static struct plugin_instance *instance(const struct postern_plugin *p, const char *interval)
{
	struct error e;
	const char *const names[] = { "probe_interval" }, *const values[] = { interval };
	struct plugin_instance *i = plugin_instance_from_pairs(owner, p, names, values, interval ? 1 : 0, &e);
	assert_non_null(i);
	return i;
}

static struct plugin_outcome scan(struct plugin_instance *i)
{
	struct plugin_outcome out;
	plugin_scan(i, plugin_view_new(owner, NULL, -1, NULL), deadline_in(5000), false, owner, &out);
	return out;
}

static unsigned state_now(void)
{
	return atomic_load(&shared->instances[0].breaker_state);
}

static int setup(void **state)
{
	(void)state;
	memset(&peer, 0, sizeof peer);
	owner = talloc_new(NULL);
	shared = shared_private();
	plugin_call_setup(shared, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	plugin_call_setup(NULL, NULL);
	talloc_free(owner);
	return 0;
}

static void test_opens_by_the_question(void **state)
{
	(void)state;
	struct plugin_instance *i = instance(&asked, "1h");
	peer.scan = peer.question = POSTERN_TEMPFAIL;
	assert_int_equal(scan(i).result, POSTERN_TEMPFAIL);
	assert_int_equal(state_now(), BREAKER_SUSPECT);
	assert_int_equal(scan(i).result, POSTERN_TEMPFAIL);
	assert_int_equal(state_now(), BREAKER_OPEN);
	assert_int_equal(peer.scans, 1);
	assert_int_equal(peer.questions, 1);
	for (int k = 0; k < 50; k++) {
		struct plugin_outcome out = scan(i);
		assert_int_equal(out.result, POSTERN_TEMPFAIL);
		assert_non_null(strstr(out.error, "asked: not asked, it has not answered for"));
	}
	assert_int_equal(peer.scans + peer.questions, 2);
	assert_int_equal(atomic_load(&shared->counters[COUNT_BREAKERS_OPENED]), 1);
}

static void test_a_mail_does_not_open_it(void **state)
{
	(void)state;
	struct plugin_instance *i = instance(&asked, "1h");
	for (int k = 0; k < 10; k++) {
		peer.scan = k % 2 ? POSTERN_TEMPFAIL : POSTERN_BROKEN;
		scan(i);
		assert_int_equal(state_now(), BREAKER_SUSPECT);
	}
	assert_int_equal(peer.scans, 10);
	assert_int_equal(peer.questions, 9);
	peer.scan = POSTERN_OK;
	assert_int_equal(scan(i).result, POSTERN_OK);
	assert_int_equal(state_now(), BREAKER_CLOSED);
	assert_int_equal(atomic_load(&shared->counters[COUNT_BREAKERS_OPENED]), 0);
}

static void test_one_turn_an_interval(void **state)
{
	(void)state;
	struct plugin_instance *i = instance(&asked, "100ms");
	peer.scan = peer.question = POSTERN_TEMPFAIL;
	scan(i);
	scan(i);
	assert_int_equal(peer.questions, 1);
	usleep(120000);
	scan(i);
	scan(i);
	assert_in_range(peer.questions, 2, 3);	/* a slow machine may take longer than an interval */
	peer.scan = peer.question = POSTERN_OK;
	usleep(120000);
	assert_int_equal(scan(i).result, POSTERN_OK);
	assert_int_equal(state_now(), BREAKER_CLOSED);
	assert_int_equal(atomic_load(&shared->counters[COUNT_BREAKERS_CLOSED]), 1);
}

static void test_without_a_question(void **state)
{
	(void)state;
	struct plugin_instance *i = instance(&unasked, "1h");
	peer.scan = POSTERN_TEMPFAIL;
	for (int k = 0; k < 5; k++)
		scan(i);
	assert_int_equal(peer.scans, 5);	/* time over, nonsense: may be the mails' doing */
	peer.refused = true;
	scan(i);
	scan(i);
	assert_int_equal(state_now(), BREAKER_OPEN);
	scan(i);
	assert_int_equal(peer.scans, 7);
}

static void test_a_question_that_decides_nothing(void **state)
{
	(void)state;
	struct plugin_instance *i = instance(&asked, "1h");
	peer.scan = POSTERN_TEMPFAIL;
	peer.question = POSTERN_NOTHING;
	for (int k = 0; k < 5; k++)
		scan(i);
	assert_int_equal(peer.scans, 5);
	assert_int_equal(peer.questions, 4);
	peer.refused = true;
	scan(i);
	scan(i);
	assert_int_equal(state_now(), BREAKER_OPEN);
}

static void test_connecting_is_a_question(void **state)
{
	(void)state;
	struct plugin_instance *i = instance(&placed, "1h");
	peer.refused = true;
	scan(i);
	assert_int_equal(state_now(), BREAKER_SUSPECT);
	struct plugin_outcome out = scan(i);	/* nobody takes a connection: the mail is not shown to it */
	assert_non_null(strstr(out.error, "/nonexistent/socket"));
	assert_int_equal(state_now(), BREAKER_OPEN);
	assert_int_equal(peer.scans, 1);
}

/* What did not come about counts in a row: an answer between ends the row, also where a question had left it to the mail. */
static void test_an_answer_ends_the_row(void **state)
{
	(void)state;
	struct plugin_instance *i = instance(&asked, "1h");
	peer.question = POSTERN_NOTHING;
	for (int k = 0; k < 3; k++) {
		peer.refused = true;
		scan(i);
		assert_int_equal(state_now(), BREAKER_SUSPECT);
		peer.refused = false;
		assert_int_equal(scan(i).result, POSTERN_OK);
		assert_int_equal(state_now(), BREAKER_CLOSED);
	}
}

static void test_programs_have_one(void **state)
{
	(void)state;
	struct plugin_instance *i = instance(&program, "1h");
	peer.scan = peer.question = POSTERN_TEMPFAIL;
	scan(i);
	scan(i);
	scan(i);
	assert_int_equal(state_now(), BREAKER_OPEN);
	assert_int_equal(peer.scans, 1);
	assert_int_equal(peer.questions, 1);
}

static void test_a_limit_says_nothing(void **state)
{
	(void)state;
	struct plugin_instance *i = instance(&asked, "1h");
	peer.scan = POSTERN_LIMIT;
	scan(i);
	scan(i);
	assert_int_equal(state_now(), BREAKER_CLOSED);
	assert_int_equal(peer.questions, 0);
}

static struct plugin_answer look_up(struct plugin_instance *i)
{
	static const char *const keys[] = { "a@example.com" };
	struct plugin_answer out;
	plugin_lookup(i, keys, 1, deadline_in(5000), owner, &out);
	return out;
}

static void test_directories_have_one(void **state)
{
	(void)state;
	struct plugin_instance *i = instance(&directory, "1h");
	peer.scan = peer.question = POSTERN_TEMPFAIL;
	look_up(i);
	assert_int_equal(state_now(), BREAKER_SUSPECT);
	look_up(i);
	assert_int_equal(state_now(), BREAKER_OPEN);
	for (int k = 0; k < 50; k++) {
		struct plugin_answer out = look_up(i);
		assert_int_equal(out.result, POSTERN_TEMPFAIL);
		assert_non_null(strstr(out.error, "directory: not asked, it has not answered for"));
	}
	assert_int_equal(peer.scans, 1);
	assert_int_equal(peer.questions, 1);
	assert_int_equal(atomic_load(&shared->instances[0].calls), 52);
}

static void test_a_directory_that_calls_it_wrong_has_answered(void **state)
{
	(void)state;
	struct plugin_instance *i = instance(&directory, "1h");
	peer.scan = POSTERN_BROKEN;
	assert_int_equal(look_up(i).result, POSTERN_BROKEN);
	assert_int_equal(state_now(), BREAKER_CLOSED);
	peer.scan = POSTERN_TEMPFAIL;
	peer.question = POSTERN_BROKEN;
	look_up(i);
	assert_int_equal(state_now(), BREAKER_SUSPECT);
	peer.scan = POSTERN_NOTHING;
	assert_int_equal(look_up(i).result, POSTERN_NOTHING);
	assert_int_equal(state_now(), BREAKER_CLOSED);
}

static void count_row(void *context, const char *const *names, const char *const *values, size_t count)
{
	(void)names;
	(void)values;
	*(size_t *)context += count;
}

static void test_an_answer_to_the_question_is_no_other(void **state)
{
	(void)state;
	static const char *const keys[] = { "a@example.com" };
	struct plugin_instance *i = instance(&directory, "1h");
	struct plugin_outcome rows;
	size_t told = 0;
	for (int k = 0; k < 2; k++) {
		peer.scan = POSTERN_TEMPFAIL;
		peer.question = k ? POSTERN_BROKEN : POSTERN_OK;
		look_up(i);
		peer.scan = POSTERN_NOTHING;
		struct plugin_answer out = look_up(i);
		assert_int_equal(out.result, POSTERN_NOTHING);
		assert_null(out.value);
		assert_null(strstr(out.error, "no answer"));
	}
	peer.scan = POSTERN_TEMPFAIL;
	look_up(i);
	peer.scan = POSTERN_OK;
	plugin_rows(i, keys, 1, count_row, &told, deadline_in(5000), owner, &rows);
	assert_int_equal(rows.result, POSTERN_OK);
	assert_int_equal(told, 0);
	assert_int_equal(peer.questions, 3);
}

static void test_tables_in_files_have_none(void **state)
{
	(void)state;
	struct plugin_instance *i = instance(&file, NULL);
	peer.scan = POSTERN_TEMPFAIL;
	for (int k = 0; k < 5; k++)
		look_up(i);
	assert_int_equal(peer.scans, 5);
	assert_int_equal(peer.questions, 0);
}

/* What has nothing in it is asked of nobody: that says nothing about the scanner. */
static void test_an_empty_mail_is_no_answer(void **state)
{
	(void)state;
	struct plugin_outcome out;
	struct plugin_instance *i = instance(&parted, "100ms");
	struct plugin_view *nothing = plugin_view_new(owner, NULL, -1, NULL);
	plugin_scan(i, nothing, deadline_in(5000), false, owner, &out);
	atomic_store(&shared->instances[0].breaker_state, BREAKER_OPEN);
	plugin_scan(i, nothing, deadline_in(500), false, owner, &out);	/* no time for the question */
	assert_int_equal(out.result, POSTERN_OK);
	assert_int_equal(peer.scans + peer.questions, 0);
	assert_int_equal(state_now(), BREAKER_OPEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_opens_by_the_question, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_mail_does_not_open_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_turn_an_interval, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_a_question, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_question_that_decides_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connecting_is_a_question, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_answer_ends_the_row, setup, teardown),
		cmocka_unit_test_setup_teardown(test_programs_have_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_empty_mail_is_no_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_limit_says_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directories_have_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_directory_that_calls_it_wrong_has_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_answer_to_the_question_is_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tables_in_files_have_none, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
