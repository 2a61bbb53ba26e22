/* settle.h - stage 1: which banks hold for this mail, and everything the site says about each recipient.
 *
 * All lookups of a mail happen here; later stages read `struct rcpt_policy` and nothing else. */
#ifndef POSTERN_WORKER_SETTLE_H
#define POSTERN_WORKER_SETTLE_H

#include "worker/rcpt_policy.h"
#include "worker/settle_recipient.h"

/* Fills policy (banks), mail->client_address, originating, policy_bank_path and every recipient's policy.  watch (NULL: nobody) is told
 * where each value came from.  -1: a lookup could not answer (TEMPFAIL). */
int settle_mail(struct mail *m, struct policy *policy, struct settle_watch *watch, struct error *e);
/* The banks of policy have changed since: every recipient anew. Before judge.c only. */
int settle_again(struct mail *m, struct policy *policy, struct error *e);

#endif
