/* record_cache.h - the latest answers of a source of records: bounded in number and bytes, with an age, "no such address" among them.
 *
 * A cache belongs to one source within one worker.  It also holds the policy for
 * a source that fails: an answer past its age may stand in.  It does not know
 * what a question means, nor whom it is put to. */
#ifndef POSTERN_LOOKUP_RECORD_CACHE_H
#define POSTERN_LOOKUP_RECORD_CACHE_H

#include <stdint.h>

#include "lookup/record.h"

struct record_cache_limits {
	int64_t ttl_ms;			/* an answer so old is asked for again; 0: each time, and only what may stand in is kept */
	size_t entries_max;		/* 0: nothing is kept */
	bool serve_stale;		/* where the source fails, the last known answer stands in ... */
	int64_t stale_age_ms;		/* ... when it is no older than this */
};

/* Answers larger than this are passed on but not kept. */
#define RECORD_CACHE_ENTRY_BYTES_MAX (64 * 1024)

struct record_cache;
struct record_cache *record_cache_new(void *owner, const struct record_cache_limits *limits);

/* One text for a question, on owner: what is asked (a statement, a base) and the keys, so that no two questions have the same. */
char *record_cache_question(void *owner, const char *what, const char *const *keys, size_t count);

/* Puts the question to the source: 0 and *out on owner, or -1. */
typedef int (*record_cache_ask_fn)(void *context, void *owner, struct record *out, struct error *e);
/* The answer from the cache, else from `ask`, which is then kept.  0 and *out on owner, or -1 with the error of `ask`.  An answer that stands in
 * for a failure is logged as such.  A mail given up by its client gets none.  now_ms: clock_now_ms(). */
int record_cache_fetch(struct record_cache *c, const char *question, int64_t now_ms, record_cache_ask_fn ask, void *context,
	void *owner, struct record *out, struct error *e);

#endif
