/* test_wire_ledger.c - shared memory, counters and both ledgers, also with processes that disturb each other. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <errno.h>

#include <cmocka.h>
#include <glib.h>

#include "base/deadline.h"
#include "wire/ledger_slots.h"
#include "wire/shared.h"

static struct ledger_key key_of(unsigned n)
{
	unsigned char digest[16] = { (unsigned char)n, (unsigned char)(n >> 8) };
	return ledger_key_make(digest, "a@example.com", "b@example.com");
}

static int setup(void **state)
{
	*state = shared_private();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	return munmap(*state, sizeof(struct shared));
}

static void test_create_and_map(void **state)
{
	(void)state;
	int fd = -1;
	struct shared *s = shared_create(&fd);
	assert_non_null(s);
	uint64_t first = s->session_counter;
	assert_true(first >= 10000 && first < 90000);
	struct shared *other = shared_map(fd);
	assert_non_null(other);
	shared_count(s, COUNT_MAILS, 3);
	shared_count(other, COUNT_MAILS, 4);
	shared_count(NULL, COUNT_MAILS, 1);
	assert_true(s->counters[COUNT_MAILS] == 7);
	assert_int_equal(ftruncate(fd, 10), -1);
	assert_int_equal(ftruncate(fd, (off_t)(sizeof *s + 1)), -1);
	s->layout++;
	errno = 0;
	assert_null(shared_map(fd));
	assert_int_equal(errno, EPROTO);
	munmap(other, sizeof *s);
	munmap(s, sizeof *s);
	close(fd);
	int small = memfd_create("small", MFD_CLOEXEC);
	assert_null(shared_map(small));
	close(small);
	assert_null(shared_map(-1));
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < COUNT_OF_COUNTERS; i++)
		assert_non_null(shared_counter_name((enum shared_counter)i));
	assert_string_equal(shared_counter_name(COUNT_SCANS_FAILED), "scans-failed");
	assert_string_equal(worker_stage_name(STAGE_FREE), "free");
	assert_string_equal(worker_stage_name(STAGE_ANSWER), "answer");
}

static void test_keys_differ(void **state)
{
	(void)state;
	const unsigned char d[16] = { 1 };
	struct ledger_key a = ledger_key_make(d, "ab", "c"), b = ledger_key_make(d, "a", "bc"), c = ledger_key_make(d, "ab", NULL),
		e = ledger_key_make(d, "ab", "");
	assert_memory_not_equal(&a, &b, sizeof a);
	assert_memory_not_equal(&a, &c, sizeof a);
	assert_memory_not_equal(&c, &e, sizeof a);
	struct ledger_key again = ledger_key_make(d, "ab", "c");
	assert_memory_equal(&a, &again, sizeof a);
}

static void test_delivered_way(void **state)
{
	struct shared *s = *state;
	struct ledger_key k = key_of(1);
	assert_false(ledger_delivered_take(s, k, 10));
	assert_false(ledger_delivered_note(s, k, 10));
	assert_true(ledger_delivered_pending(s, k, 10));
	assert_false(ledger_delivered_take(s, k, 11));	/* pending is not noted */
	assert_false(ledger_delivered_note(s, k, 11));	/* not its owner */
	ledger_delivered_clear(s, k, 11);
	assert_int_equal(ledger_delivered_count(s, DELIVERED_PENDING), 1);
	assert_true(ledger_delivered_note(s, k, 10));
	assert_int_equal(ledger_delivered_count(s, DELIVERED_NOTED), 1);
	ledger_delivered_clear(s, k, 10);		/* noted stays */
	assert_true(ledger_delivered_take(s, k, 11));
	assert_false(ledger_delivered_take(s, k, 12));
	ledger_delivered_clear(s, k, 11);
	assert_int_equal(ledger_delivered_count(s, DELIVERED_PENDING), 0);
	assert_false(ledger_delivered_note(s, k, 11));
}

static void test_delivered_counts_entries(void **state)
{
	struct shared *s = *state;
	struct ledger_key k = key_of(1);
	assert_true(ledger_delivered_pending(s, k, 10));
	assert_true(ledger_delivered_pending(s, k, 10));
	ledger_delivered_clear(s, k, 10);
	assert_true(ledger_delivered_note(s, k, 10));
	assert_true(ledger_delivered_take(s, k, 10));
	assert_false(ledger_delivered_take(s, k, 10));
}

static void test_note_all(void **state)
{
	struct shared *s = *state;
	for (unsigned i = 0; i < 100; i++)
		assert_true(ledger_delivered_pending(s, key_of(i), i % 2 ? 10 : 20));
	assert_int_equal(ledger_delivered_note_all(s, 10, -1), 50);
	assert_int_equal(ledger_delivered_note_all(s, 10, -1), 0);
	assert_int_equal(ledger_delivered_count(s, DELIVERED_PENDING), 50);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(ledger_delivered_take(s, key_of(i), 30), i % 2);
}

