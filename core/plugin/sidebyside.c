/* sidebyside.c - asks several scanners about one mail at the same time, a thread for each.
 *
 * The calling thread asks those that want the main thread, one after another, and
 * then waits: for answers, for the deadline, for the client's going away.  A thread that does not come back within a short grace
 * after its sockets were shut is left behind with what it holds: its call and its
 * reference to the view, which are therefore nobody else's memory. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <talloc.h>
#include <unistd.h>

#include "base/io.h"
#include "plugin/inside.h"

#define THREAD_STACK_BYTES (1024 * 1024)	/* address space, not memory */
#define NATURAL_END_MS 100	/* helpers end by themselves at the deadline, with a better text than a shut socket gives */
#define GRACE_MS 400

enum { TASK_RUNNING = 0, TASK_DONE, TASK_ABANDONED };

/* One scanner's thread. Owned by the asker while it waits; by the thread from TASK_ABANDONED on. */
struct task {
	_Atomic int state;
	struct postern_call *call;
	enum postern_result result;
	bool stop_at_first;
	int64_t elapsed_us;
	int done_fd;
	bool started;
	pthread_t thread;
};

static _Atomic bool threads_left;

bool plugin_threads_left(void)
{
	return atomic_load(&threads_left);
}

static void *task_run(void *argument)
{
	struct task *t = argument;
	int64_t began_us = clock_wall_us();
	t->result = scan_view(t->call, t->stop_at_first);
	t->elapsed_us = clock_wall_us() - began_us;
	int running = TASK_RUNNING;
	uint64_t one = 1;
	if (atomic_compare_exchange_strong(&t->state, &running, TASK_DONE)) {
		ssize_t n = write(t->done_fd, &one, sizeof one);
		(void)n;	/* an eventfd takes it; the asker looks at states anyway */
	}
	return NULL;	/* abandoned: the call stays as it is, the process is about to leave */
}

static int task_start(struct task *t)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&t->thread, &attributes, task_run, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return rc;
}

static size_t running(struct task *const *tasks, size_t count)
{
	size_t n = 0;
	for (size_t k = 0; k < count; k++)
		n += tasks[k] && tasks[k]->started && atomic_load(&tasks[k]->state) == TASK_RUNNING;
	return n;
}

static void wait_for_tasks(struct task *const *tasks, size_t count, int done_fd, struct deadline d)
{
	uint64_t counted;
	while (running(tasks, count) > 0) {
		if (io_wait(done_fd, POLLIN, d) != 0)
			return;
		ssize_t n = read(done_fd, &counted, sizeof counted);
		(void)n;
	}
}

static void shut_tasks(struct task *const *tasks, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		if (tasks[k] && tasks[k]->started && atomic_load(&tasks[k]->state) == TASK_RUNNING)
			call_shut(tasks[k]->call);
	}
}

/* Something to wait for even where the mail has no deadline but the instances have timeouts. */
static struct deadline latest(struct task *const *tasks, size_t count, struct deadline d)
{
	int64_t at = 0;
	for (size_t k = 0; k < count; k++) {
		if (!tasks[k] || !tasks[k]->started)
			continue;
		int64_t own = tasks[k]->call->deadline.at_ms;
		if (own == 0)
			return d;
		at = own > at ? own : at;
	}
	return (struct deadline){ at, d.cancel_fd };
}

static void task_report(struct task *t, void *owner, struct plugin_outcome *out)
{
	struct plugin_instance *i = t->call->instance;
	call_report(t->call, t->result, owner, out);
	out->elapsed_us = t->elapsed_us > 0 && t->elapsed_us < UINT32_MAX ? (uint32_t)t->elapsed_us : 0;
	call_account(t->call, out->result, out->found_count, out->elapsed_us);
	call_end(t->call);
	call_release(i);
	talloc_free(t);
}

