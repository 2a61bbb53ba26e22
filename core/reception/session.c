/* session.c - one client's connection.
 *
 * Every entry from the loop or the queue is bracketed by session_enter and
 * session_leave; only the outermost leave writes, and frees.
 *
 * End of file from the client means that it has gone, also where it shut down
 * only its sending side: a reply that nobody reads would count as given. */
#include "config.h"
#include "reception/session.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#include "base/log.h"
#include "reception/queue.h"

#define KEPT_INPUT_BYTES (64 * 1024)	/* pipelined behind a mail that waits for its reply */
#define OUTPUT_BATCH_BYTES (32 * 1024)

static void on_event(evutil_socket_t fd, short what, void *user);

static void session_enter(struct session *s)
{
	s->entered++;
}

/* --- output --- */

static void free_string(GString **text)
{
	if (*text != NULL)
		g_string_free(*text, TRUE);
	*text = NULL;
}

static void settle(struct session *s, bool written)
{
	struct mail_job *job = s->unsettled;
	if (job == NULL)
		return;
	s->unsettled = NULL;
	job_settle(job, written, s->dialect->replies_per_recipient(s));
	job_free(job);
	queue_release_idle(s->reception->queue);
}

static void on_writable(evutil_socket_t fd, short what, void *user);

static void wait_for_room(struct session *s)
{
	if (s->write_event != NULL)
		return;
	s->write_event = event_new(s->reception->base, s->fd, EV_WRITE | EV_PERSIST, on_writable, s);
	event_add(s->write_event, s->listener->timeout);
}

static void stop_waiting_for_room(struct session *s)
{
	if (s->write_event != NULL)
		event_free(s->write_event);
	s->write_event = NULL;
}

/* true: all is written */
static bool flush(struct session *s)
{
	while (s->output != NULL && s->output->len > 0 && !s->dropped) {
		ssize_t n = send(s->fd, s->output->str, s->output->len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			g_string_erase(s->output, 0, n);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			wait_for_room(s);
			return false;
		} else if (errno != EINTR) {
			s->dropped = true;
		}
	}
	if (s->dropped)
		return false;
	free_string(&s->output);
	stop_waiting_for_room(s);
	settle(s, true);
	return true;
}

void session_send(struct session *s, const char *data, size_t n)
{
	if (s->output == NULL)
		s->output = g_string_sized_new(128);
	g_string_append_len(s->output, data, (gssize)n);
}

/* --- the end --- */

static void unlink_session(struct session *s)
{
	*(s->previous != NULL ? &s->previous->next : &s->reception->sessions) = s->next;
	if (s->next != NULL)
		s->next->previous = s->previous;
	s->reception->session_count--;
	atomic_fetch_sub(&s->reception->held->connections, 1);
}

/* Bytes left unread would turn the close into a reset, which can cost the client our last reply. */
static void close_gently(struct session *s)
{
	shutdown(s->fd, SHUT_WR);
	for (unsigned i = 0; i < 4 && recv(s->fd, s->reception->input, RECEPTION_BUFFER_BYTES, MSG_DONTWAIT) > 0; i++)
		;
}

static void free_session(struct session *s)
{
	struct reception *r = s->reception;
	settle(s, false);
	if (s->job != NULL)
		queue_client_gone(s->job->queue, s->job);
	s->dialect->stop(s);
	event_del(&s->event);
	stop_waiting_for_room(s);
	if (s->closing)
		close_gently(s);
	close(s->fd);
	unlink_session(s);
	if (s->peer != NULL)
		s->peer->connections--;
	peer_release(s->peer);
	free_string(&s->input);
	free_string(&s->output);
	talloc_free(s);
	queue_release_idle(r->queue);
	reception_check_drained(r);
}

void session_close(struct session *s)
{
	s->closing = true;
}

void session_drop(struct session *s)
{
	session_enter(s);
	s->dropped = true;
	if (--s->entered == 0)
		free_session(s);
}

/* --- input --- */

static bool listens(const struct session *s)
{
	return !s->waiting && !s->closing && !s->dropped && s->write_event == NULL;
}

static bool drained(struct session *s)
{
	if (!s->reception->draining || s->dialect->in_mail(s))
		return false;
	s->dialect->shutdown(s);
	session_close(s);
	return true;
}

/* Returns how much was taken. */
static size_t process(struct session *s, const uint8_t *data, size_t n)
{
	size_t done = 0;
	while (done < n && listens(s) && !drained(s)) {
		size_t taken = s->dialect->input(s, data + done, n - done);
		if (taken == 0)
			break;
		done += taken;
		if (s->output != NULL && s->output->len > OUTPUT_BATCH_BYTES)
			flush(s);
	}
	return done;
}

static void process_kept(struct session *s)
{
	if (s->input == NULL)
		return;
	size_t done = process(s, (const uint8_t *)s->input->str, s->input->len);
	g_string_erase(s->input, 0, (gssize)done);
	if (s->input->len == 0)
		free_string(&s->input);
}

