/* check.c - asks the opener and the virus scanners, and takes down facts.
 * It decides nothing: whether a silence is fatal is judge.c's business; but it never writes down "clean" for a scanner
 * that did not say so. */
#include "worker/check.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "base/log.h"
#include "lookup/lookup.h"
#include "worker/findings.h"

static bool any_wants_virus(const struct mail *m)
{
	for (unsigned i = 0; i < m->recipient_count; i++)
		if (!m->recipients[i].policy->bypass_virus)
			return true;
	return false;
}

bool check_wants_opening(const struct mail *m)
{
	for (unsigned i = 0; i < m->recipient_count; i++)
		if (!m->recipients[i].policy->bypass_virus || !m->recipients[i].policy->bypass_banned)
			return true;
	return false;
}

/* Its program was not there at start, and the administrator has not said that this scanner must answer. */
static bool is_left_out(const struct plugin_instance *i)
{
	return i->absent && i->on_error == ON_ERROR_IGNORE;
}

static bool runs_in_opener(const struct plugin_instance *i)
{
	return i->plugin->capabilities & POSTERN_CAP_HOSTILE_PARSER;
}

/* The instances of a list, those of the opener or those of the worker; talloc array on owner. */
static unsigned pick_instances(const struct value *list, bool in_opener, void *owner, struct plugin_instance ***out)
{
	unsigned count = 0;
	size_t n = list && list->kind == VALUE_LIST ? list->u.list.count : 0;
	*out = talloc_zero_array(owner, struct plugin_instance *, n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct value *v = list->u.list.items[i];
		if (v->kind == VALUE_INSTANCE && runs_in_opener(v->u.instance) == in_opener && !is_left_out(v->u.instance))
			(*out)[count++] = v->u.instance;
	}
	return count;
}

/* keep_decoded_original_maps on the pseudo type MAIL. What MAIL-UNDECIPHERABLE asks for is always done. */
static bool keeps(const struct policy *p, const char *pseudo_type, void *owner)
{
	struct lookup_key *key = lookup_key_strings(owner, &pseudo_type, 1);
	return lookup_true(policy_value(p, SET_keep_decoded_original_maps), key, NULL, owner, NULL);
}

/* An opener that ended, lied or hung over a mail counts against the mail, once per try (reception counts the worker's death). */
static void blame(struct worker *w, const struct mail *m, const struct error *e)
{
	struct ledger_key key = ledger_key_make(m->digest, m->envelope->sender, NULL);
	if (e->class != ERROR_INPUT && e->class != ERROR_DEADLINE)
		return;
	shared_count(w->shared, COUNT_OPENER_DEATHS, 1);
	if (atomic_exchange(&w->slot->blamed, 1))
		return;
	unsigned deaths = ledger_poison_add(w->shared, key);
	ledger_file_died(w->setup->ledger_fd, key);
	log_write(LOG_LEVEL_WARNING, "this mail has now cost %u opener%s or worker%s", deaths, deaths == 1 ? "" : "s", deaths == 1 ? "" : "s");
}

/* It died, hung or lied: a fact for the judge, and for the ledger if the mail may have done it. -1: the client has gone. */
static int note_opener_failure(struct worker *w, struct mail *m, struct judge_facts *facts, const struct error *e)
{
	if (e->class == ERROR_CANCELLED)
		return -1;
	log_write(LOG_LEVEL_ERROR, "%s", e->text);
	facts->opener_failed = true;
	facts->failure = talloc_strdup(m, e->text);
	blame(w, m, e);
	return 0;
}

/* Does anything in the worker want the parts? A backup may. */
static bool reads_parts(struct mail *m, const struct policy *p)
{
	struct plugin_instance **ignored;
	const struct value *backups = policy_value(p, SET_av_scanners_backup);
	return pick_instances(policy_value(p, SET_av_scanners), false, m, &ignored) > 0
		|| (backups && backups->kind == VALUE_LIST && backups->u.list.count > 0);
}

/* keep_decoded_original_maps: containers that scanners get beside what is in them. */
static bool asks_keep(const struct policy *p)
{
	const struct value *maps = policy_value(p, SET_keep_decoded_original_maps);
	return maps && maps->kind == VALUE_LIST && maps->u.list.count > 0;
}

