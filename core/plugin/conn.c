/* conn.c - connections of plugins: opened, written and read under the call's deadline, one kept per instance. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#include "base/io.h"
#include "plugin/inside.h"

static bool is_unix(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	return getsockname(fd, (struct sockaddr *)&address, &length) == 0 && address.ss_family == AF_UNIX;
}

static struct postern_conn *conn_add(struct postern_call *c, int fd, const char *endpoint)
{
	struct postern_conn *conn = talloc_zero(c->arena, struct postern_conn);
	conn->fd = fd;
	conn->is_local = is_unix(fd);
	g_strlcpy(c->endpoint, endpoint, sizeof c->endpoint);
	g_strlcpy(conn->endpoint, endpoint, sizeof conn->endpoint);
	pthread_mutex_lock(&c->conns_lock);
	conn->next = c->conns;
	c->conns = conn;
	pthread_mutex_unlock(&c->conns_lock);
	return conn;
}

/* Out of the call's list; its descriptor stays open. */
static void conn_remove(struct postern_call *c, struct postern_conn *conn)
{
	pthread_mutex_lock(&c->conns_lock);
	for (struct postern_conn **at = &c->conns; *at; at = &(*at)->next) {
		if (*at == conn) {
			*at = conn->next;
			break;
		}
	}
	pthread_mutex_unlock(&c->conns_lock);
}

void call_shut(struct postern_call *c)
{
	pthread_mutex_lock(&c->conns_lock);
	for (struct postern_conn *conn = c->conns; conn; conn = conn->next)
		shutdown(conn->fd, SHUT_RDWR);
	pthread_mutex_unlock(&c->conns_lock);
}

static const char *errno_text(int error)
{
	return error == ETIMEDOUT ? "time over" : error == ECANCELED ? "cancelled" : g_strerror(error);
}

static bool may_connect(struct postern_call *c)
{
	if (c->instance->plugin->capabilities & POSTERN_CAP_NETWORK)
		return true;
	postern_fail(c, POSTERN_BROKEN, "the plugin opens a connection without having declared that it does");
	return false;
}

struct postern_conn *postern_conn_open(struct postern_call *c, const char *text)
{
	struct endpoint endpoint;
	struct error e = { 0 };
	if (!may_connect(c))
		return NULL;
	if (endpoint_parse(text, &endpoint, &e) != 0) {
		postern_fail(c, POSTERN_BROKEN, "%s", e.text);
		return NULL;
	}
	/* One peer that swallows connections leaves time to ask another. */
	int left = deadline_left_ms(c->deadline);
	struct deadline d = left > 1 ? deadline_sooner(c->deadline, left / 2) : c->deadline;
	int64_t began = clock_now_ms(), began_us = clock_wall_us();
	int fd = io_connect(&endpoint, d, &e);
	if (fd < 0) {
		if (e.class != ERROR_CANCELLED)
			c->connect_failed_ms += clock_now_ms() - began;
		c->connect_refused = e.class == ERROR_ENVIRONMENT && e.errnum != ETIMEDOUT;
		postern_fail(c, POSTERN_TEMPFAIL, "%s", e.text);
		return NULL;
	}
	int64_t took_us = clock_wall_us() - began_us;
	c->connects++;
	c->connect_us += took_us > 0 ? (uint64_t)took_us : 0;
	c->connect_refused = false;
	c->connect_failed_ms = 0;
	return conn_add(c, fd, endpoint.text);
}

int postern_connect(struct postern_call *c, const char *text, const char *local_address, int timeout_ms)
{
	struct endpoint endpoint;
	struct error e = { 0 };
	if (!may_connect(c))
		return -1;
	if (endpoint_parse(text, &endpoint, &e) != 0) {
		postern_fail(c, POSTERN_BROKEN, "%s", e.text);
		return -1;
	}
	int fd = io_connect_from(&endpoint, local_address, deadline_sooner(c->deadline, timeout_ms), &e);
	if (fd < 0)
		postern_fail(c, POSTERN_TEMPFAIL, "%s", e.text);
	else
		g_strlcpy(c->endpoint, endpoint.text, sizeof c->endpoint);
	return fd;
}

bool postern_conn_is_local(const struct postern_conn *conn)
{
	return conn->is_local;
}

static int write_failed(struct postern_call *c, const struct postern_conn *conn)
{
	postern_fail(c, POSTERN_TEMPFAIL, "write to %s: %s", conn->endpoint, errno_text(errno));
	return -1;
}

int postern_conn_write(struct postern_call *c, struct postern_conn *conn, const void *data, size_t n)
{
	c->sent_bytes += n;
	return io_write_all(conn->fd, data, n, c->deadline) == 0 ? 0 : write_failed(c, conn);
}

