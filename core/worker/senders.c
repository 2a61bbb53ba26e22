/* senders.c - what a recipient thinks of a sender: SQL's wblist, else LDAP's lists, else the tables of the configuration.
 * The sender is the envelope's and every address of From: each is asked for.  What comes of it the spam checks decide. */
#include "worker/senders.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "lookup/record_asker.h"
#include "lookup/record_field.h"
#include "mail/address.h"

#define FROM_MAX 50		/* addresses of From that are asked for */
#define ORIGIN "wblist"

struct listing {
	struct settling *settling;
	struct recipient *recipient;
	struct lookup_key *key;		/* the recipient */
	struct lookup_key **senders;	/* NULL-terminated */
	double score;
};

/* --- who has sent it --- */

static void add_sender(struct lookup_key **list, unsigned *count, struct lookup_key *key)
{
	for (unsigned i = 0; i < *count; i++)
		if (strcmp(lookup_key_text(list[i]), lookup_key_text(key)) == 0)
			return;
	list[(*count)++] = key;
}

static struct lookup_key **senders_of(struct settling *s, void *owner)
{
	struct mail *m = s->mail;
	struct lookup_key **list = talloc_zero_array(owner, struct lookup_key *, FROM_MAX + 2);
	unsigned count = 0;
	const struct header_field *from = header_find(&m->header, "from");
	char **addresses = from ? address_list_parse(owner, header_value(&m->header, from, owner), FROM_MAX) : NULL;
	add_sender(list, &count, lookup_key_address(list, address_unquote(list, m->envelope->sender), &s->style));
	for (unsigned i = 0; addresses && addresses[i]; i++)
		add_sender(list, &count, lookup_key_address(list, addresses[i], &s->style));
	return list;
}

static void fail(struct listing *l, const char *what, struct error *e)
{
	struct settling *s = l->settling;
	if (e->class == ERROR_NONE || s->failed.class != ERROR_NONE)
		return;
	error_prefix(e, "<%s>: %s", l->recipient->address, what);
	s->failed = *e;
}

static bool failed(const struct listing *l)
{
	return l->settling->failed.class != ERROR_NONE;
}

static const struct record *record_of(struct listing *l, enum record_source_kind kind, const char *what)
{
	struct settling *s = l->settling;
	const struct record *record = NULL;
	struct error e = { 0 };
	if (record_asker_get(s->context.records, kind, l->key, &s->context, &record, &e) != 0)
		fail(l, what, &e);
	return record;
}

/* --- SQL --- */

/* One letter, a blank for "neither", or a number: a score. False: it makes no sense, as if nothing were there. */
static bool take_wb(struct listing *l, const char *wb, const char *sender)
{
	char *end;
	size_t n = strcspn(wb, " ");
	if (wb[strspn(wb, " ")] == '\0')
		return true;
	if (n == 1 && strchr("BbNnFf", *wb)) {
		l->recipient->blacklisted = true;
	} else if (n == 1 && strchr("WwYyTt", *wb)) {
		l->recipient->whitelisted = true;
	} else {
		double points = g_ascii_strtod(wb, &end);
		if (end == wb || end[strspn(end, " ")] != '\0' || !(points > -1e6 && points < 1e6)) {
			log_write(LOG_LEVEL_WARNING, "<%s>: wblist: wb \"%.20s\" of <%s> is neither W, B, blank nor a number; it counts as not there",
				l->recipient->address, wb, sender);
			return false;
		}
		l->score += points;
	}
	return true;
}

static bool ask_wblist(struct listing *l, const char *users_id)
{
	struct settling *s = l->settling;
	for (unsigned i = 0; l->senders[i]; i++) {
		struct error e = { 0 };
		const char *wb;
		if (record_asker_wblist(s->context.records, users_id, l->senders[i], &s->context, &wb, &e) != 0) {
			fail(l, "wblist", &e);
			return true;
		}
		if (wb && take_wb(l, wb, lookup_key_text(l->senders[i])))
			return true;
	}
	return false;
}

/* For each row of the recipient, most specific first. */
static bool by_sql(struct listing *l)
{
	const struct record *record = record_of(l, RECORD_SQL, "wblist");
	bool found = false;
	if (!record)
		return false;
	l->recipient->sql_policy_id = record_text(record, "policy_id");
	for (size_t i = 0; i < record->row_count && !found; i++) {
		struct record row = *record;
		row.row_count = 1;
		row.rows = &record->rows[i];
		const char *users_id = record_text(&row, "id");
		found = users_id && ask_wblist(l, users_id);
	}
	return found;
}

/* --- LDAP --- */

/* "a@b", "b", ".b" as in a hash; "@b" and "@.b" too, as keys of directories are. */
static bool names_sender(const char *entry, struct lookup_key *sender)
{
	size_t count;
	const char *const *keys = lookup_key_list(sender, &count);
	for (size_t i = 0; i < count; i++)
		if (g_ascii_strcasecmp(entry, keys[i]) == 0 || (*entry == '@' && !strchr(keys[i], '@') && g_ascii_strcasecmp(entry + 1, keys[i]) == 0))
			return true;
	return false;
}

