/* judge.c - the only place where facts become fates.  Pure: it asks nobody, waits for nothing, writes nowhere. */
#include "worker/judge.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "worker/banned.h"

#define NAMES_TOLD 100	/* where one field or line has them all */

static bool needs_checks(const struct recipient *r)
{
	return !(r->policy->bypass_virus && r->policy->bypass_banned);
}

const char *judge_virus_names(const struct mail *m, void *owner)
{
	GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);
	char *names = talloc_strdup(owner, "");
	for (unsigned i = 0; i < m->finding_count; i++) {
		const char *name = m->findings[i].name;
		if (!g_hash_table_add(seen, (void *)(uintptr_t)name))
			continue;
		if (g_hash_table_size(seen) > NAMES_TOLD) {
			names = talloc_strdup_append(names, ", ...");
			break;
		}
		names = talloc_asprintf_append(names, "%s%s", *names ? ", " : "", name);
	}
	g_hash_table_destroy(seen);
	return names;
}

static const struct banned_result *banned_of(const struct mail *m, const struct recipient *r)
{
	const struct banned_result *b = m->banned ? m->banned[r->index] : NULL;
	return b && b->count > 0 ? b : NULL;
}

const char *judge_banned_summary(const struct mail *m, const struct recipient *r)
{
	const struct banned_result *b = banned_of(m, r);
	return b ? b->hits[0].summary : NULL;
}

/* --- categories --- */

static void categorise_unchecked(const struct mail *m, const struct judge_facts *f, struct categories *c)
{
	if (m->crypted)
		categories_add(c, CC_UNCHECKED, CC_UNCHECKED_ENCRYPTED);
	if (m->over_limits)
		categories_add(c, CC_UNCHECKED, CC_UNCHECKED_OVER_LIMITS);
	if (m->ambiguous)
		categories_add(c, CC_UNCHECKED, CC_UNCHECKED_AMBIGUOUS);
	if (m->unopened || f->opener_failed || f->poisoned || f->virus_unanswered || f->virus_unchecked)
		categories_add(c, CC_UNCHECKED, 0);
}

static void categorise(const struct mail *m, const struct judge_facts *f, struct recipient *r)
{
	categories_add(&r->categories, CC_CLEAN, 0);
	if (r->policy->message_size_limit > 0 && m->size_lf_bytes > (uint64_t)r->policy->message_size_limit)
		categories_add(&r->categories, CC_OVERSIZED, 0);
	if (needs_checks(r))
		categorise_unchecked(m, f, &r->categories);
	if (m->header_flaws.worst > 0 && !r->policy->bypass_header)
		categories_add(&r->categories, CC_BADH, m->header_flaws.worst);
	if (banned_of(m, r) && !r->policy->bypass_banned)
		categories_add(&r->categories, CC_BANNED, 0);
	if (m->finding_count > 0 && !r->policy->bypass_virus)
		categories_add(&r->categories, CC_VIRUS, 0);
}

/* --- destiny --- */

static enum destiny destiny_of(const struct recipient *r, struct category c)
{
	struct categories one = { .count = 1, .at = { c } };
	const struct value *v = rcpt_policy_cell(r->policy, CELL_DESTINY, &one);
	return (enum destiny)value_to_int(v, D_PASS);
}

static bool loves(const struct recipient *r, struct category c)
{
	struct categories one = { .count = 1, .at = { c } };
	const struct value *v = rcpt_policy_cell(r->policy, CELL_LOVER, &one);
	return v && value_true_p(v);
}

/* A bounce for a mere flaw of the header is not worth it where nobody waits for it. */
static bool lets_pass_unbounced(const struct mail *m, enum destiny d, struct category c)
{
	return d == D_BOUNCE && c.major == CC_BADH && (m->is_bulk || *m->envelope->sender == '\0');
}

/* A rule of the administrator's says that the sender is not to hear of it. */
static bool is_not_told(const struct mail *m, const struct recipient *r, struct category c)
{
	const struct banned_result *b = banned_of(m, r);
	return c.major == CC_BANNED && b && b->discard;
}

/* From the worst category down; the first that neither passes nor is loved decides. */
static void decide(const struct mail *m, struct recipient *r)
{
	r->destiny = D_PASS;
	for (unsigned i = 0; i < r->categories.count; i++) {
		enum destiny d = destiny_of(r, r->categories.at[i]);
		if (d == D_PASS || d == D_UNSET || loves(r, r->categories.at[i]) || lets_pass_unbounced(m, d, r->categories.at[i]))
			continue;
		r->destiny = d == D_BOUNCE && is_not_told(m, r, r->categories.at[i]) ? D_DISCARD : d;
		r->blocking = r->categories.at[i];
		return;
	}
}

