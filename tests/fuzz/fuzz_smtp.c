/* fuzz_smtp.c - a session fed with any bytes in packets of any size, before a worker that behaves in any way.
 *
 * Byte 0 chooses settings, byte 1 the packet size, byte 2 what the worker does; the rest is what the client sends.
 * Checked: replies are well-formed lines; mails have CRLF line ends only; no byte or session is left in the accounts. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/log.h"
#include "reception/queue.h"
#include "reception/session.h"
#include "reception/smtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
	struct shared *shared;
	struct reception *reception;
	int client, worker;
	uint8_t manner;
	size_t column;		/* of the reply line being read */
};

static void give_token(struct bench *b)
{
	int fds[2];
	struct token t = { .slot = 3, .pid = 1 };
	if (fdpass_pair(fds) != 0 || fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0 || fcntl(fds[1], F_SETFL, O_NONBLOCK) != 0)
		abort();
	b->worker = fds[0];
	queue_add_token(b->reception->queue, &t, fds[1]);
}

static void check_mail(int fd, uint64_t size)
{
	char *text = malloc(size + 1);
	if (pread(fd, text, size + 1, 0) != (ssize_t)size)
		abort();
	for (size_t i = 0; i < size; i++)
		if ((text[i] == '\n') != (i > 0 && text[i - 1] == '\r') || (text[i] == '\r' && i + 1 == size))
			abort();
	free(text);
}

static void send_record(struct bench *b, struct wire_writer *w)
{
	size_t n;
	const void *bytes = wire_end(w, &n);
	fdpass_send(b->worker, bytes, n, NULL, 0, MSG_DONTWAIT);
	wire_free(w);
}

static void commit(struct bench *b, uint32_t recipient)
{
	struct wire_writer w = { 0 };
	struct committed c = { .count = 1, .recipients = &recipient, .reply = "250 2.0.0 Ok" };
	committed_write(&w, &c);
	send_record(b, &w);
}

static void answer(struct bench *b, uint32_t count)
{
	struct wire_writer w = { 0 };
	struct result r = { .recipient_count = count, .reply = "250 2.0.0 Ok", .leaving = (b->manner & 8) != 0 };
	result_write(&w, &r);
	send_record(b, &w);
}

static void act(struct bench *b, const struct envelope *e)
{
	if (b->manner & 1)
		commit(b, 0);
	if (b->manner & 2)
		commit(b, e->recipient_count - ((b->manner & 16) ? 0 : 1));
	if ((b->manner & 4) == 0)
		answer(b, e->recipient_count + ((b->manner & 32) ? 1 : 0));
	if (b->manner & 12) {
		close(b->worker);
		give_token(b);
	}
}

static void take_job(struct bench *b)
{
	uint8_t record[WIRE_JOB_MAX];
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	struct wire_reader r;
	struct job job;
	struct envelope e;
	ssize_t n = fdpass_receive(b->worker, record, sizeof record, fds, &count, MSG_DONTWAIT);
	if (n <= 0)
		return;
	void *owner = talloc_new(NULL);
	if (!wire_open(&r, record, (size_t)n))
		abort();
	if (r.kind == RECORD_JOB) {
		static uint8_t bytes[1024 * 1024];
		if (job_read(&r, owner, &job) != 0 || count != (job.envelope_bytes > 0 ? 1 : 2))
			abort();
		n = count == 2 ? pread(fds[1], bytes, sizeof bytes, 0) : (ssize_t)job.envelope_bytes;
		if (!wire_open(&r, count == 2 ? bytes : job.envelope, (size_t)n) || envelope_read(&r, owner, &e) != 0 || e.recipient_count == 0)
			abort();
		check_mail(fds[0], job.size_bytes);
		act(b, &e);
	}
	fdpass_close_all(fds, count);
	talloc_free(owner);
}

/* "ddd-..." or "ddd ...", CRLF, nothing else that is no text */
static void check_reply(struct bench *b, const uint8_t *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = text[i];
		if (b->column < 3 ? (c < '0' || c > '9') : b->column == 3 && c != ' ' && c != '-')
			abort();
		if (c < ' ' && c != '\r' && c != '\n' && c != '\t')
			abort();
		b->column = c == '\n' ? 0 : b->column + 1;
		if (b->column > 2100)
			abort();
	}
}

/* false: the session has ended */
static bool turn(struct bench *b)
{
	uint8_t text[4096];
	for (unsigned i = 0; i < 4; i++) {
		event_base_loop(b->reception->base, EVLOOP_NONBLOCK);
		take_job(b);
	}
	for (;;) {
		ssize_t n = recv(b->client, text, sizeof text, MSG_DONTWAIT);
		if (n > 0)
			check_reply(b, text, (size_t)n);
		else
			return n < 0 && errno == EAGAIN;
	}
}

static void talk(struct bench *b, const uint8_t *data, size_t size, size_t packet)
{
	while (size > 0) {
		size_t n = size < packet ? size : packet;
		ssize_t sent = send(b->client, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN)
			return;
		if (sent > 0) {
			data += sent;
			size -= (size_t)sent;
		}
		if (!turn(b))
			return;
	}
	turn(b);
}

static void check_accounts(const struct bench *b)
{
	const struct shared *s = b->shared;
	if (shared_work_area_bytes(s) != 0 || shared_connections(s) != 0 || shared_mails_waiting(s) != 0)
		abort();
}

static void play(struct bench *b, const uint8_t *data, size_t size, const struct reception_settings *given)
{
	struct error e;
	int pair[2];
	b->reception = reception_new(given, &e);
	if (b->reception == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	b->client = pair[0];
	if ((data[0] & 16) == 0)
		give_token(b);
	session_start(&b->reception->listeners[0], pair[1], NULL, &smtp_dialect);
	talk(b, data + 3, size - 3, (size_t)data[1] * 8 + 1);
	if (data[0] & 32) {
		reception_drain(b->reception);
		turn(b);
	}
	close(b->client);
	event_base_loop(b->reception->base, EVLOOP_NONBLOCK);
	reception_free(b->reception);
	if (b->worker >= 0)
		close(b->worker);
	check_accounts(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct shared *shared;
	if (size < 4)
		return 0;
	if (shared == NULL) {
		struct log_settings quiet = { .destination = LOG_TO_STDERR, .level = -5 };
		log_configure(&quiet);
		shared = shared_private();
	}
	struct setting_pair pairs[] = {
		{ "TEMPBASE", "/dev/shm" },
		{ "listener.0.protocol", data[0] & 1 ? "LMTP" : "" },
		{ "smtpd_bare_newline", data[0] & 2 ? "reject" : "" },
		{ "listener.0.smtpd_message_size_limit", data[0] & 4 ? "200" : "0" },
		{ "work_area_limit", data[0] & 8 ? "150" : "0" },
		{ "smtpd_recipient_limit", "3" },
		{ "smtpd_error_limit", "50" },
		{ "queue_limit_mails", data[0] & 64 ? "0" : "5" },
	};
	struct reception_listener l = { .fd = eventfd(0, EFD_CLOEXEC), .text = "/fuzz" };
	struct reception_settings given = {
		.settings = { .count = sizeof pairs / sizeof *pairs, .pairs = pairs }, .listeners = &l, .listener_count = 1,
		.token_fd = -1, .master_fd = -1, .shared = shared, .ledger_fd = -1
	};
	struct bench b = { .shared = shared, .manner = data[2], .worker = -1 };
	play(&b, data, size, &given);
	if ((data[0] & 32) == 0)
		close(l.fd);
	return 0;
}
