/* worker_template.c - evaluates the configuration, keeps its secrets, loads what runs in workers, forks and replaces workers.
 * It parses no mail. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#include "base/landlock.h"
#include "base/log.h"
#include "base/privilege.h"
#include "config/config.h"
#include "plugin/call.h"
#include "plugin/host.h"
#include "template/children.h"
#include "template/renewal.h"
#include "template/role.h"
#include "template/settings_out.h"
#include "template/talk.h"
#include "wire/shared.h"
#include "worker/worker.h"

#define RENEWING_MS 50		/* how often to look whether the next worker can be replaced */

struct worker_template {
	const struct role_options *options;
	struct config *config;
	struct policy base;
	struct worker_setup setup;
	struct plugin_instance **deliveries;
	struct children workers;
	struct renewal renewal;
	unsigned wanted, next_slot;
	bool wants_questions;	/* one worker more, for RCPT jobs alone */
	pid_t questions_pid;	/* 0: not there now */
	int signal_fd;
	bool draining;
};

/* --- configuration --- */

static char *problems_text(void *owner, const GPtrArray *problems)
{
	char *text = talloc_strdup(owner, "");
	for (guint i = 0; i < problems->len; i++) {
		const struct config_problem *p = g_ptr_array_index(problems, i);
		text = talloc_asprintf_append(text, "%s:%d: %s%s\n", p->file ? p->file : "configuration", p->line, p->warning ? "warning: " : "", p->text);
	}
	return text;
}

static void log_warnings(const GPtrArray *problems)
{
	for (guint i = 0; i < problems->len; i++) {
		const struct config_problem *p = g_ptr_array_index(problems, i);
		log_write(LOG_LEVEL_WARNING, "%s:%d: %s", p->file ? p->file : "configuration", p->line, p->text);
	}
}

static int evaluate(struct worker_template *t, GPtrArray **problems)
{
	struct config_options options = {
		.file = t->options->config_file, .plugin_dir = t->options->plugin_dir, .build_dir = t->options->build_dir,
		.embedded = config_embedded_default, .load_plugins = true,
	};
	t->config = config_load(&options, problems);
	talloc_steal(t, t->config);
	if (config_error_count(*problems) > 0) {
		talk_send_text(ROLE_FD_MASTER, RECORD_PROBLEM, problems_text(t, *problems));
		return -1;
	}
	policy_init(&t->base, t->config);
	return 0;
}

static int tell_role(const char *role, const struct settings_record *s)
{
	if (talk_send_settings(ROLE_FD_MASTER, s) == 0)
		return 0;
	char *problem = g_strdup_printf("the settings for %s cannot be handed to it: %s%s", role, g_strerror(errno),
		errno == EMSGSIZE ? " (lists of networks, and listeners that differ, make most of them: write fewer or wider ones)" : "");
	talk_send_text(ROLE_FD_MASTER, RECORD_PROBLEM, problem);
	g_free(problem);
	return -1;
}

static int tell_settings(struct worker_template *t)
{
	void *owner = talloc_new(NULL);
	struct settings_record s;
	settings_for_master(t->config, owner, &s);
	role_configure_log(&s, t->options);
	int rc = tell_role("the master", &s);
	settings_for_opener(t->config, owner, &s);
	rc = rc == 0 ? tell_role("openers", &s) : rc;
	settings_for_reception(t->config, owner, &s);
	rc = rc == 0 ? tell_role("reception", &s) : rc;
	talloc_free(owner);
	return rc;
}

