/* spool.h - one mail's bytes: an unnamed file in the work area, accounted for globally and per peer. */
#ifndef POSTERN_RECEPTION_SPOOL_H
#define POSTERN_RECEPTION_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reception/peer.h"

struct reception;

enum spool_state {
	SPOOL_CLOSED,
	SPOOL_OPEN,
	SPOOL_FULL,		/* a limit of the work area, or no space or quota left */
	SPOOL_TOO_BIG,		/* past the listener's message size limit */
	SPOOL_FAILED		/* errnum says why */
};

struct spool {
	enum spool_state state;
	int fd;
	int errnum;
	uint64_t size_bytes;		/* of the mail, counted on past a limit */
	uint64_t accounted_bytes;	/* held in the work area */
	uint64_t limit_bytes;		/* 0: none */
	struct peer *peer;
	struct reception *reception;
};

/* Is there room for a mail of that size in the work area? Nothing is reserved. */
bool spool_has_room(const struct reception *r, const struct peer *p, uint64_t size_bytes);
/* The spool may be SPOOL_FULL or SPOOL_FAILED afterwards; writing to it is then harmless. */
void spool_open(struct spool *s, struct reception *r, struct peer *p, uint64_t limit_bytes);
void spool_write(struct spool *s, const void *data, size_t n);
/* A fresh read-only descriptor of the file, whose mode is 0400 from now on; the writing one is closed. -1: SPOOL_FAILED. */
int spool_finish(struct spool *s);
/* Gives the bytes back to the accounts and closes what is open. Harmless when nothing is. */
void spool_release(struct spool *s);

#endif
