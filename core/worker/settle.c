/* settle.c - stage 1: banks, then every setting of every recipient, before anything is opened.
 * No later stage looks anything up; nothing here judges. */
#include "worker/settle.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "mail/address.h"
#include "worker/banks.h"

#define DEBUG_LEVEL 5

/* --- category keys --- */

static const struct { unsigned char major, minors; } key_space[] = {
	{ CC_CATCHALL, 0 }, { CC_CLEAN, 1 }, { CC_MTA, 2 }, { CC_OVERSIZED, 0 }, { CC_BADH, 8 }, { CC_SPAMMY, 1 },
	{ CC_SPAM, 0 }, { CC_UNCHECKED, 3 }, { CC_BANNED, 0 }, { CC_VIRUS, 0 },
};

int rcpt_policy_key(unsigned major, unsigned minor)
{
	int base = 0;
	for (size_t i = 0; i < sizeof key_space / sizeof *key_space; i++) {
		if (key_space[i].major == major)
			return minor <= key_space[i].minors ? base + (int)minor : -1;
		base += key_space[i].minors + 1;
	}
	return -1;
}

static const struct value *cell_of(const struct rcpt_policy *p, enum policy_cell cell, struct category c)
{
	int exact = rcpt_policy_key(c.major, c.minor), plain = rcpt_policy_key(c.major, 0);
	if (exact >= 0 && p->cells[cell][exact])
		return p->cells[cell][exact];
	return plain >= 0 ? p->cells[cell][plain] : NULL;
}

const struct value *rcpt_policy_cell_from(const struct rcpt_policy *p, enum policy_cell cell, const struct categories *c, struct category from)
{
	for (unsigned i = 0; i < c->count; i++) {
		struct category at = c->at[i];
		if (at.major > from.major || (at.major == from.major && at.minor > from.minor))
			continue;
		const struct value *v = cell_of(p, cell, at);
		if (v)
			return v->kind == VALUE_UNDEF ? NULL : v;
	}
	const struct value *v = cell_of(p, cell, (struct category){ CC_CATCHALL, 0 });
	return value_defined(v) ? v : NULL;
}

const struct value *rcpt_policy_cell(const struct rcpt_policy *p, enum policy_cell cell, const struct categories *c)
{
	return rcpt_policy_cell_from(p, cell, c, (struct category){ 255, 255 });
}

/* --- one recipient --- */

struct settling {
	struct mail *mail;
	const struct policy *policy;
	struct lookup_context context;
	struct error failed;
};

static const enum setting_id cell_settings[CELL_COUNT] = {
	[CELL_DESTINY] = SET_final_destiny_maps_by_ccat,
	[CELL_LOVER] = SET_lovers_maps_by_ccat,
	[CELL_QUARANTINE_METHOD] = SET_quarantine_method_by_ccat,
	[CELL_QUARANTINE_TO] = SET_quarantine_to_maps_by_ccat,
	[CELL_FORWARD_METHOD] = SET_forward_method_maps_by_ccat,
	[CELL_SMTP_REASON] = SET_smtp_reason_by_ccat,
};

/* Tables are asked for this recipient; scalars and methods stand for themselves. */
static bool cell_is_maps(enum policy_cell cell)
{
	return cell == CELL_DESTINY || cell == CELL_LOVER || cell == CELL_QUARANTINE_TO || cell == CELL_FORWARD_METHOD;
}

static const struct value *resolve(struct settling *s, enum policy_cell cell, const struct value *entry, struct lookup_key *key)
{
	if (!cell_is_maps(cell) || (entry->kind != VALUE_LIST && entry->kind != VALUE_TABLE))
		return entry;
	const struct value *v = lookup_first(entry, key, &s->context, s->mail, NULL, &s->failed);
	return v ? v : &value_undef;
}

/* "7,1" or "7" -> its place; -1: no such category. */
static int key_of_text(const char *text)
{
	char *end;
	unsigned long major = strtoul(text, &end, 10), minor = 0;
	if (*end == ',')
		minor = strtoul(end + 1, &end, 10);
	return *end ? -1 : rcpt_policy_key((unsigned)major, (unsigned)minor);
}

static void resolve_cells(struct settling *s, struct rcpt_policy *p, struct lookup_key *key)
{
	for (int cell = 0; cell < CELL_COUNT; cell++) {
		const struct value *hash = policy_value(s->policy, cell_settings[cell]);
		for (size_t i = 0; hash->kind == VALUE_HASH && i < hash->u.list.count; i++) {
			int place = key_of_text(value_text(hash->u.list.keys[i], NULL));
			if (place >= 0)
				p->cells[cell][place] = resolve(s, (enum policy_cell)cell, hash->u.list.items[i], key);
		}
	}
}

