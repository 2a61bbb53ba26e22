/* load.c - an SMTP client that sends mails, each unlike any other, as fast as they are taken.
 *
 * smtp-source sends the same body again and again, which every filter with a cache answers from its memory.  Like
 * smtp-source it waits for each reply and writes a mail with its dot at once.  It knows no filter and judges nothing: any
 * reply but the expected one ends the run with an error.
 *
 *   load [-c CONNECTIONS] [-l BYTES] [-t SECONDS] [-m MAILS] [-s SALT] [-d] ADDRESS PORT
 *     -l  size of the body: up to 64 KiB plain text, above that a base64 attachment
 *     -t  start no mail after so many seconds, but one per connection; -m: nor after so many mails
 *     -s  a number that no other run has, so that no mail of one run is a mail of another
 *     -d  keep each connection for all its mails
 *
 * Prints "mails N seconds S". */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1000
#define MARK_DIGITS 16
#define MARK_STRIDE_BYTES 4096
#define LINE_BYTES 76
#define TEXT_MAX_BYTES (64 * 1024)
#define BUFFER_BYTES 4096

enum step { STEP_BANNER, STEP_EHLO, STEP_MAIL, STEP_RCPT, STEP_DATA, STEP_BODY, STEP_QUIT };

struct options {
	unsigned connections;
	size_t body_bytes;
	double seconds;
	uint64_t mails, salt;
	bool keep;
	struct sockaddr_in address;
};

struct mail_text {
	char *data;
	size_t size, body_at;
};

struct client {
	int fd;			/* -1: at rest for good */
	enum step step;		/* whose reply is awaited */
	struct mail_text mail;
	const char *out;
	size_t out_left, in_length;
	char in[BUFFER_BYTES];
};

struct run {
	const struct options *options;
	uint64_t started, done, random;
	double begin, end;
};

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "load: %s: %s\n", what, detail);
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t next_random(struct run *r)
{
	r->random += 0x9e3779b97f4a7c15u;
	uint64_t z = r->random;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* --- mails --- */

static void fill_line(struct run *r, char *line, bool text)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char words[] = "etaoin shrdlu etaoin cmfwyp vbgkjq etaoi nshr dlu eta oinshr dlu";
	for (unsigned i = 0; i < LINE_BYTES; i++)
		line[i] = (text ? words : base64)[next_random(r) % 64];
	memcpy(line + LINE_BYTES, "\r\n", 2);
}