/* map_full_type_to_short_type_maps: what rules and reports are to call a content; decoders have gone by the built-in table. */
static void rename_types(struct mail *m, const struct policy *p)
{
	const struct value *maps = policy_value(p, SET_map_full_type_to_short_type_maps);
	bool any = maps && maps->kind == VALUE_LIST && maps->u.list.count > 0;
	for (unsigned i = 0; i < m->part_count && any; i++) {
		struct part *part = &m->parts[i];
		if (!part->type_full)
			continue;
		struct lookup_key *key = lookup_key_strings(m, &part->type_full, 1);
		const struct value *type = lookup_first(maps, key, NULL, m, NULL, NULL);
		if (type && type->kind == VALUE_STRING)
			part->type_short = type->u.string;
	}
}

static void keep_containers(struct worker *w, struct mail *m, const struct policy *p, const struct open_result *opened)
{
	uint32_t *kept = talloc_array(m, uint32_t, m->part_count + 1), count = 0;
	for (unsigned i = 0; i < m->part_count && asks_keep(p); i++) {
		struct part *part = &m->parts[i];
		if (!(part->attributes & PART_SPARED) || !part->type_full || !keeps(p, part->type_full, m))
			continue;
		part->attributes &= (uint16_t)~PART_SPARED;
		kept[count++] = part->number;
	}
	open_keep(w->opener, opened, kept, count);
}

/* What the opener is asked for, by whichever of its scanners. */
static struct open_request make_request(struct mail *m, const struct policy *p, struct plugin_instance *const *scanners, unsigned count)
{
	struct plugin_instance **decoders;
	unsigned decoder_count = pick_instances(policy_value(p, SET_decoders), true, m, &decoders);
	return (struct open_request){
		.scan = count > 0,
		.stop_at_first = policy_bool(p, SET_first_infected_stops_scan),
		.keep_mail = m->mail_as_part || keeps(p, "MAIL", m),
		.keep_parts = any_wants_virus(m) && reads_parts(m, p),
		.scanners = (const struct plugin_instance **)(uintptr_t)scanners,
		.scanner_count = count,
		.decoders = (const struct plugin_instance **)decoders,
		.decoder_count = decoder_count,
		.asks_keep = asks_keep(p),
		.policy = p,
	};
}

static void take_parts(struct worker *w, struct mail *m, const struct policy *p, const struct open_result *opened)
{
	keep_containers(w, m, p, opened);
	rename_types(m, p);
}

int check_open(struct worker *w, struct mail *m, const struct policy *p, struct open_result *opened, struct judge_facts *facts, struct error *e)
{
	struct plugin_instance **scanners;
	unsigned count = any_wants_virus(m) ? pick_instances(policy_value(p, SET_av_scanners), true, m, &scanners) : 0;
	struct open_request q = make_request(m, p, count ? scanners : NULL, count);
	/* Scanners get the mail as it came; those that run in the opener need it all the same. */
	if (policy_bool(p, SET_bypass_decode_parts) && count == 0)
		return 0;
	if (open_mail(w->opener, m, &q, opened, e) != 0)
		return note_opener_failure(w, m, facts, e);
	take_parts(w, m, p, opened);
	return 0;
}

/* --- what scanners get: every part with content; the whole mail where that was asked for, or nothing else is there --- */

static void add_whole_mail(struct mail *m, struct plugin_view *view)
{
	struct part *whole = talloc_zero(m, struct part);
	whole->size_bytes = m->size_bytes;
	whole->mime_type = "message/rfc822";
	whole->type_short = "mail";
	whole->placement = "0";
	plugin_view_add_part(view, whole, m->fd);
}

static struct plugin_view *make_view(struct worker *w, struct mail *m)
{
	struct plugin_view *view = plugin_view_new(m, m, opener_link_dir_fd(w->opener), opener_link_folder(w->opener));
	bool any = false;
	for (unsigned i = 0; i < m->part_count; i++) {
		if (!m->parts[i].has_file || m->parts[i].attributes & PART_SPARED)
			continue;
		plugin_view_add_part(view, &m->parts[i], -1);
		any = true;
	}
	if (!any || m->mail_as_part || m->ambiguous || m->undecipherable)
		add_whole_mail(m, view);
	return view;
}

/* --- answers --- */

/* One that failed behind what it had found, or could not say. */
struct broken_off { const struct plugin_instance *instance; struct plugin_outcome outcome; };

