/* record_ldap.c - search keys go to the plugin ldap, its entries come back as rows. */
#include "config.h"

#include "lookup/record_ldap.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

#include "plugin/call.h"

struct ldap_source {
	struct record_source source;	/* first: what others hold */
	struct plugin_instance *instance;
	struct record_ldap_settings settings;
	struct record_cache *cache;
	const char *origin;
};

/* One question on its way to the plugin. */
struct asking {
	struct ldap_source *s;
	const char *const *keys;
	size_t key_count;
	struct deadline deadline;
	struct record *out;
	struct record_row *rows;	/* talloc array: has room for a power of two */
	void *owner;
};

static void take_row(void *context, const char *const *names, const char *const *values, size_t count)
{
	struct asking *a = context;
	size_t n = a->out->row_count;
	struct record_field *fields = talloc_array(a->owner, struct record_field, count + 1);
	struct record_row row = { .fields = fields };

	for (size_t i = 0; i < count; i++) {
		const char *value = talloc_strdup(fields, values[i]);

		if (names[i][0] == '\0')
			row.key = value;
		else
			fields[row.count++] = (struct record_field){ talloc_strdup(fields, names[i]), value, strlen(value) };
	}
	if ((n & (n - 1)) == 0)
		a->rows = talloc_realloc(a->owner, a->rows, struct record_row, n > 0 ? n * 2 : 1);
	a->rows[n] = row;
	a->out->rows = a->rows;
	a->out->row_count++;
}

static int tell_failure(const struct plugin_outcome *o, struct deadline d, struct error *e)
{
	enum error_class class = deadline_cancelled(d) ? ERROR_CANCELLED : o->result == POSTERN_BROKEN ? ERROR_CONFIG : o->result == POSTERN_LIMIT ? ERROR_INPUT : ERROR_ENVIRONMENT;

	return error_set(e, class, "%s", o->error ? o->error : "ldap: no answer");
}

static int ask(void *context, void *owner, struct record *out, struct error *e)
{
	struct asking *a = context;
	struct plugin_outcome o;

	*out = (struct record){ .kind = RECORD_LDAP, .origin = a->s->origin };
	a->out = out;
	a->owner = owner;
	plugin_rows(a->s->instance, a->keys, a->key_count, take_row, a, a->deadline, owner, &o);
	return o.result == POSTERN_OK || o.result == POSTERN_NOTHING ? 0 : tell_failure(&o, a->deadline, e);
}

static int fetch(struct record_source *source, const struct record_question *q, void *owner, struct record *out, struct error *e)
{
	struct ldap_source *s = source->state;
	struct asking a = { .s = s, .deadline = q->context ? q->context->deadline : deadline_none() };
	const char *question;

	a.keys = lookup_key_list_sql(q->key, owner, q->local_by_tables, s->settings.no_at_means_domain, &a.key_count);
	question = record_cache_question(owner, "", a.keys, a.key_count);
	return record_cache_fetch(s->cache, question, clock_now_ms(), ask, &a, owner, out, e);
}

/* Where it asks, from the options that are no secret. */
static const char *origin_of(void *owner, const struct plugin_instance *i)
{
	const char **names, **values, *host = "", *base = "";
	size_t count = plugin_instance_pairs(i, owner, &names, &values);

	for (size_t k = count; k > 0; k--) {	/* the first of several hosts stays */
		host = strcmp(names[k - 1], "hostname") == 0 ? values[k - 1] : host;
		base = strcmp(names[k - 1], "base") == 0 ? values[k - 1] : base;
	}
	return talloc_asprintf(owner, "%s%s%s%s", strstr(host, "://") ? "" : "ldap://", host, base[0] ? "/" : "", base);
}

struct record_source *record_ldap_new(void *owner, struct plugin_instance *instance, const struct record_ldap_settings *settings)
{
	struct ldap_source *s = talloc_zero(owner, struct ldap_source);

	s->source = (struct record_source){ .kind = RECORD_LDAP, .fetch = fetch, .state = s };
	s->instance = instance;
	s->settings = *settings;
	s->cache = record_cache_new(s, &settings->cache);
	s->origin = origin_of(s, instance);
	return &s->source;
}
