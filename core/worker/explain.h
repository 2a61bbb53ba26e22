/* explain.h - `posternctl explain`: what a mail would get, and who says so. */
#ifndef POSTERN_WORKER_EXPLAIN_H
#define POSTERN_WORKER_EXPLAIN_H

#include "worker/worker.h"

/* Settles the mail of the envelope (protocol "explain" or "explain json"), delivers nothing. The answer for posternctl, on m:
 * exit code, line end, text or JSON. */
char *explain_run(struct worker *w, struct mail *m);

#endif
