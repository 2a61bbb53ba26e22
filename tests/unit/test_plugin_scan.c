/* test_plugin_scan.c - what the host makes of scanners' answers: worst part, limits, hostile names, hanging threads, views. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/inside.h"

struct fixture {
	void *owner;
	char folder[64];
	int dir_fd;
	struct plugin_view *view;
	const struct postern_plugin *sample;
	unsigned parts;
};

static struct plugin_host *host;	/* one per process: a plugin is loaded once */

static void add_part(struct fixture *f, const char *text)
{
	struct part part = { .number = ++f->parts, .has_file = true };
	char *path = talloc_asprintf(f->owner, "%s/p%03u", f->folder, f->parts);
	if (text)
		assert_true(g_file_set_contents(path, text, -1, NULL));
	plugin_view_add_part(f->view, &part, -1);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct error e;
	f->owner = talloc_new(NULL);
	strcpy(f->folder, "/tmp/test_plugin_scan-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	f->dir_fd = open(f->folder, O_RDONLY | O_DIRECTORY);
	f->view = plugin_view_new(f->owner, NULL, f->dir_fd, f->folder);
	char *la = talloc_asprintf(f->owner, "%s/tests/unit/sample.la", getenv("POSTERN_BUILD"));
	f->sample = plugin_host_load_file(host, "sample", la, &e);
	*state = f;
	return f->sample ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	for (unsigned k = 0; k <= f->parts; k++) {
		char *name = talloc_asprintf(f->owner, "p%03u", k);
		unlinkat(f->dir_fd, name, 0);
	}
	close(f->dir_fd);
	rmdir(f->folder);
	talloc_free(f->owner);
	free(f);
	return 0;
}

static struct plugin_instance *instance(struct fixture *f, const char *mode, const char *option, const char *value)
{
	struct error e;
	const char *const names[] = { "mode", option }, *const values[] = { mode, value };
	struct plugin_instance *i = plugin_instance_from_pairs(f->owner, f->sample, names, values, option ? 2 : 1, &e);
	assert_non_null(i);
	assert_int_equal(plugin_instance_start(i, &e), 0);
	return i;
}

static struct plugin_outcome scan(struct fixture *f, struct plugin_instance *i, bool stop)
{
	struct plugin_outcome out;
	plugin_scan(i, f->view, deadline_in(5000), stop, f->owner, &out);
	return out;
}

static void test_clean(void **state)
{
	struct fixture *f = *state;
	add_part(f, "good");
	add_part(f, "");
	struct plugin_outcome out = scan(f, instance(f, "plain", NULL, NULL), false);
	assert_int_equal(out.result, POSTERN_OK);
	assert_int_equal(out.found_count, 0);
	assert_null(out.error);
}

static void test_found_and_stop(void **state)
{
	struct fixture *f = *state;
	add_part(f, "good");
	add_part(f, "virus One");
	add_part(f, "virus Two");
	struct plugin_outcome out = scan(f, instance(f, "plain", NULL, NULL), false);
	assert_int_equal(out.found_count, 2);
	assert_string_equal(out.found[0].name, "One");
	assert_int_equal(out.found[1].part, 3);
	out = scan(f, instance(f, "plain", NULL, NULL), true);
	assert_int_equal(out.found_count, 1);
}

static void test_worst_part_counts(void **state)
{
	struct fixture *f = *state;
	add_part(f, "limit");
	add_part(f, "good");
	struct plugin_outcome out = scan(f, instance(f, "plain", NULL, NULL), false);
	assert_int_equal(out.result, POSTERN_LIMIT);
	assert_string_equal(out.error, "sample: over a limit");
	add_part(f, "fail");
	add_part(f, "good");
	out = scan(f, instance(f, "plain", NULL, NULL), false);
	assert_int_equal(out.result, POSTERN_TEMPFAIL);
	assert_string_equal(out.error, "sample: as told by p003");
}

static void test_virus_beside_a_failure(void **state)
{
	struct fixture *f = *state;
	add_part(f, "virus One");
	add_part(f, "fail");
	struct plugin_outcome out = scan(f, instance(f, "plain", NULL, NULL), false);
	assert_int_equal(out.result, POSTERN_TEMPFAIL);	/* both are told: what it means is the worker's business */
	assert_int_equal(out.found_count, 1);
	assert_string_equal(out.error, "sample: as told by p002");
}

static void test_a_failure_hides_nothing(void **state)
{
	struct fixture *f = *state;
	add_part(f, "fail");
	add_part(f, NULL);	/* no file: BROKEN */
	add_part(f, "limit");
	add_part(f, "virus Behind");
	struct plugin_outcome out = scan(f, instance(f, "plain", NULL, NULL), false);
	assert_int_equal(out.result, POSTERN_TEMPFAIL);
	assert_string_equal(out.error, "sample: as told by p001");
	assert_int_equal(out.found_count, 1);
	assert_int_equal(out.found[0].part, 4);
}

static void test_nobody_asks_on_when_the_mail_is_not_wanted(void **state)
{
	struct fixture *f = *state;
	int fds[2];
	struct plugin_outcome out;
	struct deadline d = deadline_in(60000);
	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	d.cancel_fd = fds[0];
	add_part(f, "fail");
	add_part(f, "virus Behind");
	plugin_scan(instance(f, "plain", NULL, NULL), f->view, d, false, f->owner, &out);
	assert_int_equal(out.result, POSTERN_TEMPFAIL);
	assert_int_equal(out.found_count, 0);
	close(fds[0]);
}

static void test_found_in_one_part_vouches_for_no_other(void **state)
{
	struct fixture *f = *state;
	add_part(f, "virus One");
	add_part(f, "nothing");
	struct plugin_outcome out = scan(f, instance(f, "plain", NULL, NULL), false);
	assert_int_equal(out.result, POSTERN_NOTHING);
	assert_int_equal(out.found_count, 1);
}

static void test_max_size(void **state)
{
	struct fixture *f = *state;
	add_part(f, "0123456789");
	struct plugin_outcome out = scan(f, instance(f, "plain", "max_size", "10"), false);
	assert_int_equal(out.result, POSTERN_OK);
	out = scan(f, instance(f, "plain", "max_size", "9"), false);
	assert_int_equal(out.result, POSTERN_LIMIT);
	assert_string_equal(out.error, "sample: part p001 has 10 bytes, more than max_size");
}

static void test_hostile_names(void **state)
{
	struct fixture *f = *state;
	add_part(f, "virus a\r\nSubject: x\x1b[0m");
	struct plugin_outcome out = scan(f, instance(f, "plain", NULL, NULL), false);
	assert_string_equal(out.found[0].name, "a\\015\\nSubject: x\\033[0m");
}

static void test_parts_that_are_no_files(void **state)
{
	struct fixture *f = *state;
	add_part(f, NULL);
	struct plugin_outcome out = scan(f, instance(f, "plain", NULL, NULL), false);
	assert_int_equal(out.result, POSTERN_BROKEN);
	assert_int_equal(symlinkat("/etc/passwd", f->dir_fd, "p002"), 0);
	add_part(f, NULL);
	assert_true(f->view->mail.parts[1].damaged);
}

static void test_link_put_there_later(void **state)
{
	struct fixture *f = *state;
	add_part(f, "good");
	assert_int_equal(unlinkat(f->dir_fd, "p001", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", f->dir_fd, "p001"), 0);
	struct plugin_outcome out = scan(f, instance(f, "plain", NULL, NULL), false);
	assert_int_equal(out.result, POSTERN_TEMPFAIL);
}

static void test_whole_mail_when_there_is_no_part(void **state)
{
	struct fixture *f = *state;
	char path[100];
	snprintf(path, sizeof path, "%s/p000", f->folder);
	assert_true(g_file_set_contents(path, "virus Whole", -1, NULL));
	struct mail mail = { .fd = open(path, O_RDONLY), .size_bytes = 11 };
	f->view = plugin_view_new(f->owner, &mail, f->dir_fd, f->folder);
	close(mail.fd);
	struct plugin_outcome out = scan(f, instance(f, "plain", NULL, NULL), false);
	assert_int_equal(out.found_count, 1);
	assert_int_equal(out.found[0].part, 0);
}

static void test_accounting(void **state)
{
	struct fixture *f = *state;
	struct shared *s = shared_private();
	plugin_call_setup(s, NULL);
	add_part(f, "virus One");
	struct plugin_instance *i = instance(f, "plain", "name", "counted");
	scan(f, i, false);
	scan(f, i, false);
	assert_string_equal(s->instances[0].name, "counted");
	assert_int_equal(atomic_load(&s->instances[0].calls), 2);
	assert_int_equal(atomic_load(&s->instances[0].found), 2);
	assert_int_equal(atomic_load(&s->instances[0].failed), 0);
	const struct plugin_outcome heard = { .result = POSTERN_TEMPFAIL, .elapsed_us = 5 };
	plugin_account(i, &heard);
	assert_int_equal(atomic_load(&s->instances[0].calls), 3);
	assert_int_equal(atomic_load(&s->instances[0].failed), 1);
	plugin_call_setup(NULL, NULL);
}

static void test_lookup(void **state)
{
	struct fixture *f = *state;
	const char *const keys[] = { "x@example.com", "example.com" };
	struct plugin_answer answer;
	plugin_lookup(instance(f, "plain", NULL, NULL), keys, 2, deadline_in(1000), f->owner, &answer);
	assert_int_equal(answer.result, POSTERN_OK);
	assert_string_equal(answer.key, "example.com");
	assert_string_equal(answer.value, "yes");
	plugin_lookup(instance(f, "plain", NULL, NULL), keys, 1, deadline_in(1000), f->owner, &answer);
	assert_int_equal(answer.result, POSTERN_NOTHING);
}

static void test_side_by_side(void **state)
{
	struct fixture *f = *state;
	struct plugin_instance *all[3];
	struct plugin_outcome out[3];
	add_part(f, "virus One");
	for (size_t k = 0; k < 3; k++)
		all[k] = instance(f, "slow", NULL, NULL);
	int64_t began = clock_now_ms();
	plugin_scan_all(all, 3, f->view, deadline_in(5000), false, f->owner, out);
	int64_t took = clock_now_ms() - began;
	assert_true(took >= 200 && took < 500);
	for (size_t k = 0; k < 3; k++)
		assert_int_equal(out[k].found_count, 1);
	assert_false(plugin_threads_left());
}

static void test_cancel(void **state)
{
	struct fixture *f = *state;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	struct plugin_instance *all[2] = { instance(f, "slow", NULL, NULL), instance(f, "slow", NULL, NULL) };
	struct plugin_outcome out[2];
	struct deadline d = deadline_in(60000);
	d.cancel_fd = fds[0];
	add_part(f, "good");
	int64_t began = clock_now_ms();
	plugin_scan_all(all, 2, f->view, d, false, f->owner, out);
	assert_true(clock_now_ms() - began < 2000);
	close(fds[0]);
}

/* Last: it leaves a thread behind. */
static void test_hanging_thread_is_left(void **state)
{
	struct fixture *f = *state;
	struct plugin_instance *all[2] = { instance(f, "plain", NULL, NULL), instance(f, "hang", NULL, NULL) };
	struct plugin_outcome out[2];
	add_part(f, "virus One");
	int64_t began = clock_now_ms();
	plugin_scan_all(all, 2, f->view, deadline_in(300), false, f->owner, out);
	assert_true(clock_now_ms() - began < 2000);
	assert_int_equal(out[0].found_count, 1);
	assert_int_equal(out[1].result, POSTERN_TEMPFAIL);
	assert_true(plugin_threads_left());
	plugin_scan(all[1], f->view, deadline_in(300), false, f->owner, &out[1]);
	assert_string_equal(out[1].error, "sample: an earlier call has not come back");
	f->owner = talloc_new(NULL);	/* as a worker does: what the thread uses is not freed before the process ends */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_clean, setup, teardown),
		cmocka_unit_test_setup_teardown(test_found_and_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_worst_part_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_virus_beside_a_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_failure_hides_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_asks_on_when_the_mail_is_not_wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_found_in_one_part_vouches_for_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(test_max_size, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parts_that_are_no_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_put_there_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whole_mail_when_there_is_no_part, setup, teardown),
		cmocka_unit_test_setup_teardown(test_accounting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lookup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_side_by_side, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hanging_thread_is_left, setup, teardown),
	};
	host = plugin_host_new(NULL, NULL, NULL);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	fflush(NULL);
	_exit(rc);	/* a thread may still be about */
}
