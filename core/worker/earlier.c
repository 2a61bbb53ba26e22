/* earlier.c - keeps a retry from overtaking the try before it.
 *
 * When reception dies, or a client hangs up, a worker may already wait for the
 * next hop's last word.  A retry that came through meanwhile would bring a
 * second copy: it waits here until that word is in the ledger.  Other mails of
 * the same content (a newsletter in several transactions) are not waited for. */
#include "worker/earlier.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define WAIT_MAX_MS 30000
#define PAUSE_MS 10

struct ledger_key earlier_key(const struct mail *m, unsigned recipient)
{
	return ledger_key_make(m->digest, m->envelope->sender, m->envelope->recipients[recipient].address);
}

static bool is_dead(uint32_t pid)
{
	return pid == 0 || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}

/* Another worker that hands this very content on, for a client that will not hear of it. */
static bool is_abandoned_try(const struct shared_worker *other, const struct mail *m)
{
	uint32_t pid = atomic_load(&other->pid);
	if (pid == 0 || atomic_load(&other->stage) != STAGE_DELIVER || memcmp(other->digest, m->digest, sizeof other->digest) != 0)
		return false;
	return (atomic_load(&other->abandoned) || is_dead(atomic_load(&other->owner_pid))) && !is_dead(pid);
}

static bool is_under_way(const struct worker *w, const struct mail *m)
{
	for (unsigned half = 0; half < 2; half++) {
		unsigned first = half * (SHARED_WORKERS / 2), end = first + atomic_load(&w->shared->slots_used[half]);
		for (unsigned i = first; i < end; i++)
			if (i != w->setup->slot && is_abandoned_try(&w->shared->workers[i], m))
				return true;
	}
	return false;
}

/* Delivered, but not yet settled by the reception that answers for it. */
static bool is_unsettled(const struct worker *w, const struct mail *m)
{
	for (unsigned i = 0; i < m->recipient_count; i++)
		if (ledger_delivered_is_pending(w->shared, earlier_key(m, i)))
			return true;
	return false;
}

int earlier_wait(struct worker *w, const struct mail *m, struct error *e)
{
	struct deadline until = deadline_sooner(m->deadline, WAIT_MAX_MS);
	struct pollfd p = { .fd = m->deadline.cancel_fd, .events = POLLIN };
	bool said = false;
	while (is_under_way(w, m) || is_unsettled(w, m)) {
		if (!said)
			log_write(LOG_LEVEL_NOTICE, "an earlier try of this mail is still being delivered, waiting for it");
		said = true;
		if (deadline_left_ms(until) == 0)
			return error_set(e, ERROR_DEADLINE, "an earlier try of this mail is still under way");
		if (poll(&p, 1, PAUSE_MS) > 0)
			return error_set(e, ERROR_CANCELLED, "the client has gone");
	}
	return 0;
}