static bool is_listed(struct listing *l, const struct record *record, const char *attribute)
{
	const char *const *entries = record_texts(record, attribute, l->key);
	for (unsigned i = 0; l->senders[i]; i++)
		for (size_t k = 0; entries[k]; k++)
			if (names_sender(entries[k], l->senders[i]))
				return true;
	return false;
}

static bool by_ldap(struct listing *l)
{
	const struct record *record = record_of(l, RECORD_LDAP, "amavisWhitelistSender");
	if (!record)
		return false;
	l->recipient->blacklisted = is_listed(l, record, "amavisBlacklistSender");
	l->recipient->whitelisted = is_listed(l, record, "amavisWhitelistSender");
	return l->recipient->blacklisted || l->recipient->whitelisted;
}

/* --- tables --- */

static const struct value *ask(struct listing *l, enum setting_id id, const struct value *maps, struct lookup_key *key)
{
	struct error e = { 0 };
	const struct value *v = failed(l) ? NULL : lookup_first(maps, key, &l->settling->context, l->key, NULL, &e);
	fail(l, setting_name(id), &e);
	return v;
}

/* The recipient's own table stands in front of everybody's: the first that knows the sender says it. */
static bool is_in_tables(struct listing *l, enum setting_id own_id, enum setting_id all_id)
{
	const struct policy *p = l->settling->policy;
	const struct value *own = ask(l, own_id, policy_value(p, own_id), l->key), *tables[2] = { own };
	const struct value lone = { .kind = VALUE_LIST, .u.list = { .count = 1, .items = tables } };
	for (unsigned i = 0; l->senders[i] && !failed(l); i++) {
		const struct value *said = own ? ask(l, own_id, &lone, l->senders[i]) : NULL;
		if (!said)
			said = ask(l, all_id, policy_value(p, all_id), l->senders[i]);
		if (value_true_p(said))
			return true;
	}
	return false;
}

static void by_tables(struct listing *l)
{
	l->recipient->blacklisted = is_in_tables(l, SET_per_recip_blacklist_sender_lookup_tables, SET_blacklist_sender_maps);
	l->recipient->whitelisted = is_in_tables(l, SET_per_recip_whitelist_sender_lookup_tables, SET_whitelist_sender_maps);
}

/* --- scores --- */

/* Every entry that matches the recipient is a list of tables by sender; what they say is added up. */
static void add_scores(struct listing *l)
{
	struct settling *s = l->settling;
	struct error e = { 0 };
	const struct value *entries = failed(l) ? NULL
		: lookup_all(policy_value(s->policy, SET_score_sender_maps), l->key, &s->context, l->key, &e);
	fail(l, "score_sender_maps", &e);
	for (size_t i = 0; entries && i < entries->u.list.count; i++) {
		double points = 0;
		for (unsigned k = 0; l->senders[k] && !(points < 0 || points > 0); k++)
			points = value_to_float(ask(l, SET_score_sender_maps, entries->u.list.items[i], l->senders[k]), 0);
		l->score += points;
	}
}

static void settle_one(struct settling *s, struct recipient *r, struct lookup_key **senders)
{
	struct listing l = { .settling = s, .recipient = r, .key = lookup_key_address(senders, r->address, &s->style), .senders = senders };
	if (!by_sql(&l) && !failed(&l) && !by_ldap(&l) && !failed(&l))
		by_tables(&l);
	add_scores(&l);
	if (l.score < 0 || l.score > 0)
		mail_add_score(s->mail, ORIGIN, talloc_asprintf(l.key, "AM.WBL=%.3g", l.score), l.score, (int)r->index);
	talloc_free(l.key);
}

/* --- all --- */

static bool says(const struct policy *p, enum setting_id id)
{
	const struct value *v = policy_value(p, id);
	return v->kind == VALUE_LIST || v->kind == VALUE_HASH ? v->u.list.count > 0 : value_defined(v);
}

static bool anybody_cares(const struct settling *s)
{
	static const enum setting_id lists[] = { SET_score_sender_maps, SET_whitelist_sender_maps, SET_blacklist_sender_maps,
		SET_per_recip_whitelist_sender_lookup_tables, SET_per_recip_blacklist_sender_lookup_tables };
	bool cares = record_asker_is_wanted(s->context.records);
	for (size_t i = 0; i < G_N_ELEMENTS(lists) && !cares; i++)
		cares = says(s->policy, lists[i]);
	return cares;
}

static void forget(struct mail *m)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < m->score_count; i++)
		if (strcmp(m->scores[i].origin, ORIGIN) != 0)
			m->scores[kept++] = m->scores[i];
	m->score_count = kept;
}

void senders_settle(struct settling *s)
{
	struct mail *m = s->mail;
	forget(m);
	if (!anybody_cares(s))
		return;
	void *owner = talloc_new(m);
	struct lookup_key **senders = senders_of(s, owner);
	for (unsigned i = 0; i < m->recipient_count && s->failed.class == ERROR_NONE; i++) {
		m->recipients[i].whitelisted = m->recipients[i].blacklisted = false;
		settle_one(s, &m->recipients[i], senders);
	}
	talloc_free(owner);
}
