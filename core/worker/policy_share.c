/* policy_share.c - equal policies by what they say, not by where it came from: two rows of SQL with one content are one policy. */
#include "worker/policy_share.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

struct policy_share { GHashTable *known; };

/* Cells mostly repeat what lists say, or are the same for all: the lists tell policies apart well enough. */
static guint hash(gconstpointer key)
{
	const struct rcpt_policy *p = key;
	guint h = 0;
	for (int i = 0; i < RCPT_COUNT; i++)
		h = h * 31 + value_hash(p->values[i]);
	for (int i = 0; i < CATEGORY_KEYS; i++)
		h = h * 31 + value_hash(p->cells[CELL_DESTINY][i]);
	return h;
}

static bool same_values(const struct value *const *a, const struct value *const *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!value_equal(a[i], b[i]))
			return false;
	return true;
}

static gboolean equal(gconstpointer one, gconstpointer other)
{
	const struct rcpt_policy *a = one, *b = other;
	bool same = a->message_size_limit == b->message_size_limit && same_values(a->values, b->values, RCPT_COUNT);
	for (int cell = 0; cell < CELL_COUNT && same; cell++)
		same = same_values(a->cells[cell], b->cells[cell], CATEGORY_KEYS);
	return same;
}

static int share_free(struct policy_share *s)
{
	g_hash_table_destroy(s->known);
	return 0;
}

struct policy_share *policy_share_new(void *owner)
{
	struct policy_share *s = talloc(owner, struct policy_share);
	s->known = g_hash_table_new(hash, equal);
	talloc_set_destructor(s, share_free);
	return s;
}

const struct rcpt_policy *policy_share_take(struct policy_share *s, struct rcpt_policy *fresh)
{
	struct rcpt_policy *known = g_hash_table_lookup(s->known, fresh);
	if (known) {
		talloc_free(fresh);
		return known;
	}
	g_hash_table_add(s->known, fresh);
	return fresh;
}