static ssize_t send_with_fd(int socket, const void *data, size_t n, int fd)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control;
	memset(&control, 0, sizeof control);
	struct iovec piece = { (void *)(uintptr_t)data, n };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(head), &fd, sizeof fd);
	return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int postern_conn_write_fd(struct postern_call *c, struct postern_conn *conn, const void *data, size_t n, int fd)
{
	ssize_t sent;
	do {
		if (io_wait(conn->fd, POLLOUT, c->deadline) != 0)
			return write_failed(c, conn);
		sent = send_with_fd(conn->fd, data, n, fd);
	} while (sent < 0 && (errno == EAGAIN || errno == EINTR));
	if (sent < 0)
		return write_failed(c, conn);
	c->passed_fd = true;
	if ((size_t)sent == n)
		return 0;
	return postern_conn_write(c, conn, (const char *)data + sent, n - (size_t)sent);
}

/* More into the buffer. 1, 0 at the end of file, -1. */
static int fill(struct postern_call *c, struct postern_conn *conn)
{
	conn->buffered = conn->consumed = 0;
	ssize_t n = io_read(conn->fd, conn->buffer, sizeof conn->buffer, c->deadline);
	if (n < 0) {
		postern_fail(c, POSTERN_TEMPFAIL, "read from %s: %s", conn->endpoint, errno_text(errno));
		return -1;
	}
	conn->buffered = (size_t)n;
	return n > 0;
}

ssize_t postern_conn_read(struct postern_call *c, struct postern_conn *conn, void *to, size_t n)
{
	if (conn->consumed == conn->buffered) {
		int more = fill(c, conn);
		if (more <= 0)
			return more;
	}
	size_t have = conn->buffered - conn->consumed;
	size_t take = have < n ? have : n;
	memcpy(to, conn->buffer + conn->consumed, take);
	conn->consumed += take;
	return (ssize_t)take;
}

static char *keep_text(struct postern_call *c, GString *text, size_t *length)
{
	char *copy = talloc_zero_size(c->scratch, text->len + 1);
	memcpy(copy, text->str, text->len);
	if (length)
		*length = text->len;
	return copy;
}

static char *too_long(struct postern_call *c, const struct postern_conn *conn, size_t max)
{
	postern_fail(c, POSTERN_BROKEN, "%s sent more than %zu bytes of reply", conn->endpoint, max);
	return NULL;
}

/* Takes what is buffered up to the delimiter into text; true: the delimiter was there. */
static bool take_until(struct postern_conn *conn, char delimiter, GString *text)
{
	const char *from = conn->buffer + conn->consumed;
	size_t have = conn->buffered - conn->consumed;
	const char *end = memchr(from, delimiter, have);
	size_t take = end ? (size_t)(end - from) : have;
	g_string_append_len(text, from, (gssize)take);
	conn->consumed += take + (end ? 1 : 0);
	return end;
}

char *postern_conn_read_until(struct postern_call *c, struct postern_conn *conn, char delimiter, size_t max, size_t *length)
{
	GString *text = g_string_new(NULL);
	char *answer = NULL;
	bool complete = false;
	while (!(complete = take_until(conn, delimiter, text)) && text->len <= max) {
		int more = fill(c, conn);
		if (more == 0)
			postern_fail(c, POSTERN_TEMPFAIL, "%s closed the connection after %zu bytes of reply", conn->endpoint, text->len);
		if (more <= 0)
			break;
	}
	if (text->len > max)
		too_long(c, conn, max);
	else if (complete)
		answer = keep_text(c, text, length);
	g_string_free(text, TRUE);
	return answer;
}

char *postern_conn_read_all(struct postern_call *c, struct postern_conn *conn, size_t max, size_t *length)
{
	GString *text = g_string_new(NULL);
	char *answer = NULL;
	char piece[4096];
	ssize_t n;
	while ((n = postern_conn_read(c, conn, piece, sizeof piece)) > 0 && text->len <= max)
		g_string_append_len(text, piece, n);
	if (text->len > max)
		too_long(c, conn, max);
	else if (n == 0)
		answer = keep_text(c, text, length);
	g_string_free(text, TRUE);
	return answer;
}

static bool descriptor_readable(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };
	return poll(&p, 1, 0) > 0;
}

bool postern_conn_readable(struct postern_conn *conn)
{
	return conn->consumed < conn->buffered || descriptor_readable(conn->fd);
}

void postern_conn_keep(struct postern_call *c, struct postern_conn *conn)
{
	struct plugin_instance *i = c->instance;
	bool stray = conn->consumed < conn->buffered;	/* the peer has said more than it was asked */
	if (stray || i->kept_fd >= 0) {
		postern_conn_close(c, conn);
		return;
	}
	i->kept_fd = conn->fd;
	g_strlcpy(instance_calls(i)->kept_endpoint, conn->endpoint, sizeof instance_calls(i)->kept_endpoint);
	conn_remove(c, conn);
	talloc_free(conn);
}

struct postern_conn *postern_conn_kept(struct postern_call *c)
{
	struct plugin_instance *i = c->instance;
	int fd = i->kept_fd;
	if (fd < 0)
		return NULL;
	i->kept_fd = -1;
	if (!descriptor_readable(fd))
		return conn_add(c, fd, instance_calls(i)->kept_endpoint);
	close(fd);	/* it ended, or said something nobody asked for */
	return NULL;
}

void postern_conn_close(struct postern_call *c, struct postern_conn *conn)
{
	conn_remove(c, conn);
	close(conn->fd);
	talloc_free(conn);
}