/* --- replies --- */

static const char *enhanced_code(struct category c)
{
	switch (c.major) {
	case CC_OVERSIZED: return "552 5.3.4";
	case CC_BADH: return c.minor == 2 ? "554 5.6.3" : "554 5.6.0";
	case CC_MTA: return "550 5.3.5";
	default: return "554 5.7.0";
	}
}

static const char *fallback_reason(struct category c)
{
	switch (c.major) {
	case CC_VIRUS: return "id=%n - INFECTED: %V";
	case CC_BANNED: return "id=%n - BANNED: %F";
	case CC_BADH: return "id=%n - BAD HEADER";
	case CC_OVERSIZED: return "id=%n - Message size exceeds recipient's size limit";
	case CC_UNCHECKED:
		return c.minor == CC_UNCHECKED_ENCRYPTED ? "id=%n - UNCHECKED: encrypted"
			: c.minor == CC_UNCHECKED_OVER_LIMITS ? "id=%n - UNCHECKED: over limits"
			: c.minor == CC_UNCHECKED_AMBIGUOUS ? "id=%n - UNCHECKED: ambiguous content" : "id=%n - UNCHECKED";
	default: return "id=%n";
	}
}

/* Replies are ASCII (RFC 5321 4.2); what a sender has named stays readable as far as that goes. */
static void append_ascii(GString *out, const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text & 0xc0) != 0x80)	/* a character beyond ASCII is one mark, not one for each octet */
			g_string_append_c(out, *text >= ' ' && *text <= '~' ? *text : '?');
}

/* The few macros that reasons use: %n log id, %V virus names, %F banned part, %i mail id, %%. */
static char *expand_reason(const struct mail *m, const struct recipient *r, const char *pattern, void *owner)
{
	const char *banned = judge_banned_summary(m, r);
	GString *out = g_string_new(NULL);
	for (const char *p = pattern; *p && out->len < 450; p++) {
		if (*p != '%' || !p[1]) {
			g_string_append_c(out, *p);
			continue;
		}
		p++;
		if (*p == 'n')
			g_string_append(out, m->log_id);
		else if (*p == 'V')
			append_ascii(out, judge_virus_names(m, owner));
		else if (*p == 'F')
			append_ascii(out, banned ? banned : "");
		else if (*p == 'i')
			g_string_append(out, m->mail_id);
		else
			g_string_append_c(out, *p);
	}
	g_string_truncate(out, MIN(out->len, 450));
	char *text = talloc_strdup(owner, out->str);
	g_string_free(out, TRUE);
	return text;
}

static const char *reason_of(const struct mail *m, const struct recipient *r)
{
	struct categories one = { .count = 1, .at = { r->blocking } };
	const struct value *v = rcpt_policy_cell(r->policy, CELL_SMTP_REASON, &one);
	const char *pattern = v && v->kind == VALUE_STRING ? v->u.string : fallback_reason(r->blocking);
	return expand_reason(m, r, pattern, (void *)(uintptr_t)m);
}

static const char *reply_of(struct mail *m, const struct recipient *r, bool soft_bounce)
{
	const char *reason = reason_of(m, r), *code = enhanced_code(r->blocking);
	switch (r->destiny) {
	case D_DISCARD:
		return talloc_asprintf(m, "250 2.7.0 Ok, discarded, %s", reason);
	case D_TEMPFAIL:
		return talloc_asprintf(m, "450 4%s Temporary failure, %s", code + 5, reason);
	default:
		if (soft_bounce)
			return talloc_asprintf(m, "450 4%s Reject, %s (soft_bounce)", code + 5, reason);
		return talloc_asprintf(m, "%s Reject, %s", code, reason);	/* D_BOUNCE too: the MTA makes the bounce */
	}
}

/* A rule that could not be tried has not said that nothing is banned; what another rule has found stands. */
static bool is_banned_unknown(const struct mail *m, const struct recipient *r)
{
	const struct banned_result *b = m->banned ? m->banned[r->index] : NULL;
	return b && b->incomplete && b->count == 0 && !r->policy->bypass_banned;
}

