/* pool.h - a worker's kept connections. */
#ifndef POSTERN_DELIVER_POOL_H
#define POSTERN_DELIVER_POOL_H

#include "deliver/connection.h"
#include "deliver/deliver.h"

#define POOL_KEPT_MAX 8
#define POOL_IDLE_MS 30000	/* a connection that carried nothing for so long is closed */
#define POOL_AGE_MS 60000	/* and one that is so old, so that a hop behind a changed name is found */
#define POOL_LEAVE_MS 10000	/* how long the answer to QUIT is waited for, beside other work */

struct deliver_pool {
	struct shared *shared;			/* may be NULL */
	unsigned kept_count, leaving_count;
	struct connection *kept[POOL_KEPT_MAX];
	struct connection *leaving[POOL_KEPT_MAX];	/* QUIT was sent */
	char *block[2];				/* for bodies, BODY_BLOCK bytes each */
};

/* A kept connection to that hop that still stands, or NULL. It is the caller's then. */
struct connection *pool_take(struct deliver_pool *p, const struct next_hop *hop, const char *identity);
/* Keep it for the next mail. Only one on which no reply is outstanding. */
void pool_keep(struct deliver_pool *p, struct connection *c);
/* Say QUIT and close later: nobody waits for the answer. */
void pool_leave(struct deliver_pool *p, struct connection *c);

#endif
