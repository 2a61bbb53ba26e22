/* smtp_ask.c - may this recipient have a mail of the declared size?  Asked of the worker that is reserved for it; the session waits for
 * the answer, the loop does not.  Whoever gives none in time is taken as saying yes: the mail is measured again when it is there. */
#include "config.h"
#include "reception/smtp.h"

#include <talloc.h>

#include "base/log.h"
#include "reception/reply.h"

static bool wants_asking(const struct smtp *m)
{
	int64_t above = m->session->reception->options->ask_above;
	return above >= 0 && m->job->envelope.declared_size > above;
}

static struct mail_job *make_question(const struct smtp *m, const struct envelope_recipient *to)
{
	const struct envelope *of = &m->job->envelope;
	struct mail_job *question = job_new(m->session->reception, m->session, of->log_id);
	struct envelope_recipient recipient = { .address = talloc_strdup(question, to->address) };
	question->kind = JOB_RCPT;
	question->timeout_ms = m->session->reception->options->ask_ms;
	question->envelope.sender = talloc_strdup(question, of->sender);
	question->envelope.declared_size = of->declared_size;
	question->envelope.smtputf8 = of->smtputf8;
	smtp_describe(m, question, &question->envelope);
	job_add_recipient(question, recipient);
	return question;
}

bool smtp_ask_recipient(struct smtp *m, const struct envelope_recipient *to)
{
	if (!wants_asking(m))
		return false;
	struct mail_job *question = make_question(m, to);
	if (job_seal_envelope(question) != 0 || !session_submit(m->session, question)) {
		job_free(question);
		return false;
	}
	m->asked = *to;
	return true;
}

void smtp_recipient_answered(struct smtp *m, const struct mail_job *question)
{
	const char *reply = question->outcome == JOB_ANSWERED ? question->result.reply : NULL;
	if (reply == NULL || *reply == '\0' || *reply == '2') {
		smtp_accept_recipient(m, m->asked, reply != NULL && *reply != '\0' ? reply : NULL);
		return;
	}
	m->refused_recipients++;
	reception_log(m->job->envelope.log_id, LOG_LEVEL_NOTICE, "recipient refused: %s", reply);
	reply_send(m->session, reply);
}
