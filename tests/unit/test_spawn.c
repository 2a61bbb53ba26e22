/* test_spawn.c - programs that end, fail, talk too much, hang, and leave children behind. */
#include "config.h"
#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/privilege.h"
#include "base/spawn.h"

#define PATH "/usr/bin:/bin"
#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct spawn_result r;
static struct error e;

static int run(const char *const argv[], int stdin_fd, size_t max, int64_t timeout_ms)
{
	return spawn_run(argv, PATH, stdin_fd, NULL, max, deadline_in(timeout_ms), &r, &e);
}

static void no_children_are_left(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void output_and_exit_code(void **state)
{
	assert_int_equal(run(ARGV("echo", "a b", "$HOME;*"), -1, 1000, 5000), 0);
	assert_int_equal(r.exit_code, 0);
	assert_string_equal(r.output, "a b $HOME;*\n");
	assert_int_equal(r.output_size, 12);
	free(r.output);
	assert_int_equal(run(ARGV("/bin/false"), -1, 1000, 5000), 0);
	assert_int_equal(r.exit_code, 1);
	assert_string_equal(r.output, "");
	free(r.output);
	assert_int_equal(run(ARGV("env"), -1, 1000, 5000), 0);
	assert_string_equal(r.output, "");
	free(r.output);
	assert_int_equal(run(ARGV("pwd"), -1, 1000, 5000), 0);
	assert_string_equal(r.output, "/\n");
	free(r.output);
	no_children_are_left();
}

static void standard_error_and_input(void **state)
{
	int fds[2];
	assert_int_equal(run(ARGV("ls", "/does/not/exist"), -1, 1000, 5000), 0);
	assert_int_equal(r.exit_code, 2);
	assert_non_null(strstr(r.output, "/does/not/exist"));
	free(r.output);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "from us", 7), 7);
	close(fds[1]);
	assert_int_equal(run(ARGV("cat"), fds[0], 1000, 5000), 0);
	assert_string_equal(r.output, "from us");
	free(r.output);
	assert_int_equal(run(ARGV("ls", "/proc/self/fd"), -1, 1000, 5000), 0);
	assert_string_equal(r.output, "0\n1\n2\n3\n");	/* 3: the folder that ls reads */
	free(r.output);
	close(fds[0]);
}

static void too_much_output_is_cut(void **state)
{
	assert_int_equal(run(ARGV("head", "-c", "3000000", "/dev/zero"), -1, 1000, 10000), 0);
	assert_int_equal(r.exit_code, 0);
	assert_true(r.output_cut);
	assert_int_equal(r.output_size, 1000);
	free(r.output);
	assert_int_equal(run(ARGV("head", "-c", "1000", "/dev/zero"), -1, 1000, 10000), 0);
	assert_false(r.output_cut);
	free(r.output);
}

static void killed_by_a_signal(void **state)
{
	assert_int_equal(run(ARGV("timeout", "-s", "KILL", "0.05", "sleep", "5"), -1, 1000, 5000), 0);
	assert_true(r.exit_code == 137 || (r.exit_code == -1 && r.signal == SIGKILL));
	free(r.output);
}

static void hanging_programs_are_killed(void **state)
{
	int64_t start_ms = clock_now_ms();
	assert_int_equal(run(ARGV("sleep", "30"), -1, 1000, 80), -1);
	assert_int_equal(e.class, ERROR_DEADLINE);
	assert_null(r.output);
	assert_int_equal(run(ARGV("yes"), -1, 1000, 80), -1);
	assert_int_equal(e.class, ERROR_DEADLINE);
	assert_true(clock_now_ms() - start_ms < 3000);
	no_children_are_left();
}

static void cancelled(void **state)
{
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	struct deadline d = deadline_in(5000);
	d.cancel_fd = fds[0];
	close(fds[1]);
	assert_int_equal(spawn_run(ARGV("sleep", "30"), PATH, -1, NULL, 100, d, &r, &e), -1);
	assert_int_equal(e.class, ERROR_CANCELLED);
	close(fds[0]);
	no_children_are_left();
}

