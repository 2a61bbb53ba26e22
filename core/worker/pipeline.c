/* pipeline.c - the ordered stages of a mail: read this file first.
 *
 *   settle   banks and every recipient's settings, by lookups                 settle.c banks.c
 *   open     the jailed opener takes the mail apart and runs its scanners     open.c check.c
 *   check    banned names and types, the form of the header                    contents.c banned.c
 *            the other virus scanners, side by side; backups                  check.c
 *            names of malware may bring other banks: settled again            findings.c settle.c
 *   judge    facts + policy -> the fate of each recipient; pure               judge.c
 *   act      quarantine what must be kept                                     quarantine.c
 *   deliver  hand on what passes; COMMITTED as the next hop takes it          forward.c edits.c
 *   answer   replies, log line, RESULT                                        answer.c
 *
 * A stage fills `struct mail` for the next.  Whatever cannot be settled ends in a
 * 4xx, and the MTA keeps the mail. */
#include "worker/pipeline.h"

#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "worker/act.h"
#include "worker/answer.h"
#include "worker/check.h"
#include "worker/contents.h"
#include "worker/findings.h"
#include "worker/judge.h"
#include "worker/settle.h"

#define EMPTYING_MS 1000	/* a mail that the next hop has taken does not wait longer for its parts to be gone */

static void fail_everyone(struct mail *m, const char *why)
{
	for (unsigned i = 0; i < m->recipient_count; i++) {
		struct recipient *r = &m->recipients[i];
		if (r->fate != FATE_UNDECIDED)
			continue;
		r->fate = FATE_FAILED;
		r->destiny = D_TEMPFAIL;
		r->reply = talloc_asprintf(m, "451 4.5.0 Error in processing, id=%s, %s", m->log_id, why);
	}
}

/* The reply names what could not be asked; none of these texts ever holds a password. -1: nobody waits for it any more. */
static int fail_unsettled(struct mail *m, const struct error *why, struct error *e)
{
	if (why->class == ERROR_CANCELLED) {
		*e = *why;
		return -1;
	}
	log_write(LOG_LEVEL_ERROR, "%s", why->text);
	fail_everyone(m, talloc_asprintf(m, "settings could not be looked up: %.300s", why->text));
	return 0;
}

static bool is_poisoned(struct worker *w, const struct mail *m, const struct policy *p)
{
	int64_t limit = policy_int(p, SET_poison_limit, 3);
	unsigned deaths = ledger_poison_deaths(w->shared, ledger_key_make(m->digest, m->envelope->sender, NULL));
	if (limit <= 0 || deaths < (uint64_t)limit)
		return false;
	log_write(LOG_LEVEL_WARNING, "this mail has ended %u openers or workers: not opened again", deaths);
	shared_count(w->shared, COUNT_POISONED, 1);
	return true;
}

static int open_and_check(struct worker *w, struct mail *m, const struct policy *p, struct judge_facts *facts, struct error *e)
{
	struct open_result opened = { 0 };
	if (!check_wants_opening(m)) {
		contents_check(m, p);
		return 0;
	}
	facts->poisoned = is_poisoned(w, m, p);
	if (facts->poisoned) {
		contents_check(m, p);
		facts->failure = "it has ended its opener or worker too often";
		return 0;
	}
	worker_stage(w, STAGE_OPEN);
	if (check_open(w, m, p, &opened, facts, e) != 0)
		return -1;
	worker_stage(w, STAGE_CHECK);
	contents_check(m, p);
	int rc = check_scan(w, m, p, &opened, facts, e);
	open_done(w->opener);
	return rc;
}

static void judge(struct worker *w, struct mail *m, const struct policy *p, const struct judge_facts *facts)
{
	const char *opener_failure = policy_string(p, SET_opener_failure), *poison_action = policy_string(p, SET_poison_action);
	struct judge_settings settings = {
		.virus_failure_is_fatal = policy_bool(p, SET_virus_scanners_failure_is_fatal),
		.opener_failure_is_fatal = !opener_failure || strcmp(opener_failure, "unchecked") != 0,
		.poison_is_fatal = !poison_action || strcmp(poison_action, "unchecked") != 0,
		.soft_bounce = policy_bool(p, SET_soft_bounce),
	};
	worker_stage(w, STAGE_JUDGE);
	judge_mail(m, facts, &settings);
}

static int act(struct worker *w, struct mail *m, const struct policy *p, uint32_t owner_pid, struct error *e)
{
	worker_stage(w, STAGE_ACT);
	act_quarantine(w, m, p, NULL);
	worker_stage(w, STAGE_DELIVER);
	if (act_forward(w, m, p, owner_pid, e) != 0)
		return -1;
	fail_everyone(m, "not settled");
	return 0;
}

/* What was found may bring other banks: they hold from here on. */
static bool resettle(struct mail *m, struct policy *policy, struct error *why)
{
	bool loaded = false;
	return findings_load_banks(m, policy, &loaded, why) == 0 && (!loaded || settle_again(m, policy, why) == 0);
}

int pipeline_run(struct worker *w, struct mail *m, uint32_t owner_pid, struct error *e)
{
	struct policy policy = w->base;
	struct judge_facts facts = { 0 };
	struct error why = { 0 };
	int rc = 0;
	worker_stage(w, STAGE_SETTLE);
	if (settle_mail(m, &policy, NULL, &why) != 0) {
		rc = fail_unsettled(m, &why, e);
	} else {
		rc = open_and_check(w, m, &policy, &facts, e);
		if (rc == 0 && !resettle(m, &policy, &why)) {
			rc = fail_unsettled(m, &why, e);
		} else if (rc == 0) {
			judge(w, m, &policy, &facts);
			rc = act(w, m, &policy, owner_pid, e);
		}
		if (rc != 0)
			open_done(w->opener);
	}
	worker_stage(w, STAGE_ANSWER);
	open_wait_emptied(w->opener, deadline_in(EMPTYING_MS));
	if (rc == 0) {
		m->reply = judge_single_reply(m, m);
		answer_log(w, m, &policy);
	}
	return rc;
}
