/* smtp_end.c - mail bytes into the spool, and from the last byte to the reply. */
#include "config.h"
#include "reception/smtp.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#include "base/deadline.h"
#include "base/log.h"
#include "reception/local_end.h"
#include "reception/reply.h"

char *smtp_not_ready(struct smtp *m, const char *verb)
{
	if (m->job == NULL)
		return talloc_asprintf(m, "503 5.5.1 Need MAIL command before %s", verb);
	if (m->job->envelope.recipient_count > 0)
		return NULL;
	if (m->refused_recipients == 0)
		return talloc_asprintf(m, "503 5.5.1 Need RCPT command before %s", verb);
	return talloc_asprintf(m, "%s 5.1.1 Error (%s): no valid recipients", m->lmtp ? "503" : "554", verb);
}

/* --- bytes --- */

void smtp_start_spool(struct smtp *m, bool dots)
{
	struct session *s = m->session;
	spool_open(&m->job->spool, s->reception, s->peer, (uint64_t)s->listener->options->message_size_limit);
	data_reader_start(&m->reader, dots);
}

void smtp_store_flush(struct smtp *m)
{
	if (m->stored > 0)
		spool_write(&m->job->spool, m->session->reception->output, m->stored);
	m->stored = 0;
}

/* Small pieces are gathered in the buffer that all sessions share: it is empty between two reads. */
void smtp_store(void *user, const uint8_t *data, size_t n)
{
	struct smtp *m = user;
	if (m->stored + n > RECEPTION_BUFFER_BYTES)
		smtp_store_flush(m);
	if (n >= RECEPTION_BUFFER_BYTES / 2 && m->stored == 0) {
		spool_write(&m->job->spool, data, n);
		return;
	}
	memcpy(m->session->reception->output + m->stored, data, n);
	m->stored += n;
}

void smtp_data(struct smtp *m, const char *argument)
{
	char *refusal = smtp_not_ready(m, "DATA");
	if (refusal != NULL)
		smtp_error(m, "%s", refusal);
	else if (m->in_chunks)
		smtp_error(m, "503 5.5.1 Error: DATA after BDAT");
	else if (*argument != '\0')
		smtp_error(m, "501 5.5.4 Syntax: DATA");
	else {
		smtp_start_spool(m, true);
		m->mode = SMTP_DATA;
		reply_send(m->session, "354 End data with <CR><LF>.<CR><LF>");
	}
	talloc_free(refusal);
}

size_t smtp_data_input(struct smtp *m, const uint8_t *data, size_t n)
{
	bool ended;
	size_t taken = data_reader_feed(&m->reader, data, n, &ended, smtp_store, m);
	smtp_store_flush(m);
	if (ended) {
		m->mode = SMTP_COMMANDS;
		smtp_end_of_mail(m);
	}
	return taken;
}

/* --- the end --- */

char *smtp_fault_of_mail(struct smtp *m)
{
	struct mail_job *job = m->job;
	const char *id = job->envelope.log_id;
	bool bare = m->reader.bare_cr || m->reader.bare_lf;
	if (job->spool.state == SPOOL_TOO_BIG)
		return talloc_asprintf(job, "552 5.3.4 Message size (%llu B) exceeds size limit", (unsigned long long)job->spool.size_bytes);
	if (bare && m->session->reception->options->bare_newline == BARE_NEWLINE_REJECT)
		return talloc_asprintf(job, "550 5.6.0 Error: bare <%s> in the mail, id=%s", m->reader.bare_lf ? "LF" : "CR", id);
	if (job->spool.state == SPOOL_FULL)
		return talloc_asprintf(job, "452 4.3.1 Insufficient system storage, try again later, id=%s", id);
	if (job->spool.state == SPOOL_FAILED)
		return talloc_asprintf(job, "451 4.3.0 Error: the mail cannot be stored (%s), id=%s", strerror(job->spool.errnum), id);
	return NULL;
}

void smtp_describe(const struct smtp *m, void *owner, struct envelope *e)
{
	const struct session *s = m->session;
	e->protocol = m->lmtp ? "LMTP" : m->esmtp ? "ESMTP" : "SMTP";
	e->listener_text = talloc_strdup(owner, s->listener->given->text);
	e->socket_text = local_end_text(s->fd, owner);
	if (e->socket_text == NULL)	/* a Unix socket */
		e->socket_text = e->listener_text;
	if (strcmp(e->socket_text, e->listener_text) == 0)
		e->listener_text = NULL;
	e->peer_address = s->peer != NULL ? talloc_strdup(owner, s->peer->text) : NULL;
	e->helo = talloc_strdup(owner, m->helo);
	e->received_wall_us = clock_wall_us();
	if (m->xforward != NULL)
		e->client = *m->xforward;
}

static void complete_envelope(struct smtp *m)
{
	struct envelope *e = &m->job->envelope;
	smtp_describe(m, m->job, e);
	e->had_bare_cr_or_lf = m->reader.bare_cr || m->reader.bare_lf;
	talloc_steal(m->job, m->xforward);
	m->xforward = NULL;
}

static void count_mail(struct smtp *m)
{
	struct shared *shared = m->session->reception->given->shared;
	shared_count(shared, COUNT_MAILS, 1);
	shared_count(shared, COUNT_BYTES, m->job->mail_size_bytes);
	shared_count(shared, COUNT_RECIPIENTS, m->job->envelope.recipient_count);
}

static void refuse_mail(struct smtp *m, const char *reply)
{
	reception_log(m->job->envelope.log_id, LOG_LEVEL_NOTICE, "mail from <%s> refused: %s", m->job->envelope.sender, reply);
	smtp_reply_all(m, m->job, reply);
	smtp_reset(m);
}

void smtp_end_of_mail(struct smtp *m)
{
	struct mail_job *job = m->job;
	job->mail_size_bytes = job->spool.size_bytes;
	if (job->spool.state == SPOOL_OPEN)
		job->mail_fd = spool_finish(&job->spool);
	char *fault = smtp_fault_of_mail(m);
	if (fault != NULL) {
		refuse_mail(m, fault);
		return;
	}
	complete_envelope(m);
	if (job_seal_envelope(job) != 0) {
		refuse_mail(m, talloc_asprintf(job, "451 4.3.0 Error: the mail cannot be handed on (%s), id=%s", strerror(errno), job->envelope.log_id));
		return;
	}
	count_mail(m);
	job->timeout_ms = m->session->listener->options->child_timeout_ms;
	m->errors = m->junk = 0;
	if (!session_submit(m->session, job)) {
		refuse_mail(m, talloc_asprintf(job, "451 4.3.2 id=%s - too many mails are waiting, try again", job->envelope.log_id));
		return;
	}
	m->job = NULL;	/* the queue has it */
	smtp_reset(m);
}

void smtp_reply_all(struct smtp *m, struct mail_job *job, const char *reply)
{
	if (!m->lmtp) {
		reply_send(m->session, reply != NULL ? reply : job_single_reply(job));
		return;
	}
	for (uint32_t i = 0; i < job->envelope.recipient_count; i++)
		reply_send(m->session, reply != NULL ? reply : job_recipient_reply(job, i));
}
