/* generation.c - one configuration alive: its two templates and its reception, from loading to the last process gone.
 *
 *   LOADING   both templates run; the worker template evaluates the configuration and sends settings, which are kept here
 *             and handed to the opener template and (each time it is started) to reception
 *   OPENING   both are ready; listeners stand; reception is starting
 *   ACTIVE    reception accepts; the generation before is told to drain
 *   DRAINING  reception finishes the sessions it has; then the workers and templates leave */
#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>
#include <fcntl.h>

#include "base/deadline.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "master/master.h"
#include "template/talk.h"

#define SOON_MS 2000
#define LOADING_MAX_MS 600000	/* a large virus database on a slow disk takes minutes */

const char *generation_state_name(enum generation_state s)
{
	static const char *const names[] = { "loading", "opening", "active", "draining" };
	return names[s];
}

static void close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++) {
		if (pair[i] >= 0)
			close(pair[i]);
		pair[i] = -1;
	}
}

static int make_channels(struct generation *g)
{
	g->tokens[0] = g->tokens[1] = g->openers[0] = g->openers[1] = g->life[0] = g->life[1] = -1;
	if (fdpass_pair(g->tokens) != 0 || fdpass_pair(g->openers) != 0 || pipe2(g->life, O_CLOEXEC) != 0)
		return -1;
	return 0;
}

static int start_opener_template(struct master *m, struct generation *g, struct child *c)
{
	struct child_fd fds[] = { { g->openers[0], ROLE_FD_OPENERS } };
	return child_start(m, c, ROLE_OPENER_TEMPLATE, g, fds, 1);
}

static int start_worker_template(struct master *m, struct generation *g)
{
	struct child_fd fds[] = {
		{ m->shared_fd, ROLE_FD_SHARED }, { g->tokens[1], ROLE_FD_TOKENS }, { g->openers[1], ROLE_FD_OPENERS }, { g->life[0], ROLE_FD_LIFE },
	};
	return child_start(m, &g->worker_template, ROLE_WORKER_TEMPLATE, g, fds, 4);
}

struct generation *generation_start(struct master *m)
{
	struct generation *g = g_new0(struct generation, 1);
	g->number = ++m->last_number;
	g->memory = talloc_new(NULL);
	g->problems = g_string_new(NULL);
	g->started_ms = clock_now_ms();
	g->worker_template.fd = g->opener_template.fd = g->next_opener_template.fd = g->reception.fd = -1;
	g_ptr_array_add(m->generations, g);
	/* The opener template first: it must not even be there when secrets are read. */
	if (make_channels(g) != 0 || start_opener_template(m, g, &g->opener_template) != 0 || start_worker_template(m, g) != 0) {
		g_string_append_printf(g->problems, "cannot start: %s\n", g_strerror(errno));
		master_generation_failed(m, g);
	}
	return g;
}

/* --- reception --- */

static unsigned listener_fds(struct master *m, struct generation *g, struct child_fd *fds, unsigned n, unsigned room)
{
	const char *const *texts = talk_settings_list(&g->for_reception, "listener", g->memory);
	for (int i = 0; texts && texts[i] && n < room; i++)
		fds[n++] = (struct child_fd){ listeners_fd(m->listeners, texts[i]), ROLE_FD_LISTENERS + i };
	return n;
}

static int start_reception(struct master *m, struct generation *g)
{
	struct child_fd fds[64] = { { m->shared_fd, ROLE_FD_SHARED }, { g->tokens[0], ROLE_FD_TOKENS }, { m->ledger_fd, ROLE_FD_LEDGER } };
	unsigned n = listener_fds(m, g, fds, 3, 64);
	if (child_start(m, &g->reception, ROLE_RECEPTION, g, fds, n) != 0)
		return -1;
	return talk_send_settings(g->reception.fd, &g->for_reception);
}

static void open_up(struct master *m, struct generation *g)
{
	char *problem = NULL;
	const char *const *texts = talk_settings_list(&g->for_master, "listener", g->memory);
	if (!g->worker_template.ready || !g->opener_template.ready || g->state != GENERATION_LOADING)
		return;
	g->state = GENERATION_OPENING;
	if (listeners_apply(m->listeners, texts, (int)settings_record_int(&g->for_master, "listen_queue_size", 0),
		(int)settings_record_int(&g->for_master, "unix_socket_mode", -1), master_user(g), &problem) != 0) {
		g_string_append_printf(g->problems, "%s\n", problem);
		g_free(problem);
		master_generation_failed(m, g);
		return;
	}
	if (start_reception(m, g) != 0)
		master_generation_failed(m, g);
}

/* --- what children say --- */

static void keep_settings(struct master *m, struct generation *g, struct wire_reader *r)
{
	struct settings_record s;
	char *problem = NULL;
	if (settings_record_read(r, g->memory, &s) != 0 || s.count == 0 || strcmp(s.pairs[0].name, "for") != 0)
		return;
	const char *role = s.pairs[0].value;
	if (strcmp(role, "master") == 0) {
		g->for_master = s;
		if (master_prepare_folders(m, g, &problem) != 0) {
			g_string_append_printf(g->problems, "%s\n", problem);
			g_free(problem);
			master_generation_failed(m, g);
			return;
		}
		talk_send_ledger(g->worker_template.fd, m->ledger_fd);
	} else if (strcmp(role, "reception") == 0) {
		g->for_reception = s;
	} else if (strcmp(role, "opener") == 0) {
		g->for_opener = s;
		if (g->opener_template.fd >= 0)
			talk_send_settings(g->opener_template.fd, &g->for_opener);
	}
}

