/* body.c - see body.h.
 *
 * One block is read ahead, so that the dot travels in the same send as the
 * last bytes: a dot alone would wait for the server's delayed ACK. */
#include "config.h"

#include <errno.h>
#include <poll.h>

#include "deliver/body.h"
#include "deliver/smtp_client.h"

static bool is_cancelled(struct deadline d)
{
	struct pollfd p = { .fd = d.cancel_fd, .events = POLLIN };

	return d.cancel_fd >= 0 && poll(&p, 1, 0) > 0;
}

static enum body_outcome send_block(struct connection *c, char *data, size_t n, struct deadline d)
{
	struct iovec v = { data, n };

	if (connection_has_input(c))
		return BODY_EARLY_REPLY;
	return connection_write(c, &v, 1, deadline_sooner(d, TRANSFER_TIMEOUT_MS)) < 0 ? BODY_FAILED : BODY_SENT;
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
	return connection_write(c, v, 2, deadline_sooner(d, TRANSFER_TIMEOUT_MS)) < 0 ? BODY_FAILED : BODY_SENT;
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
