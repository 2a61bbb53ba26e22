/* ledger_slots.h - the slots that both ledgers are made of; used by ledger*.c only.
 *
 * Open addressing without deletion marks: an entry stands in one of the
 * LEDGER_WINDOW slots from where its key points to, and every search looks at
 * all of them.  Between processes, without locks: an entry changes by one
 * compare-exchange of its word. */
#ifndef POSTERN_WIRE_LEDGER_SLOTS_H
#define POSTERN_WIRE_LEDGER_SLOTS_H

#include "wire/shared.h"

#define LEDGER_WINDOW 16
#define LEDGER_BUSY_MAX_S 10	/* how long a slot may be BUSY before it is taken from its claimer, dead or stopped */

struct ledger_table {
	struct shared_ledger_slot *slots;
	uint32_t count;
};

enum delivered_state ledger_word_state(uint64_t word);
uint32_t ledger_word_value(uint64_t word);
/* The same entry with another state and value. */
uint64_t ledger_word_with(uint64_t word, enum delivered_state state, uint32_t value);
/* The word of a slot when it holds a living PENDING or NOTED entry, else a FREE word (0). */
uint64_t ledger_slot_live(struct shared_ledger_slot *slot, int64_t now_ms);
/* The next living entry of this key, from window position *at on (which is moved behind it); NULL when there is none. */
struct shared_ledger_slot *ledger_find(struct ledger_table t, struct ledger_key key, int64_t now_ms, unsigned *at,
	uint64_t *word);
/* Put a new entry in; false when no slot could be had. */
bool ledger_insert(struct ledger_table t, struct ledger_key key, enum delivered_state state, uint32_t value,
	int64_t now_ms, int64_t until_ms);
struct ledger_key ledger_slot_key(const struct shared_ledger_slot *slot);
bool ledger_slot_change(struct shared_ledger_slot *slot, uint64_t from, uint64_t to);

#endif
