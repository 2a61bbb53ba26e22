/* reception.c - the loop: listeners, the tokens' socket, the master's socket, draining. */
#include "config.h"
#include "reception/reception.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fdpass.h"
#include "base/io.h"
#include "base/log.h"
#include "reception/local_end.h"
#include "reception/queue.h"
#include "reception/scan_request.h"
#include "reception/session.h"
#include "reception/smtp.h"
#include "reception/state.h"

#define ACCEPTS_PER_EVENT 64
#define ACCEPT_PAUSE_MS 200

void reception_log(const char *id, int level, const char *format, ...)
{
	char text[2000];
	va_list args;
	if (!log_wants(level))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	log_set_id(id);
	log_write(level, "%s", text);
	log_set_id(NULL);
}

/* --- connections --- */

static void refuse(int fd, const char *reply)
{
	if (send(fd, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		reception_log(NULL, LOG_LEVEL_DEBUG, "refused client is gone: %s", strerror(errno));
	close(fd);
}

static const char *reason_to_refuse(const struct listener *l, const struct sockaddr *address, const struct peer *p)
{
	const struct reception *r = l->reception;
	if (p != NULL && !acl_allows(l->options->inet_acl, address))
		return "421 4.7.1 Access denied, this address is not listed in inet_acl\r\n";
	if (r->options->max_connections != 0 && r->session_count >= r->options->max_connections)
		return "421 4.7.0 Too many connections, try again later\r\n";
	if (p != NULL && r->options->max_connections_per_peer != 0 && p->connections >= r->options->max_connections_per_peer)
		return "421 4.7.0 Too many connections from this address, try again later\r\n";
	return NULL;
}

/* The same listener, or what it is where this session comes in. */
static struct listener *listener_at(struct listener *l, int fd)
{
	char *text = l->options->local_count > 0 ? local_end_text(fd, NULL) : NULL;
	struct listener *found = l;
	for (unsigned i = 0; text != NULL && i < l->options->local_count; i++)
		if (strcasecmp(l->options->locals[i].local_text, text) == 0)
			found = &l->locals[i];
	talloc_free(text);
	return found;
}

static void admit(struct listener *l, int fd, const struct sockaddr *address)
{
	struct peer *p = peer_get(l->reception->peers, address);
	const char *refusal = reason_to_refuse(l, address, p);
	if (refusal != NULL) {
		reception_log(NULL, LOG_LEVEL_WARNING, "connection from [%s] on %s refused: %.*s", p != NULL ? p->text : "local", l->given->text, (int)strcspn(refusal, "\r"), refusal);
		shared_count(l->reception->given->shared, COUNT_CONNECTIONS_REFUSED, 1);
		peer_release(p);
		refuse(fd, refusal);
		return;
	}
	if (p != NULL)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	session_start(l, fd, p, &smtp_dialect);
}

/* Out of descriptors or memory: accepting goes on a little later, instead of the loop spinning on it. */
static void pause_accepting(struct listener *l, int errnum)
{
	struct reception *r = l->reception;
	struct timeval pause = { .tv_usec = ACCEPT_PAUSE_MS * 1000 };
	reception_log(NULL, LOG_LEVEL_WARNING, "accept on %s: %s; again in %d ms", l->given->text, strerror(errnum), ACCEPT_PAUSE_MS);
	for (unsigned i = 0; i < r->given->listener_count; i++)
		if (r->listeners[i].event)
			event_del(r->listeners[i].event);
	event_add(r->accept_again, &pause);
}

static void on_accept_again(evutil_socket_t fd, short what, void *user)
{
	struct reception *r = user;
	(void)fd;
	(void)what;
	for (unsigned i = 0; !r->draining && i < r->given->listener_count; i++)
		if (r->listeners[i].event)
			event_add(r->listeners[i].event, NULL);
}

static void on_connection(evutil_socket_t listener_fd, short what, void *user)
{
	struct listener *l = user;
	(void)what;
	for (unsigned i = 0; i < ACCEPTS_PER_EVENT; i++) {
		struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
		socklen_t length = sizeof address;
		int fd = accept4(listener_fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			admit(listener_at(l, fd), fd, (struct sockaddr *)&address);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(l, errno);
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

/* --- tokens and the master --- */

static int read_token(struct reception *r, size_t n, int *fds, int count)
{
	struct wire_reader reader;
	struct token t;
	if (count != 1 || !wire_open(&reader, r->input, n) || reader.kind != RECORD_TOKEN || token_read(&reader, &t) != 0
	    || t.slot >= SHARED_WORKERS || io_set_nonblocking(fds[0], true) != 0)
		return -1;
	queue_add_token(t.serves == TOKEN_QUESTIONS ? r->questions : r->queue, &t, fds[0]);
	return 0;
}

static void on_token_offered(evutil_socket_t fd, short what, void *user)
{
	struct reception *r = user;
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	(void)what;
	ssize_t n = fdpass_receive(fd, r->input, RECEPTION_BUFFER_BYTES, fds, &count, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0) {
		reception_log(NULL, LOG_LEVEL_WARNING, "no worker can offer itself any more");
		event_del(r->token_event);
		queue_no_more_tokens(r->queue);
		queue_no_more_tokens(r->questions);
		return;
	}
	if (n > 0 && read_token(r, (size_t)n, fds, count) == 0)
		return;
	reception_log(NULL, LOG_LEVEL_ERROR, "bad token from a worker");
	if (n > 0)
		fdpass_close_all(fds, count);
}

static void tell_master(const struct reception *r, enum record_kind kind)
{
	struct wire_writer w = { 0 };
	size_t n;
	if (r->given->master_fd < 0)
		return;
	text_record_write(&w, kind, "");
	const void *record = wire_end(&w, &n);
	if (fdpass_send(r->given->master_fd, record, n, NULL, 0, MSG_DONTWAIT) != 0)
		reception_log(NULL, LOG_LEVEL_WARNING, "cannot tell the master: %s", strerror(errno));
	wire_free(&w);
}

/* What posternctl asked the master, its connection, and for a scan the file and where the answer is to be written. */
static void take_request(struct reception *r, struct wire_reader *reader, int *fds, int count)
{
	void *owner = talloc_new(NULL);
	char *command = text_record_read(reader, owner);
	if (command != NULL && count == 3)
		scan_request_begin(r, command, fds[0], fds[1], fds[2]);
	else if (command != NULL)
		explain_request_begin(r, command, fds[0]);
	else
		fdpass_close_all(fds, count);
	talloc_free(owner);
}

static void on_master(evutil_socket_t fd, short what, void *user)
{
	struct reception *r = user;
	struct wire_reader reader;
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	(void)what;
	ssize_t n = fdpass_receive(fd, r->input, RECEPTION_BUFFER_BYTES, fds, &count, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	bool whole = n > 0 && wire_open(&reader, r->input, (size_t)n);
	if (whole && reader.kind == RECORD_CONTROL && (count == 1 || count == 3)) {
		take_request(r, &reader, fds, count);
		return;
	}
	if (n > 0)
		fdpass_close_all(fds, count);
	else
		event_del(r->master_event);
	if (n <= 0 || (whole && reader.kind == RECORD_DRAIN))
		reception_drain(r);
}

void reception_check_drained(struct reception *r)
{
	if (r->draining && r->session_count == 0 && queue_is_empty(r->queue) && queue_is_empty(r->questions))
		event_base_loopbreak(r->base);
}

static void on_drain_limit(evutil_socket_t fd, short what, void *user)
{
	struct reception *r = user;
	(void)fd;
	(void)what;
	for (struct session *s = r->sessions, *next; s != NULL; s = next) {
		next = s->next;
		session_end_now(s);
	}
	reception_check_drained(r);
}

/* A mail on its way in may take as long as one in hand; then its client is told to come again. */
static void limit_drain(struct reception *r)
{
	int64_t limit_ms = 1000;
	for (unsigned i = 0; i < r->given->listener_count; i++) {
		const struct listener_options *o = &r->options->listeners[i];
		limit_ms = MAX(limit_ms, o->child_timeout_ms);
		for (unsigned k = 0; k < o->local_count; k++)
			limit_ms = MAX(limit_ms, o->locals[k].child_timeout_ms);
	}
	struct timeval limit = { .tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000 };
	r->drain_limit = evtimer_new(r->base, on_drain_limit, r);
	event_add(r->drain_limit, &limit);
}

void reception_drain(struct reception *r)
{
	if (r->draining)
		return;
	r->draining = true;
	limit_drain(r);
	event_del(r->accept_again);
	for (unsigned i = 0; i < r->given->listener_count; i++) {
		if (!r->listeners[i].event)
			continue;
		event_del(r->listeners[i].event);
		close(r->given->listeners[i].fd);
	}
	for (struct session *s = r->sessions, *next; s != NULL; s = next) {
		next = s->next;
		session_drain(s);
	}
	queue_release_idle(r->queue);
	queue_release_idle(r->questions);
	reception_check_drained(r);
}

/* --- start and end --- */

static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		reception_log(NULL, LOG_LEVEL_WARNING, "cannot raise the limit of open files to %llu: %s", (unsigned long long)limit.rlim_max, strerror(errno));
}

static const struct timeval *common_timeout(struct event_base *base, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };
	return event_base_init_common_timeout(base, &tv);
}

static void set_listener(struct listener *l, struct reception *r, const struct reception_listener *given, const struct listener_options *options)
{
	l->reception = r;
	l->given = given;
	l->options = options;
	l->timeout = common_timeout(r->base, options->timeout_ms);
}

static void add_listeners(struct reception *r)
{
	r->listeners = talloc_zero_array(r, struct listener, r->given->listener_count);
	for (unsigned i = 0; i < r->given->listener_count; i++) {
		struct listener *l = &r->listeners[i];
		set_listener(l, r, &r->given->listeners[i], &r->options->listeners[i]);
		l->locals = talloc_zero_array(r->listeners, struct listener, l->options->local_count);
		for (unsigned k = 0; k < l->options->local_count; k++)
			set_listener(&l->locals[k], r, l->given, &l->options->locals[k]);
		if (l->given->fd < 0)
			continue;	/* [::1] on a host without IPv6 */
		io_set_nonblocking(l->given->fd, true);
		l->event = event_new(r->base, l->given->fd, EV_READ | EV_PERSIST, on_connection, l);
		event_add(l->event, NULL);
	}
}

static struct event *watch_channel(struct reception *r, int fd, event_callback_fn callback)
{
	if (fd < 0)
		return NULL;
	struct event *ev = event_new(r->base, fd, EV_READ | EV_PERSIST, callback, r);
	event_add(ev, NULL);
	return ev;
}

struct reception *reception_new(const struct reception_settings *given, struct error *e)
{
	struct reception *r = talloc_zero(NULL, struct reception);
	r->given = given;
	r->work_area_fd = -1;
	r->options = reception_options_read(r, &given->settings, given->listener_count, e);
	if (r->options != NULL) {
		r->work_area_fd = open(r->options->work_area, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (r->work_area_fd < 0)
			error_set_errno(e, "reception: work area (TEMPBASE) %s", r->options->work_area);
	}
	if (r->work_area_fd < 0) {
		talloc_free(r);
		return NULL;
	}
	r->input = talloc_array(r, uint8_t, RECEPTION_BUFFER_BYTES);
	r->output = talloc_array(r, uint8_t, RECEPTION_BUFFER_BYTES);
	r->held = shared_reception_take(given->shared, (uint32_t)getpid());
	r->base = event_base_new();
	r->peers = peer_table_new();
	r->queue = queue_new(r);
	r->questions = queue_new(r);
	r->accept_again = event_new(r->base, -1, 0, on_accept_again, r);
	r->token_event = watch_channel(r, given->token_fd, on_token_offered);
	r->master_event = watch_channel(r, given->master_fd, on_master);
	add_listeners(r);
	return r;
}

static void free_event(struct event *ev)
{
	if (ev != NULL)
		event_free(ev);
}

void reception_free(struct reception *r)
{
	while (r->sessions != NULL)
		session_drop(r->sessions);
	queue_free(r->queue);
	queue_free(r->questions);
	for (unsigned i = 0; i < r->given->listener_count; i++)
		free_event(r->listeners[i].event);
	free_event(r->accept_again);
	free_event(r->drain_limit);
	free_event(r->token_event);
	free_event(r->master_event);
	event_base_free(r->base);
	g_hash_table_destroy(r->peers);
	close(r->work_area_fd);
	shared_reception_leave(r->given->shared, (uint32_t)getpid());
	talloc_free(r);
}

int reception_run(const struct reception_settings *s)
{
	struct error e = { 0 };
	log_set_nonblocking();
	raise_descriptor_limit();
	struct reception *r = reception_new(s, &e);
	if (r == NULL) {
		log_write(LOG_LEVEL_CRIT, "%s", e.text);
		return 78;
	}
	tell_master(r, RECORD_READY);
	event_base_dispatch(r->base);
	tell_master(r, RECORD_IDLE);
	reception_free(r);
	return 0;
}
