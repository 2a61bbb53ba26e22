/* senders.c - what a recipient thinks of a sender: SQL's wblist, else LDAP's lists, else the tables of the configuration.
 *
 * The sender is the envelope's and every address of From, asked for in this order, each of all sources: a source that has said
 * something of one address keeps the later sources from being asked for the others, so that a From field that anybody can write
 * does not undo what is known of the envelope's sender.  What comes of it the spam checks decide. */
#include "worker/senders.h"

#include <glib.h>
#include <math.h>
#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "lookup/record_asker.h"
#include "lookup/record_field.h"
#include "mail/address.h"

#define SCORE_MAX 1e6
#define FROM_MAX 50		/* addresses of From that are asked for */
#define ORIGIN "wblist"

struct listing {
	struct settling *settling;
	struct recipient *recipient;
	struct lookup_key *key;		/* the recipient */
	const struct record *sql;	/* of the recipient; NULL: unknown there */
	const struct value *own_black, *own_white;	/* his own tables, once own_are_known */
	const struct value *entries;	/* of score_sender_maps, once they are wanted */
	bool own_are_known;
	bool decided;			/* somebody has said black, white or neither */
	bool scored;			/* somebody has said a score, if only 0 */
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

static bool take_score(struct listing *l, const char *wb)
{
	char *end;
	double points = g_ascii_strtod(wb, &end);
	if (end == wb || end[strspn(end, " ")] != '\0' || !(points > -SCORE_MAX && points < SCORE_MAX))
		return false;
	l->score += points;
	l->scored = true;
	return true;
}

/* One letter, a blank for "neither", or a number: a score, beside which the search goes on. */
static void take_wb(struct listing *l, const char *wb, const char *sender)
{
	size_t n = strcspn(wb, " ");
	bool is_letter = n == 1;
	l->decided = true;
	if (wb[strspn(wb, " ")] == '\0')
		return;
	if (is_letter && strchr("BbNnFf", *wb)) {
		l->recipient->blacklisted = true;
	} else if (is_letter && strchr("WwYyTt", *wb)) {
		l->recipient->whitelisted = true;
	} else {
		l->decided = false;
		if (!take_score(l, wb))
			log_write(LOG_LEVEL_WARNING, "<%s>: wblist: wb \"%.20s\" of <%s> is neither W, B, blank nor a number; it counts as not there",
				l->recipient->address, wb, sender);
	}
}

static void ask_wblist(struct listing *l, const char *users_id, struct lookup_key *sender)
{
	struct settling *s = l->settling;
	struct error e = { 0 };
	const char *wb;
	if (record_asker_wblist(s->context.records, users_id, sender, &s->context, &wb, &e) != 0)
		fail(l, "wblist", &e);
	else if (wb)
		take_wb(l, wb, lookup_key_text(sender));
}

/* For each row of the recipient, most specific first.  Once something is decided an address still has a word in the first of them. */
static void by_sql(struct listing *l, struct lookup_key *sender)
{
	bool ends = false;
	for (size_t i = 0; l->sql && i < l->sql->row_count && !ends; i++) {
		struct record row = *l->sql;
		row.row_count = 1;
		row.rows = &l->sql->rows[i];
		const char *users_id = record_text(&row, "id");
		if (users_id)
			ask_wblist(l, users_id, sender);
		ends = l->decided || failed(l);
	}
}

/* --- LDAP --- */

/* "a@b", "b", ".b" as in a hash; "@b" and "@.b" too, as keys of directories are; "<>" is the null sender. */
static bool names_sender(const char *entry, struct lookup_key *sender)
{
	size_t count;
	const char *const *keys = lookup_key_list(sender, &count);
	for (size_t i = 0; i < count; i++)
		if (g_ascii_strcasecmp(entry, keys[i]) == 0 || (*entry == '@' && !strchr(keys[i], '@') && g_ascii_strcasecmp(entry + 1, keys[i]) == 0))
			return true;
	return *lookup_key_text(sender) == '\0' && strcmp(entry, "<>") == 0;
}

static bool is_listed(struct listing *l, const struct record *ldap, struct lookup_key *sender, const char *attribute)
{
	const char *const *entries = record_texts(ldap, attribute, l->key);
	for (size_t k = 0; entries[k]; k++)
		if (names_sender(entries[k], sender))
			return true;
	return false;
}

static void keep(struct listing *l, bool *said, bool yes)
{
	*said |= yes;
	l->decided |= yes;
}

static void by_ldap(struct listing *l, struct lookup_key *sender)
{
	const struct record *ldap = record_of(l, RECORD_LDAP, "amavisWhitelistSender");
	if (!ldap)
		return;
	keep(l, &l->recipient->blacklisted, is_listed(l, ldap, sender, "amavisBlacklistSender"));
	keep(l, &l->recipient->whitelisted, is_listed(l, ldap, sender, "amavisWhitelistSender"));
}

/* --- tables --- */

static const struct value *ask(struct listing *l, enum setting_id id, const struct value *maps, struct lookup_key *key)
{
	struct error e = { 0 };
	const struct value *v = failed(l) ? NULL : lookup_first(maps, key, &l->settling->context, l->key, NULL, &e);
	fail(l, setting_name(id), &e);
	return v;
}

static const struct value *ask_list(struct listing *l, enum setting_id id, struct lookup_key *key)
{
	return ask(l, id, policy_value(l->settling->policy, id), key);
}

/* The recipient's own table stands in front of everybody's: the first that knows the sender says it. */
static bool is_in_tables(struct listing *l, const struct value *own, enum setting_id own_id, enum setting_id all_id, struct lookup_key *sender)
{
	const struct value *tables[1] = { own };
	const struct value lone = { .kind = VALUE_LIST, .u.list = { .count = 1, .items = tables } };
	const struct value *said = own ? ask(l, own_id, &lone, sender) : NULL;
	return value_true_p(said ? said : ask_list(l, all_id, sender));
}

static void by_tables(struct listing *l, struct lookup_key *sender)
{
	if (!l->own_are_known) {
		l->own_black = ask_list(l, SET_per_recip_blacklist_sender_lookup_tables, l->key);
		l->own_white = ask_list(l, SET_per_recip_whitelist_sender_lookup_tables, l->key);
		l->own_are_known = true;
	}
	keep(l, &l->recipient->blacklisted, is_in_tables(l, l->own_black, SET_per_recip_blacklist_sender_lookup_tables, SET_blacklist_sender_maps, sender));
	keep(l, &l->recipient->whitelisted, is_in_tables(l, l->own_white, SET_per_recip_whitelist_sender_lookup_tables, SET_whitelist_sender_maps, sender));
}

/* --- scores --- */

static void find_entries(struct listing *l)
{
	struct settling *s = l->settling;
	struct error e = { 0 };
	l->entries = lookup_all(policy_value(s->policy, SET_score_sender_maps), l->key, &s->context, l->key, &e);
	fail(l, "score_sender_maps", &e);
}

/* Every entry that matches the recipient is a list of tables by sender; what they say of this one is added up. */
static void add_scores(struct listing *l, struct lookup_key *sender)
{
	if (!l->entries && !failed(l))
		find_entries(l);
	for (size_t i = 0; !failed(l) && i < l->entries->u.list.count; i++) {
		double points = value_to_float(ask(l, SET_score_sender_maps, l->entries->u.list.items[i], sender), 0);
		l->score += points;
		l->scored |= points < 0 || points > 0;
	}
}

/* --- one recipient --- */

static void ask_for(struct listing *l, struct lookup_key *sender)
{
	by_sql(l, sender);
	if (!l->decided && !failed(l))
		by_ldap(l, sender);
	if (!l->decided && !failed(l))
		by_tables(l, sender);
	if (!l->scored)
		add_scores(l, sender);
}

static void settle_one(struct settling *s, struct recipient *r, struct lookup_key **senders)
{
	struct listing l = { .settling = s, .recipient = r, .key = lookup_key_address(senders, r->address, &s->style) };
	l.sql = record_of(&l, RECORD_SQL, "wblist");
	r->sql_policy_id = l.sql ? record_text(l.sql, "policy_id") : NULL;
	for (unsigned i = 0; senders[i] && !failed(&l); i++)
		ask_for(&l, senders[i]);
	if (l.score < 0 || l.score > 0)
		mail_add_score(s->mail, ORIGIN, talloc_asprintf(l.key, "AM.WBL=%.15g", round(l.score * 1000) / 1000), l.score, (int)r->index);
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
	for (unsigned i = 0; i < m->recipient_count; i++) {
		struct recipient *r = &m->recipients[i];
		r->whitelisted = r->blacklisted = false;
		r->sql_policy_id = NULL;
	}
}

void senders_settle(struct settling *s)
{
	struct mail *m = s->mail;
	forget(m);
	if (!anybody_cares(s))
		return;
	void *owner = talloc_new(m);
	struct lookup_key **senders = senders_of(s, owner);
	for (unsigned i = 0; i < m->recipient_count && s->failed.class == ERROR_NONE; i++)
		settle_one(s, &m->recipients[i], senders);
	talloc_free(owner);
}
