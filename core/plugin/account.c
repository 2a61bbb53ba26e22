/* account.c - counts what calls of an instance cost and find, in memory that all processes share; and the breaker.
 *
 * The breaker opens only after connections that took long to fail, several in a
 * row: a refused connection costs nothing and is tried for every mail, and
 * a scan that ran out of time is the mail's doing as often as the scanner's (a
 * hostile mail must not be able to switch a scanner off). */
#include "config.h"

#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "plugin/inside.h"

#define SLOW_CONNECT_MS 1000
#define BREAKER_FAILURES 3
#define BREAKER_MS 15000

enum { SLOT_FREE = 0, SLOT_BUSY = 1, SLOT_USED = 2 };

static struct shared *account_shared;

void account_setup(struct shared *shared)
{
	account_shared = shared;
}

static bool slot_is(struct shared_instance *slot, const char *name)
{
	return atomic_load(&slot->state) == SLOT_USED && strncmp(slot->name, name, sizeof slot->name - 1) == 0;
}

static struct shared_instance *slot_find_or_make(const char *name)
{
	for (unsigned k = 0; k < SHARED_INSTANCES; k++) {
		struct shared_instance *slot = &account_shared->instances[k];
		uint32_t expected = SLOT_FREE;
		if (slot_is(slot, name))
			return slot;
		if (!atomic_compare_exchange_strong(&slot->state, &expected, SLOT_BUSY))
			continue;
		g_strlcpy(slot->name, name, sizeof slot->name);
		atomic_store(&slot->state, SLOT_USED);
		return slot;
	}
	return NULL;	/* more instances than slots: these are not counted */
}

static struct shared_instance *slot_of(struct plugin_instance *i)
{
	struct instance_calls *calls = instance_calls(i);
	if (!account_shared)
		return NULL;
	if (!calls->slot)
		calls->slot = slot_find_or_make(i->name);
	return calls->slot;
}

const char *account_breaker(struct plugin_instance *i, void *owner)
{
	struct shared_instance *slot = slot_of(i);
	int64_t until = slot ? atomic_load(&slot->breaker_until_ms) : 0;
	int64_t now = clock_now_ms();
	if (until <= now)
		return NULL;
	return talloc_asprintf(owner, "not asked: its last %u connections hung; next try in %lld s",
		(unsigned)atomic_load(&slot->breaker_failures), (long long)(until - now + 999) / 1000);
}

static void breaker_note(struct shared_instance *slot, const struct postern_call *c, enum postern_result result)
{
	bool answered = result == POSTERN_OK || result == POSTERN_NOTHING || result == POSTERN_LIMIT;
	if (answered) {
		if (atomic_exchange(&slot->breaker_failures, 0) >= BREAKER_FAILURES)
			log_write(LOG_LEVEL_NOTICE, "%s: answers again", c->instance->name);
		return;
	}
	if (c->connect_failed_ms < SLOW_CONNECT_MS)
		return;
	unsigned failures = atomic_fetch_add(&slot->breaker_failures, 1) + 1;
	if (failures < BREAKER_FAILURES)
		return;
	atomic_store(&slot->breaker_until_ms, clock_now_ms() + BREAKER_MS);
	if (failures == BREAKER_FAILURES)
		log_write(LOG_LEVEL_WARNING, "%s: %u connections in a row hung; asked again every %d s only: %s", c->instance->name, failures,
			BREAKER_MS / 1000, c->error ? c->error : "");
}

static void slot_add(struct shared_instance *slot, enum postern_result result, unsigned found, uint32_t elapsed_us)
{
	atomic_fetch_add(&slot->calls, 1);
	atomic_fetch_add(&slot->found, found);
	atomic_fetch_add(&slot->elapsed_us, elapsed_us);
	if (result == POSTERN_TEMPFAIL || result == POSTERN_BROKEN)
		atomic_fetch_add(&slot->failed, 1);
}

void account_call(const struct postern_call *c, enum postern_result result, unsigned found, uint32_t elapsed_us)
{
	struct shared_instance *slot = slot_of(c->instance);
	if (!slot)
		return;
	slot_add(slot, result, found, elapsed_us);
	if (result == POSTERN_TEMPFAIL && deadline_left_ms(c->deadline) == 0)
		atomic_fetch_add(&slot->timeouts, 1);
	breaker_note(slot, c, result);
}

void plugin_account(const struct plugin_instance *i, const struct plugin_outcome *out)
{
	struct shared_instance *slot = slot_of((struct plugin_instance *)(uintptr_t)i);
	if (slot)
		slot_add(slot, out->result, out->found_count, out->elapsed_us);
}
