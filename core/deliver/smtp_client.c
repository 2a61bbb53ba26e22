/* smtp_client.c - see smtp_client.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "deliver/smtp_client.h"
#include "deliver/xforward.h"

int smtp_read_reply(struct connection *c, struct reply *r, struct deadline d)
{
	enum reply_step step;

	r->line_count = 0;
	r->code = 0;
	do {
		const char *line;
		ssize_t n = connection_read_line(c, &line, d);

		if (n < 0) {
			r->code = 0;
			return -1;
		}
		step = reply_add_line(r, line, (size_t)n);
	} while (step == REPLY_MORE);
	if (step == REPLY_DONE)
		return 0;
	r->code = 0;
	errno = EPROTO;
	return -1;
}

const char *smtp_errno_text(int errnum)
{
	switch (errnum) {
	case ETIMEDOUT: return "timed out";
	case ECANCELED: return "the client has gone";
	case ECONNRESET: case EPIPE: return "connection lost";
	case EPROTO: return "not an SMTP reply";
	default: return strerror(errnum);
	}
}

/* One keyword line of the answer to EHLO. */
static void take_offer(struct capabilities *offers, const char *line)
{
	size_t n = strcspn(line, " =");
	static const struct { const char *keyword; size_t offset; } table[] = {
		{ "PIPELINING", offsetof(struct capabilities, pipelining) },
		{ "SIZE", offsetof(struct capabilities, size) },
		{ "8BITMIME", offsetof(struct capabilities, eight_bit_mime) },
		{ "SMTPUTF8", offsetof(struct capabilities, smtputf8) },
		{ "DSN", offsetof(struct capabilities, dsn) },
		{ "AUTH", offsetof(struct capabilities, auth) },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strlen(table[i].keyword) == n && strncasecmp(table[i].keyword, line, n) == 0)
			*(bool *)((char *)offers + table[i].offset) = true;
	if (n == 8 && strncasecmp(line, "XFORWARD", 8) == 0)
		offers->xforward = xforward_offered(line + n);
}

/* The first line is the greeting's name. */
static void take_offers(struct capabilities *offers, const struct reply *r)
{
	char **lines = g_strsplit(r->lines->str, "\n", 0);

	memset(offers, 0, sizeof *offers);
	for (char **line = lines[0] ? lines + 1 : lines; *line; line++)
		take_offer(offers, *line);
	g_strfreev(lines);
}

static int ask_hello(struct connection *c, const char *verb, const char *own_name, struct reply *r, struct deadline d)
{
	char line[300];
	int n = snprintf(line, sizeof line, "%s %.250s\r\n", verb, own_name);
	struct iovec v = { line, (size_t)n };

	if (connection_write(c, &v, 1, deadline_sooner(d, COMMAND_TIMEOUT_MS)) < 0)
		return -1;
	return smtp_read_reply(c, r, deadline_sooner(d, COMMAND_TIMEOUT_MS));
}

static int no_reply(struct reply *r, struct error *e, const char *to_what)
{
	enum error_class class = errno == ETIMEDOUT ? ERROR_DEADLINE : errno == ECANCELED ? ERROR_CANCELLED : ERROR_ENVIRONMENT;
	int errnum = errno;

	r->code = 0;
	error_set(e, class, "%s: %s", to_what, smtp_errno_text(errnum));
	if (e)
		e->errnum = errnum;
	return -1;
}

int smtp_say_hello(struct connection *c, const char *own_name, struct reply *r, struct deadline d, struct error *e)
{
	const char *verb = c->hop.lmtp ? "LHLO" : "EHLO";

	if (smtp_read_reply(c, r, deadline_sooner(d, COMMAND_TIMEOUT_MS)) < 0)
		return no_reply(r, e, "greeting");
	if (r->code != 220)
		return error_set(e, ERROR_ENVIRONMENT, "greeting: refused");
	if (ask_hello(c, verb, own_name, r, d) < 0)
		return no_reply(r, e, verb);
	if (r->code >= 500 && !c->hop.lmtp) {
		verb = "HELO";
		if (ask_hello(c, verb, own_name, r, d) < 0)
			return no_reply(r, e, verb);
	}
	if (r->code / 100 != 2)
		return error_set(e, ERROR_ENVIRONMENT, "%s: refused", verb);
	take_offers(&c->offers, r);
	return 0;
}
