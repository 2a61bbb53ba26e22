/* master.c - the loop: signals, children, control connections; start, reload, stop.
 * Two generations at most are alive; reloads asked for meanwhile are joined into one. */
#include "master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/log.h"
#include "template/talk.h"

#define TICK_MS 200
#define URGENT_DRAIN_MS 10000
#define ORPHANS_MS 5000

struct generation *master_active(const struct master *m)
{
	for (guint i = m->generations->len; i-- > 0; ) {
		struct generation *g = g_ptr_array_index(m->generations, i);
		if (g->state == GENERATION_ACTIVE)
			return g;
	}
	return NULL;
}

static bool is_loading(const struct master *m)
{
	for (guint i = 0; i < m->generations->len; i++) {
		struct generation *g = g_ptr_array_index(m->generations, i);
		if (g->state == GENERATION_LOADING || g->state == GENERATION_OPENING)
			return true;
	}
	return false;
}

/* --- generations come and go --- */

static void tell_parent(struct master *m, int code, const char *text)
{
	char head[16];
	if (m->start_pipe < 0)
		return;
	int n = snprintf(head, sizeof head, "%d\n", code);
	if (write(m->start_pipe, head, (size_t)n) > 0 && text && write(m->start_pipe, text, strlen(text)) < 0)
		log_write(LOG_LEVEL_WARNING, "master: the starting process has gone");
	close(m->start_pipe);
	m->start_pipe = -1;
}

void master_generation_active(struct master *m, struct generation *g)
{
	char text[96];
	g->state = GENERATION_ACTIVE;
	for (guint i = 0; i < m->generations->len; i++) {
		struct generation *other = g_ptr_array_index(m->generations, i);
		if (other != g)
			generation_drain(m, other);
	}
	listeners_retain(m->listeners, talk_settings_list(&g->for_master, "listener", g->memory));
	snprintf(text, sizeof text, "generation %u is in force", g->number);
	log_write(LOG_LEVEL_NOTICE, "master: %s", text);
	if (m->settled_once)
		shared_count(m->shared, COUNT_RELOADS, 1);
	m->settled_once = true;
	control_answer_reloads(m, true, text);
	tell_parent(m, 0, NULL);
	notify_systemd("READY=1\nSTATUS=accepting mail");
}

void master_generation_failed(struct master *m, struct generation *g)
{
	if (g->state == GENERATION_DRAINING)
		return;
	struct generation *serving = master_active(m);
	listeners_retain(m->listeners, serving ? talk_settings_list(&serving->for_master, "listener", serving->memory) : NULL);
	const char *why = g->problems->len ? g->problems->str : "a process of the new generation ended before it was ready\n";
	log_write(LOG_LEVEL_ERROR, "master: the new configuration is not taken: %s", why);
	control_answer_reloads(m, false, why);
	notify_systemd(m->settled_once ? "READY=1\nSTATUS=accepting mail; the last reload failed" : "STATUS=could not start");
	if (m->settled_once) {
		shared_count(m->shared, COUNT_RELOADS_FAILED, 1);
		/* The generation in force may be the one that lost a template: try again, but not in a hurry. */
		struct generation *active = master_active(m);
		if (active && (!active->worker_template.pid || !active->opener_template.pid)) {
			m->reload_wanted = true;
			m->reload_not_before_ms = clock_now_ms() + 5000;
		}
	} else {
		if (m->options->foreground)
			fprintf(stderr, "%s", why);
		tell_parent(m, 78, why);
		m->exit_code = 78;
		m->stopping = true;
	}
	generation_kill(m, g);
}

void master_want_reload(struct master *m)
{
	m->reload_wanted = true;
}

static void maybe_reload(struct master *m)
{
	if (!m->reload_wanted || m->stopping || is_loading(m) || clock_now_ms() < m->reload_not_before_ms)
		return;
	if (m->generations->len >= 2) {
		/* A generation that lost a template cannot wait for slow clients of the one before. */
		struct generation *oldest = g_ptr_array_index(m->generations, 0), *active = master_active(m);
		bool urgent = !active || !active->worker_template.pid || !active->opener_template.pid;
		if (urgent && oldest->state == GENERATION_DRAINING && clock_now_ms() - oldest->drained_since_ms > URGENT_DRAIN_MS)
			generation_kill(m, oldest);
		return;
	}
	m->reload_wanted = false;
	m->reload_not_before_ms = 0;
	notify_systemd("RELOADING=1");
	log_reopen();
	generation_start(m);
}