struct answers {
	unsigned completed, failed, broken_off_count;
	struct broken_off *broken_off;
	const char *unsure;	/* why the first that could not say could not; NULL: there was none */
};

/* The host puts the instance's name in front of what it reports. */
static const char *with_name(struct mail *m, const struct plugin_instance *i, const char *error)
{
	size_t n = strlen(i->name);
	bool blamed = strncmp(error, i->name, n) == 0 && error[n] == ':';
	return blamed ? error : talloc_asprintf(m, "%s: %s", i->name, error);
}

static void note_failure(struct mail *m, const struct plugin_instance *i, const struct plugin_outcome *o, struct judge_facts *facts)
{
	const char *error = with_name(m, i, o->error ? o->error : "no answer");
	log_write(LOG_LEVEL_WARNING, "scan: %s", error);
	if (i->on_error == ON_ERROR_TEMPFAIL)
		facts->virus_tempfail = true;
	if (i->on_error == ON_ERROR_UNCHECKED)
		facts->virus_unchecked = true;
	if (!facts->failure)
		facts->failure = talloc_asprintf(m, "virus scanner %s", error);
}

/* It has not failed; where no other has looked this is why. */
static void note_unsure(struct mail *m, const struct plugin_instance *i, const struct plugin_outcome *o, struct answers *a)
{
	const char *error = with_name(m, i, o->error ? o->error : "inconclusive");
	log_write(LOG_LEVEL_INFO + 1, "scan: %s", error);
	if (!a->unsure)
		a->unsure = error;
}

static void note_broken_off(struct mail *m, const struct plugin_instance *i, const struct plugin_outcome *o, struct answers *a)
{
	a->broken_off = talloc_realloc(m, a->broken_off, struct broken_off, a->broken_off_count + 1);
	a->broken_off[a->broken_off_count++] = (struct broken_off){ .instance = i, .outcome = *o };
}

static void take_answer(struct worker *w, struct mail *m, const struct plugin_instance *i, const struct plugin_outcome *o, bool backup,
	struct judge_facts *facts, struct answers *a)
{
	struct scan_report report = { .scanner = i->name, .output = o->output, .version = o->version, .way = o->way,
		.elapsed_us = o->elapsed_us, .backup = backup };
	shared_count(w->shared, COUNT_SCANS, 1);
	for (unsigned k = 0; k < o->found_count; k++)
		mail_add_finding(m, i->name, o->version, o->found[k].name, o->found[k].part);
	if (o->result == POSTERN_OK || o->found_count > 0) {
		report.outcome = SCAN_COMPLETED;
		a->completed++;
		if (o->result != POSTERN_OK)
			note_broken_off(m, i, o, a);
	} else if (o->result == POSTERN_NOTHING) {
		report.outcome = SCAN_INCONCLUSIVE;
		report.error = o->error;
		note_unsure(m, i, o, a);
	} else {
		report.outcome = SCAN_FAILED;
		report.error = o->error;
		a->failed++;
		shared_count(w->shared, COUNT_SCANS_FAILED, 1);
		note_failure(m, i, o, facts);
	}
	log_write(LOG_LEVEL_INFO + 1, "scan: %s: %s in %u us", i->name,
		o->found_count ? o->found[0].name : report.outcome == SCAN_COMPLETED ? "clean" : report.outcome == SCAN_FAILED ? "failed" : "inconclusive",
		o->elapsed_us);
	mail_add_report(m, &report);
}

static bool cancelled(const struct mail *m)
{
	struct pollfd p = { .fd = m->deadline.cancel_fd, .events = POLLIN };
	return m->deadline.cancel_fd >= 0 && poll(&p, 1, 0) > 0;
}

/* Scanners in the opener are asked one after another: it is the first that has not answered. */
static void blame_in_opener(struct mail *m, const struct policy *p, const struct open_result *opened, struct error *e)
{
	struct plugin_instance **scanners;
	unsigned count = pick_instances(policy_value(p, SET_av_scanners), true, m, &scanners);
	if ((e->class != ERROR_INPUT && e->class != ERROR_DEADLINE) || opened->finding_count >= count)
		return;
	struct plugin_instance *asked = scanners[opened->finding_count];
	plugin_account(asked, &(struct plugin_outcome){ .result = POSTERN_TEMPFAIL });
	error_prefix(e, "asking %s", asked->name);
}