static void expire_all(struct shared *s)
{
	for (uint32_t i = 0; i < SHARED_DELIVERED; i++)
		if (s->delivered[i].until_ms)
			s->delivered[i].until_ms = clock_now_ms() - 1;
}

static void test_expired_is_free(void **state)
{
	struct shared *s = *state;
	struct ledger_key k = key_of(1);
	assert_true(ledger_delivered_pending(s, k, 10));
	assert_true(ledger_delivered_note(s, k, 10));
	expire_all(s);
	assert_false(ledger_delivered_take(s, k, 10));
	for (unsigned i = 0; i < LEDGER_WINDOW; i++)
		assert_true(ledger_delivered_pending(s, k, 10));
	assert_false(ledger_delivered_pending(s, k, 10));	/* all pending: nobody gives way */
}

static void test_oldest_noted_gives_way(void **state)
{
	struct shared *s = *state;
	struct ledger_table t = { s->delivered, SHARED_DELIVERED };
	struct ledger_key k = key_of(1);
	int64_t now = clock_now_ms();
	for (unsigned i = 0; i < LEDGER_WINDOW; i++)
		assert_true(ledger_insert(t, k, i == 5 ? DELIVERED_PENDING : DELIVERED_NOTED, i, now, now + 100000 - i));
	assert_true(ledger_insert(t, k, DELIVERED_PENDING, 99, now, now + 1000));
	unsigned at = 0, seen = 0;
	uint64_t word;
	while (ledger_find(t, k, now, &at, &word)) {
		seen++;
		assert_int_not_equal(ledger_word_value(word), LEDGER_WINDOW - 1);
	}
	assert_int_equal(seen, LEDGER_WINDOW);
}

/* A process that died while it held a slot: the slot comes back, but not at once. */
static void test_dead_claims_come_back(void **state)
{
	struct shared *s = *state;
	struct ledger_table t = { s->delivered, SHARED_DELIVERED };
	struct ledger_key k = key_of(1);
	int64_t now = clock_now_ms();
	for (uint32_t i = 0; i < SHARED_DELIVERED; i++)
		s->delivered[i].word = (uint64_t)(uint32_t)(now / 1000) << 32 | DELIVERED_BUSY;
	assert_false(ledger_insert(t, k, DELIVERED_PENDING, 1, now, now + 100000));
	assert_false(ledger_insert(t, k, DELIVERED_PENDING, 1, now - 5000, now + 100000));
	now += (LEDGER_BUSY_MAX_S + 2) * 1000;
	assert_true(ledger_insert(t, k, DELIVERED_PENDING, 1, now, now + 100000));
}

static void test_poison(void **state)
{
	struct shared *s = *state;
	struct ledger_key k = key_of(7);
	assert_int_equal(ledger_poison_deaths(s, k), 0);
	assert_int_equal(ledger_poison_add(s, k), 1);
	assert_int_equal(ledger_poison_add(s, k), 2);
	assert_int_equal(ledger_poison_add(s, key_of(8)), 1);
	assert_int_equal(ledger_poison_deaths(s, k), 2);
	ledger_poison_clear(s, k);
	assert_int_equal(ledger_poison_deaths(s, k), 0);
	for (uint32_t i = 0; i < SHARED_POISON; i++)
		s->poison[i].until_ms = 1;
	assert_int_equal(ledger_poison_deaths(s, key_of(8)), 0);
}

#define HAMMER_KEYS 7
#define HAMMER_ROUNDS 3000

/* Each process goes every way with keys shared by all: a pending entry is its own until it settles it. */
static int hammer(struct shared *s, uint32_t owner)
{
	for (unsigned i = 0; i < HAMMER_ROUNDS; i++) {
		struct ledger_key k = key_of(i % HAMMER_KEYS);
		ledger_poison_add(s, key_of(100 + i % 2));
		if (!ledger_delivered_take(s, k, owner) && !ledger_delivered_pending(s, k, owner))
			return 1;
		if (i % 3 == 1 && !ledger_delivered_note(s, k, owner))
			return 2;
		if (i % 3 == 2)
			ledger_delivered_clear(s, k, owner);
		if (i % 3 == 0 && i % 60 == 0 && ledger_delivered_note_all(s, owner, -1) == 0)
			return 3;
		if (i % 3 == 0 && i % 60 != 0)
			ledger_delivered_clear(s, k, owner);
	}
	return 0;
}

