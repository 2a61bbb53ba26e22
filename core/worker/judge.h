/* judge.h - stage 4: facts and policy become the fate of each recipient.  Pure: no I/O, no lookups, no clock. */
#ifndef POSTERN_WORKER_JUDGE_H
#define POSTERN_WORKER_JUDGE_H

#include "mail/mail.h"
#include "worker/rcpt_policy.h"

struct judge_settings {
	bool virus_failure_is_fatal;	/* virus_scanners_failure_is_fatal */
	bool opener_failure_is_fatal;	/* opener_failure = "tempfail" */
	bool poison_is_fatal;		/* poison_action = "tempfail" */
	bool soft_bounce;
};

/* What the check stage could not find out. */
struct judge_facts {
	bool opener_failed;		/* its opener ended or lied */
	bool poisoned;			/* not opened: it has killed too often */
	bool virus_unanswered;		/* scanners were to be asked and none completed */
	bool virus_tempfail;		/* a scanner with on_error = "tempfail" failed */
	bool virus_unchecked;		/* a scanner with on_error = "unchecked" failed */
	const char *failure;		/* one line for reply and log, or NULL */
};

/* Fills categories of mail and recipients, destiny, blocking, and for blocked recipients fate and reply. */
void judge_mail(struct mail *m, const struct judge_facts *facts, const struct judge_settings *settings);
/* The one reply for all recipients (SMTP, AM.PDP): first 4xx wins; all discarded: 250; all discarded or rejected: the 5xx; else 250 with a tail. */
const char *judge_single_reply(const struct mail *m, void *owner);
/* Macro %F of a recipient: its first banned part in short; NULL: none. */
const char *judge_banned_summary(const struct mail *m, const struct recipient *r);
/* "Eicar-Test-Signature" or "A, B" without repeats. */
const char *judge_virus_names(const struct mail *m, void *owner);

#endif
