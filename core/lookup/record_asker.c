/* record_asker.c - asks sources of records, once for each address. */
#include "lookup/record_asker.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

struct answer {
	struct record record;
	struct error failed;	/* class ERROR_NONE: record counts */
};

struct record_asker {
	struct record_source *sources[RECORD_SOURCE_COUNT];
	struct record_terms terms;
	GHashTable *answers[RECORD_SOURCE_COUNT];	/* address -> struct answer *, both of `memory` */
	void *memory;
};

static int asker_free(struct record_asker *a)
{
	for (int kind = 0; kind < RECORD_SOURCE_COUNT; kind++)
		g_hash_table_destroy(a->answers[kind]);
	return 0;
}

struct record_asker *record_asker_new(void *owner, struct record_source *const sources[RECORD_SOURCE_COUNT])
{
	struct record_asker *a = talloc_zero(owner, struct record_asker);
	memcpy(a->sources, sources, sizeof a->sources);
	for (int kind = 0; kind < RECORD_SOURCE_COUNT; kind++)
		a->answers[kind] = g_hash_table_new(g_str_hash, g_str_equal);
	a->memory = talloc_new(a);
	talloc_set_destructor(a, asker_free);
	return a;
}

static bool same_terms(const struct record_terms *a, const struct record_terms *b)
{
	return a->local_domains == b->local_domains && g_strcmp0(a->statement, b->statement) == 0
		&& g_strcmp0(a->recipient_delimiter, b->recipient_delimiter) == 0
		&& a->localpart_is_case_sensitive == b->localpart_is_case_sensitive;
}

/* What was answered is not freed: somebody may have read it. */
void record_asker_set_terms(struct record_asker *a, const struct record_terms *terms)
{
	if (!same_terms(&a->terms, terms))
		for (int kind = 0; kind < RECORD_SOURCE_COUNT; kind++)
			g_hash_table_remove_all(a->answers[kind]);
	a->terms = *terms;
}

static bool is_wanted(const struct record_asker *a, enum record_source_kind kind)
{
	return a && a->sources[kind] && a->terms.wanted[kind];
}

bool record_asker_is_wanted(const struct record_asker *a)
{
	return is_wanted(a, RECORD_SQL) || is_wanted(a, RECORD_LDAP);
}

/* Whether it is local is asked of the tables alone. -1: they could not be asked. */
static int make_question(struct record_asker *a, const char *statement, struct lookup_key *key, const struct lookup_context *context,
	struct record_question *q, struct error *e)
{
	struct lookup_context without = context ? *context : (struct lookup_context){ .deadline = deadline_none() };
	without.records = NULL;
	*q = (struct record_question){ .key = key, .statement = statement, .context = context };
	q->local_by_tables = lookup_true(a->terms.local_domains, key, &without, a->memory, e);
	return e->class == ERROR_NONE ? 0 : -1;
}

static void ask(struct record_asker *a, enum record_source_kind kind, struct lookup_key *key, const struct lookup_context *context, struct answer *out)
{
	struct record_question q;
	if (make_question(a, a->terms.statement, key, context, &q, &out->failed) == 0 && a->sources[kind]->fetch(a->sources[kind], &q, a->memory, &out->record, &out->failed) != 0
	    && out->failed.class == ERROR_NONE)
		error_set(&out->failed, ERROR_ENVIRONMENT, "%s could not be asked", kind == RECORD_SQL ? "SQL" : "LDAP");
}

int record_asker_get(struct record_asker *a, enum record_source_kind kind, struct lookup_key *key, const struct lookup_context *context,
	const struct record **out, struct error *e)
{
	*out = NULL;
	if (!is_wanted(a, kind))
		return 0;
	struct answer *answer = g_hash_table_lookup(a->answers[kind], lookup_key_text(key));
	if (!answer) {
		answer = talloc_zero(a->memory, struct answer);
		ask(a, kind, key, context, answer);
		g_hash_table_insert(a->answers[kind], talloc_strdup(answer, lookup_key_text(key)), answer);
	}
	if (answer->failed.class == ERROR_NONE) {
		*out = &answer->record;
		return 0;
	}
	if (e)
		*e = answer->failed;
	return -1;
}

int record_asker_wblist(struct record_asker *a, const char *users_id, struct lookup_key *sender, const struct lookup_context *context,
	const char **wb, struct error *e)
{
	struct record_source *s = is_wanted(a, RECORD_SQL) ? a->sources[RECORD_SQL] : NULL;
	struct record_question q;
	*wb = NULL;
	if (!s || !s->wblist || !users_id)
		return 0;
	if (make_question(a, a->terms.wblist_statement, sender, context, &q, e) != 0)
		return -1;
	return s->wblist(s, users_id, &q, a->memory, wb, e);
}
