/* senders.h - white and black lists and scores by sender, for each recipient: facts for the spam checks, kept on the mail. */
#ifndef POSTERN_WORKER_SENDERS_H
#define POSTERN_WORKER_SENDERS_H

#include "worker/settle_recipient.h"

/* For every recipient: whitelisted, blacklisted, sql_policy_id, and a score line AM.WBL where scores by sender are not zero.
 * A failure is kept in s->failed. May be called again when other banks hold. */
void senders_settle(struct settling *s);

#endif
