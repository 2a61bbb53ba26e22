/* transaction.h - one mail transaction on one connection: envelope, body, outcomes of its recipients. */
#ifndef POSTERN_DELIVER_TRANSACTION_H
#define POSTERN_DELIVER_TRANSACTION_H

#include "deliver/connection.h"
#include "deliver/deliver.h"

enum transaction_outcome {
	TRANSACTION_ANSWERED,	/* at least one recipient is settled; what is still open was put off by 452 */
	TRANSACTION_STALE,	/* a kept connection was dead before it answered MAIL: nothing happened */
	TRANSACTION_DOWN,	/* nobody has the mail: the hop went away, or said 421; see failure */
	TRANSACTION_REFUSED,	/* nobody has the mail: 4xx to MAIL; see failure */
	TRANSACTION_UNFIT,	/* the hop lacks an extension that the mail needs; see failure */
	TRANSACTION_STOPPED	/* deadline, cancel, unreadable mail: do not go on anywhere; see failure */
};

struct transaction {
	const struct deliver_order *order;
	struct connection *connection;
	struct deadline deadline;		/* of the mail */
	struct deadline envelope_deadline;	/* until 354: earlier where another hop could still be tried */
	char *const *blocks;			/* two of BODY_BLOCK bytes */
	void *owner;				/* of the texts in results */
	struct deliver_result *results;		/* one per recipient of the order */
	unsigned *open;				/* positions in results still open; those settled are taken out */
	unsigned open_count;
	/* out */
	bool connection_is_clean;		/* no reply outstanding: it may carry the next transaction */
	int failure_code;
	const char *failure;			/* reply for those still open, talloc on owner */
};

enum transaction_outcome transaction_run(struct transaction *t);

#endif
