/* queue.c - brings mails and workers together, and notices when either is lost. */
#include "config.h"
#include "reception/queue.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "reception/scan_request.h"
#include "reception/session.h"
#include "reception/state.h"

struct worker_token {
	struct queue *queue;
	struct worker_token *previous, *next;	/* among the idle ones; the last to fall idle is first */
	struct worker_token *all_previous, *all_next;
	struct mail_job *job;
	uint32_t slot, pid;
	bool idle;
	int fd;
	struct event event;
};

struct queue {
	struct reception *reception;
	struct worker_token *idle_first, *idle_last, *all;
	unsigned idle_count;
	struct mail_job *first, *last;		/* waiting */
	unsigned waiting, running;
	uint64_t waiting_bytes;
	bool no_more_tokens;			/* no worker is left, and none can come */
	uint8_t *record;			/* one record at a time */
};

static void finish_job(struct queue *q, struct mail_job *job, enum job_outcome outcome);
static void serve(struct queue *q, struct worker_token *t);

/* --- the lists --- */

static void idle_push(struct queue *q, struct worker_token *t)
{
	t->idle = true;
	t->previous = NULL;
	t->next = q->idle_first;
	if (t->next != NULL)
		t->next->previous = t;
	else
		q->idle_last = t;
	q->idle_first = t;
	q->idle_count++;
}

static void idle_remove(struct queue *q, struct worker_token *t)
{
	if (!t->idle)
		return;
	*(t->previous != NULL ? &t->previous->next : &q->idle_first) = t->next;
	*(t->next != NULL ? &t->next->previous : &q->idle_last) = t->previous;
	t->idle = false;
	q->idle_count--;
}

static void show_waiting(const struct queue *q, int change)
{
	atomic_fetch_add_explicit(&q->reception->held->waiting, (uint32_t)change, memory_order_relaxed);
}

static void waiting_append(struct queue *q, struct mail_job *job)
{
	job->state = JOB_WAITING;
	job->previous = q->last;
	job->next = NULL;
	*(q->last != NULL ? &q->last->next : &q->first) = job;
	q->last = job;
	q->waiting++;
	q->waiting_bytes += job->mail_size_bytes;
	show_waiting(q, 1);
}

static void waiting_remove(struct queue *q, struct mail_job *job)
{
	*(job->previous != NULL ? &job->previous->next : &q->first) = job->next;
	*(job->next != NULL ? &job->next->previous : &q->last) = job->previous;
	q->waiting--;
	q->waiting_bytes -= job->mail_size_bytes;
	show_waiting(q, -1);
}

/* --- tokens --- */

static void token_close(struct worker_token *t)
{
	struct queue *q = t->queue;
	idle_remove(q, t);
	event_del(&t->event);
	close(t->fd);
	*(t->all_previous != NULL ? &t->all_previous->all_next : &q->all) = t->all_next;
	if (t->all_next != NULL)
		t->all_next->all_previous = t->all_previous;
	talloc_free(t);
}

static void token_lost(struct worker_token *t)
{
	struct queue *q = t->queue;
	struct mail_job *job = t->job;
	if (job != NULL)
		job_note_orphans(job, t->slot);
	if (job != NULL && job->kind != JOB_RCPT && (!job->cancelled || job->outcome == JOB_TIMED_OUT))
		job_note_death(job, t->slot);
	token_close(t);
	if (job != NULL)
		finish_job(q, job, JOB_WORKER_DIED);
	reception_check_drained(q->reception);
}

static void token_free_again(struct worker_token *t, bool leaving)
{
	struct queue *q = t->queue;
	t->job = NULL;
	if (leaving)
		token_close(t);
	else
		serve(q, t);
}

static int on_committed(struct worker_token *t, struct wire_reader *r)
{
	struct committed c;
	void *scratch = talloc_new(NULL);
	int failed = committed_read(r, scratch, &c);
	if (failed == 0)
		failed = job_note_committed(t->job, &c, t->slot);
	talloc_free(scratch);
	return failed;
}

static int on_result(struct worker_token *t, struct wire_reader *r)
{
	struct mail_job *job = t->job;
	struct queue *q = t->queue;
	if (result_read(r, job, &job->result) != 0
	    || job->result.recipient_count != job->envelope.recipient_count)
		return -1;
	token_free_again(t, job->result.leaving);
	finish_job(q, job, JOB_ANSWERED);
	reception_check_drained(q->reception);
	return 0;
}

static int on_record(struct worker_token *t, size_t n)
{
	struct wire_reader r;
	if (t->job == NULL || !wire_open(&r, t->queue->record, n))
		return -1;
	if (r.kind == RECORD_COMMITTED)
		return on_committed(t, &r);
	if (r.kind == RECORD_RESULT)
		return on_result(t, &r);
	return -1;
}

