/* blame.c - who was being asked when a worker died, and who leaves descriptors open.
 *
 * A worker keeps in its place of the shared memory which instances have a call; whoever reaps it reads that.  Of several
 * that are asked side by side the one on whose thread a fault happens, or exit() is called, is the one: the others are
 * taken out at the last moment. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>

#include "base/log.h"
#include "plugin/inside.h"

#define BITS 64
#define LEAKS_TOLERATED 8	/* calls of a process: a library may open something for good when first used */

static struct shared_worker *place;	/* NULL: not in a worker */
static _Thread_local int asked_here = -1;	/* by this thread: number of a slot */
static atomic_bool dying;			/* somebody is to blame already: who begins to be asked now is not */
static bool leaked, one_by_one;
static unsigned leaks_of_somebody;

static int number_of(struct plugin_instance *i)
{
	struct shared_instance *slot = place ? account_slot(i) : NULL;
	return slot ? (int)(slot - account_memory()->instances) : -1;
}

void blame_enter(struct plugin_instance *i)
{
	asked_here = number_of(i);
	if (asked_here < 0)
		return;
	uint64_t bit = UINT64_C(1) << asked_here % BITS;
	atomic_fetch_or(&place->asking[asked_here / BITS], bit);
	if (atomic_load(&dying))
		atomic_fetch_and(&place->asking[asked_here / BITS], ~bit);
}

void blame_leave(struct plugin_instance *i)
{
	int number = number_of(i);
	asked_here = -1;
	if (number >= 0)
		atomic_fetch_and(&place->asking[number / BITS], ~(UINT64_C(1) << number % BITS));
}

/* Only what a signal handler may do. */
static void blame_this_thread(void)
{
	if (!place || asked_here < 0)
		return;
	atomic_store(&dying, true);
	for (int k = 0; k < SHARED_INSTANCES / BITS; k++)
		atomic_store(&place->asking[k], k == asked_here / BITS ? UINT64_C(1) << asked_here % BITS : 0);
}

static void on_fault(int signal_number)
{
	(void)signal_number;	/* with its default again it strikes anew */
	blame_this_thread();
}

void plugin_blame_setup(struct shared_worker *slot)
{
#ifdef WITH_SANITIZER
	static const int faults[] = { SIGABRT };	/* the others are the sanitizer's */
#else
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
#endif
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_RESETHAND | SA_NODEFER };
	for (int k = 0; k < SHARED_INSTANCES / BITS; k++)
		atomic_store(&slot->asking[k], 0);
	place = slot;
	for (size_t k = 0; k < sizeof faults / sizeof *faults; k++)
		sigaction(faults[k], &action, NULL);
	atexit(blame_this_thread);
}

const char *plugin_blame_dead(struct shared *shared, struct shared_worker *slot, void *owner)
{
	char *names = NULL;
	for (int k = 0; k < SHARED_INSTANCES; k++) {
		uint64_t bit = UINT64_C(1) << k % BITS;
		if (!(atomic_fetch_and(&slot->asking[k / BITS], ~bit) & bit))
			continue;
		struct shared_instance *i = &shared->instances[k];
		atomic_fetch_add(&i->deaths, 1);
		names = talloc_asprintf(owner, "%s%s%s", names ? names : "", names ? ", " : "", i->name);
	}
	return names;
}

/* ---- descriptors ---- */

void leaks_begin(struct leak_watch *w)
{
	int at = -1;
	for (size_t k = 0; k < LEAK_WATCHED; k++) {
		w->fds[k] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, at + 1);
		if (w->fds[k] < 0)
			return;
		close(at = w->fds[k]);
	}
}

static bool is_kept(int fd, struct plugin_instance *const *instances, size_t count)
{
	for (size_t k = 0; k < count; k++)
		if (instances[k]->kept_fd == fd)
			return true;
	return false;
}

static bool anything_left(const struct leak_watch *w, struct plugin_instance *const *instances, size_t count)
{
	for (size_t k = 0; k < LEAK_WATCHED && w->fds[k] >= 0; k++)
		if (fcntl(w->fds[k], F_GETFD) >= 0 && !is_kept(w->fds[k], instances, count))
			return true;
	return false;
}

static void blame_for_leaks(struct plugin_instance *i)
{
	struct shared_instance *slot = account_slot(i);
	if (slot)
		atomic_fetch_add(&slot->leaks, 1);
	if (!leaked)
		log_write(LOG_LEVEL_WARNING, "%s: leaves descriptors open; this process is replaced before they run out", i->name);
	leaked = true;
}

void leaks_end(const struct leak_watch *w, struct plugin_instance *const *instances, size_t count)
{
	if (!anything_left(w, instances, count))
		return;
	if (count == 1 && (one_by_one || ++instance_calls(instances[0])->leaks > LEAKS_TOLERATED))
		blame_for_leaks(instances[0]);
	else if (count > 1)
		one_by_one = ++leaks_of_somebody > LEAKS_TOLERATED;
}

bool leaks_need_one_by_one(void)
{
	return one_by_one;
}

bool plugin_leaks_found(void)
{
	return leaked;
}
