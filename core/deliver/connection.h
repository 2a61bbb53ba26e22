/* connection.h - one connection to a next hop: bytes and lines, nothing of the dialogue.
 *
 * All bytes of a session pass connection_read_line() and connection_write():
 * whatever changes what is on the wire (TLS) has its place below these two. */
#ifndef POSTERN_DELIVER_CONNECTION_H
#define POSTERN_DELIVER_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/deadline.h"
#include "base/error.h"
#include "deliver/method.h"

#define CONNECTION_LINE_MAX 4096

/* What the server offered in its answer to EHLO or LHLO. */
struct capabilities {
	bool pipelining, size, eight_bit_mime, smtputf8, dsn, auth;
	unsigned xforward;	/* bits of enum xforward_attribute */
};

struct connection {
	int fd;
	struct next_hop hop;
	char *identity;		/* own address and EHLO name: a kept connection serves only the same again */
	struct capabilities offers;
	bool reused;		/* it has carried a mail before */
	bool needs_reset;	/* the server may still hold an envelope */
	int64_t opened_ms, used_ms;
	size_t in_at, in_end;
	char in[CONNECTION_LINE_MAX];
};

/* Connect. talloc on owner; closed with talloc_free(). NULL: e says why. */
struct connection *connection_open(void *owner, const struct next_hop *hop, const char *source_address, const char *identity,
	struct deadline d, struct error *e);
/* One line without its line end, NUL-terminated, good until the next call. -1/errno: ECONNRESET at end of file too, EPROTO for
 * a line longer than CONNECTION_LINE_MAX. */
ssize_t connection_read_line(struct connection *c, const char **line, struct deadline d);
/* All of it, or -1/errno. v is consumed: after ETIMEDOUT it holds what is left to send. */
int connection_write(struct connection *c, struct iovec *v, int count, struct deadline d);
/* The server has said something, or closed, without having been asked. Does not wait. */
bool connection_has_input(const struct connection *c);

#endif