static void test_processes_hammer(void **state)
{
	struct shared *s = *state;
	pid_t children[3];
	for (unsigned i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(hammer(s, 1000 + i));
	}
	for (unsigned i = 0; i < 3; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	assert_int_equal(ledger_delivered_count(s, DELIVERED_PENDING), 0);
	unsigned noted = ledger_delivered_count(s, DELIVERED_NOTED), taken = 0;
	for (unsigned i = 0; i < HAMMER_KEYS; i++)
		while (ledger_delivered_take(s, key_of(i), 1))
			taken++;
	assert_int_equal(noted, taken);
	assert_int_equal(ledger_poison_deaths(s, key_of(100)) + ledger_poison_deaths(s, key_of(101)), 3 * HAMMER_ROUNDS);
}

/* Children killed at any instruction: what they leave must not stop the others. */
static void test_killed_in_the_middle(void **state)
{
	struct shared *s = *state;
	for (unsigned i = 0; i < 10; i++) {
		pid_t child = fork();
		if (child == 0)
			for (;;) {
				ledger_delivered_pending(s, key_of(i), 5000);
				ledger_delivered_clear(s, key_of(i), 5000);
			}
		usleep(2000);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		ledger_delivered_note_all(s, 5000, -1);
		assert_true(ledger_delivered_pending(s, key_of(i), 1));
	}
	assert_int_equal(ledger_delivered_count(s, DELIVERED_PENDING), 10);
}

static char *scratch_file(void)
{
	char *dir = g_strdup("ledger-XXXXXX");
	assert_non_null(mkdtemp(dir));
	char *path = g_build_filename(dir, "ledger", NULL);
	g_free(dir);
	return path;
}

static void scratch_remove(char *path)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	g_free(path);
}

static unsigned count_lines(const char *path)
{
	char *text;
	unsigned n = 0;
	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	for (const char *p = text; *p; p++)
		n += *p == '\n';
	g_free(text);
	return n;
}

static void test_file(void **state)
{
	struct shared *s = *state;
	char *path = scratch_file();
	int64_t wall = clock_wall_us() / 1000000;
	assert_int_equal(ledger_file_load(s, path), 0);
	int fd = ledger_file_open(path);
	assert_true(fd >= 0);
	ledger_file_append(fd, 'D', key_of(1), wall + 600);
	ledger_file_append(fd, 'D', key_of(2), wall + 600);
	ledger_file_append(fd, 'D', key_of(3), wall - 1);
	ledger_file_append(fd, 'D', key_of(4), wall + 100 * 24 * 3600);
	ledger_file_append(fd, 'C', key_of(2), wall + 600);
	ledger_file_append(fd, 'P', key_of(5), wall + 600);
	ledger_file_append(fd, 'P', key_of(5), wall + 600);
	ledger_file_append(fd, 'P', key_of(6), wall + 600);
	ledger_file_append(fd, 'C', key_of(6), wall + 600);
	ledger_file_append(-1, 'C', key_of(6), wall + 600);
	static const char junk[] = "\nX\nD 12\nD zz112233445566778899aabbccddeeff 99999999999 0\nP 00112233445566778899aabbccddeeff 99999999999 -1\n"
		"\0\0\0\nsomething much longer than any line of this file could ever be, so that it must be read in two pieces, each of "
		"which is passed over like all that is not understood\nD 0011223";
	assert_int_equal(write(fd, junk, sizeof junk - 1), sizeof junk - 1);
	close(fd);
	assert_int_equal(ledger_file_load(s, path), 0);
	assert_int_equal(ledger_delivered_count(s, DELIVERED_NOTED), 2);
	assert_int_equal(ledger_poison_deaths(s, key_of(5)), 2);
	assert_int_equal(ledger_poison_deaths(s, key_of(6)), 0);
	assert_int_equal(count_lines(path), 3);
	struct shared *later = shared_private();
	assert_int_equal(ledger_file_load(later, path), 0);
	assert_true(ledger_delivered_take(later, key_of(1), 9));
	assert_false(ledger_delivered_take(later, key_of(2), 9));
	assert_true(ledger_delivered_take(later, key_of(4), 9));
	assert_int_equal(ledger_poison_add(later, key_of(5)), 3);
	munmap(later, sizeof *later);
	scratch_remove(path);
}

static void test_file_that_is_none(void **state)
{
	struct shared *s = *state;
	assert_int_equal(ledger_file_load(s, "."), -1);
	assert_int_equal(ledger_file_open("/nowhere/at/all"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_and_map),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_keys_differ),
		cmocka_unit_test_setup_teardown(test_delivered_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delivered_counts_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_note_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expired_is_free, setup, teardown),
		cmocka_unit_test_setup_teardown(test_oldest_noted_gives_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dead_claims_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_poison, setup, teardown),
		cmocka_unit_test_setup_teardown(test_processes_hammer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_in_the_middle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_that_is_none, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
