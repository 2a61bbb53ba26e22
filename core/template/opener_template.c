/* opener_template.c - loads decoders and heavy engines once and forks openers that share them copy-on-write.
 *
 * Started before any secret is read; learns the few settings it needs as a
 * record.  It never sees Lua, a mail or a secret, and has no use for a network. */
#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fdpass.h"
#include "base/io.h"
#include "base/log.h"
#include "base/privilege.h"
#include "opener/opener.h"
#include "plugin/host.h"
#include "template/children.h"
#include "template/role.h"
#include "template/talk.h"
#include "wire/records.h"

#define GIVEN_UP_MS 1000	/* how long an opener may live on when its worker has hung up */
#define SWEEP_INTERVAL_MS 3000

struct opener_template {
	const struct role_options *options;
	struct settings_record settings;
	struct plugin_instance **instances;	/* by number, holes where the opener has no part */
	size_t instance_count;
	struct children openers;
	int signal_fd;
	bool draining, told_of_change;
	int64_t next_check_ms, check_interval_ms, next_sweep_ms;
};

/* --- instances from the record: "instance" starts one, "instance.*" describe it --- */

struct described { const char *plugin, *file; size_t number; GPtrArray *names, *values; };

static int make_instance(struct opener_template *t, struct plugin_host *host, struct described *d, struct error *e)
{
	/* The very file that the configuration took: it may lie elsewhere. */
	const struct postern_plugin *plugin = d->file ? plugin_host_load_file(host, d->plugin, d->file, e) : plugin_host_find(host, d->plugin, e);
	if (!plugin)
		return error_prefix(e, "plugin %s", d->plugin);
	struct plugin_instance *i = plugin_instance_from_pairs(t, plugin, (const char *const *)d->names->pdata,
		(const char *const *)d->values->pdata, d->names->len, e);
	if (!i)
		return error_prefix(e, "plugin %s", d->plugin);
	i->number = (unsigned)d->number;
	while (t->instance_count <= d->number) {
		t->instances = talloc_realloc(t, t->instances, struct plugin_instance *, (unsigned)t->instance_count + 1);
		t->instances[t->instance_count++] = NULL;
	}
	t->instances[d->number] = i;
	if (plugin_instance_load(i, e) != 0)
		return error_prefix(e, "plugin %s", i->name);
	return 0;
}

static int flush_described(struct opener_template *t, struct plugin_host *host, struct described *d, struct error *e)
{
	int rc = d->plugin ? make_instance(t, host, d, e) : 0;
	g_ptr_array_set_size(d->names, 0);
	g_ptr_array_set_size(d->values, 0);
	d->plugin = d->file = NULL;
	return rc;
}

static int load_instances(struct opener_template *t, struct plugin_host *host, struct error *e)
{
	struct described d = { .names = g_ptr_array_new(), .values = g_ptr_array_new() };
	int rc = 0;
	for (uint32_t k = 0; k < t->settings.count && rc == 0; k++) {
		const char *name = t->settings.pairs[k].name, *value = t->settings.pairs[k].value;
		if (strcmp(name, "instance") == 0) {
			rc = flush_described(t, host, &d, e);
			d.plugin = value;
		} else if (strcmp(name, "instance.file") == 0) {
			d.file = value;
		} else if (strcmp(name, "instance.number") == 0) {
			d.number = strtoul(value, NULL, 10) % 4096;
		} else if (strncmp(name, "instance.option.", 16) == 0) {
			g_ptr_array_add(d.names, (void *)(uintptr_t)(name + 16));
			g_ptr_array_add(d.values, (void *)(uintptr_t)value);
		}
	}
	if (rc == 0)
		rc = flush_described(t, host, &d, e);
	g_ptr_array_free(d.names, TRUE);
	g_ptr_array_free(d.values, TRUE);
	return rc;
}

/* --- openers --- */

