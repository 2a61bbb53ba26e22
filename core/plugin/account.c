/* account.c - counts what calls of an instance cost and find, in memory that all processes share. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "plugin/inside.h"

#define WRITING_LOOKS 50
#define WRITING_US 100

enum { SLOT_FREE = 0, SLOT_BUSY = 1, SLOT_USED = 2 };

static struct shared *account_shared;

void account_setup(struct shared *shared)
{
	account_shared = shared;
}

/* Another process that is writing its name there may be writing ours: two slots for one instance would halve what each knows.
 * One that died over it is not waited for long. */
static void wait_written(struct shared_instance *slot)
{
	for (unsigned k = 0; k < WRITING_LOOKS && atomic_load(&slot->state) == SLOT_BUSY; k++)
		usleep(WRITING_US);
}

static bool slot_is(struct shared_instance *slot, const char *name)
{
	wait_written(slot);
	return atomic_load(&slot->state) == SLOT_USED && strncmp(slot->name, name, sizeof slot->name - 1) == 0;
}

static struct shared_instance *slot_find_or_make(const char *name)
{
	for (unsigned k = 0; k < SHARED_INSTANCES; k++) {
		struct shared_instance *slot = &account_shared->instances[k];
		uint32_t expected = SLOT_FREE;
		if (slot_is(slot, name))
			return slot;
		if (!atomic_compare_exchange_strong(&slot->state, &expected, SLOT_BUSY)) {
			if (slot_is(slot, name))
				return slot;
			continue;
		}
		g_strlcpy(slot->name, name, sizeof slot->name);
		atomic_store(&slot->state, SLOT_USED);
		return slot;
	}
	return NULL;	/* more instances than slots: these are not counted */
}

struct shared *account_memory(void)
{
	return account_shared;
}

struct shared_instance *account_slot(struct plugin_instance *i)
{
	struct instance_calls *calls = instance_calls(i);
	if (!account_shared)
		return NULL;
	if (!calls->slot)
		calls->slot = slot_find_or_make(i->name);
	return calls->slot;
}

static void slot_add(struct shared_instance *slot, enum postern_result result, unsigned found, uint32_t elapsed_us)
{
	atomic_fetch_add(&slot->calls, 1);
	atomic_fetch_add(&slot->found, found);
	atomic_fetch_add(&slot->elapsed_us, elapsed_us);
	if (result == POSTERN_TEMPFAIL || result == POSTERN_BROKEN)
		atomic_fetch_add(&slot->failed, 1);
}

uint32_t elapsed_since_us(int64_t began_us)
{
	int64_t elapsed_us = clock_wall_us() - began_us;
	return elapsed_us > 0 && elapsed_us < UINT32_MAX ? (uint32_t)elapsed_us : 0;
}

void account_call(const struct postern_call *c, enum postern_result result, unsigned found, uint32_t elapsed_us)
{
	struct shared_instance *slot = account_slot(c->instance);
	if (!slot)
		return;
	slot_add(slot, result, found, elapsed_us);
	atomic_fetch_add(&slot->connects, c->connects);
	atomic_fetch_add(&slot->connect_us, c->connect_us);
	if (result == POSTERN_TEMPFAIL && deadline_left_ms(c->deadline) == 0)
		atomic_fetch_add(&slot->timeouts, 1);
}

void plugin_account(const struct plugin_instance *i, const struct plugin_outcome *out)
{
	struct shared_instance *slot = account_slot((struct plugin_instance *)(uintptr_t)i);
	if (slot)
		slot_add(slot, out->result, out->found_count, out->elapsed_us);
}