/* timeout(1) in the background would leave its own group; python keeps ours: the grandchild holds the pipe and dies with the group. */
static void grandchildren_do_not_outlive(void **state)
{
	int64_t start_ms = clock_now_ms();
	assert_int_equal(run(ARGV("python3", "-c", "import os,sys,time\nif os.fork() == 0:\n time.sleep(60)\nprint('parent', flush=True)"),
		-1, 1000, 20000), 0);
	assert_string_equal(r.output, "parent\n");
	assert_true(clock_now_ms() - start_ms < 15000);
	free(r.output);
}

static void missing_programs(void **state)
{
	assert_int_equal(run(ARGV("no-such-program"), -1, 1000, 5000), -1);
	assert_int_equal(e.class, ERROR_ENVIRONMENT);
	assert_non_null(strstr(e.text, "no-such-program"));
	assert_int_equal(run(ARGV("/etc/passwd"), -1, 1000, 5000), -1);
	assert_int_equal(run(ARGV("./relative"), -1, 1000, 5000), -1);
	assert_null(spawn_find("", PATH));
	assert_null(spawn_find("../bin/sh", PATH));
	assert_null(spawn_find("echo", ":.:relative"));
	char *file = spawn_find("echo", "/nowhere:/usr/bin:/bin");
	assert_non_null(file);
	assert_int_equal(file[0], '/');
	free(file);
}

static void *run_in_thread(void *argument)
{
	struct spawn_result mine;
	const char *code = argument;
	bool good = spawn_run(ARGV("python3", "-c", code), PATH, -1, NULL, 100, deadline_in(20000), &mine, NULL) == 0;
	good = good && mine.exit_code == atoi(strrchr(code, '(') + 1);
	free(mine.output);
	return good ? argument : NULL;
}

static void threads_wait_for_their_own(void **state)
{
	static char *const codes[] = { "exit(1)", "exit(2)", "exit(3)", "exit(4)" };
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_in_thread, codes[i]), 0);
	for (int i = 0; i < 4; i++) {
		void *good;
		pthread_join(threads[i], &good);
		assert_non_null(good);
	}
	no_children_are_left();
}

static void users_are_found(void **state)
{
	uid_t uid;
	gid_t gid;
	assert_int_equal(privilege_find("root", NULL, &uid, &gid, &e), 0);
	assert_int_equal(uid, 0);
	assert_int_equal(privilege_find("no-such-user", NULL, &uid, &gid, &e), -1);
	assert_int_equal(e.class, ERROR_CONFIG);
	assert_non_null(strstr(e.text, "useradd"));
	assert_int_equal(privilege_find("root", ARGV("no-such-group"), &uid, &gid, &e), -1);
	assert_int_equal(privilege_find("0", ARGV("5", "0"), &uid, &gid, &e), 0);
	assert_int_equal(gid, 5);
}

/* In a child: there is no way back. */
static void root_is_given_up(void **state)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (geteuid() != 0)
			_exit(privilege_drop("no-such-user", NULL, &e));
		if (privilege_drop("root", NULL, &e) == 0 || privilege_drop("nobody", NULL, &e) != 0)
			_exit(1);
		_exit(geteuid() == 0 || setuid(0) == 0 ? 2 : 0);
	}
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_exit_code), cmocka_unit_test(standard_error_and_input), cmocka_unit_test(too_much_output_is_cut),
		cmocka_unit_test(killed_by_a_signal), cmocka_unit_test(hanging_programs_are_killed), cmocka_unit_test(cancelled),
		cmocka_unit_test(grandchildren_do_not_outlive), cmocka_unit_test(missing_programs), cmocka_unit_test(threads_wait_for_their_own),
		cmocka_unit_test(users_are_found), cmocka_unit_test(root_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
