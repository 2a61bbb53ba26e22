/* pipeline.h - one mail's way through a worker. */
#ifndef POSTERN_WORKER_PIPELINE_H
#define POSTERN_WORKER_PIPELINE_H

#include "worker/worker.h"

/* Settle the mail's fate: afterwards every recipient has a reply and mail->reply is set. -1: cancelled, nothing was delivered. */
int pipeline_run(struct worker *w, struct mail *m, uint32_t owner_pid, struct error *e);

#endif
