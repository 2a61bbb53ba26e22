/* test_log.c - what reaches a file, the syslog socket and a pipe that nobody reads. */
#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/deadline.h"
#include "base/log.h"

static char folder[64], file[96], other[96];

static int set_up(void **state)
{
	strcpy(folder, "test_log.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof file, "%s/log", folder);
	snprintf(other, sizeof other, "%s/other", folder);
	return 0;
}

static int tear_down(void **state)
{
	struct log_settings s = { .destination = LOG_TO_STDERR };
	log_configure(&s);
	log_set_id(NULL);
	unlink(file);
	unlink(other);
	return rmdir(folder);
}

static void configure_file(int level, int line_max, bool json)
{
	struct log_settings s = { .destination = LOG_TO_FILE, .ident = "amavis", .path = file, .level = level, .line_max = line_max, .json = json };
	assert_int_equal(log_configure(&s), 0);
}

static char **read_lines(const char *path)
{
	char *text = NULL;
	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	assert_true(text[0] == '\0' || g_str_has_suffix(text, "\n"));
	if (text[0])
		text[strlen(text) - 1] = '\0';
	char **lines = g_strsplit(text, "\n", -1);
	g_free(text);
	return lines;
}

/* Behind "Nov 21 03:04:05 host ident[pid]: ". */
static const char *text_of(const char *line)
{
	char head[64];
	snprintf(head, sizeof head, " amavis[%d]: ", (int)getpid());
	const char *p = strstr(line, head);
	assert_non_null(p);
	assert_true(line[3] == ' ' && line[6] == ' ' && line[9] == ':' && line[12] == ':' && line[15] == ' ');
	return p + strlen(head);
}

static void levels_ids_and_escapes(void **state)
{
	struct stat st;
	configure_file(1, 0, false);
	log_set_id("12345-01");
	log_write(0, "Passed %s\n", "CLEAN");
	log_write(2, "not wanted");
	log_write(-1, "careful");
	log_write(-2, "evil\nsecond\t\x01");
	log_set_id(NULL);
	log_set_role("worker");
	log_write(1, "info");
	log_set_role("");
	assert_true(log_wants(1));
	assert_false(log_wants(2));
	char **lines = read_lines(file);
	assert_int_equal(g_strv_length(lines), 4);
	assert_string_equal(text_of(lines[0]), "(12345-01) Passed CLEAN");
	assert_string_equal(text_of(lines[1]), "(12345-01) (!)careful");
	assert_string_equal(text_of(lines[2]), "(12345-01) (!!)evil\\nsecond\\t\\001");
	assert_string_equal(text_of(lines[3]), "[worker] info");
	g_strfreev(lines);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0);
}

static void long_lines_are_continued(void **state)
{
	configure_file(0, 120, false);
	log_set_id("1-1");
	GString *text = g_string_new(NULL);
	for (int i = 0; i < 100; i++)
		g_string_append(text, "gr\xc3\xbc\xc3\x9f" "e ");
	log_write(0, "%s", text->str);
	char **lines = read_lines(file);
	unsigned count = g_strv_length(lines);
	GString *joined = g_string_new(NULL);
	assert_true(count > 5);
	for (unsigned i = 0; i < count; i++) {
		const char *t = text_of(lines[i]);
		assert_true(strlen(t) <= 120);
		assert_true(g_utf8_validate(t, -1, NULL));
		assert_true(g_str_has_prefix(t, i ? "(1-1) ..." : "(1-1) gr"));
		assert_int_equal(g_str_has_suffix(t, "..."), i + 1 < count);
		t += i ? strlen("(1-1) ...") : strlen("(1-1) ");
		g_string_append_len(joined, t, (gssize)(strlen(t) - (i + 1 < count ? 3 : 0)));
	}
	assert_string_equal(joined->str, text->str);
	g_string_free(joined, TRUE);
	g_string_free(text, TRUE);
	g_strfreev(lines);
}

static void a_line_that_just_fits_is_whole(void **state)
{
	configure_file(0, 100, false);
	char *text = g_strnfill(101, 'x');
	log_write(0, "%.100s", text);
	log_write(0, "%.101s", text);
	char **lines = read_lines(file);
	assert_int_equal(g_strv_length(lines), 3);
	assert_int_equal(strlen(text_of(lines[0])), 100);
	g_strfreev(lines);
	g_free(text);
}

