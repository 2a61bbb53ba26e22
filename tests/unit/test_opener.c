/* test_opener.c - an opener forked with a socket pair as its worker: its talk, its jail, its limits, its end. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <talloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/deadline.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "opener/opener.h"
#include "plugin/host.h"

struct fixture {
	void *owner;
	char folder[64];
	struct plugin_instance *instances[1];
	struct opener_settings settings;
	int fd;				/* of the worker's side */
	pid_t pid;
	struct hello hello;
	int dir_fd;
	/* of the last mail */
	struct opened opened;
	GPtrArray *findings;
	unsigned parts, reports;
	uint8_t outcome;
};

/* --- the worker's side --- */

static ssize_t receive(struct fixture *f, struct wire_reader *r, int *dir_fd)
{
	static char buffer[FDPASS_RECORD_MAX];
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	ssize_t n;
	do
		n = fdpass_receive(f->fd, buffer, sizeof buffer, fds, &count, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n;
	assert_true(wire_open(r, buffer, (size_t)n));
	assert_int_equal(count, dir_fd ? 1 : 0);
	if (dir_fd)
		*dir_fd = fds[0];
	return n;
}

static void run_child(struct fixture *f, int fds[2])
{
	close(fds[0]);
	f->settings.worker_fd = fds[1];
	_exit(opener_run(&f->settings));
}

static void start(struct fixture *f)
{
	int fds[2];
	struct wire_reader r;
	assert_int_equal(fdpass_pair(fds), 0);
	fflush(NULL);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (f->pid == 0)
		run_child(f, fds);
	close(fds[1]);
	f->fd = fds[0];
	assert_true(receive(f, &r, &f->dir_fd) > 0);
	assert_int_equal(hello_read(&r, f->owner, &f->hello), 0);
}

/* Its wait status. */
static int finish(struct fixture *f)
{
	int status = 0;
	if (f->fd >= 0)
		close(f->fd);
	if (f->dir_fd >= 0)
		close(f->dir_fd);
	f->fd = f->dir_fd = -1;
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	f->pid = -1;
	return status;
}

static int send_bytes(struct fixture *f, struct wire_writer *w, const int *fds, int count)
{
	size_t n;
	const void *data = wire_end(w, &n);
	int rc = fdpass_send(f->fd, data, n, fds, count, 0);
	wire_free(w);
	return rc;
}

static int mail_file(const char *mail, size_t n)
{
	FILE *t = tmpfile();
	assert_non_null(t);
	assert_int_equal(fwrite(mail, 1, n, t), n);
	fflush(t);
	int fd = dup(fileno(t));
	fclose(t);
	return fd;
}

static struct open_order usual_order(void)
{
	static uint32_t scanners[] = { 0 };
	return (struct open_order){ .log_id = "1-01", .keep_parts = 1, .deadline_ms = clock_now_ms() + 60000, .scan = 1, .scanner_count = 1, .scanners = scanners,
		.max_files = 1500, .max_levels = 14, .cpu_ms = 60000 };
}

static int send_open(struct fixture *f, struct open_order *order, const char *mail, size_t n)
{
	struct wire_writer w = { 0 };
	int fd = mail_file(mail, n);
	order->size_bytes = n;
	open_order_write(&w, order);
	int rc = send_bytes(f, &w, &fd, 1);
	close(fd);
	return rc;
}

static void take_finding(struct fixture *f, struct wire_reader *r)
{
	struct finding_record finding;
	assert_int_equal(finding_record_read(r, f->owner, &finding), 0);
	f->reports++;
	f->outcome = finding.outcome;
	for (uint32_t i = 0; i < finding.name_count; i++)
		g_ptr_array_add(f->findings, g_strdup(finding.names[i]));
}

/* Read until OPENED, and one FINDING for each scanner after it: true; end of file before: false. */
static bool read_answers(struct fixture *f, const struct open_order *order)
{
	unsigned wanted = order->scan ? order->scanner_count : 0;
	bool opened = false;
	struct wire_reader r;
	f->parts = f->reports = 0;
	g_ptr_array_set_size(f->findings, 0);
	while (!opened || f->reports < wanted) {
		struct part_record p;
		if (receive(f, &r, NULL) <= 0)
			return false;
		if (r.kind == RECORD_OPENED) {
			assert_int_equal(opened_read(&r, f->owner, &f->opened), 0);
			opened = true;
			continue;
		}
		if (r.kind == RECORD_FINDING) {
			assert_true(opened);
			take_finding(f, &r);
			continue;
		}
		assert_int_equal(r.kind, RECORD_PART);
		assert_false(opened);
		assert_int_equal(part_record_read(&r, f->owner, &p), 0);
		assert_int_equal(p.number, ++f->parts);
		assert_true(p.parent < p.number);
	}
	return true;
}

static bool open_mail(struct fixture *f, struct open_order *order, const char *mail, size_t n)
{
	assert_int_equal(send_open(f, order, mail, n), 0);
	return read_answers(f, order);
}

static void say_done(struct fixture *f)
{
	struct wire_writer w = { 0 };
	struct wire_reader r;
	wire_begin(&w, RECORD_DONE);
	assert_int_equal(send_bytes(f, &w, NULL, 0), 0);
	assert_true(receive(f, &r, NULL) > 0);
	assert_int_equal(r.kind, RECORD_EMPTIED);
}

static bool found(struct fixture *f, const char *what)
{
	for (guint i = 0; i < f->findings->len; i++)
		if (strcmp(g_ptr_array_index(f->findings, i), what) == 0)
			return true;
	return false;
}

/* --- set up --- */

static struct plugin_instance *load_jailtest(void *owner)
{
	struct error e = { 0 };
	const char *build = getenv("POSTERN_BUILD");
	char *file = talloc_asprintf(owner, "%s/tests/scenario/plugins/.libs/jailtest.so", build ? build : ".");
	struct plugin_host *host = plugin_host_new(owner, "/nonexistent", NULL);
	const struct postern_plugin *p = plugin_host_load_file(host, "jailtest", file, &e);
	if (!p)
		fail_msg("%s", e.text);
	struct plugin_instance *i = plugin_instance_from_pairs(owner, p, NULL, NULL, 0, &e);
	if (!i || plugin_instance_load(i, &e) != 0)
		fail_msg("%s", e.text);
	return i;
}

static int set_up(void **state)
{
	struct fixture *f = talloc_zero(NULL, struct fixture);
	struct error e = { 0 };
	f->owner = f;
	f->fd = f->dir_fd = -1;
	f->pid = -1;
	f->findings = g_ptr_array_new_with_free_func(g_free);
	strcpy(f->folder, "/tmp/test-opener-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	if (opener_preload(&e) != 0)
		fail_msg("%s", e.text);
	f->instances[0] = load_jailtest(f);
	f->settings = (struct opener_settings){ .temp_base = f->folder, .memory_limit_bytes = 256u << 20, .file_limit_bytes = 64u << 20,
		.instances = f->instances, .instance_count = 1 };
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	if (f->pid > 0)
		finish(f);
	scratch_sweep(f->folder);
	assert_int_equal(rmdir(f->folder), 0);	/* nothing may be left in it */
	g_ptr_array_free(f->findings, TRUE);
	talloc_free(f);
	return 0;
}

/* --- tests --- */

static const char simple[] = "From: a@example.com\r\nSubject: x\r\n\r\nhello\r\n";

static bool part_exists(struct fixture *f, const char *name)
{
	return faccessat(f->dir_fd, name, R_OK, 0) == 0;
}

static void test_hello_and_mails(void **state)
{
	struct fixture *f = *state;
	struct open_order order = usual_order();
	order.scan = 0;
	start(f);
	assert_true(f->hello.seccomp);
	assert_int_equal(f->hello.pid, f->pid);
	assert_int_equal(strncmp(f->hello.scratch, "opener-", 7), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(open_mail(f, &order, simple, strlen(simple)));
		assert_int_equal(f->opened.outcome, OPENED_OK);
		assert_int_equal(f->parts, 1);
		assert_true(part_exists(f, "p001"));
		say_done(f);
		assert_false(part_exists(f, "p001"));
	}
	assert_int_equal(finish(f), 0);
}

static void test_names_are_decoded_in_the_jail(void **state)
{
	struct fixture *f = *state;
	static const char mail[] = "Content-Type: application/octet-stream; name=\"=?koi8-r?B?097F1C5leGU=?=\"\r\n\r\nx\r\n";
	struct open_order order = usual_order();
	struct wire_reader r;
	struct part_record p;
	start(f);
	assert_int_equal(send_open(f, &order, mail, strlen(mail)), 0);
	assert_true(receive(f, &r, NULL) > 0);
	assert_int_equal(part_record_read(&r, f->owner, &p), 0);
	assert_true(p.name_count >= 1);
	assert_string_equal(p.names[0], "счет.exe");
	assert_int_equal(p.number, 1);
}

static void assert_denied(struct fixture *f, const char *what)
{
	char *text = talloc_asprintf(f, "denied:%s", what);
	if (!found(f, text))
		fail_msg("not denied in the jail: %s", what);
}

static void test_jail_denies(void **state)
{
	struct fixture *f = *state;
	static const char *const always[] = { "socket", "socket-unix", "socketpair", "connect", "fork", "thread", "kill-parent", "fcntl-setown",
		"mmap-code", "mprotect-code", "symlink", "link", "mknod", "huge-file" };
	static const char *const by_landlock[] = { "open-passwd", "open-proc1", "open-own-memory", "open-parent-folder", "write-outside",
		"mkdir-outside" };
	struct open_order order = usual_order();
	start(f);
	assert_true(open_mail(f, &order, simple, strlen(simple)));
	assert_int_equal(f->reports, 1);
	assert_int_equal(f->outcome, POSTERN_OK);
	for (size_t i = 0; i < G_N_ELEMENTS(always); i++)
		assert_denied(f, always[i]);
	if (f->hello.landlock_abi == 0)
		print_message("# no Landlock here: file rules are not tested\n");
	for (size_t i = 0; f->hello.landlock_abi > 0 && i < G_N_ELEMENTS(by_landlock); i++)
		assert_denied(f, by_landlock[i]);
	if (f->hello.memory_limit_bytes > 0)
		assert_denied(f, "huge-memory");
	assert_true(found(f, "allowed:own-file") && found(f, "allowed:own-file-again") && found(f, "allowed:iconv"));
	say_done(f);
	assert_int_equal(finish(f), 0);
}

static int status_after(struct fixture *f, const char *what, uint32_t cpu_ms)
{
	char mail[128];
	struct open_order order = usual_order();
	order.cpu_ms = cpu_ms;
	snprintf(mail, sizeof mail, "X-Try: %s\r\n\r\nx\r\n", what);
	start(f);
	assert_false(open_mail(f, &order, mail, strlen(mail)));
	return finish(f);
}

static void test_attacks_are_deadly(void **state)
{
	struct fixture *f = *state;
	static const char *const deadly[] = { "execve", "ptrace", "process_vm_readv", "unshare", "io_uring_setup" };
	for (size_t i = 0; i < G_N_ELEMENTS(deadly); i++) {
		int status = status_after(f, deadly[i], 60000);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x", deadly[i], (unsigned)status);
	}
}

static void test_abort_and_cpu_limit_end_it(void **state)
{
	struct fixture *f = *state;
	int status = status_after(f, "abort", 60000);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = status_after(f, "spin", 200);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
}

static void test_leaves_after_its_mails(void **state)
{
	struct fixture *f = *state;
	struct open_order order = usual_order();
	order.scan = 0;
	f->settings.max_mails = 2;
	start(f);
	for (int i = 0; i < 2; i++) {
		assert_true(open_mail(f, &order, simple, strlen(simple)));
		say_done(f);
	}
	assert_int_equal(send_open(f, &order, simple, strlen(simple)), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(finish(f), 0);
	f->settings.max_mails = 0;
}

static void test_leaves_when_asked(void **state)
{
	struct fixture *f = *state;
	struct wire_reader r;
	start(f);
	kill(f->pid, SIGTERM);
	assert_int_equal(receive(f, &r, NULL), 0);
	assert_int_equal(finish(f), 0);
}

static void test_refuses_nonsense(void **state)
{
	struct fixture *f = *state;
	struct wire_writer w = { 0 };
	struct wire_reader r;
	struct open_order order = usual_order();
	start(f);
	assert_int_equal(fdpass_send(f->fd, "garbage!", 8, NULL, 0, 0), 0);
	assert_true(receive(f, &r, NULL) <= 0);
	finish(f);
	start(f);		/* an order without a mail */
	open_order_write(&w, &order);
	assert_int_equal(send_bytes(f, &w, NULL, 0), 0);
	assert_true(receive(f, &r, NULL) <= 0);
	finish(f);
	start(f);		/* DONE before OPEN */
	w = (struct wire_writer){ 0 };
	wire_begin(&w, RECORD_DONE);
	assert_int_equal(send_bytes(f, &w, NULL, 0), 0);
	assert_true(receive(f, &r, NULL) <= 0);
	finish(f);
}

static void test_unknown_scanner_is_no_clean_answer(void **state)
{
	struct fixture *f = *state;
	uint32_t numbers[] = { 7 };
	struct open_order order = usual_order();
	order.scanners = numbers;
	start(f);
	assert_true(open_mail(f, &order, simple, strlen(simple)));
	assert_int_equal(f->reports, 1);
	assert_int_equal(f->outcome, POSTERN_TEMPFAIL);
	say_done(f);
	assert_int_equal(finish(f), 0);
}

/* --- bombs: a LIMIT in bounded time, and the opener leaves --- */

static void assert_limit(struct fixture *f, GString *mail, const char *hold)
{
	struct open_order order = usual_order();
	int64_t started_ms = clock_now_ms();
	order.scan = 0;
	start(f);
	assert_true(open_mail(f, &order, mail->str, mail->len));
	assert_int_equal(f->opened.outcome, OPENED_LIMIT);
	assert_non_null(f->opened.hold);
	assert_non_null(strstr(f->opened.hold, hold));
	say_done(f);
	assert_int_equal(send_open(f, &order, simple, strlen(simple)), -1);
	assert_int_equal(finish(f), 0);
	assert_true(clock_now_ms() - started_ms < 20000);
	g_string_free(mail, TRUE);
}

static void test_bombs(void **state)
{
	struct fixture *f = *state;
	GString *mail = g_string_new("Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int i = 0; i < 10000; i++)
		g_string_append(mail, "--b\r\n\r\nx\r\n");
	assert_limit(f, mail, "files (1500)");
	mail = g_string_new(NULL);
	for (int i = 0; i < 1000; i++)
		g_string_append_printf(mail, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
	assert_limit(f, mail, "nesting");
	mail = g_string_new(NULL);
	for (int i = 0; i < 1000; i++)
		g_string_append(mail, "Content-Type: message/rfc822\r\n\r\n");
	assert_limit(f, mail, "depth (14)");
	mail = g_string_new("Subject: ");
	g_string_set_size(mail, 17u << 20);
	memset(mail->str + 9, 'a', mail->len - 9);
	g_string_append(mail, "\r\n\r\nx\r\n");
	assert_limit(f, mail, "Header larger");
}

static void test_quota_and_deadline(void **state)
{
	struct fixture *f = *state;
	struct open_order order = usual_order();
	order.quota_bytes = 3;
	order.scan = 0;
	start(f);
	assert_true(open_mail(f, &order, simple, strlen(simple)));
	assert_int_equal(f->opened.outcome, OPENED_LIMIT);
	assert_false(part_exists(f, "p001"));
	say_done(f);
	finish(f);
	order = usual_order();
	order.deadline_ms = clock_now_ms() - 1;
	order.scan = 0;
	start(f);
	assert_true(open_mail(f, &order, simple, strlen(simple)));
	assert_int_equal(f->opened.outcome, OPENED_LIMIT);
	assert_non_null(strstr(f->opened.hold, "time"));
	say_done(f);
	finish(f);
}

/* A lack of descriptors is no fault of the mail. */
static void test_lack_is_of_the_environment(void **state)
{
	struct fixture *f = *state;
	struct open_order order = usual_order();
	struct opened out;
	struct rlimit before, none;
	int mail_fd = memfd_create("mail", MFD_CLOEXEC), dir_fd = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(write(mail_fd, simple, strlen(simple)), strlen(simple));
	order.size_bytes = strlen(simple);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	opener_take_apart(&(struct opener_job){ .order = &order, .mail_fd = mail_fd, .dir_fd = dir_fd }, &(struct opener_tree){ 0 }, &out, f);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(out.outcome, OPENED_ENVIRONMENT);
	close(mail_fd);
	close(dir_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hello_and_mails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names_are_decoded_in_the_jail, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_jail_denies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_attacks_are_deadly, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_abort_and_cpu_limit_end_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_leaves_after_its_mails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_leaves_when_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_nonsense, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_scanner_is_no_clean_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bombs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quota_and_deadline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lack_is_of_the_environment, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
