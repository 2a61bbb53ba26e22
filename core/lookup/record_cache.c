/* record_cache.c - answers by question, the least recently used going first.
 *
 * What is handed out is always a copy: an entry may go while the mail that was
 * given it is still in hand. */
#include "config.h"

#include "lookup/record_cache.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

#include "base/log.h"

struct entry {
	const char *question;
	int64_t since_ms;
	struct record record;
	GList *use;			/* its place in the order of use */
};

struct record_cache {
	struct record_cache_limits limits;
	GHashTable *entries;		/* question -> struct entry * */
	GQueue use;			/* most recently used first */
};

static int cache_free(struct record_cache *c)
{
	g_hash_table_destroy(c->entries);
	g_queue_clear(&c->use);
	return 0;
}

struct record_cache *record_cache_new(void *owner, const struct record_cache_limits *limits)
{
	struct record_cache *c = talloc_zero(owner, struct record_cache);

	c->limits = *limits;
	c->entries = g_hash_table_new(g_str_hash, g_str_equal);
	g_queue_init(&c->use);
	talloc_set_destructor(c, cache_free);
	return c;
}

char *record_cache_question(void *owner, const char *what, const char *const *keys, size_t count)
{
	char *text = talloc_asprintf(owner, "%zu:%s", strlen(what), what);

	for (size_t i = 0; i < count; i++)
		text = talloc_asprintf_append_buffer(text, "%zu:%s", strlen(keys[i]), keys[i]);
	return text;
}

/* ---- copies ---- */

static const char *text_copy(void *owner, const char *text)
{
	return text ? talloc_strdup(owner, text) : NULL;
}

static const char *bytes_copy(void *owner, const char *bytes, size_t size)
{
	char *copy = talloc_zero_size(owner, size + 1);

	memcpy(copy, bytes, size);
	return copy;
}

static void row_copy(void *owner, const struct record_row *from, struct record_row *to)
{
	struct record_field *fields = talloc_array(owner, struct record_field, from->count + 1);

	for (size_t i = 0; i < from->count; i++) {
		const struct record_field *f = &from->fields[i];

		fields[i] = (struct record_field){ talloc_strdup(fields, f->name), f->value ? bytes_copy(fields, f->value, f->size) : NULL, f->size };
	}
	*to = (struct record_row){ .key = text_copy(owner, from->key), .count = from->count, .fields = fields };
}

static void record_copy(void *owner, const struct record *from, struct record *to)
{
	struct record_row *rows = talloc_array(owner, struct record_row, from->row_count + 1);

	for (size_t i = 0; i < from->row_count; i++)
		row_copy(rows, &from->rows[i], &rows[i]);
	*to = (struct record){ .kind = from->kind, .origin = text_copy(owner, from->origin), .row_count = from->row_count, .rows = rows };
}

static size_t record_bytes(const struct record *r)
{
	size_t bytes = sizeof *r;

	for (size_t i = 0; i < r->row_count; i++) {
		bytes += sizeof r->rows[i];
		for (size_t k = 0; k < r->rows[i].count; k++)
			bytes += sizeof r->rows[i].fields[k] + strlen(r->rows[i].fields[k].name) + r->rows[i].fields[k].size;
	}
	return bytes;
}

/* ---- entries ---- */

static void drop(struct record_cache *c, struct entry *entry)
{
	g_hash_table_remove(c->entries, entry->question);
	g_queue_delete_link(&c->use, entry->use);
	talloc_free(entry);
}

static bool keeps(const struct record_cache *c)
{
	return c->limits.entries_max > 0 && (c->limits.ttl_ms > 0 || c->limits.serve_stale);
}

static void put(struct record_cache *c, const char *question, int64_t now_ms, const struct record *r)
{
	struct entry *entry = g_hash_table_lookup(c->entries, question);

	if (entry)
		drop(c, entry);
	if (!keeps(c) || record_bytes(r) + strlen(question) > RECORD_CACHE_ENTRY_BYTES_MAX)
		return;
	while (g_hash_table_size(c->entries) >= c->limits.entries_max)
		drop(c, g_queue_peek_tail(&c->use));
	entry = talloc_zero(c, struct entry);
	entry->question = talloc_strdup(entry, question);
	entry->since_ms = now_ms;
	record_copy(entry, r, &entry->record);
	g_queue_push_head(&c->use, entry);
	entry->use = c->use.head;
	g_hash_table_insert(c->entries, (gpointer)entry->question, entry);
}

static bool get(struct record_cache *c, const char *question, int64_t now_ms, int64_t age_ms, void *owner, struct record *out)
{
	struct entry *entry = g_hash_table_lookup(c->entries, question);

	if (!entry || now_ms - entry->since_ms >= age_ms)
		return false;
	g_queue_unlink(&c->use, entry->use);
	g_queue_push_head_link(&c->use, entry->use);
	record_copy(owner, &entry->record, out);
	return true;
}

static bool may_stand_in(const struct record_cache *c, const struct error *failed)
{
	return c->limits.serve_stale && failed->class != ERROR_CANCELLED;
}

int record_cache_fetch(struct record_cache *c, const char *question, int64_t now_ms, record_cache_ask_fn ask, void *context,
	void *owner, struct record *out, struct error *e)
{
	struct error failed = { .class = ERROR_NONE };

	if (get(c, question, now_ms, c->limits.ttl_ms, owner, out))
		return 0;
	if (ask(context, owner, out, &failed) == 0) {
		put(c, question, now_ms, out);
		return 0;
	}
	if (may_stand_in(c, &failed) && get(c, question, now_ms, c->limits.stale_age_ms, owner, out)) {
		log_write(LOG_LEVEL_WARNING, "lookup: the last known answer stands in: %s", failed.text);
		return 0;
	}
	if (e)
		*e = failed;
	return -1;
}