static void json_lines(void **state)
{
	configure_file(0, 0, true);
	log_set_id("7-1");
	log_write(-1, "say \"%s\"\n", "hi");
	log_write_json(0, "{\"type\":\"amavis\"}");
	char **lines = read_lines(file);
	assert_int_equal(g_strv_length(lines), 2);
	assert_true(g_str_has_prefix(lines[0], "{\"time\":\"20"));
	assert_non_null(strstr(lines[0], "\"ident\":\"amavis\""));
	assert_non_null(strstr(lines[0], "\"level\":-1,\"id\":\"7-1\",\"text\":\"say \\\"hi\\\"\"}"));
	assert_string_equal(lines[1], "{\"type\":\"amavis\"}");
	g_strfreev(lines);
}

static void reopened_after_rotation(void **state)
{
	configure_file(0, 0, false);
	log_write(0, "one");
	assert_int_equal(rename(file, other), 0);
	log_write(0, "two");
	log_reopen();
	log_write(0, "three");
	char **old = read_lines(other), **new = read_lines(file);
	assert_int_equal(g_strv_length(old), 2);
	assert_int_equal(g_strv_length(new), 1);
	assert_string_equal(text_of(new[0]), "three");
	g_strfreev(old);
	g_strfreev(new);
}

static void what_cannot_be_opened_is_told(void **state)
{
	struct log_settings s = { .destination = LOG_TO_FILE, .path = file };
	assert_int_equal(symlink("/dev/null", file), 0);
	assert_int_equal(log_configure(&s), -1);
	assert_int_equal(errno, ELOOP);
	s.destination = LOG_TO_SYSLOG;
	s.syslog_socket = other;
	assert_int_equal(log_configure(&s), -1);
	assert_int_equal(errno, ENOENT);
}

static int bind_syslog(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void syslog_datagrams(void **state)
{
	struct log_settings s = { .destination = LOG_TO_SYSLOG, .ident = "amavis", .facility = "local3", .syslog_socket = other };
	char got[500];
	int fd = bind_syslog(other);
	assert_int_equal(log_configure(&s), 0);
	log_set_id("9-2");
	log_write(-1, "hello");
	ssize_t n = recv(fd, got, sizeof got - 1, 0);
	assert_true(n > 0);
	got[n] = '\0';
	assert_true(g_str_has_prefix(got, "<156>"));	/* local3 = 19, warning = 4 */
	char head[64];
	snprintf(head, sizeof head, " amavis[%d]: (9-2) (!)hello", (int)getpid());
	assert_string_equal(got + 5 + 15, head);
	/* syslogd goes and comes back */
	close(fd);
	unlink(other);
	fd = bind_syslog(other);
	log_write(0, "again");
	assert_true(recv(fd, got, sizeof got, 0) > 0);
	close(fd);
}

/* Last: a process does not leave this mode. */
static void a_full_pipe_never_blocks(void **state)
{
	int fds[2], saved = dup(STDERR_FILENO);
	struct log_settings s = { .destination = LOG_TO_STDERR, .ident = "amavis" };
	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	log_set_nonblocking();
	log_configure(&s);
	uint64_t before = log_dropped();
	int64_t start_ms = clock_now_ms();
	for (int i = 0; i < 3000; i++)
		log_write(0, "line %d of a log that nobody reads, long enough to fill the pipe soon", i);
	int flags = fcntl(STDERR_FILENO, F_GETFL);
	static char sink[1 << 20];
	ssize_t n = read(fds[0], sink, sizeof sink);
	log_write(0, "room again");
	ssize_t more = read(fds[0], sink + n, sizeof sink - (size_t)n - 1);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[0]);
	assert_true(clock_now_ms() - start_ms < 4000);
	assert_true(log_dropped() > before);
	assert_false(flags & O_NONBLOCK);
	assert_true(n > 0 && more > 0);
	sink[n + more] = '\0';
	assert_non_null(strstr(sink, "room again\n"));
	assert_non_null(strstr(sink, "lines were dropped"));
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(levels_ids_and_escapes), EACH(long_lines_are_continued), EACH(a_line_that_just_fits_is_whole), EACH(json_lines),
		EACH(reopened_after_rotation), EACH(what_cannot_be_opened_is_told), EACH(syslog_datagrams), EACH(a_full_pipe_never_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