static void task_settle(struct task *t, void *owner, struct plugin_outcome *out)
{
	int still = TASK_RUNNING;
	if (t->started && atomic_compare_exchange_strong(&t->state, &still, TASK_ABANDONED)) {
		atomic_store(&threads_left, true);
		pthread_detach(t->thread);
		char *text = talloc_asprintf(owner, "%s: time over, and its thread does not come back", t->call->instance->name);
		outcome_fail(out, POSTERN_TEMPFAIL, text, owner);
		return;	/* the task and its call are the thread's now */
	}
	if (t->started)
		pthread_join(t->thread, NULL);
	task_report(t, owner, out);
}

static struct task *task_make(struct plugin_instance *i, struct plugin_view *v, struct deadline d, bool stop_at_first, int done_fd,
	void *owner, struct plugin_outcome *out)
{
	struct error e = { 0 };
	*out = (struct plugin_outcome){ .result = POSTERN_BROKEN };
	const char *why = i->plugin->scanner ? call_claim(i, owner) : "the plugin is no scanner";
	if (why) {
		outcome_fail(out, POSTERN_TEMPFAIL, why, owner);
		return NULL;
	}
	struct task *t = talloc_zero(NULL, struct task);
	t->call = call_begin(i, v, d);
	t->stop_at_first = stop_at_first;
	t->done_fd = done_fd;
	bool paths = i->plugin->capabilities & POSTERN_CAP_PATH;
	if (paths && view_give_paths(v, &e) != 0) {
		t->result = postern_fail(t->call, POSTERN_TEMPFAIL, "%s", e.text);
		atomic_store(&t->state, TASK_DONE);
	}
	return t;
}

static void tasks_start(struct task *const *tasks, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		struct task *t = tasks[k];
		if (!t || atomic_load(&t->state) != TASK_RUNNING)
			continue;
		t->started = true;
		int rc = task_start(t);
		if (rc == 0)
			continue;
		t->started = false;
		t->result = postern_fail(t->call, POSTERN_TEMPFAIL, "no thread: %s", g_strerror(rc));
	}
}

static bool wants_main_thread(const struct plugin_instance *i)
{
	return i->plugin->capabilities & POSTERN_CAP_MAIN_THREAD;
}

void plugin_scan_all(struct plugin_instance *const *instances, size_t count, struct plugin_view *v, struct deadline d, bool stop_at_first,
	void *owner, struct plugin_outcome *outcomes)
{
	if (count == 1) {
		plugin_scan(instances[0], v, d, stop_at_first, owner, &outcomes[0]);
		return;
	}
	/* Never closed while a thread that was left behind might still write to it. */
	int done_fd = leaks_need_one_by_one() ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (done_fd < 0) {
		for (size_t k = 0; k < count; k++)
			plugin_scan(instances[k], v, d, stop_at_first, owner, &outcomes[k]);
		return;
	}
	struct leak_watch watch;
	view_never_empty(v);
	leaks_begin(&watch);
	struct task **tasks = talloc_zero_array(owner, struct task *, count + 1);
	for (size_t k = 0; k < count; k++)
		tasks[k] = wants_main_thread(instances[k]) ? NULL : task_make(instances[k], v, d, stop_at_first, done_fd, owner, &outcomes[k]);
	tasks_start(tasks, count);
	for (size_t k = 0; k < count; k++) {
		if (wants_main_thread(instances[k]))
			scan_here(instances[k], v, d, stop_at_first, owner, &outcomes[k]);
	}
	wait_for_tasks(tasks, count, done_fd, latest(tasks, count, d));
	wait_for_tasks(tasks, count, done_fd, deadline_in(NATURAL_END_MS));
	shut_tasks(tasks, count);
	wait_for_tasks(tasks, count, done_fd, deadline_in(GRACE_MS));
	bool left = running(tasks, count) > 0;
	for (size_t k = 0; k < count; k++) {
		if (tasks[k])
			task_settle(tasks[k], owner, &outcomes[k]);
	}
	talloc_free(tasks);
	if (left)
		return;
	close(done_fd);
	leaks_end(&watch, instances, count);
}