/* A recipient for whom the checks could not be made is never passed on: the MTA keeps the mail. */
static bool must_wait(const struct mail *m, const struct judge_facts *f, const struct judge_settings *s, const struct recipient *r)
{
	if (f->opener_failed && s->opener_failure_is_fatal && needs_checks(r))
		return true;
	if (f->poisoned && s->poison_is_fatal && needs_checks(r))
		return true;
	if (is_banned_unknown(m, r))
		return true;
	/* What was found stands, whoever else did not answer. */
	if (r->policy->bypass_virus || m->finding_count > 0)
		return false;
	return f->virus_tempfail || (f->virus_unanswered && s->virus_failure_is_fatal);
}

static void tempfail(struct mail *m, const struct judge_facts *f, struct recipient *r)
{
	r->destiny = D_TEMPFAIL;
	r->blocking = (struct category){ CC_UNCHECKED, 0 };
	r->fate = FATE_FAILED;
	const char *why = f->failure ? f->failure : is_banned_unknown(m, r) ? "banned rules could not be tried" : "checks not completed";
	GString *told = g_string_new(NULL);
	append_ascii(told, why);	/* a scanner's own words may stand in it */
	r->reply = talloc_asprintf(m, "451 4.5.0 Error in processing, id=%s, %s", m->log_id, told->str);
	g_string_free(told, TRUE);
}

void judge_mail(struct mail *m, const struct judge_facts *facts, const struct judge_settings *settings)
{
	for (unsigned i = 0; i < m->recipient_count; i++) {
		struct recipient *r = &m->recipients[i];
		categorise(m, facts, r);
		for (unsigned k = 0; k < r->categories.count; k++)
			categories_add(&m->categories, (enum ccat)r->categories.at[k].major, r->categories.at[k].minor);
		if (must_wait(m, facts, settings, r)) {
			tempfail(m, facts, r);
			continue;
		}
		decide(m, r);
		if (r->destiny == D_PASS)
			continue;
		r->fate = FATE_BLOCKED;
		r->reply = reply_of(m, r, settings->soft_bounce);
	}
}

/* --- one reply for all (SMTP) --- */

struct tally {
	unsigned passed, skipped, rejected, refused, discarded;	/* refused: by the next hop, for good */
	const char *first_pass, *first_reject, *first_refusal, *first_discard;
};

static void count_one(struct tally *t, const struct recipient *r)
{
	if (r->fate == FATE_BLOCKED && r->destiny == D_DISCARD) {
		t->discarded++;
		t->first_discard = t->first_discard ? t->first_discard : r->reply;
	} else if (r->reply[0] == '5' && r->fate == FATE_FAILED) {
		t->refused++;
		t->first_refusal = t->first_refusal ? t->first_refusal : r->reply;
	} else if (r->reply[0] == '5') {
		t->rejected++;
		t->first_reject = t->first_reject ? t->first_reject : r->reply;
	} else {
		t->passed++;
		t->skipped += r->skipped;
		t->first_pass = t->first_pass ? t->first_pass : r->reply;
	}
}

static const char *with_tail(const struct tally *t, void *owner)
{
	if (t->rejected == 0)
		return t->first_pass;
	return talloc_asprintf(owner, "%s, but %u REJECT", t->first_pass, t->rejected);
}

const char *judge_single_reply(const struct mail *m, void *owner)
{
	struct tally t = { 0 };
	for (unsigned i = 0; i < m->recipient_count; i++) {
		const struct recipient *r = &m->recipients[i];
		if (!r->reply)
			return talloc_asprintf(owner, "451 4.5.0 Error in processing, id=%s, a recipient was left undecided", m->log_id);
		if (r->reply[0] == '4')
			return r->reply;
		count_one(&t, r);
	}
	/* One reply cannot say that some have it and others never will, and nobody here writes a bounce: the MTA is asked to
	 * come again; then those who have it are skipped, and it is told of the others. */
	if (t.refused > 0 && t.passed > t.skipped)
		return talloc_asprintf(owner, "451 4.5.0 id=%s, %u of %u recipients have it, the next hop refused others: try again to learn of them",
			m->log_id, t.passed, m->recipient_count);
	if (t.refused > 0)
		return t.first_refusal;
	if (t.passed == 0 && t.rejected > 0)
		return t.first_reject;
	if (t.passed == 0)
		return t.first_discard ? t.first_discard : "503 5.1.1 No recipients";
	return with_tail(&t, owner);
}
