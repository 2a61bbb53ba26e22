/* smtp_bdat.c - BDAT: mail bytes in counted chunks (RFC 3030).
 *
 * The octets of a chunk are always taken as such, also when the command was
 * refused: they must never be read as commands.  Where the count itself cannot
 * be read the session ends.  A refused chunk ends the mail under way. */
#include "config.h"
#include "reception/smtp.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "reception/reply.h"

static bool read_arguments(struct smtp *m, const char *argument)
{
	size_t digits = strspn(argument, "0123456789");
	const char *rest = argument + digits + strspn(argument + digits, " \t");
	if (digits == 0 || digits > 18)
		return false;
	m->chunk_size = m->chunk_left = strtoull(argument, NULL, 10);
	m->chunk_last = g_ascii_strcasecmp(rest, "LAST") == 0;
	return *rest == '\0' || (m->chunk_last && rest > argument + digits);
}

static char *reason_to_refuse(struct smtp *m)
{
	if (!smtp_offers(m, EXTENSION_CHUNKING))
		return talloc_strdup(m, "502 5.5.1 Error: command BDAT not implemented");
	if (!m->greeted)
		return talloc_strdup(m, "503 5.5.1 Error: send HELO, EHLO or LHLO first");
	return smtp_not_ready(m, "BDAT");
}

static void finish_refused(struct smtp *m)
{
	char *refusal = m->chunk_refusal;
	m->chunk_refusal = NULL;
	m->mode = SMTP_COMMANDS;
	smtp_reset(m);
	smtp_error(m, "%s", refusal);
	talloc_free(refusal);
}

static void finish_accepted(struct smtp *m)
{
	m->mode = SMTP_COMMANDS;
	if (m->chunk_last) {
		data_reader_finish(&m->reader, smtp_store, m);
		smtp_store_flush(m);
		smtp_end_of_mail(m);
		return;
	}
	smtp_store_flush(m);
	char *fault = m->job->spool.state == SPOOL_OPEN ? NULL : smtp_fault_of_mail(m);
	if (fault == NULL) {
		reply_sendf(m->session, "250 2.0.0 Ok: %llu octets", (unsigned long long)m->chunk_size);
		return;
	}
	reply_send(m->session, fault);
	smtp_reset(m);
}

static void finish_chunk(struct smtp *m)
{
	if (m->chunk_refusal != NULL)
		finish_refused(m);
	else
		finish_accepted(m);
}

void smtp_bdat(struct smtp *m, const char *argument)
{
	if (!read_arguments(m, argument)) {
		smtp_error(m, "521 5.5.4 Syntax: BDAT count [LAST]");
		session_close(m->session);
		return;
	}
	m->chunk_refusal = reason_to_refuse(m);
	if (m->chunk_refusal == NULL && !m->in_chunks) {
		smtp_start_spool(m, false);
		m->in_chunks = true;
	}
	m->mode = SMTP_CHUNK;
	if (m->chunk_left == 0)
		finish_chunk(m);
}

size_t smtp_chunk_input(struct smtp *m, const uint8_t *data, size_t n)
{
	bool ended;
	if (n > m->chunk_left)
		n = (size_t)m->chunk_left;
	m->chunk_left -= n;
	if (m->chunk_refusal == NULL) {
		data_reader_feed(&m->reader, data, n, &ended, smtp_store, m);
		smtp_store_flush(m);
	}
	if (m->chunk_left == 0)
		finish_chunk(m);
	return n;
}