static void bury_generations(struct master *m)
{
	for (guint i = m->generations->len; i-- > 0; ) {
		struct generation *g = g_ptr_array_index(m->generations, i);
		if (!generation_gone(m, g))
			continue;
		if (g->state == GENERATION_DRAINING) {
			log_write(LOG_LEVEL_INFO, "master: generation %u has left", g->number);
			g_ptr_array_remove_index(m->generations, i);
			generation_free(g);
		} else if (g->state == GENERATION_ACTIVE && m->reload_wanted) {
			/* Nothing of it is left but its place. */
			generation_drain(m, g);
		}
	}
}

void master_stop(struct master *m)
{
	if (m->stopping)
		return;
	m->stopping = true;
	notify_systemd("STOPPING=1");
	log_write(LOG_LEVEL_NOTICE, "master: stopping, mails in hand are finished first");
	for (guint i = 0; i < m->generations->len; i++) {
		struct generation *g = g_ptr_array_index(m->generations, i);
		if (g->state == GENERATION_ACTIVE)
			generation_drain(m, g);
		else if (g->state != GENERATION_DRAINING)
			generation_kill(m, g);
	}
}

/* --- the loop --- */

static struct child *find_child(struct master *m, pid_t pid)
{
	for (guint i = 0; i < m->generations->len; i++) {
		struct generation *g = g_ptr_array_index(m->generations, i);
		struct child *all[] = { &g->worker_template, &g->opener_template, &g->next_opener_template, &g->reception };
		for (size_t k = 0; k < sizeof all / sizeof *all; k++)
			if (all[k]->pid == pid)
				return all[k];
	}
	return NULL;
}

/* Slots of workers whose template died with them would stay taken. */
static void free_dead_slots(struct shared *s)
{
	for (unsigned i = 0; i < SHARED_WORKERS; i++) {
		uint32_t pid = atomic_load(&s->workers[i].pid);
		if (pid == 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
			continue;
		atomic_store(&s->workers[i].stage, STAGE_FREE);
		atomic_store(&s->workers[i].opener_pid, 0);
		atomic_compare_exchange_strong(&s->workers[i].pid, &pid, 0);
	}
}

/* A worker or opener that outlived its template (we are their subreaper). */
static void orphan_ended(struct master *m, pid_t pid, int status)
{
	for (unsigned i = 0; i < SHARED_WORKERS; i++) {
		const struct shared_worker *w = &m->shared->workers[i];
		if (atomic_load(&w->pid) != (uint32_t)pid || !WIFSIGNALED(status))
			continue;
		shared_count(m->shared, COUNT_WORKER_DEATHS, 1);
		log_write(LOG_LEVEL_WARNING, "master: worker %d, whose template had died, ended by signal %d at stage %s", (int)pid, WTERMSIG(status),
			worker_stage_name((enum worker_stage)atomic_load(&w->stage)));
	}
}

static void reap(struct master *m)
{
	int status;
	pid_t pid;
	bool orphans = false;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *c = find_child(m, pid);
		if (c) {
			generation_child_ended(m, c, status);
			continue;
		}
		orphan_ended(m, pid, status);
		orphans = true;
	}
	if (orphans)
		free_dead_slots(m->shared);
}

