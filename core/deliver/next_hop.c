/* next_hop.c - see next_hop.h.  Slots are claimed by compare and swap; a name is only written while its slot is busy. */
#include "config.h"

#include <string.h>

#include <glib.h>

#include "base/deadline.h"
#include "base/log.h"
#include "deliver/next_hop.h"

enum { SLOT_FREE = 0, SLOT_BUSY = 1, SLOT_USED = 2 };

static bool slot_is(const struct shared_next_hop *slot, const char *name)
{
	return atomic_load(&slot->state) == SLOT_USED && strncmp(slot->name, name, sizeof slot->name - 1) == 0;
}

static struct shared_next_hop *find(struct shared *s, const char *name)
{
	for (unsigned i = 0; s && i < SHARED_NEXT_HOPS; i++)
		if (slot_is(&s->next_hops[i], name))
			return &s->next_hops[i];
	return NULL;
}

static bool claim(struct shared_next_hop *slot, uint32_t from, const char *name)
{
	uint32_t expected = from;

	if (!atomic_compare_exchange_strong(&slot->state, &expected, SLOT_BUSY))
		return false;
	g_strlcpy(slot->name, name, sizeof slot->name);
	atomic_store(&slot->failures, 0);
	atomic_store(&slot->dead_until_ms, 0);
	atomic_store(&slot->state, SLOT_USED);
	return true;
}

/* A free slot, else that of a hop which is not dead now. With all taken by dead ones nothing is remembered. */
static struct shared_next_hop *find_or_claim(struct shared *s, const char *name)
{
	struct shared_next_hop *slot = find(s, name);
	int64_t now = clock_now_ms();

	for (unsigned i = 0; s && !slot && i < SHARED_NEXT_HOPS; i++)
		if (claim(&s->next_hops[i], SLOT_FREE, name))
			slot = &s->next_hops[i];
	for (unsigned i = 0; s && !slot && i < SHARED_NEXT_HOPS; i++)
		if (atomic_load(&s->next_hops[i].dead_until_ms) < now && claim(&s->next_hops[i], SLOT_USED, name))
			slot = &s->next_hops[i];
	return slot;
}

bool next_hop_is_dead(struct shared *s, const char *name)
{
	const struct shared_next_hop *slot = find(s, name);

	return slot && atomic_load(&slot->dead_until_ms) > clock_now_ms();
}

void next_hop_failed(struct shared *s, const char *name, int64_t retry_ms)
{
	struct shared_next_hop *slot = find_or_claim(s, name);

	if (!slot)
		return;
	if (atomic_fetch_add(&slot->failures, 1) == 0)
		log_write(LOG_LEVEL_WARNING, "deliver: next hop %s fails; others come first for %d s", name, (int)(retry_ms / 1000));
	atomic_store(&slot->dead_until_ms, clock_now_ms() + retry_ms);
}

void next_hop_works(struct shared *s, const char *name)
{
	struct shared_next_hop *slot = find(s, name);

	if (!slot || atomic_load(&slot->failures) == 0)
		return;
	atomic_store(&slot->failures, 0);
	atomic_store(&slot->dead_until_ms, 0);
	log_write(LOG_LEVEL_NOTICE, "deliver: next hop %s works again", name);
}
