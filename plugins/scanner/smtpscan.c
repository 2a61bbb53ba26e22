/* smtpscan.c - hands the whole mail to a scanning relay, over SMTP or LMTP, and judges its final reply.
 *
 * The relay gets it for one test recipient, which it must throw away: this asks, it
 * delivers nothing.  Behind the dot that ends the mail nothing is ever tried again,
 * neither there nor with another relay: the relay may have taken it.
 *
 * Line ends are made CRLF whatever they were, so that the relay sees the one end of
 * the mail that is meant. */
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX 2048
#define REPLY_LINES_MAX 100
#define READ_BYTES (64 * 1024)
#define COMMAND_BYTES_MAX 900

struct options {
	struct postern_strings socket;
	const char *protocol, *recipient, *sender, *helo;
	struct postern_regex *infected, *clean, *names;
};

struct reply { int code; char *text; };	/* its lines as they came, joined by "\n" */

/* One connection in use for one mail. */
struct talk {
	struct postern_conn *conn;
	const char *endpoint;
	bool offered;			/* the whole mail has been sent: it may have been taken */
	enum postern_result result;	/* why it failed */
};

static const struct options *options_of(struct postern_call *call)
{
	return postern_options(postern_call_instance(call));
}

static bool is_lmtp(struct postern_call *call)
{
	return strcmp(options_of(call)->protocol, "lmtp") == 0;
}

/* ---- replies ---- */

/* "250-text" and "250 text", the last having no dash. */
static bool is_reply_line(const char *line, const char *first)
{
	if (strspn(line, "0123456789") != 3 || line[0] < '1' || line[0] > '5')
		return false;
	return (line[3] == '\0' || line[3] == ' ' || line[3] == '-') && (!first || strncmp(line, first, 3) == 0);
}

static bool not_a_reply(struct postern_call *call, struct talk *t, const char *line)
{
	t->result = postern_fail(call, POSTERN_BROKEN, "%s: this is no %s server, it said \"%.200s\"", t->endpoint,
		is_lmtp(call) ? "LMTP" : "SMTP", line);
	return false;
}

static bool read_reply(struct postern_call *call, struct talk *t, struct reply *r)
{
	*r = (struct reply){ 0 };
	for (size_t k = 0; k < REPLY_LINES_MAX; k++) {
		size_t n = 0;
		char *line = postern_conn_read_until(call, t->conn, '\n', LINE_BYTES_MAX, &n);
		if (!line)
			return false;
		if (n > 0 && line[n - 1] == '\r')
			line[--n] = '\0';
		if (strlen(line) != n || !is_reply_line(line, r->text))
			return not_a_reply(call, t, line);
		r->text = r->text ? postern_printf(call, "%s\n%s", r->text, line) : line;
		if (line[3] != '-') {
			r->code = atoi(line);
			return true;
		}
	}
	return not_a_reply(call, t, "more lines than a reply has");
}

/* Sends a line and reads the reply; true: its first digit is `expected`. */
static bool command(struct postern_call *call, struct talk *t, const char *line, int expected, struct reply *r)
{
	const char *whole = postern_printf(call, "%s\r\n", line);
	if (postern_conn_write(call, t->conn, whole, strlen(whole)) != 0 && !postern_conn_readable(t->conn))
		return false;
	return read_reply(call, t, r) && r->code / 100 == expected;
}

/* A refusal before the mail was offered says nothing about the mail. */
static void note_refusal(struct postern_call *call, struct talk *t, const char *what, const struct reply *r)
{
	if (!r->text || r->code == 0)
		return;		/* there was none: the failure's text is set */
	t->result = r->code / 100 == 5 ? POSTERN_BROKEN : POSTERN_TEMPFAIL;
	postern_fail(call, t->result, "%s: to %s it says \"%.200s\"", t->endpoint, what, r->text);
}

static bool step(struct postern_call *call, struct talk *t, const char *line)
{
	struct reply r;
	if (command(call, t, line, line[0] == 'D' ? 3 : 2, &r))
		return true;
	note_refusal(call, t, line, &r);
	return false;
}

/* ---- the dialogue up to DATA ---- */

static bool greet(struct postern_call *call, struct talk *t)
{
	const struct options *o = options_of(call);
	struct reply r;
	if (!read_reply(call, t, &r) || r.code / 100 != 2) {
		note_refusal(call, t, "our connecting", &r);
		return false;
	}
	if (is_lmtp(call))
		return step(call, t, postern_printf(call, "LHLO %s", o->helo));
	if (command(call, t, postern_printf(call, "EHLO %s", o->helo), 2, &r))
		return true;
	return r.code / 100 == 5 && step(call, t, postern_printf(call, "HELO %s", o->helo));
}

