/* smtp.c - command lines, the table of commands, and those that need no file of their own.
 *
 * Pipelining (RFC 2920): whatever stands behind a command in the same packet is
 * its successor.  Bytes behind DATA are mail data if DATA was answered 354, and
 * commands if it was refused; a client that does not wait for the 354 takes that
 * chance.  Bytes behind the end of a mail are kept until its reply. */
#include "config.h"
#include "reception/smtp.h"

#include <string.h>
#include <talloc.h>

#include "reception/reply.h"

#define HELO_MAX 255

enum command_flag {
	COMMAND_GREETED = 1,	/* only after HELO, EHLO or LHLO */
	COMMAND_JUNK = 2	/* does nothing for a mail: only so many are answered */
};

struct command {
	const char *verb;
	smtp_command *run;
	unsigned flags;
};

/* --- greetings --- */

static void greet(struct smtp *m, bool lmtp, bool esmtp, const char *argument)
{
	smtp_reset(m);
	m->greeted = true;
	m->lmtp = lmtp;
	m->esmtp = esmtp;
	talloc_free(m->helo);
	m->helo = talloc_strndup(m, argument, HELO_MAX);
}

static void send_extension(struct smtp *m, GString *out, enum extension x)
{
	int64_t limit = m->session->listener->options->message_size_limit;
	g_string_append_printf(out, "\r\n250-%s", extension_names[x]);
	if (x == EXTENSION_SIZE && limit != 0)
		g_string_append_printf(out, " %lld", (long long)limit);
	else if (x == EXTENSION_XFORWARD)
		g_string_append(out, " NAME ADDR PORT PROTO HELO IDENT SOURCE");
}

static void send_extensions(struct smtp *m)
{
	char *helo_name = reply_helo_name(m, m->session);
	GString *out = g_string_new("250-");
	gsize last = 0;
	g_string_append(out, helo_name);
	for (unsigned x = 0; x < EXTENSION_COUNT; x++) {
		if (!smtp_offers(m, x))
			continue;
		last = out->len + 2;
		send_extension(m, out, x);
	}
	out->str[last + 3] = ' ';
	g_string_append(out, "\r\n");
	session_send(m->session, out->str, out->len);
	g_string_free(out, TRUE);
	talloc_free(helo_name);
}

static bool needs_hostname(struct smtp *m, const char *verb, const char *argument)
{
	if (*argument != '\0')
		return false;
	smtp_error(m, "501 5.5.4 Syntax: %s hostname", verb);
	return true;
}

static bool wrong_protocol(struct smtp *m, const char *verb, enum session_protocol forced)
{
	if (m->session->listener->options->protocol != forced)
		return false;
	smtp_error(m, "500 5.5.2 Error: command %s not recognized, this socket speaks %s", verb, forced == PROTOCOL_SMTP ? "SMTP" : "LMTP");
	return true;
}

static void run_helo(struct smtp *m, const char *argument)
{
	if (wrong_protocol(m, "HELO", PROTOCOL_LMTP) || needs_hostname(m, "HELO", argument))
		return;
	greet(m, false, false, argument);
	char *helo_name = reply_helo_name(m, m->session);
	reply_sendf(m->session, "250 %s", helo_name);
	talloc_free(helo_name);
}

static void run_ehlo(struct smtp *m, const char *argument)
{
	if (wrong_protocol(m, "EHLO", PROTOCOL_LMTP) || needs_hostname(m, "EHLO", argument))
		return;
	greet(m, false, true, argument);
	send_extensions(m);
}

static void run_lhlo(struct smtp *m, const char *argument)
{
	if (wrong_protocol(m, "LHLO", PROTOCOL_SMTP) || needs_hostname(m, "LHLO", argument))
		return;
	greet(m, true, true, argument);
	send_extensions(m);
}

/* --- the simple ones --- */

