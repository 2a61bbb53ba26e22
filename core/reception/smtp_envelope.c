/* smtp_envelope.c - MAIL and RCPT with their parameters (RFC 5321 3.3, 1870, 3461, 6152, 6531, 4954). */
#include "config.h"
#include "reception/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "mail/address.h"
#include "reception/reply.h"

#define ENVID_MAX 400		/* RFC 3461 asks for 100 characters, which xtext may triple */
#define ORCPT_MAX 1500		/* 500 characters in xtext */

/* One NAME or NAME=VALUE; value "" when there is none. 0, or -1: it was answered. */
typedef int parameter_fn(struct smtp *m, void *target, const char *name, const char *value);

struct mail_parameter {
	const char *name;
	int (*set)(struct mail_job *job, const char *value);
};

/* --- shared by both --- */

static bool is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text > 0x7f)
			return false;
	return true;
}

/* Runs over "NAME=VALUE NAME ...". */
static int each_parameter(struct smtp *m, const char *text, parameter_fn *take, void *target)
{
	char **words = g_strsplit_set(text, " \t", -1);
	int failed = 0;
	for (char **word = words; *word != NULL && failed == 0; word++) {
		if (**word == '\0')
			continue;
		char *equals = strchr(*word, '=');
		if (equals != NULL)
			*equals = '\0';
		failed = take(m, target, *word, equals != NULL ? equals + 1 : "");
	}
	g_strfreev(words);
	return failed;
}

/* "FROM:<a@b> PARAMETERS": the address on owner, *rest behind it. NULL: it was answered. */
static char *take_path(struct smtp *m, void *owner, const char *argument, const char *keyword, const char *syntax, const char **rest)
{
	const char *why = NULL;
	size_t n = strlen(keyword);
	if (g_ascii_strncasecmp(argument, keyword, n) != 0) {
		smtp_error(m, "501 5.5.2 Syntax: %s", syntax);
		return NULL;
	}
	argument += n;
	argument += strspn(argument, " ");
	char *address = address_parse_path(owner, argument, true, rest, &why);
	if (address != NULL && (**rest == '\0' || **rest == ' ' || **rest == '\t'))
		return address;
	smtp_error(m, "501 5.5.2 Syntax: %s%s%s", syntax, why != NULL ? ", " : "", why != NULL ? why : "");
	return NULL;
}

static char *checked_copy(void *owner, const char *value, size_t max)
{
	size_t n = strlen(value);
	return n == 0 || n > max ? NULL : talloc_strdup(owner, value);
}

/* --- MAIL --- */

static int set_size(struct mail_job *job, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	if (digits == 0 || digits > 18 || value[digits] != '\0' || job->envelope.declared_size >= 0)
		return -1;
	job->envelope.declared_size = strtoll(value, NULL, 10);
	return 0;
}

static int set_body(struct mail_job *job, const char *value)
{
	if (job->envelope.body_8bitmime != 0)
		return -1;
	if (g_ascii_strcasecmp(value, "7BIT") == 0)
		job->envelope.body_8bitmime = 1;
	else if (g_ascii_strcasecmp(value, "8BITMIME") == 0)
		job->envelope.body_8bitmime = 2;
	return job->envelope.body_8bitmime != 0 ? 0 : -1;
}

static int set_smtputf8(struct mail_job *job, const char *value)
{
	bool bad = *value != '\0' || job->envelope.smtputf8;
	job->envelope.smtputf8 = 1;
	return bad ? -1 : 0;
}

static int set_ret(struct mail_job *job, const char *value)
{
	if (job->envelope.ret != NULL || (g_ascii_strcasecmp(value, "FULL") != 0 && g_ascii_strcasecmp(value, "HDRS") != 0))
		return -1;
	job->envelope.ret = talloc_strdup(job, value);
	return 0;
}

static int set_envid(struct mail_job *job, const char *value)
{
	if (job->envelope.envid != NULL)
		return -1;
	job->envelope.envid = checked_copy(job, value, ENVID_MAX);
	return job->envelope.envid != NULL ? 0 : -1;
}

static int set_auth(struct mail_job *job, const char *value)
{
	if (job->envelope.auth != NULL)
		return -1;
	job->envelope.auth = checked_copy(job, value, ORCPT_MAX);
	return job->envelope.auth != NULL ? 0 : -1;
}

static const struct mail_parameter mail_parameters[] = {
	{ "SIZE", set_size },
	{ "BODY", set_body },
	{ "SMTPUTF8", set_smtputf8 },
	{ "RET", set_ret },
	{ "ENVID", set_envid },
	{ "AUTH", set_auth },
};

static int take_mail_parameter(struct smtp *m, void *target, const char *name, const char *value)
{
	for (size_t i = 0; i < G_N_ELEMENTS(mail_parameters); i++) {
		if (g_ascii_strcasecmp(name, mail_parameters[i].name) != 0)
			continue;
		if (mail_parameters[i].set(target, value) == 0)
			return 0;
		smtp_error(m, "501 5.5.4 Syntax error in MAIL parameter %s", mail_parameters[i].name);
		return -1;
	}
	smtp_error(m, "555 5.5.4 MAIL command parameter unrecognized: %.60s", name);
	return -1;
}

/* What speaks against a mail of the declared size. */
static int check_size(struct smtp *m, const struct mail_job *job)
{
	int64_t limit = m->session->listener->options->message_size_limit;
	int64_t size = job->envelope.declared_size;
	if (limit != 0 && size > limit) {
		reply_sendf(m->session, "552 5.3.4 Declared message size (%lld B) exceeds size limit", (long long)size);
		return -1;
	}
	if (spool_has_room(m->session->reception, m->session->peer, size > 0 ? (uint64_t)size : 1))
		return 0;
	shared_count(m->session->reception->given->shared, COUNT_WORK_AREA_FULL, 1);
	reply_send(m->session, "452 4.3.1 Insufficient system storage, try again later");
	return -1;
}

