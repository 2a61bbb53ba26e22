/* answer.h - the last stage: the main log line, the counters, the RESULT record. */
#ifndef POSTERN_WORKER_ANSWER_H
#define POSTERN_WORKER_ANSWER_H

#include "worker/worker.h"

/* One "Passed" line for recipients that got it, one "Blocked" line for the rest; counters. */
void answer_log(struct worker *w, const struct mail *m, const struct policy *p);
/* RESULT to reception on the token. -1: reception has gone. */
int answer_send(struct worker *w, const struct mail *m);
/* The same reply for all: a mail that could not even be taken over, or was cancelled; the answer to posternctl. */
/* Of a job whose answer posternctl prints. */
int answer_send_text(struct worker *w, unsigned recipient_count, const char *text);
int answer_send_failure(struct worker *w, unsigned recipient_count, const char *reply);

#endif
