/* record_asker.h - the records of one mail: each source is asked once for each address, and what it said (or that it could not) is kept.
 *
 * Lives as long as the mail; workers only. */
#ifndef POSTERN_LOOKUP_RECORD_ASKER_H
#define POSTERN_LOOKUP_RECORD_ASKER_H

#include "lookup/record.h"

struct record_asker;

/* How questions are put; policy banks may change it. */
struct record_terms {
	const struct value *local_domains;	/* the static tables of local_domains_maps */
	const char *statement;			/* sel_policy; NULL: the source's own; "": SQL is not asked */
	const char *wblist_statement;		/* sel_wblist; likewise */
	const char *recipient_delimiter;	/* addresses make other keys under another one */
	bool localpart_is_case_sensitive;
	bool wanted[RECORD_SOURCE_COUNT];	/* false: this source is not asked */
};

/* NULL for a source that is not configured. */
struct record_asker *record_asker_new(void *owner, struct record_source *const sources[RECORD_SOURCE_COUNT]);
/* From now on; answers to questions that were put otherwise are forgotten. The terms' strings must stay. */
void record_asker_set_terms(struct record_asker *a, const struct record_terms *terms);
/* Is any source configured and wanted? */
bool record_asker_is_wanted(const struct record_asker *a);
/* 0: *out is the record, memory of the asker, NULL where this source is not to be asked; -1: it could not answer. a may be NULL. */
int record_asker_get(struct record_asker *a, enum record_source_kind kind, struct lookup_key *key, const struct lookup_context *context,
	const struct record **out, struct error *e);
/* SQL's wblist for the recipient with that users.id; *wb NULL: nothing there (or SQL is not asked). -1: it could not answer. */
int record_asker_wblist(struct record_asker *a, const char *users_id, struct lookup_key *sender, const struct lookup_context *context,
	const char **wb, struct error *e);

#endif
