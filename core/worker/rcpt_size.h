/* rcpt_size.h - the question at RCPT: may this recipient have a mail of the declared size? */
#ifndef POSTERN_WORKER_RCPT_SIZE_H
#define POSTERN_WORKER_RCPT_SIZE_H

#include "worker/worker.h"

/* For the first recipient of the envelope: "" where nothing speaks against it (or nobody could say: it is measured again after the data),
 * else the reply, "552 5.3.4 Declared message size (...) exceeds ..." and its like, by that recipient's destiny for CC_OVERSIZED. */
const char *rcpt_size_reply(struct worker *w, struct mail *m);

#endif