/* Root may read a configuration that the daemon's user may not; from here on there is no way back. */
static int become_user(struct worker_template *t, struct error *e)
{
	const char *const *one = policy_strings(&t->base, SET_daemon_group, t), *const *more = policy_strings(&t->base, SET_daemon_groups, t);
	GPtrArray *groups = g_ptr_array_new();
	for (size_t i = 0; one && one[i]; i++)
		g_ptr_array_add(groups, (void *)(uintptr_t)one[i]);
	for (size_t i = 0; more && more[i]; i++)
		g_ptr_array_add(groups, (void *)(uintptr_t)more[i]);
	bool any = groups->len > 0;
	g_ptr_array_add(groups, NULL);
	int rc = privilege_drop(policy_string(&t->base, SET_daemon_user), any ? (const char *const *)groups->pdata : NULL, e);
	g_ptr_array_free(groups, TRUE);
	return rc;
}

/* --- plugins --- */

static bool runs_here(const struct plugin_instance *i)
{
	return !(i->plugin->capabilities & POSTERN_CAP_HOSTILE_PARSER);
}

static int load_instances(struct worker_template *t, struct error *e)
{
	GPtrArray *problems = g_ptr_array_new_with_free_func(g_free), *warnings = g_ptr_array_new_with_free_func(g_free);
	bool good = renewal_load(t->setup.instances, t->setup.instance_count, runs_here, problems, warnings);
	for (guint i = 0; i < warnings->len; i++)
		log_write(LOG_LEVEL_WARNING, "%s: the line is left out", (const char *)g_ptr_array_index(warnings, i));
	g_ptr_array_add(problems, NULL);
	if (!good) {
		char *all = g_strjoinv("\n", (char **)problems->pdata);
		error_set(e, ERROR_CONFIG, "%s", all);
		g_free(all);
	}
	g_ptr_array_free(problems, TRUE);
	g_ptr_array_free(warnings, TRUE);
	renewal_init(&t->renewal, t, t->setup.instances, t->setup.instance_count, runs_here, policy_ms(&t->base, SET_plugin_check_interval, 60000));
	return good ? 0 : -1;
}

static void no_complaint(void *context, const char *path, const char *text)
{
	log_write(LOG_LEVEL_ERROR, "delivery plugin %s: %s: %s", (const char *)context, path, text);
}

/* Every delivery plugin that is there is ready for a `scheme:` that names it. */
static void load_deliveries(struct worker_template *t)
{
	const char *const *names = plugin_host_names(t->setup.host, t);
	unsigned count = 0;
	t->deliveries = talloc_zero_array(t, struct plugin_instance *, 1);
	for (size_t i = 0; names && names[i]; i++) {
		struct error e = { 0 };
		const struct postern_plugin *p = plugin_host_find(t->setup.host, names[i], &e);
		if (!p || !(p->roles & POSTERN_DELIVERY))
			continue;
		struct plugin_instance *instance = plugin_instance_new(t, p, &value_undef, no_complaint, (void *)(uintptr_t)p->name);
		if (!instance || plugin_instance_load(instance, &e) != 0) {
			log_write(LOG_LEVEL_WARNING, "delivery plugin %s: %s", p->name, e.text);
			continue;
		}
		t->deliveries = talloc_realloc(t, t->deliveries, struct plugin_instance *, count + 2);
		t->deliveries[count++] = instance;
		t->deliveries[count] = NULL;
	}
	t->setup.deliveries = t->deliveries;
}

/* --- workers --- */

/* In this generation's half, in a narrow ring: a slot rests a while before it is used again (reception may still read
 * what a dead worker left in it), and whoever looks at all workers looks at few places. */
static unsigned ring_size(const struct worker_template *t)
{
	return MIN(4 * t->wanted + 16, SHARED_WORKERS / 2);
}

static bool claim_slot(struct worker_template *t, unsigned *slot)
{
	unsigned half = t->options->generation % 2, first = half * (SHARED_WORKERS / 2), size = ring_size(t);
	struct shared *shared = t->setup.shared;
	for (unsigned tries = 0; tries < size; tries++) {
		unsigned at = (t->next_slot + tries) % size;
		uint32_t expected = 0;
		if (!atomic_compare_exchange_strong(&shared->workers[first + at].pid, &expected, (uint32_t)getpid()))
			continue;
		*slot = first + at;
		t->next_slot = at + 1;
		if (atomic_load(&shared->slots_used[half]) < size)
			atomic_store(&shared->slots_used[half], size);
		return true;
	}
	return false;
}

