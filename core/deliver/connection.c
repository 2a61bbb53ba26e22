/* connection.c - see connection.h. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "base/io.h"
#include "deliver/connection.h"

static int close_descriptor(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	return 0;
}

struct connection *connection_open(void *owner, const struct next_hop *hop, const char *source_address, const char *identity,
	struct deadline d, struct error *e)
{
	int fd = io_connect_from(&hop->endpoint, source_address, d, e);
	struct connection *c;

	if (fd < 0)
		return NULL;
	c = talloc(owner, struct connection);
	memset(c, 0, offsetof(struct connection, in));
	c->fd = fd;
	c->hop = *hop;
	c->identity = talloc_strdup(c, identity);
	c->opened_ms = c->used_ms = clock_now_ms();
	talloc_set_destructor(c, close_descriptor);
	return c;
}

/* More bytes behind what is there. 0 or -1/errno. */
static int fill(struct connection *c, struct deadline d)
{
	ssize_t n;

	if (c->in_at > 0) {
		memmove(c->in, c->in + c->in_at, c->in_end - c->in_at);
		c->in_end -= c->in_at;
		c->in_at = 0;
	}
	if (c->in_end == sizeof c->in) {
		errno = EPROTO;
		return -1;
	}
	n = io_read(c->fd, c->in + c->in_end, sizeof c->in - c->in_end, d);
	if (n == 0)
		errno = ECONNRESET;
	if (n <= 0)
		return -1;
	c->in_end += (size_t)n;
	return 0;
}

ssize_t connection_read_line(struct connection *c, const char **line, struct deadline d)
{
	size_t searched = 0, n;
	char *start, *lf;

	for (;;) {
		start = c->in + c->in_at;
		lf = memchr(start + searched, '\n', c->in_end - c->in_at - searched);
		if (lf)
			break;
		searched = c->in_end - c->in_at;
		if (fill(c, d) < 0)
			return -1;
	}
	c->in_at += (size_t)(lf - start) + 1;
	if (lf > start && lf[-1] == '\r')
		lf--;
	*lf = '\0';
	n = (size_t)(lf - start);
	*line = start;
	return (ssize_t)n;
}

int connection_write(struct connection *c, struct iovec *v, int count, struct deadline d)
{
	return io_writev_all(c->fd, v, count, d);
}

bool connection_has_input(const struct connection *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	return c->in_at < c->in_end || poll(&p, 1, 0) != 0;
}
