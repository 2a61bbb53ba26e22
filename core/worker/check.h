/* check.h - stages 2 and 3 from the pipeline's view: have the mail opened, ask the scanners, gather facts. */
#ifndef POSTERN_WORKER_CHECK_H
#define POSTERN_WORKER_CHECK_H

#include "worker/judge.h"
#include "worker/open.h"
#include "worker/worker.h"

/* Does any recipient want contents looked at? Then the mail is opened (the virus scanners of the opener run with it). */
bool check_wants_opening(const struct mail *m);
/* Stage "open". Failures become facts; -1 only when the client has gone (e->class ERROR_CANCELLED). */
int check_open(struct worker *w, struct mail *m, const struct policy *p, struct open_result *opened, struct judge_facts *facts, struct error *e);
/* Stage "check": all primary scanners side by side, then the backups one by one if none completed. -1: cancelled. */
int check_scan(struct worker *w, struct mail *m, const struct policy *p, struct open_result *opened, struct judge_facts *facts, struct error *e);

#endif