static void free_slot(struct worker_template *t, unsigned slot)
{
	struct shared_worker *w = &t->setup.shared->workers[slot];
	atomic_store(&w->stage, STAGE_FREE);
	atomic_store(&w->opener_pid, 0);
	atomic_store(&w->pid, 0);
}

static void become_worker(struct worker_template *t, unsigned slot, bool questions_only, int leave_fd)
{
	close(ROLE_FD_MASTER);
	close(t->signal_fd);
	for (unsigned i = 0; i < t->workers.count; i++)
		if (t->workers.entries[i].link_fd >= 0)
			close(t->workers.entries[i].link_fd);
	talk_unblock_signals();
	t->setup.slot = slot;
	t->setup.questions_only = questions_only;
	t->setup.leave_fd = leave_fd;
	atomic_store(&t->setup.shared->workers[slot].pid, (uint32_t)getpid());
	_exit(worker_run(&t->setup));
}

static void start_workers(struct worker_template *t)
{
	while (!t->draining && t->workers.count < t->wanted + t->wants_questions && children_may_start(&t->workers)) {
		unsigned slot;
		bool questions_only = t->wants_questions && t->questions_pid == 0;
		if (!claim_slot(t, &slot))
			return;
		struct shared_worker *w = &t->setup.shared->workers[slot];
		atomic_store(&w->generation, t->options->generation);
		atomic_store(&w->stage, STAGE_STARTING);
		int leave[2] = { -1, -1 };
		pid_t pid = pipe2(leave, O_CLOEXEC | O_NONBLOCK) == 0 ? fork() : -1;
		if (pid == 0) {
			close(leave[1]);
			become_worker(t, slot, questions_only, leave[0]);
		}
		if (leave[0] >= 0)
			close(leave[0]);
		if (pid < 0) {
			log_write(LOG_LEVEL_ERROR, "worker template: fork: %s", g_strerror(errno));
			if (leave[1] >= 0)
				close(leave[1]);
			free_slot(t, slot);
			return;
		}
		atomic_store(&w->pid, (uint32_t)pid);
		if (questions_only)
			t->questions_pid = pid;
		children_add(&t->workers, pid, NULL, slot)->link_fd = leave[1];
	}
}

/* Who calls exit() while a plugin is asked has died, whatever the code. */
static void note_death(struct worker_template *t, const struct children_entry *e, int status)
{
	struct shared_worker *w = &t->setup.shared->workers[e->slot];
	char *asked = (char *)(uintptr_t)plugin_blame_dead(t->setup.shared, w, t);
	if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0 || asked) {
		shared_count(t->setup.shared, COUNT_WORKER_DEATHS, 1);
		log_write(LOG_LEVEL_WARNING, "worker %d died (%s %d) at stage %s%s%s%s%s", (int)e->pid,
			WIFSIGNALED(status) ? "signal" : "exit code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
			worker_stage_name((enum worker_stage)atomic_load(&w->stage)), asked ? ", asking " : "", asked ? asked : "",
			w->log_id[0] ? ", last mail " : "", w->log_id);
	}
	talloc_free(asked);
}

static void reap_workers(struct worker_template *t)
{
	struct signalfd_siginfo info;
	struct children_entry e;
	int status;
	while (read(t->signal_fd, &info, sizeof info) > 0)
		;
	while (children_reap(&t->workers, &e, &status)) {
		if (e.pid == 0)
			continue;
		close(e.link_fd);
		if (e.pid == t->questions_pid)
			t->questions_pid = 0;
		note_death(t, &e, status);
		free_slot(t, e.slot);
	}
}

