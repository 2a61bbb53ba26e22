/* ledger.c - the two ledgers: who already has a mail, and which mail kills. What they mean for a mail is decided elsewhere. */
#include "config.h"
#include "wire/shared.h"

#include <glib.h>
#include <string.h>

#include "base/deadline.h"
#include "base/digest.h"
#include "wire/ledger_slots.h"

static struct ledger_table delivered_table(struct shared *s)
{
	return (struct ledger_table){ s->delivered, SHARED_DELIVERED };
}

static struct ledger_table poison_table(struct shared *s)
{
	return (struct ledger_table){ s->poison, SHARED_POISON };
}

struct ledger_key ledger_key_make(const unsigned char digest[16], const char *sender, const char *recipient_or_null)
{
	struct ledger_key key;
	unsigned char whole[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!sender)
		sender = "";
	bool good = ctx && EVP_DigestInit_ex(ctx, digest_sha256(), NULL) &&
		EVP_DigestUpdate(ctx, digest, 16) && EVP_DigestUpdate(ctx, "", 1) &&
		EVP_DigestUpdate(ctx, sender, strlen(sender));
	if (good && recipient_or_null)
		good = EVP_DigestUpdate(ctx, "", 1) &&
			EVP_DigestUpdate(ctx, recipient_or_null, strlen(recipient_or_null));
	if (!good || !EVP_DigestFinal_ex(ctx, whole, NULL))
		g_error("SHA-256 is not to be had from libcrypto");
	EVP_MD_CTX_free(ctx);
	memcpy(key.bytes, whole, sizeof key.bytes);
	return key;
}

bool ledger_delivered_pending(struct shared *s, struct ledger_key key, uint32_t owner)
{
	int64_t now = clock_now_ms();
	return ledger_insert(delivered_table(s), key, DELIVERED_PENDING, owner, now, now + DELIVERED_AGE_MS);
}

/* Change one entry of the key from a state (and owner, unless NULL) to another; false when there is none. */
static bool delivered_change(struct shared *s, struct ledger_key key, enum delivered_state from, const uint32_t *from_owner,
	enum delivered_state to, uint32_t to_owner)
{
	int64_t now = clock_now_ms();
	unsigned at = 0;
	uint64_t word;
	struct shared_ledger_slot *slot;
	while ((slot = ledger_find(delivered_table(s), key, now, &at, &word))) {
		if (ledger_word_state(word) != from || (from_owner && ledger_word_value(word) != *from_owner))
			continue;
		if (!ledger_slot_change(slot, word, ledger_word_with(word, to, to_owner))) {
			at = 0;	/* somebody else was quicker with this one: look again */
			continue;
		}
		if (to != DELIVERED_FREE)
			atomic_store(&slot->until_ms, now + DELIVERED_AGE_MS);
		return true;
	}
	return false;
}

bool ledger_delivered_take(struct shared *s, struct ledger_key key, uint32_t owner)
{
	return delivered_change(s, key, DELIVERED_NOTED, NULL, DELIVERED_PENDING, owner);
}

void ledger_delivered_clear(struct shared *s, struct ledger_key key, uint32_t owner)
{
	delivered_change(s, key, DELIVERED_PENDING, &owner, DELIVERED_FREE, 0);
}

bool ledger_delivered_note(struct shared *s, struct ledger_key key, uint32_t owner)
{
	return delivered_change(s, key, DELIVERED_PENDING, &owner, DELIVERED_NOTED, 0);
}

bool ledger_delivered_is_pending(struct shared *s, struct ledger_key key)
{
	int64_t now = clock_now_ms();
	unsigned at = 0;
	uint64_t word;
	while (ledger_find(delivered_table(s), key, now, &at, &word))
		if (ledger_word_state(word) == DELIVERED_PENDING)
			return true;
	return false;
}

unsigned ledger_delivered_note_all(struct shared *s, uint32_t owner, int ledger_fd)
{
	int64_t now = clock_now_ms();
	unsigned noted = 0;
	for (uint32_t i = 0; i < SHARED_DELIVERED; i++) {
		struct shared_ledger_slot *slot = &s->delivered[i];
		uint64_t word = ledger_slot_live(slot, now);
		if (ledger_word_state(word) != DELIVERED_PENDING || ledger_word_value(word) != owner)
			continue;
		struct ledger_key key = ledger_slot_key(slot);
		if (!ledger_slot_change(slot, word, ledger_word_with(word, DELIVERED_NOTED, 0)))
			continue;
		ledger_file_delivered(ledger_fd, key);
		noted++;
	}
	return noted;
}

unsigned ledger_delivered_count(struct shared *s, enum delivered_state state)
{
	int64_t now = clock_now_ms();
	unsigned count = 0;
	for (uint32_t i = 0; i < SHARED_DELIVERED; i++)
		count += ledger_word_state(ledger_slot_live(&s->delivered[i], now)) == state;
	return count;
}

/* Two processes that saw a mail kill for the first time at once may each have made an entry: they count together. */
static unsigned poison_sum(struct shared *s, struct ledger_key key, int64_t now)
{
	unsigned at = 0, deaths = 0;
	uint64_t word;
	while (ledger_find(poison_table(s), key, now, &at, &word))
		deaths += ledger_word_value(word);
	return deaths;
}

unsigned ledger_poison_add(struct shared *s, struct ledger_key key)
{
	int64_t now = clock_now_ms();
	unsigned at = 0;
	uint64_t word;
	struct shared_ledger_slot *slot;
	while ((slot = ledger_find(poison_table(s), key, now, &at, &word))) {
		if (ledger_slot_change(slot, word, ledger_word_with(word, DELIVERED_NOTED, ledger_word_value(word) + 1))) {
			atomic_store(&slot->until_ms, now + POISON_AGE_MS);
			return poison_sum(s, key, now);
		}
		at = 0;
	}
	ledger_insert(poison_table(s), key, DELIVERED_NOTED, 1, now, now + POISON_AGE_MS);
	return poison_sum(s, key, now);
}

unsigned ledger_poison_deaths(struct shared *s, struct ledger_key key)
{
	return poison_sum(s, key, clock_now_ms());
}

void ledger_poison_clear(struct shared *s, struct ledger_key key)
{
	int64_t now = clock_now_ms();
	unsigned at = 0;
	uint64_t word;
	struct shared_ledger_slot *slot;
	while ((slot = ledger_find(poison_table(s), key, now, &at, &word)))
		if (!ledger_slot_change(slot, word, ledger_word_with(word, DELIVERED_FREE, 0)))
			at = 0;
}
