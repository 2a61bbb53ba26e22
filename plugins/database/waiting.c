/* waiting.c - waits for descriptors that belong to a library. */
#include "waiting.h"

#include <limits.h>
#include <time.h>

int64_t waiting_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Until until_ms, in milliseconds; -1: no limit. */
static int left_ms(int64_t until_ms)
{
	int64_t left = until_ms - waiting_now_ms();
	return until_ms == 0 ? -1 : left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int waiting_wait(struct postern_call *call, int64_t until_ms, int fd, short events, int timeout_ms, bool *patience)
{
	int left = left_ms(until_ms), wait_ms = timeout_ms;
	if (left >= 0 && (wait_ms < 0 || left < wait_ms))
		wait_ms = left;
	int ready = postern_wait(call, fd, events, wait_ms);
	*patience = ready == 0 && timeout_ms >= 0 && left_ms(until_ms) != 0 && postern_time_left_ms(call) > 0;
	return ready;
}