static void take_order(struct worker_template *t)
{
	enum record_kind kind = talk_receive_text(ROLE_FD_MASTER, t, NULL);
	if (kind == 0 || kind == RECORD_DRAIN)
		t->draining = true;	/* workers see the end of the life pipe */
}

static int serve(struct worker_template *t)
{
	bool renewing = false;
	while (!t->draining || t->workers.count > 0) {
		start_workers(t);
		struct pollfd p[2] = {
			{ .fd = t->signal_fd, .events = POLLIN },
			{ .fd = t->draining ? -1 : ROLE_FD_MASTER, .events = POLLIN },
		};
		poll(p, 2, renewing ? RENEWING_MS : 1000);
		if (p[0].revents)
			reap_workers(t);
		if (p[1].revents)
			take_order(t);
		if (t->draining)
			continue;
		renewal_check(&t->renewal, &t->workers);
		renewing = renewal_retire(&t->workers, t->setup.shared, t->wanted + t->wants_questions);
	}
	return 0;
}

static int prepare(struct worker_template *t, struct error *e)
{
	if (talk_receive_ledger(ROLE_FD_MASTER, &t->setup.ledger_fd) != 0)
		return error_set(e, ERROR_ENVIRONMENT, "the master does not go on");
	/* Before the drop: it trusts the files of whoever makes it, and the daemon's user shall not add plugins. */
	t->setup.host = plugin_host_new(t, t->options->plugin_dir, t->options->build_dir);
	if (become_user(t, e) != 0)
		return -1;
	t->setup.shared = shared_map(ROLE_FD_SHARED);
	if (!t->setup.shared)
		return error_set(e, ERROR_ENVIRONMENT, "shared memory of another layout");
	t->setup.config = t->config;
	t->setup.instances = config_instances(t->config, &t->setup.instance_count);
	t->setup.temp_base = policy_string(&t->base, SET_TEMPBASE);
	t->setup.launcher = t->options->build_dir ? talloc_asprintf(t, "%s/postern-unpack", t->options->build_dir) : PKGLIBEXECDIR "/postern-unpack";
	t->setup.tokens_fd = ROLE_FD_TOKENS;
	t->setup.openers_fd = ROLE_FD_OPENERS;
	t->setup.life_fd = ROLE_FD_LIFE;
	t->setup.generation = t->options->generation;
	t->wanted = (unsigned)policy_int(&t->base, SET_max_servers, 2);
	t->wants_questions = settings_want_questions(t->config);
	plugin_call_setup(t->setup.shared, policy_string(&t->base, SET_path));
	load_deliveries(t);
	return load_instances(t, e);
}

int worker_template_run(const struct role_options *o)
{
	GPtrArray *problems;
	struct error e = { 0 };
	struct worker_template *t = talloc_zero(NULL, struct worker_template);
	log_set_role("worker-template");
	prctl(PR_SET_DUMPABLE, 0);	/* its memory holds secrets: no core, no reader of its own user */
	t->options = o;
	t->signal_fd = talk_signal_fd();
	if (evaluate(t, &problems) != 0 || tell_settings(t) != 0)
		return 78;
	log_warnings(problems);
	g_ptr_array_unref(problems);
	if (landlock_abi() == 0)
		log_write(LOG_LEVEL_WARNING, "this kernel has no Landlock: openers, and programs that take parts apart, are kept from files by their user's rights alone");
	if (config_absent_programs(t->config))
		log_write(LOG_LEVEL_NOTICE, "not opened for want of a program, and so unchecked: %s", config_absent_programs(t->config));
	if (prepare(t, &e) != 0) {
		talk_send_text(ROLE_FD_MASTER, RECORD_PROBLEM, e.text);
		return 78;
	}
	talk_send_text(ROLE_FD_MASTER, RECORD_READY, "worker template");
	int code = serve(t);
	children_free(&t->workers);
	talloc_free(t);
	return code;
}