/* The opener's scanners have been at work since the parts were there; ours run beside them. */
static int ask_primaries(struct worker *w, struct mail *m, const struct policy *p, struct open_result *opened,
	struct judge_facts *facts, struct answers *a, struct error *e)
{
	struct plugin_instance **scanners;
	unsigned count = pick_instances(policy_value(p, SET_av_scanners), false, m, &scanners);
	struct plugin_outcome *outcomes = talloc_zero_array(m, struct plugin_outcome, count + 1);
	if (count > 0)
		plugin_scan_all(scanners, count, make_view(w, m), m->deadline, policy_bool(p, SET_first_infected_stops_scan), m, outcomes);
	if (cancelled(m))
		return error_set(e, ERROR_CANCELLED, "the client has gone");
	if (open_findings(w->opener, m, opened, e) != 0) {
		blame_in_opener(m, p, opened, e);
		if (note_opener_failure(w, m, facts, e) != 0)
			return -1;
	}
	for (unsigned i = 0; i < opened->finding_count; i++) {
		plugin_account(opened->findings[i].instance, &opened->findings[i].outcome);
		take_answer(w, m, opened->findings[i].instance, &opened->findings[i].outcome, false, facts, a);
	}
	for (unsigned i = 0; i < count; i++)
		take_answer(w, m, scanners[i], &outcomes[i], false, facts, a);
	return 0;
}

/* What the first opening has met is true whatever the second one sees, which may end at another limit. */
static void keep_doubts(struct mail *m, const struct mail *before)
{
	m->undecipherable |= before->undecipherable;
	m->unopened |= before->unopened;
	m->crypted |= before->crypted;
	m->ambiguous |= before->ambiguous;
	m->over_limits |= before->over_limits;
	m->mail_as_part |= before->mail_as_part;
	m->hold = before->hold ? before->hold : m->hold;
	m->mime_error = before->mime_error ? before->mime_error : m->mime_error;
}

/* A backup that runs in the opener means a second opening, with that scanner alone. */
static int ask_backup_in_opener(struct worker *w, struct mail *m, const struct policy *p, struct plugin_instance *i,
	struct judge_facts *facts, struct answers *a, struct error *e)
{
	struct open_result again = { 0 };
	struct open_request q = make_request(m, p, &i, 1);
	const struct mail before = *m;
	open_done(w->opener);
	open_wait_emptied(w->opener, m->deadline);
	TALLOC_FREE(m->parts);
	m->part_count = 0;
	bool opened = open_mail(w->opener, m, &q, &again, e) == 0;
	if (opened)
		take_parts(w, m, p, &again);
	keep_doubts(m, &before);
	m->unopened |= !opened;		/* who is asked next sees the mail as it came, and nothing that was in it */
	if (!opened || open_findings(w->opener, m, &again, e) != 0) {
		struct plugin_outcome failed = { .result = POSTERN_TEMPFAIL, .error = talloc_strdup(m, e->text) };
		blame(w, m, e);
		take_answer(w, m, i, &failed, true, facts, a);
		return e->class == ERROR_CANCELLED ? -1 : 0;
	}
	for (unsigned k = 0; k < again.finding_count; k++)
		take_answer(w, m, again.findings[k].instance, &again.findings[k].outcome, true, facts, a);
	return 0;
}

static bool is_softened(const struct mail *m, const char *scanner)
{
	for (unsigned i = 0; i < m->softened_count; i++)
		if (strcmp(m->softened[i].scanner, scanner) == 0)
			return true;
	return false;
}

/* Malware is reason enough to believe one that failed behind it; a sign of spam is none to take the rest for clean. */
static void withdraw_broken_off(struct mail *m, struct judge_facts *facts, struct answers *a)
{
	for (unsigned i = 0; i < a->broken_off_count; i++) {
		const struct broken_off *b = &a->broken_off[i];
		if (!is_softened(m, b->instance->name))
			continue;
		a->completed--;
		if (b->outcome.result == POSTERN_NOTHING) {	/* it does not vouch for the rest */
			note_unsure(m, b->instance, &b->outcome, a);
			continue;
		}
		a->failed++;
		note_failure(m, b->instance, &b->outcome, facts);
	}
	a->broken_off_count = 0;
}

