/* test_scratch.c - scratch folders: held, swept, emptied without following anything. */
#include "config.h"

#include <fcntl.h>
#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "opener/opener.h"

static char base[64];

static int set_up(void **state)
{
	strcpy(base, "/tmp/test-scratch-XXXXXX");
	return mkdtemp(base) ? 0 : -1;
}

static int tear_down(void **state)
{
	return rmdir(base);
}

static int make(char name[32])
{
	struct error e = { 0 };
	int fd;
	if (scratch_make(base, name, &fd, &e) != 0)
		fail_msg("%s", e.text);
	return fd;
}

static void put_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static bool is_there(int dir_fd, const char *name)
{
	struct stat st;
	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_name_mode_and_lock(void **state)
{
	char name[32];
	struct stat st;
	int fd = make(name);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(strlen(name), 15);
	assert_int_equal(scratch_sweep(base), 0);
	assert_int_equal(scratch_remove(base, name), -1);	/* somebody lives there */
	close(fd);
	assert_int_equal(scratch_sweep(base), 1);
}

static void test_sweep_takes_only_its_own(void **state)
{
	char name[32], folder[128], link_name[128];
	snprintf(folder, sizeof folder, "%s/opener-dont", base);
	snprintf(link_name, sizeof link_name, "%s/opener-0123abcd", base);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(symlink(folder, link_name), 0);
	close(make(name));
	assert_int_equal(scratch_sweep(base), 1);
	assert_int_equal(unlink(link_name), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(scratch_remove(base, "../../etc"), -1);
}

static void test_empty_follows_no_link(void **state)
{
	char name[32], outside[] = "/tmp/test-scratch-outside-XXXXXX";
	int fd = make(name);
	assert_non_null(mkdtemp(outside));
	int outside_fd = open(outside, O_RDONLY | O_DIRECTORY);
	put_file(outside_fd, "precious");
	assert_int_equal(symlinkat(outside, fd, "link"), 0);
	put_file(fd, "p001");
	assert_int_equal(mkdirat(fd, "sub", 0700), 0);
	int sub = openat(fd, "sub", O_RDONLY | O_DIRECTORY);
	assert_int_equal(symlinkat(outside, sub, "link"), 0);
	assert_int_equal(mkfifoat(sub, "fifo", 0600), 0);
	put_file(sub, "file");
	close(sub);
	assert_int_equal(scratch_empty(fd), 0);
	assert_false(is_there(fd, "link") || is_there(fd, "sub") || is_there(fd, "p001"));
	assert_true(is_there(outside_fd, "precious"));
	assert_int_equal(scratch_empty(outside_fd), 0);
	close(outside_fd);
	rmdir(outside);
	close(fd);
	assert_int_equal(scratch_remove(base, name), 0);
}

static void test_depth_costs_nothing(void **state)
{
	char name[32];
	int fd = make(name), at = dup(fd);
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(mkdirat(at, "deeper", 0700), 0);
		put_file(at, "file");
		int next = openat(at, "deeper", O_RDONLY | O_DIRECTORY);
		close(at);
		at = next;
	}
	close(at);
	assert_int_equal(scratch_empty(fd), 0);
	assert_false(is_there(fd, "deeper"));
	close(fd);
	assert_int_equal(scratch_sweep(base), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_name_mode_and_lock, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sweep_takes_only_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_empty_follows_no_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_depth_costs_nothing, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
