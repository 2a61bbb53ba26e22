/* job.c - one mail from MAIL to its reply. */
#include "config.h"
#include "reception/job.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <talloc.h>
#include <unistd.h>

#include "reception/state.h"

struct mail_job *job_new(struct reception *r, struct session *s, const char *log_id)
{
	struct mail_job *job = talloc_zero(NULL, struct mail_job);
	job->reception = r;
	job->session = s;
	job->spool.fd = -1;
	job->mail_fd = job->envelope_fd = job->output_fd = job->answer_fd = -1;
	job->kind = JOB_MAIL;
	job->envelope.log_id = talloc_strdup(job, log_id);
	job->envelope.declared_size = -1;
	r->mails_under_way++;
	return job;
}

void job_add_recipient(struct mail_job *job, struct envelope_recipient recipient)
{
	struct envelope *e = &job->envelope;
	if (e->recipient_count == job->recipient_room) {
		job->recipient_room = job->recipient_room == 0 ? 1 : job->recipient_room * 2;
		e->recipients = talloc_realloc(job, e->recipients, struct envelope_recipient, job->recipient_room);
	}
	e->recipients[e->recipient_count++] = recipient;
}

void job_close_descriptors(struct mail_job *job)
{
	if (job->mail_fd >= 0)
		close(job->mail_fd);
	if (job->envelope_fd >= 0)
		close(job->envelope_fd);
	if (job->output_fd >= 0)
		close(job->output_fd);
	job->mail_fd = job->envelope_fd = job->output_fd = -1;
}

void job_free(struct mail_job *job)
{
	if (job == NULL)
		return;
	job_close_descriptors(job);
	if (job->answer_fd >= 0)
		close(job->answer_fd);
	spool_release(&job->spool);
	job->reception->mails_under_way--;
	talloc_free(job);
}

static int seal_record(struct mail_job *job, const void *record, size_t n)
{
	job->envelope_fd = memfd_create("envelope", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (job->envelope_fd < 0 || pwrite(job->envelope_fd, record, n, 0) != (ssize_t)n)	/* memory: it takes all or there is none */
		return -1;
	return fcntl(job->envelope_fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

int job_seal_envelope(struct mail_job *job)
{
	struct wire_writer w = { 0 };
	size_t n;
	int failed = 0;
	envelope_write(&w, &job->envelope);
	const void *record = wire_end(&w, &n);
	if (n <= WIRE_ENVELOPE_WITHIN_MAX) {
		job->envelope_record = talloc_memdup(job, record, n);
		job->envelope_record_bytes = n;
	} else {
		failed = seal_record(job, record, n);
	}
	wire_free(&w);
	return failed;
}

static const char *failure_text(const struct mail_job *job)
{
	switch (job->outcome) {
	case JOB_TIMED_OUT:
		return "the mail's time is over";
	case JOB_WAITED_TOO_LONG:
		return "no worker became free in time";
	case JOB_ANSWERED:
	case JOB_WORKER_DIED:
		break;
	}
	return "the worker died";
}

char *job_failure_reply(void *owner, const struct mail_job *job)
{
	const char *code = job->outcome == JOB_WAITED_TOO_LONG ? "4.3.2" : "4.3.0";
	return talloc_asprintf(owner, "451 %s id=%s - %s, try again", code, job->envelope.log_id, failure_text(job));
}

static bool is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

const char *job_single_reply(struct mail_job *job)
{
	if (job->outcome == JOB_ANSWERED && is_given(job->result.reply))
		return job->result.reply;
	return job_failure_reply(job, job);
}

const char *job_recipient_reply(struct mail_job *job, uint32_t recipient)
{
	const struct result *res = &job->result;
	if (job->outcome == JOB_ANSWERED && res->replies != NULL && is_given(res->replies[recipient]))
		return res->replies[recipient];
	if (job->committed != NULL && is_given(job->committed[recipient]))
		return job->committed[recipient];
	return job_single_reply(job);
}
