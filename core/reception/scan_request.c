/* scan_request.c - a file that posternctl wants scanned: a job like a mail's, whose answer goes to posternctl's connection.
 * The file is never written to, copied or delivered; whoever may open the control socket may have any file scanned that it can open. */
#include "config.h"
#include "reception/scan_request.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "reception/queue.h"
#include "reception/state.h"

#define NOT_COMPLETED "2\n"	/* posternctl's exit code stands before the text */

void request_answer(int connection_fd, const char *text)
{
	struct wire_writer w = { 0 };
	size_t n;
	text_record_write(&w, RECORD_ANSWER, text);
	const void *record = wire_end(&w, &n);
	if (fdpass_send(connection_fd, record, n, NULL, 0, MSG_DONTWAIT) != 0)
		reception_log(NULL, LOG_LEVEL_INFO, "nobody waits for the answer any more");
	wire_free(&w);
}

static bool is_scannable(int file_fd, struct stat *st)
{
	int flags = fcntl(file_fd, F_GETFL);
	return flags >= 0 && (flags & O_ACCMODE) == O_RDONLY && fstat(file_fd, st) == 0 && S_ISREG(st->st_mode);
}

static int64_t longest_timeout_ms(const struct reception *r)
{
	int64_t longest = 0;
	for (unsigned i = 0; i < r->given->listener_count; i++)
		longest = r->options->listeners[i].child_timeout_ms > longest ? r->options->listeners[i].child_timeout_ms : longest;
	return longest;
}

static struct mail_job *make_job(struct reception *r, const char *command, int file_fd, const struct stat *st)
{
	char log_id[32];
	snprintf(log_id, sizeof log_id, "%05llu-01", (unsigned long long)atomic_fetch_add(&r->given->shared->session_counter, 1));
	struct mail_job *job = job_new(r, NULL, log_id);
	job->kind = JOB_SCAN;
	job->envelope.sender = job->envelope.helo = "";
	job->envelope.protocol = talloc_strdup(job, command);
	job->envelope.socket_text = "";
	job->envelope.received_wall_us = clock_wall_us();
	job->mail_fd = file_fd;
	job->mail_size_bytes = (uint64_t)st->st_size;
	job->timeout_ms = longest_timeout_ms(r);
	return job;
}

void scan_request_begin(struct reception *r, const char *command, int connection_fd, int file_fd)
{
	struct stat st;
	if (!is_scannable(file_fd, &st)) {
		request_answer(connection_fd, NOT_COMPLETED "not completed: no regular file, open for reading only\n");
		close(connection_fd);
		close(file_fd);
		return;
	}
	struct mail_job *job = make_job(r, command, file_fd, &st);
	job->answer_fd = connection_fd;
	if (job_seal_envelope(job) == 0 && queue_submit(r->queue, job))
		return;
	request_answer(connection_fd, NOT_COMPLETED "not completed: the queue is full, try again\n");
	job_free(job);
}

void scan_request_end(struct mail_job *job)
{
	if (job->outcome == JOB_ANSWERED && job->result.answer) {
		request_answer(job->answer_fd, job->result.answer);
		return;
	}
	char *text = talloc_asprintf(job, NOT_COMPLETED "not completed: %s\n", job_failure_reply(job, job));
	request_answer(job->answer_fd, text);
}
