/* body.c - see body.h.
 *
 * One block is read ahead, so that the dot travels in the same send as the
 * last bytes: a dot alone would wait for the server's delayed ACK. */
#include "config.h"

#include <errno.h>
#include <poll.h>

#include "deliver/body.h"
#include "deliver/smtp_client.h"

#define SLICE_MS 200

static bool is_cancelled(struct deadline d)
{
	struct pollfd p = { .fd = d.cancel_fd, .events = POLLIN };

	return d.cancel_fd >= 0 && poll(&p, 1, 0) > 0;
}

/* A server that has refused may have stopped reading, too: while the send waits, it is asked now and then. */
static enum body_outcome write_block(struct connection *c, struct iovec *v, int count, struct deadline d)
{
	struct deadline step = deadline_sooner(d, TRANSFER_TIMEOUT_MS);

	for (;;) {
		int errnum;

		if (connection_write(c, v, count, deadline_sooner(step, SLICE_MS)) == 0)
			return BODY_SENT;
		errnum = errno;
		if (errnum == ETIMEDOUT && connection_has_input(c))
			return BODY_EARLY_REPLY;
		errno = errnum;
		if (errnum != ETIMEDOUT || deadline_left_ms(step) == 0)
			return BODY_FAILED;
	}
}

static enum body_outcome send_block(struct connection *c, char *data, size_t n, struct deadline d)
{
	struct iovec v = { data, n };

	if (connection_has_input(c))
		return BODY_EARLY_REPLY;
	return write_block(c, &v, 1, d);
}

static enum body_outcome send_last_block(struct connection *c, char *data, size_t n, struct deadline d)
{
	static char dot[] = "\r\n.\r\n";
	bool ended = n == 0 || data[n - 1] == '\n';
	struct iovec v[2] = { { data, n }, { ended ? dot + 2 : dot, ended ? 3 : 5 } };

	if (connection_has_input(c))
		return BODY_EARLY_REPLY;
	if (is_cancelled(d) || deadline_left_ms(d) == 0) {
		errno = is_cancelled(d) ? ECANCELED : ETIMEDOUT;
		return BODY_FAILED;
	}
	d.cancel_fd = -1;
	return write_block(c, v, 2, d);
}

enum body_outcome body_send(struct connection *c, struct edit_stream *s, char *const blocks[2], struct deadline d)
{
	char *now = blocks[0], *ahead = blocks[1], *swap;
	ssize_t n = edit_stream_read(s, now, BODY_BLOCK), next = 0;

	while (n > 0) {
		enum body_outcome sent;

		next = n == BODY_BLOCK ? edit_stream_read(s, ahead, BODY_BLOCK) : 0;
		if (next <= 0)
			break;
		sent = send_block(c, now, (size_t)n, d);
		if (sent != BODY_SENT)
			return sent;
		swap = now, now = ahead, ahead = swap;
		n = next;
	}
	if (n < 0 || next < 0)
		return BODY_UNREADABLE;
	return send_last_block(c, now, (size_t)n, d);
}