/* A new template stands beside the old one until it is ready; then the old one's openers leave as they fall idle. */
static void replace_opener_template(struct master *m, struct generation *g)
{
	if (g->next_opener_template.pid || g->state != GENERATION_ACTIVE
	    || start_opener_template(m, g, &g->next_opener_template) != 0) {
		talk_send_text(g->opener_template.fd, RECORD_DATABASE_CHANGED, "later");
		return;
	}
	talk_send_settings(g->next_opener_template.fd, &g->for_opener);
}

/* It could not load what has changed on disk (a file half written, a bad signature): the old serves on and asks again. */
static void next_opener_template_failed(struct generation *g)
{
	log_write(LOG_LEVEL_ERROR, "master: the changed database could not be loaded, the old one stays in use: %s",
		g->problems->len ? g->problems->str : "its template ended");
	g_string_truncate(g->problems, 0);
	talk_send_text(g->opener_template.fd, RECORD_DATABASE_CHANGED, "later");
}

static void child_ready(struct master *m, struct child *c)
{
	struct generation *g = c->generation;
	c->ready = true;
	if (c == &g->next_opener_template) {
		log_write(LOG_LEVEL_NOTICE, "master: a new opener template has taken over");
		talk_send_text(g->opener_template.fd, RECORD_DRAIN, "");
		struct child old = g->opener_template;
		g->opener_template = *c;
		*c = old;	/* until it has ended */
		return;
	}
	if (c == &g->reception && g->state == GENERATION_OPENING)
		master_generation_active(m, g);
	else
		open_up(m, g);
}

static void child_problem(struct generation *g, const char *text)
{
	g_string_append(g->problems, text);
	if (g->problems->len && g->problems->str[g->problems->len - 1] != '\n')
		g_string_append_c(g->problems, '\n');
}

static void child_says(struct master *m, struct child *c, struct wire_reader *r)
{
	struct generation *g = c->generation;
	char *text = r->kind == RECORD_PROBLEM ? text_record_read(r, g->memory) : NULL;
	switch (r->kind) {
	case RECORD_SETTINGS: keep_settings(m, g, r); break;
	case RECORD_READY: child_ready(m, c); break;
	case RECORD_PROBLEM: child_problem(g, text ? text : "?"); break;
	case RECORD_DATABASE_CHANGED: replace_opener_template(m, g); break;
	default: break;
	}
}

void generation_child_speaks(struct master *m, struct child *c)
{
	static char buffer[FDPASS_RECORD_MAX];
	struct wire_reader r;
	ssize_t n = fdpass_receive(c->fd, buffer, sizeof buffer, NULL, NULL, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		child_close(c);	/* its end is seen by SIGCHLD */
	else if (wire_open(&r, buffer, (size_t)n))
		child_says(m, c, &r);
}

/* --- draining --- */

static bool runs(const struct child *c)
{
	return c->pid > 0;
}

/* Reception has gone: nobody can bring work any more. */
static void tell_to_leave(struct generation *g)
{
	if (g->told_to_leave)
		return;
	g->told_to_leave = true;
	if (g->life[1] >= 0)
		close(g->life[1]);
	g->life[1] = -1;
	child_close(&g->worker_template);
	child_close(&g->opener_template);
	child_close(&g->next_opener_template);
}

void generation_drain(struct master *m, struct generation *g)
{
	if (g->state == GENERATION_DRAINING)
		return;
	g->state = GENERATION_DRAINING;
	g->drained_since_ms = clock_now_ms();
	if (runs(&g->reception))
		talk_send_text(g->reception.fd, RECORD_DRAIN, "");
	else
		tell_to_leave(g);
}

void generation_kill(struct master *m, struct generation *g)
{
	struct child *all[] = { &g->reception, &g->worker_template, &g->opener_template, &g->next_opener_template };
	g->state = GENERATION_DRAINING;
	tell_to_leave(g);
	child_close(&g->reception);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (runs(all[i]))
			kill(all[i]->pid, SIGKILL);
}

/* Workers outlive a template that was killed: until they have finished, theirs is a living generation. */
static bool has_workers(const struct master *m, const struct generation *g)
{
	for (unsigned i = 0; i < SHARED_WORKERS; i++) {
		const struct shared_worker *w = &m->shared->workers[i];
		uint32_t pid = atomic_load(&w->pid);
		if (pid != 0 && atomic_load(&w->generation) == g->number && (kill((pid_t)pid, 0) == 0 || errno != ESRCH))
			return true;
	}
	return false;
}

bool generation_gone(const struct master *m, const struct generation *g)
{
	if (runs(&g->reception) || runs(&g->worker_template) || runs(&g->opener_template) || runs(&g->next_opener_template))
		return false;
	return !g->told_to_leave || !has_workers(m, g);
}

void generation_free(struct generation *g)
{
	tell_to_leave(g);
	child_close(&g->reception);
	close_pair(g->tokens);
	close_pair(g->openers);
	close_pair(g->life);
	talloc_free(g->memory);
	g_string_free(g->problems, TRUE);
	g_free(g);
}

/* --- deaths --- */

static void reception_ended(struct master *m, struct generation *g, pid_t pid)
{
	unsigned noted = ledger_delivered_note_all(m->shared, (uint32_t)pid, m->ledger_fd);
	shared_reception_leave(m->shared, (uint32_t)pid);
	if (noted) {
		shared_count(m->shared, COUNT_DELIVERED_NOTED, noted);
		log_write(LOG_LEVEL_WARNING, "master: reception ended between a next hop's answer and its own: %u recipient%s noted for the next try",
			noted, noted == 1 ? "" : "s");
	}
	if (g->state == GENERATION_DRAINING) {
		tell_to_leave(g);
		return;
	}
	shared_count(m->shared, COUNT_RECEPTION_DEATHS, 1);
	g->reception_deaths = clock_now_ms() - g->reception.started_ms < SOON_MS ? g->reception_deaths + 1 : 0;
	int64_t wait_ms = g->reception_deaths < 3 ? 0 : MIN(200LL << MIN(g->reception_deaths, 8u), 10000);
	g->reception_again_ms = clock_now_ms() + wait_ms;
	if (g->state == GENERATION_OPENING)
		master_generation_failed(m, g);
}

/* Whoever still waits for an opener of this template must not wait in vain: requests that are queued are dropped. */
static void refuse_opener_requests(struct generation *g)
{
	if (g->openers[0] >= 0) {
		shutdown(g->openers[0], SHUT_RDWR);
		close(g->openers[0]);
	}
	g->openers[0] = -1;
}

/* Only what its template sent can bring a worker here: where that has died, the last worker's end is the end of tokens. */
static void forget_worker_channels(struct generation *g)
{
	int *ends[] = { &g->tokens[1], &g->openers[1] };
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		if (*ends[i] >= 0)
			close(*ends[i]);
		*ends[i] = -1;
	}
}

