/* worker.c - the loop of a worker: give a token, get a job, run the pipeline, answer.
 * It never takes hostile content apart; it dies of its own timer rather than hang. */
#include "config.h"

#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/io.h"
#include "base/log.h"
#include "worker/answer.h"
#include "worker/explain.h"
#include "worker/open.h"
#include "worker/pipeline.h"
#include "worker/rcpt_size.h"
#include "worker/scan_file.h"
#include "worker/take.h"

#define VERSION_TIMEOUT_MS 5000
#define MAIL_POOL_BYTES (48 * 1024)

/* --- seen from outside --- */

void worker_stage(struct worker *w, enum worker_stage stage)
{
	atomic_store(&w->slot->stage_since_ms, clock_now_ms());
	atomic_store(&w->slot->stage, stage);
}

static void rest(struct worker *w)
{
	worker_stage(w, w->setup->questions_only ? STAGE_RESERVED : STAGE_IDLE);
}

static void show_job(struct worker *w, const struct job *job)
{
	memset(w->slot->digest, 0, sizeof w->slot->digest);
	atomic_store(&w->slot->owner_pid, job->owner_pid);
	atomic_store(&w->slot->abandoned, 0);
	atomic_store(&w->slot->blamed, 0);
	g_strlcpy(w->slot->log_id, job->log_id, sizeof w->slot->log_id);
	worker_stage(w, STAGE_SETTLE);
}

/* --- death rather than a hang: SIGALRM's default action --- */