static void take_signals(struct master *m)
{
	struct signalfd_siginfo info;
	while (read(m->signal_fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			reap(m);
		else if (info.ssi_signo == SIGHUP)
			master_want_reload(m);
		else if (info.ssi_signo == SIGUSR1)
			log_reopen();
		else
			master_stop(m);
	}
}

static void add_poll(GArray *polls, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	g_array_append_val(polls, p);
}

static void speak_to_children(struct master *m, const GArray *polls)
{
	for (guint k = 0; k < polls->len; k++) {
		const struct pollfd *p = &g_array_index(polls, struct pollfd, k);
		if (p->fd < 0 || !p->revents)
			continue;
		for (guint i = 0; i < m->generations->len; i++) {
			struct generation *g = g_ptr_array_index(m->generations, i);
			struct child *all[] = { &g->worker_template, &g->opener_template, &g->next_opener_template, &g->reception };
			for (size_t c = 0; c < sizeof all / sizeof *all; c++)
				if (all[c]->fd == p->fd)
					generation_child_speaks(m, all[c]);
		}
	}
}

static void collect_polls(struct master *m, GArray *polls)
{
	g_array_set_size(polls, 0);
	add_poll(polls, m->signal_fd);
	add_poll(polls, m->control_fd);
	for (guint i = 0; i < m->control_connections->len; i++)
		add_poll(polls, g_array_index(m->control_connections, int, i));
	for (guint i = 0; i < m->generations->len; i++) {
		struct generation *g = g_ptr_array_index(m->generations, i);
		add_poll(polls, g->worker_template.fd);
		add_poll(polls, g->opener_template.fd);
		add_poll(polls, g->next_opener_template.fd);
		add_poll(polls, g->reception.fd);
	}
}

static void one_round(struct master *m, GArray *polls)
{
	guint connections = m->control_connections->len;
	collect_polls(m, polls);
	poll((struct pollfd *)polls->data, polls->len, TICK_MS * 5);
	if (g_array_index(polls, struct pollfd, 0).revents)
		take_signals(m);
	if (g_array_index(polls, struct pollfd, 1).revents)
		control_accept(m);
	for (guint i = 0; i < connections; i++)
		if (g_array_index(polls, struct pollfd, 2 + i).revents)
			control_speak(m, g_array_index(polls, struct pollfd, 2 + i).fd);
	speak_to_children(m, polls);
	for (guint i = 0; i < m->generations->len; i++)
		generation_tick(m, g_ptr_array_index(m->generations, i));
	bury_generations(m);
	maybe_reload(m);
}

static struct master *master_new(const struct role_options *o, int start_pipe)
{
	struct master *m = g_new0(struct master, 1);
	m->options = o;
	m->program = "/proc/self/exe";
	m->start_pipe = start_pipe;
	m->control_fd = m->ledger_fd = -1;
	m->listeners = listeners_new();	/* first: systemd's descriptors lie where ours would come to lie */
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);	/* what we were started with is no role's business */
	m->shared = shared_create(&m->shared_fd);
	m->signal_fd = talk_signal_fd();
	m->generations = g_ptr_array_new();
	m->control_connections = g_array_new(FALSE, FALSE, sizeof(int));
	m->waiting_reloads = g_array_new(FALSE, FALSE, sizeof(int));
	m->waiting_stop = g_array_new(FALSE, FALSE, sizeof(int));
	m->started_wall_us = clock_wall_us();
	return m;
}

static void master_free(struct master *m)
{
	listeners_close(m->listeners);
	for (guint i = 0; i < m->control_connections->len; i++)
		close(g_array_index(m->control_connections, int, i));
	if (m->control_fd >= 0) {
		close(m->control_fd);
		unlink(m->control_path);
	}
	if (m->ledger_fd >= 0)
		close(m->ledger_fd);
	g_free(m->control_path);
	g_free(m->temp_base);
	g_array_free(m->control_connections, TRUE);
	g_array_free(m->waiting_reloads, TRUE);
	g_array_free(m->waiting_stop, TRUE);
	g_ptr_array_free(m->generations, TRUE);
	g_free(m);
}

/* --- the end: what outlived its template must not outlive us, nor leave anything behind --- */

static void kill_orphans(void)
{
	char path[64], *list = NULL, *at;
	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	if (!g_file_get_contents(path, &list, NULL, NULL))
		return;
	for (at = list; *at; ) {
		long pid = strtol(at, &at, 10);
		if (pid > 1)
			kill((pid_t)pid, SIGKILL);
		at += strspn(at, " \n");
	}
	g_free(list);
}

static void wait_for_orphans(void)
{
	int64_t patience_ms = clock_now_ms() + ORPHANS_MS;
	pid_t pid;
	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
		if (pid == 0)
			usleep(5000);
		if (clock_now_ms() > patience_ms)
			kill_orphans();
	}
}

int master_run(const struct role_options *o, int start_pipe)
{
	struct master *m = master_new(o, start_pipe);
	GArray *polls = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
	if (!m->shared) {
		fprintf(stderr, "posternd: shared memory: %s\n", g_strerror(errno));
		return 71;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	umask(0027);
	if (chdir("/") != 0)
		return 71;
	generation_start(m);
	while (!m->stopping || m->generations->len > 0)
		one_round(m, polls);
	wait_for_orphans();
	master_sweep_work_area(m);
	for (guint i = 0; i < m->waiting_stop->len; i++)
		talk_send_text(g_array_index(m->waiting_stop, int, i), RECORD_ANSWER, "0\nstopped\n");
	int code = m->exit_code;
	log_write(LOG_LEVEL_NOTICE, "master: stopped");
	g_array_free(polls, TRUE);
	master_free(m);
	return code;
}