static bool asked(struct settling *s, enum setting_id id, struct lookup_key *key)
{
	return lookup_true(policy_value(s->policy, id), key, &s->context, s->mail, &s->failed);
}

static int64_t size_limit(struct settling *s, struct lookup_key *key)
{
	const struct value *v = lookup_first(policy_value(s->policy, SET_message_size_limit_maps), key, &s->context, s->mail, NULL, &s->failed);
	int64_t limit = value_defined(v) ? value_to_int(v, 0) : 0;
	if (limit > 0 && limit < 65536 && policy_bool(s->policy, SET_enforce_smtpd_message_size_limit_64kb_min))
		limit = 65536;
	return limit > 0 ? limit : 0;
}

static const struct rcpt_policy *settle_recipient(struct settling *s, const char *address, const struct lookup_style *style)
{
	struct rcpt_policy *p = talloc_zero(s->mail, struct rcpt_policy);
	struct lookup_key *key = lookup_key_address(p, address, style);
	p->is_local = asked(s, SET_local_domains_maps, key);
	p->bypass_virus = asked(s, SET_bypass_virus_checks_maps, key);
	p->bypass_banned = asked(s, SET_bypass_banned_checks_maps, key);
	p->message_size_limit = size_limit(s, key);
	p->archive_to = lookup_first(policy_value(s->policy, SET_archive_quarantine_to_maps), key, &s->context, s->mail, NULL, &s->failed);
	resolve_cells(s, p, key);
	if (asked(s, SET_debug_recipient_maps, key))
		log_set_level(DEBUG_LEVEL);
	return p;
}

/* Recipients with equal policies share one, so that later stages can compare pointers. */
static const struct rcpt_policy *share(const struct mail *m, unsigned before, const struct rcpt_policy *fresh)
{
	for (unsigned i = 0; i < before; i++) {
		if (memcmp(m->recipients[i].policy, fresh, sizeof *fresh) == 0) {
			talloc_free((void *)(uintptr_t)fresh);
			return m->recipients[i].policy;
		}
	}
	return fresh;
}

static void settle_recipients(struct settling *s)
{
	struct mail *m = s->mail;
	struct lookup_style style;
	banks_lookup_style(s->policy, &style);
	m->recipients = talloc_zero_array(m, struct recipient, m->envelope->recipient_count + 1);
	m->recipient_count = m->envelope->recipient_count;
	for (unsigned i = 0; i < m->recipient_count; i++) {
		struct recipient *r = &m->recipients[i];
		r->index = i;
		r->envelope = &m->envelope->recipients[i];
		r->address = address_unquote(m, r->envelope->address);
		r->destiny = D_UNSET;
		r->policy = share(m, i < 16 ? i : 16, settle_recipient(s, r->address, &style));
	}
}

/* debug_sender_maps: everything about one sender's mail. The worker goes back to its own level after the mail. */
static void settle_log_level(struct settling *s, const char *sender)
{
	struct lookup_style style;
	banks_lookup_style(s->policy, &style);
	struct lookup_key *key = lookup_key_address(s->mail, sender, &style);
	log_set_level((int)policy_int(s->policy, SET_log_level, 0));
	if (asked(s, SET_debug_sender_maps, key))
		log_set_level(DEBUG_LEVEL);
}

static int settled(const struct settling *s, struct error *e)
{
	if (s->failed.class == ERROR_NONE)
		return 0;
	if (e)
		*e = s->failed;
	return error_prefix(e, "settle: lookup");
}

int settle_again(struct mail *m, struct policy *policy, struct error *e)
{
	struct settling s = { .mail = m, .policy = policy, .context = { .deadline = m->deadline, .mail = m } };
	m->originating = policy_bool(policy, SET_originating);
	m->policy_bank_path = talloc_strdup(m, policy->path);
	settle_recipients(&s);
	return settled(&s, e);
}

int settle_mail(struct mail *m, struct policy *policy, struct error *e)
{
	struct settling s = { .mail = m, .policy = policy, .context = { .deadline = m->deadline, .mail = m } };
	char *sender = address_unquote(m, m->envelope->sender);
	m->client_address = m->envelope->client.address;
	banks_by_interface(policy, m->envelope->socket_text, m);
	if (banks_by_client(policy, m->client_address, &s.context, m, e) != 0
	    || banks_by_sender(policy, sender, &s.context, m, e) != 0)
		return error_prefix(e, "settle: policy banks");
	m->originating = policy_bool(policy, SET_originating);
	m->policy_bank_path = talloc_strdup(m, policy->path);
	settle_log_level(&s, sender);
	settle_recipients(&s);
	return settled(&s, e);
}
