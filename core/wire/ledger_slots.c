/* ledger_slots.c - claims, finds and changes slots that several processes use at once.
 *
 * The order that makes it safe: a claim sets BUSY, a new generation and the
 * time in one exchange; then end and key are stored; then one more exchange
 * publishes the entry, and fails if the slot was taken away meanwhile.  Whoever
 * reads sees the word first (acquire), then end and key, and changes the word
 * only by an exchange with what it saw: had the key changed in between, the
 * generation would have too. */
#include "wire/ledger_slots.h"

#include <string.h>

#define STATE_BITS 2
#define STATE_MASK 3u
#define GENERATION_MASK 0x3FFFFFFFu
#define CLAIM_ATTEMPTS 64

static uint64_t word_make(enum delivered_state state, uint32_t generation, uint32_t value)
{
	uint32_t low = (uint32_t)state | (generation & GENERATION_MASK) << STATE_BITS;
	return (uint64_t)value << 32 | low;
}

static uint32_t word_generation(uint64_t word)
{
	return (uint32_t)word >> STATE_BITS;
}

enum delivered_state ledger_word_state(uint64_t word)
{
	return (enum delivered_state)(word & STATE_MASK);
}

uint32_t ledger_word_value(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

uint64_t ledger_word_with(uint64_t word, enum delivered_state state, uint32_t value)
{
	return word_make(state, word_generation(word), value);
}

bool ledger_slot_change(struct shared_ledger_slot *slot, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong(&slot->word, &from, to);
}

struct ledger_key ledger_slot_key(const struct shared_ledger_slot *slot)
{
	struct ledger_key key;
	uint64_t halves[2] = { atomic_load_explicit(&slot->key[0], memory_order_relaxed),
		atomic_load_explicit(&slot->key[1], memory_order_relaxed) };
	memcpy(key.bytes, halves, sizeof key.bytes);
	return key;
}

uint64_t ledger_slot_live(struct shared_ledger_slot *slot, int64_t now_ms)
{
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);
	enum delivered_state state = ledger_word_state(word);
	if (state != DELIVERED_PENDING && state != DELIVERED_NOTED)
		return 0;
	return atomic_load_explicit(&slot->until_ms, memory_order_relaxed) > now_ms ? word : 0;
}

static uint32_t now_s(int64_t now_ms)
{
	return (uint32_t)(now_ms / 1000);
}

static bool slot_is_free(struct shared_ledger_slot *slot, uint64_t word, int64_t now_ms)
{
	switch (ledger_word_state(word)) {
	case DELIVERED_FREE:
		return true;
	case DELIVERED_BUSY:
		/* Signed: another process's clock reading may be a little ahead of ours. */
		return (int32_t)(now_s(now_ms) - ledger_word_value(word)) > LEDGER_BUSY_MAX_S;
	default:
		return atomic_load_explicit(&slot->until_ms, memory_order_relaxed) <= now_ms;
	}
}

static struct shared_ledger_slot *window_slot(struct ledger_table t, struct ledger_key key, unsigned at)
{
	uint64_t hash;
	memcpy(&hash, key.bytes, sizeof hash);
	return &t.slots[(hash % t.count + at) % t.count];
}

static bool slot_has_key(struct shared_ledger_slot *slot, struct ledger_key key)
{
	uint64_t halves[2];
	memcpy(halves, key.bytes, sizeof halves);
	return atomic_load_explicit(&slot->key[0], memory_order_relaxed) == halves[0] &&
		atomic_load_explicit(&slot->key[1], memory_order_relaxed) == halves[1];
}

struct shared_ledger_slot *ledger_find(struct ledger_table t, struct ledger_key key, int64_t now_ms, unsigned *at,
	uint64_t *word)
{
	while (*at < LEDGER_WINDOW) {
		struct shared_ledger_slot *slot = window_slot(t, key, (*at)++);
		*word = ledger_slot_live(slot, now_ms);
		if (*word != 0 && slot_has_key(slot, key))
			return slot;
	}
	return NULL;
}

/* A free slot of the window, else the NOTED one nearest its end, else NULL; with the word it had. */
static struct shared_ledger_slot *window_choose(struct ledger_table t, struct ledger_key key, int64_t now_ms,
	uint64_t *word)
{
	struct shared_ledger_slot *oldest = NULL;
	int64_t oldest_until = INT64_MAX;
	for (unsigned i = 0; i < LEDGER_WINDOW; i++) {
		struct shared_ledger_slot *slot = window_slot(t, key, i);
		uint64_t seen = atomic_load_explicit(&slot->word, memory_order_acquire);
		if (slot_is_free(slot, seen, now_ms)) {
			*word = seen;
			return slot;
		}
		int64_t until = atomic_load_explicit(&slot->until_ms, memory_order_relaxed);
		if (ledger_word_state(seen) == DELIVERED_NOTED && until < oldest_until) {
			oldest = slot;
			oldest_until = until;
			*word = seen;
		}
	}
	return oldest;
}

static bool slot_publish(struct shared_ledger_slot *slot, struct ledger_key key, int64_t until_ms, uint64_t busy, uint64_t entry)
{
	uint64_t halves[2];
	memcpy(halves, key.bytes, sizeof halves);
	atomic_store_explicit(&slot->until_ms, until_ms, memory_order_relaxed);
	atomic_store_explicit(&slot->key[0], halves[0], memory_order_relaxed);
	atomic_store_explicit(&slot->key[1], halves[1], memory_order_relaxed);
	return ledger_slot_change(slot, busy, entry);
}

bool ledger_insert(struct ledger_table t, struct ledger_key key, enum delivered_state state, uint32_t value,
	int64_t now_ms, int64_t until_ms)
{
	for (unsigned i = 0; i < CLAIM_ATTEMPTS; i++) {
		uint64_t seen = 0;
		struct shared_ledger_slot *slot = window_choose(t, key, now_ms, &seen);
		if (!slot)
			return false;
		uint64_t busy = word_make(DELIVERED_BUSY, word_generation(seen) + 1, now_s(now_ms));
		if (ledger_slot_change(slot, seen, busy) &&
		    slot_publish(slot, key, until_ms, busy, ledger_word_with(busy, state, value)))
			return true;
	}
	return false;
}