static void become_opener(struct opener_template *t, int worker_fd)
{
	close(ROLE_FD_MASTER);
	close(ROLE_FD_OPENERS);
	close(t->signal_fd);
	for (unsigned i = 0; i < t->openers.count; i++)
		if (t->openers.entries[i].link_fd >= 0)
			close(t->openers.entries[i].link_fd);
	talk_unblock_signals();
	prctl(PR_SET_PDEATHSIG, 0);
	log_set_role("opener");
	struct opener_settings s = {
		.worker_fd = worker_fd,
		.temp_base = settings_record_get(&t->settings, "TEMPBASE"),
		.memory_limit_bytes = (uint64_t)settings_record_int(&t->settings, "opener_memory_limit", 0),
		.file_limit_bytes = (uint64_t)settings_record_int(&t->settings, "opener_file_limit", 0),
		.max_mails = (unsigned)settings_record_int(&t->settings, "max_requests", 0),
		.unjailed = t->options->unjailed,
		.instances = t->instances,
		.instance_count = t->instance_count,
	};
	_exit(opener_run(&s));
}

static void fork_opener(struct opener_template *t, int worker_fd)
{
	pid_t pid = fork();
	if (pid == 0)
		become_opener(t, worker_fd);
	if (pid > 0) {
		children_add(&t->openers, pid, NULL, 0)->link_fd = worker_fd;
		return;
	}
	log_write(LOG_LEVEL_ERROR, "opener template: fork: %s", g_strerror(errno));
	close(worker_fd);	/* the worker reads end of file and its mail is answered for */
}

/* An opener whose worker has hung up (the mail's time is over, it said nonsense, the client has gone) leaves by itself
 * as soon as it looks up.  One that does not, stuck or taken over, is ended. */
static void end_given_up(struct opener_template *t)
{
	int64_t now = clock_now_ms();
	for (unsigned i = 0; i < t->openers.count; i++) {
		struct children_entry *e = &t->openers.entries[i];
		struct pollfd p = { .fd = e->link_fd };
		if (e->link_fd < 0 || poll(&p, 1, 0) <= 0)
			continue;
		if (e->hung_up_ms == 0)
			e->hung_up_ms = now;
		if (now - e->hung_up_ms < GIVEN_UP_MS)
			continue;
		log_write(LOG_LEVEL_WARNING, "opener %d does not leave although its worker has hung up: ended", (int)e->pid);
		kill(e->pid, SIGKILL);
		close(e->link_fd);
		e->link_fd = -1;
	}
}

static void take_request(struct opener_template *t)
{
	char buffer[512];
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	ssize_t n = fdpass_receive(ROLE_FD_OPENERS, buffer, sizeof buffer, fds, &count, MSG_DONTWAIT);
	if (n <= 0)
		return;
	struct wire_reader r;
	if (!wire_open(&r, buffer, (size_t)n) || r.kind != RECORD_OPENER_WANTED || count != 1) {
		fdpass_close_all(fds, count);
		return;
	}
	fork_opener(t, fds[0]);
}