static void run_rset(struct smtp *m, const char *argument)
{
	(void)argument;
	smtp_reset(m);
	reply_send(m->session, "250 2.0.0 Ok RSET");
}

static void run_noop(struct smtp *m, const char *argument)
{
	(void)argument;
	reply_send(m->session, "250 2.0.0 Ok NOOP");
}

static void run_vrfy(struct smtp *m, const char *argument)
{
	if (*argument == '\0')
		smtp_error(m, "501 5.5.4 Syntax: VRFY address");
	else
		reply_send(m->session, "252 2.0.0 Argument not checked");
}

static void run_help(struct smtp *m, const char *argument)
{
	(void)argument;
	reply_send(m->session, "214 2.0.0 See posternd(8)");
}

static void run_quit(struct smtp *m, const char *argument)
{
	(void)argument;
	char *name = reply_helo_name(m, m->session);
	char *text = reply_expand_banner(m, m->session->listener->options->quit_banner, name, m->lmtp ? "LMTP" : "ESMTP");
	reply_sendf(m->session, "221 2.0.0 %s", text);
	talloc_free(text);
	talloc_free(name);
	session_close(m->session);
}

static const struct command commands[] = {
	{ "HELO", run_helo, 0 },
	{ "EHLO", run_ehlo, 0 },
	{ "LHLO", run_lhlo, 0 },
	{ "XFORWARD", smtp_xforward, COMMAND_GREETED },
	{ "MAIL", smtp_mail, COMMAND_GREETED },
	{ "RCPT", smtp_rcpt, COMMAND_GREETED },
	{ "DATA", smtp_data, COMMAND_GREETED },
	{ "BDAT", smtp_bdat, 0 },	/* looks after its octets in any case */
	{ "RSET", run_rset, COMMAND_JUNK },
	{ "NOOP", run_noop, COMMAND_JUNK },
	{ "VRFY", run_vrfy, COMMAND_JUNK },
	{ "HELP", run_help, COMMAND_JUNK },
	{ "QUIT", run_quit, 0 },
};

static const char *const not_implemented[] = { "EXPN", "TURN", "ETRN", "SEND", "SOML", "SAML", "STARTTLS", "AUTH" };

/* --- lines --- */

static const struct command *find_command(const char *verb)
{
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		if (g_ascii_strcasecmp(verb, commands[i].verb) == 0)
			return &commands[i];
	return NULL;
}

static void unknown_command(struct smtp *m, const char *verb)
{
	for (size_t i = 0; i < G_N_ELEMENTS(not_implemented); i++) {
		if (g_ascii_strcasecmp(verb, not_implemented[i]) == 0) {
			smtp_error(m, "502 5.5.1 Error: command %s not implemented", not_implemented[i]);
			return;
		}
	}
	if (g_ascii_strncasecmp(verb, "request=", 8) == 0)
		smtp_error(m, "500 5.5.2 Error: this socket speaks SMTP, not AM.PDP; see protocol in the policy bank of the socket");
	else
		smtp_error(m, "500 5.5.2 Error: command %.40s not recognized", verb);
}

static void run_command(struct smtp *m, const struct command *c, const char *argument)
{
	if ((c->flags & COMMAND_GREETED) && !m->greeted) {
		smtp_error(m, "503 5.5.1 Error: send HELO, EHLO or LHLO first");
		return;
	}
	if ((c->flags & COMMAND_JUNK) && ++m->junk > m->session->reception->options->junk_command_limit) {
		smtp_error(m, "450 4.7.0 Error: too many commands without a mail");
		return;
	}
	c->run(m, argument);
}

static void run_line(struct smtp *m, char *line)
{
	line += strspn(line, " ");
	size_t length = strcspn(line, " \t");
	char *argument = line + length + strspn(line + length, " \t");
	if (*argument != '\0')
		line[length] = '\0';
	const struct command *c = find_command(line);
	if (c != NULL)
		run_command(m, c, argument);
	else
		unknown_command(m, line);
}

