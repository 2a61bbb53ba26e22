/* committed.c - what reception owes the two ledgers.
 *
 * A worker enters each delivered recipient as PENDING in our name; whether it
 * becomes NOTED (a retry will skip it) or vanishes is decided here, by what the
 * client was told. */
#include "config.h"
#include "reception/job.h"

#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/log.h"
#include "reception/reply.h"
#include "reception/state.h"

static bool read_digest(const struct mail_job *job, uint32_t slot, unsigned char out[16])
{
	static const unsigned char none[16];
	if (slot >= SHARED_WORKERS)
		return false;
	const struct shared_worker *w = &job->reception->given->shared->workers[slot];
	if (strncmp(w->log_id, job->envelope.log_id, sizeof w->log_id) != 0)
		return false;	/* the slot is another worker's already */
	memcpy(out, w->digest, 16);
	return memcmp(out, none, 16) != 0;
}

static void make_room(struct mail_job *job)
{
	if (job->committed != NULL)
		return;
	job->committed = talloc_zero_array(job, const char *, job->envelope.recipient_count);
	job->keys = talloc_zero_array(job, struct ledger_key, job->envelope.recipient_count);
	job->has_key = talloc_zero_array(job, bool, job->envelope.recipient_count);
}

int job_note_committed(struct mail_job *job, const struct committed *c, uint32_t slot)
{
	unsigned char digest[16];
	bool known = read_digest(job, slot, digest);
	const struct envelope *e = &job->envelope;
	for (uint32_t i = 0; i < c->count; i++)
		if (c->recipients[i] >= e->recipient_count)
			return -1;
	make_room(job);
	const char *reply = talloc_strdup(job, c->reply != NULL ? c->reply : "250 2.0.0 Ok");
	for (uint32_t i = 0; i < c->count; i++) {
		uint32_t n = c->recipients[i];
		job->committed[n] = reply;
		job->has_key[n] = known;
		if (known)
			job->keys[n] = ledger_key_make(digest, e->sender, e->recipients[n].address);
	}
	return 0;
}

static void note_one(struct mail_job *job, uint32_t n)
{
	const struct reception_settings *given = job->reception->given;
	const char *to = job->envelope.recipients[n].address;
	if (!job->has_key[n] || !ledger_delivered_note(given->shared, job->keys[n], (uint32_t)getpid())) {
		reception_log(job->envelope.log_id, LOG_LEVEL_WARNING, "<%s> was delivered but the client was not told, and it could not be noted: a retry may bring a second copy", to);
		return;
	}
	shared_count(given->shared, COUNT_DELIVERED_NOTED, 1);
	ledger_file_delivered(given->ledger_fd, job->keys[n]);
	reception_log(job->envelope.log_id, LOG_LEVEL_NOTICE, "<%s> was delivered but the client was not told: noted, a retry will skip it", to);
}

static bool is_positive(struct mail_job *job, uint32_t n, bool per_recipient)
{
	const char *reply = per_recipient ? job_recipient_reply(job, n) : job_single_reply(job);
	return reply_is_positive(reply);
}

void job_settle(struct mail_job *job, bool written, bool per_recipient)
{
	for (uint32_t n = 0; job->committed != NULL && n < job->envelope.recipient_count; n++) {
		if (job->committed[n] == NULL)
			continue;
		if (!written || !is_positive(job, n, per_recipient))
			note_one(job, n);
		else if (job->has_key[n])
			ledger_delivered_clear(job->reception->given->shared, job->keys[n], (uint32_t)getpid());
	}
	talloc_free(job->committed);
	job->committed = NULL;
}

void job_note_orphans(struct mail_job *job, uint32_t slot)
{
	const struct reception_settings *given = job->reception->given;
	const struct envelope *e = &job->envelope;
	unsigned char digest[16];
	if (!read_digest(job, slot, digest))
		return;
	for (uint32_t n = 0; n < e->recipient_count; n++) {
		if (job->committed != NULL && job->committed[n] != NULL)
			continue;
		struct ledger_key key = ledger_key_make(digest, e->sender, e->recipients[n].address);
		if (!ledger_delivered_note(given->shared, key, (uint32_t)getpid()))
			continue;
		shared_count(given->shared, COUNT_DELIVERED_NOTED, 1);
		ledger_file_delivered(given->ledger_fd, key);
		reception_log(e->log_id, LOG_LEVEL_NOTICE, "<%s> was delivered by a worker that died before it could say so: noted, a retry will skip it", e->recipients[n].address);
	}
}

void job_note_death(struct mail_job *job, uint32_t slot)
{
	const struct reception_settings *given = job->reception->given;
	unsigned char digest[16];
	if (!read_digest(job, slot, digest)) {
		reception_log(job->envelope.log_id, LOG_LEVEL_ERROR, "the worker in slot %u died with this mail", slot);
		return;
	}
	struct ledger_key key = ledger_key_make(digest, job->envelope.sender, NULL);
	if (atomic_load(&given->shared->workers[slot].blamed)) {
		reception_log(job->envelope.log_id, LOG_LEVEL_ERROR, "the worker in slot %u died with this mail, which had cost an opener already", slot);
		return;
	}
	unsigned deaths = ledger_poison_add(given->shared, key);
	ledger_file_died(given->ledger_fd, key);
	reception_log(job->envelope.log_id, LOG_LEVEL_ERROR, "the worker in slot %u died with this mail, death number %u of it", slot, deaths);
}
