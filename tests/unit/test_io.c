/* test_io.c - reading, writing, connecting and passing descriptors, in time and out of time. */
#include "config.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fdpass.h"
#include "base/io.h"

static void reads_end_in_time(void **state)
{
	int fds[2];
	char buffer[8];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(io_read(fds[0], buffer, 8, deadline_in(30)), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(io_write_all(fds[1], "abc", 3, deadline_in(1000)), 0);
	assert_int_equal(io_read(fds[0], buffer, 8, deadline_in(-1)), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(io_read(fds[0], buffer, 8, deadline_in(1000)), 3);
	assert_int_equal(io_write_all(fds[1], "abc", 3, deadline_none()), 0);
	close(fds[1]);
	assert_int_equal(io_read_full(fds[0], buffer, 8, deadline_in(1000)), 3);
	assert_int_equal(io_read(fds[0], buffer, 8, deadline_in(1000)), 0);
	assert_int_equal(io_write_all(fds[0], "x", 1, deadline_in(1000)), -1);
	assert_int_equal(errno, EPIPE);
	close(fds[0]);
}

static void waiting_is_cancelled(void **state)
{
	int fds[2], cancel[2];
	struct deadline d = deadline_in(5000);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, cancel), 0);
	d.cancel_fd = cancel[0];
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(io_wait(fds[0], POLLIN, d), 0);
	close(cancel[1]);
	assert_int_equal(io_wait(fds[0], POLLIN, d), -1);
	assert_int_equal(errno, ECANCELED);
	close(cancel[0]);
	close(fds[0]);
	close(fds[1]);
}

static void full_buffers_do_not_block(void **state)
{
	int sockets[2], pipes[2];
	static char big[4 << 20];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	assert_int_equal(io_write_all(sockets[0], big, sizeof big, deadline_in(50)), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(io_write_all(pipes[1], big, sizeof big, deadline_in(50)), -1);
	assert_int_equal(errno, ETIMEDOUT);
	close(sockets[0]);
	close(sockets[1]);
	close(pipes[0]);
	close(pipes[1]);
}

static void vectors_and_ranges(void **state)
{
	FILE *f = tmpfile();
	char buffer[16];
	struct iovec v[] = { { (void *)"ab", 2 }, { (void *)"", 0 }, { (void *)"cdef", 4 } };
	assert_int_equal(io_writev_all(fileno(f), v, 3, deadline_in(1000)), 0);
	assert_int_equal(io_pread_full(fileno(f), buffer, 4, 1), 0);
	assert_memory_equal(buffer, "bcde", 4);
	assert_int_equal(io_pread_full(fileno(f), buffer, 4, 4), -1);
	assert_int_equal(errno, ENODATA);
	fclose(f);
}

static void endpoints(void **state)
{
	static const struct { const char *in, *host, *port, *text; } good[] = {
		{ "1.2.3.4:25", "1.2.3.4", "25", "[1.2.3.4]:25" }, { "[1.2.3.4]:25", "1.2.3.4", "25", "[1.2.3.4]:25" }, { "[::1]:10025", "::1", "10025", "[::1]:10025" },
		{ "host:25", "host", "25", "host:25" }, { "inet:mx.example.com:25", "mx.example.com", "25", "mx.example.com:25" },
		{ "*:10024", "*", "10024", "*:10024" }, { "inet:[::1]:25", "::1", "25", "[::1]:25" },
	};
	static const char *const bad[] = { "", "host", "host:", ":25", "::1:25", "[::1]25", "[::1:25", "[]:25", "h:99999", "h:2x", "h o:25", "unix:rel", "h:-1", "h:000025" };
	struct endpoint p;
	struct error e;
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		assert_int_equal(endpoint_parse(good[i].in, &p, &e), 0);
		assert_false(p.is_unix);
		assert_string_equal(p.host, good[i].host);
		assert_string_equal(p.port, good[i].port);
		assert_string_equal(p.text, good[i].text);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		assert_int_equal(endpoint_parse(bad[i], &p, &e), -1);
	assert_int_equal(endpoint_parse("unix:/run/x", &p, &e), 0);
	assert_true(p.is_unix);
	assert_string_equal(p.path, "/run/x");
	char *giant = g_strdup_printf("/%0200d", 0), *host = g_strdup_printf("%0300d:25", 0);
	assert_int_equal(endpoint_parse(giant, &p, &e), -1);
	assert_int_equal(endpoint_parse(host, &p, &e), -1);
	g_free(giant);
	g_free(host);
}

static int listen_loopback(struct endpoint *at)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	char text[40];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(a.sin_port));
	assert_int_equal(endpoint_parse(text, at, NULL), 0);
	return fd;
}

static void connects_over_tcp(void **state)
{
	struct endpoint at;
	struct error e;
	int on = 0, server = listen_loopback(&at);
	socklen_t n = sizeof on;
	int fd = io_connect_from(&at, "127.0.0.1", deadline_in(2000), &e);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
	assert_true(on);
	close(fd);
	strcpy(at.host, "localhost");	/* ::1 refuses, or is not there: the next address is tried */
	fd = io_connect(&at, deadline_in(5000), &e);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(io_connect(&at, deadline_in(-1), &e), -1);
	assert_int_equal(e.class, ERROR_DEADLINE);
	close(server);
	strcpy(at.host, "127.0.0.1");
	assert_int_equal(io_connect(&at, deadline_in(2000), &e), -1);
	assert_int_equal(e.class, ERROR_ENVIRONMENT);
	assert_int_equal(e.errnum, ECONNREFUSED);
	assert_non_null(strstr(e.text, "connect [127.0.0.1]:"));
}