/* A scanner that was to stop at its first finding has not looked further; where that one is no malware nobody vouches for the rest. */
static void weigh(struct mail *m, const struct policy *p, struct judge_facts *facts, struct answers *a)
{
	findings_weigh(m, p);
	if (m->softened_count > 0 && policy_bool(p, SET_first_infected_stops_scan))
		facts->virus_unchecked = true;
	withdraw_broken_off(m, facts, a);
}

/* Each is weighed before the next: one whose answer does not count leaves it to the next. */
static int ask_backups(struct worker *w, struct mail *m, const struct policy *p, struct judge_facts *facts, struct answers *a, struct error *e)
{
	const struct value *list = policy_value(p, SET_av_scanners_backup);
	size_t n = list && list->kind == VALUE_LIST ? list->u.list.count : 0;
	for (size_t k = 0; k < n && a->completed == 0; k++) {
		if (list->u.list.items[k]->kind != VALUE_INSTANCE || is_left_out(list->u.list.items[k]->u.instance))
			continue;
		struct plugin_instance *i = list->u.list.items[k]->u.instance;
		log_write(LOG_LEVEL_WARNING, "scan: no primary scanner has answered, asking the backup %s", i->name);
		if (runs_in_opener(i)) {
			if (ask_backup_in_opener(w, m, p, i, facts, a, e) != 0)
				return -1;
			weigh(m, p, facts, a);
			continue;
		}
		struct plugin_outcome outcome = { 0 };
		plugin_scan_all(&i, 1, make_view(w, m), m->deadline, false, m, &outcome);
		if (cancelled(m))
			return error_set(e, ERROR_CANCELLED, "the client has gone");
		take_answer(w, m, i, &outcome, true, facts, a);
		weigh(m, p, facts, a);
	}
	return 0;
}

/* Nobody has taken it apart, and by the settings it may yet pass as unchecked: what can look at the mail as it came shall. */
static int scan_unopened(struct worker *w, struct mail *m, const struct policy *p, struct judge_facts *facts, struct error *e)
{
	struct open_result none = { 0 };
	struct answers a = { 0 };
	enum setting_id action = facts->poisoned ? SET_poison_action : SET_opener_failure;
	if (g_strcmp0(policy_string(p, action), "unchecked") != 0)
		return 0;
	TALLOC_FREE(m->parts);
	m->part_count = 0;
	if (ask_primaries(w, m, p, &none, facts, &a, e) != 0)
		return -1;
	weigh(m, p, facts, &a);
	return 0;
}

/* Which of them was asked in vain, and what is to be done about it: in the log, and in the reply where the mail is tried again. */
static void note_nobody_vouches(struct mail *m, const struct answers *a, struct judge_facts *facts)
{
	if (a->unsure)
		log_write(LOG_LEVEL_ERROR, "%s: %s", a->failed ? "ALL VIRUS SCANNERS FAILED, or could not tell" : "NO VIRUS SCANNER COULD TELL", a->unsure);
	else
		log_write(LOG_LEVEL_ERROR, a->failed ? "ALL VIRUS SCANNERS FAILED" : "NO VIRUS SCANNERS AVAILABLE");
	m->hold = m->hold ? m->hold : a->unsure && !a->failed ? "No virus scanner could tell" : "No virus scanner has answered";
	if (!facts->failure)
		facts->failure = a->unsure ? talloc_asprintf(m, "no virus scanner could tell, %s", a->unsure) : "no virus scanner has answered";
}

int check_scan(struct worker *w, struct mail *m, const struct policy *p, struct open_result *opened, struct judge_facts *facts, struct error *e)
{
	struct answers a = { 0 };
	if (!any_wants_virus(m))
		return 0;
	if (facts->opener_failed || facts->poisoned)
		return scan_unopened(w, m, p, facts, e);
	if (ask_primaries(w, m, p, opened, facts, &a, e) != 0)
		return -1;
	if (facts->opener_failed)
		return 0;
	weigh(m, p, facts, &a);
	if (a.completed == 0 && ask_backups(w, m, p, facts, &a, e) != 0)
		return -1;
	m->virus_checked = a.completed > 0;
	facts->virus_unanswered = a.completed == 0;
	if (a.completed == 0)
		note_nobody_vouches(m, &a, facts);
	if (plugin_threads_left() || plugin_leaks_found())
		w->leave = true;
	return 0;
}
