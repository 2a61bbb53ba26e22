/* hash.c - hash tables: exact keys, tried in the order of key.c. */
#include <glib.h>
#include <stdlib.h>
#include <talloc.h>

#include "lookup/table.h"

static int hash_free(struct lookup_table *t)
{
	g_hash_table_destroy(t->u.hash.index);
	return 0;
}

struct lookup_table *lookup_table_hash(void *owner, const struct value *hash)
{
	struct lookup_table *t = lookup_table_new(owner, LOOKUP_HASH);

	t->u.hash.source = hash;
	t->u.hash.index = g_hash_table_new(g_str_hash, g_str_equal);
	talloc_set_destructor(t, hash_free);
	for (size_t i = 0; i < hash->u.list.count; i++) {
		const char *key = value_text(hash->u.list.keys[i], t);

		if (key != NULL)
			g_hash_table_insert(t->u.hash.index, (void *)key, (void *)hash->u.list.items[i]);
	}
	return t;
}

int lookup_ask_hash(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s)
{
	size_t count;
	const char *const *keys = lookup_key_list(k, &count);

	for (size_t i = 0; i < count; i++) {
		const struct value *found;
		void *item;

		if (!g_hash_table_lookup_extended(t->u.hash.index, keys[i], NULL, &item))
			continue;
		found = k->kind == KEY_ADDRESS ? lookup_replace(s->owner, item, k->parts, 5, false) : item;
		/* For clients amavisd-new goes on past an undef to the shorter key; for addresses it does not. */
		if (k->kind == KEY_IP && !value_defined(found))
			continue;
		if (!lookup_sink_take(s, found, keys[i]))
			break;
	}
	return 0;
}
