/* policy_share.h - recipients with equal policies share one, so that later stages can compare pointers. */
#ifndef POSTERN_WORKER_POLICY_SHARE_H
#define POSTERN_WORKER_POLICY_SHARE_H

#include "worker/rcpt_policy.h"

struct policy_share;

/* Lives on owner, which must outlive the policies' use. */
struct policy_share *policy_share_new(void *owner);
/* The first policy that was given and says the same, else this one. What is equal to an earlier one is freed. */
const struct rcpt_policy *policy_share_take(struct policy_share *s, struct rcpt_policy *fresh);

#endif