static void make_mail(struct run *r, struct mail_text *m)
{
	bool text = r->options->body_bytes <= TEXT_MAX_BYTES;
	size_t lines = (r->options->body_bytes + LINE_BYTES + 1) / (LINE_BYTES + 2);
	m->data = malloc(lines * (LINE_BYTES + 2) + 2048);
	if (m->data == NULL)
		die("memory", "none left");
	m->size = (size_t)sprintf(m->data, "Message-ID: <%0*d@load.example>\r\nFrom: sender@load.example\r\nTo: recipient@load.example\r\n"
		"Date: Mon, 02 Jan 2006 15:04:05 +0000\r\nSubject: a mail unlike any other\r\nMIME-Version: 1.0\r\n%s", MARK_DIGITS, 0,
		text ? "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
		: "Content-Type: multipart/mixed; boundary=\"part\"\r\n\r\n--part\r\nContent-Type: text/plain\r\n\r\nsee the attachment\r\n--part\r\n"
		"Content-Type: application/octet-stream; name=\"random.dat\"\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	m->body_at = m->size;
	for (size_t i = 0; i < lines; i++, m->size += LINE_BYTES + 2)
		fill_line(r, m->data + m->size, text);
	m->size += (size_t)sprintf(m->data + m->size, "%s.\r\n", text ? "" : "--part--\r\n");
}

/* Within a line: the stride is no multiple of a line, so the mark looks for the line's start. */
static void mark_mail(struct run *r, struct mail_text *m)
{
	char mark[MARK_DIGITS + 1];
	snprintf(mark, sizeof mark, "%016llx", (unsigned long long)(r->options->salt << 40 | ++r->started));
	memcpy(m->data + strlen("Message-ID: <"), mark, MARK_DIGITS);
	for (size_t at = m->body_at; at + LINE_BYTES < m->size - 16; at += MARK_STRIDE_BYTES) {
		size_t line = (at - m->body_at) / (LINE_BYTES + 2);
		memcpy(m->data + m->body_at + line * (LINE_BYTES + 2), mark, MARK_DIGITS);
	}
}

/* --- one connection --- */

static bool may_start(const struct run *r)
{
	bool in_time = r->started < r->options->connections || now() < r->begin + r->options->seconds;
	return in_time && (r->options->mails == 0 || r->started < r->options->mails);
}

static void push(struct client *c)
{
	while (c->out_left > 0) {
		ssize_t n = send(c->fd, c->out, c->out_left, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			die("send", strerror(errno));
		c->out += n;
		c->out_left -= (size_t)n;
	}
}

static void say(struct client *c, enum step step, const char *text, size_t size)
{
	c->step = step;
	c->out = text;
	c->out_left = size;
	push(c);
}

static void say_line(struct client *c, enum step step, const char *line)
{
	say(c, step, line, strlen(line));
}

static void open_connection(struct run *r, struct client *c)
{
	int on = 1;
	c->fd = -1;
	if (!may_start(r))
		return;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&r->options->address, sizeof r->options->address) != 0)
		die("connect", strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->in_length = c->out_left = 0;
	c->step = STEP_BANNER;
}

static void begin_mail(struct run *r, struct client *c)
{
	if (!may_start(r)) {
		say_line(c, STEP_QUIT, "QUIT\r\n");
		return;
	}
	mark_mail(r, &c->mail);
	say_line(c, STEP_MAIL, "MAIL FROM:<sender@load.example>\r\n");
}

static void end_mail(struct run *r, struct client *c)
{
	r->done++;
	r->end = now();
	if (r->options->keep)
		begin_mail(r, c);
	else
		say_line(c, STEP_QUIT, "QUIT\r\n");
}

static void take_reply(struct run *r, struct client *c, const char *reply)
{
	static const char expected[] = { '2', '2', '2', '2', '3', '2', '2' };
	if (reply[0] != expected[c->step])
		die("unexpected reply", reply);
	switch (c->step) {
	case STEP_BANNER: say_line(c, STEP_EHLO, "EHLO load.example\r\n"); return;
	case STEP_EHLO: begin_mail(r, c); return;
	case STEP_MAIL: say_line(c, STEP_RCPT, "RCPT TO:<recipient@load.example>\r\n"); return;
	case STEP_RCPT: say_line(c, STEP_DATA, "DATA\r\n"); return;
	case STEP_DATA: say(c, STEP_BODY, c->mail.data, c->mail.size); return;
	case STEP_BODY: end_mail(r, c); return;
	case STEP_QUIT: break;
	}
	close(c->fd);
	open_connection(r, c);
}

static void hear(struct run *r, struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_length, sizeof c->in - 1 - c->in_length, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		die("the server", n == 0 ? "has hung up" : strerror(errno));
	c->in_length += (size_t)n;
	c->in[c->in_length] = '\0';
	for (char *line = c->in, *end; (end = strstr(line, "\r\n")) != NULL; line = end + 2) {
		*end = '\0';
		if (end - line < 4 || line[3] != '-') {
			c->in_length = 0;	/* one reply at a time: nothing follows a last line */
			take_reply(r, c, line);
			return;
		}
	}
	if (c->in_length >= sizeof c->in - 1)
		die("reply", "too long");
	for (size_t i = 0; i < c->in_length; i++)	/* a reply of several lines that is not there yet as a whole */
		if (c->in[i] == '\0')
			c->in[i] = '\r';
}

/* --- the whole --- */

static unsigned collect(const struct client *clients, unsigned count, struct pollfd *p)
{
	unsigned busy = 0;
	for (unsigned i = 0; i < count; i++) {
		p[i] = (struct pollfd){ .fd = clients[i].fd, .events = (short)(POLLIN | (clients[i].out_left > 0 ? POLLOUT : 0)) };
		busy += clients[i].fd >= 0;
	}
	return busy;
}

static void run(struct run *r, struct client *clients)
{
	static struct pollfd p[CONNECTIONS_MAX];
	unsigned count = r->options->connections;
	for (unsigned i = 0; i < count; i++)
		make_mail(r, &clients[i].mail);
	r->begin = r->end = now();
	for (unsigned i = 0; i < count; i++)
		open_connection(r, &clients[i]);
	while (collect(clients, count, p) > 0) {
		if (poll(p, count, 120000) == 0)
			die("the server", "has not answered for two minutes");
		for (unsigned i = 0; i < count; i++) {
			if (p[i].fd >= 0 && (p[i].revents & POLLOUT))
				push(&clients[i]);
			if (p[i].fd >= 0 && (p[i].revents & (POLLIN | POLLHUP | POLLERR)))
				hear(r, &clients[i]);
		}
	}
}

static struct options read_options(int argc, char **argv)
{
	struct options o = { .connections = 8, .body_bytes = 4096, .seconds = 1e9, .salt = 1 };
	int option;
	while ((option = getopt(argc, argv, "c:l:t:m:s:d")) != -1) {
		switch (option) {
		case 'c': o.connections = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'l': o.body_bytes = strtoull(optarg, NULL, 10); break;
		case 't': o.seconds = strtod(optarg, NULL); break;
		case 'm': o.mails = strtoull(optarg, NULL, 10); break;
		case 's': o.salt = strtoull(optarg, NULL, 10); break;
		case 'd': o.keep = true; break;
		default: exit(64);
		}
	}
	if (argc - optind != 2 || o.connections < 1 || o.connections > CONNECTIONS_MAX || (o.mails == 0 && o.seconds > 1e8))
		die("usage", "load [-c CONNECTIONS] [-l BYTES] [-t SECONDS] [-m MAILS] [-s SALT] [-d] ADDRESS PORT (-t or -m is needed)");
	o.address.sin_family = AF_INET;
	o.address.sin_port = htons((uint16_t)strtoul(argv[optind + 1], NULL, 10));
	if (inet_pton(AF_INET, argv[optind], &o.address.sin_addr) != 1)
		die("not an IPv4 address", argv[optind]);
	return o;
}

int main(int argc, char **argv)
{
	struct options o = read_options(argc, argv);
	struct client *clients = calloc(o.connections, sizeof *clients);
	struct run r = { .options = &o, .random = o.salt };
	if (clients == NULL)
		die("memory", "none left");
	run(&r, clients);
	printf("mails %llu seconds %.4f\n", (unsigned long long)r.done, r.end - r.begin);
	return 0;
}