static int read_sender(struct smtp *m, struct mail_job *job, const char *argument)
{
	const char *rest;
	job->envelope.sender = take_path(m, job, argument, "FROM:", "MAIL FROM:<address>", &rest);
	if (job->envelope.sender == NULL || each_parameter(m, rest, take_mail_parameter, job) != 0)
		return -1;
	if (!job->envelope.smtputf8 && !is_ascii(job->envelope.sender)) {
		smtp_error(m, "553 5.6.7 Error: this address needs the parameter SMTPUTF8");
		return -1;
	}
	return check_size(m, job);
}

void smtp_mail(struct smtp *m, const char *argument)
{
	char log_id[64];
	if (m->job != NULL) {
		smtp_error(m, "503 5.5.1 Error: nested MAIL command");
		return;
	}
	snprintf(log_id, sizeof log_id, "%05llu-%02u", (unsigned long long)m->session->number, m->mails + 1);
	struct mail_job *job = job_new(m->session->reception, m->session, log_id);
	if (read_sender(m, job, argument) != 0) {
		job_free(job);
		return;
	}
	m->mails++;
	m->job = job;
	m->session->utf8 = job->envelope.smtputf8;
	m->refused_recipients = 0;
	reply_sendf(m->session, "250 2.1.0 Sender <%s> OK", job->envelope.sender);
}

/* --- RCPT --- */

static int notify_flag(const char *word)
{
	static const struct { const char *name; int flag; } flags[] = {
		{ "NEVER", NOTIFY_NEVER }, { "SUCCESS", NOTIFY_SUCCESS }, { "FAILURE", NOTIFY_FAILURE }, { "DELAY", NOTIFY_DELAY }
	};
	for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
		if (g_ascii_strcasecmp(word, flags[i].name) == 0)
			return flags[i].flag;
	return 0;
}

static int set_notify(struct envelope_recipient *to, const char *value)
{
	char **words = g_strsplit(value, ",", 8);
	bool bad = to->notify != NOTIFY_UNSET || words[0] == NULL;
	for (char **word = words; *word != NULL; word++) {
		int flag = notify_flag(*word);
		bad = bad || flag == 0;
		to->notify |= (uint8_t)flag;
	}
	g_strfreev(words);
	return bad || ((to->notify & NOTIFY_NEVER) && to->notify != NOTIFY_NEVER) ? -1 : 0;
}

static int set_orcpt(void *owner, struct envelope_recipient *to, const char *value)
{
	const char *semicolon = strchr(value, ';');
	if (to->orcpt != NULL || semicolon == NULL || semicolon == value || semicolon[1] == '\0')
		return -1;
	to->orcpt = checked_copy(owner, value, ORCPT_MAX);
	return to->orcpt != NULL ? 0 : -1;
}

static int take_rcpt_parameter(struct smtp *m, void *target, const char *name, const char *value)
{
	bool notify = g_ascii_strcasecmp(name, "NOTIFY") == 0;
	if (!notify && g_ascii_strcasecmp(name, "ORCPT") != 0) {
		smtp_error(m, "555 5.5.4 RCPT command parameter unrecognized: %.60s", name);
		return -1;
	}
	if ((notify ? set_notify(target, value) : set_orcpt(m->job, target, value)) == 0)
		return 0;
	smtp_error(m, "501 5.5.4 Syntax error in RCPT parameter %s", notify ? "NOTIFY" : "ORCPT");
	return -1;
}

static bool rcpt_out_of_order(struct smtp *m)
{
	if (m->job == NULL)
		smtp_error(m, "503 5.5.1 Need MAIL command before RCPT");
	else if (m->in_chunks)
		smtp_error(m, "503 5.5.1 Error: RCPT after BDAT");
	else
		return false;
	return true;
}

static int read_recipient(struct smtp *m, const char *argument, struct envelope_recipient *to)
{
	const char *rest;
	to->address = take_path(m, m->job, argument, "TO:", "RCPT TO:<address>", &rest);
	if (to->address == NULL)
		return -1;
	if (*to->address == '\0') {
		smtp_error(m, "501 5.5.2 Syntax: RCPT TO:<address>");
		return -1;
	}
	if (m->job->envelope.smtputf8 || is_ascii(to->address))
		return each_parameter(m, rest, take_rcpt_parameter, to);
	smtp_error(m, "553 5.6.7 Error: this address needs the parameter SMTPUTF8");
	return -1;
}

void smtp_rcpt(struct smtp *m, const char *argument)
{
	struct envelope_recipient to = { 0 };
	if (rcpt_out_of_order(m))
		return;
	if (read_recipient(m, argument, &to) != 0) {
		m->refused_recipients++;
		return;
	}
	if (m->job->envelope.recipient_count >= m->session->reception->options->recipient_limit) {
		m->refused_recipients++;
		reply_send(m->session, "452 4.5.3 Too many recipients");
		return;
	}
	if (!smtp_ask_recipient(m, &to))
		smtp_accept_recipient(m, to, NULL);
}

void smtp_accept_recipient(struct smtp *m, struct envelope_recipient to, const char *reply)
{
	job_add_recipient(m->job, to);
	if (reply != NULL)
		reply_send(m->session, reply);
	else
		reply_sendf(m->session, "250 2.1.5 Recipient <%s> OK", to.address);
}
