/* connect.c - connects to an endpoint within a deadline. It says nothing on the connection. */
#include "config.h"
#include "base/io.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define ADDRESSES_MAX 16
#define BACKLOG_RETRY_MS 20

static int fail(int fd)
{
	int errnum = errno;
	close(fd);
	errno = errnum;
	return -1;
}

/* A deadline that ends all and one that only ends the try of one address both come as ETIMEDOUT: class tells them apart. */
static int report(const char *where, struct deadline d, struct error *e)
{
	int errnum = errno;
	error_set_errno(e, "connect %s", where);
	if (e && errnum == ECANCELED)
		e->class = ERROR_CANCELLED;
	else if (e && deadline_left_ms(d) == 0)
		e->class = ERROR_DEADLINE;
	errno = errnum;
	return -1;
}

/* With a full backlog an AF_UNIX connect(2) that may not block says EAGAIN, and poll(2) cannot wait for room. */
static int connect_unix(const struct endpoint *to, struct deadline d)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	memcpy(a.sun_path, to->path, sizeof a.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	while (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return fail(fd);
		struct deadline pause = deadline_sooner(d, BACKLOG_RETRY_MS);
		struct pollfd p = { .fd = d.cancel_fd, .events = POLLIN };
		if (poll(&p, 1, deadline_left_ms(pause)) > 0)
			errno = ECANCELED;
		else if (deadline_left_ms(d) == 0)
			errno = ETIMEDOUT;
		else
			continue;
		return fail(fd);
	}
	return fd;
}

static int bind_source(int fd, const struct sockaddr_storage *source, socklen_t length)
{
	int on = 1;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	return bind(fd, (const struct sockaddr *)source, length);
}

static int finish_connect(int fd, struct deadline d)
{
	int problem = 0;
	socklen_t n = sizeof problem;
	if (io_wait(fd, POLLOUT, d) != 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &n) != 0)
		return -1;
	errno = problem;
	return problem ? -1 : 0;
}

static int connect_address(const struct sockaddr_storage *to, socklen_t length, const struct sockaddr_storage *source,
	socklen_t source_length, struct deadline d)
{
	int on = 1;
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (source_length > 0 && bind_source(fd, source, source_length) != 0)
		return fail(fd);
	if (connect(fd, (const struct sockaddr *)to, length) == 0)
		return fd;
	if (errno != EINPROGRESS && errno != EINTR)
		return fail(fd);
	return finish_connect(fd, d) == 0 ? fd : fail(fd);
}

/* The first address that answers. One that is silent gets only its share of the time that is left. */
static int connect_any(const struct sockaddr_storage *to, const socklen_t *lengths, int count,
	const struct sockaddr_storage *source, socklen_t source_length, struct deadline d)
{
	errno = EAFNOSUPPORT;
	for (int i = 0; i < count; i++) {
		if (source_length > 0 && source->ss_family != to[i].ss_family)
			continue;
		int left_ms = deadline_left_ms(d);
		int share_ms = left_ms / (count - i);
		struct deadline mine = left_ms > 0 ? deadline_sooner(d, share_ms > 0 ? share_ms : 1) : d;
		int fd = connect_address(&to[i], lengths[i], source, source_length, mine);
		if (fd >= 0 || errno == ECANCELED || deadline_left_ms(d) == 0)
			return fd;
	}
	return -1;
}

static int connect_inet(const struct endpoint *to, const char *source_text, struct deadline d, struct error *e)
{
	struct sockaddr_storage addresses[ADDRESSES_MAX], source;
	socklen_t lengths[ADDRESSES_MAX], source_length = 0;
	if (source_text && io_resolve(source_text, "0", &source, &source_length, 1, d, e) < 0)
		return error_prefix(e, "local address %s", source_text);
	int count = io_resolve(to->host, to->port, addresses, lengths, ADDRESSES_MAX, d, e);
	if (count < 0)
		return error_prefix(e, "connect %s", to->text);
	int fd = connect_any(addresses, lengths, count, &source, source_length, d);
	return fd >= 0 ? fd : report(to->text, d, e);
}

int io_connect_from(const struct endpoint *to, const char *source, struct deadline d, struct error *e)
{
	if (deadline_left_ms(d) == 0) {
		errno = ETIMEDOUT;
		return report(to->text, d, e);
	}
	if (!to->is_unix)
		return connect_inet(to, source, d, e);
	int fd = connect_unix(to, d);
	return fd >= 0 ? fd : report(to->text, d, e);
}

int io_connect(const struct endpoint *to, struct deadline d, struct error *e)
{
	return io_connect_from(to, NULL, d, e);
}