static bool has_controls(const uint8_t *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return true;
	return false;
}

/* n bytes before the LF */
static void take_line(struct smtp *m, const uint8_t *line, size_t n)
{
	bool bare_lf = n == 0 || line[n - 1] != '\r';
	if (!bare_lf)
		n--;
	if (bare_lf && m->session->reception->options->bare_newline == BARE_NEWLINE_REJECT) {
		smtp_error(m, "521 5.5.2 Error: bare <LF> received");
		session_close(m->session);
		return;
	}
	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	if (n == 0 || has_controls(line, n)) {
		smtp_error(m, "500 5.5.2 Error: bad syntax");
		return;
	}
	char *text = g_strndup((const char *)line, n);
	run_line(m, text);
	g_free(text);
}

static size_t take_commands(struct smtp *m, const uint8_t *data, size_t n)
{
	size_t limit = m->session->reception->options->line_length_limit;
	const uint8_t *lf = memchr(data, '\n', n < limit ? n : limit);
	if (lf != NULL) {
		take_line(m, data, (size_t)(lf - data));
		return (size_t)(lf - data) + 1;
	}
	if (n < limit)
		return 0;
	m->mode = SMTP_LONG_LINE;
	return limit;
}

static size_t skip_long_line(struct smtp *m, const uint8_t *data, size_t n)
{
	const uint8_t *lf = memchr(data, '\n', n);
	if (lf == NULL)
		return n;
	m->mode = SMTP_COMMANDS;
	smtp_error(m, "500 5.5.2 Error: line too long");
	return (size_t)(lf - data) + 1;
}

/* --- the dialect --- */

static size_t smtp_input(struct session *s, const uint8_t *data, size_t n)
{
	struct smtp *m = s->state;
	switch (m->mode) {
	case SMTP_LONG_LINE:
		return skip_long_line(m, data, n);
	case SMTP_DATA:
		return smtp_data_input(m, data, n);
	case SMTP_CHUNK:
		return smtp_chunk_input(m, data, n);
	case SMTP_COMMANDS:
		break;
	}
	return take_commands(m, data, n);
}

static void *smtp_start(struct session *s, void *owner)
{
	struct smtp *m = talloc_zero(owner, struct smtp);
	m->session = s;
	char *name = reply_helo_name(m, s);
	char *banner = reply_expand_banner(m, s->listener->options->greeting_banner, name,
		s->listener->options->protocol == PROTOCOL_LMTP ? "LMTP" : "ESMTP");
	reply_sendf(s, "220 %s", banner);
	talloc_free(banner);
	talloc_free(name);
	return m;
}

static void smtp_finished(struct session *s, struct mail_job *job)
{
	struct smtp *m = s->state;
	if (job->kind == JOB_RCPT)
		smtp_recipient_answered(m, job);
	else
		smtp_reply_all(m, job, NULL);
}

static void smtp_timeout(struct session *s)
{
	reply_send(s, "421 4.4.2 Error: timeout exceeded");
}

static bool smtp_in_mail(const struct session *s)
{
	const struct smtp *m = s->state;
	return s->waiting || m->job != NULL || m->mode == SMTP_CHUNK;
}

static void smtp_shutdown(struct session *s)
{
	reply_send(s, "421 4.3.2 Service shutting down, closing channel");
}

static bool smtp_per_recipient(const struct session *s)
{
	return ((const struct smtp *)s->state)->lmtp;
}

static void smtp_stop(struct session *s)
{
	smtp_reset(s->state);
}

const struct dialect smtp_dialect = {
	.start = smtp_start,
	.input = smtp_input,
	.finished = smtp_finished,
	.timeout = smtp_timeout,
	.in_mail = smtp_in_mail,
	.shutdown = smtp_shutdown,
	.replies_per_recipient = smtp_per_recipient,
	.stop = smtp_stop,
};
