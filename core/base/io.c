/* io.c - waiting, reading and writing under a deadline. Connecting is in connect.c, names in resolve.c. */
#include "config.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define IOV_AT_ONCE 1024	/* the kernel's UIO_MAXIOV */

/* A peer that always has one more byte ready must not carry us past the deadline. */
static int check_time(struct deadline d)
{
	if (deadline_left_ms(d) != 0)
		return 0;
	errno = ETIMEDOUT;
	return -1;
}

int io_wait(int fd, short events, struct deadline d)
{
	struct pollfd p[2] = { { .fd = fd, .events = events }, { .fd = d.cancel_fd, .events = POLLIN } };
	for (;;) {
		if (check_time(d) != 0)
			return -1;
		p[0].revents = p[1].revents = 0;
		int n = poll(p, d.cancel_fd >= 0 ? 2 : 1, deadline_left_ms(d));
		if (n < 0 && errno != EINTR)
			return -1;
		if (n <= 0)
			continue;
		if (p[1].revents) {
			errno = ECANCELED;
			return -1;
		}
		if (p[0].revents & POLLNVAL) {
			errno = EBADF;
			return -1;
		}
		return 0;
	}
}

/* Never blocks on a socket, whatever its mode; other descriptors have been polled. */
static ssize_t read_some(int fd, void *buffer, size_t n)
{
	ssize_t got = recv(fd, buffer, n, MSG_DONTWAIT);
	if (got < 0 && errno == ENOTSOCK)
		got = read(fd, buffer, n);
	return got;
}

static bool try_again(void)
{
	return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
}

ssize_t io_read(int fd, void *buffer, size_t n, struct deadline d)
{
	for (;;) {
		if (io_wait(fd, POLLIN, d) != 0)
			return -1;
		ssize_t got = read_some(fd, buffer, n);
		if (got >= 0 || !try_again())
			return got;
	}
}

ssize_t io_read_full(int fd, void *buffer, size_t n, struct deadline d)
{
	size_t have = 0;
	while (have < n) {
		ssize_t got = io_read(fd, (char *)buffer + have, n - have, d);
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

/* A blocking pipe that polls writable has room for PIPE_BUF bytes only; more would block past the deadline. */
static bool must_write_small(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && !(flags & O_NONBLOCK) && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
}

static ssize_t write_polled(int fd, const struct iovec *v, int count, struct deadline d)
{
	if (io_wait(fd, POLLOUT, d) != 0)
		return -1;
	if (!must_write_small(fd))
		return writev(fd, v, count);
	return write(fd, v->iov_base, v->iov_len < PIPE_BUF ? v->iov_len : PIPE_BUF);
}

/* Sockets mostly have room: they are tried before they are polled. */
static ssize_t write_some(int fd, struct iovec *v, int count, struct deadline d)
{
	struct msghdr m = { .msg_iov = v, .msg_iovlen = (size_t)count };
	ssize_t n = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0 || errno == EINTR)
		return n;
	if (errno == ENOTSOCK)
		return write_polled(fd, v, count, d);
	if (try_again() && io_wait(fd, POLLOUT, d) == 0)
		errno = EAGAIN;
	return -1;
}

int io_writev_all(int fd, struct iovec *v, int count, struct deadline d)
{
	for (;;) {
		while (count > 0 && v->iov_len == 0) {
			v++;
			count--;
		}
		if (count == 0)
			return 0;
		if (check_time(d) != 0)
			return -1;
		ssize_t n = write_some(fd, v, count < IOV_AT_ONCE ? count : IOV_AT_ONCE, d);
		if (n < 0 && !try_again())
			return -1;
		for (size_t left = n > 0 ? (size_t)n : 0; left > 0;) {
			size_t step = left < v->iov_len ? left : v->iov_len;
			v->iov_base = (char *)v->iov_base + step;
			v->iov_len -= step;
			left -= step;
			if (v->iov_len == 0 && left > 0) {
				v++;
				count--;
			}
		}
	}
}

int io_write_all(int fd, const void *data, size_t n, struct deadline d)
{
	struct iovec v = { (void *)data, n };
	return io_writev_all(fd, &v, 1, d);
}

int io_pread_full(int fd, void *buffer, size_t n, off_t offset)
{
	size_t have = 0;
	while (have < n) {
		ssize_t got = pread(fd, (char *)buffer + have, n - have, offset + (off_t)have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0) {
			errno = ENODATA;
			return -1;
		}
		have += (size_t)got;
	}
	return 0;
}

static int set_flag(int fd, int get, int set, int flag, bool on)
{
	int flags = fcntl(fd, get);
	if (flags < 0)
		return -1;
	int wanted = on ? flags | flag : flags & ~flag;
	return wanted == flags ? 0 : fcntl(fd, set, wanted);
}

int io_set_nonblocking(int fd, bool on)
{
	return set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int io_set_cloexec(int fd, bool on)
{
	return set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}