/* Workers go on asking for openers: where the template had been good, another takes its place at once, and they wait for
 * it.  One that died while loading is not tried again, so that nobody waits for what will never be. */
static void opener_template_ended(struct master *m, struct generation *g, bool was_ready)
{
	if (!was_ready || g->told_to_leave || g->state == GENERATION_LOADING || g->state == GENERATION_OPENING
	    || start_opener_template(m, g, &g->opener_template) != 0)
		refuse_opener_requests(g);
	else
		talk_send_settings(g->opener_template.fd, &g->for_opener);
}

static void template_ended(struct master *m, struct generation *g, struct child *c, bool was_ready)
{
	if (c == &g->next_opener_template) {
		*c = (struct child){ .fd = -1 };
		if (!was_ready && g->state == GENERATION_ACTIVE)
			next_opener_template_failed(g);
		return;		/* else it is the one that was replaced */
	}
	if (c == &g->opener_template)
		opener_template_ended(m, g, was_ready);
	else
		forget_worker_channels(g);
	if (g->state == GENERATION_DRAINING)
		return;
	if (g->state != GENERATION_ACTIVE) {
		master_generation_failed(m, g);
		return;
	}
	shared_count(m->shared, COUNT_TEMPLATE_DEATHS, 1);
	log_write(LOG_LEVEL_ERROR, "master: the %s has died: starting a new generation", role_name(c->role));
	master_want_reload(m);
}

void generation_child_ended(struct master *m, struct child *c, int status)
{
	struct generation *g = c->generation;
	pid_t pid = c->pid;
	bool was_ready = c->ready;
	if (WIFSIGNALED(status))
		log_write(LOG_LEVEL_WARNING, "master: %s %d ended by signal %d", role_name(c->role), (int)pid, WTERMSIG(status));
	while (c->fd >= 0) {	/* what it had said before it ended: problems above all */
		int before = c->fd;
		generation_child_speaks(m, c);
		if (c->fd == before && errno == EAGAIN)
			child_close(c);
	}
	c->pid = 0;
	c->ready = false;
	if (c == &g->reception)
		reception_ended(m, g, pid);
	else
		template_ended(m, g, c, was_ready);
}

/* A plugin that never comes back from loading would hold up every later reload. */
static void give_up_loading(struct master *m, struct generation *g)
{
	if ((g->state != GENERATION_LOADING && g->state != GENERATION_OPENING) || clock_now_ms() - g->started_ms < LOADING_MAX_MS)
		return;
	g_string_append_printf(g->problems, "the new generation was not ready within %d seconds: what do its plugins load?\n", LOADING_MAX_MS / 1000);
	master_generation_failed(m, g);
}

void generation_tick(struct master *m, struct generation *g)
{
	give_up_loading(m, g);
	if (g->state == GENERATION_ACTIVE && !runs(&g->reception) && clock_now_ms() >= g->reception_again_ms)
		start_reception(m, g);
}