static void on_token(evutil_socket_t fd, short what, void *user)
{
	struct worker_token *t = user;
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	(void)what;
	ssize_t n = fdpass_receive(fd, t->queue->record, FDPASS_RECORD_MAX, fds, &count, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		fdpass_close_all(fds, count);
	if (n > 0 && on_record(t, (size_t)n) == 0)
		return;
	if (n > 0)
		reception_log(t->job != NULL ? t->job->envelope.log_id : NULL, LOG_LEVEL_ERROR, "worker in slot %u sent a bad record, it is given up", t->slot);
	token_lost(t);
}

void queue_add_token(struct queue *q, const struct token *given, int fd)
{
	struct worker_token *t = talloc_zero(q, struct worker_token);
	t->queue = q;
	t->slot = given->slot;
	t->pid = given->pid;
	t->fd = fd;
	t->all_next = q->all;
	if (q->all != NULL)
		q->all->all_previous = t;
	q->all = t;
	event_assign(&t->event, q->reception->base, fd, EV_READ | EV_PERSIST, on_token, t);
	event_add(&t->event, NULL);
	serve(q, t);
	queue_release_idle(q);
}

/* --- jobs --- */

static int send_job(struct worker_token *t, struct mail_job *job)
{
	struct job record = { .kind = (uint8_t)job->kind, .size_bytes = job->mail_size_bytes, .deadline_ms = job->deadline_ms,
		.owner_pid = (uint32_t)getpid(), .log_id = job->envelope.log_id,
		.envelope = job->envelope_record, .envelope_bytes = job->envelope_record_bytes };
	struct wire_writer w = { 0 };
	size_t n;
	job_write(&w, &record);
	const void *bytes = wire_end(&w, &n);
	int fds[2], count = 0;
	if (job->mail_fd >= 0)
		fds[count++] = job->mail_fd;
	if (job->envelope_record == NULL)
		fds[count++] = job->envelope_fd;
	int failed = fdpass_send(t->fd, bytes, n, fds, count, MSG_DONTWAIT);
	wire_free(&w);
	return failed;
}

static void send_cancel(struct mail_job *job)
{
	struct wire_writer w = { 0 };
	size_t n;
	if (job->cancelled)
		return;
	job->cancelled = true;
	text_record_write(&w, RECORD_CANCEL, "");
	const void *bytes = wire_end(&w, &n);
	if (fdpass_send(job->token->fd, bytes, n, NULL, 0, MSG_DONTWAIT) != 0)
		reception_log(job->envelope.log_id, LOG_LEVEL_WARNING, "cannot tell the worker in slot %u to stop: %s", job->token->slot, strerror(errno));
	wire_free(&w);
}

static void set_timer(struct mail_job *job, int64_t at_ms)
{
	int64_t left = at_ms - clock_now_ms();
	if (left < 0)
		left = 0;
	struct timeval tv = { .tv_sec = left / 1000, .tv_usec = (left % 1000) * 1000 };
	event_add(&job->timer, &tv);
}

/* The answer is given, the worker still has the mail: it is told to stop, and has as long again to do so.  Its token
 * stays open meanwhile, so that a recipient which it commits in its last moments can still be noted. */
static void leave_behind(struct queue *q, struct mail_job *job)
{
	struct session *s = job->session;
	reception_log(job->envelope.log_id, LOG_LEVEL_ERROR, "the worker in slot %u has not answered in time, it is given up", job->token->slot);
	send_cancel(job);
	job->outcome = JOB_TIMED_OUT;
	set_timer(job, clock_now_ms() + q->reception->options->grace_ms + 1000);
	if (s != NULL)
		session_job_late(s, job);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
	struct mail_job *job = user;
	struct queue *q = job->queue;
	(void)fd;
	(void)what;
	if (job->state == JOB_WAITING) {
		waiting_remove(q, job);
		q->running++;	/* finish_job takes it back */
		finish_job(q, job, JOB_WAITED_TOO_LONG);
		reception_check_drained(q->reception);
	} else if (job->outcome != JOB_TIMED_OUT) {
		leave_behind(q, job);
	} else {
		token_lost(job->token);
	}
}

/* Ends the queue's hold on a job: back to its session, or settled here when that is gone. */
static void finish_job(struct queue *q, struct mail_job *job, enum job_outcome outcome)
{
	q->running--;
	event_del(&job->timer);
	job->state = JOB_FINISHED;
	job->token = NULL;
	if (job->outcome == 0)
		job->outcome = outcome;
	spool_release(&job->spool);
	if (job->session != NULL) {
		session_job_finished(job->session, job);
		return;
	}
	job_settle(job, false, false);
	if (job->answer_fd >= 0)
		scan_request_end(job);
	job_free(job);
}

static void run(struct queue *q, struct worker_token *t, struct mail_job *job)
{
	q->running++;
	job->state = JOB_RUNNING;
	job->token = t;
	t->job = job;
	job_close_descriptors(job);
	/* The client that has asked waits no longer than it was promised. */
	set_timer(job, job->deadline_ms + (job->kind == JOB_RCPT ? 0 : q->reception->options->grace_ms));
}

/* The first mail that waits, or idleness, for a token. */
static void serve(struct queue *q, struct worker_token *t)
{
	struct mail_job *job = q->first;
	if (job == NULL) {
		idle_push(q, t);
		return;
	}
	if (send_job(t, job) != 0) {
		token_close(t);	/* the worker is gone; the mail waits on */
		return;
	}
	waiting_remove(q, job);
	run(q, t, job);
}

static bool start_at_once(struct queue *q, struct mail_job *job)
{
	while (q->first == NULL && q->idle_first != NULL) {
		struct worker_token *t = q->idle_first;
		idle_remove(q, t);
		if (send_job(t, job) == 0) {
			run(q, t, job);
			return true;
		}
		token_close(t);
	}
	return false;
}

static bool has_room(const struct queue *q, const struct mail_job *job)
{
	const struct reception_options *o = q->reception->options;
	return !q->no_more_tokens && q->waiting < o->queue_mails && q->waiting_bytes + job->mail_size_bytes <= o->queue_bytes;
}

bool queue_submit(struct queue *q, struct mail_job *job)
{
	int64_t now = clock_now_ms();
	int64_t waits_until = now + q->reception->options->queue_time_ms;
	job->queue = q;
	job->deadline_ms = now + job->timeout_ms;
	event_assign(&job->timer, q->reception->base, -1, 0, on_timer, job);
	if (start_at_once(q, job))
		return true;
	if (!has_room(q, job)) {
		shared_count(q->reception->given->shared, COUNT_QUEUE_FULL, 1);
		return false;
	}
	waiting_append(q, job);
	set_timer(job, waits_until < job->deadline_ms ? waits_until : job->deadline_ms);
	return true;
}

void queue_no_more_tokens(struct queue *q)
{
	q->no_more_tokens = true;
	while (q->first != NULL) {
		struct mail_job *job = q->first;
		waiting_remove(q, job);
		q->running++;	/* finish_job takes it back */
		finish_job(q, job, JOB_WAITED_TOO_LONG);
	}
	reception_check_drained(q->reception);
}

void queue_client_gone(struct queue *q, struct mail_job *job)
{
	job->session = NULL;
	if (job->kind == JOB_RCPT && job->state != JOB_WAITING) {
		send_cancel(job);	/* others wait for this worker */
		return;
	}
	if (job->state == JOB_WAITING) {
		waiting_remove(q, job);
		event_del(&job->timer);
		if (job->kind == JOB_RCPT) {
			job_free(job);
			return;
		}
		shared_count(q->reception->given->shared, COUNT_CANCELLED, 1);
		reception_log(job->envelope.log_id, LOG_LEVEL_NOTICE, "the client has gone, the waiting mail is dropped");
		job_free(job);
		return;
	}
	/* A retry must wait for what this try has begun. */
	atomic_store(&q->reception->given->shared->workers[job->token->slot].abandoned, 1);
	if (job->committed != NULL || job->cancelled)
		return;
	reception_log(job->envelope.log_id, LOG_LEVEL_NOTICE, "the client has gone, the worker is told to stop");
	shared_count(q->reception->given->shared, COUNT_CANCELLED, 1);
	send_cancel(job);
}

/* --- the whole --- */

struct queue *queue_new(struct reception *r)
{
	struct queue *q = talloc_zero(NULL, struct queue);
	q->reception = r;
	q->record = talloc_array(q, uint8_t, FDPASS_RECORD_MAX);
	return q;
}

void queue_release_idle(struct queue *q)
{
	if (!q->reception->draining)
		return;
	while (q->idle_last != NULL && q->idle_count > q->reception->mails_under_way)
		token_close(q->idle_last);
}

bool queue_is_empty(const struct queue *q)
{
	return q->waiting == 0 && q->running == 0;
}

void queue_free(struct queue *q)
{
	while (q->first != NULL) {
		struct mail_job *job = q->first;
		waiting_remove(q, job);
		event_del(&job->timer);
		job_free(job);
	}
	while (q->all != NULL) {
		struct mail_job *job = q->all->job;
		token_close(q->all);
		if (job != NULL)
			finish_job(q, job, JOB_WORKER_DIED);
	}
	talloc_free(q);
}
