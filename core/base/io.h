/* io.h - reading, writing, connecting and waiting under a deadline.
 *
 * All functions take non-blocking or blocking descriptors (they poll before
 * they block), retry EINTR, and return -1 with errno ETIMEDOUT when the
 * deadline is over or ECANCELED when its cancel_fd fired.  Never used with a
 * mail in hand by reception, which has its event loop. */
#ifndef POSTERN_BASE_IO_H
#define POSTERN_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/deadline.h"
#include "base/error.h"

/* Wait until `events` (POLLIN/POLLOUT) hold on fd. 0 or -1/errno. */
int io_wait(int fd, short events, struct deadline d);
/* Read what is there, at most n. 0 at end of file. */
ssize_t io_read(int fd, void *buffer, size_t n, struct deadline d);
/* Read exactly n bytes: n, or fewer at end of file, or -1. */
ssize_t io_read_full(int fd, void *buffer, size_t n, struct deadline d);
/* Write all (MSG_NOSIGNAL on sockets). 0 or -1. */
int io_write_all(int fd, const void *data, size_t n, struct deadline d);
int io_writev_all(int fd, struct iovec *v, int count, struct deadline d); /* v is consumed */
/* pread a whole range of a regular file. 0 or -1 (ENODATA where the file ends before it). */
int io_pread_full(int fd, void *buffer, size_t n, off_t offset);

/* An address to connect to or listen on.  Forms: "/abs/path", "unix:/abs/path",
 * "1.2.3.4:25", "[::1]:25", "host:25", "inet:host:25"; the host may be "*"
 * (the caller gives it a meaning), the port 0 (listeners).  */
struct endpoint {
	bool is_unix;
	char host[256];		/* without brackets; empty for unix */
	char port[8];
	char path[108];
	char text[320];		/* as logged: "[127.0.0.1]:25", "host:25" or "/path" */
};
int endpoint_parse(const char *text, struct endpoint *out, struct error *e);
/* Connect within the deadline. Numeric hosts use no resolver; names go through io_resolve.
 * The result is non-blocking, close-on-exec, TCP_NODELAY. */
int io_connect(const struct endpoint *to, struct deadline d, struct error *e);
/* As io_connect, from a local source address (numeric) or NULL for any. */
int io_connect_from(const struct endpoint *to, const char *source, struct deadline d, struct error *e);
/* Resolve under a deadline (a helper thread runs getaddrinfo; at the deadline it is left behind).
 * Fills at most max addresses; returns how many, -1 on failure. */
int io_resolve(const char *host, const char *port, struct sockaddr_storage *out, socklen_t *lengths, int max,
	struct deadline d, struct error *e);

int io_set_nonblocking(int fd, bool on);
int io_set_cloexec(int fd, bool on);

#endif
