/* sources.c - the databases and directories that know recipients' own settings, as the configuration names them.
 * It connects to nothing: that is done in each worker when first asked. */
#include "config.h"

#include "config/inside.h"

#include <string.h>

#include "lookup/record.h"
#include "lookup/record_cache.h"

struct record_source *config_record_source(const struct config *c, int kind)
{
	return kind >= 0 && kind < RECORD_SOURCE_COUNT ? c->sources[kind] : NULL;
}

static int64_t milliseconds(const struct config *c, enum setting_id id)
{
	return (int64_t)(value_to_float(c->base[id], 0) * 1000);
}

static struct record_cache_limits cache_limits(const struct config *c)
{
	const struct value *failure = c->base[SET_lookup_failure];
	int64_t entries = value_to_int(c->base[SET_lookup_cache_entries], 0);

	return (struct record_cache_limits){
		.ttl_ms = milliseconds(c, SET_lookup_cache_ttl), .entries_max = entries > 0 ? (size_t)entries : 0,
		.serve_stale = failure->kind == VALUE_STRING && strcmp(failure->u.string, "stale") == 0,
		.stale_age_ms = milliseconds(c, SET_lookup_stale_age),
	};
}

void sources_make(struct config *c)
{
	const struct record_cache_limits limits = cache_limits(c);

	if (c->host && c->options.load_plugins) {
		sql_source_make(c, &limits);
		ldap_source_make(c, &limits);
	}
	sql_tables_finish(c, &limits);
}

bool config_check_sources(const struct config *c, FILE *to)
{
	bool source_good = sql_source_try(c, to), tables_good = sql_tables_try(c, to);

	return source_good && tables_good;
}
