/* log_mail.c - from the facts of a settled mail to its main log lines; how a line looks is report/logline.c's business. */
#include "worker/log_mail.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "report/actions.h"
#include "report/logline.h"
#include "worker/findings.h"
#include "worker/judge.h"
#include "worker/rcpt_policy.h"
#include "worker/trace.h"

#define FINDINGS_LOGGED 20
#define PARTS_LOGGED 20		/* of one finding */

struct listing {
	const struct mail *mail;
	const struct policy *policy;
	void *owner;
};

static bool has_it(const struct recipient *r)
{
	return r->fate == FATE_PASSED;
}

/* --- words --- */

/* The first recipient of the line for whom a part is banned speaks for it. */
static const char *banned_word(const struct listing *l, bool passed)
{
	for (unsigned i = 0; i < l->mail->recipient_count; i++) {
		const struct recipient *r = &l->mail->recipients[i];
		const char *summary = has_it(r) == passed ? judge_banned_summary(l->mail, r) : NULL;
		if (summary)
			return talloc_asprintf(l->owner, "BANNED (%s)", summary);
	}
	return "BANNED";
}

static const char *category_word(const struct listing *l, struct category c, bool passed)
{
	switch (c.major) {
	case CC_VIRUS: return talloc_asprintf(l->owner, "INFECTED (%s)", judge_virus_names(l->mail, l->owner));
	case CC_BANNED: return banned_word(l, passed);
	case CC_UNCHECKED: return c.minor == CC_UNCHECKED_ENCRYPTED ? "UNCHECKED-ENCRYPTED" : "UNCHECKED";
	case CC_SPAM: return "SPAM";
	case CC_SPAMMY: return "SPAMMY";
	case CC_BADH: return talloc_asprintf(l->owner, "BAD-HEADER-%u", c.minor);
	case CC_OVERSIZED: return "OVERSIZED";
	case CC_MTA: return "MTA-BLOCKED";
	case CC_CLEAN: return "CLEAN";
	default: return "OTHER";
	}
}

static const char *category_name(struct category c)
{
	static const char *const names[] = { "CatchAll", "Clean", "MtaFailed", "Oversized", "BadHdr", "Spammy", "Spam", "Unchecked", "Banned", "Virus" };
	return c.major < sizeof names / sizeof *names ? names[c.major] : "CatchAll";
}

/* What stands for a line: the worst category of its recipients; of blocked ones the one that blocked. */
static struct category line_category(const struct mail *m, bool passed)
{
	struct category worst = { 0, 0 };
	for (unsigned i = 0; i < m->recipient_count; i++) {
		const struct recipient *r = &m->recipients[i];
		if (has_it(r) != passed)
			continue;
		struct category c = r->fate == FATE_BLOCKED || r->destiny == D_TEMPFAIL ? r->blocking : categories_main(&r->categories);
		if (r->fate == FATE_FAILED && r->destiny == D_PASS)
			c = (struct category){ CC_MTA, 0 };
		if (c.major > worst.major || (c.major == worst.major && c.minor > worst.minor))
			worst = c;
	}
	return worst;
}

static enum action_fate fate_of(const struct recipient *r)
{
	if (r->destiny == D_PASS && r->fate == FATE_FAILED && r->reply && r->reply[0] == '5')
		return ACTION_REJECTED;
	return actions_fate(r->destiny == D_BOUNCE ? D_REJECT : r->destiny, r->delivered, r->reply, ACTION_DSN_NONE);
}

static const char *actions_text(const struct listing *l)
{
	const struct mail *m = l->mail;
	struct action_recipient *recipients = talloc_zero_array(l->owner, struct action_recipient, m->recipient_count + 1);
	for (unsigned i = 0; i < m->recipient_count; i++)
		recipients[i] = (struct action_recipient){ .fate = fate_of(&m->recipients[i]),
			.is_local = m->recipients[i].policy && m->recipients[i].policy->is_local, .tagged = m->recipients[i].tagged };
	struct action_facts facts = {
		.originating = m->originating, .quarantined = m->quarantine_count > m->archive_count, .archived = m->archive_count > 0,
		.recipient_count = m->recipient_count, .recipients = recipients,
	};
	GString *text = g_string_new(NULL);
	actions_format(text, &facts);
	const char *copy = talloc_strdup(l->owner, text->str);
	g_string_free(text, TRUE);
	return copy;
}

