/* smtp_talk.c - what all commands need: to start over, to refuse, and to know which extensions are offered to this client. */
#include "config.h"
#include "reception/smtp.h"

#include <stdarg.h>
#include <stdio.h>
#include <talloc.h>

#include "base/log.h"
#include "reception/reply.h"

void smtp_reset(struct smtp *m)
{
	job_free(m->job);
	m->job = NULL;
	m->refused_recipients = 0;
	m->in_chunks = false;
	TALLOC_FREE(m->xforward);
}

void smtp_error(struct smtp *m, const char *format, ...)
{
	char text[1200];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	reply_send(m->session, text);
	reception_log(m->job != NULL ? m->job->envelope.log_id : NULL, LOG_LEVEL_INFO, "client [%s] was told: %s",
		m->session->peer != NULL ? m->session->peer->text : "local", text);
	if (++m->errors < m->session->reception->options->error_limit)
		return;
	reply_send(m->session, "421 4.7.0 Error: too many errors");
	session_close(m->session);
}

bool smtp_xforward_allowed(const struct smtp *m)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof address;
	if (m->session->peer == NULL)
		return true;
	if (getpeername(m->session->fd, (struct sockaddr *)&address, &length) != 0)
		return false;
	return acl_allows(m->session->reception->options->xforward_hosts, (struct sockaddr *)&address);
}

bool smtp_offers(const struct smtp *m, enum extension x)
{
	if (m->session->listener->options->discarded & (1u << x))
		return false;
	if (x == EXTENSION_CHUNKING)
		return m->session->reception->options->chunking;
	return x != EXTENSION_XFORWARD || smtp_xforward_allowed(m);
}