static bool prepare(struct postern_call *call, struct talk *t)
{
	const struct options *o = options_of(call);
	return greet(call, t) && step(call, t, postern_printf(call, "MAIL FROM:<%s>", o->sender)) &&
		step(call, t, postern_printf(call, "RCPT TO:<%s>", o->recipient)) && step(call, t, "DATA");
}

/* ---- the mail ---- */

/* Line ends become CRLF, a leading dot is doubled. `last`: the byte before, kept from block to block. */
static size_t escape(const char *from, size_t n, char *to, char *last)
{
	size_t out = 0;
	for (size_t k = 0; k < n; k++) {
		char c = from[k];
		bool line_begins = *last == '\n' || *last == '\r';
		if (c == '\n' && *last == '\r') {	/* its CRLF was written with the CR */
			*last = '\n';
			continue;
		}
		if (c == '.' && line_begins)
			to[out++] = '.';
		if (c == '\r' || c == '\n') {
			to[out++] = '\r';
			to[out++] = '\n';
		} else {
			to[out++] = c;
		}
		*last = c;
	}
	return out;
}

/* All of the mail but its end mark. It stops where the relay speaks already: it has refused. */
static bool send_mail(struct postern_call *call, struct talk *t, int fd, char *last, bool *early)
{
	char *in = postern_alloc(call, READ_BYTES), *out = postern_alloc(call, 2 * READ_BYTES);
	off_t offset = 0;
	ssize_t n;
	while ((n = pread(fd, in, READ_BYTES, offset)) > 0) {
		size_t length = escape(in, (size_t)n, out, last);
		*early = postern_conn_readable(t->conn);
		if (*early)
			return true;
		if (postern_conn_write(call, t->conn, out, length) != 0)
			return *early = postern_conn_readable(t->conn);
		offset += n;
	}
	if (n < 0)
		postern_fail(call, POSTERN_TEMPFAIL, "reading the mail: %s", strerror(errno));
	return n == 0;
}

/* By its code or by `clean`, and not by `infected`, which stands whenever it is said. */
static bool is_accepted(struct postern_call *call, const struct reply *final)
{
	const struct options *o = options_of(call);
	size_t n = strlen(final->text);
	return final->code / 100 == 2 || (!postern_regex_match(o->infected, final->text, n) && postern_regex_match(o->clean, final->text, n));
}

/* The mail, and what the relay says to it. */
static bool offer(struct postern_call *call, struct talk *t, int fd, struct reply *final)
{
	char last = '\n';
	bool early = false;
	if (!send_mail(call, t, fd, &last, &early))
		return false;
	const char *end = last == '\n' || last == '\r' ? ".\r\n" : "\r\n.\r\n";
	if (!early) {
		t->offered = true;
		if (postern_conn_write(call, t->conn, end, strlen(end)) != 0 && !postern_conn_readable(t->conn))
			return false;
	}
	if (!read_reply(call, t, final))
		return false;
	bool accepts = is_accepted(call, final);
	if (accepts && early)
		t->result = postern_fail(call, POSTERN_BROKEN, "%s: it said \"%.200s\" before the end of the mail", t->endpoint, final->text);
	else if (accepts && peer_says_more(call, t->conn))
		t->result = postern_fail(call, POSTERN_BROKEN, "%s: it said more than \"%.200s\" to the mail", t->endpoint, final->text);
	else
		return true;
	return false;
}

/* ---- judging ---- */

static void add_name(struct postern_call *call, const char *match, void *context)
{
	(void)context;
	postern_found(call, NULL, match);
}

static enum postern_result judge(struct postern_call *call, const struct talk *t, const struct reply *final)
{
	const struct options *o = options_of(call);
	size_t n = strlen(final->text);
	postern_set_output(call, final->text, n);
	if (postern_regex_match(o->infected, final->text, n)) {
		if (!o->names || postern_regex_each(call, o->names, final->text, n, add_name, NULL) == 0)
			postern_found(call, NULL, "");
		return POSTERN_OK;
	}
	if (postern_regex_match(o->clean, final->text, n))
		return POSTERN_OK;
	return postern_fail(call, POSTERN_TEMPFAIL, "%s: \"%.200s\" is neither clean nor infected", t->endpoint, final->text);
}

static enum postern_result ask_one(struct postern_call *call, struct talk *t, const struct postern_mail *mail, bool *answered)
{
	struct reply final;
	t->result = POSTERN_TEMPFAIL;
	t->conn = postern_conn_open(call, t->endpoint);
	if (!t->conn)
		return POSTERN_TEMPFAIL;
	*answered = prepare(call, t) && offer(call, t, postern_mail_fd(mail), &final);
	if (*answered)
		postern_conn_write(call, t->conn, "QUIT\r\n", 6);	/* before judging: its failure's text is nobody's concern */
	postern_conn_close(call, t->conn);
	return *answered ? judge(call, t, &final) : t->result;
}

