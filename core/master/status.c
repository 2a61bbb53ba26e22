/* status.c - what `posternctl status` shows, as text and as JSON, read from shared memory and the table of generations. */
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/text.h"
#include "master/master.h"

struct status {
	GString *out;
	bool json, first;
	struct master *master;
};

static void process_line(struct status *s, const char *role, pid_t pid, unsigned generation, const char *state, const char *log_id, int64_t age_ms)
{
	if (pid <= 0)
		return;
	if (!s->json) {
		g_string_append_printf(s->out, "  %-16s %7d  generation %-3u %-9s %6lld ms  %s\n", role, (int)pid, generation, state,
			(long long)age_ms, log_id);
		return;
	}
	g_string_append_printf(s->out, "%s{\"role\":\"%s\",\"pid\":%d,\"generation\":%u,\"stage\":\"%s\",\"stage_ms\":%lld,\"log_id\":",
		s->first ? "" : ",", role, (int)pid, generation, state, (long long)age_ms);
	text_append_json(s->out, log_id, strlen(log_id));
	g_string_append_c(s->out, '}');
	s->first = false;
}

static void generation_lines(struct status *s, const struct generation *g)
{
	const struct child *all[] = { &g->worker_template, &g->opener_template, &g->next_opener_template, &g->reception };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		process_line(s, role_name(all[i]->role), all[i]->pid, g->number,
			g->state == GENERATION_ACTIVE && !all[i]->ready ? "starting" : generation_state_name(g->state), "",
			clock_now_ms() - all[i]->started_ms);
}

static void worker_lines(struct status *s)
{
	for (unsigned i = 0; i < SHARED_WORKERS; i++) {
		const struct shared_worker *w = &s->master->shared->workers[i];
		uint32_t pid = atomic_load(&w->pid), stage = atomic_load(&w->stage);
		char log_id[sizeof w->log_id];
		if (pid == 0)
			continue;
		memcpy(log_id, w->log_id, sizeof log_id);
		log_id[sizeof log_id - 1] = '\0';
		int64_t age_ms = clock_now_ms() - atomic_load(&w->stage_since_ms);
		const char *name = worker_stage_name((enum worker_stage)stage);
		process_line(s, "worker", (pid_t)pid, atomic_load(&w->generation), name, stage > STAGE_IDLE ? log_id : "", age_ms);
		process_line(s, "opener", (pid_t)atomic_load(&w->opener_pid), atomic_load(&w->generation),
			stage == STAGE_OPEN ? "opening" : stage == STAGE_CHECK ? "scanning" : "idle",
			stage == STAGE_OPEN || stage == STAGE_CHECK ? log_id : "", age_ms);
	}
}

static void processes(struct status *s)
{
	s->first = true;
	g_string_append(s->out, s->json ? "\"processes\":[" : "processes\n");
	process_line(s, "master", getpid(), s->master->last_number, s->master->stopping ? "stopping" : "active", "",
		(clock_wall_us() - s->master->started_wall_us) / 1000);
	for (guint i = 0; i < s->master->generations->len; i++)
		generation_lines(s, g_ptr_array_index(s->master->generations, i));
	worker_lines(s);
	if (s->json)
		g_string_append_c(s->out, ']');
}

static void jail(struct status *s)
{
	struct shared *m = s->master->shared;
	unsigned seccomp = atomic_load(&m->jail_seccomp), landlock = atomic_load(&m->jail_landlock_abi);
	unsigned long long memory = atomic_load(&m->jail_memory_limit_bytes);
	if (s->json) {
		g_string_append_printf(s->out, "\"jail\":{\"seccomp\":%s,\"landlock_abi\":%u,\"memory_limit_bytes\":%llu}", seccomp ? "true" : "false",
			landlock, memory);
		return;
	}
	g_string_append_printf(s->out, "jail of openers\n  seccomp %s, landlock ", seccomp ? "in force" : "NOT in force");
	if (landlock)
		g_string_append_printf(s->out, "in force (ABI %u)", landlock);
	else
		g_string_append(s->out, "NOT in force");
	g_string_append_printf(s->out, ", memory limit %llu MiB above the size at start\n", memory >> 20);
}

