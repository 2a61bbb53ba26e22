/* fuzz_next_hop.c - a hostile next hop: the input is all that it says, whatever it is told.
 *
 * The first byte chooses SMTP or LMTP; what stands behind the first NUL is said after the final dot.  Nobody may be reported as delivered twice, and nobody without being reported at once. */
#include "config.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#include "deliver/body.h"
#include "deliver/smtp_client.h"
#include "deliver/transaction.h"

#define RECIPIENTS 3
#define QUIET_MS 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = "Subject: x\r\n\r\n.\r\nbody\r\n";

static void note_committed(void *context, const unsigned *recipients, unsigned count, const char *reply)
{
	unsigned *times = context;

	if (reply[0] != '2')
		abort();
	for (unsigned i = 0; i < count; i++)
		if (recipients[i] >= RECIPIENTS || ++times[recipients[i]] > 1)
			abort();
}

struct server {
	pthread_t thread;
	int fd;
	const uint8_t *said, *after_dot, *end;
};

static void say(int fd, const uint8_t *from, const uint8_t *to)
{
	while (from < to) {
		ssize_t n = send(fd, from, (size_t)(to - from), MSG_NOSIGNAL);

		if (n <= 0)
			return;
		from += n;
	}
}

/* Read until the final dot, the end of file, or until nothing more comes. */
static void hear_all(int fd)
{
	char heard[4096];
	size_t n = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t got = poll(&p, 1, QUIET_MS) > 0 ? recv(fd, heard + n, sizeof heard - n, 0) : 0;

		if (got <= 0)
			return;
		n += (size_t)got;
		if (n >= 5 && memcmp(heard + n - 5, "\r\n.\r\n", 5) == 0)
			return;
		if (n > sizeof heard - 5) {
			memmove(heard, heard + n - 4, 4);
			n = 4;
		}
	}
}

static void *serve(void *context)
{
	struct server *s = context;

	say(s->fd, s->said, s->after_dot);
	if (s->after_dot < s->end) {
		hear_all(s->fd);
		say(s->fd, s->after_dot + 1, s->end);
	}
	shutdown(s->fd, SHUT_WR);
	return NULL;
}

static struct connection *talk_to(void *owner, struct server *s, const uint8_t *said, size_t n, bool lmtp)
{
	struct connection *c = talloc_zero(owner, struct connection);
	const uint8_t *nul = memchr(said, '\0', n);
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		abort();
	*s = (struct server){ .fd = pair[1], .said = said, .after_dot = nul ? nul : said + n, .end = said + n };
	if (pthread_create(&s->thread, NULL, serve, s) != 0)
		abort();
	c->fd = pair[0];
	c->hop.lmtp = lmtp;
	strcpy(c->hop.name, "smtp:[fuzz]:25");
	return c;
}

static void transact(void *owner, struct connection *c, char *const *blocks)
{
	static const struct envelope_recipient addresses[RECIPIENTS] = { { "a@x", NULL, 2 }, { "b@x", "rfc822;b", 0 }, { "\xc3\xa4@x", NULL, 1 } };
	static const struct envelope envelope = { .sender = "s@x", .protocol = "ESMTP", .peer_address = "::1", .ret = "FULL" };
	static const struct deliver_settings settings = { .xforward = true, .propagate_dsn = true };
	static const unsigned indices[RECIPIENTS] = { 0, 1, 2 };
	struct deliver_result results[RECIPIENTS] = { { .recipient = 0 }, { .recipient = 1 }, { .recipient = 2 } };
	struct recipient recipients[RECIPIENTS] = { { .envelope = &addresses[0] }, { .envelope = &addresses[1] }, { .envelope = &addresses[2] } };
	unsigned times[RECIPIENTS] = { 0 }, open[RECIPIENTS] = { 0, 1, 2 };
	struct mail m = { .fd = memfd_create("mail", MFD_CLOEXEC), .size_bytes = sizeof text - 1, .envelope = &envelope,
		.recipients = recipients, .recipient_count = RECIPIENTS };
	struct deliver_order order = { .mail = &m, .recipients = indices, .recipient_count = RECIPIENTS, .edits = edit_list_new(owner),
		.settings = &settings, .committed = note_committed, .committed_context = times };
	struct transaction t = { .order = &order, .connection = c, .deadline = deadline_in(5000), .envelope_deadline = deadline_in(5000),
		.blocks = blocks, .owner = owner, .results = results, .open = open, .open_count = RECIPIENTS };

	if (m.fd < 0 || write(m.fd, text, sizeof text - 1) != (ssize_t)sizeof text - 1)
		abort();
	transaction_run(&t);
	for (unsigned i = 0; i < RECIPIENTS; i++)
		if ((results[i].code / 100 == 2) != (times[i] == 1))
			abort();
	close(m.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = talloc_new(NULL);
	char *blocks[2] = { talloc_size(owner, BODY_BLOCK), talloc_size(owner, BODY_BLOCK) };
	struct reply reply;
	struct connection *c;
	struct server server;
	struct error e;

	if (size < 1 || size > 60000) {
		talloc_free(owner);
		return 0;
	}
	c = talk_to(owner, &server, data + 1, size - 1, data[0] & 1);
	reply_init(&reply);
	if (smtp_say_hello(c, "fuzz", &reply, deadline_in(5000), &e) == 0)
		transact(owner, c, blocks);
	reply_clear(&reply);
	close(c->fd);
	pthread_join(server.thread, NULL);
	close(server.fd);
	talloc_free(owner);
	return 0;
}