static void take_input(struct session *s, const uint8_t *data, size_t n)
{
	if (s->input == NULL) {
		size_t done = process(s, data, n);
		if (done < n && !s->closing && !s->dropped)
			s->input = g_string_new_len((const char *)data + done, (gssize)(n - done));
		return;
	}
	g_string_append_len(s->input, (const char *)data, (gssize)n);
	process_kept(s);
}

/* Reading goes on while a reply is awaited, because the end of the connection shows there, but not without bound. */
static void watch(struct session *s)
{
	bool pause = s->input != NULL && s->input->len >= KEPT_INPUT_BYTES;
	if (pause == s->paused || s->dropped)
		return;
	s->paused = pause;
	event_del(&s->event);
	event_assign(&s->event, s->reception->base, s->fd, (short)((pause ? EV_CLOSED : EV_READ) | EV_PERSIST), on_event, s);
	event_add(&s->event, s->listener->timeout);
}

static void session_leave(struct session *s)
{
	if (s->entered > 1) {
		s->entered--;
		return;
	}
	if (listens(s))
		drained(s);
	bool written = flush(s);
	while (written && !s->closing && s->input != NULL && !s->waiting) {
		size_t before = s->input->len;
		process_kept(s);
		if (listens(s))
			drained(s);
		written = flush(s);
		if (s->input != NULL && s->input->len == before)
			break;
	}
	s->entered--;
	if (s->dropped || (s->closing && written))
		free_session(s);
	else
		watch(s);
}

static void on_timeout(struct session *s)
{
	if (s->write_event != NULL) {
		s->dropped = true;
	} else if (!s->waiting) {
		s->dialect->timeout(s);
		session_close(s);
	}
}

static void on_readable(struct session *s)
{
	ssize_t n = recv(s->fd, s->reception->input, RECEPTION_BUFFER_BYTES, MSG_DONTWAIT);
	if (n > 0)
		take_input(s, s->reception->input, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		s->dropped = true;
}

static void on_event(evutil_socket_t fd, short what, void *user)
{
	struct session *s = user;
	(void)fd;
	session_enter(s);
	if (what & EV_CLOSED)
		s->dropped = true;
	else if (what & EV_READ)
		on_readable(s);
	else if (what & EV_TIMEOUT)
		on_timeout(s);
	session_leave(s);
}

static void on_writable(evutil_socket_t fd, short what, void *user)
{
	struct session *s = user;
	(void)fd;
	session_enter(s);
	if (what & EV_TIMEOUT)
		s->dropped = true;
	session_leave(s);
}

/* --- jobs --- */

bool session_submit(struct session *s, struct mail_job *job)
{
	if (!queue_submit(job->kind == JOB_RCPT ? s->reception->questions : s->reception->queue, job))
		return false;
	s->job = job;
	s->waiting = true;
	return true;
}

void session_job_finished(struct session *s, struct mail_job *job)
{
	session_enter(s);
	s->job = NULL;
	s->waiting = false;
	if (job->kind != JOB_RCPT)
		s->unsettled = job;
	s->dialect->finished(s, job);
	if (job->kind == JOB_RCPT)
		job_free(job);	/* nothing was delivered by a question */
	session_leave(s);
}

void session_job_late(struct session *s, struct mail_job *job)
{
	session_enter(s);
	s->job = NULL;
	s->waiting = false;
	job->session = NULL;
	s->dialect->finished(s, job);
	if (job->kind != JOB_RCPT)
		job_settle(job, flush(s), s->dialect->replies_per_recipient(s));
	session_leave(s);
}

void session_drain(struct session *s)
{
	session_enter(s);
	session_leave(s);
}

void session_end_now(struct session *s)
{
	session_enter(s);
	if (!s->waiting && !s->closing) {
		s->dialect->shutdown(s);
		session_close(s);
	}
	session_leave(s);
}

/* --- the start --- */

static void link_session(struct session *s)
{
	struct reception *r = s->reception;
	s->next = r->sessions;
	if (s->next != NULL)
		s->next->previous = s;
	r->sessions = s;
	r->session_count++;
	atomic_fetch_add(&r->held->connections, 1);
}

void session_start(struct listener *l, int fd, struct peer *peer, const struct dialect *dialect)
{
	struct session *s = talloc_zero(NULL, struct session);
	s->reception = l->reception;
	s->listener = l;
	s->fd = fd;
	s->peer = peer;
	s->dialect = dialect;
	s->number = atomic_fetch_add(&l->reception->given->shared->session_counter, 1);
	if (peer != NULL)
		peer->connections++;
	link_session(s);
	shared_count(l->reception->given->shared, COUNT_CONNECTIONS, 1);
	event_assign(&s->event, l->reception->base, fd, EV_READ | EV_PERSIST, on_event, s);
	event_add(&s->event, l->timeout);
	session_enter(s);
	s->state = dialect->start(s, s);
	session_leave(s);
}
