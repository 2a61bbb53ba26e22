/* rewrite.h - the address that a passed mail is sent on to: rewritten, with an address extension, for local recipients. */
#ifndef POSTERN_WORKER_REWRITE_H
#define POSTERN_WORKER_REWRITE_H

#include "worker/rcpt_policy.h"

/* addr_rewrite_maps_by_ccat, then addr_extension_maps_by_ccat: fills forward_address, forward_orcpt and tagged where there is something to change. */
void rewrite_recipient(struct mail *m, const struct policy *p, struct recipient *r);

#endif
