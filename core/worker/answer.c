/* answer.c - tells reception, the log and the counters what became of the mail.  Nothing is decided here any more. */
#include "worker/answer.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

#include "base/fdpass.h"
#include "base/log.h"
#include "worker/log_mail.h"

static int send_result(struct worker *w, const struct result *result)
{
	struct wire_writer out = { 0 };
	size_t n;
	result_write(&out, result);
	const void *data = wire_end(&out, &n);
	int rc = fdpass_send(w->token_fd, data, n, NULL, 0, 0);
	wire_free(&out);
	return rc;
}

int answer_send(struct worker *w, const struct mail *m)
{
	struct result result = { .recipient_count = m->recipient_count, .reply = m->reply, .leaving = w->leave };
	result.replies = talloc_zero_array((void *)(uintptr_t)m, const char *, m->recipient_count + 1);
	for (unsigned i = 0; i < m->recipient_count; i++)
		result.replies[i] = m->recipients[i].reply;
	return send_result(w, &result);
}

int answer_send_text(struct worker *w, unsigned recipient_count, const char *text)
{
	struct result result = { .recipient_count = recipient_count, .answer = text, .leaving = w->leave };
	return send_result(w, &result);
}

int answer_send_failure(struct worker *w, unsigned recipient_count, const char *reply)
{
	struct result result = { .recipient_count = recipient_count, .reply = reply, .leaving = w->leave };
	void *owner = talloc_new(NULL);
	result.replies = talloc_zero_array(owner, const char *, recipient_count + 1);
	for (unsigned i = 0; i < recipient_count; i++)
		result.replies[i] = reply;
	int rc = send_result(w, &result);
	talloc_free(owner);
	return rc;
}

static void count_mail(struct worker *w, const struct mail *m)
{
	bool passed = false, failed = false, blocked = false;
	for (unsigned i = 0; i < m->recipient_count; i++) {
		passed |= m->recipients[i].fate == FATE_PASSED;
		failed |= m->recipients[i].reply && m->recipients[i].reply[0] == '4';
		blocked |= m->recipients[i].fate == FATE_BLOCKED;
	}
	shared_count(w->shared, COUNT_PASSED, passed);
	shared_count(w->shared, COUNT_BLOCKED, blocked);
	shared_count(w->shared, COUNT_TEMPFAILED, failed);
	shared_count(w->shared, COUNT_INFECTED, categories_have(&m->categories, CC_VIRUS));
	shared_count(w->shared, COUNT_UNCHECKED, categories_have(&m->categories, CC_UNCHECKED));
}

void answer_log(struct worker *w, const struct mail *m, const struct policy *p)
{
	count_mail(w, m);
	log_mail(m, p);
}
