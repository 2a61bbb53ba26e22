/* earlier.h - an earlier try of the mail in hand, whose client has gone: what became of it must be known before the next is sent. */
#ifndef POSTERN_WORKER_EARLIER_H
#define POSTERN_WORKER_EARLIER_H

#include "base/error.h"
#include "mail/mail.h"
#include "worker/worker.h"

/* The delivered ledger's key of a recipient. */
struct ledger_key earlier_key(const struct mail *m, unsigned recipient);
/* Wait until no abandoned try of this mail is being delivered any more and none of its recipients is pending.
 * -1: e->class ERROR_CANCELLED, or ERROR_DEADLINE when it takes too long. */
int earlier_wait(struct worker *w, const struct mail *m, struct error *e);

#endif