static void arm_death(int64_t at_ms)
{
	static timer_t timer;
	static bool made;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	if (!made && timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
		return;
	made = true;
	struct itimerspec t = { .it_value = { .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 } };
	timer_settime(timer, TIMER_ABSTIME, &t, NULL);	/* at_ms 0 disarms */
}

/* --- the token --- */

static void give_token(struct worker *w)
{
	int pair[2];
	struct wire_writer out = { 0 };
	struct token t = { .slot = w->setup->slot, .pid = (uint32_t)getpid(),
		.serves = w->setup->questions_only ? TOKEN_QUESTIONS : TOKEN_MAILS };
	size_t n;
	if (w->token_fd >= 0 || w->retiring || fdpass_pair(pair) != 0)
		return;
	token_write(&out, &t);
	const void *data = wire_end(&out, &n);
	if (fdpass_send(w->setup->tokens_fd, data, n, &pair[1], 1, 0) == 0)
		w->token_fd = pair[0];
	else
		close(pair[0]);
	close(pair[1]);
	wire_free(&out);
}

static void drop_token(struct worker *w)
{
	if (w->token_fd >= 0)
		close(w->token_fd);
	w->token_fd = -1;
}

/* --- told to leave: what it has inherited is no longer what the configuration's files say --- */

static bool told_to_leave(const struct worker *w)
{
	struct pollfd p = { .fd = w->setup->leave_fd, .events = POLLIN };
	return poll(&p, 1, 0) > 0;
}

/* Reception may be sending a job this very moment: it closes the token, or that job is done first. */
static void retire(struct worker *w)
{
	struct wire_writer out = { 0 };
	size_t n;
	w->retiring = true;
	text_record_write(&out, RECORD_RETIRING, "");
	const void *data = wire_end(&out, &n);
	if (w->token_fd < 0 || fdpass_send(w->token_fd, data, n, NULL, 0, MSG_DONTWAIT) != 0)
		w->leave = true;
	wire_free(&out);
}

/* --- one job --- */

static void note_digest(struct worker *w, const struct mail *m)
{
	memcpy(w->slot->digest, m->digest, sizeof w->slot->digest);
}

static void forgive(struct worker *w, const struct mail *m)
{
	struct ledger_key key = ledger_key_make(m->digest, m->envelope->sender, NULL);
	if (!m->opened || atomic_load(&w->slot->blamed) || ledger_poison_deaths(w->shared, key) == 0)
		return;
	ledger_poison_clear(w->shared, key);
	ledger_file_used(w->setup->ledger_fd, key);
}

static void settle_job(struct worker *w, const struct job *job, struct mail *m)
{
	struct error e = { 0 };
	note_digest(w, m);
	if (pipeline_run(w, m, job->owner_pid, &e) != 0) {
		log_write(LOG_LEVEL_INFO, "cancelled: %s; nothing was delivered", e.text);	/* reception has counted it */
		answer_send_failure(w, m->envelope->recipient_count, "451 4.4.2 Cancelled");
		return;
	}
	forgive(w, m);
	w->leave |= told_to_leave(w);
	answer_send(w, m);
}

static void begin_job(struct worker *w, const struct job *job)
{
	show_job(w, job);
	log_set_id(job->log_id);
	arm_death(job->deadline_ms + policy_ms(&w->base, SET_child_timeout_grace, 5000));
	if ((++w->mails >= w->max_mails && w->max_mails > 0) || w->retiring)
		w->leave = true;
}

static void end_job(struct worker *w, void *owner)
{
	talloc_free(owner);
	log_set_level((int)policy_int(&w->base, SET_log_level, 0));
	arm_death(0);
	log_set_id(NULL);
}

static void do_mail(struct worker *w, const struct job *job, int mail_fd, int envelope_fd, int output_fd)
{
	struct error e = { 0 };
	void *owner = talloc_pool(NULL, MAIL_POOL_BYTES);	/* most mails need no more: one piece of memory, given back in one */
	begin_job(w, job);
	struct mail *m = take_mail(owner, job, mail_fd, envelope_fd, w->token_fd, (unsigned)policy_int(&w->base, SET_mail_id_size_bits, 72), &e);
	if (m && job->kind == JOB_SCAN) {
		note_digest(w, m);
		answer_send_text(w, 0, scan_file_run(w, m, output_fd));
	} else if (m) {
		settle_job(w, job, m);
	} else {
		log_write(LOG_LEVEL_ERROR, "job: %s", e.text);
		if (job->kind == JOB_SCAN)
			answer_send_text(w, 0, "2\nnot completed: it cannot be read\n");
		else
			answer_send_failure(w, 0, "451 4.5.0 Error in processing");
	}
	end_job(w, owner);
	atomic_fetch_add(&w->slot->mails, 1);
}

/* What is asked about a mail that is not there. */
static void do_question(struct worker *w, const struct job *job, int envelope_fd)
{
	struct error e = { 0 };
	void *owner = talloc_pool(NULL, MAIL_POOL_BYTES);
	begin_job(w, job);
	struct mail *m = take_question(owner, job, envelope_fd, w->token_fd, &e);
	if (!m)
		log_write(LOG_LEVEL_ERROR, "job: %s", e.text);
	if (m && job->kind == JOB_RCPT)
		answer_send_failure(w, m->envelope->recipient_count, rcpt_size_reply(w, m));
	else if (m)
		answer_send_text(w, m->envelope->recipient_count, explain_run(w, m));
	else
		answer_send_failure(w, 0, "");
	end_job(w, owner);
}

static bool has_mail(const struct job *job)
{
	return job->kind == JOB_MAIL || job->kind == JOB_SCAN;
}

static bool is_known(const struct job *job)
{
	return has_mail(job) || job->kind == JOB_RCPT || job->kind == JOB_EXPLAIN;
}

static int descriptors_of(const struct job *job)
{
	return has_mail(job) + (job->envelope_bytes == 0) + (job->kind == JOB_SCAN);
}

static void take_job(struct worker *w)
{
	char buffer[WIRE_JOB_MAX];
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	struct wire_reader r;
	struct job job = { 0 };
	ssize_t n = fdpass_receive(w->token_fd, buffer, sizeof buffer, fds, &count, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop_token(w);
		w->leave |= w->retiring;
		return;
	}
	void *owner = talloc_new(NULL);
	if (wire_open(&r, buffer, (size_t)n) && r.kind == RECORD_CANCEL) {
		fdpass_close_all(fds, count);	/* it crossed our RESULT */
	} else if (r.bad || r.kind != RECORD_JOB || job_read(&r, owner, &job) != 0 || !is_known(&job) || count != descriptors_of(&job)) {
		log_write(LOG_LEVEL_ERROR, "reception sent a job that this worker does not know");
		fdpass_close_all(fds, count);
		drop_token(w);
	} else {
		int next = 0, mail_fd = has_mail(&job) ? fds[next++] : -1, envelope_fd = job.envelope_bytes == 0 ? fds[next++] : -1;
		int output_fd = job.kind == JOB_SCAN ? fds[next++] : -1;
		if (has_mail(&job))
			do_mail(w, &job, mail_fd, envelope_fd, output_fd);
		else
			do_question(w, &job, envelope_fd);
		if (output_fd >= 0)
			close(output_fd);
		rest(w);
	}
	talloc_free(owner);
}

/* --- between mails --- */

static void idle_instances(struct worker *w)
{
	for (size_t i = 0; i < w->setup->instance_count; i++)
		if (w->setup->instances[i] && !(w->setup->instances[i]->plugin->capabilities & POSTERN_CAP_HOSTILE_PARSER))
			plugin_instance_idle(w->setup->instances[i]);
	deliver_pool_idle(w->pool);
}

/* Wait for a job; false: leave. An opener that ends meanwhile (recycled, killed, replaced) is replaced at once. */
static bool wait_for_job(struct worker *w)
{
	struct pollfd p[4] = {
		{ .fd = w->token_fd, .events = POLLIN },
		{ .fd = w->setup->life_fd, .events = POLLIN },
		{ .fd = opener_link_fd(w->opener), .events = opener_link_greeted(w->opener) ? POLLRDHUP : POLLIN | POLLRDHUP },
		{ .fd = w->retiring ? -1 : w->setup->leave_fd, .events = POLLIN },
	};
	int n = poll(p, 4, 5000);
	if (n == 0)
		idle_instances(w);
	if (n <= 0)
		return true;
	if (p[0].revents)
		take_job(w);
	else if (p[1].revents)
		return false;
	else if (p[3].revents)
		retire(w);
	else if (p[2].revents & (POLLRDHUP | POLLHUP | POLLERR))
		opener_link_drop(w->opener);
	else if (p[2].revents)
		opener_link_greet(w->opener);
	return true;
}

/* Findings carry the engine's version; a scanner that is down now says it with its first scan. */
static void learn_version(struct plugin_instance *instance)
{
	void *owner = talloc_new(NULL);
	struct plugin_outcome o = { 0 };
	if (instance->plugin->roles & POSTERN_SCANNER)
		plugin_version(instance, deadline_in(VERSION_TIMEOUT_MS), owner, &o);
	talloc_free(owner);
}

static void start_instances(struct worker *w)
{
	for (size_t i = 0; i < w->setup->instance_count; i++) {
		struct plugin_instance *instance = w->setup->instances[i];
		struct error e = { 0 };
		if (!instance || (instance->plugin->capabilities & POSTERN_CAP_HOSTILE_PARSER))
			continue;
		if (plugin_instance_start(instance, &e) == 0)
			learn_version(instance);
		else if (!instance->absent)	/* else it was told once, when the configuration was read */
			log_write(LOG_LEVEL_WARNING, "%s: %s", instance->name, e.text);
	}
	for (size_t i = 0; w->setup->deliveries[i]; i++)
		plugin_instance_start(w->setup->deliveries[i], NULL);
}

static void serve(struct worker *w)
{
	int64_t next_token_ms = 0;
	rest(w);
	while (!w->leave) {
		if (!w->setup->questions_only)
			opener_link_ensure(w->opener);
		/* Reception that closes tokens is gone or leaving: do not hurry the next one upon it. */
		if (w->token_fd < 0 && clock_now_ms() < next_token_ms)
			usleep(20000);
		if (w->token_fd < 0)
			next_token_ms = clock_now_ms() + 100;
		give_token(w);
		if (!wait_for_job(w))
			return;
	}
}

/* What an administrator's Lua function may see of a mail. */
static void view_mail(const void *mail, struct config_mail_view *view)
{
	const struct mail *m = mail;
	const char **recipients = talloc_zero_array((void *)(uintptr_t)m, const char *, m->envelope->recipient_count + 1);
	for (uint32_t i = 0; i < m->envelope->recipient_count; i++)
		recipients[i] = m->envelope->recipients[i].address;
	const struct envelope *e = m->envelope;
	*view = (struct config_mail_view){
		.log_id = m->log_id, .sender = e->sender, .client_address = m->client_address, .recipients = recipients,
		.client_name = e->client.name, .helo = e->client.helo ? e->client.helo : e->helo, .protocol = e->protocol, .interface = e->socket_text,
		.policy_banks = m->policy_bank_path, .originating = m->originating, .received_wall_us = e->received_wall_us,
		.size_bytes = m->fd >= 0 ? (int64_t)m->size_lf_bytes : e->declared_size,
	};
}

/* A plugin that eats memory costs its own mail, not the machine's. Data only: threads' stacks and files that are mapped do not
 * count. A sanitizer's shadow memory would. */
static void limit_memory(int64_t limit_bytes)
{
#ifndef WITH_SANITIZER
	unsigned long data_pages = 0;
	struct rlimit r;
	FILE *f = limit_bytes > 0 ? fopen("/proc/self/statm", "re") : NULL;
	if (!f)
		return;
	if (fscanf(f, "%*u %*u %*u %*u %*u %lu", &data_pages) == 1 && getrlimit(RLIMIT_DATA, &r) == 0) {
		r.rlim_cur = MIN(r.rlim_max, (rlim_t)data_pages * (rlim_t)sysconf(_SC_PAGESIZE) + (rlim_t)limit_bytes);
		setrlimit(RLIMIT_DATA, &r);
	}
	fclose(f);
#else
	(void)limit_bytes;
#endif
}

int worker_run(const struct worker_setup *setup)
{
	struct worker *w = talloc_zero(NULL, struct worker);
	w->setup = setup;
	w->shared = setup->shared;
	w->slot = &setup->shared->workers[setup->slot];
	w->token_fd = -1;
	policy_init(&w->base, setup->config);
	config_set_mail_view(view_mail);
	w->max_mails = (unsigned)policy_int(&w->base, SET_max_requests, 0);
	/* Workers started together shall not retire together. */
	if (w->max_mails > 20)
		w->max_mails += (unsigned)getpid() % (w->max_mails / 10 + 1);
	w->pool = deliver_pool_new(w, w->shared);
	w->opener = opener_link_new(w, setup);
	log_set_role("worker");
	worker_stage(w, STAGE_STARTING);
	plugin_blame_setup(w->slot);
	start_instances(w);
	limit_memory(policy_int(&w->base, SET_worker_memory_limit, 0));
	serve(w);
	drop_token(w);
	opener_link_drop(w->opener);
	talloc_free(w);
	return 0;
}
