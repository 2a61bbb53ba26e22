/* queue.h - mails that wait for a worker, and workers that wait for a mail.
 *
 * Mails wait in order, bounded by count, bytes and time; of the idle workers the
 * last one to fall idle is taken first (its caches and its CPU are warm).  A
 * token is one end of a SEQPACKET pair; it serves one job after the other until
 * the worker says that it is leaving, or dies. */
#ifndef POSTERN_RECEPTION_QUEUE_H
#define POSTERN_RECEPTION_QUEUE_H

#include "reception/job.h"

struct queue;

struct queue *queue_new(struct reception *r);
/* Closes every token; jobs still there are settled as never told. */
void queue_free(struct queue *q);
/* Takes the descriptor over. */
void queue_add_token(struct queue *q, const struct token *t, int fd);
/* The job's spool is finished (mail_fd). false: the queue is full, the job stays the caller's. */
bool queue_submit(struct queue *q, struct mail_job *job);
/* The job's session ends: a waiting mail is dropped; a running one of which nothing was committed is cancelled. */
void queue_client_gone(struct queue *q, struct mail_job *job);
/* No worker is left and none can come: what waits gets its 451 now, and so does what comes. */
void queue_no_more_tokens(struct queue *q);
/* While draining: idle workers that no mail under way can need are let go. */
void queue_release_idle(struct queue *q);
bool queue_is_empty(const struct queue *q);

#endif