static const char *quarantine_text(const struct listing *l)
{
	char *text = NULL;
	for (unsigned i = 0; i < l->mail->quarantine_count; i++)
		text = talloc_asprintf(l->owner, "%s%s%s", text ? text : "", text ? ", " : "", l->mail->quarantines[i].location);
	return text;
}

static const char *field_text(const struct listing *l, const char *name)
{
	const struct header_field *f = header_find(&l->mail->header, name);
	char *value = f ? header_value(&l->mail->header, f, l->owner) : NULL;
	return value && *value ? value : NULL;
}

static const char *const *addresses(const struct listing *l, bool passed)
{
	const char **list = talloc_zero_array(l->owner, const char *, l->mail->recipient_count + 1);
	unsigned n = 0;
	for (unsigned i = 0; i < l->mail->recipient_count; i++)
		if (has_it(&l->mail->recipients[i]) == passed)
			list[n++] = l->mail->recipients[i].envelope->address;
	return list;
}

static const char *queued_as(const struct listing *l)
{
	char *text = NULL;
	for (unsigned i = 0; i < l->mail->recipient_count; i++) {
		const char *id = l->mail->recipients[i].queued_as;
		bool known = !id;
		for (unsigned k = 0; k < i && !known; k++)
			known = l->mail->recipients[k].queued_as && strcmp(l->mail->recipients[k].queued_as, id) == 0;
		if (!known)
			text = talloc_asprintf(l->owner, "%s%s%s", text ? text : "", text ? "/" : "", id);
	}
	return text;
}

/* --- one line --- */

static void fill(const struct listing *l, bool passed, struct logline *line)
{
	const struct mail *m = l->mail;
	*line = (struct logline){
		.passed = passed,
		.category = category_word(l, line_category(m, passed), passed),
		.actions = actions_text(l),
		.policy_banks = m->policy_bank_path ? m->policy_bank_path : "",
		.originating = m->originating,
		.client_ip = m->client_address, .client_port = m->envelope->client.port,
		.origin_ip = trace_oldest_public_ip(m, l->owner),
		.sender = m->envelope->sender,
		.recipients = addresses(l, passed),
		.quarantine = quarantine_text(l),
		.queue_id = m->envelope->client.ident,
		.message_id = field_text(l, "message-id"), .resent_message_id = field_text(l, "resent-message-id"),
		.mail_id = m->mail_id,
		.hits = "-",
		.size = m->size_lf_bytes,
		.queued_as = passed ? queued_as(l) : NULL,
		.elapsed_ms = (uint64_t)((clock_wall_us() - m->envelope->received_wall_us) / 1000),
	};
}

static void write_text(const struct listing *l, bool passed)
{
	struct logline line;
	GString *text = g_string_new(NULL);
	fill(l, passed, &line);
	if (line.recipients[0]) {
		logline_format(text, &line);
		log_write(LOG_LEVEL_NOTICE, "%s", text->str);
	}
	g_string_free(text, TRUE);
}

static const char *destiny_word(const struct recipient *r)
{
	switch (r->destiny) {
	case D_DISCARD: return "DISCARD";
	case D_REJECT: case D_BOUNCE: return "REJECT";
	case D_TEMPFAIL: return "TEMPFAIL";
	default: return "PASS";
	}
}

static void fill_details(const struct listing *l, struct logline *line)
{
	const struct mail *m = l->mail;
	struct logline_recipient *details = talloc_zero_array(l->owner, struct logline_recipient, m->recipient_count + 1);
	for (unsigned i = 0; i < m->recipient_count; i++) {
		const struct recipient *r = &m->recipients[i];
		details[i] = (struct logline_recipient){
			.address = r->envelope->address, .original = r->envelope->orcpt,
			.is_local = r->policy && r->policy->is_local, .bypass_virus_checks = r->policy && r->policy->bypass_virus,
			.bypass_banned_checks = r->policy && r->policy->bypass_banned, .bypass_spam_checks = r->policy && r->policy->bypass_spam,
			.whitelisted = r->whitelisted, .blacklisted = r->blacklisted, .sql_policy_id = r->sql_policy_id,
			.action = destiny_word(r), .reply = r->reply, .queued_as = r->queued_as,
			.ccat_blocking = r->fate == FATE_BLOCKED ? category_name(r->blocking) : NULL,
			.banning_reason = judge_banned_summary(m, r),
			.ccat_main = category_name(categories_main(&r->categories)),
		};
	}
	line->details = details;
	line->detail_count = m->recipient_count;
}

