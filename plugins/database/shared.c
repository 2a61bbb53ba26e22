/* shared.c - waits for descriptors that belong to a library; makes and takes back the state of an instance; reaches servers. */
#include "shared.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
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

enum postern_result state_make(struct postern_instance *instance, size_t size, struct postern_error *e)
{
	*postern_state(instance) = calloc(1, size);
	return *postern_state(instance) ? POSTERN_OK : postern_complain(e, POSTERN_TEMPFAIL, "out of memory");
}

void *state_take(struct postern_instance *instance)
{
	void *state = *postern_state(instance);
	*postern_state(instance) = NULL;
	return state;
}

enum postern_result server_connect(struct postern_call *call, const struct server_options *o, int64_t *until_ms,
	enum postern_result (*connect_to)(struct postern_call *call, const char *address))
{
	int left = postern_time_left_ms(call);
	int64_t end_ms = waiting_now_ms() + (left < o->connect_timeout_ms ? left : o->connect_timeout_ms), now_ms;
	const char *const *addresses = postern_resolve(call, o->server);
	size_t count = 0;
	if (!addresses)
		return POSTERN_TEMPFAIL;
	while (addresses[count])
		count++;
	enum postern_result r = postern_fail(call, POSTERN_TEMPFAIL, "connect to %s: the time was over when its name was resolved", o->server);
	for (size_t k = 0; k < count && r != POSTERN_OK && (now_ms = waiting_now_ms()) < end_ms; k++) {
		*until_ms = now_ms + (end_ms - now_ms) / (int64_t)(count - k);
		r = connect_to(call, addresses[k]);
	}
	*until_ms = 0;
	return r;
}

const char *server_place(struct postern_call *call, const struct server_options *o, bool over_socket, const char *socket, int port)
{
	if (over_socket)
		return o->socket && *o->socket ? o->socket : socket;
	return postern_printf(call, strchr(o->server, ':') ? "[%s]:%d" : "%s:%d", o->server, o->port ? (int)o->port : port);
}
