/* guard.h - shuts a descriptor within a library that waits by itself: at its time, or when the mail is no longer wanted. */
#ifndef POSTERN_PLUGINS_GUARD_H
#define POSTERN_PLUGINS_GUARD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <postern/plugin.h>

struct guard {
	struct postern_call *call;
	_Atomic int fd;			/* -1: none yet; may be set while the guard stands */
	_Atomic bool shut;		/* it had to */
	int64_t until_ms;		/* CLOCK_MONOTONIC */
	int done[2];
	pthread_t thread;
};

/* A thread of its own stands guard until guard_end(). False: none could be had; errno says why. */
bool guard_begin(struct guard *g, struct postern_call *call, int fd, int timeout_ms);
/* True: the descriptor was shut. */
bool guard_end(struct guard *g);

#endif
