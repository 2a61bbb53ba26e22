/* children.c - bookkeeping of forked children; it forks none itself. */
#include "template/children.h"

#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/deadline.h"

#define EARLY_MS 1000
#define BACKOFF_MAX_MS 30000

struct children_entry *children_add(struct children *c, pid_t pid, const char *note, unsigned slot)
{
	if (c->count == c->size) {
		c->size = c->size ? c->size * 2 : 16;
		c->entries = g_renew(struct children_entry, c->entries, c->size);
	}
	struct children_entry *e = &c->entries[c->count++];
	*e = (struct children_entry){ .pid = pid, .started_ms = clock_now_ms(), .slot = slot, .link_fd = -1 };
	if (note)
		g_strlcpy(e->note, note, sizeof e->note);
	return e;
}

/* A child that dies at once dies of its surroundings: try again later and later.  One that lived a while
 * was killed by a mail or a person and is replaced at once, so that nobody can slow the house by crashing it. */
static void note_death(struct children *c, const struct children_entry *e, int status)
{
	int64_t now = clock_now_ms();
	bool in_order = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	bool killed_from_outside = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	if (in_order || killed_from_outside || now - e->started_ms >= EARLY_MS) {
		c->early_deaths = 0;
		return;
	}
	c->early_deaths++;
	int64_t wait_ms = 100LL << (c->early_deaths < 9 ? c->early_deaths : 9);
	c->wait_until_ms = now + (wait_ms < BACKOFF_MAX_MS ? wait_ms : BACKOFF_MAX_MS);
}

bool children_reap(struct children *c, struct children_entry *entry, int *status)
{
	pid_t pid = waitpid(-1, status, WNOHANG);
	if (pid <= 0)
		return false;
	*entry = (struct children_entry){ .link_fd = -1 };
	for (unsigned i = 0; i < c->count; i++) {
		if (c->entries[i].pid != pid)
			continue;
		*entry = c->entries[i];
		c->entries[i] = c->entries[--c->count];
		note_death(c, entry, *status);
		break;
	}
	return true;
}

bool children_may_start(const struct children *c)
{
	return clock_now_ms() >= c->wait_until_ms;
}

void children_signal(const struct children *c, int signal_number)
{
	for (unsigned i = 0; i < c->count; i++)
		kill(c->entries[i].pid, signal_number);
}

void children_free(struct children *c)
{
	g_free(c->entries);
	*c = (struct children){ 0 };
}