static void counters(struct status *s)
{
	g_string_append(s->out, s->json ? "\"counters\":{" : "counters\n");
	for (int c = 0; c < COUNT_OF_COUNTERS; c++) {
		unsigned long long n = atomic_load(&s->master->shared->counters[c]);
		const char *name = shared_counter_name((enum shared_counter)c);
		if (s->json)
			g_string_append_printf(s->out, "%s\"%s\":%llu", c ? "," : "", name, n);
		else if (n)
			g_string_append_printf(s->out, "  %-24s %llu\n", name, n);
	}
	if (s->json)
		g_string_append_c(s->out, '}');
}

static void gauges(struct status *s)
{
	struct shared *m = s->master->shared;
	unsigned long long bytes = shared_work_area_bytes(m);
	unsigned connections = shared_connections(m), waiting = shared_mails_waiting(m);
	g_string_append_printf(s->out, s->json ? "\"connections\":%u,\"mails_waiting\":%u,\"work_area_bytes\":%llu"
		: "now\n  %u connections, %u mails waiting, %llu bytes in the work area\n", connections, waiting, bytes);
}

static void instances(struct status *s)
{
	bool first = true;
	g_string_append(s->out, s->json ? "\"plugins\":[" : "plugins (calls, found, failed, timed out, deaths, leaks, mean, connecting, breaker)\n");
	for (unsigned i = 0; i < SHARED_INSTANCES; i++) {
		struct shared_instance *p = &s->master->shared->instances[i];
		unsigned long long calls = atomic_load(&p->calls), found = atomic_load(&p->found), failed = atomic_load(&p->failed),
			timeouts = atomic_load(&p->timeouts), elapsed_us = atomic_load(&p->elapsed_us),
			connects = atomic_load(&p->connects), connect_us = atomic_load(&p->connect_us),
			deaths = atomic_load(&p->deaths), leaks = atomic_load(&p->leaks);
		const char *breaker = breaker_state_name((enum breaker_state)atomic_load(&p->breaker_state));
		if (atomic_load(&p->state) != 2)
			continue;
		if (s->json)
			g_string_append_printf(s->out, "%s{\"name\":\"%s\",\"calls\":%llu,\"found\":%llu,\"failed\":%llu,\"timeouts\":%llu,\"deaths\":%llu,\"leaks\":%llu,\"elapsed_us\":%llu,\"connects\":%llu,\"connect_us\":%llu,\"breaker\":\"%s\"}",
				first ? "" : ",", p->name, calls, found, failed, timeouts, deaths, leaks, elapsed_us, connects, connect_us, breaker);
		else
			g_string_append_printf(s->out, "  %-20s %llu %llu %llu %llu %llu %llu %llu us, %llu us, %s\n", p->name, calls, found, failed, timeouts, deaths, leaks, calls ? elapsed_us / calls : 0,
				connects ? connect_us / connects : 0, breaker);
		first = false;
	}
	if (s->json)
		g_string_append_c(s->out, ']');
}

char *status_text(struct master *m, bool json)
{
	static void (*const sections[])(struct status *) = { processes, jail, gauges, counters, instances };
	struct status s = { .out = g_string_new(json ? "{" : ""), .json = json, .master = m };
	if (json)
		g_string_append_printf(s.out, "\"version\":\"%s\",\"generation\":%u,\"generations\":%u,", VERSION_TEXT,
			master_active(m) ? master_active(m)->number : 0, m->generations->len);
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		if (json && i)
			g_string_append_c(s.out, ',');
		sections[i](&s);
	}
	if (json)
		g_string_append(s.out, "}\n");
	return g_string_free(s.out, FALSE);
}
