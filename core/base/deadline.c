/* deadline.c - the clocks, and arithmetic on deadlines. Nothing here waits. */
#include "config.h"
#include "base/deadline.h"

#include <limits.h>
#include <poll.h>
#include <time.h>

int64_t clock_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_wall_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The moment timeout_ms from now. 0 would mean "none", and a huge timeout must not wrap around. */
static int64_t moment_in(int64_t timeout_ms)
{
	int64_t now = clock_now_ms();
	if (timeout_ms > INT64_MAX - now)
		return INT64_MAX;
	int64_t at = now + timeout_ms;
	return at > 0 ? at : 1;
}

struct deadline deadline_in(int64_t timeout_ms)
{
	return (struct deadline){ .at_ms = moment_in(timeout_ms), .cancel_fd = -1 };
}

struct deadline deadline_none(void)
{
	return (struct deadline){ .at_ms = 0, .cancel_fd = -1 };
}

struct deadline deadline_sooner(struct deadline d, int64_t timeout_ms)
{
	if (timeout_ms <= 0)
		return d;
	int64_t at = moment_in(timeout_ms);
	if (d.at_ms == 0 || at < d.at_ms)
		d.at_ms = at;
	return d;
}

int deadline_left_ms(struct deadline d)
{
	if (d.at_ms == 0)
		return -1;
	int64_t left = d.at_ms - clock_now_ms();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

bool deadline_cancelled(struct deadline d)
{
	struct pollfd p = { .fd = d.cancel_fd, .events = POLLIN };
	return d.cancel_fd >= 0 && poll(&p, 1, 0) > 0;
}