/* One relay after the other, until the mail was offered to one. */
static enum postern_result smtpscan_scan(struct postern_call *call, const struct postern_mail *mail)
{
	const struct peers *all = peers_of(call);
	enum postern_result r;
	size_t asked = 0;
	struct talk t;
	bool answered;
	do {
		t = (struct talk){ .endpoint = all->sockets.v[all->first] };
		answered = false;
		r = ask_one(call, &t, mail, &answered);
	} while (!answered && peers_next(call, &asked) && !t.offered);
	return r;
}

/* What the relay calls itself. */
static enum postern_result version_of_one(struct postern_call *call)
{
	const struct peers *all = peers_of(call);
	struct talk t = { .endpoint = all->sockets.v[all->first], .result = POSTERN_TEMPFAIL };
	struct reply r;
	t.conn = postern_conn_open(call, t.endpoint);
	if (!t.conn)
		return POSTERN_TEMPFAIL;
	bool greeted = read_reply(call, &t, &r) && r.code / 100 == 2;
	if (greeted) {
		postern_set_version(call, r.text);
		postern_conn_write(call, t.conn, "QUIT\r\n", 6);
	} else {
		note_refusal(call, &t, "our connecting", &r);
	}
	postern_conn_close(call, t.conn);
	return greeted ? POSTERN_OK : t.result;
}

static enum postern_result smtpscan_version(struct postern_call *call)
{
	return peers_question(call, version_of_one);
}

/* ---- options ---- */

/* What goes into a command line as it is: no blanks, no control characters, no brackets. */
static bool is_plain(const char *text)
{
	if (strlen(text) > COMMAND_BYTES_MAX)
		return false;
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (*at <= ' ' || *at == 0x7f || *at == '<' || *at == '>')
			return false;
	}
	return true;
}

static enum postern_result smtpscan_check(struct postern_instance *instance, struct postern_error *error)
{
	const struct options *o = postern_options(instance);
	const char *const texts[] = { o->recipient, o->sender, o->helo };
	for (size_t k = 0; k < 3; k++) {
		if (!is_plain(texts[k]))
			return postern_complain(error, POSTERN_BROKEN, "\"%.200s\": a blank, a bracket or a control character, or too long", texts[k]);
	}
	if (!o->recipient[0] || !o->helo[0])
		return postern_complain(error, POSTERN_BROKEN, "recipient and helo may not be empty");
	return POSTERN_OK;
}

static const struct postern_option option_table[] = {
	{ .name = "socket", .type = POSTERN_ENDPOINTS, .offset = offsetof(struct options, socket),
	  .flags = POSTERN_POSITIONAL | POSTERN_REQUIRED, .doc = "Where the scanning relay listens; several are tried in order." },
	{ .name = "protocol", .type = POSTERN_ENUM, .offset = offsetof(struct options, protocol), .value = "smtp", .choices = "smtp|lmtp",
	  .doc = "What it speaks." },
	{ .name = "recipient", .type = POSTERN_STRING, .offset = offsetof(struct options, recipient), .value = "dummy@localhost",
	  .doc = "The test recipient. The relay must throw its mail away." },
	{ .name = "sender", .type = POSTERN_STRING, .offset = offsetof(struct options, sender), .value = "",
	  .doc = "Envelope sender; empty: <>, to which nobody answers." },
	{ .name = "helo", .type = POSTERN_STRING, .offset = offsetof(struct options, helo), .value = "localhost", .doc = "Our name in EHLO or LHLO." },
	{ .name = "infected", .type = POSTERN_REGEX, .offset = offsetof(struct options, infected),
	  .value = "^[25]\\d\\d[ -].*(?i:\\b(?:infected|infection|virus|malware|trojan)\\b)", .doc = "A final reply that means malware; tried first." },
	{ .name = "clean", .type = POSTERN_REGEX, .offset = offsetof(struct options, clean), .value = "\\A2\\d\\d\\b",
	  .doc = "A final reply that means clean." },
	{ .name = "names", .type = POSTERN_REGEX, .offset = offsetof(struct options, names),
	  .value = "(?i:\\b(?:infected|infection|virus|malware|trojan))(?i:\\s+(?:with|by|found|detected))?\\s*[:=(\"'-]+\\s*([^\\s()\"',;]+)",
	  .doc = "Finds the names in it: each match's first group." },
	{ .name = NULL }
};

static const struct postern_scanner_ops scanner_ops = {
	.size = sizeof scanner_ops, .scan = smtpscan_scan, .version = smtpscan_version
};

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "smtpscan", .version = "1", .doc = "Hands the mail to a scanning relay (SMTP, LMTP) and judges its reply.",
	.roles = POSTERN_SCANNER, .capabilities = POSTERN_CAP_NETWORK,
	.options = option_table, .options_size = sizeof(struct options),
	.check = smtpscan_check, .start = peers_start, .stop = peers_stop, .scanner = &scanner_ops,
};
