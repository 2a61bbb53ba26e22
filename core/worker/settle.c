/* settle.c - stage 1: banks, then every setting of every recipient, before anything is opened.
 * Later only names of malware are looked up (findings.c), and all is settled again where they bring other banks; nothing here judges. */
#include "worker/settle.h"

#include <talloc.h>

#include "base/log.h"
#include "lookup/record_asker.h"
#include "mail/address.h"
#include "worker/banks.h"
#include "worker/policy_share.h"
#include "worker/senders.h"

#define DEBUG_LEVEL 5

/* --- how lookups are made under the banks that hold --- */

/* NULL: not set; "": set to undef, and not put. */
static const char *clause(const struct policy *p, const char *name)
{
	const struct value *statement = value_hash_get(policy_value(p, SET_sql_clause), name);
	if (!statement)
		return NULL;
	return statement->kind == VALUE_STRING ? statement->u.string : "";
}

static void set_terms(struct settling *s)
{
	const struct policy *p = s->policy;
	banks_lookup_style(p, &s->style);
	struct record_terms terms = {
		.local_domains = policy_value(p, SET_local_domains_maps), .statement = clause(p, "sel_policy"),
		.wblist_statement = clause(p, "sel_wblist"), .recipient_delimiter = s->style.recipient_delimiter,
		.localpart_is_case_sensitive = s->style.localpart_is_case_sensitive,
		.wanted = { [RECORD_SQL] = true, [RECORD_LDAP] = policy_bool(p, SET_enable_ldap) },
	};
	record_asker_set_terms(s->mail->records, &terms);
}

static struct settling begin(struct mail *m, const struct policy *policy, struct settle_watch *watch)
{
	struct settling s = { .mail = m, .policy = policy, .watch = watch };
	if (!m->records) {
		struct record_source *sources[RECORD_SOURCE_COUNT];
		for (int kind = 0; kind < RECORD_SOURCE_COUNT; kind++)
			sources[kind] = config_record_source(policy->config, kind);
		m->records = record_asker_new(m, sources);
	}
	s.context = (struct lookup_context){ .deadline = m->deadline, .mail = m, .records = m->records };
	set_terms(&s);
	return s;
}

/* --- recipients --- */

/* debug_sender_maps, debug_recipient_maps: everything about this mail. The worker goes back to its own level after it. */
static void settle_log_level(const struct settling *s)
{
	log_set_level((int)policy_int(s->policy, SET_log_level, 0));
	for (unsigned i = 0; i < s->mail->recipient_count; i++) {
		const struct rcpt_policy *p = s->mail->recipients[i].policy;
		if (rcpt_policy_true(p, RCPT_debug_sender_maps) || rcpt_policy_true(p, RCPT_debug_recipient_maps))
			log_set_level(DEBUG_LEVEL);
	}
}

/* They are there from the beginning, so that each can be answered whatever fails. */
static void list_recipients(struct mail *m)
{
	m->recipients = talloc_zero_array(m, struct recipient, m->envelope->recipient_count + 1);
	m->recipient_count = m->envelope->recipient_count;
	for (unsigned i = 0; i < m->recipient_count; i++) {
		struct recipient *r = &m->recipients[i];
		r->index = i;
		r->envelope = &m->envelope->recipients[i];
		r->address = address_unquote(m, r->envelope->address);
		r->destiny = D_UNSET;
	}
}

static void settle_recipients(struct settling *s)
{
	struct mail *m = s->mail;
	struct policy_share *share = policy_share_new(m);
	settle_prepare(s, address_unquote(m, m->envelope->sender));
	for (unsigned i = 0; i < m->recipient_count; i++)
		m->recipients[i].policy = policy_share_take(share, settle_recipient(s, &m->recipients[i]));
	talloc_free(share);
	senders_settle(s);
	settle_log_level(s);
}

static int settled(const struct settling *s, struct error *e)
{
	if (s->failed.class == ERROR_NONE)
		return 0;
	if (e)
		*e = s->failed;
	return error_prefix(e, "settle");
}

static int settle_under(struct mail *m, struct policy *policy, struct settle_watch *watch, struct error *e)
{
	struct settling s = begin(m, policy, watch);
	m->originating = policy_bool(policy, SET_originating);
	m->policy_bank_path = talloc_strdup(m, policy->path);
	settle_recipients(&s);
	return settled(&s, e);
}

int settle_again(struct mail *m, struct policy *policy, struct error *e)
{
	return settle_under(m, policy, NULL, e);
}

/* --- banks --- */

/* Whether the sender is local is asked of SQL and LDAP too. -1: could not be found out. */
static int load_for_sender(struct bank_loading *l, const char *sender, struct error *e)
{
	if (!banks_want_sender(l->policy, sender))
		return 0;
	struct settling s = begin(l->mail, l->policy, NULL);
	bool local = value_true_p(settle_ask(&s, SET_local_domains_maps, lookup_key_address(l->mail, sender, &s.style), l->mail, NULL));
	if (settled(&s, e) != 0)
		return -1;
	return local ? banks_load_myusers(l, sender, e) : 0;
}

static int load_banks(struct bank_loading *l, const char *sender, struct error *e)
{
	if (banks_load_interface(l, e) != 0 || banks_load_client(l, e) != 0 || load_for_sender(l, sender, e) != 0
	    || banks_load_header(l, e) != 0 || banks_load_hook(l, e) != 0)
		return error_prefix(e, "policy banks");
	return 0;
}

int settle_mail(struct mail *m, struct policy *policy, struct settle_watch *watch, struct error *e)
{
	struct lookup_context context = { .deadline = m->deadline, .mail = m };
	struct bank_loading loading = { .mail = m, .policy = policy, .context = &context };
	m->client_address = m->envelope->client.address;
	m->originating = policy_bool(policy, SET_originating);
	m->policy_bank_path = "";
	list_recipients(m);
	if (load_banks(&loading, address_unquote(m, m->envelope->sender), e) != 0)
		return -1;
	return settle_under(m, policy, watch, e);
}
