/* log_sink.c - opens and writes to the places of log lines. It formats nothing.
 *
 * The flags of descriptor 2 are shared with whoever started us, so O_NONBLOCK
 * is never set on it: a pipe is opened anew where that is allowed, else it is
 * polled before each write. */
#include "config.h"
#include "base/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/deadline.h"

#define PATIENCE_MS 5000	/* a stuck reader of the log must not hold a worker for ever */

static int open_file(const char *path)
{
	/* O_NONBLOCK is for FIFOs: without a reader the open fails instead of hanging. */
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

static int open_syslog(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	int errnum = errno;
	close(fd);
	errno = errnum;
	return -1;
}

/* A pipe on descriptor 2 with file flags of our own; -1 for anything else. */
static int open_stderr_pipe(void)
{
	struct stat st;
	if (fstat(STDERR_FILENO, &st) != 0 || !S_ISFIFO(st.st_mode))
		return -1;
	return open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

int log_sink_open(struct log_sink *sink, enum log_destination to, const char *path)
{
	int fd = -1;
	if (to == LOG_TO_FILE)
		fd = open_file(path);
	else if (to == LOG_TO_SYSLOG)
		fd = open_syslog(path);
	else if (sink->nonblocking)
		fd = open_stderr_pipe();
	if (fd < 0 && to != LOG_TO_STDERR)
		return -1;
	char *copy = path ? strdup(path) : NULL;
	log_sink_close(sink);
	sink->to = to;
	sink->fd = fd;
	sink->path = copy;
	return 0;
}

void log_sink_close(struct log_sink *sink)
{
	if (sink->fd >= 0)
		close(sink->fd);
	free(sink->path);
	sink->fd = -1;
	sink->path = NULL;
	sink->to = LOG_TO_STDERR;
	sink->cut = false;
}

void log_sink_reopen(struct log_sink *sink)
{
	if (sink->to != LOG_TO_FILE)
		return;
	int fd = open_file(sink->path);
	if (fd < 0)
		return;
	close(sink->fd);
	sink->fd = fd;
}

void log_sink_set_nonblocking(struct log_sink *sink)
{
	sink->nonblocking = true;
	if (sink->to == LOG_TO_STDERR && sink->fd < 0)
		sink->fd = open_stderr_pipe();
}

static bool send_datagram(struct log_sink *sink, const char *line, size_t n)
{
	ssize_t sent;
	do
		sent = send(sink->fd, line, n, MSG_NOSIGNAL | (sink->nonblocking ? MSG_DONTWAIT : 0));
	while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

/* syslogd may have been started again: its socket is then another one. */
static bool put_syslog(struct log_sink *sink, const char *line, size_t n)
{
	if (send_datagram(sink, line, n))
		return true;
	if (errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET && errno != EPIPE)
		return false;
	int fd = open_syslog(sink->path);
	if (fd < 0)
		return false;
	close(sink->fd);
	sink->fd = fd;
	return send_datagram(sink, line, n);
}

/* A blocking pipe takes PIPE_BUF bytes when it polls writable; a longer line needs all of it free. */
static bool has_room(int fd, size_t n)
{
	int queued = 0;
	struct stat st;
	if (n <= PIPE_BUF || fstat(fd, &st) != 0 || !S_ISFIFO(st.st_mode) || (fcntl(fd, F_GETFL) & O_NONBLOCK))
		return true;
	return ioctl(fd, FIONREAD, &queued) == 0 && queued == 0 && n <= (size_t)fcntl(fd, F_GETPIPE_SZ);
}

static bool wait_writable(int fd, struct deadline d)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int n;
	do
		n = poll(&p, 1, deadline_left_ms(d));
	while (n < 0 && errno == EINTR);
	return n > 0 && (p.revents & POLLOUT);
}

static ssize_t write_once(int fd, const char *line, size_t n)
{
	ssize_t done = send(fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (done < 0 && errno == ENOTSOCK)
		done = write(fd, line, n);
	return done;
}

/* A file takes all of it; a FIFO by name was opened so that it never blocks. */
static size_t write_at_once(const struct log_sink *sink, const char *line, size_t n)
{
	ssize_t done = sink->to == LOG_TO_FILE ? write(sink->fd, line, n) : 0;
	return done > 0 ? (size_t)done : 0;
}

static bool put_stream(struct log_sink *sink, const char *line, size_t n)
{
	int fd = sink->fd >= 0 ? sink->fd : STDERR_FILENO;
	struct deadline d = deadline_in(PATIENCE_MS);
	if (sink->cut && write_once(fd, "\n", 1) == 1)
		sink->cut = false;
	size_t done = write_at_once(sink, line, n);
	while (done < n) {
		if (sink->nonblocking && (!wait_writable(fd, deadline_in(0)) || !has_room(fd, n - done)))
			break;
		if (!sink->nonblocking && !wait_writable(fd, d))
			break;
		ssize_t written = write_once(fd, line + done, n - done);
		if (written < 0 && errno != EINTR && (errno != EAGAIN || sink->nonblocking))
			break;
		done += written > 0 ? (size_t)written : 0;
	}
	sink->cut = sink->cut || (done > 0 && done < n);
	return done == n;
}

bool log_sink_put(struct log_sink *sink, const char *line, size_t n)
{
	if (sink->to == LOG_TO_SYSLOG)
		return put_syslog(sink, line, n);
	return put_stream(sink, line, n);
}