static void reap_openers(struct opener_template *t)
{
	struct signalfd_siginfo info;
	while (read(t->signal_fd, &info, sizeof info) > 0)
		;
	struct children_entry e;
	int status;
	while (children_reap(&t->openers, &e, &status)) {
		if (e.link_fd >= 0)
			close(e.link_fd);	/* only now does the worker read end of file */
		t->next_sweep_ms = 0;
		if (WIFSIGNALED(status))
			log_write(LOG_LEVEL_WARNING, "opener %d ended by signal %d (%s)", (int)e.pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
	}
}

/* Not only our own openers leave scratch folders behind: those of a template that died have nobody else. */
static void sweep(struct opener_template *t)
{
	int64_t now = clock_now_ms();
	if (now < t->next_sweep_ms)
		return;
	t->next_sweep_ms = now + SWEEP_INTERVAL_MS;
	scratch_sweep(settings_record_get(&t->settings, "TEMPBASE"));
}

/* --- the database on disk has changed: ask the master for a template beside this one --- */

static void check_databases(struct opener_template *t)
{
	int64_t now = clock_now_ms();
	if (t->draining || t->told_of_change || now < t->next_check_ms)
		return;
	t->next_check_ms = now + t->check_interval_ms;
	for (size_t i = 0; i < t->instance_count; i++) {
		if (!t->instances[i] || !plugin_instance_changed(t->instances[i]))
			continue;
		log_write(LOG_LEVEL_NOTICE, "%s: its database has changed, loading it in a new opener template", t->instances[i]->name);
		t->told_of_change = talk_send_text(ROLE_FD_MASTER, RECORD_DATABASE_CHANGED, t->instances[i]->name) == 0;
		return;
	}
}

/* End of file or DRAIN from the master: no further openers; those idle leave at SIGTERM, the others after their mail. */
static void start_draining(struct opener_template *t)
{
	t->draining = true;
	children_signal(&t->openers, SIGTERM);
}

static void take_order(struct opener_template *t)
{
	enum record_kind kind = talk_receive_text(ROLE_FD_MASTER, t, NULL);
	if (kind == 0 || kind == RECORD_DRAIN)
		start_draining(t);
	if (kind == RECORD_DATABASE_CHANGED) {	/* not now: ask again after a while */
		t->told_of_change = false;
		t->next_check_ms = clock_now_ms() + t->check_interval_ms;
	}
}

static int serve(struct opener_template *t)
{
	while (!t->draining || t->openers.count > 0) {
		struct pollfd p[3] = {
			{ .fd = t->signal_fd, .events = POLLIN },
			{ .fd = t->draining ? -1 : ROLE_FD_MASTER, .events = POLLIN },
			{ .fd = t->draining ? -1 : ROLE_FD_OPENERS, .events = POLLIN },
		};
		poll(p, 3, 1000);
		if (p[0].revents)
			reap_openers(t);
		if (p[1].revents)
			take_order(t);
		if (p[2].revents & POLLIN)
			take_request(t);
		end_given_up(t);
		sweep(t);
		check_databases(t);
	}
	return 0;
}

static int prepare(struct opener_template *t, struct error *e)
{
	char *user = NULL;
	role_configure_log(&t->settings, t->options);
	/* Before the drop: it trusts the files of whoever makes it, and the daemon's user shall not add plugins. */
	struct plugin_host *host = plugin_host_new(t, t->options->plugin_dir, t->options->build_dir);
	user = talloc_strdup(t, settings_record_get(&t->settings, "daemon_user"));
	if (user && privilege_drop(user, talk_settings_list(&t->settings, "daemon_groups", t), e) != 0)
		return -1;
	const char *temp_base = settings_record_get(&t->settings, "TEMPBASE");
	if (!temp_base)
		return error_set(e, ERROR_CONFIG, "TEMPBASE is not set");
	scratch_sweep(temp_base);
	if (opener_preload(e) != 0 || load_instances(t, host, e) != 0)
		return -1;
	t->check_interval_ms = settings_record_int(&t->settings, "plugin_check_interval_ms", 60000);
	t->next_check_ms = clock_now_ms() + t->check_interval_ms;
	return 0;
}

int opener_template_run(const struct role_options *o)
{
	log_set_role("opener-template");
	struct opener_template *t = talloc_zero(NULL, struct opener_template);
	struct error e = { 0 };
	t->options = o;
	t->signal_fd = talk_signal_fd();
	if (talk_receive_settings(ROLE_FD_MASTER, t, &t->settings) != 0)
		return 1;
	if (prepare(t, &e) != 0) {
		talk_send_text(ROLE_FD_MASTER, RECORD_PROBLEM, e.text);
		return 78;
	}
	talk_send_text(ROLE_FD_MASTER, RECORD_READY, "opener template");
	int code = serve(t);
	scratch_sweep(settings_record_get(&t->settings, "TEMPBASE"));
	for (size_t i = 0; i < t->instance_count; i++)
		if (t->instances[i])
			plugin_instance_stop(t->instances[i]);
	children_free(&t->openers);
	talloc_free(t);
	return code;
}
