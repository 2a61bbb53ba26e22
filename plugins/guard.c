/* guard.c - the thread that ends what a library would wait for for ever.  Of the call it only asks whether the mail is still wanted. */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOOK_AGAIN_MS 100		/* whether the mail is still wanted */

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_over(struct guard *g)
{
	return now_ms() >= g->until_ms || postern_wait(g->call, -1, 0, 0) < 0;
}

static void *watch(void *context)
{
	struct guard *g = context;
	struct pollfd p = { .fd = g->done[0], .events = POLLIN };
	for (;;) {
		int64_t left = g->until_ms - now_ms();
		if (poll(&p, 1, left < 0 ? 0 : left < LOOK_AGAIN_MS ? (int)left : LOOK_AGAIN_MS) > 0)
			return NULL;
		if (!is_over(g))
			continue;
		int fd = atomic_load(&g->fd);
		if (fd >= 0) {
			shutdown(fd, SHUT_RDWR);
			atomic_store(&g->shut, true);
			return NULL;
		}
		g->until_ms = now_ms() + LOOK_AGAIN_MS;		/* it may come about yet */
	}
}

/* The process's signals are for its main thread. */
static int start(struct guard *g)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int problem = pthread_create(&g->thread, NULL, watch, g);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return problem;
}

bool guard_begin(struct guard *g, struct postern_call *call, int fd, int timeout_ms)
{
	*g = (struct guard){ .call = call, .until_ms = now_ms() + timeout_ms };
	atomic_init(&g->fd, fd);
	if (pipe2(g->done, O_CLOEXEC) != 0)
		return false;
	errno = start(g);
	if (errno == 0)
		return true;
	close(g->done[0]);
	close(g->done[1]);
	return false;
}

bool guard_end(struct guard *g)
{
	close(g->done[1]);	/* poll sees it hang up */
	pthread_join(g->thread, NULL);
	close(g->done[0]);
	return atomic_load(&g->shut);
}