static void connects_to_unix_sockets(void **state)
{
	char folder[] = "test_io.XXXXXX", path[64];
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct endpoint at = { .is_unix = true };
	struct error e;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/s", folder);
	strcpy(a.sun_path, path);
	strcpy(at.path, path);
	strcpy(at.text, path);
	int server = socket(AF_UNIX, SOCK_STREAM, 0), open_fds[8], count = 0;
	assert_int_equal(bind(server, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(server, 0), 0);
	while (count < 8 && (open_fds[count] = io_connect(&at, deadline_in(100), &e)) >= 0)
		count++;
	assert_true(count > 0 && count < 8);	/* the backlog is full: we wait, not fail at once */
	assert_int_equal(e.class, ERROR_DEADLINE);
	fdpass_close_all(open_fds, count);
	close(server);
	assert_int_equal(io_connect(&at, deadline_in(100), &e), -1);
	assert_int_equal(e.errnum, ECONNREFUSED);
	unlink(path);
	assert_int_equal(io_connect(&at, deadline_in(100), &e), -1);
	assert_int_equal(e.errnum, ENOENT);
	rmdir(folder);
}

static void names_are_resolved(void **state)
{
	struct sockaddr_storage a[4];
	socklen_t lengths[4];
	struct error e;
	assert_true(io_resolve("localhost", "25", a, lengths, 4, deadline_in(5000), &e) >= 1);
	assert_int_equal(io_resolve("127.0.0.1", "25", a, lengths, 4, deadline_in(-1), &e), 1);
	assert_int_equal(a[0].ss_family, AF_INET);
	assert_int_equal(io_resolve("::1", "25", a, lengths, 4, deadline_none(), &e), 1);
	assert_int_equal(a[0].ss_family, AF_INET6);
	char *giant = g_strnfill(5000, 'a');
	assert_int_equal(io_resolve(giant, "25", a, lengths, 4, deadline_in(1000), &e), -1);
	assert_int_equal(e.class, ERROR_INPUT);
	g_free(giant);
}

static void largest_record_with_descriptors(void **state)
{
	static char out[FDPASS_RECORD_MAX + 1], in[FDPASS_RECORD_MAX];
	int fds[2], sent[2], got[FDPASS_MAX], count = 0;
	memset(out, 'x', sizeof out);
	assert_int_equal(fdpass_pair(fds), 0);
	assert_int_equal(pipe(sent), 0);
	assert_int_equal(fdpass_send(fds[0], out, FDPASS_RECORD_MAX, sent, 2, MSG_DONTWAIT), 0);
	assert_int_equal(fdpass_receive(fds[1], in, sizeof in, got, &count, MSG_DONTWAIT), FDPASS_RECORD_MAX);
	assert_int_equal(count, 2);
	assert_true(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
	assert_memory_equal(in, out, sizeof in);
	fdpass_close_all(got, count);
	assert_int_equal(got[0], -1);
	assert_int_equal(fdpass_send(fds[0], out, sizeof out, NULL, 0, 0), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(fdpass_send(fds[0], out, 0, NULL, 0, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(fdpass_receive(fds[1], in, sizeof in, got, &count, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	/* truncated, then unwanted descriptors: nothing is left open */
	int before = dup(0);
	close(before);
	assert_int_equal(fdpass_send(fds[0], out, 100, sent, 2, 0), 0);
	assert_int_equal(fdpass_receive(fds[1], in, 10, got, &count, 0), -1);
	assert_int_equal(errno, EPROTO);
	assert_int_equal(fdpass_send(fds[0], out, 100, sent, 2, 0), 0);
	assert_int_equal(fdpass_receive(fds[1], in, 200, NULL, NULL, 0), -1);
	assert_int_equal(errno, EPROTO);
	int after = dup(0);
	assert_int_equal(after, before);
	close(after);
	close(fds[0]);
	assert_int_equal(fdpass_receive(fds[1], in, sizeof in, got, &count, 0), 0);
	assert_int_equal(fdpass_send(fds[1], "x", 1, NULL, 0, 0), -1);
	assert_int_equal(errno, EPIPE);
	close(fds[1]);
	fdpass_close_all(sent, 2);
}

/* A peer that ignores the limit: SCM_RIGHTS with more than FDPASS_MAX descriptors. */
static void too_many_descriptors(void **state)
{
	int fds[2], many[FDPASS_MAX + 4], got[FDPASS_MAX], count = 0;
	char data[4] = "abc", control[CMSG_SPACE(sizeof many)] __attribute__((aligned(8))) = { 0 };
	assert_int_equal(fdpass_pair(fds), 0);
	for (size_t i = 0; i < G_N_ELEMENTS(many); i++)
		many[i] = fds[0];
	struct iovec v = { data, 3 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof many);
	memcpy(CMSG_DATA(c), many, sizeof many);
	int before = dup(0);
	close(before);
	assert_int_equal(sendmsg(fds[0], &m, 0), 3);
	assert_int_equal(fdpass_receive(fds[1], data, sizeof data, got, &count, 0), -1);
	assert_int_equal(errno, EPROTO);
	int after = dup(0);
	assert_int_equal(after, before);
	close(after);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_end_in_time), cmocka_unit_test(waiting_is_cancelled), cmocka_unit_test(full_buffers_do_not_block),
		cmocka_unit_test(vectors_and_ranges), cmocka_unit_test(endpoints), cmocka_unit_test(connects_to_unix_sockets),
		cmocka_unit_test(largest_record_with_descriptors), cmocka_unit_test(too_many_descriptors),
		/* last: a resolver thread may close its descriptor while another test counts descriptors */
		cmocka_unit_test(connects_over_tcp), cmocka_unit_test(names_are_resolved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