static void fill_findings(const struct listing *l, struct logline *line)
{
	const struct mail *m = l->mail;
	const char **names = talloc_zero_array(l->owner, const char *, m->finding_count + 1);
	const char **scanners = talloc_zero_array(l->owner, const char *, m->finding_count + 1);
	for (unsigned i = 0; i < m->finding_count; i++) {
		names[i] = m->findings[i].name;
		scanners[i] = m->findings[i].scanner;
	}
	line->virus_names = names;
	line->scanners = scanners;
	line->findings = findings_told(m, l->owner);
	line->fake_sender = m->fake_sender;
	const char **tests = talloc_zero_array(l->owner, const char *, m->score_count + 1);
	for (unsigned i = 0; i < m->score_count; i++)
		tests[i] = m->scores[i].test;
	line->score_tests = tests;
}

/* "found: Eicar-Test-Signature by clamav (ClamAV 1.4.3/27830/Fri Nov 20 09:00:00 2026) in part 1/2, 1/3" */
static void write_finding(const struct logline_finding *f)
{
	GString *text = g_string_new(NULL);
	g_string_printf(text, "found: %s by %s (%s) in part ", f->name, f->scanner, f->version ? f->version : "version unknown");
	for (size_t k = 0; f->parts[k] && k < PARTS_LOGGED; k++)
		g_string_append_printf(text, "%s%s", k ? ", " : "", f->parts[k]);
	log_write(LOG_LEVEL_NOTICE, "%s%s", text->str, f->spam_only ? ", a sign of spam only" : "");
	g_string_free(text, TRUE);
}

static void write_findings(const struct listing *l)
{
	const struct logline_finding *list = findings_told(l->mail, l->owner);
	for (size_t k = 0; list[k].name && k < FINDINGS_LOGGED; k++)
		write_finding(&list[k]);
}

#define FILE_NAMES_TOLD 100
#define FILE_NAMES_BYTES 4000	/* a log line is no place for what a sender may fill it with */

/* Of every part the names it was declared with, in order, each once, as far as there is room. */
static const char *const *file_names(const struct listing *l)
{
	const struct mail *m = l->mail;
	GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);
	const char **names = talloc_zero_array(l->owner, const char *, FILE_NAMES_TOLD + 1);
	size_t n = 0, bytes = 0;
	for (unsigned i = 0; i < m->part_count; i++) {
		for (unsigned k = 0; k < m->parts[i].name_count && n < FILE_NAMES_TOLD && bytes < FILE_NAMES_BYTES; k++) {
			const char *name = m->parts[i].names[k];
			if (!g_hash_table_add(seen, (gpointer)(uintptr_t)name))
				continue;
			names[n++] = name;
			bytes += strlen(name);
		}
	}
	g_hash_table_destroy(seen);
	return n > 0 ? names : NULL;
}

/* Letters of the checks that were made, in amavisd-new's order. */
static const char *checks_text(const struct listing *l)
{
	const struct mail *m = l->mail;
	const char *text = talloc_asprintf(l->owner, "%s%s%s", m->virus_checked ? "V " : "", m->header_checked ? "H " : "", m->banned_checked ? "B " : "");
	return *text ? talloc_strndup(l->owner, text, strlen(text) - 1) : NULL;
}

static void write_json(const struct listing *l)
{
	const struct mail *m = l->mail;
	bool passed = false;
	struct logline line;
	GString *text = g_string_new(NULL);
	for (unsigned i = 0; i < m->recipient_count; i++)
		passed = passed || has_it(&m->recipients[i]);
	fill(l, passed, &line);
	fill_details(l, &line);
	fill_findings(l, &line);
	line.log_id = m->log_id;
	line.host = policy_string(l->policy, SET_myhostname);
	line.protocol = m->envelope->protocol;
	line.reply = m->reply;
	line.subject = field_text(l, "subject");
	line.from = field_text(l, "from");
	line.time_wall_us = m->envelope->received_wall_us;
	line.source_ip = m->envelope->peer_address;
	line.content_type = category_name(line_category(m, passed));
	line.checks = checks_text(l);
	line.attached_file_names = file_names(l);
	logline_json(text, &line);
	log_write_json(LOG_LEVEL_NOTICE, text->str);
	g_string_free(text, TRUE);
}

void log_mail(const struct mail *m, const struct policy *p)
{
	struct listing l = { .mail = m, .policy = p, .owner = talloc_new(m) };
	if (policy_bool(p, SET_log_json)) {
		write_json(&l);
	} else {
		write_findings(&l);
		write_text(&l, true);
		write_text(&l, false);
	}
	talloc_free(l.owner);
}
